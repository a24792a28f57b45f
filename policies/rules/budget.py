"""The worst month against the budget."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date

from components.catalogue import pricing
from policies.model import Breach, Concern, Level, Outcome, Rule, Scope, Setting, Severity
from policies.settings import Settings, SettingsError
from policies.stack import Stack

_DRIVERS = 3
"""Resources that the message names: enough to see where the money goes, few enough to read."""


def _whole_stack(stack: Stack, settings: Settings) -> Sequence[Stack]:
    return () if settings.number("monthlyUsd") is None else (stack,)


def _within_budget(stack: Stack, _stack: Stack, settings: Settings) -> Iterator[Outcome]:
    budget = settings.number("monthlyUsd") or 0.0
    total = pricing.total((r.raw for r in stack.resources), settings.text("region"), _as_of(settings))
    for unpriced in total.unpriced:
        resource = stack.by_urn[unpriced.urn]
        yield resource.unknown("", f"its cost is not in the worst case: {unpriced.reason}")
    worst = total.cost.worst
    if worst <= budget:
        return
    dear = sorted(total.priced, key=lambda p: (-_worst(p), p.urn))[:_DRIVERS]
    drivers = ", ".join(f"{stack.by_urn[p.urn].label} {_worst(p):,.2f}" for p in dear)
    yield Breach(
        resource=None,
        path="",
        value=f"{worst:,.2f} USD a month at worst (every pool at its limit, on demand)",
        allowed=f"at most {budget:,.2f} USD a month (budget.monthlyUsd)",
        consequence=f"Nothing would stop a month {worst - budget:,.2f} USD over budget. Dearest: {drivers}.",
        fix="lower the limits of the dearest pools, choose cheaper types, or raise guardrails.budget.monthlyUsd.",
    )


def _worst(priced: pricing.PricedResource) -> float:
    return priced.cost.worst if priced.cost else 0.0


def _as_of(settings: Settings) -> date | None:
    text = settings.text("asOf")
    try:
        return date.fromisoformat(text) if text else None
    except ValueError:
        raise SettingsError(f"policy configuration {settings.rule.id}.asOf is {text!r}; write YYYY-MM-DD.") from None


BUDGET_WORST_CASE = Rule[Stack](
    id="budget-worst-case",
    title="The worst month stays within the budget",
    severity=Severity.HIGH,
    level=Level.MANDATORY,
    concern=Concern.COST,
    scope=Scope.STACK,
    reason=(
        "Autoscaled GPU pools cost what their limits allow, not what is expected. A budget that is held against the "
        "expected month is found to be broken when the bill comes."
    ),
    remediation="Lower pool limits or raise the budget; `trellis preview` shows the dearest resources.",
    subjects=_whole_stack,
    check=_within_budget,
    settings=(
        Setting(
            name="monthlyUsd",
            schema={"type": "number", "minimum": 0},
            meaning="Budget of the stack in USD per month of 730 hours; without it the rule judges nothing.",
            guardrail="budget.monthlyUsd",
        ),
        Setting(
            name="region",
            schema={"type": "string"},
            meaning="AWS region whose prices apply; none where the stack runs on its own hardware.",
            guardrail="region",
        ),
        Setting(
            name="asOf",
            schema={"type": "string", "format": "date"},
            meaning="Day (YYYY-MM-DD) that support periods are judged by; the engine's clock is never read.",
            guardrail="asOf",
        ),
    ),
)
