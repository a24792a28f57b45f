"""Turns the provider's objects into AWS's and back, along the shapes that AWS publishes for its operations.

The provider writes a member's name with small first letters, maps for tags, and many truth values as text.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any

from botocore import xform_name
from botocore.model import ListShape, Shape, StructureShape
from moto.core.utils import get_service_model

Renames = Mapping[tuple[str, str], str]
"""Shape and member -> name of the provider, where it is not simply the member's."""


def to_api(service: str, shape: str, value: Any, renames: Renames | None = None) -> Any:
    """An object of the provider as a shape of the service. Raises `ValueError` for a property unknown to AWS."""
    return _there(_shape(service, shape), value, renames or {})


def from_api(service: str, shape: str, value: Any, renames: Renames | None = None) -> Any:
    """A shape of the service as an object of the provider."""
    return _back(_shape(service, shape), value, renames or {})


@cache
def _shape(service: str, name: str) -> Shape:
    found: Shape = get_service_model(service).shape_for(name)
    return found


def camel(member: str) -> str:
    """The provider's name of a member."""
    first, *rest = xform_name(member).split("_")
    return first + "".join(part[:1].upper() + part[1:] for part in rest)


def _names(shape: StructureShape, renames: Renames) -> dict[str, str]:
    return {renames.get((shape.name, member), camel(member)): member for member in shape.members}


def _there(shape: Shape, value: Any, renames: Renames) -> Any:
    if isinstance(shape, StructureShape):
        names = _names(shape, renames)
        unknown = sorted(set(value) - set(names))
        if unknown:
            raise ValueError(f"{shape.name} of AWS has no {', '.join(unknown)}")
        return {
            names[key]: _there(shape.members[names[key]], item, renames)
            for key, item in value.items()
            if item is not None
        }
    if isinstance(shape, ListShape):
        if isinstance(value, Mapping):  # tags
            return [{"Key": key, "Value": str(item)} for key, item in sorted(value.items())]
        return [_there(shape.member, item, renames) for item in value]
    if shape.type_name == "boolean" and isinstance(value, str):
        return value == "true"
    if shape.type_name in ("integer", "long") and not isinstance(value, bool):
        return int(value)
    return str(value) if shape.type_name == "string" and not isinstance(value, str) else value


def _back(shape: Shape, value: Any, renames: Renames) -> Any:
    if isinstance(shape, StructureShape):
        ours = {member: name for name, member in _names(shape, renames).items()}
        return {
            ours[key]: _back(shape.members[key], item, renames)
            for key, item in value.items()
            if key in ours and item not in (None, [], {})
        }
    if isinstance(shape, ListShape):
        if isinstance(shape.member, StructureShape) and set(shape.member.members) == {"Key", "Value"}:
            return {item["Key"]: item["Value"] for item in value}
        return [_back(shape.member, item, renames) for item in value]
    return value
