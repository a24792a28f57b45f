"""The parts of a report as plain rows, so that every format shows the same."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass

from components.catalogue.pricing import Cost, PricedResource
from trellis.judge import Judgement

VERDICTS = {
    "ok": "OK: no rule is broken",
    "warnings": "OK with warnings",
    "blocked": "BLOCKED: a mandatory rule is broken",
}


@dataclass(frozen=True)
class Table:
    """A titled table; numbers are text already."""

    title: str
    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    numeric: tuple[int, ...] = ()
    """Columns that are aligned to the right."""


def verdict_line(judged: Judgement) -> str:
    """One line that says it all: verdict, findings, worst month against the budget."""
    mandatory = len(judged.report.mandatory)
    advisory = len(judged.report.findings) - mandatory
    worst, budget = judged.cost.cost.worst, judged.budget
    share = f" ({worst / budget:.0%})" if budget else ""
    return (
        f"{VERDICTS[judged.verdict]} ({mandatory} mandatory, {advisory} advisory). "
        f"Worst month {usd(worst)} of a budget of {usd(budget)}{share}."
    )


def usd(amount: float) -> str:
    """Money for people: whole dollars, with separators."""
    return f"{amount:,.0f} USD"


def counts_line(judged: Judgement) -> str:
    """How many resources of which origin."""
    parts = ", ".join(f"{count} {origin}" for origin, count in judged.counts.items())
    return f"{len(judged.plan.resources)} resources: {parts}"


def gpu_table(judged: Judgement) -> Table:
    """GPUs offered against GPUs asked for."""
    rows = tuple(
        (
            f"{b.cluster}/{b.pool}",
            f"{b.gpus} x {b.gpu_model}",
            b.sharing,
            b.resource,
            str(b.offered),
            str(b.asked),
            b.verdict,
            ", ".join(b.workloads) or "-",
        )
        for b in judged.gpus
    )
    head = ("pool", "GPUs at limit", "sharing", "resource", "offered", "asked", "verdict", "workloads")
    return Table("GPUs offered against GPUs asked for (at most)", head, rows, numeric=(4, 5))


def cost_groups(judged: Judgement) -> Mapping[str, list[PricedResource]]:
    """Priced resources by what they are for: a pool by name, all else by kind."""
    groups: dict[str, list[PricedResource]] = defaultdict(list)
    for priced in judged.cost.priced:
        groups[_cost_group(priced)].append(priced)
    return dict(sorted(groups.items()))


def _cost_group(priced: PricedResource) -> str:
    _, module, kind = priced.type.split(":")
    if kind in {"NodePool", "NodeGroup"}:
        return f"nodes {priced.name}"
    if kind == "Release":
        return f"release {priced.name}"
    return f"{module.partition('/')[0]} {kind}" if priced.type.startswith("aws:") else kind


def cost_table(judged: Judgement) -> Table:
    """A month's cost by group and in all."""
    rows = []
    for group, members in cost_groups(judged).items():
        parts = [member.cost for member in members if member.cost is not None]
        label = group if len(members) == 1 else f"{group} x {len(members)}"
        rows.append(_cost_row(label, _sum(parts)))
    rows.append(_cost_row("total", judged.cost.cost))
    title = f"Monthly cost (USD, list prices; oldest from {judged.cost.oldest_price or 'no date'})"
    return Table(title, ("what", "minimum", "expected", "worst"), tuple(rows), numeric=(1, 2, 3))


def _sum(parts: list[Cost]) -> Cost:
    return Cost(sum(p.minimum for p in parts), sum(p.expected for p in parts), sum(p.worst for p in parts))


def _cost_row(what: str, cost: Cost) -> tuple[str, ...]:
    return (what, *(f"{amount:,.2f}" for amount in (cost.minimum, cost.expected, cost.worst)))


def not_priced(judged: Judgement) -> tuple[str, ...]:
    """What the sum leaves out, each with the reason."""
    whole = [f"{p.type} {p.name}: {p.reason}" for p in judged.cost.unpriced]
    parts = [f"{_label(judged, urn)}: {part}" for urn, part in judged.cost.left_out]
    return tuple(sorted(dict.fromkeys([*whole, *parts])))


def _label(judged: Judgement, urn: str) -> str:
    resource = judged.plan.by_urn[urn]
    return f"{resource.type} {resource.name}"


def unjudged_lines(judged: Judgement) -> tuple[str, ...]:
    """What rules met and could not see; costs that are listed as not priced are not said twice."""
    unpriced = {p.urn for p in judged.cost.unpriced}
    return tuple(sorted(n.message for n in judged.report.unknowns if n.urn not in unpriced))


def not_opened_lines(judged: Judgement) -> tuple[str, ...]:
    """Helm releases whose objects are not shown, by reason."""
    groups: dict[str, list[str]] = defaultdict(list)
    for row in judged.plan.not_opened:
        groups[row.reason].append(f"{row.name} ({row.chart} {row.version})")
    return tuple(f"{reason}: {', '.join(releases)}" for reason, releases in sorted(groups.items()))


def unknown_lines(judged: Judgement) -> tuple[str, ...]:
    """Properties that are known only after deployment, with how many resources have them."""
    return tuple(f"{where} ({count}x)" if count > 1 else where for where, count in judged.unknowns.items())
