"""Instance types and the accelerators in them.

Figures: EC2 as listed by Karpenter's instance-type reference; GPUs from vendors' pages. Every table names its date
and source in `data/SOURCES.md`. All sizes are GiB or MiB as named; throughput is dense (no sparsity).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from types import MappingProxyType

from components.catalogue.tables import CatalogueError, Row, nearest, number, rows, whole

NVIDIA_RESOURCE = "nvidia.com/gpu"
NEURON_RESOURCE = "aws.amazon.com/neuron"


class UnknownInstanceType(CatalogueError):  # noqa: N818 - the name reads as what it says where it is caught
    """An EC2 instance type that the catalogue does not list; `nearest` holds those that look like it."""

    def __init__(self, name: str, nearest: list[str]) -> None:
        self.name = name
        self.nearest = nearest
        hint = f"; the nearest are {', '.join(nearest)}" if nearest else ""
        super().__init__(f"no instance type {name!r} in the catalogue{hint}")


class UnknownGpu(CatalogueError):  # noqa: N818 - as above
    """An accelerator id that the catalogue does not list; `nearest` holds those that look like it."""

    def __init__(self, name: str, nearest: list[str]) -> None:
        self.name = name
        self.nearest = nearest
        hint = f"; the nearest are {', '.join(nearest)}" if nearest else ""
        super().__init__(f"no accelerator {name!r} in the catalogue{hint}")


@dataclass(frozen=True, slots=True)
class Gpu:
    """A GPU (or AWS chip) model. A throughput of 0 means that the chip has none, None that it is not known."""

    id: str
    """Catalogue id, such as `a100-40gb`."""
    title: str
    vendor: str
    """`nvidia` or `aws`."""
    chip: str
    """Karpenter's value of `karpenter.k8s.aws/instance-gpu-name`; two ids may share it (A100)."""
    memory_gib: float
    """Memory as sold, per GPU."""
    bandwidth_gb_s: float | None
    tdp_watts: float | None
    fp16_tflops: float | None
    bf16_tflops: float | None
    fp8_tflops: float | None
    int8_tops: float | None
    mig_compute_slices: int
    """7 or 4 where the GPU can be cut into MIG slices, else 0."""
    mig_memory_slices: int
    mig_on_aws: bool
    """Whether MIG works on the EC2 types that carry the GPU."""
    confidence: str
    """`sure`, `likely` or `unsure`."""
    unsure_fields: tuple[str, ...]
    """Names of the fields here whose figure was found in no source: check before deciding by them."""
    source: str

    @property
    def mig_capable(self) -> bool:
        """Whether the GPU itself can be cut into MIG slices (on EC2 see `InstanceType.mig_capable`)."""
        return self.mig_compute_slices > 0

    @property
    def resource(self) -> str:
        """The Kubernetes resource that one whole device is offered as."""
        return NVIDIA_RESOURCE if self.vendor == "nvidia" else NEURON_RESOURCE


@dataclass(frozen=True, slots=True)
class InstanceType:
    """An EC2 instance type."""

    name: str
    family: str
    """Such as `g6` or `p6-b200`: the part before the dot."""
    arch: str
    """`amd64` or `arm64`, as in the node label `kubernetes.io/arch`."""
    vcpu: int
    memory_gib: float
    accelerator: Gpu | None
    """The GPU or AWS chip; None on plain types."""
    accelerator_count: int
    """Whole devices; 0 on fractional types (g6f, gr6f)."""
    gpu_fraction: float
    """Share of one GPU on fractional types, such as 0.125; else 0. Kubernetes offers no whole GPU there."""
    gpu_memory_mib: int
    """Memory per GPU that EC2 reports, in MiB (of the share on a fractional type)."""
    network_gbps: float | None
    """Baseline network bandwidth; None where the source lists none (p3)."""
    ebs_mbps: int
    efa_interfaces: int
    """Elastic Fabric Adapter interfaces; 0 where the type has no EFA."""
    allocatable_cpu_millis: int | None
    """What the kubelet can hand out after Karpenter's overhead on AL2023; None where not listed (p3)."""
    allocatable_memory_mib: int | None
    max_pods: int | None
    local_nvme_gb: int

    @property
    def gpu(self) -> Gpu | None:
        """The NVIDIA GPU; None on types with AWS chips and on plain ones."""
        return self.accelerator if self.accelerator and self.accelerator.vendor == "nvidia" else None

    @property
    def gpu_count(self) -> int:
        """Whole NVIDIA GPUs, which is what `nvidia.com/gpu` counts."""
        return self.accelerator_count if self.gpu else 0

    @property
    def gpu_memory_gib(self) -> float:
        """Memory per GPU as EC2 reports it."""
        return self.gpu_memory_mib / 1024

    @property
    def efa(self) -> bool:
        """Whether the type has Elastic Fabric Adapter interfaces."""
        return self.efa_interfaces > 0

    @property
    def mig_capable(self) -> bool:
        """Whether its GPUs can be cut into MIG slices on EC2."""
        return self.gpu_count > 0 and self.gpu is not None and self.gpu.mig_capable and self.gpu.mig_on_aws


