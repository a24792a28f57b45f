"""An unknown value is neither right nor wrong: it breaks no rule, and it silences none without a note."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from policies.config import config_for
from policies.evaluate import evaluate
from policies.model import Report, Rule
from policies.rules import RULES
from tests.policies.builders import GUARDRAILS, UNKNOWN, Stack, happy, places, put, rows
from tests.policies.cases import Case
from tests.policies.cases_gpu import GPU_CASES
from tests.policies.cases_other import OTHER_CASES

CONFIG = config_for(GUARDRAILS)
SECRET = {"$trellis": "secret"}


@contextmanager
def hidden(stack: Stack, name: str, path: str, marker: dict[str, str]) -> Iterator[None]:
    """Make one place unknown, and put back what stood there."""
    before: Any = stack[name]["inputs"]
    for key in path.split("|"):
        before = before[int(key)] if isinstance(before, list) else before[key]
    put(stack, name, path, dict(marker))
    yield
    put(stack, name, path, before)


@pytest.mark.parametrize("name", sorted(happy()))
@pytest.mark.parametrize("marker", [UNKNOWN, SECRET], ids=["unknown", "secret"])
def test_an_unknown_is_never_a_finding(name: str, marker: dict[str, str]) -> None:
    stack = happy()
    for path in list(places(stack[name]["inputs"])):
        with hidden(stack, name, path, marker):
            found = evaluate(rows(stack), CONFIG).findings
        assert [f.message for f in found] == [], f"{name} {path}"


def _the(rule_id: str) -> tuple[Rule[object]]:
    return (next(rule for rule in RULES if rule.id == rule_id),)


def matters(stack: Stack, name: str, right: Report, case: Case) -> bool:
    """Whether the rule looks at a resource at all: what changes nothing as a whole changes nothing in its parts."""
    inputs = stack[name]["inputs"]
    stack[name]["inputs"] = {key: dict(UNKNOWN) for key in inputs}
    report = evaluate(rows(stack), config_for(case.all_guardrails), _the(case.rule))
    stack[name]["inputs"] = inputs
    return report != right


@pytest.mark.parametrize("case", [*GPU_CASES, *OTHER_CASES], ids=lambda case: case.id)
def test_an_unknown_never_silences_a_rule_without_a_note(case: Case) -> None:
    """Whatever becomes unknown, the mistake is still found, or the rule says what it could not see."""
    config, rules = config_for(case.all_guardrails), _the(case.rule)
    stack = happy()
    case.break_(stack)
    right = evaluate(rows(stack), config, rules)
    wanted = {(f.urn, f.path) for f in right.findings}
    for name in [name for name in sorted(stack) if matters(stack, name, right, case)]:
        untouched = ""
        for path in list(places(stack[name]["inputs"])):
            if untouched and path.startswith(untouched):
                continue
            with hidden(stack, name, path, UNKNOWN):
                report = evaluate(rows(stack), config, rules)
            untouched = f"{path}|" if report == right else ""
            missed = wanted - {(f.urn, f.path) for f in report.findings}
            assert not missed or report.unknowns, f"{name} {path} hides {missed}"


@pytest.mark.parametrize(
    ("rule_id", "name", "path", "shown"),
    [
        ("gpu-limit-equals-request", "llm", "spec|predictor|containers", "spec.predictor.containers"),
        ("gpu-limit-equals-request", "job", "spec|trainer|resourcesPerNode|limits|nvidia.com/gpu", "limits"),
        ("gpus-per-pod-maximum", "sliced", "spec|predictor|containers|0|resources|limits", "limits"),
        ("gpu-pods-tolerate-and-select-a-pool", "llm", "spec|predictor|nodeSelector", "nodeSelector"),
        ("gpu-pods-tolerate-and-select-a-pool", "inference", "spec|template|spec|taints|0|key", "taints[0].key"),
        ("mig-profile-exists-on-gpu", "slices", "spec|template|spec|requirements|1|values", "requirements[1].values"),
        ("quota-keys-valid", "quota", "spec|hard", "spec.hard"),
        ("quota-keys-valid", "queue", "spec|resourceGroups|0|coveredResources", "coveredResources"),
        ("pool-limits-set", "inference", "spec|limits|nvidia.com/gpu", 'limits["nvidia.com/gpu"]'),
        ("budget-worst-case", "inference", "spec|limits", "NodePool inference"),
        ("spot-for-interruptible-training", "job", "metadata|annotations", "metadata.annotations"),
        ("families-allowed", "gpu-group", "instanceTypes|0", "instanceTypes[0]"),
        ("idle-gpu-pool-minimum-zero", "gpu-group", "scalingConfig|minSize", "scalingConfig.minSize"),
        ("cost-tags-present", "node-class", "spec|tags", "spec.tags"),
        ("cost-tags-present", "aws", "defaultTags", "defaultTags"),
        ("model-pull-endpoints", "endpoint-s3", "serviceName", "serviceName"),
        ("no-public-cluster-endpoint", "cluster", "vpcConfig|publicAccessCidrs|0", "publicAccessCidrs[0]"),
        ("images-pinned", "web", "spec|template|spec|containers|0|image", "containers[0].image"),
        ("no-wildcard-iam", "policy", "policy", "RolePolicy reader: policy"),
    ],
)
def test_each_rule_notes_what_it_cannot_see(rule_id: str, name: str, path: str, shown: str) -> None:
    stack = happy()
    put(stack, name, path, dict(UNKNOWN))
    notes = [u.message for u in evaluate(rows(stack), CONFIG, _the(rule_id)).unknowns]
    assert any(shown in note and rule_id in note for note in notes), notes


def test_the_table_above_names_every_rule() -> None:
    mark = next(m for m in test_each_rule_notes_what_it_cannot_see.pytestmark if m.name == "parametrize")  # type: ignore[attr-defined]  # set by the decorator
    assert {row[0] for row in mark.args[1]} == {rule.id for rule in RULES}


def test_an_unknown_leaf_leaves_the_rest_of_its_resource_to_judge() -> None:
    stack = happy()
    put(stack, "llm", "spec|predictor|containers|0|image", dict(UNKNOWN))
    put(stack, "llm", "spec|predictor|containers|1", {"image": "sidecar:latest"})
    report = evaluate(rows(stack), CONFIG)
    assert [(f.rule, f.path) for f in report.findings] == [("images-pinned", "spec.predictor.containers[1].image")]
    assert [(u.rule, u.path) for u in report.unknowns] == [("images-pinned", "spec.predictor.containers[0].image")]


def test_a_network_made_elsewhere_is_noted() -> None:
    stack = happy()
    for name in [n for n in stack if n == "vpc" or n.startswith("endpoint-")]:
        del stack[name]
    notes = evaluate(rows(stack), CONFIG).unknowns
    assert [(u.rule, u.resource) for u in notes] == [("model-pull-endpoints", "aws:eks/cluster:Cluster main")]
    assert "made elsewhere" in notes[0].why
