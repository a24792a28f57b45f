"""What Karpenter may buy: EC2 as our tables know it in one region, in the form that Karpenter over KWOK reads."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from components.catalogue.hardware import NVIDIA_RESOURCE, InstanceType, instance_types
from components.catalogue.prices import offered, on_demand, spot, spot_by_zone
from components.catalogue.pricing.requirements import CAPACITY_TYPE, OPERATORS, known_keys, labels
from components.layout.capacity import EFA_RESOURCE, efa_per_node
from components.layout.clusters import ClusterView
from components.layout.zones import zone_ids

ZONE = "topology.kubernetes.io/zone"
ZONE_ID = "topology.k8s.aws/zone-id"
INSTANCE_TYPE = "node.kubernetes.io/instance-type"
OVERHEAD = {"cpu": 100, "memory": 10}
"""What Karpenter over KWOK keeps from every node: millis of CPU and MiB. Added here, so that our figure is left."""
_OF_TYPE = frozenset({INSTANCE_TYPE, "kubernetes.io/arch", "kubernetes.io/os"})
"""Labels that Karpenter derives from the rest of the file."""


@dataclass(frozen=True, order=True)
class Offer:
    """One way to buy a node."""

    kind: str
    """Instance type."""
    capacity_type: str
    zone: str
    usd_h: float


@dataclass(frozen=True)
class Market:
    """All that can be bought, and what our tables leave out."""

    offers: tuple[Offer, ...]
    no_spot: tuple[str, ...]
    """`<type> in <zone>` where spot stands at the on-demand price, which means that there is none to spare."""

    def without(self, capacity_type: str) -> Market:
        """The market with one capacity type sold out."""
        return Market(tuple(one for one in self.offers if one.capacity_type != capacity_type), self.no_spot)

    def price(self, kind: str, capacity_type: str, zone: str) -> float | None:
        """USD per hour; None for what is not sold."""
        return next(
            (o.usd_h for o in self.offers if (o.kind, o.capacity_type, o.zone) == (kind, capacity_type, zone)), None
        )


def market(view: ClusterView) -> Market:
    """What the region of a cluster sells in its zones, by the catalogue's prices; sorted."""
    aws = view.platform.aws
    if aws is None:
        return Market((), ())
    offers: list[Offer] = []
    no_spot: list[str] = []
    for name in instance_types():
        if not offered(name, aws.region):
            continue
        firm = on_demand(name, aws.region)
        advised = spot(name, aws.region)
        zones = spot_by_zone(name, aws.region)
        for zone in zone_ids(view.platform):
            if firm is not None:
                offers.append(Offer(name, "on-demand", zone, firm.usd))
            price = zones.get(zone) if zones else advised.expected if advised else None
            if price is None:
                continue
            if firm is not None and price >= firm.usd:
                no_spot.append(f"{name} in {zone}")
            else:
                offers.append(Offer(name, "spot", zone, price))
    return Market(tuple(sorted(offers)), tuple(sorted(no_spot)))


def document(view: ClusterView, offers: Iterable[Offer]) -> list[dict[str, Any]]:
    """The file of instance types. A type without an offer is left out."""
    sold: dict[str, list[Offer]] = {}
    for offer in offers:
        sold.setdefault(offer.kind, []).append(offer)
    cards = _fabric(view)
    return [_row(instance_types()[name], rows, cards.get(name, 0)) for name, rows in sorted(sold.items())]


def _row(kind: InstanceType, rows: Sequence[Offer], cards: int) -> dict[str, Any]:
    cpu = kind.allocatable_cpu_millis or kind.vcpu * 1000
    memory = kind.allocatable_memory_mib or int(kind.memory_gib * 1024)
    # Whole GPUs, whatever a pool makes of them: as on EC2, shares and slices come from the pool's NodeOverlay.
    extended = {NVIDIA_RESOURCE: kind.gpu_count, EFA_RESOURCE: cards}
    return {
        "name": kind.name,
        "architecture": kind.arch,
        "operatingSystems": ["linux"],
        "resources": {
            "cpu": f"{cpu + OVERHEAD['cpu']}m",
            "memory": f"{memory + OVERHEAD['memory']}Mi",
            "pods": str(kind.max_pods or 110),
            "ephemeral-storage": "100Gi",
            **{name: str(count) for name, count in extended.items() if count},
        },
        "offerings": [_offering(kind, row) for row in rows],
    }


def _offering(kind: InstanceType, row: Offer) -> dict[str, Any]:
    about = {key: value for key, value in labels(kind).items() if key not in _OF_TYPE}
    every = {**about, CAPACITY_TYPE: row.capacity_type, ZONE: row.zone, ZONE_ID: row.zone}
    return {
        "Price": row.usd_h,
        "Available": True,
        "Requirements": [{"key": key, "operator": "In", "values": [value]} for key, value in sorted(every.items())],
    }


def _fabric(view: ClusterView) -> Mapping[str, int]:
    """EFA interfaces by instance type: those that a pool asks for."""
    found: dict[str, int] = {}
    for pool in view.karpenter_pools.values():
        for name in pool.instance_types:
            found[name] = max(found.get(name, 0), efa_per_node(pool))
    return found


def allowed(offer: Offer, requirements: Iterable[Mapping[str, Any]]) -> bool:
    """Whether a NodePool with these requirements may buy by an offer. Keys that no offer tells of do not narrow."""
    place = {CAPACITY_TYPE: offer.capacity_type, ZONE: offer.zone, ZONE_ID: offer.zone}
    have = {**labels(instance_types()[offer.kind]), **place}
    keys = known_keys() | set(place)
    return all(
        OPERATORS[one["operator"]](have.get(one["key"]), tuple(one.get("values") or ()))
        for one in requirements
        if one["key"] in keys
    )
