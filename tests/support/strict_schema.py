"""JSON Schema validation with the API server's manners, on top of `jsonschema`.

Differences to the plain validator: unknown fields are named with the nearest known one, patterns are RE2, Kubernetes'
own keywords are honoured, and a marker for an unknown value fits everything.
"""

from __future__ import annotations

import base64
import binascii
import difflib
import ipaddress
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from typing import Any

from jsonschema import Draft202012Validator, FormatChecker, ValidationError
from jsonschema.validators import extend

from tests.support.cel_rules import matches
from tests.support.unknowns import has_marker, is_marker

Keyword = Callable[[Any, Any, Any, Any], Iterator[ValidationError]]

_formats = FormatChecker(formats=())


@_formats.checks("int32")
def _int32(value: object) -> bool:
    return not isinstance(value, int) or -(2**31) <= value < 2**31


@_formats.checks("int64")
def _int64(value: object) -> bool:
    return not isinstance(value, int) or -(2**63) <= value < 2**63


@_formats.checks("date-time", raises=ValueError)
def _date_time(value: object) -> bool:
    return not isinstance(value, str) or datetime.fromisoformat(value).tzinfo is not None


@_formats.checks("byte", raises=binascii.Error)
def _byte(value: object) -> bool:
    return not isinstance(value, str) or base64.b64decode(value, validate=True) is not None


@_formats.checks("ipv4", raises=ValueError)
def _ipv4(value: object) -> bool:
    return not isinstance(value, str) or ipaddress.IPv4Address(value) is not None


@_formats.checks("ipv6", raises=ValueError)
def _ipv6(value: object) -> bool:
    return not isinstance(value, str) or ipaddress.IPv6Address(value) is not None


def _additional(validator: Any, rule: Any, instance: Any, schema: Any) -> Iterator[ValidationError]:
    if not isinstance(instance, dict):
        return
    known = schema.get("properties", {})
    for key in sorted(instance.keys() - known.keys()):
        if rule is False:
            near = difflib.get_close_matches(key, known, n=1)
            hint = f"did you mean {near[0]!r}?" if near else f"known here: {', '.join(sorted(known)) or 'none'}"
            yield ValidationError(f"unknown field {key!r} ({hint})")
        else:
            yield from validator.descend(instance[key], rule, path=key)


def _pattern(_validator: Any, pattern: str, instance: Any, _schema: Any) -> Iterator[ValidationError]:
    if isinstance(instance, str) and not matches(pattern, instance):
        yield ValidationError(f"{instance!r} does not match {pattern!r}")


def _int_or_string(_validator: Any, wanted: bool, instance: Any, _schema: Any) -> Iterator[ValidationError]:
    if wanted and (isinstance(instance, bool) or not isinstance(instance, int | str)):
        yield ValidationError(f"{instance!r} is neither an integer nor a string")


def _list_type(_validator: Any, kind: str, instance: Any, schema: Any) -> Iterator[ValidationError]:
    if kind == "atomic" or not isinstance(instance, list):
        return
    keys = schema.get("x-kubernetes-list-map-keys", ())
    seen = set()
    for item in instance:
        identity = tuple(repr(item.get(key)) for key in keys) if isinstance(item, dict) else (repr(item),)
        if has_marker(item):
            continue
        if identity in seen:
            what = f"{'/'.join(keys)} {', '.join(identity)}" if keys else identity[0]
            yield ValidationError(f"duplicate entry: {what} occurs more than once")
        seen.add(identity)


def _not(validator: Any, rule: Any, instance: Any, _schema: Any) -> Iterator[ValidationError]:
    # Only what holds whatever the unknown values turn out to be can break a `not`.
    opposite = _Doubting if isinstance(validator, _Trusting) else _Trusting
    if opposite(rule, format_checker=_formats).is_valid(instance):
        yield ValidationError(f"must not be of the form {rule!r}")


def _one_of(validator: Any, rules: Any, instance: Any, _schema: Any) -> Iterator[ValidationError]:
    possible = [rule for rule in rules if validator.evolve(schema=rule).is_valid(instance)]
    if not possible:
        yield ValidationError(f"{instance!r} fits none of the {len(rules)} allowed forms: {rules!r}")
        return
    if len(possible) > 1 and not has_marker(instance):
        yield ValidationError(f"{instance!r} fits {len(possible)} forms where only one may hold: {possible!r}")


def _trusting(keyword: Keyword) -> Keyword:
    """A keyword that an unknown value satisfies."""

    def check(validator: Any, rule: Any, instance: Any, schema: Any) -> Iterator[ValidationError]:
        if not is_marker(instance):
            yield from keyword(validator, rule, instance, schema) or ()

    return check


def _doubting(keyword: Keyword) -> Keyword:
    """A keyword that an unknown value never satisfies."""

    def check(validator: Any, rule: Any, instance: Any, schema: Any) -> Iterator[ValidationError]:
        if is_marker(instance):
            yield ValidationError("unknown until deployment")
        else:
            yield from keyword(validator, rule, instance, schema) or ()

    return check


_KEYWORDS: dict[str, Keyword] = {
    **Draft202012Validator.VALIDATORS,
    "additionalProperties": _additional,
    "not": _not,
    "oneOf": _one_of,
    "pattern": _pattern,
    "x-kubernetes-int-or-string": _int_or_string,
    "x-kubernetes-list-type": _list_type,
}
_Trusting = extend(Draft202012Validator, {name: _trusting(check) for name, check in _KEYWORDS.items()})  # type: ignore[no-untyped-call]  # stubs leave it untyped
_Doubting = extend(Draft202012Validator, {name: _doubting(check) for name, check in _KEYWORDS.items()})  # type: ignore[no-untyped-call]  # stubs leave it untyped


def validator(schema: Mapping[str, Any]) -> Any:
    """A validator of one schema; `iter_errors(value)` yields what does not fit."""
    return _Trusting(schema, format_checker=_formats)
