"""CEL as the API server speaks it: rules of a CRD (`x-kubernetes-validations`) judged by the reference evaluator.

The evaluator is cel-expr-python (the C++ implementation of the CEL authors). Kubernetes adds functions of its own to
the language; those that real CRDs use are declared below. A rule with a function that is missing here does not compile
and says so: no rule is dropped in silence.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any
from urllib.parse import urlsplit

from cel_expr_python import cel  # type: ignore[import-untyped]  # has stubs, but no py.typed
from cel_expr_python.ext import ext_math, ext_optional, ext_strings  # type: ignore[import-untyped]  # same

from tests.support.unknowns import Path, dotted, has_marker, is_marker

_STRING, _BOOL = cel.Type.STRING, cel.Type.BOOL
_URL = cel.Type.Map(_STRING, _STRING)

# Kubernetes escapes property names that are words of the language (`self.__namespace__`).
_RESERVED = frozenset(
    [
        "true",
        "false",
        "null",
        "in",
        "as",
        "break",
        "const",
        "continue",
        "else",
        "for",
        "function",
        "if",
        "import",
        "let",
        "loop",
        "package",
        "namespace",
        "return",
        "var",
        "void",
        "while",
    ]
)


def _find(text: str, pattern: str) -> str:
    match = re.search(pattern, text)
    return match.group(0) if match else ""


def _is_url(text: str) -> bool:
    # Go's url.ParseRequestURI: an absolute path or something with a scheme.
    return text.startswith("/") or re.match(r"[A-Za-z][A-Za-z0-9+.-]*:", text) is not None


def _is_ip(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True


def _function(name: str, takes: list[Any], gives: Any, *, member: bool, does: Any) -> Any:
    overload = cel.Overload(id=f"k8s_{name}", return_type=gives, parameters=takes, is_member=member, impl=does)
    return cel.FunctionDecl(name, [overload])


@cache
def _environment() -> Any:
    return cel.NewEnv(
        variables={"self": cel.Type.DYN, "oldSelf": cel.Type.DYN, "pattern": _STRING},
        extensions=[ext_strings.ExtStrings(), ext_math.ExtMath(), ext_optional.ExtOptional()],
        functions=[
            _function("find", [_STRING, _STRING], _STRING, member=True, does=_find),
            _function("isURL", [_STRING], _BOOL, member=False, does=_is_url),
            _function("url", [_STRING], _URL, member=False, does=lambda text: {"url": text}),
            _function("getScheme", [_URL], _STRING, member=True, does=lambda url: urlsplit(str(url["url"])).scheme),
            _function("isIP", [_STRING], _BOOL, member=False, does=_is_ip),
        ],
    )


@cache
def compile_rule(rule: str) -> Any:
    """A compiled CEL expression; raises ValueError naming the rule when this environment cannot express it."""
    try:
        return _environment().compile(rule)
    except Exception as error:  # the binding raises a bare Exception type of its own
        raise ValueError(f"CEL rule {rule!r} does not compile here: {error}") from error


def matches(pattern: str, text: str) -> bool:
    """Whether a pattern is found in a text by RE2, the dialect of `pattern` in CRDs (Python's `re` refuses some)."""
    return _truth(compile_rule("self.matches(pattern)"), {"self": text, "pattern": pattern}) is None


def _truth(expression: Any, data: dict[str, Any]) -> str | None:
    """None when the expression is true, else why not."""
    result = expression.eval(data=data)
    if result.type() == cel.Type.BOOL:
        return None if result.value() else "is false"
    return f"cannot be evaluated: {result.value()}"


@dataclass(frozen=True)
class RuleNode:
    """The part of a schema that carries rules: branches without any are cut when the schema is compiled."""

    schema: Mapping[str, Any]
    rules: tuple[tuple[str, str], ...]  # (expression, message)
    properties: Mapping[str, RuleNode]
    every: RuleNode | None  # the rules of list items or of map values


def compile_rules(schema: Mapping[str, Any]) -> RuleNode | None:
    """The rules of a structural schema as a tree; None when there are none.

    Rules about a change (`oldSelf`) are left out: a plan shows objects as they are created.
    """
    rules = tuple(
        (rule["rule"], rule.get("message", ""))
        for rule in schema.get("x-kubernetes-validations", ())
        if not re.search(r"\boldSelf\b", rule["rule"])
    )
    children = {name: compile_rules(child) for name, child in schema.get("properties", {}).items()}
    below = schema.get("items") or schema.get("additionalProperties")
    node = RuleNode(
        schema=schema,
        rules=rules,
        properties={name: child for name, child in children.items() if child is not None},
        every=compile_rules(below) if isinstance(below, Mapping) else None,
    )
    return node if node.rules or node.properties or node.every else None


@dataclass(frozen=True)
class RuleResult:
    """One rule that did not hold, or that an unknown value leaves open."""

    path: str
    text: str
    undecided: bool


def broken_rules(node: RuleNode | None, value: Any, path: Path = ()) -> Iterator[RuleResult]:
    """Every rule that a value breaks. Where part of the value is unknown, a rule that is not true is undecided."""
    if node is None or value is None:
        return
    if is_marker(value):
        if node.rules:
            yield RuleResult(dotted(path), f"{len(node.rules)} rules on an unknown value", undecided=True)
        return
    yield from _own_rules(node, value, path)
    if isinstance(value, dict):
        for key, child in value.items():
            yield from broken_rules(node.properties.get(key) or node.every, child, (*path, key))
    elif isinstance(value, list):
        for index, child in enumerate(value):
            yield from broken_rules(node.every, child, (*path, index))


def _own_rules(node: RuleNode, value: Any, path: Path) -> Iterator[RuleResult]:
    if not node.rules:
        return
    data = {"self": _as_cel(value, node.schema)}
    for rule, message in node.rules:
        why = _truth(compile_rule(rule), data)
        if why is not None:
            yield RuleResult(dotted(path), f"{message} (rule {rule!r} {why})", has_marker(value))


def _as_cel(value: Any, schema: Mapping[str, Any]) -> Any:
    """A JSON value as CEL sees it under its schema: property names escaped, `number` as double."""
    if isinstance(value, dict):
        properties = schema.get("properties", {})
        values = schema.get("additionalProperties")
        default = values if isinstance(values, Mapping) else {}
        return {
            (_escape(key) if key in properties else key): _as_cel(child, properties.get(key, default))
            for key, child in value.items()
        }
    if isinstance(value, list):
        items = schema.get("items", {})
        return [_as_cel(child, items) for child in value]
    if schema.get("type") == "number" and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    return value


def _escape(name: str) -> str:
    if name in _RESERVED:
        return f"__{name}__"
    for plain, escaped in (("__", "__underscores__"), (".", "__dot__"), ("-", "__dash__"), ("/", "__slash__")):
        name = name.replace(plain, escaped) if plain in name else name
    return name
