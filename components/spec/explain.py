"""Turns what pydantic says about a value into what a person needs: place, allowed values, consequence, edit.

Each fault also says how to go on judging the rest of the file: with the value that was evidently meant, or without.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from components.spec import edits
from components.spec.base import Path, Problem, dotted
from components.spec.fields import Shape, aliases, closest, place, shape_at, step
from components.spec.guesses import UNSURE, Case, Guess, meant
from components.spec.hints import allowed, example
from components.spec.secrets import shown
from components.spec.strays import stray

UNREAD = "Trellis would have to guess what is meant; nothing is created from a guess"
MOVES = "each start could run other code, and no rollback would bring the old one back"


@dataclass(frozen=True)
class Fault:
    """A problem of one value, and what to judge the rest of the file with."""

    problem: Problem
    at: Path
    """The place of the value or key that is wrong."""
    guess: Guess = UNSURE
    """What was evidently meant instead, if that is evident."""
    rename: str | None = None
    """The key that was meant."""


def explain(error: ValidationError, values: Any) -> list[Fault]:
    """Every fault of a validation error, as problems with places in the given values; one for each place."""
    found: dict[Path, Fault] = {}
    for detail in error.errors(include_url=False):
        fault = _fault(detail, values)
        found.setdefault(fault.at, fault)
    meant_keys = {(*fault.at[:-1], fault.rename) for fault in found.values() if fault.rename is not None}
    return [fault for at, fault in found.items() if at not in meant_keys]


def value_at(values: Any, path: Path) -> Any:
    """The value at a path, or None."""
    for part in path:
        values = step(values, part)
    return values


def _fault(detail: ErrorDetails, values: Any) -> Fault:
    path = place(detail["loc"])
    case = Case(
        kind="key" if detail["loc"] and detail["loc"][-1] == "[key]" else detail["type"],
        path=path,
        value=value_at(values, path),
        context=detail.get("ctx", {}),
        shape=shape_at(path, values),
        values=values,
        message=detail["msg"],
    )
    fault = _EXPLAINED.get(case.kind, _bad_value)(case)
    problem = replace(fault.problem, value=shown(fault.problem.path, fault.problem.value))
    return replace(fault, problem=problem)


def _bad_name(case: Case) -> Fault:
    """A name (of a pool, a model ...) that is no name."""
    better = edits.slug(str(case.path[-1]))
    problem = Problem(
        path=case.path,
        value=case.path[-1],
        message="this name cannot be used",
        allowed="lower-case letters, digits and dashes, beginning with a letter; 40 at most",
        consequence="Kubernetes and AWS would refuse objects of that name",
        fix=f"rename it to `{dotted((*case.path[:-1], better))}`, here and wherever it is referred to",
        rule="bad-name",
    )
    return Fault(problem, case.path, rename=better)


def _unknown_key(case: Case) -> Fault:
    found = stray(case.path, case.value, case.values)
    problem = Problem(
        path=case.path,
        value=case.value,
        message=found.message,
        allowed=", ".join(found.known) or "no further key",
        consequence="it would have been ignored, and what was meant would not happen",
        fix=found.fix,
        rule="unknown-key",
    )
    return Fault(problem, case.path, rename=found.rename)


def _missing(case: Case) -> Fault:
    shape, path = case.shape, case.path
    sample = example(shape)
    problem = Problem(
        path=path,
        value=None,
        message="this setting is required",
        allowed=allowed(shape, path),
        consequence="there is no default that would be right for everyone",
        fix=_add_block(path, shape) if shape and shape.kind == "model" else edits.add(path, sample),
        rule="required",
    )
    return Fault(problem, path, guess=Guess(sample))


def _add_block(path: Path, shape: Shape) -> str:
    keys = [shape.tag] if shape.tag else [key for key, info in aliases(shape.models[0]).items() if info.is_required()]
    return f"add `{dotted(path)}:` with {edits.listed(f'`{key}`' for key in keys)} below it"


def _variant(case: Case) -> Fault:
    """A mapping whose tag (`kind`, `provisioner` ...) is missing or says nothing known."""
    shape = case.shape or Shape(kind="model")
    tag, tags = shape.tag or "kind", list(shape.variants())
    given = step(case.value, tag)
    near = edits.nearest(given, tags) if given is not None else []
    best = near[0] if near else closest(shape, case.value)
    where = (*case.path, tag)
    problem = Problem(
        path=where,
        value=given,
        message=f"`{tag}` is missing" if given is None else f"`{tag}` is none of those known",
        allowed=edits.listed(tags),
        consequence=UNREAD,
        fix=edits.add(where, best) if given is None else edits.put(where, best),
        rule="wrong-variant",
    )
    return Fault(problem, where, guess=Guess(best))


def _refused(case: Case) -> Fault:
    """What a validator of ours refused; it says itself what would do."""
    message, instead = str(case.context["message"]), str(case.context["instead"])
    release = value_at(case.values, (*case.path[:-1], "release"))
    if message.startswith("image") and isinstance(release, str):
        instead = f"{instead.rpartition(':')[0]}:{release}"
    problem = Problem(
        path=case.path,
        value=case.value,
        message=message,
        allowed=str(case.context["allowed"]),
        consequence=MOVES if message.startswith("image") else UNREAD,
        fix=edits.put(case.path, instead),
        rule="refused",
    )
    return Fault(problem, case.path, guess=Guess(instead))


def _bad_value(case: Case) -> Fault:
    guess = meant(case)
    sample = guess.value if guess.known else example(case.shape)
    problem = Problem(
        path=case.path,
        value=case.value,
        message=guess.message or _WORDS.get(case.kind) or case.message,
        allowed=allowed(case.shape, case.path),
        consequence=UNREAD,
        fix=edits.put(case.path, sample) + ("" if guess.known else ", for example"),
        rule="wrong-value",
    )
    return Fault(problem, case.path, guess=guess)


def _unreadable(case: Case) -> Fault:
    problem = Problem(
        path=(),
        value=None,
        message=f"the values cannot be carried as JSON, as the engine does: {case.message}",
        allowed="keys and texts of whole characters, nested less than a hundred levels deep",
        consequence="the engine would refuse them too",
        fix="type the key or text that it names anew",
        rule="wrong-value",
    )
    return Fault(problem, ())


_WORDS: Mapping[str, str] = {
    "string_type": "not text",
    **dict.fromkeys(("int_type", "int_from_float", "int_parsing"), "not a whole number"),
    **dict.fromkeys(("float_type", "float_parsing", "finite_number"), "not a number"),
    "bool_type": "not `true` or `false`",
    **dict.fromkeys(("dict_type", "model_type", "model_attributes_type"), "not a mapping"),
    "tuple_type": "not a list",
    "literal_error": "none of the values known here",
    "string_pattern_mismatch": "not of the form that is needed here",
    "string_too_short": "empty",
    "too_short": "too few entries",
    "too_long": "too many entries",
    **dict.fromkeys(("greater_than", "greater_than_equal"), "too small"),
    **dict.fromkeys(("less_than", "less_than_equal"), "too large"),
    "multiple_of": "not one of the steps allowed",
}
"""Kind of fault -> what is wrong, where pydantic's own words speak of Python."""

_EXPLAINED: Mapping[str, Callable[[Case], Fault]] = {
    "key": _bad_name,
    "extra_forbidden": _unknown_key,
    "missing": _missing,
    "union_tag_invalid": _variant,
    "union_tag_not_found": _variant,
    "refused": _refused,
    "json_invalid": _unreadable,
}
