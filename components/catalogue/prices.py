"""List prices: on demand, spot, databases and other services. USD, Linux, shared tenancy, before tax and discount.

Nothing is live. Every price carries its source, its date and how sure it is; a price that is not in the tables is
None, never zero.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cache
from types import MappingProxyType
from typing import Literal

from components.catalogue.tables import Row, number, rows

HOURS_PER_MONTH = 730
"""A month of hours, as AWS's own calculator counts it."""

REFERENCE_REGION = "us-east-1"
"""Where a service that is priced alike in most regions was looked up."""

FLOOR_SAVING_PCT = 90
"""The most that Spot Advisor ever shows: it says "little demand", not what spot will cost."""

Confidence = Literal["sure", "likely", "unsure"]
RANK: Mapping[str, int] = MappingProxyType({"sure": 0, "likely": 1, "unsure": 2})


@dataclass(frozen=True, slots=True)
class Price:
    """One list price."""

    usd: float
    unit: str
    """What one of it is: `hour`, `GB-month`, `key-month` ..."""
    source: str
    as_of: str
    """Date of the figure: `2026-07-20`, or only a month or a year where no more is known."""
    confidence: Confidence
    note: str = ""


@dataclass(frozen=True, slots=True)
class SpotRange:
    """What an hour on spot may cost. Spot is never one number: it moves, and it may not be there."""

    low: float
    expected: float
    """Median over the region's zones where zone prices are known, else on demand less Spot Advisor's mean saving."""
    high: float | None
    """The on-demand price, which a node costs when it falls back; None where the type is not sold on demand."""
    interruption: str | None
    """How often it was reclaimed over a month: `<5%`, `5-10%`, `10-15%`, `15-20%` or `>20%`; None if not known."""
    source: str
    as_of: str
    confidence: Confidence


@dataclass(frozen=True, slots=True)
class ReservedPrices:
    """Standard reserved instances without upfront payment, USD per hour; None where the source lists none."""

    one_year: float | None
    three_years: float | None
    as_of: str


@dataclass(frozen=True, slots=True)
class _Source:
    as_of: str
    confidence: Confidence


def offered(instance_type: str, region: str) -> bool:
    """Whether the type is offered in the region, as far as the sources list it."""
    return (instance_type, region) in _ec2()


def regions_offering(instance_type: str) -> tuple[str, ...]:
    """Return the regions that offer the type, sorted; none for an unknown type."""
    return tuple(sorted(region for name, region in _ec2() if name == instance_type))


def on_demand(instance_type: str, region: str) -> Price | None:
    """Return the on-demand price per hour; None where it is not offered or not sold on demand (p5e)."""
    row = _ec2().get((instance_type, region))
    if row is None or not row["on_demand_usd_h"]:
        return None
    source = _sources()[row["source"]]
    return Price(float(row["on_demand_usd_h"]), "hour", row["source"], source.as_of, source.confidence)


def reserved(instance_type: str, region: str) -> ReservedPrices | None:
    """Return reserved-instance prices; None where the source lists none (P4, P5, P6 and new types)."""
    row = _ec2().get((instance_type, region))
    if row is None or not (row["ri1y_noupfront_usd_h"] or row["ri3y_noupfront_usd_h"]):
        return None
    return ReservedPrices(
        number(row["ri1y_noupfront_usd_h"]),
        number(row["ri3y_noupfront_usd_h"]),
        _sources()["ec2shop-2025-04"].as_of,
    )


