"""Pools of nodes, and how the GPUs in them are shared."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from components.spec import forms
from components.spec.base import Model, Percent, PositiveInt

CapacityType = Literal["on-demand", "spot", "reserved"]
Purpose = Literal["general", "preprocessing", "training", "inference", "batch"]
NodeImage = Literal["al2023", "bottlerocket", "ubuntu"]


class Exclusive(Model):
    """Each pod owns whole GPUs."""

    sharing: Literal["exclusive"] = "exclusive"
    """How pods share a GPU of this pool."""


class Mig(Model):
    """Each GPU is cut into isolated hardware slices (Multi-Instance GPU)."""

    sharing: Literal["mig"]
    """How pods share a GPU of this pool."""
    layout: dict[str, PositiveInt] = Field(min_length=1, examples=[{"1g.10gb": 7}])
    """Slices of every GPU: MIG profile -> how many. Must be a layout that the GPU can hold."""
    strategy: Literal["mixed", "single"] = "mixed"
    """`mixed` offers `nvidia.com/mig-<profile>`; `single` (one profile only) keeps `nvidia.com/gpu`."""


class TimeSlicing(Model):
    """Pods take turns on a GPU: no memory or fault isolation."""

    sharing: Literal["time-slicing"]
    """How pods share a GPU of this pool."""
    replicas: int = Field(ge=2, le=48)
    """How many pods may share one GPU."""


class Mps(Model):
    """Pods run side by side on a GPU under NVIDIA's Multi-Process Service (experimental upstream)."""

    sharing: Literal["mps"]
    """How pods share a GPU of this pool."""
    replicas: int = Field(ge=2, le=48)
    """How many pods may share one GPU; each gets an equal part of its memory."""


GpuProfile = Annotated[Exclusive | Mig | TimeSlicing | Mps, Field(discriminator="sharing")]


class PoolLimits(Model):
    """The most a Karpenter pool may ever hold. The worst month is this many GPUs, on demand, all month."""

    gpus: int | None = Field(default=None, ge=0)
    """Physical GPUs; required on a GPU pool."""
    cpu: PositiveInt | None = None
    """vCPUs; required on a pool without GPUs."""
    memory_gib: PositiveInt | None = None
    """Memory in GiB; no limit when absent."""
    nodes: PositiveInt | None = None
    """Nodes; no limit when absent."""


class Reservation(Model):
    """Capacity that was bought ahead."""

    id: Annotated[str, forms.RESERVATION.field()]
    """Id of the On-Demand Capacity Reservation or Capacity Block."""
    kind: Literal["on-demand", "block"] = "on-demand"
    """`block` is a Capacity Block for ML (fixed time, paid ahead); `on-demand` an open or targeted reservation."""


class MultiNode(Model):
    """Fabric for training jobs that span nodes."""

    efa: bool = True
    """Elastic Fabric Adapter interfaces on each node; every instance type of the pool must have them."""
    placement_group: bool = True
    """Keep the nodes of the pool close together (cluster placement group); the pool then lives in one zone."""


class PoolBase(Model):
    """What any pool says."""

    purpose: Purpose
    """What runs here; becomes the node label `trellis.dev/purpose`."""
    gpu: GpuProfile | None = None
    """GPU sharing profile; absent on a pool without GPUs."""
    expected_utilisation_percent: Percent = 30
    """Share of the pool's limit that is in use over a month, in percent; prices the expected month."""
    team: str | None = None
    """Team that pays for the pool; the platform's team when absent."""
    labels: dict[str, str] = {}
    """Further node labels."""


class Ec2Pool(PoolBase):
    """What pools on EC2 share, whoever starts their nodes."""

    capacity_type: CapacityType = "on-demand"
    """How nodes are bought: `on-demand`, `spot` (may be reclaimed in two minutes) or `reserved`."""
    reservation: Reservation | None = None
    """The reservation that a `reserved` pool draws from."""
    instance_types: tuple[str, ...] = Field(min_length=1, examples=[["g6.xlarge"]])
    """EC2 instance types, all with the same GPU on a GPU pool. More types find spot capacity more often."""
    image: NodeImage = "al2023"
    """Operating system; decides who owns the GPU driver (see the catalogue's ownership table)."""
    disk_gib: int = Field(default=100, ge=30, le=16384)
    """Root volume in GiB, encrypted gp3."""
    zone_id: Annotated[str, forms.ZONE.field()] | None = None
    """The one zone that the pool lives in, by id: the zone of its reservation. Absent: all zones, but a placement
    group, which cannot span zones, goes to the network's first."""
    multi_node: MultiNode | None = None
    """EFA and placement group for distributed training; absent elsewhere."""


class KarpenterPool(Ec2Pool):
    """Nodes come and go with the pods that need them."""

    provisioner: Literal["karpenter"] = "karpenter"
    """Who starts nodes: `karpenter`, a `managed` node group, or nobody (`existing`)."""
    limits: PoolLimits
    """The most this pool may hold."""
    on_demand_fallback: bool = True
    """On a spot or reserved pool: buy on demand when there is no such capacity."""
    consolidate_after_seconds: int = Field(default=300, ge=0)
    """Idle time before a node is removed, in seconds."""
    expire_after_hours: PositiveInt = 720
    """Age at which a node is replaced, in hours, so that images stay patched."""


class ManagedPool(Ec2Pool):
    """An EKS managed node group. Fixed size unless the `cluster-autoscaler` add-on is on."""

    provisioner: Literal["managed"]
    """Who starts nodes: `karpenter`, a `managed` node group, or nobody (`existing`)."""
    min_nodes: int = Field(ge=0)
    """Fewest nodes."""
    max_nodes: PositiveInt
    """Most nodes; equal to `minNodes` unless the `cluster-autoscaler` add-on is on."""


class ExistingPool(PoolBase):
    """Nodes that are there already (on premises). Trellis labels nothing and starts nothing; it plans with them."""

    provisioner: Literal["existing"]
    """Who starts nodes: `karpenter`, a `managed` node group, or nobody (`existing`)."""
    nodes: PositiveInt
    """How many nodes carry the label `trellis.dev/pool: <name of this pool>`."""
    cpu: PositiveInt
    """CPU cores per node."""
    memory_gib: PositiveInt
    """Memory per node in GiB."""
    gpu_model: str | None = None
    """GPU in each node, by the catalogue's accelerator id (such as `l40s`)."""
    gpus_per_node: int = Field(default=0, ge=0)
    """GPUs per node."""
    driver: Literal["host", "operator"] = "operator"
    """Who installs the NVIDIA driver: it is on the `host`, or the GPU `operator` brings it."""


Pool = Annotated[KarpenterPool | ManagedPool | ExistingPool, Field(discriminator="provisioner")]
