"""The whole CRD folder goes through the check: every kind is found, every rule and pattern can be evaluated."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from tests.support.cel_rules import RuleNode, compile_rule, compile_rules, matches
from tests.support.crds import all_crds, crd_files, find_crd
from tests.support.shared import require_shared
from tests.support.structural import to_json_schema


def rules_of(node: RuleNode | None) -> Iterator[str]:
    """Every rule of a tree."""
    if node is None:
        return
    yield from (rule for rule, _message in node.rules)
    for child in (*node.properties.values(), node.every):
        yield from rules_of(child)


def patterns_of(schema: Any) -> Iterator[str]:
    """Every `pattern` of a converted schema (a property of that name is a mapping, not a pattern)."""
    if isinstance(schema, Mapping):
        if isinstance(schema.get("pattern"), str):
            yield schema["pattern"]
        for child in schema.values():
            yield from patterns_of(child)
    elif isinstance(schema, list):
        for child in schema:
            yield from patterns_of(child)


def test_every_crd_is_found_and_can_be_evaluated() -> None:
    shared = require_shared()
    kinds = 0
    rules: set[str] = set()
    patterns: set[str] = set()
    for crd in all_crds(shared):
        kinds += 1
        assert find_crd(shared, crd.group, crd.kind) == crd
        for schema in crd.schemas.values():
            rules.update(rules_of(compile_rules(schema)))
            patterns.update(patterns_of(to_json_schema(schema, root=True)))
    for rule in rules:
        compile_rule(rule)
    for pattern in patterns:
        matches(pattern, "x")
    # Figures of the folder when this was written: they say that the walk reaches what is there.
    assert kinds >= 120
    assert len(rules) >= 240
    assert len(patterns) >= 50


def test_only_one_gateway_api_counts() -> None:
    folders = {path.parent.name for path in crd_files(require_shared())}
    assert [folder for folder in sorted(folders) if folder.startswith("gateway-api")] == ["gateway-api-standard-v1.5.1"]


def test_a_rule_that_cannot_be_expressed_is_named() -> None:
    with pytest.raises(ValueError, match=r"CEL rule 'self\.nonsense\(\)' does not compile"):
        compile_rule("self.nonsense()")
