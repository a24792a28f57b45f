"""The stage for pods: nodes, namespaces with their quotas, accounts and volumes. It remembers what it made."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from trellis.kube.client import Api, wait_for
from trellis.rehearsal.expand.model import Expansion
from trellis.rehearsal.expand.objects import Objects

Manifest = Mapping[str, Any]
HOLDER = "trellis-placement"
"""Name of the ConfigMap in each namespace that owns the pods, so that no ReplicaSet of the stack adopts them."""
MARK = "trellis.dev/placement"
"""Label of what the act makes in namespaces that may be somebody else's."""
_NOT_READY = ("node.kubernetes.io/not-ready", "node.kubernetes.io/unreachable")
_ABOUT_ALL = (
    ("scheduling.k8s.io", "PriorityClass"),
    ("node.k8s.io", "RuntimeClass"),
    ("storage.k8s.io", "StorageClass"),
)
_ABOUT_PODS = (("", "ServiceAccount"), ("", "LimitRange"), ("", "ResourceQuota"))


@dataclass
class Stage:
    """What pods need around them. For one act in one cluster."""

    api: Api
    objects: Objects
    seconds: float
    """How long each wait may take."""
    volumes: list[str] = field(default_factory=list)
    """Claims, as namespace/name, that a volume of ours stands in for."""
    _made: list[tuple[str, str, str, str | None]] = field(default_factory=list)
    """Kind by kind in the order of making: API version, kind, name, namespace."""

    def put(self, manifest: Manifest) -> bool:
        """Make an object unless it is there already, as after an `up`; return whether it was made."""
        meta = manifest["metadata"]
        at = (str(manifest["apiVersion"]), str(manifest["kind"]), str(meta["name"]), meta.get("namespace"))
        if self.api.get(*at) is not None:
            return False
        self.api.apply(manifest)
        self._made.append(at)
        return True

    def nodes(self, wanted: Iterable[Manifest]) -> None:
        """Put nodes, and wait until the scheduler may use all that are there."""
        for node in wanted:
            self.put(node)
        wait_for(lambda: all(map(_usable, self.api.list("v1", "Node"))), self.seconds, "the nodes to be ready")

    def surroundings(self, expansion: Expansion) -> None:
        """Put all that pods of an expansion meet: namespaces, accounts, defaults, quotas, classes, volumes."""
        for kind in _ABOUT_ALL:
            self._of_plan(kind, None)
        spaces = sorted({workload.namespace for workload in expansion.workloads})
        for space in spaces:
            found = self.objects.find("", "Namespace", space)
            self.put(
                found.manifest if found else {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": space}}
            )
            for kind in _ABOUT_PODS:
                self._of_plan(kind, space)
            holder = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": HOLDER, "namespace": space}}
            self.put(holder)
        wait_for(lambda: all(map(self._settled, spaces)), self.seconds, "accounts and quotas of the namespaces")
        for space, claim in sorted(_claims(expansion)):
            self._volume(space, claim)

    def owner(self, space: str) -> dict[str, Any]:
        """Reference to the holder of a namespace's pods."""
        holder = self.api.get("v1", "ConfigMap", HOLDER, space) or {}
        uid = holder["metadata"]["uid"]
        return {"apiVersion": "v1", "kind": "ConfigMap", "name": HOLDER, "uid": uid, "controller": True}

    def clear(self, spaces: Iterable[str]) -> None:
        """Take back all that was made: pods first, for only a node that is there tells that its pods are gone."""
        ours = {"labelSelector": f"{MARK}={HOLDER}"}
        spaces = sorted(spaces)
        for space in spaces:
            self.api.call("DELETE", self.api.resource("v1", "Pod").path(space), propagationPolicy="Background", **ours)
        for at in reversed([at for at in self._made if at[1] != "Node"]):
            self.api.delete(*at)
        wait_for(
            lambda: (
                not any(self.api.list("v1", "Pod", space, **ours) for space in spaces)
                and all(self.api.get(*at) is None for at in self._made if at[1] != "Node")
            ),
            self.seconds,
            "the end of what the act had made",
        )
        nodes = [at for at in self._made if at[1] == "Node"]
        for at in nodes:
            self.api.delete(*at)
        wait_for(lambda: all(self.api.get(*at) is None for at in nodes), self.seconds, "the end of the nodes")
        self._made.clear()

    def _of_plan(self, kind: tuple[str, str], space: str | None) -> None:
        for item in self.objects.of(*kind, space):
            self.put(item.manifest)

    def _settled(self, space: str) -> bool:
        """Whether pods can be made: the account is there that is the default, and quotas know what they count."""
        quotas = self.api.list("v1", "ResourceQuota", space)
        counted = all(quota.get("status", {}).get("hard") == quota["spec"].get("hard") for quota in quotas)
        return counted and self.api.get("v1", "ServiceAccount", "default", space) is not None

    def _volume(self, space: str, name: str) -> None:
        """Put a claim of the plan, and a volume for it where nothing here would make one: no CSI driver runs."""
        found = self.objects.find("", "PersistentVolumeClaim", name, space)
        if found:
            self.put(found.manifest)
        claim = self.api.get("v1", "PersistentVolumeClaim", name, space)
        if claim is None or claim.get("status", {}).get("phase") == "Bound":
            return  # a claim that nobody makes is the scheduler's to refuse
        volume = self.objects.find("", "PersistentVolume", str(claim["spec"].get("volumeName", "")))
        self.put(volume.manifest if volume else _stand_in(claim))
        self.volumes.append(f"{space}/{name}")

        def bound() -> bool:
            now = self.api.get("v1", "PersistentVolumeClaim", name, space) or {}
            return bool(now.get("status", {}).get("phase") == "Bound")

        wait_for(bound, self.seconds, f"claim {space}/{name} to be bound")


def _stand_in(claim: Manifest) -> dict[str, Any]:
    """A volume for one claim, in every zone at once: a real one would be made in the zone of its first pod."""
    meta, spec = claim["metadata"], claim["spec"]
    ref = {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "name": meta["name"], "namespace": meta["namespace"]}
    return {
        "apiVersion": "v1",
        "kind": "PersistentVolume",
        "metadata": {"name": f"{HOLDER}-{meta['namespace']}-{meta['name']}", "labels": {MARK: HOLDER}},
        "spec": {
            "accessModes": spec["accessModes"],
            "capacity": spec["resources"]["requests"],
            "claimRef": ref,
            "hostPath": {"path": "/nowhere"},
            "persistentVolumeReclaimPolicy": "Retain",
            "storageClassName": spec.get("storageClassName", ""),
        },
    }


def _claims(expansion: Expansion) -> set[tuple[str, str]]:
    """Claims that pods name, with their namespace."""
    return {
        (workload.namespace, str(volume["persistentVolumeClaim"]["claimName"]))
        for workload in expansion.workloads
        for pods in workload.pods
        for volume in (pods.template.get("spec") or {}).get("volumes") or ()
        if volume.get("persistentVolumeClaim")
    }


def _usable(node: Manifest) -> bool:
    """Whether a node is Ready and the controller manager has taken its taints off."""
    conditions = node["status"].get("conditions") or ()
    ready = any(one["type"] == "Ready" and one["status"] == "True" for one in conditions)
    return ready and not any(taint["key"] in _NOT_READY for taint in node["spec"].get("taints") or ())
