"""What each pool can give at most. Becomes a stack output, so that every report reads it from the plan."""

from __future__ import annotations

from typing import Any

from components.catalogue.hardware import instance_type
from components.layout.clusters import ClusterView
from components.layout.gpu import offer
from components.spec.pools import Ec2Pool, ExistingPool, KarpenterPool, ManagedPool, PoolBase


def pools(view: ClusterView) -> dict[str, dict[str, Any]]:
    """Pools of a cluster by name: who starts the nodes, which GPU, and the units offered at the limit."""
    return {name: _row(pool) for name, pool in view.pools.items()}


def _row(pool: PoolBase) -> dict[str, Any]:
    row: dict[str, Any] = {"purpose": pool.purpose}
    if isinstance(pool, Ec2Pool):
        row |= {"capacityType": pool.capacity_type, "instanceTypes": sorted(pool.instance_types)}
    offered = offer(pool)
    if offered is not None:
        gpus = most_gpus(pool)
        row |= {
            "gpuModel": offered.model.id,
            "sharing": offered.profile.sharing,
            "gpus": gpus,
            "offers": dict(sorted(offered.units_for(gpus).items())),
        }
    return row


def offers(view: ClusterView) -> dict[str, int]:
    """GPU resources that a cluster's pools offer, each with the units that all of them give at their limits."""
    found: dict[str, int] = {}
    for pool in view.pools.values():
        offered = offer(pool)
        for resource, units in (offered.units_for(most_gpus(pool)) if offered else {}).items():
            found[resource] = found.get(resource, 0) + units
    return dict(sorted(found.items()))


def most_gpus(pool: PoolBase) -> int:
    """Physical GPUs that a pool can hold at most."""
    if isinstance(pool, KarpenterPool):
        return pool.limits.gpus or 0
    if isinstance(pool, ManagedPool):
        return pool.max_nodes * max(instance_type(name).gpu_count for name in pool.instance_types)
    if isinstance(pool, ExistingPool):
        return pool.nodes * pool.gpus_per_node
    return 0
