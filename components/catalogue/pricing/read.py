"""Reading plan values: absent takes the default, unknown is said to be unknown, text that is a number is one.

A value of a plan may be the marker of something known only after deployment, and the policy pack hands in numbers as
floats. Whatever is there but not of the expected kind is treated as not known: guessing would hide a cost.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from components.catalogue.pricing.model import Unpriceable

SUFFIXES = {
    "m": 1e-3, "": 1.0, "k": 1e3, "M": 1e6, "G": 1e9, "T": 1e12, "P": 1e15,
    "Ki": 2.0**10, "Mi": 2.0**20, "Gi": 2.0**30, "Ti": 2.0**40, "Pi": 2.0**50,
}  # fmt: skip
"""Kubernetes quantity suffixes."""

GIB = 2.0**30


def dig(value: Any, *path: str | int) -> Any:
    """Return what stands at a path of mappings and lists, or None where the path ends early."""
    for part in path:
        if not _holds(value, part):
            return None
        value = value[part]
    return value


def text(inputs: Mapping[str, Any], *path: str, default: str | None = None) -> str | None:
    """Return a string, or the default where nothing is set. Raises `Unpriceable` where it is not known yet."""
    value = dig(inputs, *path)
    if value is None:
        return default
    if not isinstance(value, str):
        raise _not_known(path)
    return value


def count(inputs: Mapping[str, Any], *path: str, default: float | None = None) -> float | None:
    """Return a number of 0 or more, or the default where nothing is set. Raises `Unpriceable` where not known."""
    value = dig(inputs, *path)
    if value is None:
        return default
    found = quantity(value)
    if found is None:
        raise _not_known(path)
    return found


def truth(inputs: Mapping[str, Any], *path: str, default: bool = False) -> bool:
    """Return a yes or no, or the default where nothing is set. Raises `Unpriceable` where not known."""
    value = dig(inputs, *path)
    if value is None:
        return default
    if not isinstance(value, bool):
        raise _not_known(path)
    return value


def items(inputs: Mapping[str, Any], *path: str) -> Sequence[Any]:
    """Return a list, empty where nothing is set. Raises `Unpriceable` where the list itself is not known."""
    value = dig(inputs, *path)
    if value is None:
        return ()
    if not isinstance(value, Sequence) or isinstance(value, str):
        raise _not_known(path)
    return value


def strings(inputs: Mapping[str, Any], *path: str) -> tuple[str, ...]:
    """Return a list of strings. Raises `Unpriceable` where it or one of them is not known."""
    found = items(inputs, *path)
    if not all(isinstance(value, str) for value in found):
        raise _not_known(path)
    return tuple(found)


def quantity(value: Any) -> float | None:
    """Return a Kubernetes quantity (`16`, `500m`, `64Gi`) as a number, in bytes for memory; None where it is none."""
    if isinstance(value, bool):
        return None
    if isinstance(value, int | float):
        number = float(value)
    elif isinstance(value, str):
        digits = value.strip().rstrip("mkKMGTPi")
        factor = SUFFIXES.get(value.strip()[len(digits) :])
        try:
            number = float(digits) * factor if factor is not None else math.nan
        except ValueError:
            return None
    else:
        return None
    return number if 0 <= number < math.inf else None


def gib(value: Any) -> float | None:
    """Return a volume size in GiB: `100Gi` as Kubernetes writes it, or a plain number of GiB as EC2 does."""
    found = quantity(value)
    if found is None:
        return None
    return found / GIB if isinstance(value, str) and not value.strip().isdigit() else found


def share(value: Any) -> float | None:
    """Return a share from 0 to 1: `0.3`, `30%`, or `30` (a number above 1 is a percentage); None where it is none."""
    percent = isinstance(value, str) and value.strip().endswith("%")
    found = quantity(value.strip().rstrip("%") if isinstance(value, str) else value)
    if found is None:
        return None
    found = found / 100 if percent or found > 1 else found
    return found if found <= 1 else None


def tag(inputs: Mapping[str, Any], name: str) -> Any:
    """Return an AWS tag's value, or None."""
    for key in ("tags", "tagsAll"):
        value = dig(inputs, key, name)
        if value is not None:
            return value
    return None


def _holds(value: Any, part: str | int) -> bool:
    if isinstance(value, Mapping):
        return part in value
    is_list = isinstance(value, Sequence) and not isinstance(value, str)
    return is_list and isinstance(part, int) and part < len(value)


def _not_known(path: tuple[str, ...]) -> Unpriceable:
    return Unpriceable(f"{'.'.join(path)} is known only after deployment, or is not of the kind it should be")
