"""Rules about zones, address ranges and subnets."""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import IPv4Network

from components.catalogue.regions import regions
from components.spec import edits
from components.spec.addresses import ZONES, no_room, overlap, shortest_prefixes, usable
from components.spec.base import Path, Problem
from components.spec.network import CreatedNetwork, ExistingNetwork
from components.spec.platform import Platform
from components.spec.rules.facts import ec2_pools, most_nodes

ADDRESSES_PER_NODE = 30
"""Addresses that a node holds from its start. The VPC CNI keeps one spare network interface full of addresses on each
node (WARM_ENI_TARGET=1 in its README), so two interfaces of 15 on the common xlarge sizes; larger types hold more."""

LONGEST_PUBLIC = 27
"""Load balancers need subnets of /27 or larger, with eight free addresses (ELB user guide)."""


def region_is_known(platform: Platform) -> Iterator[Problem]:
    """The region is one that the catalogue has zones and prices for."""
    if platform.aws is None or platform.aws.region in regions():
        return
    path = ("aws", "region")
    near = edits.nearest(platform.aws.region, regions()) or list(regions())
    yield Problem(
        path=path,
        value=platform.aws.region,
        message="the catalogue has neither zones nor prices for this region",
        allowed=edits.listed(regions(), 40),
        consequence="nobody could say in which zones it is built, or what it costs",
        fix=edits.put(path, near[0]),
    )


def zones_are_known(platform: Platform) -> Iterator[Problem]:
    """Every zone id is one of the region where EKS puts clusters."""
    region = regions().get(platform.aws.region) if platform.aws else None
    if region is None:
        return
    taken = {zone for _, zone in _zone_places(platform)}
    for path, zone in _zone_places(platform):
        if zone in region.zone_ids:
            continue
        free = [one for one in region.zone_ids if one not in taken] or list(region.zone_ids)
        near = edits.nearest(zone, free) or free
        keyed = isinstance(platform.network, ExistingNetwork) and path[0] == "network"
        yield Problem(
            path=path,
            value=zone,
            message=f"no zone of {region.name} in which EKS can place a cluster",
            allowed=edits.listed(region.zone_ids),
            consequence="the subnet could not be made, or EKS would refuse it",
            fix=f"rename the key to `{near[0]}`" if keyed else edits.put(path, near[0]),
            related=(path, ("aws", "region")),
        )


def _zone_places(platform: Platform) -> Iterator[tuple[Path, str]]:
    network = platform.network
    if isinstance(network, CreatedNetwork):
        for index, zone in enumerate(network.zone_ids):
            yield ("network", "zoneIds", index), zone
    else:
        for key, subnets in (("private", network.private_subnet_ids), ("public", network.public_subnet_ids)):
            for zone in sorted(subnets):
                yield ("network", f"{key}SubnetIds", zone), zone
    for at in ec2_pools(platform):
        if at.pool.zone_id is not None:
            yield (*at.path, "zoneId"), at.pool.zone_id


def three_zones(platform: Platform) -> Iterator[Problem]:
    """A created VPC spans three zones."""
    network = platform.network
    if not isinstance(network, CreatedNetwork) or len(network.zone_ids) in (0, ZONES):
        return
    region = regions().get(platform.aws.region) if platform.aws else None
    known = region.default_zone_ids if region else ()
    yield Problem(
        path=("network", "zoneIds"),
        value=list(network.zone_ids),
        message=f"{len(network.zone_ids)} zones, where {ZONES} are needed",
        allowed=f"{ZONES} zone ids, or none to take the catalogue's",
        consequence="a zone that fails would take a majority of the controllers' replicas with it",
        fix=edits.put(("network", "zoneIds"), [*known]) if known else edits.remove(("network", "zoneIds")),
        related=(("network", "zoneIds"), ("aws", "region")),
    )


