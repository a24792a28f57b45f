"""Each rule passes a right stack and fails each of its branches, in words that let people repair it."""

from __future__ import annotations

import pytest

from policies.config import config_for
from policies.evaluate import evaluate
from policies.model import Level, Report
from policies.rules import RULES
from tests.policies.builders import GUARDRAILS, happy, rows
from tests.policies.cases import Case
from tests.policies.cases_gpu import GPU_CASES
from tests.policies.cases_other import OTHER_CASES

CASES = (*GPU_CASES, *OTHER_CASES)
CONFIG = config_for(GUARDRAILS)


def broken(case: Case) -> Report:
    """What the rules say about a case."""
    stack = happy()
    case.break_(stack)
    return evaluate(rows(stack), config_for(case.all_guardrails))


def test_a_right_stack_breaks_no_rule() -> None:
    report = evaluate(rows(happy()), CONFIG)
    assert [f.message for f in report.findings] == []
    assert [u.message for u in report.unknowns] == []


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.id)
def test_every_rule_has_something_to_pass_and_a_case_that_fails(rule: object) -> None:
    rule_id = getattr(rule, "id", "")
    assert evaluate(rows(happy()), CONFIG).evaluated[rule_id] > 0
    assert any(case.rule == rule_id for case in CASES)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.id)
def test_one_mistake_is_found_and_explained(case: Case) -> None:
    found = [f for f in broken(case).findings if f.rule == case.rule]
    assert len(found) == case.count, [f.message for f in found]
    for part in case.says:
        assert any(part in f.message for f in found), (part, [f.message for f in found])
    for finding in found:
        assert finding.resource in finding.message
        assert f"allowed: {finding.allowed}" in finding.message
        assert finding.message.endswith(f"Fix: {finding.fix}")
        assert finding.url == f"docs/policies.md#{case.rule}"


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.id)
def test_one_mistake_breaks_no_other_rule(case: Case) -> None:
    others = {f.rule for f in broken(case).findings} - {case.rule}
    assert others == case.also


def test_cases_have_names_of_their_own() -> None:
    assert len({case.id for case in CASES}) == len(CASES)


@pytest.mark.parametrize("case", CASES[:3], ids=lambda case: case.id)
def test_levels_come_from_the_guardrails(case: Case) -> None:
    stack = happy()
    case.break_(stack)
    for level in Level:
        config = config_for({**case.all_guardrails, "levels": {case.rule: level.value}})
        report = evaluate(rows(stack), config)
        found = [f for f in report.findings if f.rule == case.rule]
        assert {f.level for f in found} == (set() if level is Level.DISABLED else {level})
        assert (case.rule in report.evaluated) == (level is not Level.DISABLED)
        assert bool([f for f in report.mandatory if f.rule == case.rule]) == (level is Level.MANDATORY)


def test_order_of_resources_does_not_matter() -> None:
    stack = happy()
    for case in CASES[::5]:
        case.break_(stack)
    forward = evaluate(rows(stack), CONFIG)
    assert forward == evaluate(list(reversed(rows(stack))), CONFIG)
    assert forward.findings
