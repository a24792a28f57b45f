"""What the models say about a place in the stack file: which keys, what kind of value, how it is described.

Error messages, the JSON Schema and the reference page all ask here, so that they cannot disagree.
"""

from __future__ import annotations

import types
import typing
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from components.spec.base import Path
from components.spec.platform import Platform

Kind = Literal["model", "mapping", "list", "scalar"]

UNITS: Mapping[str, str] = {
    "Gib": "GiB",
    "Usd": "USD",
    "Days": "days",
    "Hours": "hours",
    "HoursPerMonth": "hours a month",
    "Percent": "percent",
    "Percents": "percent",
    "Seconds": "seconds",
    "MbpsPerTib": "MB/s per TiB",
}
"""Last part of a key -> the unit of its value."""


@dataclass(frozen=True)
class Shape:
    """What may stand at one place."""

    kind: Kind
    models: tuple[type[BaseModel], ...] = ()
    """The model that stands here; several where a key of theirs says which one."""
    tag: str | None = None
    """That key, such as `provisioner`."""
    entries: Any = None
    """Annotation of what a mapping or a list holds."""
    key: Any = None
    """Annotation of a mapping's keys."""
    annotation: Any = None
    """Annotation of a scalar."""
    infos: tuple[FieldInfo, ...] = ()
    """How the field (or the entry of a mapping or list) is described: the field itself, then its annotation."""
    optional: bool = False
    """Whether `null` may stand here."""

    def variants(self) -> Mapping[str, type[BaseModel]]:
        """Value of the tag -> model; empty where one model stands here."""
        if self.tag is None:
            return {}
        return {tag: model for model in self.models for tag in literals(model.model_fields[self.tag].annotation)}


def literals(annotation: Any) -> tuple[str, ...]:
    """The texts of a Literal; none for anything else."""
    return typing.get_args(annotation) if typing.get_origin(annotation) is Literal else ()


def aliases(model: type[BaseModel]) -> Mapping[str, FieldInfo]:
    """Key in the stack file -> field."""
    return {info.alias or name: info for name, info in model.model_fields.items()}


ROOT = Shape(kind="model", models=(Platform,))


def shape_of(annotation: Any, info: FieldInfo | None = None) -> Shape:
    """The shape that an annotation describes; `info` is the field that it belongs to."""
    bare, inner, optional = _bare(annotation)
    infos = tuple(one for one in (info, inner) if one is not None)
    tag = next((found for one in infos if (found := _tag(one))), None)
    base = Shape(kind="scalar", infos=infos, optional=optional)
    origin = typing.get_origin(bare)
    if origin in (typing.Union, types.UnionType):
        return replace(base, kind="model", models=tuple(_models(bare)), tag=tag)
    if isinstance(bare, type) and issubclass(bare, BaseModel):
        return replace(base, kind="model", models=(bare,))
    if origin is dict:
        key, entries = typing.get_args(bare)
        return replace(base, kind="mapping", key=key, entries=entries)
    if origin is tuple:
        return replace(base, kind="list", entries=typing.get_args(bare)[0])
    return replace(base, annotation=bare)


def _tag(info: FieldInfo) -> str | None:
    return info.discriminator if isinstance(info.discriminator, str) else None


def _bare(annotation: Any) -> tuple[Any, FieldInfo | None, bool]:
    """Take `Annotated` and `| None` off; return what is left, the field description met, and whether None was met."""
    inner: FieldInfo | None = None
    optional = False
    while True:
        origin = typing.get_origin(annotation)
        if origin is typing.Annotated:
            annotation, *extras = typing.get_args(annotation)
            inner = next((extra for extra in extras if isinstance(extra, FieldInfo)), inner)
        elif origin in (typing.Union, types.UnionType) and type(None) in typing.get_args(annotation):
            rest = [a for a in typing.get_args(annotation) if a is not type(None)]
            annotation, optional = rest[0] if len(rest) == 1 else typing.Union[tuple(rest)], True  # noqa: UP007 - built
        else:
            return annotation, inner, optional


def _models(union: Any) -> Iterator[type[BaseModel]]:
    for arg in typing.get_args(union):
        bare, _, _ = _bare(arg)
        if typing.get_origin(bare) in (typing.Union, types.UnionType):
            yield from _models(bare)
        else:
            yield bare


def below(shape: Shape, part: str | int) -> Shape | None:
    """The shape one step down; None where nothing can stand there."""
    if shape.kind == "mapping" or (shape.kind == "list" and isinstance(part, int)):
        return shape_of(shape.entries)
    for model in shape.models:
        info = aliases(model).get(str(part))
        if info is not None:
            return shape_of(info.annotation, info)
    return None


def chosen(shape: Shape, value: Any) -> Shape:
    """Narrow a shape to the variant that a value names by its tag; unchanged where it names none."""
    tag = value.get(shape.tag) if shape.tag and isinstance(value, Mapping) else None
    model = shape.variants().get(tag) if isinstance(tag, str) else None
    return shape if model is None else replace(shape, models=(model,), tag=None)


def closest(shape: Shape, value: Any) -> str:
    """The tag of the variant that knows most of a mapping's keys: what its author most likely meant."""
    given = set(value) if isinstance(value, Mapping) else set()
    return max(shape.variants().items(), key=lambda row: len(given & set(aliases(row[1]))))[0]


def shape_at(path: Path, values: Any) -> Shape | None:
    """The shape at a path, with variants chosen as the given values say; None where nothing can stand."""
    shape: Shape | None = ROOT
    here = values
    for part in path:
        if shape is None:
            return None
        shape = below(chosen(shape, here), part)
        here = step(here, part)
    return shape if shape is None else chosen(shape, here)


def step(here: Any, part: str | int) -> Any:
    """The value one step down, or None."""
    if isinstance(here, list):
        return here[part] if isinstance(part, int) and part < len(here) else None
    return here.get(part) if isinstance(here, Mapping) else None


def keys_at(path: Path, values: Any = None) -> list[str]:
    """Keys allowed at a path, sorted; empty where keys are free (such as the names of pools)."""
    shape = shape_at(path, values)
    return sorted({key for model in shape.models for key in aliases(model)}) if shape else []


def place(loc: tuple[str | int, ...]) -> Path:
    """A path in the file for one of pydantic's locations, which also name the variants that were tried."""
    path: list[str | int] = []
    shape: Shape | None = ROOT
    for part in loc:
        if part == "[key]":
            break
        if shape is not None and shape.tag is not None and part in shape.variants():
            shape = replace(shape, models=(shape.variants()[str(part)],), tag=None)
            continue
        path.append(part)
        shape = below(shape, part) if shape is not None else None
    return tuple(path)


def unit(name: str | int) -> str:
    """The unit that a key names at its end; empty where it names none."""
    found = [suffix for suffix in UNITS if str(name).endswith(suffix)]
    return UNITS[max(found, key=len)] if found else ""
