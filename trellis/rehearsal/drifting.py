"""Changes objects of a cluster behind the engine's back, as people with kubectl do."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from trellis.kube.client import Api
from trellis.plan import Plan, Resource
from trellis.sandbox import Sandbox

_MERGE = "application/merge-patch+json"


@dataclass(frozen=True, kw_only=True)
class Drift:
    """One change that nobody told the engine of."""

    urn: str
    what: str
    seen_as: Literal["update", "delete"]
    """How a refresh must show it."""

    @property
    def mended_by(self) -> Literal["update", "create"]:
        """What a preview after that refresh must plan."""
        return "update" if self.seen_as == "update" else "create"


@dataclass(frozen=True)
class _Way:
    """One kind to lay hands on: the merge patch, or None to delete it."""

    kind: str
    patch: Mapping[str, Any] | None
    what: str


WAYS = (
    _Way("NetworkPolicy", None, "a NetworkPolicy deleted"),
    _Way("ResourceQuota", {"spec": {"hard": {"pods": "1"}}}, "a ResourceQuota changed by hand"),
    _Way("DestinationRule", {"spec": {"host": "elsewhere.invalid"}}, "a DestinationRule changed by hand"),
    _Way("PodMonitor", None, "a PodMonitor deleted"),
)


def drift(clusters: Mapping[str, Sandbox], plan: Plan) -> list[Drift]:
    """Lay hands on one object of each kind in each cluster that has it; return what was done."""
    return [row for name, sandbox in sorted(clusters.items()) for row in _in_cluster(name, sandbox.api, plan)]


def _in_cluster(cluster: str, api: Api, plan: Plan) -> Iterator[Drift]:
    for way in WAYS:
        row = next((one for one in plan.resources if _is(one, way, cluster)), None)
        if row is None:
            continue
        version, meta = str(row.inputs["apiVersion"]), row.inputs["metadata"]
        if way.patch is None:
            api.delete(version, way.kind, meta["name"], meta.get("namespace"))
        else:
            path = api.resource(version, way.kind).path(meta.get("namespace"), meta["name"])
            api.call("PATCH", path, way.patch, _MERGE, fieldManager="kubectl-edit")
        yield Drift(urn=row.urn, what=way.what, seen_as="delete" if way.patch is None else "update")


def _is(row: Resource, way: _Way, cluster: str) -> bool:
    """Whether an object of that kind is the cluster's own; a quota must limit pods, or nothing of ours would change."""
    if row.opened_from or row.kind != way.kind or (row.provider or "").rpartition("::")[2] != cluster:
        return False
    return way.kind != "ResourceQuota" or "pods" in row.inputs["spec"]["hard"]
