"""The annotation `pulumi.com/waitFor`: conditions and JSONPath expressions that an object must meet."""

from __future__ import annotations

import json
import re
from typing import Any

from jsonpath_ng import JSONPath
from jsonpath_ng.exceptions import JSONPathError
from jsonpath_ng.ext.parser import parse

from trellis.doubles.errors import Refused
from trellis.doubles.kubernetes.readiness import Check, Live, Look, Rule, Standing, condition

_EXPRESSION = re.compile(r"jsonpath=\{?\$?(?P<path>.+?)\}?(?:=(?P<value>[^'\"=\])}]*))?")


def rule(annotation: str) -> Rule:
    """The rule that an annotation stands for: one expression, or a JSON list of them. Raises `Refused`."""
    try:
        given = json.loads(annotation)
    except ValueError:
        given = annotation
    wanted = given if isinstance(given, list) and given else [annotation]
    checks = [_check(str(one)) for one in wanted]

    def all_of(live: Live, look: Look) -> Standing:
        stands = [check(live, look) for check in checks]
        missing = [stand.reason for stand in stands if not stand.ready]
        return Standing(not missing, "; ".join(missing))

    return Rule(lambda: all_of)


def _check(expression: str) -> Check:
    if expression.startswith("condition="):
        return _condition(expression.removeprefix("condition="))
    if expression.startswith("jsonpath="):
        return _jsonpath(expression)
    raise Refused(f'pulumi.com/waitFor: {expression!r}: expected a "jsonpath=" or "condition=" prefix')


def _condition(wanted: str) -> Check:
    type_, _, status = wanted.partition("=")

    def check(live: Live, _look: Look) -> Standing:
        row = condition(live, type_)
        seen = row.get("observedGeneration", (live.get("status") or {}).get("observedGeneration"))
        if seen is not None and int(seen) < int(live["metadata"].get("generation") or 0):
            return Standing(False, f"condition {type_} is not about its present generation")
        ready = str(row.get("status", "")).lower() == (status or "True").lower()
        return Standing(ready, f"condition {type_} is {row.get('status', 'not set')}, not {status or 'True'}")

    return check


def _jsonpath(expression: str) -> Check:
    found = _EXPRESSION.fullmatch(expression)
    try:
        path = _parsed(found["path"]) if found else None
    except JSONPathError as error:
        raise Refused(f"pulumi.com/waitFor: {expression!r} is no JSONPath: {error}") from error
    if found is None or path is None:
        raise Refused(f"pulumi.com/waitFor: {expression!r}: write jsonpath={{.path}} or jsonpath={{.path}}=value")
    wanted = found["value"]

    def check(live: Live, _look: Look) -> Standing:
        values = [_text(match.value) for match in path.find(live)]
        ready = bool(values) if wanted is None else wanted in values
        return Standing(ready, f"{found['path']} is {', '.join(values) or 'not set'}" + _instead(wanted))

    return check


def _parsed(path: str) -> JSONPath:
    made: JSONPath = parse(f"${path}" if path.startswith((".", "[")) else f"$.{path}")
    return made


def _instead(wanted: str | None) -> str:
    return "" if wanted is None else f", not {wanted}"


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)