def instance_type(name: str) -> InstanceType:
    """Return the instance type. Raises `UnknownInstanceType`, which carries the nearest names."""
    known = instance_types()
    if name not in known:
        raise UnknownInstanceType(name, nearest(name, known))
    return known[name]


@cache
def instance_types() -> Mapping[str, InstanceType]:
    """Return all instance types by name, sorted."""
    found = {row["name"]: _instance(row) for row in rows("instances.csv")}
    return MappingProxyType(dict(sorted(found.items())))


def family(name: str) -> tuple[InstanceType, ...]:
    """Return the instance types of a family such as `g6`, smallest first; none for an unknown family."""
    found = [t for t in instance_types().values() if t.family == name]
    return tuple(sorted(found, key=lambda t: (t.vcpu, t.memory_gib, t.name)))


def gpu(gpu_id: str) -> Gpu:
    """Return an accelerator by its id. Raises `UnknownGpu`, which carries the nearest ids."""
    known = gpus()
    if gpu_id not in known:
        raise UnknownGpu(gpu_id, nearest(gpu_id.lower(), known))
    return known[gpu_id]


@cache
def gpus() -> Mapping[str, Gpu]:
    """Return all accelerators by id."""
    return MappingProxyType({row["id"]: _gpu(row) for row in rows("accelerators.csv")})


def _gpu(row: Row) -> Gpu:
    return Gpu(
        id=row["id"],
        title=row["title"],
        vendor=row["vendor"],
        chip=row["chip"],
        memory_gib=float(row["memory_gib"]),
        bandwidth_gb_s=number(row["bandwidth_gb_s"]),
        tdp_watts=number(row["tdp_watts"]),
        fp16_tflops=number(row["fp16_tflops"]),
        bf16_tflops=number(row["bf16_tflops"]),
        fp8_tflops=number(row["fp8_tflops"]),
        int8_tops=number(row["int8_tops"]),
        mig_compute_slices=int(row["mig_compute_slices"]),
        mig_memory_slices=int(row["mig_memory_slices"]),
        mig_on_aws=row["mig_on_aws"] == "yes",
        confidence=row["confidence"],
        unsure_fields=tuple(row["unsure_fields"].split()),
        source=row["source"],
    )


def _instance(row: Row) -> InstanceType:
    accelerator = gpu(row["accelerator"]) if row["accelerator"] else None
    count = int(row["accelerator_count"])
    mib = whole(row["gpu_mib"])
    network = number(row["network_mbps"])
    return InstanceType(
        name=row["name"],
        family=row["family"],
        arch=row["arch"],
        vcpu=int(row["vcpu"]),
        memory_gib=float(row["memory_gib"]),
        accelerator=accelerator,
        accelerator_count=count,
        gpu_fraction=_fraction(accelerator, count, mib),
        gpu_memory_mib=mib,
        network_gbps=None if network is None else network / 1000,
        ebs_mbps=whole(row["ebs_mbps"]),
        efa_interfaces=whole(row["efa_interfaces"]),
        allocatable_cpu_millis=whole(row["allocatable_cpu_millis"]) or None,
        allocatable_memory_mib=whole(row["allocatable_memory_mib"]) or None,
        max_pods=whole(row["max_pods"]) or None,
        local_nvme_gb=whole(row["local_nvme_gb"]),
    )


def _fraction(accelerator: Gpu | None, count: int, mib: int) -> float:
    """Share of a GPU on a fractional type, from the memory it reports, to the nearest eighth (AWS sells eighths)."""
    if accelerator is None or count or not mib:
        return 0.0
    return round(8 * mib / _whole_gpu_mib(accelerator.id)) / 8


@cache
def _whole_gpu_mib(gpu_id: str) -> int:
    """MiB that EC2 reports for a whole GPU of this id, read from the types that carry whole ones."""
    return max(int(r["gpu_mib"]) for r in rows("instances.csv") if r["accelerator"] == gpu_id and r["gpu_mib"])
