"""What may stand at a place, in words, and an example for it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel
from pydantic_core import PydanticUndefined

from components.spec import edits
from components.spec.base import Path
from components.spec.fields import Shape, aliases, literals, shape_of, unit
from components.spec.forms import BY_REGEX, Form

_WORDS = (
    *(("ge", "at least"), ("gt", "more than"), ("le", "at most"), ("lt", "less than")),
    ("multiple_of", "a multiple of"),
)


def choices(shape: Shape | None) -> tuple[str, ...]:
    """The words that may stand at a place; none where it takes other things than fixed words."""
    return literals(shape.annotation) if shape is not None else ()


def form(shape: Shape | None) -> Form | None:
    """The form of text that a place asks for."""
    found = (BY_REGEX.get(getattr(extra, "pattern", None) or "") for extra in _constraints(shape))
    return next((one for one in found if one is not None), None)


def bounds(shape: Shape | None) -> Mapping[str, Any]:
    """Bounds of a number, or of the length of a list or mapping, by pydantic's names for them."""
    names = [*(key for key, _ in _WORDS), "min_length", "max_length"]
    found = ((key, getattr(extra, key, None)) for extra in _constraints(shape) for key in names)
    return {key: value for key, value in found if value is not None}


def _constraints(shape: Shape | None) -> list[Any]:
    return [extra for info in shape.infos for extra in info.metadata] if shape is not None else []


def allowed(shape: Shape | None, path: Path) -> str:
    """What may stand at a place, in words: what to choose from, the form of text, or a kind of value with bounds."""
    if choices(shape):
        return edits.listed(choices(shape))
    words = _stated_words(shape)
    if words is not None:
        return words
    name = next((part for part in reversed(path) if isinstance(part, str)), "")
    return f"{_kind(shape)}{_bounds(shape)}{f', in {unit(name)}' if unit(name) else ''}"


def _stated_words(shape: Shape | None) -> str | None:
    """What a field itself says may stand there (`patternErrorMessage`, which editors show too)."""
    extras = [info.json_schema_extra for info in shape.infos] if shape is not None else []
    words = [
        extra["patternErrorMessage"] for extra in extras if isinstance(extra, dict) and "patternErrorMessage" in extra
    ]
    return str(words[0]) if words else None


def _kind(shape: Shape | None) -> str:
    if shape is None:
        return "nothing"
    if shape.kind == "model":
        return f"a mapping of {edits.listed(dict.fromkeys(key for model in shape.models for key in aliases(model)))}"
    if shape.kind == "mapping":
        return "a mapping from names"
    if shape.kind == "list":
        entry = shape_of(shape.entries)
        words = edits.listed(choices(entry)) or _stated_words(entry)
        return f"a list of: {words}" if words else "a list"
    kinds: Mapping[Any, str] = {int: "a whole number", float: "a number", bool: "true or false", str: "text"}
    return kinds.get(shape.annotation, "a value")


def _bounds(shape: Shape | None) -> str:
    found = bounds(shape)
    words = [f"{word} {found[key]}" for key, word in _WORDS if key in found]
    if shape is not None and shape.kind in ("list", "mapping"):
        lengths = (("min_length", "with at least"), ("max_length", "with at most"))
        words += [
            f"{word} {found[key]} entr{'y' if found[key] == 1 else 'ies'}" for key, word in lengths if key in found
        ]
    return f", {' and '.join(words)}" if words else ""


def example(shape: Shape | None) -> Any:
    """A value that may stand at a place: the example its field gives, its default, or the smallest that is allowed."""
    stated = _stated(shape) if shape is not None else None
    if shape is None or stated is not None:
        return stated
    if shape.kind == "model":
        return _example_model(shape)
    if shape.kind == "mapping":
        return {"main": example(shape_of(shape.entries))} if bounds(shape).get("min_length") else {}
    if shape.kind == "list":
        return [example(shape_of(shape.entries))]
    return _example_scalar(shape)


def _example_scalar(shape: Shape) -> Any:
    if choices(shape):
        return choices(shape)[0]
    limits = bounds(shape)
    lowest = limits["gt"] + 1 if "gt" in limits else limits.get("ge", 1)
    return {int: lowest, float: lowest, bool: True}.get(shape.annotation, "text")


def _stated(shape: Shape) -> Any:
    """The example of a field, or its default where that is a plain value."""
    examples = [example for info in shape.infos for example in info.examples or ()]
    plain = [info.default for info in shape.infos if info.default not in (PydanticUndefined, None)]
    found = [*examples, *(value for value in plain if not isinstance(value, BaseModel))]
    return (list(found[0]) if isinstance(found[0], tuple) else found[0]) if found else None


def _example_model(shape: Shape) -> dict[str, Any]:
    tag = {shape.tag: next(iter(shape.variants()))} if shape.tag else {}
    required = {key: info for key, info in aliases(shape.models[0]).items() if info.is_required() and key != shape.tag}
    return {**tag, **{key: example(shape_of(info.annotation, info)) for key, info in required.items()}}
