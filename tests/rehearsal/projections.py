"""Pods reduced to what a scheduler and a quota read, so that ours can be compared with a real controller's."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from trellis.rehearsal.placing.demand import amount

Manifest = Mapping[str, Any]
_OF_THE_SYSTEM = ("node.kubernetes.io/not-ready", "node.kubernetes.io/unreachable")
_PLAIN = ("affinity", "hostNetwork", "nodeSelector", "priorityClassName", "runtimeClassName")


def template(item: Manifest, *, without_labels: tuple[str, ...] = ()) -> dict[str, Any]:
    """A pod or pod template, without what the API server adds to every pod."""
    metadata, spec = item.get("metadata") or {}, item["spec"]
    tolerations = [one for one in spec.get("tolerations") or () if one.get("key") not in _OF_THE_SYSTEM]
    labels = {key: value for key, value in (metadata.get("labels") or {}).items() if key not in without_labels}
    volumes = {one["name"] for one in spec.get("volumes") or () if not _only_content(one)}
    return {
        "labels": labels,
        "annotations": dict(metadata.get("annotations") or {}),
        **{field: spec[field] for field in _PLAIN if spec.get(field)},
        "serviceAccountName": spec.get("serviceAccountName", "default"),
        "tolerations": tolerations,
        "spread": list(spec.get("topologySpreadConstraints") or ()),
        "volumes": sorted(volumes),
        "containers": {one["name"]: container(one, volumes) for one in spec["containers"]},
        "initContainers": {one["name"]: container(one, volumes) for one in spec.get("initContainers") or ()},
    }


def _only_content(volume: Manifest) -> bool:
    """Whether a volume carries content into a pod and says nothing about where it may run."""
    return bool({"secret", "configMap", "projected"} & volume.keys())


def container(one: Manifest, volumes: Collection[str]) -> dict[str, Any]:
    """What a container asks for, what it mounts of these volumes, and which ports of its node it takes."""
    resources = one.get("resources") or {}
    mounts = [mount for mount in one.get("volumeMounts") or () if mount["name"] in volumes]
    return {
        **{
            side: {name: amount(name, value) for name, value in (resources.get(side) or {}).items()}
            for side in ("requests", "limits")
        },
        "mounts": sorted((mount["mountPath"], mount["name"]) for mount in mounts),
        "ports": sorted(port["hostPort"] for port in one.get("ports") or () if "hostPort" in port),
    }
