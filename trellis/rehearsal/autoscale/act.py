"""Plays the act: buys for everything at its most, shrinks, takes spot away."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from http import HTTPStatus
from pathlib import Path
from typing import Any

from components.layout.clusters import ClusterView
from trellis.kube.client import Api, ApiError
from trellis.plan import Plan
from trellis.rehearsal.autoscale import judge
from trellis.rehearsal.autoscale.account import accounts
from trellis.rehearsal.autoscale.evidence import fidelity, summary, waiting
from trellis.rehearsal.autoscale.instances import Market, document, market
from trellis.rehearsal.autoscale.judge import Finding, Phase
from trellis.rehearsal.autoscale.karpenter import TOOL, NoCrdsError, crds, karpenter
from trellis.rehearsal.autoscale.loads import MARK, Load, loads, scale, shrunk, unmade
from trellis.rehearsal.autoscale.twins import Twins, hurried, settings, twins
from trellis.rehearsal.autoscale.watch import POOL, V1, KarpenterEndedError, Seen, Watch
from trellis.rehearsal.expand import Expansion, expand
from trellis.rehearsal.expand.objects import Objects
from trellis.rehearsal.placing.stage import Stage
from trellis.rehearsal.result import Act, Verdict
from trellis.sandbox import Sandbox
from trellis.sandbox.nodes import nodes_from
from trellis.toolchain import ensure

NAME = "autoscale"
SECONDS = 150.0
"""How long a phase may take before its figures are taken as they are."""
CALM_SECONDS = 40.0
"""Karpenter looks for nodes to give up every ten seconds and thinks each case over for fifteen."""
Progress = Callable[[str], None]


def _silent(_line: str) -> None:
    """Show no progress."""


def run(plan: Plan, view: ClusterView, folder: Path, *, progress: Progress = _silent) -> Act:
    """Let the real Karpenter buy for one cluster of a plan, in a sandbox of its own in `folder`, which must not exist.

    Raises `ToolUnavailableError` and `SandboxError` where one of the programs cannot be had or started.
    """
    objects = Objects(plan, view)
    copies = twins(objects)
    if not copies.pools:
        return Act(name=NAME, verdict=Verdict.PASSED, summary=f"{view.name}: no NodePool, so Karpenter buys nothing")
    tool = ensure(TOOL)
    try:
        definitions, origin = crds(tool)
    except NoCrdsError as error:
        return Act(name=NAME, verdict=Verdict.FAILED, summary=f"{view.name}: not played", notes=(f"{error}.",))
    expansion = expand(plan, view)
    with Sandbox.start(f"autoscale-{view.name}", folder) as sandbox:
        sandbox.api.install_crds(definitions)
        play = _Play(objects, copies, expansion, sandbox, tool, market(view), progress)
        try:
            return _act(play, origin, play.phases())
        except KarpenterEndedError as error:
            return Act(name=NAME, verdict=Verdict.FAILED, summary=f"{view.name}: not played", notes=(f"{error}",))


@dataclass
class _Play:
    """One cluster's act while it runs."""

    objects: Objects
    twins: Twins
    expansion: Expansion
    sandbox: Sandbox
    tool: Path
    market: Market
    progress: Progress
    refused: dict[str, str] = field(default_factory=dict)
    """What the API server said to workloads whose pods it did not take, all or some."""
    untaken: set[str] = field(default_factory=set)
    """Sets of pods that it took none of."""
    shrunk_to: str = ""

    @property
    def view(self) -> ClusterView:
        return self.objects.view

    @property
    def api(self) -> Api:
        return self.sandbox.api

    def phases(self) -> dict[str, Phase]:
        """Play all phases, in order."""
        self._set()
        sets = loads(self.expansion)
        most = {load.id: load.pods.limit for load in sets}
        fewest, self.shrunk_to = shrunk(sets)
        watch = Watch(self.api, self.view)
        done: dict[str, Phase] = {}
        with self._karpenter(self.market) as process:
            watch.begin(process)
            self.progress(f"buying for {len(sets)} sets of pods at their most")
            said = scale(self.api, sets, most)
            self.untaken = set(said)
            self.refused = {load.workload.label: said[load.id] for load in sets if load.id in said}
            over = partial(self._answered, watch, sets, most)
            done["bought"], seen = self._phase(watch, sets, self.market, over)
            self.progress(f"shrinking: {self.shrunk_to}")
            for pool in self.twins.pools.values():
                self.api.apply(hurried(pool))
            scale(self.api, sets, fewest)
            short = unmade(self.api, sets)
            self.refused |= {load.workload.label: short[load.id] for load in sets if load.id in short}
            over = partial(self._as_many, sets, fewest)
            done["shrunk"], _ = self._phase(watch, sets, self.market, over, CALM_SECONDS)
        if any(node.capacity_type == "spot" for node in seen.nodes):
            self.progress("spot is gone: its nodes go, and none can be bought")
            for pool in self.twins.pools.values():
                self.api.apply(pool)
            scale(self.api, sets, most)
            self._lose("spot")
            left = self.market.without("spot")
            with self._karpenter(left) as process:
                watch.begin(process)
                done["withoutSpot"], _ = self._phase(watch, sets, left, partial(self._answered, watch, sets, most))
        return done

    def _set(self) -> None:
        """Put everything but the workloads: nodes that are always there, what pods meet, twins."""
        stage = Stage(self.api, self.objects, SECONDS)
        # Managed pools at their limit, as the workloads are; Karpenter's own nodes are for it to buy.
        stage.nodes(node for node in nodes_from(self.view, "limit") if POOL not in node["metadata"]["labels"])
        stage.surroundings(self.expansion)
        spaces = {workload.namespace for workload in self.expansion.workloads}
        for item in self.objects.of("policy", "PodDisruptionBudget"):
            if item.namespace in spaces:
                stage.put(item.manifest)
        for manifest in self.twins.manifests():
            self.api.apply(manifest)

    def _karpenter(self, sold: Market) -> Any:
        chosen = settings(self.objects.values("karpenter"))
        return karpenter(self.tool, self.sandbox, document(self.view, sold.offers), chosen)

    def _phase(
        self, watch: Watch, sets: list[Load], sold: Market, over: Callable[[Seen], bool], still: float | None = None
    ) -> tuple[Phase, Seen]:
        """Wait until a phase is over, and take its figures."""
        started = time.monotonic()
        seen, settled = watch.settle(over, SECONDS, still)
        phase = Phase(
            accounts=accounts(self.view, self.twins, sold, self.market, seen),
            waiting=waiting(self.view, sets, seen, watch.reasons("Pod", "FailedScheduling")),
            said={**watch.reasons("NodeClaim", "Unconsolidatable"), **watch.reasons("NodeClaim", "DisruptionBlocked")},
            seconds=time.monotonic() - started,
            settled=settled,
        )
        return phase, seen

    def _as_many(self, sets: list[Load], replicas: Mapping[str, int], seen: Seen) -> bool:
        """Whether as many pods are there as were asked for, but for those that nobody may make."""
        there = Counter(str(pod["metadata"]["labels"][MARK]) for pod in seen.pods)
        lacking = [load for load in sets if not load.pods.each_node and there[load.id] != replicas[load.id]]
        return not lacking or {load.id for load in lacking} <= set(unmade(self.api, lacking)) | self.untaken

    def _answered(self, watch: Watch, sets: list[Load], replicas: Mapping[str, int], seen: Seen) -> bool:
        """Whether all pods are there, and Karpenter has spoken about each that has no node."""
        if not self._as_many(sets, replicas, seen):
            return False
        names = {str(pod["metadata"]["name"]) for pod in seen.waiting}
        return not names or names <= set(watch.reasons("Pod", "FailedScheduling"))

    def _lose(self, capacity_type: str) -> None:
        """Take nodes away as EC2 does: at once, with all that ran there."""
        chosen = {"labelSelector": f"karpenter.sh/capacity-type={capacity_type}"}
        gone = [node["metadata"]["name"] for node in self.api.list("v1", "Node", **chosen)]
        for api_version, kind in ((V1, "NodeClaim"), ("v1", "Node")):
            for item in self.api.list(api_version, kind, **chosen):
                path = self.api.resource(api_version, kind).path(None, item["metadata"]["name"])
                self.api.call("PATCH", path, {"metadata": {"finalizers": None}}, "application/merge-patch+json")
                self.api.delete(api_version, kind, item["metadata"]["name"])
        for pod in self.api.list("v1", "Pod"):
            if pod["spec"].get("nodeName") in gone:
                meta = pod["metadata"]
                path = self.api.resource("v1", "Pod").path(meta["namespace"], meta["name"])
                try:
                    self.api.call("DELETE", path, gracePeriodSeconds="0")
                except ApiError as error:
                    if error.code != HTTPStatus.NOT_FOUND:
                        raise