def pools_live_in_zones_of_the_network(platform: Platform) -> Iterator[Problem]:
    """A pool that names its zone names one in which the network has a subnet."""
    network = platform.network
    region = regions().get(platform.aws.region) if platform.aws else None
    if region is None:
        return
    chosen = network.zone_ids or region.default_zone_ids if isinstance(network, CreatedNetwork) else ()
    zones = sorted(network.private_subnet_ids) if isinstance(network, ExistingNetwork) else list(chosen)
    for at in ec2_pools(platform):
        path = (*at.path, "zoneId")
        if at.pool.zone_id is None or at.pool.zone_id in zones or at.pool.zone_id not in region.zone_ids:
            continue
        yield Problem(
            path=path,
            value=at.pool.zone_id,
            message="the network has no subnet in this zone",
            allowed=edits.listed(zones),
            consequence="no node of the pool could start",
            fix=edits.put(path, zones[0]),
            related=(path, ("network", "zoneIds"), ("network", "privateSubnetIds"), ("aws", "region")),
        )


def vpc_has_a_size_that_aws_allows(platform: Platform) -> Iterator[Problem]:
    """A created VPC is between /16 and /28, in a range for private networks."""
    network = platform.network
    if not isinstance(network, CreatedNetwork):
        return
    vpc = IPv4Network(network.cidr)
    if not 16 <= vpc.prefixlen <= 28:
        wanted = f"{vpc.network_address}/16" if vpc.prefixlen < 16 else "10.20.0.0/16"
        yield Problem(
            path=("network", "cidr"),
            value=network.cidr,
            message=f"a VPC cannot be a /{vpc.prefixlen}",
            allowed="a range between /16 and /28",
            consequence="AWS would refuse the VPC",
            fix=edits.put(("network", "cidr"), wanted),
        )


def subnets_fit(platform: Platform) -> Iterator[Problem]:
    """The VPC has room for its subnets, and the public ones hold load balancers."""
    network = platform.network
    if not isinstance(network, CreatedNetwork) or not 16 <= IPv4Network(network.cidr).prefixlen <= 28:
        return
    private, public = shortest_prefixes(network)
    key, allowed, better, message = "", "", 0, ""
    if network.private_prefix < private:
        key, allowed, better = "privatePrefix", f"{private} or more", private
        message = f"the VPC has no room for such subnets: {no_room(network)}"
    elif network.private_prefix > LONGEST_PUBLIC - 2:
        key, allowed = "privatePrefix", f"{private} to {LONGEST_PUBLIC - 2}"
        better = max(private, min(LONGEST_PUBLIC - 2, network.public_prefix - 2))
        message = (
            f"too small: public subnets share the room of one such subnet, and load balancers need /{LONGEST_PUBLIC}"
        )
    elif network.public_prefix < public:
        key, allowed, better = "publicPrefix", f"{public} or more", public
        message = f"the VPC has no room for such subnets: {no_room(network)}"
    elif network.public_prefix > LONGEST_PUBLIC:
        key, allowed, better = "publicPrefix", f"at most {LONGEST_PUBLIC}", LONGEST_PUBLIC
        message = f"a /{network.public_prefix} is too small for a load balancer"
    if key:
        yield Problem(
            path=("network", key),
            value=network.private_prefix if key == "privatePrefix" else network.public_prefix,
            message=message,
            allowed=allowed,
            consequence="AWS would refuse subnets or load balancers, with half of the network made",
            fix=edits.put(("network", key), better),
            related=(("network", "cidr"), ("network", "privatePrefix"), ("network", "publicPrefix")),
        )


