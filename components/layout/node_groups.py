"""Managed node groups, resolved from the system nodes and from managed pools."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from components.catalogue.ami import node_image
from components.catalogue.hardware import instance_type
from components.layout.gpu import TAINT
from components.layout.karpenter import node_labels
from components.spec.clusters import EksCluster
from components.spec.pools import ManagedPool

CAPACITY = {"on-demand": "ON_DEMAND", "spot": "SPOT", "reserved": "CAPACITY_BLOCK"}
"""EKS's words. A reservation that is no block is used by an ON_DEMAND group that targets it."""


@dataclass(frozen=True, kw_only=True)
class Taint:
    """A taint in EKS's words, which differ from Kubernetes' in the effect."""

    key: str
    value: str
    effect: str


@dataclass(frozen=True, kw_only=True)
class NodeGroupSpec:
    """A managed node group with every value settled."""

    instance_types: tuple[str, ...]
    min_nodes: int
    max_nodes: int
    disk_gib: int
    ami_type: str
    capacity_type: str = "ON_DEMAND"
    labels: Mapping[str, str] = field(default_factory=dict)
    taints: tuple[Taint, ...] = ()
    tags: Mapping[str, str] = field(default_factory=dict)


def system_group(cluster: EksCluster) -> NodeGroupSpec:
    """The nodes that run controllers."""
    system = cluster.system
    return NodeGroupSpec(
        instance_types=system.instance_types,
        min_nodes=system.nodes,
        max_nodes=system.nodes,
        disk_gib=system.disk_gib,
        ami_type=_ami_type("al2023", system.instance_types[0], gpu=False),
        labels={"trellis.dev/purpose": "system"},
    )


def pool_group(name: str, pool: ManagedPool) -> NodeGroupSpec:
    """The nodes of a pool."""
    gpu = pool.gpu is not None
    block = pool.reservation is not None and pool.reservation.kind == "block"
    return NodeGroupSpec(
        instance_types=pool.instance_types,
        min_nodes=pool.min_nodes,
        max_nodes=pool.max_nodes,
        disk_gib=pool.disk_gib,
        ami_type=_ami_type(pool.image, pool.instance_types[0], gpu=gpu),
        capacity_type=CAPACITY[pool.capacity_type] if block or pool.capacity_type == "spot" else "ON_DEMAND",
        labels=node_labels(name, pool),
        taints=(Taint(key=TAINT["key"], value=TAINT["value"], effect="NO_SCHEDULE"),) if gpu else (),
        tags={"trellis:team": pool.team} if pool.team else {},
    )


def _ami_type(image: str, instance: str, *, gpu: bool) -> str:
    arch = instance_type(instance).arch
    found = node_image(image).ami_type(arch, gpu=gpu)
    if found is None:
        raise ValueError(f"EKS has no managed image '{image}' for {arch} nodes{' with GPUs' if gpu else ''}")
    return found