def _act(play: _Play, origin: str, phases: Mapping[str, Phase]) -> Act:
    findings = list(_findings(play, phases))
    whole = not play.expansion.unexpanded
    facts: dict[str, Any] = {
        "cluster": play.view.name,
        "shrunkTo": play.shrunk_to,
        "noSpareSpot": [row for row in play.market.no_spot if any(row.startswith(f"{k} ") for k in _named(play.view))],
        "phases": {name: phase.document() for name, phase in phases.items()},
        "unexpanded": [row.subject for row in play.expansion.unexpanded],
    }
    notes = [finding.note for finding in findings]
    if not whole:
        count = len(play.expansion.unexpanded)
        notes.append(f"Pods of {count} releases and trees are not known here and take no room; `placement` lists them.")
    return Act(
        name=NAME,
        verdict=judge.verdict(findings, whole=whole),
        summary=summary(play.view, phases),
        notes=tuple(notes),
        facts=facts,
        fidelity=fidelity(play.objects, play.twins, origin, spot="withoutSpot" in phases),
    )


def _findings(play: _Play, phases: Mapping[str, Phase]) -> Iterator[Finding]:
    name = play.view.name
    for label, why in sorted(play.refused.items()):
        yield Finding(Verdict.LIMITED, f"{label}: not all of its pods may be made: {why}. To mend it: see `placement`.")
    yield from judge.bought(name, phases["bought"])
    yield from judge.shrunk(name, play.twins, phases["shrunk"])
    if "withoutSpot" in phases:
        yield from judge.without_spot(name, play.twins, phases["bought"], phases["withoutSpot"])


def _named(view: ClusterView) -> set[str]:
    return {kind for pool in view.karpenter_pools.values() for kind in pool.instance_types}
