"""What the nodes of each pool cost, beside what their pods would cost at the least."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from components.catalogue.hardware import instance_type
from components.layout.clusters import ClusterView
from trellis.rehearsal.autoscale.cheapest import Box, Fit, cheapest
from trellis.rehearsal.autoscale.instances import Market, allowed
from trellis.rehearsal.autoscale.twins import Twins, requirements
from trellis.rehearsal.autoscale.watch import Bought, Seen
from trellis.rehearsal.placing.demand import amount, asks
from trellis.sandbox.nodes import allocatable

Manifest = Mapping[str, Any]
Way = tuple[str, str, str]
"""Instance type, capacity type and zone."""


@dataclass(frozen=True)
class Account:
    """One pool at one moment."""

    pool: str
    ways: Mapping[Way, int]
    """Nodes by how they were bought."""
    usd_h: float
    pods: int
    """Pods on these nodes, without those of DaemonSets."""
    claims: tuple[str, ...]
    """Its NodeClaims."""
    idle: tuple[str, ...]
    """Those without such a pod."""
    spread: bool
    """Whether its pods wish or must be spread over nodes or zones."""
    fit: Fit | None
    """The cheapest nodes for these pods; None where there is no pod, or one that fits none of the pool's types."""

    @property
    def nodes(self) -> int:
        """How many nodes."""
        return sum(self.ways.values())

    @property
    def spot(self) -> int:
        """How many of them are spot."""
        return sum(count for (_, capacity_type, _), count in self.ways.items() if capacity_type == "spot")

    @property
    def above(self) -> float | None:
        """Price as a multiple of the cheapest fit's; None without one."""
        return self.usd_h / self.fit.usd_h if self.fit and self.fit.usd_h else None

    def document(self) -> dict[str, Any]:
        """The account as JSON-ready data."""
        rows = [
            {"instanceType": kind, "capacityType": capacity, "zone": zone, "nodes": count}
            for (kind, capacity, zone), count in sorted(self.ways.items())
        ]
        fit = self.fit and {"usdPerHour": round(self.fit.usd_h, 4), "method": self.fit.method, "nodes": self.fit.nodes}
        return {
            "bought": rows,
            "nodes": self.nodes,
            "usdPerHour": round(self.usd_h, 4),
            "pods": self.pods,
            "idleNodes": len(self.idle),
            "cheapestFit": fit,
            "timesCheapest": None if self.above is None else round(self.above, 3),
        }


def accounts(view: ClusterView, twins: Twins, market: Market, full: Market, seen: Seen) -> dict[str, Account]:
    """Every Karpenter pool's account. Prices are the `full` market's; only what `market` has could be bought."""
    return {name: _account(view, twins, (market, full), name, seen) for name in twins.pools}


def _account(view: ClusterView, twins: Twins, markets: tuple[Market, Market], name: str, seen: Seen) -> Account:
    market, full = markets
    mine = [node for node in seen.nodes if node.pool == name]
    on = {node.name: seen.on(node.node) if node.node else [] for node in mine}
    work = {claim: [pod for pod in pods if not _is_daemon(pod)] for claim, pods in on.items()}
    placed = [_wants(pod) for pods in work.values() for pod in pods]
    daemons = _most([_sum([_wants(p) for p in pods if _is_daemon(p)]) for pods in on.values()])
    boxes = _boxes(view, name, [o for o in market.offers if allowed(o, requirements(twins.pools[name]))], daemons)
    return Account(
        pool=name,
        ways=dict(Counter((node.kind, node.capacity_type, node.zone) for node in mine)),
        usd_h=sum(_price(full, node) for node in mine),
        pods=len(placed),
        claims=tuple(on),
        spread=any(p["spec"].get("topologySpreadConstraints") for pods in work.values() for p in pods),
        idle=tuple(claim for claim, pods in work.items() if not pods),
        fit=cheapest(boxes, placed) if placed else None,
    )


def _boxes(view: ClusterView, name: str, offers: Sequence[Any], daemons: Mapping[str, int]) -> list[Box]:
    """One box for each instance type, at its best price."""
    pool = view.karpenter_pools[name]
    best: dict[str, float] = {}
    for offer in offers:
        best[offer.kind] = min(offer.usd_h, best.get(offer.kind, offer.usd_h))
    boxes = []
    for kind, price in sorted(best.items()):
        gives = {key: amount(key, text) for key, text in allocatable(pool, instance_type(kind)).items()}
        boxes.append(Box(kind, price, {key: value - daemons.get(key, 0) for key, value in gives.items()}))
    return boxes


def _price(market: Market, node: Bought) -> float:
    return market.price(node.kind, node.capacity_type, node.zone) or 0.0


def _wants(pod: Manifest) -> Counter[str]:
    return asks(pod["spec"]) + Counter({"pods": 1})


def _is_daemon(pod: Manifest) -> bool:
    return any(ref["kind"] == "DaemonSet" for ref in pod["metadata"].get("ownerReferences") or ())


def _sum(parts: Sequence[Counter[str]]) -> Counter[str]:
    total: Counter[str] = Counter()
    for part in parts:
        total.update(part)
    return total


def _most(parts: Sequence[Counter[str]]) -> Counter[str]:
    total: Counter[str] = Counter()
    for part in parts:
        total |= part
    return total
