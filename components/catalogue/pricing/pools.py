"""Pricers of what starts nodes: Karpenter NodePool, EKS managed node group, EC2 instance, capacity reservation."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from components.catalogue.hardware import InstanceType, UnknownInstanceType, instance_type, instance_types
from components.catalogue.prices import on_demand
from components.catalogue.pricing import nodes
from components.catalogue.pricing.model import Context, Quote, Resource, Unpriceable, steady
from components.catalogue.pricing.read import GIB, count, dig, items, quantity, share, strings, tag, text
from components.catalogue.pricing.requirements import candidates, capacity_types, is_open, named_types
from components.catalogue.pricing.volumes import group_disk, launch_template, pool_disk

UTILISATION_ANNOTATION = "trellis.dev/expected-utilisation"
UTILISATION_TAG = "trellis:expected-utilisation"
EKS_DEFAULT_TYPE = "t3.medium"
"""What EKS starts for a managed node group that names no type (EKS API, CreateNodegroup instanceTypes)."""

NO_DISK = "root volumes: the plan does not say their size (trellis.dev/disk-gib on the pool, or its node class)"


def node_pool(resource: Resource, context: Context, region: str) -> Quote:
    """Price a Karpenter NodePool from requirements x limits x price table; see `nodes` for the arithmetic."""
    requirements = items(resource.inputs, "spec", "template", "spec", "requirements")
    buys = capacity_types(requirements)
    disk = pool_disk(resource, context, region)
    kinds = candidates(requirements)
    unlisted = _not_listed(named_types(requirements))
    if unlisted and not kinds:
        raise Unpriceable("; ".join(unlisted))
    stock = nodes.market(kinds, region, disk, on_spot="spot" in buys)
    left_out = (*stock.left_out, *unlisted, *([] if disk else [NO_DISK]))
    notes = list(stock.notes)
    if is_open(requirements):
        notes.append("the pool may buy families that are not in the price table: its worst case may be higher")
    if buys == {"reserved"}:
        notes.append(
            "a reservation is billed whether used or not, a Capacity Block ahead; counted at the on-demand price"
        )
    replicas = count(resource.inputs, "spec", "replicas")
    if replicas is not None:
        item = nodes.sized_item("nodes of a static pool", stock, (replicas, replicas, replicas))
        return Quote((item,), left_out, tuple(notes))
    stated = _utilisation(dig(resource.inputs, "metadata", "annotations", UTILISATION_ANNOTATION))
    if stated is None:
        notes.append(f"utilisation not stated: {nodes.DEFAULT_UTILISATION:.0%} assumed ({UTILISATION_ANNOTATION})")
    used = nodes.DEFAULT_UTILISATION if stated is None else stated
    item = nodes.fill_item("nodes up to the pool's limits", stock, _limits(resource.inputs), used)
    return Quote((item,), left_out, tuple(notes))


def node_group(resource: Resource, context: Context, region: str) -> Quote:
    """Price an EKS managed node group from scalingConfig x instanceTypes x capacityType."""
    buys = text(resource.inputs, "capacityType", default="ON_DEMAND")
    if buys == "CAPACITY_BLOCK":
        raise Unpriceable("a Capacity Block is paid ahead at a price that no table has")
    least = count(resource.inputs, "scalingConfig", "minSize")
    most = count(resource.inputs, "scalingConfig", "maxSize")
    if least is None or most is None:
        raise Unpriceable("scalingConfig.minSize and scalingConfig.maxSize must be set")
    disk = group_disk(resource, context, region)
    names = _group_types(resource, context)
    stock = nodes.market(_known(names), region, disk, on_spot=buys == "SPOT")
    left_out = (*stock.left_out, *_not_listed(names), *([] if disk else [NO_DISK]))
    stated = _utilisation(tag(resource.inputs, UTILISATION_TAG))
    # The desired size may be another's business (an autoscaler's): what it is not known to be, it is not assumed to be.
    desired = quantity(dig(resource.inputs, "scalingConfig", "desiredSize"))
    expected = stated * most if stated is not None else least if desired is None else desired
    sizes = (min(least, most), min(max(expected, least), most), most)
    return Quote((nodes.sized_item("nodes of the group", stock, sizes),), left_out, stock.notes)


def instance(resource: Resource, _context: Context, region: str) -> Quote:
    """Price a single EC2 instance that runs all month on demand."""
    return _always_on(text(resource.inputs, "instanceType"), 1.0, region, "instance")


def capacity_reservation(resource: Resource, _context: Context, region: str) -> Quote:
    """Price an On-Demand Capacity Reservation: billed at the on-demand price whether used or not."""
    number = count(resource.inputs, "instanceCount", default=1.0) or 0.0
    quote = _always_on(text(resource.inputs, "instanceType"), number, region, "reserved capacity")
    return Quote(quote.items, notes=("pools that draw from this reservation count the same hours again",))


def _always_on(name: str | None, number: float, region: str, what: str) -> Quote:
    price = on_demand(name or "", region)
    if price is None:
        raise Unpriceable(f"no on-demand price for {name or 'an unnamed type'} in {region}")
    return Quote((steady(what, price, number, f"{number:g} {name}"),))


def _limits(inputs: Mapping[str, Any]) -> dict[str, float]:
    """Read `spec.limits`; memory becomes GiB. Raises `Unpriceable` where one is not a quantity."""
    found: dict[str, float] = {}
    limits = dig(inputs, "spec", "limits")
    if limits is None:
        return found
    if not isinstance(limits, Mapping):
        raise Unpriceable("spec.limits is known only after deployment")
    for key, value in limits.items():
        amount = quantity(value)
        if amount is None:
            raise Unpriceable(f"spec.limits.{key} is known only after deployment, or is no quantity")
        found[str(key)] = amount / GIB if key == "memory" else amount
    return found


def _group_types(resource: Resource, context: Context) -> tuple[str, ...]:
    named = strings(resource.inputs, "instanceTypes")
    if named:
        return named
    template = launch_template(resource, context)
    from_template = text(template.inputs, "instanceType") if template is not None else None
    return (from_template or EKS_DEFAULT_TYPE,)


def _known(names: tuple[str, ...]) -> list[InstanceType]:
    """Return those the catalogue holds. Raises `Unpriceable` where it holds none of them."""
    kinds = [instance_types()[name] for name in names if name in instance_types()]
    if not kinds:
        raise Unpriceable("; ".join(_not_listed(names)))
    return kinds


def _not_listed(names: tuple[str, ...]) -> list[str]:
    """Say which of the named types the catalogue does not hold: their cost is in no figure."""
    found = []
    for name in names:
        try:
            instance_type(name)
        except UnknownInstanceType as unknown:
            found.append(str(unknown))
    return found


def _utilisation(value: Any) -> float | None:
    """Return a stated utilisation, None where none is stated. Raises `Unpriceable` where it is no share."""
    if value is None:
        return None
    found = share(value)
    if found is None:
        raise Unpriceable(f"expected utilisation {value!r} is no share; write 30% or 0.3")
    return found