@cache
def spot(instance_type: str, region: str) -> SpotRange | None:
    """Return the spot range per hour; None where the sources know no spot price for the type there."""
    row = _ec2().get((instance_type, region))
    if row is None:
        return None
    high = number(row["on_demand_usd_h"])
    zones = sorted(spot_by_zone(instance_type, region).values())
    saving = number(row["spot_saving_pct"])
    advised = None if saving is None or high is None else high * (1 - saving / 100)
    interruption = row["spot_interruption"] or None
    if zones:
        source = _sources()["skypilot-v8"]
        top = zones[-1] if high is None else high
        expected = min(_median(zones), top)  # zone prices are rounded and may pass on-demand by a fraction of a cent
        return SpotRange(
            min(zones[0], expected), expected, high, interruption, "skypilot-v8", source.as_of, source.confidence
        )
    if advised is None:
        return None
    source = _sources()["spot-advisor"]
    confidence: Confidence = "unsure" if saving is not None and saving >= FLOOR_SAVING_PCT else source.confidence
    return SpotRange(advised, advised, high, interruption, "spot-advisor", source.as_of, confidence)


def spot_by_zone(instance_type: str, region: str) -> Mapping[str, float]:
    """Return spot USD per hour by zone id (P family only). A zone at the on-demand price has no spare capacity."""
    return _spot_zones().get((instance_type, region), {})


def rds(instance_class: str, region: str, *, multi_az: bool) -> Price | None:
    """Return the price per hour of an RDS for PostgreSQL instance, without storage; None where not listed."""
    row = _rds().get((instance_class, region))
    usd = None if row is None else number(row["multi_az_usd_h" if multi_az else "single_az_usd_h"])
    if usd is None:
        return None
    source = _sources()["ec2shop-2025-04"]
    return Price(usd, "hour", "ec2shop-2025-04", source.as_of, source.confidence)


def other(service: str, item: str, region: str) -> Price | None:
    """Return the price of a service's item in exactly that region; None where the table has none."""
    row = _other().get((service, item, region)) or _other().get((service, item, "all"))
    if row is None:
        return None
    return Price(float(row["usd"]), row["unit"], row["source"], row["as_of"], _confidence(row["confidence"]))


def other_or_reference(service: str, item: str, region: str) -> Price | None:
    """Return `other`, or the us-east-1 price marked unsure and noted as such where the region has none."""
    exact = other(service, item, region)
    if exact is not None:
        return exact
    reference = other(service, item, REFERENCE_REGION)
    if reference is None:
        return None
    note = f"no {service} price for {region}: {REFERENCE_REGION}'s taken"
    return replace(reference, confidence="unsure", note=note)


def weakest(confidences: list[Confidence]) -> Confidence:
    """Return the least certain of several; a sum is no surer than its weakest part. `sure` for none."""
    return max(confidences, key=lambda c: RANK[c], default="sure")


def _median(values: list[float]) -> float:
    """The middle of sorted values. Not `statistics.median`: importing that module takes longer than all the tables."""
    middle = len(values) // 2
    return values[middle] if len(values) % 2 else (values[middle - 1] + values[middle]) / 2


def _confidence(text: str) -> Confidence:
    known: Mapping[str, Confidence] = {"sure": "sure", "likely": "likely", "unsure": "unsure"}
    return known[text]


@cache
def _ec2() -> Mapping[tuple[str, str], Row]:
    return {(row["name"], row["region"]): row for row in rows("ec2_prices.csv")}


@cache
def _spot_zones() -> Mapping[tuple[str, str], Mapping[str, float]]:
    found: dict[tuple[str, str], dict[str, float]] = {}
    for row in rows("ec2_spot_zones.csv"):
        found.setdefault((row["name"], row["region"]), {})[row["zone_id"]] = float(row["spot_usd_h"])
    return found


@cache
def _rds() -> Mapping[tuple[str, str], Row]:
    return {(row["instance_class"], row["region"]): row for row in rows("rds_prices.csv")}


@cache
def _other() -> Mapping[tuple[str, str, str], Row]:
    return {(row["service"], row["item"], row["region"]): row for row in rows("other_prices.csv")}


@cache
def _sources() -> Mapping[str, _Source]:
    return {row["key"]: _Source(row["as_of"], _confidence(row["confidence"])) for row in rows("price_sources.csv")}
