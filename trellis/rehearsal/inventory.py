"""Everything that there is in a cluster, so that what a destroy leaves is seen whatever made it."""

from __future__ import annotations

from collections.abc import Iterator

from trellis.kube.client import Api, ApiError

Entry = tuple[str, str, str, str]
"""API group, kind, namespace (empty for what is in none), name."""
PASSING = frozenset({"Event", "Lease", "EndpointSlice", "Endpoints", "ControllerRevision", "PodMetrics", "NodeMetrics"})
"""Kinds that the control plane makes and drops by itself."""
_BY_NAMESPACE = frozenset({"kube-root-ca.crt", "default"})
"""What the control plane puts into each namespace."""


def inventory(api: Api) -> frozenset[Entry]:
    """All objects of all kinds that can be listed, without what the control plane keeps for itself."""
    return frozenset(entry for group, version in _groups(api) for entry in _of_version(api, group, version))


def _groups(api: Api) -> Iterator[tuple[str, str]]:
    yield "", "v1"
    for group in api.call("GET", "/apis")["groups"]:
        yield group["name"], group["preferredVersion"]["groupVersion"]


def _of_version(api: Api, group: str, version: str) -> Iterator[Entry]:
    root = f"/apis/{version}" if group else f"/api/{version}"
    for kind in api.call("GET", root)["resources"]:
        if "/" in kind["name"] or "list" not in kind["verbs"] or kind["kind"] in PASSING:
            continue
        try:
            items = api.call("GET", f"{root}/{kind['name']}")["items"]
        except ApiError:
            continue  # a kind that is just going away
        for item in items:
            meta = item["metadata"]
            if meta["name"] not in _BY_NAMESPACE or kind["kind"] not in ("ConfigMap", "ServiceAccount"):
                yield group, kind["kind"], meta.get("namespace", ""), meta["name"]


def told(entry: Entry) -> str:
    """An entry for people to read."""
    group, kind, namespace, name = entry
    return f"{kind}{f'.{group}' if group else ''} {f'{namespace}/' if namespace else ''}{name}"
