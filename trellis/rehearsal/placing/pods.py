"""Makes the pods of an expansion, waits for the real scheduler, and says what became of each."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from trellis.kube.client import Api, ApiError, UnknownKindError, wait_for
from trellis.rehearsal.expand.model import PodSet, Workload
from trellis.rehearsal.placing.stage import HOLDER, MARK, Stage

Manifest = Mapping[str, Any]
Owner = tuple[str, str, str]
"""Namespace, kind and name of what a pod belongs to."""
NO_IMAGE = "trellis.dev/not-in-the-plan"
"""Image of containers whose controller would fill it in; nothing is pulled here."""
STILL_SECONDS = 2.0
"""A pod that waits is tried anew when nodes change, after at most so long; then it has been decided."""
_POLL_SECONDS = 0.2
_NAME_LENGTH = 57
_NOBODY = "no scheduler has looked at it: the one that it names does not run here"
_CONFLICT = 409
_REFUSED = (400, 403, 404, 422)


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What became of one pod."""

    workload: Workload
    pods: PodSet
    name: str
    beyond_floor: bool
    """Whether the workload can do without it: it is above its fewest replicas."""
    real: bool
    """Whether the kind's real controller made it."""
    spec: Manifest
    node: str = ""
    """Where the scheduler put it; empty while it waits."""
    refusal: str = ""
    """What the API server said, where it let nobody make this pod."""
    reason: str = ""
    """What the scheduler said, where it found no node."""

    @property
    def placed(self) -> bool:
        """Whether it has a node."""
        return bool(self.node)


def wave(stage: Stage, workloads: Sequence[Workload], *, beyond_floor: bool) -> list[Outcome]:
    """Make the pods up to the floor, or those from there to the limit, and wait for the scheduler's decisions."""
    there = owned(stage.api, {workload.namespace for workload in workloads})
    made: list[Outcome] = []
    for workload in workloads:
        found = there.get((workload.namespace, workload.kind, workload.name), [])
        for pods in workload.pods:
            if pods.each_node:
                made += [] if beyond_floor else _on_each_node(stage, workload, pods)
            else:
                made += _up_to(stage, workload, pods, found, beyond_floor=beyond_floor)
    return _decided(stage, made)


def owned(api: Api, spaces: Iterable[str]) -> dict[Owner, list[Manifest]]:
    """Living pods of namespaces by everything that owns them, directly or through others."""
    found: dict[Owner, list[Manifest]] = {}
    known: dict[Owner, Manifest | None] = {}
    for space in sorted(spaces):
        for pod in api.list("v1", "Pod", space):
            if pod["metadata"].get("deletionTimestamp") or pod["status"].get("phase") in ("Succeeded", "Failed"):
                continue
            for owner in _owners(api, pod, known):
                found.setdefault(owner, []).append(pod)
    return found


def _owners(api: Api, item: Manifest, known: dict[Owner, Manifest | None]) -> Iterator[Owner]:
    space = item["metadata"]["namespace"]
    for ref in item["metadata"].get("ownerReferences") or ():
        if not ref.get("controller") or ref["name"] == HOLDER:
            continue
        owner = (space, ref["kind"], ref["name"])
        yield owner
        if owner not in known:
            try:
                known[owner] = api.get(ref["apiVersion"], ref["kind"], ref["name"], space)
            except UnknownKindError:
                known[owner] = None
        above = known[owner]
        if above is not None:
            yield from _owners(api, above, known)


def _up_to(
    stage: Stage, workload: Workload, pods: PodSet, found: Sequence[Manifest], *, beyond_floor: bool
) -> Iterator[Outcome]:
    """Pods of a set: those that are there by a real controller, then new ones for the rest."""
    first, last = (pods.floor, pods.limit) if beyond_floor else (0, pods.floor)
    for number in range(first, last):
        if number < len(found):
            yield _outcome(workload, pods, found[number], beyond_floor=beyond_floor, real=True)
        else:
            yield _make(stage, workload, pods, number, beyond_floor=beyond_floor)


def _make(stage: Stage, workload: Workload, pods: PodSet, number: int, *, beyond_floor: bool) -> Outcome:
    name = f"{pods.name[:_NAME_LENGTH].rstrip('-.')}-{number}"
    metadata = pods.template.get("metadata") or {}
    manifest: dict[str, Any] = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {
            "name": name,
            "namespace": workload.namespace,
            "labels": {**(metadata.get("labels") or {}), MARK: HOLDER},
            "annotations": dict(metadata.get("annotations") or {}),
            "ownerReferences": [stage.owner(workload.namespace)],
        },
        "spec": _startable(pods.template.get("spec") or {}),
    }
    try:
        made = stage.api.create(manifest)
    except ApiError as error:
        there = stage.api.get("v1", "Pod", name, workload.namespace) if error.code == _CONFLICT else None
        if there is not None:  # an earlier run left it
            return _outcome(workload, pods, there, beyond_floor=beyond_floor, real=False)
        if error.code not in _REFUSED and "webhook" not in error.message:
            raise
        return Outcome(
            workload=workload,
            pods=pods,
            name=name,
            beyond_floor=beyond_floor,
            real=False,
            spec=manifest["spec"],
            refusal=error.message,
        )
    return _outcome(workload, pods, made, beyond_floor=beyond_floor, real=False)


