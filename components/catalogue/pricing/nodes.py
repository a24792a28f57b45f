"""Pools of nodes: what they cost empty, as used, and full.

Arithmetic of a Karpenter NodePool, all in USD per hour times 730:

* minimum: 0. Karpenter keeps no empty nodes (`spec.replicas`, a static pool, keeps that many).
* worst: the dearest set of nodes within the limits, every node on demand, root volumes included (see `packing`).
* expected: utilisation x a full pool. "Full pool" is worked out for each type alone (nodes that the limits allow x
  its expected price) and the median over the types is taken: Karpenter buys neither always the cheapest (fed with this
  price table it bought one g6.48xlarge for six one-GPU pods, 1.68 times the cheapest) nor always the dearest.

A managed node group has sizes instead of limits: minimum = `minSize` of the cheapest type, at the low end of spot
where it buys spot; worst = `maxSize` of the dearest type on demand; expected = `desiredSize`, or the stated utilisation
of `maxSize`, of the median type.

Utilisation: annotation `trellis.dev/expected-utilisation` of the NodePool, or tag `trellis:expected-utilisation` of the
node group, as `30%` or `0.3`; without one `DEFAULT_UTILISATION`, and the item says so.
"""

from __future__ import annotations

from dataclasses import dataclass

from components.catalogue.hardware import InstanceType
from components.catalogue.prices import (
    HOURS_PER_MONTH,
    Confidence,
    Price,
    SpotRange,
    offered,
    on_demand,
    spot,
    weakest,
)
from components.catalogue.pricing.model import Cost, LineItem, Unpriceable
from components.catalogue.pricing.packing import Option, alone, dearest, fitting
from components.catalogue.pricing.volumes import Disk

DEFAULT_UTILISATION = 0.30
"""Assumed share of a pool's limit in use over a month where nobody states one: an assumption, not a measurement."""

VM_OVERHEAD = 0.075
"""Share of memory that Karpenter takes for lost before it counts a node against a memory limit
(`settings.vmMemoryOverheadPercent`). Counted here too: smaller nodes, so more of them fit, so the worst case holds."""


@dataclass(frozen=True, slots=True)
class Offer:
    """One instance type at its prices in one region, root volume included."""

    kind: InstanceType
    list_price: Price
    range: SpotRange | None
    """Set where the pool may buy spot and a spot price is known."""
    disk_h: float
    """Root volume in USD per hour."""

    @property
    def worst(self) -> float:
        """USD per hour on demand."""
        return self.list_price.usd + self.disk_h

    @property
    def expected(self) -> float:
        """USD per hour as the pool is meant to buy."""
        return (self.list_price.usd if self.range is None else self.range.expected) + self.disk_h

    @property
    def floor(self) -> float:
        """USD per hour at the best."""
        return (self.list_price.usd if self.range is None else self.range.low) + self.disk_h

    @property
    def confidence(self) -> Confidence:
        """As sure as the weakest price used."""
        return weakest([self.list_price.confidence, *([self.range.confidence] if self.range else [])])


@dataclass(frozen=True, slots=True)
class Market:
    """The types that a pool can buy in its region, and what there is to say about the others."""

    offers: tuple[Offer, ...]
    disk: Disk | None
    """Root volume of each node; its price is part of each offer. None where the plan does not say its size."""
    left_out: tuple[str, ...]
    notes: tuple[str, ...]

    def item(self, what: str, cost: Cost, arithmetic: str, middle: Offer | None) -> LineItem:
        """Return a line item that carries the sources, dates and certainty of every price behind it."""
        ranges = [o.range for o in self.offers if o.range]
        dates = [o.list_price.as_of for o in self.offers] + [r.as_of for r in ranges]
        sources = {o.list_price.source for o in self.offers} | {r.source for r in ranges}
        confidences = [o.confidence for o in self.offers]
        if self.disk is not None:
            arithmetic += f"; each node with {self.disk.label} ({self.disk.usd_month:g} USD/month) in its price"
            dates.append(self.disk.as_of)
            confidences.append(self.disk.confidence)
        return LineItem(
            what=what,
            cost=cost,
            arithmetic=arithmetic,
            source=" ".join(sorted(sources)),
            as_of=min(dates),
            confidence=weakest(confidences),
            spot=middle.range if middle else None,
        )


