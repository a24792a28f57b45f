"""What a priced resource looks like. Money is USD per month of 730 hours."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Literal

from components.catalogue.prices import HOURS_PER_MONTH, Confidence, Price, SpotRange, weakest

Status = Literal["priced", "free", "unpriced"]


class Unpriceable(Exception):  # noqa: N818 - not a fault: a pricer's way of saying "unpriced", always caught by price()
    """Raised by a pricer that cannot put a figure on a resource; the text is the reason shown to people."""


@dataclass(frozen=True, slots=True)
class Cost:
    """A month in USD. `minimum` <= `expected` <= `worst`."""

    minimum: float
    """Everything at its floor."""
    expected: float
    """At the stated utilisation; spot at its expected price."""
    worst: float
    """Every pool at its limit, all on demand, all month."""

    def __post_init__(self) -> None:
        if not 0 <= self.minimum <= self.expected <= self.worst < math.inf:
            raise ValueError(f"not a cost: {self.minimum} <= {self.expected} <= {self.worst} does not hold")


@dataclass(frozen=True, slots=True)
class LineItem:
    """One part of a resource's cost, with the sum written out."""

    what: str
    cost: Cost
    arithmetic: str
    """How the figures come about, such as `2 x 0.8048 USD/h x 730 h`."""
    source: str
    as_of: str
    confidence: Confidence
    spot: SpotRange | None = None
    """The spot range of the type the expected price goes by; None where spot plays no part."""


@dataclass(frozen=True, slots=True)
class Quote:
    """What a pricer answers."""

    items: tuple[LineItem, ...]
    left_out: tuple[str, ...] = ()
    """Parts of the resource's cost that are not in the figures, each with the reason."""
    notes: tuple[str, ...] = ()
    """What a reader should know: assumptions, dates, substitutions."""


@dataclass(frozen=True, slots=True)
class PricedResource:
    """The verdict on one resource of a plan."""

    urn: str
    type: str
    name: str
    status: Status
    reason: str = ""
    """Why it is free or unpriced; empty when priced."""
    items: tuple[LineItem, ...] = ()
    left_out: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def cost(self) -> Cost | None:
        """The month's cost; None when unpriced, which is not zero."""
        return None if self.status == "unpriced" else add(item.cost for item in self.items)

    @property
    def confidence(self) -> Confidence:
        """How sure the figures are: as sure as the weakest part."""
        return weakest([item.confidence for item in self.items])


@dataclass(frozen=True, slots=True)
class Total:
    """All resources of a plan. The sum covers `priced` only; `unpriced` and `left_out` say what it does not cover."""

    cost: Cost
    priced: tuple[PricedResource, ...]
    free: tuple[PricedResource, ...]
    unpriced: tuple[PricedResource, ...]

    @property
    def left_out(self) -> tuple[tuple[str, str], ...]:
        """(URN, part) of each cost that a priced resource has besides its figures."""
        return tuple((resource.urn, part) for resource in self.priced for part in resource.left_out)

    @property
    def worst_by_confidence(self) -> Mapping[Confidence, float]:
        """The worst month split by how sure its prices are."""
        found: dict[Confidence, float] = {"sure": 0.0, "likely": 0.0, "unsure": 0.0}
        for resource in self.priced:
            for item in resource.items:
                found[item.confidence] += item.cost.worst
        return found

    @property
    def oldest_price(self) -> str | None:
        """Date of the oldest price in the sum, as precise as it is known; None when nothing is priced."""
        return min((item.as_of for resource in self.priced for item in resource.items), default=None)


@dataclass(frozen=True, slots=True)
class Resource:
    """A plan resource in the form pricers read."""

    urn: str
    type: str
    name: str
    inputs: Mapping[str, Any]
    dependencies: tuple[str, ...] = ()
    provider: str = ""
    """URN of its provider resource: which account and region, or which cluster."""

    @classmethod
    def of(cls, mapping: Mapping[str, Any]) -> Resource:
        """Read a resource of the plan document."""
        inputs = mapping.get("inputs")
        dependencies = mapping.get("dependencies")
        return cls(
            urn=str(mapping.get("urn", "")),
            type=str(mapping.get("type", "")),
            name=str(mapping.get("name", "")),
            inputs=inputs if isinstance(inputs, Mapping) else {},
            dependencies=tuple(map(str, dependencies)) if isinstance(dependencies, Sequence) else (),
            provider=str(mapping.get("provider") or ""),
        )


@dataclass(frozen=True, slots=True)
class Siblings:
    """The other resources of the plan, for prices that need more than one: a pool's disk stands in its node class."""

    by_urn: Mapping[str, Resource] = field(default_factory=dict)
    by_object: Mapping[tuple[str, str, str], Resource] = field(default_factory=dict)
    """(provider, type, Kubernetes object name) -> resource: two clusters may hold objects of one name."""

    @classmethod
    def of(cls, plan: Iterable[Mapping[str, Any]]) -> Siblings:
        """Index the resources of a plan document, for calling `price` on one of them."""
        return cls.index([Resource.of(mapping) for mapping in plan])

    def near(self, resource: Resource, kind: str, name: Any) -> Resource | None:
        """Return the object of that type and name in the same cluster; None where the plan has none."""
        return self.by_object.get((resource.provider, kind, name)) if isinstance(name, str) else None

    @classmethod
    def index(cls, resources: Sequence[Resource]) -> Siblings:
        """Index resources that have been read already."""
        named = ((resource, resource.inputs.get("metadata")) for resource in resources)
        return cls(
            by_urn={resource.urn: resource for resource in resources},
            by_object={
                (resource.provider, resource.type, str(meta["name"])): resource
                for resource, meta in named
                if isinstance(meta, Mapping) and isinstance(meta.get("name"), str)
            },
        )


@dataclass(frozen=True, slots=True)
class Context:
    """What a price depends on besides the resource."""

    region: str | None
    """AWS region; None where the stack has no AWS (on premises): then nothing in Kubernetes costs money here."""
    as_of: date | None = None
    siblings: Siblings = field(default_factory=Siblings)


def add(costs: Iterable[Cost]) -> Cost:
    """Sum costs; zero for none."""
    parts = list(costs)
    return Cost(
        math.fsum(c.minimum for c in parts),
        math.fsum(c.expected for c in parts),
        math.fsum(c.worst for c in parts),
    )


def steady(what: str, price: Price, quantity: float = 1.0, label: str = "") -> LineItem:
    """Return the item of something that costs the same in every month: an hourly price runs all 730 hours."""
    hourly = price.unit == "hour"
    usd = price.usd * quantity * (HOURS_PER_MONTH if hourly else 1)
    amount = f"{label or f'{quantity:g}'} x {price.usd:g} USD/{price.unit}"
    return LineItem(
        what=what,
        cost=Cost(usd, usd, usd),
        arithmetic=f"{amount} x {HOURS_PER_MONTH} h" if hourly else amount,
        source=price.source,
        as_of=price.as_of,
        confidence=price.confidence,
    )
