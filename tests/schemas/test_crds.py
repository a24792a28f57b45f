"""The whole CRD folder goes through the check: every kind is found, every rule and pattern can be evaluated."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from components.catalogue.addons import addon, addons
from tests.schemas.test_examples import mutated
from tests.support.builtin_kinds import served_versions
from tests.support.cel_rules import RuleNode, compile_rule, compile_rules, matches
from tests.support.crds import EXCERPTS, all_crds, crd_files, find_crd
from tests.support.schemas import problems
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


def test_every_kind_that_an_addon_may_create_has_a_schema() -> None:
    shared = require_shared()
    created = {kind for name in addons() for kind in addon(name).creates}
    missing = [
        kind
        for kind in sorted(created)
        for group, _, name in [kind.rpartition("/")]
        if not served_versions("1.35", group, name) and find_crd(shared, group, name) is None
    ]
    assert created
    assert not missing, "find the CRD, or write an excerpt into tests/support/excerpts"


def test_excerpts_are_as_strict_as_real_crds() -> None:
    require_shared()
    store = {
        "apiVersion": "external-secrets.io/v1",
        "kind": "ClusterSecretStore",
        "metadata": {"name": "aws"},
        "spec": {"provider": {"aws": {"service": "SecretsManager", "region": "eu-west-1"}}},
    }
    secret = {
        "apiVersion": "external-secrets.io/v1",
        "kind": "ExternalSecret",
        "metadata": {"name": "mlflow-database", "namespace": "mlflow"},
        "spec": {
            "refreshInterval": "1h",
            "secretStoreRef": {"kind": "ClusterSecretStore", "name": "aws"},
            "data": [{"secretKey": "password", "remoteRef": {"key": "mlflow", "property": "password"}}],
        },
    }
    assert problems(store, "1.35") == problems(secret, "1.35") == []
    assert problems(mutated(store, ("spec", "provider", "aws", "region"), ...), "1.35")
    assert problems(mutated(store, ("spec", "provider", "vault"), {}), "1.35")
    assert problems(mutated(secret, ("spec", "data", 0, "remoteRef", "key"), ...), "1.35")
    assert problems(mutated(secret, ("metadata", "namespace"), ...), "1.35")


def test_a_kind_defined_twice_is_told(tmp_path: Path) -> None:
    excerpt = EXCERPTS / "external-secrets.yaml"
    (tmp_path / "crds" / "external-secrets").mkdir(parents=True)
    (tmp_path / "crds" / "external-secrets" / excerpt.name).write_text(excerpt.read_text())
    with pytest.raises(LookupError, match=r"more than once: .*ignore a folder or drop the excerpt"):
        find_crd(tmp_path, "external-secrets.io", "ExternalSecret")


def test_only_one_gateway_api_counts() -> None:
    folders = {path.parent.name for path in crd_files(require_shared())}
    assert [folder for folder in sorted(folders) if folder.startswith("gateway-api")] == ["gateway-api-standard-v1.5.1"]


def test_a_rule_that_cannot_be_expressed_is_named() -> None:
    with pytest.raises(ValueError, match=r"CEL rule 'self\.nonsense\(\)' does not compile"):
        compile_rule("self.nonsense()")
