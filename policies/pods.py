"""Every pod that a resource makes, whatever kind makes it: one view for all rules that judge pods."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property

from policies.model import Unknown
from policies.names import is_gpu
from policies.quantity import quantity
from policies.values import Node, Resource


@dataclass(frozen=True, eq=False)
class Container:
    """One container: where it stands and where it says what it needs."""

    node: Node
    resources: Node
    init: bool = False

    def gpu_keys(self) -> tuple[str, ...] | Unknown:
        """GPU resources named in limits or requests; `Unknown` when either cannot be seen."""
        keys: set[str] = set()
        for side in ("limits", "requests"):
            entries = self.resources.get(side).entries()
            if isinstance(entries, Unknown):
                return entries
            keys.update(key for key, _ in entries if is_gpu(key))
        return tuple(sorted(keys))


@dataclass(frozen=True)
class Demand:
    """GPUs that one pod asks for, by resource name, and what could not be seen of them."""

    amounts: Mapping[str, Decimal]
    unknowns: tuple[Unknown, ...] = ()

    @property
    def total(self) -> Decimal:
        """Devices of all kinds together: a MIG slice counts as one."""
        return sum(self.amounts.values(), Decimal(0))


@dataclass(frozen=True, eq=False)
class Pod:
    """One kind of pod that a resource makes."""

    resource: Resource
    spec: Node
    """Where the pod's own fields (nodeSelector, tolerations) stand."""
    containers: tuple[Container, ...]
    placement: tuple[Node, ...]
    """Places that hold nodeSelector, tolerations and affinity, the strongest first."""
    floor: int | Unknown
    """Pods of this kind that always run: 0 for jobs and for what scales to zero."""
    training: bool = False
    partial: bool = False
    """A template that another object completes: where it runs is not decided here."""
    daemon: bool = False

    @property
    def place(self) -> str:
        """Path of the place where selector and tolerations belong."""
        return self.placement[0].path if self.placement else "spec.runtimePatches"

    @property
    def label(self) -> str:
        """The pod for people: its resource and where its spec stands."""
        return f"{self.resource.label} ({self.spec.path})" if self.spec.path else self.resource.label

    @cached_property
    def demand(self) -> Demand:
        """GPUs asked for: containers together, or the largest init container if that is more."""
        running: dict[str, Decimal] = {}
        starting: dict[str, Decimal] = {}
        unknowns: list[Unknown] = []
        for container in self.containers:
            keys = container.gpu_keys()
            if isinstance(keys, Unknown):
                unknowns.append(keys)
                continue
            for key in keys:
                amount = _amount(container, key)
                if isinstance(amount, Unknown):
                    unknowns.append(amount)
                elif container.init:
                    starting[key] = max(starting.get(key, Decimal(0)), amount)
                else:
                    running[key] = running.get(key, Decimal(0)) + amount
        amounts = {k: max(running.get(k, Decimal(0)), starting.get(k, Decimal(0))) for k in {**running, **starting}}
        return Demand({k: amounts[k] for k in sorted(amounts)}, tuple(unknowns))

    @property
    def wants_gpu(self) -> bool:
        """Whether the pod asks for a GPU that can be seen."""
        return self.demand.total > 0


def _amount(container: Container, key: str) -> Decimal | Unknown:
    """What a container asks for: its limit, or its request where no limit stands; 0 for what is no quantity."""
    for side in ("limits", "requests"):
        text = container.resources.text(side, key)
        if isinstance(text, Unknown):
            return text
        if text is not None:
            return quantity(text) or Decimal(0)
    return Decimal(0)


@dataclass(frozen=True)
class Shape:
    """Where a kind keeps its pod specs. In a path `*` is every key of a mapping and `[]` every element of a list."""

    paths: tuple[str, ...]
    replicas: str | None = None
    """Path of the number of pods that always run (1 when absent); None where pods come and end."""
    training: bool = False
    partial: bool = False
    daemon: bool = False


_TEMPLATE = ("spec.template.spec",)
JOB_TEMPLATE = ("spec.template.spec.replicatedJobs.[].template.spec.template.spec",)
SHAPES: Mapping[tuple[str, str], Shape] = {
    ("core", "Pod"): Shape(("spec",), replicas=""),
    ("core", "ReplicationController"): Shape(_TEMPLATE, replicas="spec.replicas"),
    ("apps", "Deployment"): Shape(_TEMPLATE, replicas="spec.replicas"),
    ("apps", "ReplicaSet"): Shape(_TEMPLATE, replicas="spec.replicas"),
    ("apps", "StatefulSet"): Shape(_TEMPLATE, replicas="spec.replicas"),
    ("apps", "DaemonSet"): Shape(_TEMPLATE, replicas="", daemon=True),
    ("argoproj.io", "Rollout"): Shape(_TEMPLATE, replicas="spec.replicas"),
    ("batch", "Job"): Shape(_TEMPLATE),
    ("batch", "CronJob"): Shape(("spec.jobTemplate.spec.template.spec",)),
    ("jobset.x-k8s.io", "JobSet"): Shape(("spec.replicatedJobs.[].template.spec.template.spec",), training=True),
    ("kubeflow.org", "Notebook"): Shape(_TEMPLATE, replicas=""),
    ("kubeflow.org", "PyTorchJob"): Shape(("spec.pytorchReplicaSpecs.*.template.spec",), training=True),
    ("kubeflow.org", "TFJob"): Shape(("spec.tfReplicaSpecs.*.template.spec",), training=True),
    ("kubeflow.org", "MPIJob"): Shape(("spec.mpiReplicaSpecs.*.template.spec",), training=True),
    ("machinelearning.seldon.io", "SeldonDeployment"): Shape(
        ("spec.predictors.[].componentSpecs.[].spec",), replicas="spec.replicas"
    ),
    ("serving.kserve.io", "LLMInferenceService"): Shape(
        ("spec.template", "spec.worker", "spec.prefill.template", "spec.prefill.worker"), replicas="spec.replicas"
    ),
    ("serving.kserve.io", "ServingRuntime"): Shape(("spec",), partial=True),
    ("serving.kserve.io", "ClusterServingRuntime"): Shape(("spec",), partial=True),
    ("trainer.kubeflow.org", "TrainingRuntime"): Shape(JOB_TEMPLATE, training=True, partial=True),
    ("trainer.kubeflow.org", "ClusterTrainingRuntime"): Shape(JOB_TEMPLATE, training=True, partial=True),
}

