"""What was evidently meant by a wrong value."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from components.spec import edits
from components.spec.base import Path
from components.spec.fields import Shape, unit
from components.spec.forms import ENVIRONMENT, MINOR, NAME, TEAM
from components.spec.hints import bounds, choices, form
from components.spec.units import amount


@dataclass(frozen=True)
class Case:
    """One fault as pydantic found it, at its place in the file."""

    kind: str
    """Pydantic's name for the kind of fault, such as `int_type`."""
    path: Path
    value: Any
    context: Mapping[str, Any]
    shape: Shape | None
    """What may stand there."""
    values: Any
    """The whole file."""
    message: str = ""
    """Pydantic's own words."""


@dataclass(frozen=True)
class Guess:
    """A value that was meant. Where it is sure, the rest of the file is judged as if it stood there."""

    value: Any = None
    sure: bool = False
    message: str = ""
    """What was wrong with what was given, where more can be said than its kind."""

    @property
    def known(self) -> bool:
        """Whether there is a guess at all."""
        return self.value is not None


UNSURE = Guess()

_TRUTH = {"yes": True, "on": True, "true": True, "y": True, "1": True}
_LIES = {"no": False, "off": False, "false": False, "n": False, "0": False}


def meant(case: Case) -> Guess:
    """What was evidently meant, by the kind of fault; `UNSURE` where it is not evident."""
    guess = _GUESSES.get(case.kind)
    return guess(case) if guess is not None else UNSURE


def _text(case: Case) -> Guess:
    """A number or truth value where text belongs: `1.35` without quotes."""
    value = case.value
    if isinstance(value, list):
        one = len(value) == 1 and isinstance(value[0], str)
        return Guess(value[0], sure=True, message="a list, where one value belongs") if one else UNSURE
    if isinstance(value, bool | int | float):
        text = str(value).lower() if isinstance(value, bool) else str(value)
        needed = form(case.shape)
        fits = needed is None or re.search(needed.regex, text) is not None
        better = text if needed is None or fits else _reform(needed.regex, text)
        kind = "truth value" if isinstance(value, bool) else "number"
        return Guess(better, sure=fits, message=f"a {kind}, where text belongs: put it in quotes")
    return UNSURE


def _number(case: Case) -> Guess:
    """Text where a number belongs: `32Gi`, `"3"`, `$6000`."""
    value = case.value
    if isinstance(value, float):
        return Guess(int(value) + (not value.is_integer()), sure=value.is_integer(), message="not a whole number")
    if isinstance(value, list) and len(value) == 1 and isinstance(value[0], int | float):
        return Guess(value[0], sure=True, message="a list, where one value belongs")
    found = amount(value, case.path[-1], whole=case.kind.startswith("int")) if isinstance(value, str) else None
    if found is None or ("%" in value and not _is_percent(case)):
        return UNSURE
    bare = re.fullmatch(r"\s*[\d.]+\s*", value) is not None
    return Guess(
        found,
        sure=True,
        message="a number in quotes" if bare else "an amount with a unit, where the bare number belongs",
    )


def _is_percent(case: Case) -> bool:
    return bounds(case.shape).get("le") == 100 or unit(case.path[-1]) == "percent"


def _truth(case: Case) -> Guess:
    known = {**_TRUTH, **_LIES}.get(str(case.value).lower()) if isinstance(case.value, str | int) else None
    return UNSURE if known is None else Guess(known, sure=True, message="not `true` or `false`")


def _choice(case: Case) -> Guess:
    near = edits.nearest(case.value, choices(case.shape)) if isinstance(case.value, str) else []
    return Guess(near[0]) if near else UNSURE


def _bound(case: Case) -> Guess:
    """The nearest value that is allowed."""
    if "ge" in case.context or "le" in case.context:
        return Guess(case.context.get("ge", case.context.get("le")))
    if "gt" in case.context:
        return Guess(case.context["gt"] + 1)
    stride = case.context.get("multiple_of")
    return Guess(max(1, round(case.value / stride)) * stride) if stride else UNSURE


def _pattern(case: Case) -> Guess:
    return Guess(_reform(str(case.context.get("pattern", "")), str(case.value)))


def _reform(regex: str, text: str) -> str | None:
    """A text brought into a form, where that is a matter of spelling."""
    if regex == MINOR.regex:
        found = re.search(r"1\.(\d{2})", text)
        better = f"1.{found[1]}" if found else ""
    elif regex in (NAME.regex, ENVIRONMENT.regex, TEAM.regex):
        better = edits.slug(text, 15 if regex == ENVIRONMENT.regex else 40)
    elif re.fullmatch(r"[\d\s-]+", text):
        better = re.sub(r"\D", "", text)
    else:
        better = text.strip().lower()
    return better if re.search(regex, better) else None


def _listing(case: Case) -> Guess:
    """One value where a list belongs."""
    if isinstance(case.value, str):
        parts = [part.strip() for part in case.value.split(",") if part.strip()]
        return Guess(parts, sure=True, message="one text, where a list belongs")
    if isinstance(case.value, int | float):
        return Guess([case.value], sure=True, message="one value, where a list belongs")
    return UNSURE


def _mapping(case: Case) -> Guess:
    """A word where a mapping belongs: `gpu: exclusive`."""
    if case.shape is None or case.shape.tag is None or not isinstance(case.value, str):
        return UNSURE
    near = edits.nearest(case.value, case.shape.variants())
    return Guess({case.shape.tag: near[0]}, message="one word, where a mapping belongs") if near else UNSURE


_GUESSES: Mapping[str, Callable[[Case], Guess]] = {
    "string_type": _text,
    **dict.fromkeys(("int_type", "int_from_float", "int_parsing", "float_type", "float_parsing"), _number),
    "bool_type": _truth,
    "literal_error": _choice,
    **dict.fromkeys(("greater_than", "greater_than_equal", "less_than", "less_than_equal", "multiple_of"), _bound),
    "string_pattern_mismatch": _pattern,
    "tuple_type": _listing,
    **dict.fromkeys(("dict_type", "model_type", "model_attributes_type"), _mapping),
}