def subnets_hold_the_nodes(platform: Platform) -> Iterator[Problem]:
    """The private subnets have addresses for all nodes at the pools' limits."""
    network = platform.network
    if not isinstance(network, CreatedNetwork) or no_room(network) is not None or not platform.eks_clusters:
        return
    counts = [(at.path, most_nodes(at.pool)) for at in ec2_pools(platform)]
    nodes = sum(spec.system.nodes for spec in platform.eks_clusters.values()) + sum(most or 0 for _, most in counts)
    needed, there = nodes * ADDRESSES_PER_NODE, usable(network.private_prefix)
    if needed <= there:
        return
    path = ("network", "privatePrefix")
    least, _ = shortest_prefixes(network)
    enough = next((one for one in range(network.private_prefix, least - 1, -1) if usable(one) >= needed), None)
    yield Problem(
        path=path,
        value=network.private_prefix,
        message=f"too small: {nodes} nodes at the limits of all pools hold {needed} addresses "
        f"({ADDRESSES_PER_NODE} each), and {ZONES} subnets of /{network.private_prefix} have {there}",
        allowed=f"at most {enough}"
        if enough is not None
        else f"nothing: {network.cidr} is too small for so many nodes",
        consequence="nodes would join, and their pods would wait for an address",
        fix=edits.put(path, enough) if enough is not None else "lower the limits of the pools, or widen `network.cidr`",
        related=(path, ("network", "cidr"), *(place for place, _ in counts)),
    )


def service_ranges_are_apart(platform: Platform) -> Iterator[Problem]:
    """Service addresses overlap neither the VPC nor what reaches the API server, and are of a size that EKS takes."""
    for cluster, spec in platform.eks_clusters.items():
        path: Path = ("clusters", cluster, "serviceCidr")
        free = _free_range(platform)
        size = IPv4Network(spec.service_cidr).prefixlen
        if not 12 <= size <= 24:
            yield Problem(
                path=path,
                value=spec.service_cidr,
                message=f"a service range cannot be a /{size}",
                allowed="a range between /12 and /24",
                consequence="EKS would refuse the cluster",
                fix=edits.put(path, free),
            )
            continue
        others: list[tuple[Path, str, str]] = [(("network", "cidr"), platform.network.cidr, "the VPC")]
        if spec.endpoint.access == "private":
            base: Path = ("clusters", cluster, "endpoint", "deployFromCidrs")
            outside = [(i, one) for i, one in enumerate(spec.endpoint.deploy_from_cidrs)]
            inside = [(i, one) for i, one in outside if not overlap(one, platform.network.cidr)]
            others += [((*base, index), one, "a range that reaches the API server") for index, one in inside]
        for place, cidr, what in others:
            if overlap(spec.service_cidr, cidr):
                yield Problem(
                    path=path,
                    value=spec.service_cidr,
                    message=f"overlaps {what}, {cidr}",
                    allowed=f"a range apart from {cidr}",
                    consequence="traffic to these addresses would go to Services inside the cluster, or never leave it",
                    fix=edits.put(path, free),
                    related=(path, place),
                )


def _free_range(platform: Platform) -> str:
    """A service range apart from the VPC and from everything that reaches an API server."""
    taken = [platform.network.cidr]
    for spec in platform.eks_clusters.values():
        taken += spec.endpoint.deploy_from_cidrs if spec.endpoint.access == "private" else ()
    candidates = ("172.20.0.0/16", "172.21.0.0/16", "10.100.0.0/16", "192.168.0.0/16")
    return next((one for one in candidates if not any(overlap(one, other) for other in taken)), candidates[0])


def public_subnets_lie_beside_private_ones(platform: Platform) -> Iterator[Problem]:
    """In an existing VPC, public subnets are in zones that have a private one."""
    network = platform.network
    if not isinstance(network, ExistingNetwork):
        return
    for zone in sorted(set(network.public_subnet_ids) - set(network.private_subnet_ids)):
        path = ("network", "publicSubnetIds", zone)
        yield Problem(
            path=path,
            value=network.public_subnet_ids[zone],
            message="there is no private subnet in this zone",
            allowed=edits.listed(sorted(network.private_subnet_ids)),
            consequence="a load balancer there would reach no node in its own zone",
            fix=edits.remove(path),
            related=(path, ("network", "privateSubnetIds")),
        )
