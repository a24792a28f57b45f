"""What a pool can give at most, resource by resource: the ceiling of every queue that draws from it."""

from __future__ import annotations

from collections.abc import Mapping

from components.catalogue.efa import interfaces
from components.catalogue.hardware import InstanceType, instance_type
from components.layout.gpu import offer
from components.spec.pools import Ec2Pool, ExistingPool, KarpenterPool, ManagedPool, PoolBase

CPU = "cpu"
MEMORY = "memory"
"""In whole GiB here."""
EFA_RESOURCE = "vpc.amazonaws.com/efa"


def capacity(pool: PoolBase) -> Mapping[str, int]:
    """Whole units of CPU, memory (GiB), EFA and GPU resources that pods can hold in a pool at its limit.

    Never more than the nodes really give: with several instance types it is the best that one type alone reaches within
    the limits on a Karpenter pool, and the least of the types on a managed one, where EC2 chooses.
    """
    if isinstance(pool, ExistingPool):
        return _units(pool, {CPU: pool.cpu, MEMORY: pool.memory_gib, "gpus": pool.gpus_per_node}, pool.nodes)
    if not isinstance(pool, Ec2Pool):
        return {}
    kinds = [instance_type(name) for name in pool.instance_types]
    choices = [_units(pool, _node(pool, kind), _nodes(pool, kind)) for kind in kinds]
    best = max if isinstance(pool, KarpenterPool) else min
    return {
        resource: best(one.get(resource, 0) for one in choices)
        for resource in sorted({key for one in choices for key in one})
    }


def efa_per_node(pool: PoolBase) -> int:
    """EFA interfaces that a node offers to pods; 0 where the pool asks for none."""
    if not isinstance(pool, Ec2Pool) or pool.multi_node is None or not pool.multi_node.efa:
        return 0
    return sum(1 for one in interfaces(pool.instance_types) if one.kind == "efa-only")


def _node(pool: Ec2Pool, kind: InstanceType) -> Mapping[str, int]:
    """What one node leaves to pods."""
    cpu, memory = kind.allocatable_cpu_millis, kind.allocatable_memory_mib
    return {
        CPU: kind.vcpu if cpu is None else cpu // 1000,
        MEMORY: int(kind.memory_gib if memory is None else memory // 1024),
        EFA_RESOURCE: efa_per_node(pool),
        "gpus": kind.gpu_count,
    }


def _nodes(pool: Ec2Pool, kind: InstanceType) -> int:
    """Most nodes of one type within the limits of a pool."""
    if isinstance(pool, ManagedPool):
        return pool.max_nodes
    if not isinstance(pool, KarpenterPool):
        return 0
    limits = pool.limits
    per_limit = (
        (limits.gpus, kind.gpu_count),
        (limits.cpu, kind.vcpu),
        (limits.memory_gib, kind.memory_gib),
        (limits.nodes, 1),
    )
    return min((int(most // each) for most, each in per_limit if most is not None and each), default=0)


def _units(pool: PoolBase, node: Mapping[str, int], nodes: int) -> Mapping[str, int]:
    found = {resource: each * nodes for resource, each in node.items() if resource != "gpus" and each}
    offered = offer(pool)
    return {**found, **(offered.units_for(node["gpus"] * nodes) if offered else {})}
