"""Rules about money and mail."""

from __future__ import annotations

from collections.abc import Iterator

from components.spec import edits
from components.spec.base import Path, Problem
from components.spec.platform import Platform


def budget_alerts_rise(platform: Platform) -> Iterator[Problem]:
    """Alert percentages rise, and none is there twice."""
    percents = platform.guardrails.budget.alert_percents
    path: Path = ("guardrails", "budget", "alertPercents")
    sound = sorted({percent for percent in percents if percent > 0})
    if list(percents) != sound or (not percents and platform.guardrails.budget.alert_emails):
        yield Problem(
            path=path,
            value=list(percents),
            message="no percentages to alert at" if not sound else "not in rising order, each once, above 0",
            allowed="percentages of the budget in rising order, each once",
            consequence="nobody would get a mail" if not sound else "AWS Budgets would refuse it, or mail twice",
            fix=edits.put(path, sound or [50, 80, 100]),
        )


def teams_cost_less_than_the_environment(platform: Platform) -> Iterator[Problem]:
    """No team may cost more than the whole environment."""
    budget = platform.guardrails.budget.monthly_usd
    for name, team in sorted(platform.teams.items()):
        if team.monthly_usd is not None and team.monthly_usd > budget:
            path: Path = ("teams", name, "monthlyUsd")
            yield Problem(
                path=path,
                value=team.monthly_usd,
                message=f"more than the budget of the whole environment, {budget:g} USD",
                allowed=f"at most {budget:g} USD a month",
                consequence="the team's alert would come after the money is gone",
                fix=edits.put(path, budget),
                related=(path, ("guardrails", "budget", "monthlyUsd")),
            )


LISTS: tuple[Path, ...] = (
    ("guardrails", "allowedFamilies"),
    ("guardrails", "budget", "alertEmails"),
    ("network", "zoneIds"),
    ("network", "interfaceEndpoints"),
    ("storage", "repositories"),
)
"""Lists outside clusters in which an entry means something once."""


def lists_name_things_once(platform: Platform) -> Iterator[Problem]:
    """Nothing stands twice in a list of names."""
    dumped = platform.model_dump(mode="json", by_alias=True, exclude={"models", "training", "teams"})
    places = list(LISTS)
    for cluster, spec in sorted(platform.clusters.items()):
        base: Path = ("clusters", cluster)
        places += [(*base, "roles"), (*base, "logTypes"), (*base, "system", "instanceTypes")]
        places += [(*base, "endpoint", key) for key in ("allowedCidrs", "deployFromCidrs")]
        places += [(*base, "pools", pool, "instanceTypes") for pool in sorted(spec.pools)]
    for path in places:
        entries = _at(dumped, path)
        once = list(dict.fromkeys(entries))
        if len(once) != len(entries):
            twice = next(entry for entry in once if entries.count(entry) > 1)
            yield Problem(
                path=path,
                value=entries,
                message=f"`{twice}` stands there twice",
                allowed="each once",
                consequence="one of the two would be refused as a duplicate, or hide a typing mistake",
                fix=edits.put(path, once),
            )


def _at(values: object, path: Path) -> list[str]:
    for part in path:
        values = values.get(part) if isinstance(values, dict) else None
    return values if isinstance(values, list) else []
