"""Kubernetes' own kinds: where their pod template stands and how many pods they make."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from trellis.rehearsal.expand.model import Expander, How, Item, Manifest, PodSet, Unexpanded, Workload
from trellis.rehearsal.expand.objects import Objects


def scaled(item: Item, objects: Objects) -> Workload | Unexpanded:
    """Deployment, ReplicaSet, ReplicationController, StatefulSet: as many as are said, or as a scaler may make."""
    said = int(item.spec.get("replicas", 1))
    floor, limit = _scaler(item, objects) or (said, said)
    pods = PodSet(name=item.name, template=item.spec.get("template", {}), floor=floor, limit=limit)
    return item.workload(How.EXPANDED, _with_claims(pods, item))


def _with_claims(pods: PodSet, item: Item) -> PodSet:
    """A StatefulSet's pods with an empty directory for each volume that a pod would claim for itself.

    Such a volume is made where its pod lands (or follows it there), so it decides nothing about the first placement.
    """
    claims = tuple(str(claim["metadata"]["name"]) for claim in item.spec.get("volumeClaimTemplates") or ())
    if not claims:
        return pods
    spec = pods.template.get("spec", {})
    volumes = [*(spec.get("volumes") or ()), *({"name": name, "emptyDir": {}} for name in claims)]
    return replace(pods, template={**pods.template, "spec": {**spec, "volumes": volumes}}, own_claims=claims)


def _scaler(item: Item, objects: Objects) -> tuple[int, int] | None:
    """Fewest and most replicas by the autoscaler that has this object for a target."""
    for group, kind, fewest, most in (
        ("autoscaling", "HorizontalPodAutoscaler", "minReplicas", "maxReplicas"),
        ("keda.sh", "ScaledObject", "minReplicaCount", "maxReplicaCount"),
    ):
        for scaler in objects.of(group, kind, item.namespace):
            target = scaler.spec.get("scaleTargetRef", {})
            if (target.get("kind", "Deployment"), target.get("name")) == (item.kind, item.name):
                unset = _UNSET[kind]
                return int(scaler.spec.get(fewest, unset[0])), int(scaler.spec.get(most, unset[1]))
    return None


_UNSET: Mapping[str, tuple[int, int]] = {"HorizontalPodAutoscaler": (1, 1), "ScaledObject": (0, 100)}
"""What a scaler takes for fewest and most where it says nothing; the first kind must say its most."""


def each_node(item: Item, _objects: Objects) -> Workload:
    """DaemonSet."""
    pods = PodSet(name=item.name, template=item.spec.get("template", {}), floor=0, limit=0, each_node=True)
    return item.workload(How.EXPANDED, pods)


def job(item: Item, _objects: Objects) -> Workload:
    """Job: as many as run side by side. All hold their place here, though each would end some day."""
    return item.workload(How.EXPANDED, _job_pods(item.name, item.spec))


def cron_job(item: Item, _objects: Objects) -> Workload:
    """CronJob: one run of it."""
    return item.workload(How.EXPANDED, _job_pods(item.name, item.spec.get("jobTemplate", {}).get("spec", {})))


def _job_pods(name: str, spec: Manifest) -> PodSet:
    side_by_side = int(spec.get("parallelism", 1))
    count = min(side_by_side, int(spec.get("completions", side_by_side)))
    return PodSet(name=name, template=spec.get("template", {}), floor=count, limit=count)


def pod(item: Item, _objects: Objects) -> Workload:
    """Pod: itself."""
    metadata: Mapping[str, Any] = item.manifest.get("metadata", {})
    about = {key: metadata[key] for key in ("labels", "annotations") if key in metadata}
    pods = PodSet(name=item.name, template={"metadata": about, "spec": item.spec}, floor=1, limit=1)
    return item.workload(How.EXPANDED, pods)


def one_at(*path: str) -> Expander:
    """A kind with one pod, whose template stands at a path of the object. No such controller was compared."""

    def expander(item: Item, _objects: Objects) -> Workload | Unexpanded:
        template: Any = item.manifest
        for key in path:
            template = template.get(key, {}) if isinstance(template, Mapping) else {}
        if not isinstance(template, Mapping) or not template.get("spec"):
            return item.cannot(f"it has no pod template at {'.'.join(path)}")
        return item.workload(How.SIMULATED, PodSet(name=item.name, template=template, floor=1, limit=1))

    return expander
