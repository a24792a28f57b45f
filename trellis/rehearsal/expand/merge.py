"""Kubernetes' strategic merge, as far as pod templates need it: controllers lay one template over another with it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

# Lists that are merged item by item, and the field that tells items apart; any other list is replaced as a whole.
# Source: the tags patchMergeKey of k8s.io/api/core/v1 0.36 and of JobSet 0.12. Tolerations have none.
MERGE_KEYS: Mapping[str, str] = {
    "containers": "name",
    "env": "name",
    "ephemeralContainers": "name",
    "hostAliases": "ip",
    "imagePullSecrets": "name",
    "initContainers": "name",
    "ports": "containerPort",
    "replicatedJobs": "name",
    "resourceClaims": "name",
    "topologySpreadConstraints": "topologyKey",
    "volumeDevices": "devicePath",
    "volumeMounts": "mountPath",
    "volumes": "name",
}


def merge(base: Any, patch: Any, field: str = "") -> Any:
    """A patch laid over a base; neither is changed."""
    if isinstance(base, Mapping) and isinstance(patch, Mapping):
        merged = {key: merge(value, patch[key], key) if key in patch else value for key, value in base.items()}
        return merged | {key: value for key, value in patch.items() if key not in base}
    if isinstance(base, list) and isinstance(patch, list) and field in MERGE_KEYS:
        return _merge_items(base, patch, MERGE_KEYS[field])
    return patch


def _merge_items(base: list[Any], patch: list[Any], key: str) -> list[Any]:
    over = {item.get(key): item for item in patch}
    merged = [merge(item, over.pop(item.get(key))) if item.get(key) in over else item for item in base]
    return [*merged, *over.values()]
