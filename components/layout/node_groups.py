"""Managed node groups, resolved from the system nodes and from managed pools."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from components.catalogue.ami import node_image
from components.catalogue.efa import Interface, interfaces
from components.catalogue.hardware import instance_type
from components.catalogue.pricing.pools import UTILISATION_TAG
from components.layout.clusters import ClusterView
from components.layout.disks import Disk, disks
from components.layout.gpu import TAINT
from components.layout.karpenter import PURPOSE_LABEL, node_labels
from components.layout.names import pool_tags
from components.layout.zones import pool_zone
from components.spec.clusters import EksCluster
from components.spec.pools import ManagedPool, Reservation

CAPACITY = {"on-demand": "ON_DEMAND", "spot": "SPOT", "reserved": "ON_DEMAND"}
"""EKS's words. A reservation is used by an ON_DEMAND group whose launch template targets it; a block has a word."""
BLOCK = "CAPACITY_BLOCK"


@dataclass(frozen=True, kw_only=True)
class Taint:
    """A taint in EKS's words, which differ from Kubernetes' in the effect."""

    key: str
    value: str
    effect: str


@dataclass(frozen=True, kw_only=True)
class NodeGroupSpec:
    """A managed node group with every value settled."""

    kubernetes_version: str
    instance_types: tuple[str, ...]
    min_nodes: int
    max_nodes: int
    disks: tuple[Disk, ...]
    ami_type: str
    tags: Mapping[str, str]
    """Tags of the group, and of the instances, volumes and interfaces that it starts."""
    group_tags: Mapping[str, str] = field(default_factory=dict)
    """Further tags of the group alone."""
    capacity_type: str = "ON_DEMAND"
    labels: Mapping[str, str] = field(default_factory=dict)
    taints: tuple[Taint, ...] = ()
    zone: str | None = None
    """The one zone that it must stay in; None for all."""
    reservation: Reservation | None = None
    interfaces: tuple[Interface, ...] = ()
    """Network interfaces with EFA; empty leaves EKS its one ordinary interface."""
    placement_group: str | None = None
    """Name of the placement group that keeps its nodes close together."""

    @property
    def is_block(self) -> bool:
        """Whether it runs on a Capacity Block, whose launch template must name the instance type and the market."""
        return self.capacity_type == BLOCK


def system_group(view: ClusterView, cluster: EksCluster) -> NodeGroupSpec:
    """The nodes that run controllers."""
    system = cluster.system
    return NodeGroupSpec(
        kubernetes_version=cluster.kubernetes_version,
        instance_types=system.instance_types,
        min_nodes=system.nodes,
        max_nodes=system.nodes,
        disks=disks("al2023", system.disk_gib),
        ami_type=_ami_type("al2023", system.instance_types[0], gpu=False),
        tags=pool_tags(view.platform, None),
        labels={PURPOSE_LABEL: "system"},
    )


def pool_group(view: ClusterView, name: str, pool: ManagedPool) -> NodeGroupSpec:
    """The nodes of a pool."""
    gpu, multi = pool.gpu is not None, pool.multi_node
    block = pool.reservation is not None and pool.reservation.kind == "block"
    return NodeGroupSpec(
        kubernetes_version=view.cluster.kubernetes_version,
        instance_types=pool.instance_types,
        min_nodes=pool.min_nodes,
        max_nodes=pool.max_nodes,
        disks=disks(pool.image, pool.disk_gib),
        ami_type=_ami_type(pool.image, pool.instance_types[0], gpu=gpu),
        tags=pool_tags(view.platform, pool.team),
        group_tags={UTILISATION_TAG: str(pool.expected_utilisation_percent)} if pool.min_nodes < pool.max_nodes else {},
        capacity_type=BLOCK if block else CAPACITY[pool.capacity_type],
        labels=node_labels(name, pool),
        taints=(Taint(key=TAINT["key"], value=TAINT["value"], effect="NO_SCHEDULE"),) if gpu else (),
        zone=pool_zone(view.platform, pool),
        reservation=pool.reservation,
        interfaces=interfaces(pool.instance_types) if multi is not None and multi.efa else (),
        placement_group=placement_groups(view).get(name),
    )


def placement_groups(view: ClusterView) -> Mapping[str, str]:
    """Names of the placement groups by pool, whoever starts the pool's nodes."""
    names = view.names
    if names is None:
        return {}
    return {
        name: names.placement_group(view.name, name)
        for name, pool in view.ec2_pools.items()
        if pool.multi_node is not None and pool.multi_node.placement_group
    }


def uses_fabric(view: ClusterView) -> bool:
    """Whether any pool has EFA, and so needs the security group that lets its traffic pass."""
    return any(pool.multi_node is not None and pool.multi_node.efa for pool in view.ec2_pools.values())


def _ami_type(image: str, instance: str, *, gpu: bool) -> str:
    arch = instance_type(instance).arch
    found = node_image(image).ami_type(arch, gpu=gpu)
    if found is None:
        raise ValueError(f"EKS has no managed image '{image}' for {arch} nodes{' with GPUs' if gpu else ''}")
    return found
