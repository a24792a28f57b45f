"""In which zones things stand: the network's, and the one zone of a pool that cannot span several."""

from __future__ import annotations

from components.catalogue.regions import region
from components.spec.network import CreatedNetwork
from components.spec.platform import Platform
from components.spec.pools import Ec2Pool


def zone_ids(platform: Platform) -> tuple[str, ...]:
    """Zone ids of the environment's private subnets, in the order of the network; empty outside AWS."""
    network = platform.network
    if not isinstance(network, CreatedNetwork):
        return tuple(sorted(network.private_subnet_ids))
    if platform.aws is None:
        return ()
    return network.zone_ids or region(platform.aws.region).default_zone_ids


def pool_zone(platform: Platform, pool: Ec2Pool) -> str | None:
    """The one zone that a pool must stay in; None where it may use all."""
    if pool.zone_id is not None:
        return pool.zone_id
    close_together = pool.multi_node is not None and pool.multi_node.placement_group
    return zone_ids(platform)[0] if close_together else None


def training_zone(platform: Platform) -> str:
    """The zone for storage that lives in one zone only: that of the first training pool tied to one, else the first."""
    for _, cluster in sorted(platform.eks_clusters.items()):
        for _, pool in sorted(cluster.pools.items()):
            if isinstance(pool, Ec2Pool) and pool.purpose == "training" and (zone := pool_zone(platform, pool)):
                return zone
    return zone_ids(platform)[0]
