"""What happens in the sandbox: nodes bought and given up, pods that wait, and why. It also plays the device plugins."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from components.catalogue.hardware import instance_type
from components.catalogue.pricing.requirements import CAPACITY_TYPE
from components.layout.clusters import ClusterView
from trellis.kube.client import Api, ApiError
from trellis.rehearsal.autoscale.instances import INSTANCE_TYPE, ZONE
from trellis.rehearsal.autoscale.loads import MARK
from trellis.sandbox.nodes import allocatable
from trellis.sandbox.supervised import Child

POOL = "karpenter.sh/nodepool"
V1 = "karpenter.sh/v1"
Manifest = Mapping[str, Any]
POLL_SECONDS = 0.4
PLACED_SECONDS = 3.0
"""Nothing changes for so long once all pods run: it is over."""
WAITING_SECONDS = 14.0
"""With pods that wait: Karpenter looks at them anew every ten seconds."""


class KarpenterEndedError(Exception):
    """Karpenter ended by itself."""


@dataclass(frozen=True, order=True)
class Bought:
    """A node that Karpenter holds."""

    pool: str
    kind: str
    capacity_type: str
    zone: str
    name: str
    """Of its NodeClaim."""
    node: str
    """Empty until it is there."""


@dataclass(frozen=True)
class Seen:
    """One look at the sandbox."""

    nodes: tuple[Bought, ...]
    pods: tuple[Manifest, ...]
    """Pods of ours that are not ending."""
    ready: bool
    """Whether every node that was ordered is in use."""

    @property
    def waiting(self) -> tuple[Manifest, ...]:
        """Pods without a node."""
        return tuple(pod for pod in self.pods if not pod["spec"].get("nodeName"))

    def on(self, node: str) -> list[Manifest]:
        """Pods of a node."""
        return [pod for pod in self.pods if pod["spec"].get("nodeName") == node]

    def marks(self) -> object:
        """What must stay the same for things to be still."""
        placed = sorted((p["metadata"]["uid"], p["spec"].get("nodeName", "")) for p in self.pods)
        return [(one.name, one.node) for one in self.nodes], placed


@dataclass
class Watch:
    """Looks at one sandbox, again and again."""

    api: Api
    view: ClusterView
    karpenter: Child | None = None
    _old: set[tuple[str, int]] = field(default_factory=set)
    """Events that were there when a phase began: which, and how often each had been."""
    _told: set[str] = field(default_factory=set)
    """Nodes whose device plugins have spoken."""

    def begin(self, karpenter: Child) -> None:
        """A phase begins under a Karpenter that was just started: what was said before counts no more."""
        self.karpenter = karpenter
        self._old = {_event(one) for one in self.api.list("v1", "Event")}

    def look(self) -> Seen:
        """The state now. Raises `KarpenterEndedError`."""
        failure = self.karpenter.failure() if self.karpenter else None
        if failure:
            raise KarpenterEndedError(f"Karpenter ended by itself:\n{failure}")
        for node in self.api.list("v1", "Node", labelSelector=POOL):
            self._devices(node)
        claims = self.api.list(V1, "NodeClaim")
        pods = self.api.list("v1", "Pod", labelSelector=MARK)
        return Seen(
            nodes=tuple(sorted(map(_bought, claims))),
            pods=tuple(pod for pod in pods if not pod["metadata"].get("deletionTimestamp")),
            ready=all(_is_true(one, "Initialized") and not one["metadata"].get("deletionTimestamp") for one in claims),
        )

    def settle(self, done: Callable[[Seen], bool], seconds: float, still: float | None = None) -> tuple[Seen, bool]:
        """Wait until `done` and nothing changes any more, or time is up; the last look, and whether it is over."""
        until = time.monotonic() + seconds
        state: object = None
        since = time.monotonic()
        while True:
            seen = self.look()
            now = seen.marks()
            if now != state:
                state, since = now, time.monotonic()
            quiet = time.monotonic() - since
            enough = still if still is not None else WAITING_SECONDS if seen.waiting else PLACED_SECONDS
            if seen.ready and quiet >= enough and done(seen):
                return seen, True
            if time.monotonic() > until:
                return seen, False
            time.sleep(POLL_SECONDS)

    def reasons(self, kind: str, reason: str) -> dict[str, str]:
        """What Karpenter last said of objects of a kind, by name."""
        found: dict[str, tuple[str, str]] = {}
        for event in self.api.list("v1", "Event", fieldSelector=f"reason={reason}"):
            about = event["involvedObject"]
            if _event(event) in self._old:
                continue
            if about.get("kind") == kind and "karpenter" in str(event.get("source", {}).get("component", "")):
                when = str(event.get("lastTimestamp") or "")
                found[about["name"]] = max(found.get(about["name"], ("", "")), (when, str(event.get("message", ""))))
        return {name: message for name, (_, message) in sorted(found.items())}

    def _devices(self, node: Manifest) -> None:
        """Report on a node what its kubelet and device plugins would: KWOK's provider knows no shares or slices."""
        meta = node["metadata"]
        pool = self.view.karpenter_pools.get(meta["labels"][POOL])
        if meta["uid"] in self._told or pool is None:
            return
        kind = instance_type(meta["labels"][INSTANCE_TYPE])
        gives = allocatable(pool, kind)
        has = {**gives, "cpu": str(kind.vcpu), "memory": f"{int(kind.memory_gib * 1024)}Mi"}
        patch = [
            {"op": "add", "path": "/status/allocatable", "value": gives},
            {"op": "add", "path": "/status/capacity", "value": has},
        ]
        with contextlib.suppress(ApiError):  # it may be gone; else it is told on the next look
            self.api.call("PATCH", f"/api/v1/nodes/{meta['name']}/status", patch, "application/json-patch+json")
            self._told.add(meta["uid"])


def _bought(claim: Manifest) -> Bought:
    labels = claim["metadata"].get("labels", {})
    return Bought(
        pool=labels.get(POOL, ""),
        kind=labels.get(INSTANCE_TYPE, ""),
        capacity_type=labels.get(CAPACITY_TYPE, ""),
        zone=labels.get(ZONE, ""),
        name=claim["metadata"]["name"],
        node=claim.get("status", {}).get("nodeName", ""),
    )


def _event(event: Manifest) -> tuple[str, int]:
    return str(event["metadata"]["uid"]), int(event.get("count") or 0)


def _is_true(item: Manifest, condition: str) -> bool:
    found = item.get("status", {}).get("conditions") or []
    return any(one["type"] == condition and one["status"] == "True" for one in found)
