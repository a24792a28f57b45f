"""Turns what pydantic says about a value into what a person needs: place, allowed values, consequence, edit."""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from components.spec.base import Path, Problem, dotted
from components.spec.fields import keys_at

_VARIANTS = frozenset(
    {"create", "existing", "eks", "private", "restricted", "karpenter", "managed", "exclusive", "mig"}
    | {"time-slicing", "mps", "cpu", "memory", "prometheus"}
)
"""Names that pydantic puts into a location to say which variant of a union it tried."""

UNITS = {"Gib": "GiB", "Usd": "USD", "Days": "days", "Hours": "hours", "Percent": "percent", "Seconds": "seconds"}

_UNREAD = "Trellis would have to guess what is meant; nothing is created from a guess"


def explain(error: ValidationError, values: Any) -> list[Problem]:
    """Every fault of a validation error, as problems with places in the given values."""
    problems: dict[Path, Problem] = {}
    for detail in error.errors(include_url=False):
        path = _place(detail["loc"], values)
        problems.setdefault(path, _problem(detail, path, values))
    return list(problems.values())


def _place(loc: tuple[str | int, ...], values: Any) -> Path:
    """Drop union variants and `[key]` markers from a location, so that it is a path in the file."""
    path: list[str | int] = []
    here = values
    for index, part in enumerate(loc):
        last = index == len(loc) - 1
        if part == "[key]":
            continue
        inside = _inside(here, part)
        if not inside and part in _VARIANTS and not (last and isinstance(here, Mapping)):
            continue
        path.append(part)
        here = here[part] if inside else None
    return tuple(path)


def value_at(values: Any, path: Path) -> Any:
    """The value at a path, or None."""
    here = values
    for part in path:
        if not _inside(here, part):
            return None
        here = here[part]
    return here


def _inside(here: Any, part: str | int) -> bool:
    """Whether a step down from here leads anywhere."""
    if isinstance(here, list):
        return isinstance(part, int) and part < len(here)
    return isinstance(here, Mapping) and part in here


def _problem(detail: ErrorDetails, path: Path, values: Any) -> Problem:
    kind = detail["type"]
    value = value_at(values, path)
    if kind == "extra_forbidden":
        return _unknown_key(path, value)
    if kind == "missing":
        return Problem(
            path=path,
            value=None,
            message="this setting is required",
            allowed=_allowed(detail),
            consequence="there is no default that would be right for everyone",
            fix=f"add `{path[-1]}:` below `{dotted(path[:-1])}`",
        )
    if kind in {"union_tag_invalid", "union_tag_not_found"}:
        return _variant(detail, path, value)
    return Problem(
        path=path,
        value=value,
        message=_message(detail),
        allowed=_allowed(detail, path),
        consequence=_UNREAD,
        fix=_fix(path, value, detail),
    )


def _unknown_key(path: Path, value: Any) -> Problem:
    known = keys_at(path[:-1])
    near = difflib.get_close_matches(str(path[-1]), known, n=3, cutoff=0.5)
    hint = f"rename it to `{near[0]}`" if near else f"remove `{path[-1]}`"
    return Problem(
        path=path,
        value=value,
        message="unknown key" + (f"; the nearest is `{near[0]}`" if near else ""),
        allowed=", ".join(known) or "no further key",
        consequence="it would have been ignored, and what was meant would not happen",
        fix=hint,
    )


def _variant(detail: ErrorDetails, path: Path, value: Any) -> Problem:
    context = detail.get("ctx", {})
    tag = str(context.get("discriminator", "kind")).strip("'")
    allowed = str(context.get("expected_tags", "")).replace("'", "`") or "see stacks/schema.json"
    given = value.get(tag) if isinstance(value, Mapping) else value
    where = (*path, tag) if isinstance(value, Mapping) else path
    return Problem(
        path=where if isinstance(value, Mapping) and tag in value else path,
        value=given,
        message=f"`{tag}` says nothing that is known" if given is not None else f"`{tag}` is missing",
        allowed=allowed,
        consequence=_UNREAD,
        fix=f"write `{tag}:` with one of {allowed}",
    )


def _message(detail: ErrorDetails) -> str:
    text = detail["msg"].removeprefix("Value error, ")
    return text[:1].lower() + text[1:]


def _unit(path: Path) -> str:
    name = next((p for p in reversed(path) if isinstance(p, str)), "")
    return next((unit for suffix, unit in UNITS.items() if name.endswith(suffix)), "")


def _allowed(detail: ErrorDetails, path: Path = ()) -> str:
    context = detail.get("ctx", {})
    unit = f" {_unit(path)}" if _unit(path) else ""
    if "expected" in context:
        return str(context["expected"]).replace("'", "`")
    if "pattern" in context:
        return f"text that matches {context['pattern']}"
    bounds = [
        f"{word} {context[key]}{unit}"
        for key, word in (("ge", "at least"), ("gt", "more than"), ("le", "at most"), ("lt", "less than"))
        if key in context
    ]
    if bounds:
        return " and ".join(bounds)
    for start, text in (("int", "a whole number"), ("float", "a number"), ("bool", "true or false")):
        if detail["type"].startswith(start):
            return f"{text}{f', in{unit}' if unit else ''}"
    if "min_length" in context:
        return f"at least {context['min_length']} entries"
    named = {"string_type": "text (put it in quotes)", "model_type": "a mapping", "dict_type": "a mapping"}
    return named.get(detail["type"], _message(detail))


def _fix(path: Path, value: Any, detail: ErrorDetails) -> str:
    """The edit: for `32Gi` in a GiB field, the bare number; for a near miss of a literal, the literal."""
    name = path[-1] if path else "trellis:platform"
    unit = _unit(path)
    number = re.match(r"^\s*(\d+(?:\.\d+)?)\s*[A-Za-z$%]*\s*$", str(value))
    if unit and number and isinstance(value, str):
        return f"write `{name}: {number.group(1)}` (the unit, {unit}, is in the name)"
    choices = re.findall(r"'([^']+)'", str(detail.get("ctx", {}).get("expected", "")))
    near = difflib.get_close_matches(str(value), choices, n=1, cutoff=0.4)
    if near:
        return f"write `{name}: {near[0]}`"
    return f"write {_allowed(detail, path)}"
