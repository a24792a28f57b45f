"""AWS Budgets of an environment: one for all of it, one for each team that has a budget of its own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from components.layout.names import Names
from components.spec.platform import Platform

MOST_ALERTS = 5
"""AWS Budgets takes five alerts for each budget. Source: AWS Budgets quotas (general knowledge, likely)."""


@dataclass(frozen=True, kw_only=True)
class Alert:
    """A mail at a share of the budget: of what was spent, or of what the month is forecast to cost."""

    percent: int
    kind: str


@dataclass(frozen=True, kw_only=True)
class BudgetSpec:
    """One budget."""

    name: str
    monthly_usd: float
    tags: Mapping[str, str]
    """Costs count that carry all of these tags."""
    alerts: tuple[Alert, ...]
    emails: tuple[str, ...]


def budgets(platform: Platform, names: Names) -> Mapping[str, BudgetSpec]:
    """Budgets by a stable key; none without somebody to tell."""
    budget = platform.guardrails.budget
    if not budget.alert_emails or budget.monthly_usd <= 0:
        return {}
    environment = {"trellis:environment": platform.environment}
    limits: dict[str, tuple[float, dict[str, str]]] = {"environment": (budget.monthly_usd, environment)}
    for team, spec in sorted(platform.teams.items()):
        if spec.monthly_usd is not None:
            limits[f"team-{team}"] = (spec.monthly_usd, {**environment, "trellis:team": team})
    return {
        key: BudgetSpec(
            name=f"{names.prefix}-{key}" if key != "environment" else names.prefix,
            monthly_usd=usd,
            tags=tags,
            alerts=_alerts(budget.alert_percents),
            emails=tuple(sorted(budget.alert_emails)),
        )
        for key, (usd, tags) in limits.items()
    }


def _alerts(percents: tuple[int, ...]) -> tuple[Alert, ...]:
    """Alerts on actual cost, and one on the forecast while there is time to act; the highest if there are too many."""
    actual = [Alert(percent=percent, kind="ACTUAL") for percent in sorted(set(percents)) if percent > 0]
    return (*actual[-(MOST_ALERTS - 1) :], Alert(percent=100, kind="FORECASTED"))
