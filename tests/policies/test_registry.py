"""What holds of all rules together: ids, words, the reference page, the list of taggable types, speed."""

from __future__ import annotations

import ast
import re
import runpy
import time
from pathlib import Path

import pytest

from policies import names, reference
from policies.config import config_for
from policies.evaluate import evaluate
from policies.model import Rule
from policies.rules import RULES
from policies.rules.tags import taggable
from tests.policies.builders import GUARDRAILS, happy, model, rows

ROOT = Path(__file__).resolve().parent.parent.parent


def test_ids_are_unique_and_kebab() -> None:
    ids = [rule.id for rule in RULES]
    assert len(set(ids)) == len(ids)
    assert all(re.fullmatch(r"[a-z]+(-[a-z]+)+", rule_id) for rule_id in ids)
    assert "all" not in ids  # Pulumi keeps it for itself


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.id)
def test_every_rule_says_what_why_and_how(rule: Rule[object]) -> None:
    assert not rule.title.endswith(".")
    assert rule.reason.endswith(".")
    assert rule.remediation.endswith(".")
    names_ = [setting.name for setting in rule.settings]
    assert len(set(names_)) == len(names_)
    assert "enforcementLevel" not in names_
    assert all(setting.meaning.endswith(".") for setting in rule.settings)


def test_every_rule_of_every_module_is_registered() -> None:
    """A rule that is written but left out of the tuple would never run."""
    made = set()
    for path in (ROOT / "policies" / "rules").glob("*.py"):
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            if (
                isinstance(node, ast.Assign)
                and isinstance(node.value, ast.Call)
                and "Rule" in ast.unparse(node.value.func)
            ):
                made.add(next(ast.literal_eval(k.value) for k in node.value.keywords if k.arg == "id"))
    assert made == {rule.id for rule in RULES}


def test_the_reference_page_is_current() -> None:
    page = (ROOT / "docs" / "policies.md").read_text(encoding="utf-8")
    assert page == reference.markdown(), "run: python -m policies.reference"
    for rule in RULES:
        assert f"\n### {rule.id}\n" in page
        assert f"](#{rule.id})" in page


def test_the_list_of_taggable_types_is_current() -> None:
    """Compared with the provider SDK for the types that platforms are made of; the whole list takes ten seconds."""
    import pulumi_aws

    declared = runpy.run_path(str(ROOT / "tools" / "list_taggable.py"))["taggable"]
    folder = Path(str(pulumi_aws.__file__)).parent
    modules = ("ec2", "eks", "iam", "kms", "rds", "s3", "sqs", "vpc")
    types = {name for module in modules for name in declared(folder, f"{module}/*.py")}
    assert types == {name for name in taggable() if name.split(":")[1].split("/")[0] in modules}


def test_names_are_those_that_the_components_write() -> None:
    from components.layout import gpu, karpenter, serving

    assert names.GPU == gpu.GPU_RESOURCE
    assert names.GPU_SHARED == gpu.SHARED_RESOURCE
    assert names.POOL == gpu.POOL_LABEL == serving.POOL_ANNOTATION
    assert gpu.TAINT["key"] == names.GPU
    assert names.SHARING == karpenter.SHARING_LABEL
    assert names.PURPOSE == karpenter.PURPOSE_LABEL
    assert names.INTERRUPTIBLE == serving.INTERRUPTIBLE


def test_a_thousand_models_take_linear_time() -> None:
    """Four times the models take about four times as long; quadratic rules would take sixteen."""
    config = config_for({**GUARDRAILS, "budget": {"monthlyUsd": 10_000_000}})

    def seconds(count: int) -> float:
        stack = happy() | {f"m{i}": model(f"m{i}", "inference") for i in range(count)}
        plan = rows(stack)
        best = float("inf")
        for _ in range(3):
            start = time.perf_counter()
            report = evaluate(plan, config)
            best = min(best, time.perf_counter() - start)
        assert report.findings == ()
        assert report.evaluated["images-pinned"] > count
        return best

    small, large = seconds(250), seconds(1000)
    assert large < 8 * small
    assert large < 2
