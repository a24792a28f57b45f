"""Which pricer prices which type, and the three questions everyone asks: `price`, `worst_case`, `total`.

A type is in exactly one place: a pricer here, or a row of `data/priced_types.csv` that says why it is free or why no
table prices it. A type of AWS that is in neither is unpriced, and listed as such: silence would read as zero.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import date
from functools import cache
from types import MappingProxyType
from typing import Any

from components.catalogue.pricing import in_cluster, network, pools, services
from components.catalogue.pricing.model import (
    Context,
    PricedResource,
    Quote,
    Resource,
    Siblings,
    Status,
    Total,
    Unpriceable,
    add,
)
from components.catalogue.regions import regions
from components.catalogue.tables import rows

Pricer = Callable[[Resource, Context, str], Quote | None]
"""Takes the resource, what surrounds it and its region; None = this one makes nothing that is billed."""

PRICERS: Mapping[str, Pricer] = MappingProxyType(
    {
        "aws:cloudwatch/logGroup:LogGroup": services.log_group,
        "aws:ebs/volume:Volume": services.ebs_volume,
        "aws:ec2/capacityReservation:CapacityReservation": pools.capacity_reservation,
        "aws:ec2/eip:Eip": network.elastic_ip,
        "aws:ec2/instance:Instance": pools.instance,
        "aws:ec2/natGateway:NatGateway": network.nat_gateway,
        "aws:ec2/vpcEndpoint:VpcEndpoint": network.vpc_endpoint,
        "aws:ecr/repository:Repository": services.stored("ecr", "private storage"),
        "aws:efs/fileSystem:FileSystem": services.file_system,
        "aws:eks/cluster:Cluster": services.eks_cluster,
        "aws:eks/nodeGroup:NodeGroup": pools.node_group,
        "aws:kms/key:Key": services.kms_key,
        "aws:lb/loadBalancer:LoadBalancer": network.load_balancer,
        "aws:rds/instance:Instance": services.database,
        "aws:route53/zone:Zone": services.hosted_zone,
        "aws:s3/bucket:Bucket": services.stored("s3", "standard storage first 50TB", "requests and transfer"),
        "aws:s3/bucketV2:BucketV2": services.stored("s3", "standard storage first 50TB", "requests and transfer"),
        "aws:secretsmanager/secret:Secret": services.secret,
        "kubernetes:apps/v1:StatefulSet": in_cluster.stateful_set,
        "kubernetes:core/v1:PersistentVolumeClaim": in_cluster.claim,
        "kubernetes:core/v1:Service": in_cluster.service,
        "kubernetes:helm.sh/v3:Release": in_cluster.release,
        "kubernetes:karpenter.sh/v1:NodePool": pools.node_pool,
        "kubernetes:networking.k8s.io/v1:Ingress": in_cluster.ingress,
    }
)


def price(
    resource: Mapping[str, Any], region: str | None, as_of: date | None = None, siblings: Siblings | None = None
) -> PricedResource | None:
    """Price one resource of a plan.

    `region` is the stack's AWS region, None where it has none; the region that the resource or its provider states goes
    first. `as_of` is the day to judge support dates by. `siblings` (see `Siblings.of`) lets prices look at other
    resources of the plan, such as the node class that holds a pool's disk size.

    Returns None for what makes nothing that is billed (components, providers, objects that run on priced nodes);
    else a `PricedResource` that is `priced`, `free` or `unpriced` with the reason.
    """
    return _price(Resource.of(resource), Context(region, as_of, siblings or Siblings()))


def worst_case(
    resource: Mapping[str, Any], region: str | None, as_of: date | None = None, siblings: Siblings | None = None
) -> float | None:
    """Return the worst month of one resource in USD; None when it is unpriced or makes nothing that is billed."""
    found = price(resource, region, as_of, siblings)
    return None if found is None or found.cost is None else found.cost.worst


def total(resources: Iterable[Mapping[str, Any]], region: str | None, as_of: date | None = None) -> Total:
    """Price a whole plan, in the order given. Parts that are not in the sum are listed beside it.

    A Helm release and the objects opened from its chart (`openedFrom`) are the same volumes and load balancers: the
    dearer of both views counts, once. Its values also name what an operator makes later; its objects, what no value
    names.
    """
    rows = list(resources)
    read = [Resource.of(resource) for resource in rows]
    context = Context(region, as_of, Siblings.index(read))
    priced = [found for found in (_price(resource, context) for resource in read) if found is not None]
    releases = {str(row["urn"]): str(row["openedFrom"]) for row in rows if row.get("openedFrom")}
    found = _once(priced, releases) if releases else priced
    by_status: dict[Status, list[PricedResource]] = {"priced": [], "free": [], "unpriced": []}
    for resource in found:
        by_status[resource.status].append(resource)
    return Total(
        cost=add(item.cost for resource in by_status["priced"] for item in resource.items),
        priced=tuple(by_status["priced"]),
        free=tuple(by_status["free"]),
        unpriced=tuple(by_status["unpriced"]),
    )


@cache
def listed_types() -> Mapping[str, tuple[Status, str]]:
    """Return type -> (free or unpriced, why) of the types that no pricer takes."""
    found: dict[str, tuple[Status, str]] = {}
    for row in rows("priced_types.csv"):
        found[row["type"]] = ("free" if row["status"] == "free" else "unpriced", row["why"])
    return MappingProxyType(found)


def _once(priced: list[PricedResource], releases: Mapping[str, str]) -> list[PricedResource]:
    """Leave out each opened release or its objects, whichever is cheaper.

    `releases` says of which release (by URN) an object is.
    """
    opened: dict[str, list[PricedResource]] = {}
    for one in priced:
        if one.urn in releases:
            opened.setdefault(releases[one.urn], []).append(one)
    own = {one.urn: _worst(one) for one in priced if one.urn in opened}
    as_objects = {urn for urn, rows in opened.items() if urn not in own or sum(map(_worst, rows)) > own[urn]}
    return [
        one for one in priced if (releases[one.urn] in as_objects if one.urn in releases else one.urn not in as_objects)
    ]


def _worst(one: PricedResource) -> float:
    return one.cost.worst if one.cost else 0.0


def _price(resource: Resource, context: Context) -> PricedResource | None:
    pricer = PRICERS.get(resource.type)
    if pricer is None:
        return _unpriced_by_type(resource)
    region = _region(resource, context)
    if region is None and resource.type.startswith("kubernetes:"):
        return None
    try:
        quote = pricer(resource, context, _with_prices(region))
    except Unpriceable as reason:
        return _verdict(resource, "unpriced", str(reason))
    if quote is None or not quote.items:
        return None if quote is None else _verdict(resource, "unpriced", "; ".join(quote.left_out))
    return PricedResource(
        resource.urn, resource.type, resource.name, "priced", "", quote.items, quote.left_out, quote.notes
    )


def _region(resource: Resource, context: Context) -> str | None:
    """The resource's own region, else its provider's, else the stack's."""
    provider = context.siblings.by_urn.get(resource.provider)
    for holder in (resource, provider):
        stated = holder.inputs.get("region") if holder is not None else None
        if isinstance(stated, str):
            return stated
    return context.region


def _with_prices(region: str | None) -> str:
    """Return a region that the tables cover. Raises `Unpriceable`."""
    if region is None:
        raise Unpriceable("no region is known for it")
    if region not in regions():
        raise Unpriceable(f"no prices for region {region}; the tables have {', '.join(regions())}")
    return region


def _unpriced_by_type(resource: Resource) -> PricedResource | None:
    listed = listed_types().get(resource.type)
    if listed is not None:
        return _verdict(resource, *listed)
    if not resource.type.startswith("aws:"):
        return None
    return _verdict(resource, "unpriced", f"{resource.type} is in no price table and not known to be free")


def _verdict(resource: Resource, status: Status, reason: str) -> PricedResource:
    return PricedResource(resource.urn, resource.type, resource.name, status, reason)
