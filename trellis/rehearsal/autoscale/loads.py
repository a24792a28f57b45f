"""The declared workloads as ReplicaSets and DaemonSets: pods come back where a node goes, and can be made fewer."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from trellis.kube.client import Api, ApiError
from trellis.rehearsal.expand.model import Expansion, PodSet, Workload

MARK = "trellis.dev/autoscale"
"""Label that tells a set's pods from all others."""
NO_IMAGE = "trellis.dev/not-in-the-plan"
Manifest = Mapping[str, Any]
_APPS = "apps/v1"
_REFUSED = (400, 403, 404, 422)


@dataclass(frozen=True)
class Load:
    """One set of pods of a workload."""

    id: str
    workload: Workload
    pods: PodSet

    @property
    def kind(self) -> str:
        """What keeps its pods."""
        return "DaemonSet" if self.pods.each_node else "ReplicaSet"

    @property
    def fewest(self) -> int:
        """Pods when there is little to do: the floor; none of a job, which ends some day."""
        return 0 if self.workload.kind in _JOBS else self.pods.floor

    def manifest(self, replicas: int) -> dict[str, Any]:
        """The object that keeps its pods."""
        metadata = self.pods.template.get("metadata") or {}
        marked = {MARK: self.id}
        spec: dict[str, Any] = {
            "selector": {"matchLabels": marked},
            "template": {
                "metadata": {
                    "labels": {**(metadata.get("labels") or {}), **marked},
                    "annotations": dict(metadata.get("annotations") or {}),
                },
                "spec": _kept(self.pods.template.get("spec") or {}),
            },
        }
        if not self.pods.each_node:
            spec["replicas"] = replicas
        where = {"name": self.id, "namespace": self.workload.namespace}
        return {"apiVersion": _APPS, "kind": self.kind, "metadata": where, "spec": spec}


_JOBS = frozenset({"CronJob", "Job", "JobSet", "TrainJob"})


def loads(expansion: Expansion) -> list[Load]:
    """All sets of pods of an expansion, with ids of their own."""
    found = [(workload, pods) for workload in expansion.workloads for pods in workload.pods]
    return [Load(f"{number:03}-{_short(pods.name)}", w, pods) for number, (w, pods) in enumerate(found)]


def shrunk(sets: Iterable[Load]) -> tuple[dict[str, int], str]:
    """How many pods each set has when there is little to do, and in words why so many.

    Where every set has its fewest pods already, every second pod goes: else nothing could be given up.
    """
    kept = {load.id: load.fewest for load in sets if not load.pods.each_node}
    most = {load.id: load.pods.limit for load in sets if not load.pods.each_node}
    if kept != most:
        return kept, "fewest replicas, jobs ended"
    before = 0
    for name, count in sorted(most.items()):
        kept[name] = (before + count + 1) // 2 - (before + 1) // 2
        before += count
    return kept, "every second pod gone, for nothing declares fewer"


def scale(api: Api, sets: Iterable[Load], replicas: Mapping[str, int]) -> dict[str, str]:
    """Make each set, or change how many pods it has; return what the API server refused, by the set's id."""
    refused: dict[str, str] = {}
    for load in sets:
        try:
            api.apply(load.manifest(replicas.get(load.id, 0)))
        except ApiError as error:
            if error.code not in _REFUSED:
                raise
            refused[load.id] = error.message
    return refused


def unmade(api: Api, sets: Iterable[Load]) -> dict[str, str]:
    """Sets whose controller is not allowed to make all pods, by id: what the API server says, as of a quota."""
    found: dict[str, str] = {}
    kept = {(one["metadata"]["namespace"], one["metadata"]["name"]): one for one in api.list(_APPS, "ReplicaSet")}
    for load in sets:
        status = kept.get((load.workload.namespace, load.id), {}).get("status", {})
        for one in status.get("conditions") or ():
            if one["type"] == "ReplicaFailure" and one["status"] == "True":
                said = str(one.get("message", ""))
                found[load.id] = said.partition(" is forbidden: ")[2] or said
    return found


def _short(name: str) -> str:
    return name[:45].replace(".", "-").strip("-").lower() or "pods"


def _kept(spec: Manifest) -> dict[str, Any]:
    """A pod's spec that a ReplicaSet may keep: it always starts anew, and every container has an image."""
    filled = {
        what: [{"image": NO_IMAGE, **one} for one in spec[what]]
        for what in ("initContainers", "containers")
        if spec.get(what)
    }
    rest = {key: value for key, value in spec.items() if key not in ("activeDeadlineSeconds", "restartPolicy")}
    return {**rest, **filled, "restartPolicy": "Always"}
