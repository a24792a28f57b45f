"""Nodes for a sandbox as the pools of a cluster would give them: what pods see of them, and nothing else."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import cycle
from typing import Any, Literal

from components.catalogue.hardware import InstanceType, instance_type
from components.layout.capacity import EFA_RESOURCE, efa_per_node
from components.layout.clusters import ClusterView
from components.layout.gpu import POOL_LABEL, TAINT, offer
from components.layout.karpenter import PURPOSE_LABEL, node_labels
from components.layout.node_groups import CAPACITY
from components.layout.zones import pool_zone, zone_ids
from components.spec.clusters import EksCluster
from components.spec.pools import Ec2Pool, ExistingPool, KarpenterPool, ManagedPool, PoolBase

At = Literal["floor", "limit"]
EXISTING_PODS = 110
"""Kubernetes' default of pods per node, for nodes whose kubelet we do not configure and types that list no other."""
_ZONE_ID = "topology.k8s.aws/zone-id"


@dataclass(frozen=True)
class _Size:
    """What a node leaves to pods."""

    cpu_millis: int
    memory_mib: int
    pods: int
    extended: Mapping[str, int]


def nodes_from(view: ClusterView, at: At = "limit") -> list[dict[str, Any]]:
    """Nodes of a cluster: at the `floor` those that are always there, at the `limit` as many as its pools may hold.

    A Karpenter pool has no floor. At its limit its nodes are the largest of its instance types that fit, then smaller
    ones in what remains, so that neither the biggest pod nor the last GPU lacks its node. A managed pool is made of its
    first type. An instance type that lists no allocatable figures (p3) gives what it has.
    """
    made = list(_system(view))
    for name, pool in view.pools.items():
        made += _pool(view, name, pool, at)
    return made


def _system(view: ClusterView) -> Iterator[dict[str, Any]]:
    cluster = view.cluster
    if not isinstance(cluster, EksCluster):
        return
    kind = instance_type(cluster.system.instance_types[0])
    zones = cycle(zone_ids(view.platform) or (None,))
    for number in range(cluster.system.nodes):
        labels = {PURPOSE_LABEL: "system", "eks.amazonaws.com/capacityType": "ON_DEMAND", **_instance(kind)}
        yield _node(f"system-{number}", {**labels, **_place(view, next(zones))}, _ec2_size(None, kind), taints=[])


def _pool(view: ClusterView, name: str, pool: PoolBase, at: At) -> Iterator[dict[str, Any]]:
    taints = [dict(TAINT)] if pool.gpu is not None else []
    if isinstance(pool, ExistingPool):
        offered = offer(pool)
        size = _Size(
            cpu_millis=pool.cpu * 1000,
            memory_mib=pool.memory_gib * 1024,
            pods=EXISTING_PODS,
            extended=offered.units_for(pool.gpus_per_node) if offered else {},
        )
        for number in range(pool.nodes):
            # Trellis labels and taints nothing that exists; these labels are what the spec says these nodes carry.
            yield _node(f"{name}-{number}", {**pool.labels, POOL_LABEL: name}, size, taints=[])
    elif isinstance(pool, Ec2Pool):
        zone = pool_zone(view.platform, pool)
        zones = cycle((zone,) if zone else zone_ids(view.platform) or (None,))
        for number, kind in enumerate(_kinds(pool, at)):
            every = {**node_labels(name, pool), **_instance(kind), **_bought(name, pool), **_place(view, next(zones))}
            yield _node(f"{name}-{number}", every, _ec2_size(pool, kind), taints)


