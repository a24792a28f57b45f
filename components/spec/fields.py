"""Which keys the models know at a path; used to offer the nearest one when a key is unknown."""

from __future__ import annotations

import types
import typing
from collections.abc import Iterator

from pydantic import BaseModel

from components.spec.base import Path
from components.spec.platform import Platform


def keys_at(path: Path) -> list[str]:
    """Keys allowed at a path, sorted; empty where keys are free (such as the names of pools)."""
    shapes: list[object] = [Platform]
    for part in path:
        shapes = [below for shape in shapes for below in _step(shape, str(part))]
    return sorted({alias for shape in shapes for alias, _ in _fields(shape)})


def _step(shape: object, key: str) -> Iterator[object]:
    """Shapes one step below: the field of a model, or the entries of a mapping or list."""
    if isinstance(shape, type) and issubclass(shape, BaseModel):
        for alias, annotation in _fields(shape):
            if alias == key:
                yield from _flat(annotation)
    elif typing.get_origin(shape) is dict:
        yield from _flat(typing.get_args(shape)[1])
    elif typing.get_origin(shape) is tuple:
        yield from _flat(typing.get_args(shape)[0])


def _fields(shape: object) -> Iterator[tuple[str, object]]:
    if isinstance(shape, type) and issubclass(shape, BaseModel):
        for name, info in shape.model_fields.items():
            yield info.alias or name, info.annotation


def _flat(annotation: object) -> Iterator[object]:
    """Take unions and `Annotated` apart."""
    origin = typing.get_origin(annotation)
    if origin is typing.Annotated:
        yield from _flat(typing.get_args(annotation)[0])
    elif origin in (typing.Union, types.UnionType):
        for arg in typing.get_args(annotation):
            yield from _flat(arg)
    else:
        yield annotation
