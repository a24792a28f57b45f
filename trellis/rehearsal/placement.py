"""The act `placement`: every declared pod before the real scheduler, over the nodes of the pools at their limit."""

from __future__ import annotations

import contextlib
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

from components.layout.clusters import ClusterView
from trellis.kube.client import Api
from trellis.plan import Plan
from trellis.rehearsal.expand import Expansion, How, Workload, expand
from trellis.rehearsal.expand.mesh import PROXY
from trellis.rehearsal.expand.objects import Objects
from trellis.rehearsal.placing.demand import left
from trellis.rehearsal.placing.gpus import Row, rows
from trellis.rehearsal.placing.pods import Outcome, wave
from trellis.rehearsal.placing.reasons import Scene, fix
from trellis.rehearsal.placing.stage import Stage
from trellis.rehearsal.result import Act, Fidelity, Verdict
from trellis.sandbox.nodes import nodes_from

NAME = "placement"
Manifest = Mapping[str, Any]
Progress = Callable[[str], None]
SECONDS = 180
"""How long a sandbox may take for each step before the act gives up on it."""


def _silent(_line: str) -> None:
    """Show no progress."""


def run(plan: Plan, view: ClusterView, api: Api, *, clean: bool = True, progress: Progress = _silent) -> Act:
    """Place all pods that one cluster of a plan declares; `api` is a running sandbox's.

    Pods up to each workload's fewest replicas come first, then those up to its most. What is there already, as after
    an `up`, is used and left alone. With `clean`, all that the act made is gone when it returns, also after an error.
    Raises `TimeoutError` where the sandbox does not keep up, and `ApiError`.
    """
    expansion = expand(plan, view)
    stage = Stage(api, Objects(plan, view), SECONDS)
    spaces = {workload.namespace for workload in expansion.workloads}
    with _cleared(stage, spaces) if clean else contextlib.nullcontext():
        wanted = nodes_from(view, "limit")
        progress(f"putting {len(wanted)} nodes, as the pools of {view.name} give at their limit")
        stage.nodes(wanted)
        stage.surroundings(expansion)
        progress(f"placing {len(expansion.workloads)} workloads")
        # Whoever is on every node is there before anybody else.
        order = sorted(expansion.workloads, key=lambda w: not any(pods.each_node for pods in w.pods))
        outcomes = [one for beyond in (False, True) for one in wave(stage, order, beyond_floor=beyond)]
        scene, table = _look(view, api, outcomes)
        return _act(expansion, stage, scene, table)


@contextlib.contextmanager
def _cleared(stage: Stage, spaces: Iterable[str]) -> Iterator[None]:
    """Take back what the act made, whatever happens in between."""
    try:
        yield
    finally:
        stage.clear(spaces)


def _look(view: ClusterView, api: Api, outcomes: Sequence[Outcome]) -> tuple[Scene, list[Row]]:
    """What the nodes hold once all is decided, and which GPUs are idle."""
    nodes = api.list("v1", "Node")
    on: dict[str, list[Manifest]] = {}
    for pod in api.list("v1", "Pod"):
        if pod["spec"].get("nodeName") and pod["status"].get("phase") not in ("Succeeded", "Failed"):
            on.setdefault(pod["spec"]["nodeName"], []).append(pod)
    rest = {node["metadata"]["name"]: left(node, on.get(node["metadata"]["name"], ())) for node in nodes}
    specs = {name: [pod["spec"] for pod in pods] for name, pods in on.items()}
    return Scene(view, nodes, rest, outcomes), rows(view, nodes, specs, rest)


def _act(expansion: Expansion, stage: Stage, scene: Scene, table: Sequence[Row]) -> Act:
    outcomes = scene.outcomes
    missing = _missing(scene)
    open_ends = _open_ends(expansion)
    simulated = [w.label for w in expansion.workloads if w.how is How.SIMULATED]
    placed = sum(one.placed for one in outcomes)
    whole = sum(1 for w in expansion.workloads if not any(o.workload is w and not o.placed for o in outcomes))
    idle, offered = sum(row.offered - row.used for row in table), sum(row.offered for row in table)
    summary = (
        f"{scene.view.name}: {placed} of {len(outcomes)} pods have a node, {whole} of {len(expansion.workloads)} "
        f"workloads all of theirs; {len(scene.nodes)} nodes at the pools' limit, {idle} of {offered} GPU units idle; "
        f"not expanded: {len(expansion.unexpanded)}"
    )
    verdict = Verdict.PASSED if not (open_ends or simulated) else Verdict.LIMITED
    facts = {
        "cluster": scene.view.name,
        "nodes": len(scene.nodes),
        "pods": len(outcomes),
        "placed": placed,
        "workloads": [_workload(w, [o for o in outcomes if o.workload is w], scene) for w in expansion.workloads],
        "gpus": [row.document() for row in table],
        "unexpanded": [{"subject": row.subject, "why": row.why} for row in expansion.unexpanded],
    }
    return Act(
        name=NAME,
        verdict=Verdict.FAILED if missing else verdict,
        summary=summary,
        notes=(*missing, *open_ends),
        facts=facts,
        fidelity=tuple(sorted(_fidelity(expansion, stage))),
    )