def _kinds(pool: Ec2Pool, at: At) -> list[InstanceType]:
    """Instance types of a pool's nodes, one for each node."""
    kinds = [instance_type(name) for name in pool.instance_types]
    if isinstance(pool, ManagedPool):
        return kinds[:1] * (pool.min_nodes if at == "floor" else pool.max_nodes)
    if not isinstance(pool, KarpenterPool) or at == "floor":
        return []
    limits = pool.limits
    left: dict[str, float | None]
    left = {"gpus": limits.gpus, "cpu": limits.cpu, "memory": limits.memory_gib, "nodes": limits.nodes}
    found: list[InstanceType] = []
    for kind in sorted(kinds, key=lambda k: (-k.gpu_count, -k.vcpu, -k.memory_gib, k.name)):
        takes = {"gpus": kind.gpu_count, "cpu": kind.vcpu, "memory": kind.memory_gib, "nodes": 1}
        bounds = [int(most // takes[what]) for what, most in left.items() if most is not None and takes[what]]
        count = min(bounds, default=0)
        found += [kind] * count
        left = {what: None if most is None else most - count * takes[what] for what, most in left.items()}
    return found


def _ec2_size(pool: Ec2Pool | None, kind: InstanceType) -> _Size:
    offered = offer(pool) if pool is not None else None
    extended = dict(offered.units_for(kind.gpu_count)) if offered else {}
    cards = efa_per_node(pool) if pool is not None else 0
    if cards:
        extended[EFA_RESOURCE] = cards
    cpu, memory = kind.allocatable_cpu_millis, kind.allocatable_memory_mib
    return _Size(
        cpu_millis=kind.vcpu * 1000 if cpu is None else cpu,
        memory_mib=int(kind.memory_gib * 1024) if memory is None else memory,
        pods=kind.max_pods or EXISTING_PODS,
        extended=extended,
    )


def _instance(kind: InstanceType) -> dict[str, str]:
    return {"kubernetes.io/arch": kind.arch, "node.kubernetes.io/instance-type": kind.name}


def _bought(name: str, pool: Ec2Pool) -> dict[str, str]:
    """Labels by which nodes tell how they were bought, in the words of whoever starts them."""
    if isinstance(pool, ManagedPool):
        return {"eks.amazonaws.com/capacityType": CAPACITY[pool.capacity_type]}
    return {"karpenter.sh/nodepool": name, "karpenter.sh/capacity-type": pool.capacity_type}


def _place(view: ClusterView, zone: str | None) -> dict[str, str]:
    """Zone labels. Zone names differ from account to account, so the zone's id stands for its name here too."""
    aws = view.platform.aws
    region = {"topology.kubernetes.io/region": aws.region} if aws and view.is_eks else {}
    return {**region, **({_ZONE_ID: zone, "topology.kubernetes.io/zone": zone} if zone else {})}


def _quantity(value: int, step: int, unit: str, larger: str) -> str:
    """A quantity as Kubernetes itself writes it: in the largest unit that leaves a whole number."""
    return f"{value}{unit}" if value % step else f"{value // step}{larger}"


def allocatable(pool: Ec2Pool, kind: InstanceType) -> dict[str, str]:
    """What a node of one instance type leaves to pods in a pool, once its device plugin has told of its GPUs."""
    return _gives(_ec2_size(pool, kind))


def _gives(size: _Size) -> dict[str, str]:
    return {
        "cpu": _quantity(size.cpu_millis, 1000, "m", ""),
        "memory": _quantity(size.memory_mib, 1024, "Mi", "Gi"),
        "pods": str(size.pods),
        **{resource: str(count) for resource, count in sorted(size.extended.items())},
    }


def _node(name: str, labels: Mapping[str, str], size: _Size, taints: list[dict[str, str]]) -> dict[str, Any]:
    gives = _gives(size)
    every = {"kubernetes.io/os": "linux", "kubernetes.io/arch": "amd64", "kubernetes.io/hostname": name, **labels}
    return {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {"name": name, "labels": dict(sorted(every.items()))},
        "spec": {"taints": taints} if taints else {},
        # What a node has beyond what it hands out is nobody's business here, so capacity equals allocatable.
        "status": {"allocatable": gives, "capacity": dict(gives)},
    }