def market(kinds: list[InstanceType], region: str, disk: Disk | None, *, on_spot: bool) -> Market:
    """Return the offers for these types in the region. Raises `Unpriceable` where there is none."""
    found, left_out, notes = [], [], []
    absent = {kind.name for kind in kinds if not offered(kind.name, region)}
    if absent and len(absent) < len(kinds):
        notes.append(f"not offered in {region}, so never bought: {_short(sorted(absent))}")
    for kind in (k for k in kinds if k.name not in absent):
        price = on_demand(kind.name, region)
        if price is None:
            left_out.append(f"{kind.name}: not sold on demand in {region} (Capacity Blocks or spot only)")
            continue
        rate = spot(kind.name, region) if on_spot else None
        if on_spot and rate is None:
            notes.append(f"no spot price known for {kind.name} in {region}: expected at the on-demand price")
        found.append(Offer(kind, price, rate, disk.usd_month / HOURS_PER_MONTH if disk else 0.0))
    if not found:
        names = _short([kind.name for kind in kinds]) or "no type matches"
        raise Unpriceable("; ".join(left_out) or f"no type of this pool is offered in {region}: {names}")
    return Market(tuple(found), disk, tuple(left_out), tuple(notes))


def fill_item(what: str, stock: Market, limits: dict[str, float], used: float) -> LineItem:
    """Return the item of a pool that grows to its limits. Raises `Unpriceable` where the limits leave it open."""
    options = {o.kind.name: Option(o.kind.name, o.worst, capacity(o.kind)) for o in stock.offers}
    worst = dearest(list(options.values()), limits)
    if worst is None:
        names = ", ".join(sorted(limits)) or "none"
        raise Unpriceable(f"the worst case is open: its limits ({names}) do not hold every type that it may buy")
    within = {o.name for o in fitting(list(options.values()), limits)}
    full = sorted(
        ((alone(options[o.kind.name], limits) or 0) * o.expected, o.kind.name, o)
        for o in stock.offers
        if o.kind.name in within
    )  # names differ, so the offers themselves are never compared
    middle = full[(len(full) - 1) // 2][2] if full else None
    expected = used * _median([usd for usd, _, _ in full])
    bought = " + ".join(f"{n} {name}" for name, n in worst.counts) or "no node"
    safe = "" if worst.respects(list(options.values()), limits) else ", at most: other limits hold some of it back"
    usual = ""
    if middle:
        nodes = alone(options[middle.kind.name], limits)
        usual = f" (median type: {nodes} {middle.kind.name} at {middle.expected:.4f} USD/h)"
    return stock.item(
        what,
        Cost(0.0, expected * HOURS_PER_MONTH, worst.usd_h * HOURS_PER_MONTH),
        f"worst: {bought} on demand = {worst.usd_h:.4f} USD/h x {HOURS_PER_MONTH} h (limit on {worst.bound_by}{safe}); "
        f"expected: {used:.0%} of a full pool{usual}",
        middle,
    )


def sized_item(what: str, stock: Market, sizes: tuple[float, float, float]) -> LineItem:
    """Return the item of a pool with (fewest, expected, most) nodes."""
    low, expected, most = sizes
    floor = min(o.floor for o in stock.offers)
    ranked = sorted(stock.offers, key=lambda o: (o.expected, o.kind.name))
    usual = _median([o.expected for o in ranked])
    top = max(stock.offers, key=lambda o: o.worst)
    return stock.item(
        what,
        Cost(*(n * usd * HOURS_PER_MONTH for n, usd in ((low, floor), (expected, usual), (most, top.worst)))),
        f"minimum {low:g} x {floor:.4f}, expected {expected:g} x {usual:.4f}, worst {most:g} {top.kind.name} x "
        f"{top.worst:.4f} USD/h, each x {HOURS_PER_MONTH} h",
        ranked[(len(ranked) - 1) // 2],
    )


def capacity(kind: InstanceType) -> dict[str, float]:
    """Return what one node takes from each limit a NodePool can have. Memory in GiB."""
    found: dict[str, float] = {
        "nodes": 1,
        "cpu": kind.vcpu,
        "memory": kind.memory_gib * (1 - VM_OVERHEAD),
    }
    if kind.accelerator is not None and kind.accelerator_count:
        found[kind.accelerator.resource] = kind.accelerator_count
    return found


def _median(values: list[float]) -> float:
    ordered = sorted(values)
    middle = len(ordered) // 2
    if not ordered:
        return 0.0
    return ordered[middle] if len(ordered) % 2 else (ordered[middle - 1] + ordered[middle]) / 2


def _short(names: list[str], at_most: int = 6) -> str:
    more = f" and {len(names) - at_most} more" if len(names) > at_most else ""
    return ", ".join(names[:at_most]) + more
