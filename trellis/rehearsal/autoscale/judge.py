"""What the phases of the act come to: verdict and notes, from plain data."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from components.catalogue.pricing.requirements import capacity_types
from trellis.rehearsal.autoscale.account import Account
from trellis.rehearsal.autoscale.twins import Twins, requirements
from trellis.rehearsal.result import Verdict

TOLERATED = 1.1
"""How far above the cheapest fit a pool may be before it is said; list prices are not better than that."""
_LIMITS = re.compile(r"exceed(?:s|ed)? (?:its )?limits?", re.IGNORECASE)


@dataclass(frozen=True)
class Waiting:
    """Pods of one workload that have no node."""

    label: str
    """The workload, as people name it."""
    pool: str
    """The Karpenter pool that they ask for; empty for any other."""
    count: int
    why: str


@dataclass(frozen=True)
class Phase:
    """The cluster at the end of a phase."""

    accounts: Mapping[str, Account]
    waiting: tuple[Waiting, ...]
    said: Mapping[str, str]
    """What Karpenter said of nodes that it keeps, by NodeClaim."""
    seconds: float
    settled: bool
    """Whether things were still before time was up."""

    @property
    def usd_h(self) -> float:
        """Price of all nodes."""
        return sum(one.usd_h for one in self.accounts.values())

    @property
    def nodes(self) -> int:
        """All nodes."""
        return sum(one.nodes for one in self.accounts.values())

    @property
    def cheapest(self) -> float:
        """Sum of the pools' cheapest fits."""
        return sum(one.fit.usd_h for one in self.accounts.values() if one.fit)

    def document(self) -> dict[str, Any]:
        """The phase as JSON-ready data."""
        return {
            "nodes": self.nodes,
            "usdPerHour": round(self.usd_h, 4),
            "cheapestUsdPerHour": round(self.cheapest, 4),
            "pools": {name: one.document() for name, one in sorted(self.accounts.items())},
            "waiting": [{"workload": w.label, "pool": w.pool, "pods": w.count, "why": w.why} for w in self.waiting],
            "seconds": round(self.seconds, 1),
            "settled": self.settled,
        }


@dataclass(frozen=True)
class Finding:
    """Something that lowers the verdict."""

    verdict: Verdict
    note: str


def bought(cluster: str, phase: Phase) -> Iterator[Finding]:
    """Judge what was bought for everything at its most."""
    yield from _still(phase, "buying")
    for one in phase.waiting:
        mend = _mend(cluster, one)
        if one.pool:
            yield Finding(Verdict.FAILED, f"{one.label}: {one.count} pods got no node: {one.why}. To mend it: {mend}.")
        else:
            yield Finding(
                Verdict.LIMITED, f"{one.label}: {one.count} pods wait, for nodes that Karpenter does not buy."
            )
    for name, account in sorted(phase.accounts.items()):
        if account.above is not None and account.above > TOLERATED and account.fit:
            kinds = sorted(account.fit.nodes)
            mend = (
                f"name only {', '.join(kinds)} in clusters.{cluster}.pools.{name}.instanceTypes"
                if kinds and set(kinds) != {kind for kind, _, _ in account.ways}
                else "look whether pods of this pool must be spread over nodes or zones"
            )
            yield Finding(
                Verdict.LIMITED,
                f"Pool {name}: bought for {account.usd_h:.2f} USD/h, {account.above:.2f} times the cheapest fit "
                f"({account.fit.usd_h:.2f}, {account.fit.method}). To mend it: {mend}.",
            )
        if account.idle:
            yield Finding(
                Verdict.LIMITED, f"Pool {name}: {len(account.idle)} nodes were bought that no pod of a workload is on."
            )


def shrunk(cluster: str, twins: Twins, phase: Phase) -> Iterator[Finding]:
    """Judge what was given up when workloads shrank."""
    yield from _still(phase, "giving up nodes")
    for name, account in sorted(phase.accounts.items()):
        policy = (twins.pools[name]["spec"].get("disruption") or {}).get("consolidationPolicy", "")
        said = "; ".join(sorted({phase.said[claim] for claim in account.idle if claim in phase.said}))
        if account.idle:
            yield Finding(
                Verdict.FAILED,
                f"Pool {name}: {len(account.idle)} of {account.nodes} nodes are empty and are kept"
                f"{f': {said}' if said else ''}. To mend it: look at disruption.budgets of the NodePool.",
            )
        elif account.above is not None and account.above > TOLERATED and account.fit:
            kept = "; ".join(sorted({phase.said[claim] for claim in account.claims if claim in phase.said}))
            yield Finding(
                Verdict.LIMITED,
                f"Pool {name}: after shrinking it still costs {account.usd_h:.2f} USD/h, {account.above:.2f} times the "
                f"cheapest fit ({account.fit.usd_h:.2f}, {account.fit.method}): {kept or f'its policy is {policy}'}. "
                f"To mend it: {_loosen(cluster, account)}.",
            )


def without_spot(cluster: str, twins: Twins, before: Phase, phase: Phase) -> Iterator[Finding]:
    """Judge what happened to pods on spot nodes when spot was gone."""
    yield from _still(phase, "buying without spot")
    known = {(one.label, one.pool) for one in before.waiting}
    for one in phase.waiting:
        if (one.label, one.pool) in known or not one.pool:
            continue
        falls_back = "on-demand" in capacity_types(requirements(twins.pools[one.pool]))
        if falls_back:
            yield Finding(
                Verdict.FAILED,
                f"{one.label}: without spot {one.count} pods got no node, though pool {one.pool} may buy on demand: "
                f"{one.why}. To mend it: {_mend(cluster, one)}.",
            )
        else:
            yield Finding(
                Verdict.LIMITED,
                f"{one.label}: without spot {one.count} pods wait, for pool {one.pool} buys nothing else. To mend it: "
                f"set clusters.{cluster}.pools.{one.pool}.onDemandFallback: true, or let it wait.",
            )
    for name, account in sorted(phase.accounts.items()):
        if account.spot:
            yield Finding(Verdict.FAILED, f"Pool {name}: {account.spot} spot nodes are there, though spot was gone.")


def verdict(findings: Sequence[Finding], *, whole: bool) -> Verdict:
    """The worst of all; `whole` when nothing was left out."""
    found = {one.verdict for one in findings}
    if Verdict.FAILED in found:
        return Verdict.FAILED
    return Verdict.PASSED if whole and not found else Verdict.LIMITED


def _still(phase: Phase, doing: str) -> Iterator[Finding]:
    if not phase.settled:
        yield Finding(Verdict.LIMITED, f"Karpenter was still {doing} after {phase.seconds:.0f} s; figures are of then.")


def _loosen(cluster: str, account: Account) -> str:
    """What would let nodes go."""
    if account.spread:
        return (
            "its pods are spread over zones, a wish that Karpenter keeps like a must. Accept the price of it, or set "
            "settings.preferencePolicy: Ignore in Karpenter's values"
        )
    return f"nothing where pods must not be moved; else give clusters.{cluster}.pools.{account.pool} smaller types"


def _mend(cluster: str, one: Waiting) -> str:
    if _LIMITS.search(one.why):
        return f"raise clusters.{cluster}.pools.{one.pool}.limits, or lower what {one.label} may grow to"
    if "taint" in one.why:
        return f"name the pool of {one.label} in the stack file, which gives it the toleration"
    return f"give clusters.{cluster}.pools.{one.pool} an instance type that holds such a pod"
