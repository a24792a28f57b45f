"""Kubeflow Trainer's TrainJob: its runtime with the job laid over it is a JobSet, and that is one Job for each part.

Compared with the real controller by tests/rehearsal/test_trainer.py as far as the JobSet (Trainer 2.3). From a JobSet
to its pods it is simulated: JobSet's controller is not run.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from trellis.rehearsal.expand.merge import merge
from trellis.rehearsal.expand.model import How, Item, Manifest, PodSet, Unexpanded, Workload
from trellis.rehearsal.expand.objects import Objects

GROUP = "trainer.kubeflow.org"
ANCESTOR = f"{GROUP}/trainjob-ancestor-step"
NODE = "node"


def train_job(item: Item, objects: Objects) -> Workload | Unexpanded:
    """Pods of a TrainJob: a gang."""
    ref = item.spec.get("runtimeRef", {})
    kind = str(ref.get("kind", "ClusterTrainingRuntime"))
    within = item.namespace if kind == "TrainingRuntime" else None
    runtime = objects.find(GROUP, kind, str(ref.get("name", "")), within)
    if runtime is None:
        return item.cannot(f"its runtime, {kind} {ref.get('name')}, is not in the plan")
    return item.workload(How.EXPANDED, *job_set_pods(item.name, job_set(item, runtime)), gang=True)


def job_set(item: Item, runtime: Item) -> Manifest:
    """Spec of the JobSet that a TrainJob becomes."""
    spec: Manifest = runtime.spec.get("template", {}).get("spec", {})
    for patch in item.spec.get("runtimePatches") or ():
        spec = merge(spec, patch.get("trainingRuntimeSpec", {}).get("template", {}).get("spec", {}))
    policy = runtime.spec.get("mlPolicy") or {}
    parts = [_part(one, item.spec.get("trainer") or {}, policy) for one in spec.get("replicatedJobs") or ()]
    return {**spec, "replicatedJobs": parts}


def _part(one: Manifest, trainer: Manifest, policy: Manifest) -> Manifest:
    """One replicated job with the trainer's container and number of nodes in it."""
    template = one.get("template", {})
    trains = (template.get("metadata", {}).get("labels") or {}).get(ANCESTOR) == "trainer"
    launched = bool((policy.get("mpi") or {}).get("runLauncherAsNode"))
    helps = launched and one.get("name") == NODE
    count = _count(one, trainer, policy, trains=trains)
    pod = template.get("spec", {}).get("template", {})
    if trains or helps:
        pod = {**pod, "spec": _trained(pod.get("spec", {}), trainer, trains=trains)}
    job = {**template.get("spec", {}), "template": pod, "parallelism": count, "completions": count}
    return {**one, "template": {**template, "spec": job}}


def _count(one: Manifest, trainer: Manifest, policy: Manifest, *, trains: bool) -> int:
    """Pods of a part. Under MPI the workers are those that the launcher does not stand for itself."""
    said = int(one.get("template", {}).get("spec", {}).get("parallelism", 1))
    nodes = trainer.get("numNodes")
    mpi = policy.get("mpi")
    if mpi:
        if one.get("name") == NODE and nodes is not None:
            return max(int(nodes) - 1, 1) if mpi.get("runLauncherAsNode") else int(nodes)
        return int(policy.get("numNodes", 1)) if trains else said
    return int(nodes if nodes is not None else policy.get("numNodes", 1)) if trains else said


def _trained(pod: Manifest, trainer: Manifest, *, trains: bool) -> Manifest:
    """The pod with what the job says of its container: resources and environment, and more for the trainer itself."""
    fields = ("image", "command", "args") if trains else ()
    patch: dict[str, Any] = {key: trainer[key] for key in fields if key in trainer}
    patch |= {"env": trainer["env"]} if trainer.get("env") else {}
    patch |= {"resources": trainer["resourcesPerNode"]} if trainer.get("resourcesPerNode") else {}
    containers = [merge(one, patch) if one.get("name") == NODE else one for one in pod.get("containers") or ()]
    return {**pod, "containers": containers}


def job_set_pods(name: str, spec: Manifest) -> tuple[PodSet, ...]:
    """Pods of a JobSet: for each part its replicas times what each of their Jobs runs side by side."""
    sets: list[PodSet] = []
    for one in spec.get("replicatedJobs") or ():
        job: Mapping[str, Any] = one.get("template", {}).get("spec", {})
        count = int(one.get("replicas", 1)) * int(job.get("parallelism", 1))
        sets.append(PodSet(name=f"{name}-{one['name']}", template=job.get("template", {}), floor=count, limit=count))
    return tuple(sets)


def bare_job_set(item: Item, _objects: Objects) -> Workload:
    """A JobSet of the plan itself."""
    return item.workload(How.SIMULATED, *job_set_pods(item.name, item.spec), gang=True)