# Keys of an InferenceService component under which KServe takes a container's fields (CRD of KServe 0.20).
MODEL_KEYS = (
    "model", "huggingface", "lightgbm", "onnx", "paddle", "pmml",
    "pytorch", "sklearn", "tensorflow", "triton", "xgboost",
)  # fmt: skip


def pods_of(resource: Resource, runtimes: Mapping[str, Resource] | None = None) -> tuple[Pod, ...]:
    """Every kind of pod that a resource makes; empty for what makes none.

    `runtimes` are the training runtimes by name: a TrainJob runs where its runtime says unless it says otherwise.
    """
    if (resource.group, resource.kind) == ("serving.kserve.io", "InferenceService"):
        return tuple(_inference_pods(resource))
    if (resource.group, resource.kind) == ("trainer.kubeflow.org", "TrainJob"):
        return (_training_pod(resource, runtimes or {}),)
    shape = SHAPES.get((resource.group, resource.kind))
    return tuple(_shaped_pods(resource, shape)) if shape else ()


def _shaped_pods(resource: Resource, shape: Shape) -> Iterator[Pod]:
    floor = 0 if shape.replicas is None else _replicas(resource.inputs, shape.replicas)
    for path in shape.paths:
        for spec in _resolve(resource.inputs, path.split(".")):
            if not spec.missing:
                containers = tuple(_containers(spec))
                flags = (shape.training, shape.partial, shape.daemon)
                yield Pod(resource, spec, containers, (spec,), floor, *flags)


def _inference_pods(resource: Resource) -> Iterator[Pod]:
    """Predictor, transformer and explainer hold the fields of a pod spec beside KServe's own."""
    for role in ("predictor", "transformer", "explainer"):
        part = resource.inputs.get("spec", role)
        if part.missing:
            continue
        named = [part.get(key) for key in MODEL_KEYS] if not part.hidden else []
        models = (Container(node, node.get("resources")) for node in named if not node.missing)
        floor = _replicas(part, "minReplicas")
        yield Pod(resource, part, (*_containers(part), *models), (part,), floor)
        if not part.hidden and not (worker := part.get("workerSpec")).missing:
            yield Pod(resource, worker, tuple(_containers(worker)), (worker,), floor)


def _training_pod(resource: Resource, runtimes: Mapping[str, Resource]) -> Pod:
    """The pod that each node of a TrainJob runs: the trainer, placed by patches over the runtime's template."""
    trainer = resource.inputs.get("spec", "trainer")
    patches = resource.inputs.get("spec", "runtimePatches")
    placement = [spec for patch in patches.items() for spec in _node_job(patch.get("trainingRuntimeSpec"))]
    name = resource.inputs.text("spec", "runtimeRef", "name")
    if isinstance(name, str) and name in runtimes:
        placement += _node_job(runtimes[name].inputs.get("spec"))
    container = Container(trainer, trainer.get("resourcesPerNode"))
    return Pod(resource, trainer, (container,), tuple(placement), 0, training=True)


def _node_job(runtime: Node) -> list[Node]:
    """Pod specs of the replicated job `node`, which holds the trainer (initialisers and launchers want no GPU)."""
    jobs = [job for job in _resolve(runtime, ["template", "spec", "replicatedJobs", "[]"]) if not job.missing]
    trainers = [job for job in jobs if job.text("name") == "node"] or jobs
    return [spec for job in trainers for spec in _resolve(job, ["template", "spec", "template", "spec"])]


def _containers(spec: Node) -> Iterator[Container]:
    for key in ("containers", "initContainers"):
        for node in spec.get(key).items():
            # An init container that restarts is a sidecar: it holds its GPUs as long as the pod lives.
            sidecar = node.text("restartPolicy") == "Always"
            yield Container(node, node.get("resources"), init=key == "initContainers" and not sidecar)
        if spec.hidden:  # both keys are the same unknown: one note is enough
            return


def _replicas(node: Node, path: str) -> int | Unknown:
    """A number of replicas; 1 where Kubernetes' default applies."""
    if not path:
        return 1
    text = node.text(*path.split("."))
    if isinstance(text, Unknown):
        return text
    number = quantity(text) if text is not None else None
    return 1 if number is None else int(number)


def _resolve(node: Node, path: list[str]) -> list[Node]:
    nodes = [node]
    for key in path:
        nodes = [found for one in nodes for found in _step(one, key)]
    return nodes


def _step(node: Node, key: str) -> tuple[Node, ...]:
    if node.hidden:
        return (node,)
    if key == "[]":
        return node.items()
    if key == "*":
        entries = node.entries()
        return () if isinstance(entries, Unknown) else tuple(child for _, child in entries)
    return (node.get(key),)