def _startable(spec: Manifest) -> dict[str, Any]:
    """The pod with an image in each container: some come from a controller's configuration, which is not here."""
    filled = {
        what: [{"image": NO_IMAGE, **one} for one in spec[what]]
        for what in ("initContainers", "containers")
        if spec.get(what)
    }
    return {**spec, **filled}


def _on_each_node(stage: Stage, workload: Workload, pods: PodSet) -> list[Outcome]:
    """A DaemonSet's pods. Kubernetes' own controller runs here, so it is the one that decides where they go."""
    api = stage.api
    labels = {MARK: HOLDER, f"{MARK}-of": workload.name[:63]}
    metadata = pods.template.get("metadata") or {}
    template = {
        "metadata": {**metadata, "labels": {**(metadata.get("labels") or {}), **labels}},
        "spec": _startable(pods.template.get("spec") or {}),
    }
    stage.put(
        {
            "apiVersion": "apps/v1",
            "kind": "DaemonSet",
            "metadata": {"name": workload.name, "namespace": workload.namespace},
            "spec": {"selector": {"matchLabels": labels}, "template": template},
        }
    )
    found: list[Manifest] = []
    wanted = 0

    def answered() -> bool:
        nonlocal found, wanted
        status = (api.get("apps/v1", "DaemonSet", workload.name, workload.namespace) or {}).get("status", {})
        wanted = int(status.get("desiredNumberScheduled", 0))
        found = owned(api, [workload.namespace]).get((workload.namespace, "DaemonSet", workload.name), [])
        return "observedGeneration" in status and (len(found) == wanted or bool(refusal()))

    def refusal() -> str:
        events = api.list("v1", "Event", workload.namespace, fieldSelector="reason=FailedCreate")
        about = (e for e in events if e["involvedObject"].get("name") == workload.name)
        return next((str(e.get("message", "")) for e in about), "")

    wait_for(answered, stage.seconds, f"{workload.label} to have a pod for each node")
    made = [_outcome(workload, pods, pod, beyond_floor=False, real=True) for pod in found]
    missing = range(len(found), wanted)
    refused = refusal() if missing else ""
    return made + [
        Outcome(
            workload=workload,
            pods=pods,
            name=f"{pods.name}-{number}",
            beyond_floor=False,
            real=True,
            spec=template["spec"],
            refusal=refused,
        )
        for number in missing
    ]


def _decided(stage: Stage, made: Sequence[Outcome]) -> list[Outcome]:
    """The outcomes once every pod has a node, or the scheduler has said why not and nothing changes any more."""
    waiting = [one for one in made if not one.refusal]
    spaces = {one.workload.namespace for one in waiting}
    until = time.monotonic() + stage.seconds
    seen: dict[tuple[str, str], Manifest] = {}
    state: object = None
    since = time.monotonic()
    while waiting:
        seen = {(space, p["metadata"]["name"]): p for space in spaces for p in stage.api.list("v1", "Pod", space)}
        now = [_state(seen.get((one.workload.namespace, one.name))) for one in waiting]
        if now != state:
            state, since = now, time.monotonic()
        still = time.monotonic() - since > STILL_SECONDS
        if all(node for node, _ in now) or (still and all(node or why for node, why in now)):
            break
        if time.monotonic() > until:
            break
        time.sleep(_POLL_SECONDS)
    return [_told(one, seen.get((one.workload.namespace, one.name))) for one in made]


def _told(one: Outcome, pod: Manifest | None) -> Outcome:
    """The outcome with what the scheduler made of its pod."""
    if one.refusal:
        return one
    node, reason = _state(pod)
    return replace(one, node=node, reason=reason or ("" if node else _NOBODY), spec=pod["spec"] if pod else one.spec)


def _outcome(workload: Workload, pods: PodSet, pod: Manifest, *, beyond_floor: bool, real: bool) -> Outcome:
    name = str(pod["metadata"]["name"])
    return Outcome(workload=workload, pods=pods, name=name, beyond_floor=beyond_floor, real=real, spec=pod["spec"])


def _state(pod: Manifest | None) -> tuple[str, str]:
    """Node of a pod, and the scheduler's reason where it has none."""
    if not pod:
        return "", ""
    conditions = pod.get("status", {}).get("conditions") or ()
    said = next((str(c.get("message", "")) for c in conditions if c["type"] == "PodScheduled"), "")
    return str(pod["spec"].get("nodeName", "")), said
