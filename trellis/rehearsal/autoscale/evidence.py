"""The act in words: who waits and why, one line for all, and how near to the real thing it was."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from components.layout.clusters import ClusterView
from trellis.rehearsal.autoscale.judge import Phase, Waiting
from trellis.rehearsal.autoscale.karpenter import TOOL
from trellis.rehearsal.autoscale.loads import MARK, Load
from trellis.rehearsal.autoscale.twins import Twins
from trellis.rehearsal.autoscale.watch import Seen
from trellis.rehearsal.expand.objects import Objects
from trellis.rehearsal.result import Fidelity
from trellis.toolchain_rows import tool

Manifest = Mapping[str, Any]
_POOL_LABEL = "trellis.dev/pool"


def waiting(view: ClusterView, sets: Sequence[Load], seen: Seen, reasons: Mapping[str, str]) -> tuple[Waiting, ...]:
    """Pods without a node by workload and pool, with the reason of the first."""
    by_id = {load.id: load for load in sets}
    groups: dict[tuple[str, str], list[Manifest]] = {}
    for pod in sorted(seen.waiting, key=lambda p: str(p["metadata"]["name"])):
        asked = str((pod["spec"].get("nodeSelector") or {}).get(_POOL_LABEL, ""))
        label = by_id[pod["metadata"]["labels"][MARK]].workload.label
        groups.setdefault((label, asked if asked in view.karpenter_pools else ""), []).append(pod)
    return tuple(
        Waiting(label, pool, len(pods), reasons.get(str(pods[0]["metadata"]["name"]), "") or _scheduler(pods[0]))
        for (label, pool), pods in sorted(groups.items())
    )


def _scheduler(pod: Manifest) -> str:
    found = pod.get("status", {}).get("conditions") or []
    return next((str(one.get("message", "")) for one in found if one["type"] == "PodScheduled"), "nobody says why")


def summary(view: ClusterView, phases: Mapping[str, Phase]) -> str:
    """One line with the numbers of all phases."""
    first = phases["bought"]
    times = f", {first.usd_h / first.cheapest:.2f} times the cheapest fit" if first.cheapest else ""
    after = phases["shrunk"]
    text = (
        f"{view.name}: Karpenter bought {first.nodes} nodes for {first.usd_h:.2f} USD/h{times}, "
        f"kept {after.nodes} for {after.usd_h:.2f} when workloads shrank"
    )
    last = phases.get("withoutSpot")
    if last is None:
        return f"{text}; it holds no spot"
    pods = sum(one.count for one in last.waiting)
    return f"{text}; without spot {last.nodes} for {last.usd_h:.2f}, {pods} pods wait"


def fidelity(objects: Objects, copies: Twins, origin: str, *, spot: bool) -> tuple[Fidelity, ...]:
    """How near to the real thing each part was."""
    version = tool(TOOL).version
    charts = {
        str(r.inputs.get("version", ""))
        for r in objects.releases
        if str(r.inputs.get("chart", "")).endswith("karpenter")
    }
    skew = "" if charts <= {version} else f"; the stack installs {', '.join(sorted(charts))}"
    confined = f"; the zone of {', '.join(copies.confined)} set by the NodePool" if copies.confined else ""
    rows = [
        ("Karpenter", "real", f"{version}, with the stack's feature gates; CRDs: {origin}{skew}"),
        ("Scheduler, quotas, disruption budgets", "real", "kube-scheduler and kube-apiserver"),
        ("NodePools, NodeOverlays", "real", f"as they stand, but for nodeClassRef: a KWOKNodeClass{confined}"),
        (
            "EC2",
            "simulated",
            "always sells, by our price table and at the cheapest offer; no launch fails for want of capacity, and "
            "spot is not chosen by how likely it is reclaimed",
        ),
        ("EC2 reservations", "simulated", "none: a pool that draws from one buys what else it may"),
        ("Nodes", "simulated", "KWOK; shares and slices are reported by us in place of the device plugin"),
        ("Prices", "stand-in", "list prices of the catalogue; spot is a zone's or the region's expected price"),
        ("consolidateAfter", "simulated", "as it stands while buying, 2 s while shrinking: what is given up, not when"),
        (
            "Pods",
            "simulated",
            "ReplicaSets with the pods that controllers would make; a job's pods stay until it shrinks",
        ),
    ]
    if spot:
        why = "nodes taken away at once with their pods; no two minutes' notice and no interruption queue"
        rows.append(("Loss of spot", "simulated", why))
    if copies.unknown:
        rows.append((f"Karpenter's {', '.join(copies.unknown)}", "simulated", "not twinned"))
    return tuple(sorted(Fidelity(subject=a, level=b, detail=c) for a, b, c in rows))
