"""What runs on the platform: teams, models that are served, training jobs."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from components.spec.base import (
    Image,
    Model,
    ModelUri,
    Name,
    Percent,
    PositiveInt,
    S3Uri,
    SemanticVersion,
    Usd,
)


class Team(Model):
    """A team owns a namespace of its name, with a quota and a queue."""

    gpus: int = Field(default=0, ge=0)
    """GPUs (or slices, or shares, as its pools give them) that its pods may hold at once."""
    cpu: PositiveInt = 16
    """CPU cores that its pods may request."""
    memory_gib: PositiveInt = 64
    """Memory in GiB that its pods may request."""
    monthly_usd: Usd | None = None
    """What the team may cost a month, in USD."""


class Resources(Model):
    """What one replica (or one training node) asks for; limits equal requests."""

    gpus: int = Field(default=0, ge=0)
    """GPUs, or shares of a GPU on a shared pool."""
    mig_profile: str | None = Field(default=None, examples=["1g.10gb"])
    """MIG profile asked for on a MIG pool; `gpus` is then the number of slices."""
    cpu: Annotated[float, Field(gt=0)] = 1
    """CPU cores."""
    memory_gib: Annotated[float, Field(gt=0)] = 2
    """Memory in GiB."""
    shared_memory_gib: int = Field(default=0, ge=0)
    """Size of /dev/shm in GiB; multi-GPU training needs some."""


class HpaScaling(Model):
    """Scale on CPU or memory."""

    by: Literal["cpu", "memory"] = "cpu"
    """What drives the number of replicas."""
    target_percent: int = Field(default=70, ge=10, le=100)
    """Utilisation aimed at, in percent of the request."""
    min_replicas: int = Field(default=1, ge=0)
    """Fewest replicas of each version."""
    max_replicas: PositiveInt = 1
    """Most replicas of each version."""


class KedaScaling(Model):
    """Scale on a Prometheus query, through KEDA; may go to zero."""

    by: Literal["prometheus"]
    """What drives the number of replicas."""
    query: str = Field(min_length=1, examples=['sum(rate(istio_requests_total{app="llm"}[1m]))'])
    """PromQL query that returns one number."""
    target_value: PositiveInt
    """Value per replica that is aimed at."""
    min_replicas: int = Field(default=1, ge=0)
    """Fewest replicas of each version."""
    max_replicas: PositiveInt = 1
    """Most replicas of each version."""


Scaling = HpaScaling | KedaScaling


class ModelVersion(Model):
    """One version of a model, with its part of the traffic."""

    release: SemanticVersion
    """Semantic version, such as v1.0.0."""
    image: Image | None = None
    """Container image of the server; with tag or digest. Absent when a runtime serves `storageUri`."""
    storage_uri: ModelUri | None = None
    """Where the model lies, such as s3://models/llm-v1; mounted or loaded by the runtime."""
    weight: Percent
    """Percent of the traffic; the weights of all versions sum to 100."""
    env: dict[str, str] = {}
    """Environment of the server. Never a secret."""


class ServedModel(Model):
    """A model behind one host, in one or more versions."""

    team: Name
    """Team whose namespace it runs in."""
    service: Name
    """Host under which callers reach it, in its namespace."""
    runtime: Literal["container", "huggingface", "triton", "vllm"] = "container"
    """`container` runs the version's image; the others serve `storageUri` with a shipped runtime."""
    pool: Name | None = None
    """Pool it runs on; absent: the system nodes."""
    resources: Resources = Resources()
    """What one replica asks for."""
    scaling: Scaling = Field(default=HpaScaling(), discriminator="by")
    """How the number of replicas follows the load."""
    port: int = Field(default=8080, ge=1, le=65535)
    """Port that the server listens on."""
    match_headers: dict[str, str] = {}
    """Only requests with exactly these headers are routed; empty routes all."""
    interruptible: bool = False
    """Whether a replica may vanish at two minutes' notice (spot)."""
    versions: dict[Name, ModelVersion] = Field(min_length=1)
    """Versions by subset name, such as v1 and v2."""


class TrainingJob(Model):
    """A TrainJob on a GPU pool, admitted by a queue."""

    team: Name
    """Team whose namespace and queue it uses."""
    pool: Name
    """Pool it runs on."""
    framework: Literal["torch", "jax", "mpi"] = "torch"
    """Which shipped training runtime starts the processes."""
    image: Image
    """Container image; with tag or digest."""
    command: tuple[str, ...] = Field(min_length=1)
    """What each node runs."""
    nodes: PositiveInt = 1
    """Nodes that train together."""
    resources: Resources
    """What one node asks for."""
    checkpoint_uri: S3Uri | None = None
    """Where checkpoints go; a job on spot needs one."""
    interruptible: bool = True
    """Whether it may run on spot."""
    max_hours: PositiveInt = 24
    """The job is stopped after this many hours."""
    expected_hours_per_month: int = Field(default=40, ge=0, le=730)
    """Hours a month that it is expected to run; prices the expected month."""
