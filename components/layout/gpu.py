"""What a pool's GPUs look like to pods: one profile decides resource names, labels, taints and counts alike."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from components.catalogue.hardware import Gpu, gpu, instance_type
from components.catalogue.mig import resource_name
from components.spec.pools import Ec2Pool, ExistingPool, GpuProfile, Mig, Mps, PoolBase, TimeSlicing
from components.spec.workloads import Resources

GPU_RESOURCE = "nvidia.com/gpu"
SHARED_RESOURCE = "nvidia.com/gpu.shared"
"""A share of a GPU. Under its own name, so that nobody takes a share for a GPU and Karpenter can count it."""
TAINT: Mapping[str, str] = {"key": GPU_RESOURCE, "value": "present", "effect": "NoSchedule"}
TOLERATION: Mapping[str, str] = {"key": GPU_RESOURCE, "operator": "Exists", "effect": "NoSchedule"}
POOL_LABEL = "trellis.dev/pool"


@dataclass(frozen=True)
class GpuOffer:
    """What one GPU of a pool offers to pods, and what its nodes must carry for that."""

    profile: GpuProfile
    model: Gpu
    units: Mapping[str, int]
    """Extended resource -> how many units one physical GPU gives."""

    @property
    def labels(self) -> Mapping[str, str]:
        """Input labels of the GPU Operator: which sharing configuration, which MIG layout."""
        if isinstance(self.profile, Mig):
            return {"nvidia.com/mig.config": config_key(self.profile)}
        if isinstance(self.profile, TimeSlicing | Mps):
            return {"nvidia.com/device-plugin.config": config_key(self.profile)}
        return {}

    def units_for(self, gpus: int) -> Mapping[str, int]:
        """Units that a number of physical GPUs gives."""
        return {resource: count * gpus for resource, count in self.units.items()}


def offer(pool: PoolBase) -> GpuOffer | None:
    """What a pool's GPUs offer; None for a pool without GPUs."""
    model = pool_gpu(pool)
    if pool.gpu is None or model is None:
        return None
    return GpuOffer(profile=pool.gpu, model=model, units=_units(pool.gpu))


def pool_gpu(pool: PoolBase) -> Gpu | None:
    """The GPU in a pool's nodes; all its instance types have the same (a spec rule)."""
    if isinstance(pool, Ec2Pool):
        return instance_type(pool.instance_types[0]).gpu
    if isinstance(pool, ExistingPool) and pool.gpu_model:
        return gpu(pool.gpu_model)
    return None


def _units(profile: GpuProfile) -> Mapping[str, int]:
    if isinstance(profile, Mig):
        if profile.strategy == "single":
            return {GPU_RESOURCE: sum(profile.layout.values())}
        return {resource_name(name): count for name, count in sorted(profile.layout.items())}
    if isinstance(profile, TimeSlicing | Mps):
        return {SHARED_RESOURCE: profile.replicas}
    return {GPU_RESOURCE: 1}


def config_key(profile: GpuProfile) -> str:
    """Name of a sharing configuration; equal profiles share one."""
    if isinstance(profile, Mig):
        return "-".join(f"{count}x{name.replace('+', '-')}" for name, count in sorted(profile.layout.items()))
    if isinstance(profile, TimeSlicing | Mps):
        return f"{profile.sharing}-{profile.replicas}"
    return "exclusive"


def request(resources: Resources, pool: PoolBase | None) -> Mapping[str, str]:
    """What a pod must ask for (limits equal requests): CPU, memory, and its GPUs under the pool's name for them."""
    asked = {"cpu": quantity(resources.cpu), "memory": f"{quantity(resources.memory_gib)}Gi"}
    offered = offer(pool) if pool is not None and resources.gpus else None
    if offered is None:
        return asked
    if isinstance(offered.profile, Mig) and offered.profile.strategy == "mixed" and resources.mig_profile:
        return {**asked, resource_name(resources.mig_profile): str(resources.gpus)}
    name = SHARED_RESOURCE if SHARED_RESOURCE in offered.units else GPU_RESOURCE
    return {**asked, name: str(resources.gpus)}


def quantity(value: float) -> str:
    """A number as Kubernetes writes it: `8`, `1.5`."""
    return str(int(value)) if float(value).is_integer() else str(value)


def placement(pool_name: str | None, pool: PoolBase | None) -> dict[str, Any]:
    """Selector and tolerations that put a pod on its pool and nowhere else."""
    if pool_name is None or pool is None:
        return {}
    placed: dict[str, Any] = {"nodeSelector": {POOL_LABEL: pool_name}}
    if pool.gpu is not None:
        placed["tolerations"] = [dict(TOLERATION)]
    return placed
