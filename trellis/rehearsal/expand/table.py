"""Which kinds make pods, and who tells which: one table. A kind that is not here and carries containers is listed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from components.layout.clusters import ClusterView
from trellis.plan import Plan
from trellis.rehearsal.expand import builtin, kserve, trainer
from trellis.rehearsal.expand.mesh import with_sidecars
from trellis.rehearsal.expand.model import Expander, Expansion, Item, Unexpanded, Workload
from trellis.rehearsal.expand.objects import Objects


def _none(_item: Item, _objects: Objects) -> None:
    """A kind that carries containers and makes no pods: others are made from it."""


def _cannot(why: str) -> Expander:
    """A kind whose pods nobody but its controller can tell."""

    def expander(item: Item, _objects: Objects) -> Unexpanded:
        return item.cannot(why)

    return expander


def _tree(item: Item, _objects: Objects) -> Unexpanded:
    """An Argo CD Application: what it delivers lies in Git."""
    source = item.spec.get("source") or {}
    return item.cannot(
        f"it delivers {source.get('path', 'a tree')} of {source.get('repoURL', 'a repository')}, which is not here"
    )


_OPERATOR = "its operator makes the pods, and does not run here"
EXPANDERS: Mapping[tuple[str, str], Expander] = {
    ("", "Pod"): builtin.pod,
    ("", "PodTemplate"): _none,
    ("", "ReplicationController"): builtin.scaled,
    ("apps", "DaemonSet"): builtin.each_node,
    ("apps", "Deployment"): builtin.scaled,
    ("apps", "ReplicaSet"): builtin.scaled,
    ("apps", "StatefulSet"): builtin.scaled,
    ("argoproj.io", "Application"): _tree,
    ("argoproj.io", "ApplicationSet"): _cannot("it makes Applications, whose trees are not here"),
    ("batch", "CronJob"): builtin.cron_job,
    ("batch", "Job"): builtin.job,
    ("jobset.x-k8s.io", "JobSet"): trainer.bare_job_set,
    ("kubeflow.org", "Notebook"): builtin.one_at("spec", "template"),
    ("monitoring.coreos.com", "Alertmanager"): _cannot(_OPERATOR),
    ("monitoring.coreos.com", "Prometheus"): _cannot(_OPERATOR),
    ("nvidia.com", "ClusterPolicy"): _cannot(_OPERATOR),
    (kserve.GROUP, "ClusterServingRuntime"): _none,
    (kserve.GROUP, "ClusterStorageContainer"): _none,
    (kserve.GROUP, "InferenceService"): kserve.inference_service,
    (kserve.GROUP, "ServingRuntime"): _none,
    (trainer.GROUP, "ClusterTrainingRuntime"): _none,
    (trainer.GROUP, "TrainJob"): trainer.train_job,
    (trainer.GROUP, "TrainingRuntime"): _none,
}
"""API group and kind -> who tells its pods."""


def expand(plan: Plan, view: ClusterView) -> Expansion:
    """All pods that one cluster of a plan declares, sidecars included, and all that could not be told."""
    objects = Objects(plan, view)
    workloads: list[Workload] = []
    unexpanded = [*_closed(objects)]
    for item in objects.items:
        made = _expand(item, objects)
        if isinstance(made, Workload):
            workloads.append(with_sidecars(made, objects))
        elif made is not None:
            unexpanded.append(made)
    workloads.sort(key=lambda w: (w.namespace, w.kind, w.name))
    return Expansion(workloads=tuple(workloads), unexpanded=tuple(sorted(unexpanded)))


def _expand(item: Item, objects: Objects) -> Workload | Unexpanded | None:
    expander = EXPANDERS.get((item.group, item.kind))
    if expander is not None:
        return expander(item, objects)
    if item.kind != "CustomResourceDefinition" and _has_containers(item.spec):
        return item.cannot("it carries containers, and no expander knows its kind")
    return None


def _closed(objects: Objects) -> Iterator[Unexpanded]:
    """What installs objects that the plan does not show."""
    for name, why in objects.closed_releases.items():
        yield Unexpanded(subject=f"Release {name}", why=why)
    for row in objects.eks_addons:
        name = str(row.inputs.get("addonName", row.name))
        yield Unexpanded(subject=f"EKS add-on {name}", why="EKS installs its pods; no chart of it is in the plan")


def _has_containers(value: Any) -> bool:
    """Whether a list of containers, by the look of it, stands anywhere below."""
    if isinstance(value, Mapping):
        found = value.get("containers")
        if isinstance(found, list) and any(isinstance(one, Mapping) and "image" in one for one in found):
            return True
        return any(_has_containers(inner) for inner in value.values())
    return isinstance(value, list) and any(_has_containers(inner) for inner in value)
