"""Property bags between the engine and a double: plain Python values with marks for secrets and unknowns."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from google.protobuf import json_format, struct_pb2
from pulumi.runtime import rpc


@dataclass(frozen=True)
class Secret:
    """A value that the engine keeps encrypted; its repr tells nothing."""

    value: Any

    def __repr__(self) -> str:
        return "Secret(...)"


class _Unknown:
    """The one value that stands for "known only after deployment"."""

    def __repr__(self) -> str:
        return "UNKNOWN"


UNKNOWN: Final = _Unknown()


def read(struct: struct_pb2.Struct) -> dict[str, Any]:
    """A property bag as plain values; whole numbers are integers, secrets `Secret`, unknowns `UNKNOWN`."""
    return {key: _value(value) for key, value in json_format.MessageToDict(struct).items()}


def write(values: Mapping[str, Any]) -> struct_pb2.Struct:
    """A property bag for the engine; what is None is left out, as providers do."""
    struct = struct_pb2.Struct()
    struct.update({key: _wired(value) for key, value in values.items() if value is not None})
    return struct


def _value(value: Any) -> Any:
    if isinstance(value, Mapping):
        if value.get(rpc._special_sig_key) == rpc._special_secret_sig:
            return Secret(_value(value.get("value")))
        if value.get(rpc._special_sig_key) == rpc._special_output_value_sig:
            known = _value(value["value"]) if "value" in value else UNKNOWN
            return Secret(known) if value.get("secret") else known
        return {key: _value(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_value(item) for item in value]
    if value == rpc.UNKNOWN:
        return UNKNOWN
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _wired(value: Any) -> Any:
    if isinstance(value, Secret):
        return {rpc._special_sig_key: rpc._special_secret_sig, "value": _wired(value.value)}
    if value is UNKNOWN:
        return rpc.UNKNOWN
    if isinstance(value, Mapping):
        return {key: _wired(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_wired(item) for item in value]
    return value


def reveal(value: Any) -> Any:
    """The value without marks of secrecy, for whoever must use it; unknowns stay marked."""
    if isinstance(value, Secret):
        return reveal(value.value)
    if isinstance(value, Mapping):
        return {key: reveal(item) for key, item in value.items()}
    if isinstance(value, list):
        return [reveal(item) for item in value]
    return value


def veil(outputs: Mapping[str, Any], inputs: Mapping[str, Any]) -> dict[str, Any]:
    """Mark as secret each output whose input of the same name was, or held, a secret."""
    return {key: Secret(reveal(value)) if has_secret(inputs.get(key)) else value for key, value in outputs.items()}


def has_secret(value: Any) -> bool:
    """Whether a secret is in a value at any depth."""
    if isinstance(value, Secret):
        return True
    if isinstance(value, Mapping):
        return any(has_secret(item) for item in value.values())
    return isinstance(value, list) and any(has_secret(item) for item in value)


def has_unknown(value: Any) -> bool:
    """Whether an unknown is in a value at any depth."""
    if isinstance(value, Secret):
        return has_unknown(value.value)
    if isinstance(value, Mapping):
        return any(has_unknown(item) for item in value.values())
    return value is UNKNOWN or (isinstance(value, list) and any(has_unknown(item) for item in value))