def _missing(scene: Scene) -> tuple[str, ...]:
    """One note for each workload and remedy: how many of its pods have no node, why, and what would mend it.

    The reason is the first pod's: it changes from pod to pod with what the others before it have taken.
    """
    groups: dict[tuple[str, bool, str], list[Outcome]] = {}
    for one in scene.outcomes:
        if not one.placed:
            groups.setdefault((one.workload.label, bool(one.refusal), fix(one, scene)), []).append(one)
    notes: list[str] = []
    for (label, refused, remedy), waiting in groups.items():
        workload = waiting[0].workload
        total = sum(1 for one in scene.outcomes if one.workload is workload)
        verb = "were refused by the API server" if refused else "wait for a node"
        gang = ", and with them the whole gang" if workload.gang else ""
        spare = " (all above its fewest replicas)" if all(one.beyond_floor for one in waiting) else ""
        said = f"{len(waiting)} of {total} pods {verb}{gang}{spare}: {_why(waiting[0])}"
        notes.append(f"{label}: {said} To mend it: {remedy}.")
    return tuple(notes)


def _why(one: Outcome) -> str:
    """What was said of a pod, without its own name and without why no other pod is put out for it."""
    said = one.refusal.partition(" is forbidden: ")[2] or one.refusal or one.reason.partition(" preemption: ")[0]
    return f"{said.rstrip('.')}."


def _open_ends(expansion: Expansion) -> tuple[str, ...]:
    """What could not be expanded, by reason."""
    reasons: dict[str, list[str]] = {}
    for row in expansion.unexpanded:
        reasons.setdefault(row.why, []).append(row.subject)
    return tuple(f"Not expanded: {', '.join(subjects)}: {why}." for why, subjects in sorted(reasons.items()))


def _workload(workload: Workload, outcomes: Sequence[Outcome], scene: Scene) -> dict[str, Any]:
    """One workload for the evidence. A gang with a pod too few has none that works."""
    nodes = Counter(one.node for one in outcomes if one.placed)
    real = bool(outcomes) and all(one.real for one in outcomes)
    pending = {f"{one.refusal or one.reason}": fix(one, scene) for one in outcomes if not one.placed}
    return {
        "kind": workload.kind,
        "namespace": workload.namespace,
        "name": workload.name,
        "release": workload.release,
        "how": str(How.CONTROLLER if real else workload.how),
        "gang": workload.gang,
        "floor": sum(not one.beyond_floor for one in outcomes),
        "limit": len(outcomes),
        "placed": sum(one.placed for one in outcomes),
        "works": not (workload.gang and any(not one.placed for one in outcomes)),
        "nodes": dict(sorted(nodes.items())),
        "pending": [{"reason": why, "fix": mend} for why, mend in sorted(pending.items())],
    }


_KINDS: Mapping[str, str] = {
    "InferenceService": "Deployments and pods made here; compared with KServe's own manager by tests/rehearsal",
    "TrainJob": "JobSet made here; compared with Trainer's own manager by tests/rehearsal; its Jobs and pods simulated",
}


def _fidelity(expansion: Expansion, stage: Stage) -> set[Fidelity]:
    found = {
        Fidelity(subject="Scheduler, quotas, Pod Security", level="real", detail="kube-scheduler and kube-apiserver"),
        Fidelity(
            subject="Nodes", level="simulated", detail="KWOK; no DaemonSet of a chart that is not open takes room"
        ),
    }
    for workload in expansion.workloads:
        detail = _KINDS.get(workload.kind, "pods made here from its template")
        found.add(Fidelity(subject=f"Pods of {workload.kind}", level="simulated", detail=detail))
        if workload.gang:
            why = "a gang counts as placed when all its pods are; Kueue, which admits it, is not run"
            found.add(Fidelity(subject="Kueue's admission", level="simulated", detail=why))
        for pods in workload.pods:
            spec = pods.template.get("spec") or {}
            if any(one["name"] == PROXY for what in ("initContainers", "containers") for one in spec.get(what) or ()):
                why = "requests as istiod would inject them; istiod is not run"
                found.add(Fidelity(subject="Istio's sidecars", level="simulated", detail=why))
            if pods.own_claims:
                why = "an empty directory in place of each pod's own volume"
                found.add(Fidelity(subject=f"Volumes of {workload.label}", level="simulated", detail=why))
    for claim in stage.volumes:
        why = "bound to a volume that is there in every zone; no CSI driver runs"
        found.add(Fidelity(subject=f"Claim {claim}", level="stand-in", detail=why))
    return found
