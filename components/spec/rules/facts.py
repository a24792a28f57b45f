"""What rules look up together: pools with their place, what their nodes can give, what workloads ask for."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from components.catalogue import hardware
from components.catalogue.hardware import Gpu, InstanceType
from components.spec.base import Path
from components.spec.clusters import ClusterRole, EksCluster
from components.spec.platform import Platform
from components.spec.pools import Ec2Pool, ExistingPool, KarpenterPool, ManagedPool, Mig, Mps, PoolBase, TimeSlicing
from components.spec.workloads import Resources, ServedModel, TrainingJob


@dataclass(frozen=True)
class PoolAt:
    """A pool and where it stands."""

    cluster: str
    name: str
    pool: PoolBase

    @property
    def path(self) -> Path:
        """Its place in the stack file."""
        return ("clusters", self.cluster, "pools", self.name)


@dataclass(frozen=True)
class Ec2At:
    """A pool on EC2 and where it stands."""

    cluster: str
    name: str
    pool: Ec2Pool

    @property
    def path(self) -> Path:
        """Its place in the stack file."""
        return ("clusters", self.cluster, "pools", self.name)


@dataclass(frozen=True)
class Node:
    """What one node can give to pods: CPU cores, memory in GiB, physical GPUs."""

    title: str
    cpu: float
    memory_gib: float
    gpus: int


@dataclass(frozen=True)
class Workload:
    """A served model or a training job, as far as placement goes."""

    section: str
    """`models` or `training`."""
    name: str
    spec: ServedModel | TrainingJob
    role: ClusterRole
    least_pods: int
    """Pods that run at the same time at the very least."""

    @property
    def path(self) -> Path:
        """Its place in the stack file."""
        return (self.section, self.name)

    @property
    def resources(self) -> Resources:
        """What each of its pods asks for."""
        return self.spec.resources


def pools(platform: Platform) -> Iterator[PoolAt]:
    """All pools, in the order of names."""
    for cluster, spec in sorted(platform.clusters.items()):
        for name, pool in sorted(spec.pools.items()):
            yield PoolAt(cluster, name, pool)


def ec2_pools(platform: Platform) -> Iterator[Ec2At]:
    """All pools on EC2, in the order of names."""
    for at in pools(platform):
        if isinstance(at.pool, Ec2Pool):
            yield Ec2At(at.cluster, at.name, at.pool)


def typed_places(platform: Platform) -> Iterator[tuple[Path, str]]:
    """Every EC2 instance type that the file names, with its place."""
    for cluster, spec in sorted(platform.clusters.items()):
        if isinstance(spec, EksCluster):
            for index, name in enumerate(spec.system.instance_types):
                yield ("clusters", cluster, "system", "instanceTypes", index), name
    for at in ec2_pools(platform):
        for index, name in enumerate(at.pool.instance_types):
            yield (*at.path, "instanceTypes", index), name


def known_types(names: tuple[str, ...]) -> tuple[InstanceType, ...]:
    """The instance types that the catalogue has, of those named; another rule speaks about the rest."""
    table = hardware.instance_types()
    return tuple(table[name] for name in names if name in table)


def gpu_of(pool: PoolBase) -> Gpu | None:
    """The one NVIDIA GPU model of a pool; None where it has none, several, or one that is not known."""
    if isinstance(pool, Ec2Pool):
        found = {kind.gpu for kind in known_types(pool.instance_types) if kind.gpu_count}
        return next(iter(found)) if len(found) == 1 else None
    model = pool.gpu_model if isinstance(pool, ExistingPool) else None
    return hardware.gpus().get(model) if model else None


def nodes_of(pool: PoolBase) -> tuple[Node, ...]:
    """The kinds of node that a pool may have."""
    if isinstance(pool, Ec2Pool):
        return tuple(node_of(kind) for kind in known_types(pool.instance_types))
    if isinstance(pool, ExistingPool):
        return (Node("each node", pool.cpu, pool.memory_gib, pool.gpus_per_node),)
    return ()


def has_gpus(pool: PoolBase) -> bool | None:
    """Whether the nodes of a pool have GPUs; None where some have and some have not, or nobody knows."""
    counts = {node.gpus > 0 for node in nodes_of(pool)}
    return counts.pop() if len(counts) == 1 else None


def gpus_agree(pool: PoolBase) -> bool:
    """Whether the GPU profile of a pool and its nodes agree; where they do not, a rule about GPUs has said so."""
    return has_gpus(pool) is not None and has_gpus(pool) == (pool.gpu is not None)


def node_of(kind: InstanceType) -> Node:
    """What a node of an instance type can give, after what the kubelet keeps for itself."""
    cpu = kind.vcpu if kind.allocatable_cpu_millis is None else kind.allocatable_cpu_millis / 1000
    memory = kind.memory_gib if kind.allocatable_memory_mib is None else kind.allocatable_memory_mib / 1024
    return Node(kind.name, cpu, memory, kind.gpu_count)


def units_per_gpu(pool: PoolBase, resources: Resources) -> int:
    """Units of what a workload asks for that one physical GPU of the pool gives: GPUs, slices or shares."""
    profile = pool.gpu
    if isinstance(profile, Mig):
        if profile.strategy == "single":
            return sum(profile.layout.values())
        return profile.layout.get(resources.mig_profile or "", 0)
    return profile.replicas if isinstance(profile, TimeSlicing | Mps) else 1


def most_gpus(pool: PoolBase) -> int | None:
    """Physical GPUs that a pool can hold at most; None where nothing limits them."""
    if isinstance(pool, KarpenterPool):
        return pool.limits.gpus
    if isinstance(pool, ManagedPool):
        return pool.max_nodes * max((node.gpus for node in nodes_of(pool)), default=0)
    return pool.nodes * pool.gpus_per_node if isinstance(pool, ExistingPool) else None


def most_nodes(pool: PoolBase) -> int | None:
    """Nodes that a pool can have at most; None where nothing limits them."""
    if isinstance(pool, ManagedPool):
        return pool.max_nodes
    if isinstance(pool, ExistingPool):
        return pool.nodes
    if not isinstance(pool, KarpenterPool):
        return None
    limits, nodes = pool.limits, known_types(pool.instance_types)
    caps = [limits.nodes]
    if nodes and limits.gpus is not None and (gpus := min(node.gpu_count for node in nodes)):
        caps.append(limits.gpus // gpus)
    if nodes and limits.cpu is not None:
        caps.append(limits.cpu // min(node.vcpu for node in nodes))
    return min((cap for cap in caps if cap is not None), default=None)


def workloads(platform: Platform) -> Iterator[Workload]:
    """All models and training jobs, in the order of names."""
    for name, model in sorted(platform.models.items()):
        yield Workload("models", name, model, "inference", model.scaling.min_replicas * len(model.versions))
    for name, job in sorted(platform.training.items()):
        yield Workload("training", name, job, "training", job.nodes)


def homes(platform: Platform, workload: Workload) -> list[PoolAt]:
    """The pools that a workload runs on: those of its pool's name in clusters of its role."""
    return [
        at
        for at in pools(platform)
        if at.name == workload.spec.pool and workload.role in platform.clusters[at.cluster].roles
    ]


def pool_places(platform: Platform) -> tuple[Path, ...]:
    """The places where clusters and pools are declared; what refers to a pool rests on all of them."""
    return (("clusters",), *(("clusters", cluster, "pools") for cluster in sorted(platform.clusters)))
