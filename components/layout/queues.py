"""Kueue's objects as plain manifests: a flavour for each pool, a queue for each team.

All teams share one cohort: what one leaves unused another may borrow, and gives back when the owner asks. A quota here
is never more than the pools can give, so nothing is admitted that no node can take.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from components.layout.capacity import CPU, EFA_RESOURCE, MEMORY, capacity
from components.layout.clusters import ClusterView
from components.layout.gpu import POOL_LABEL, TAINT
from components.layout.namespaces import QUEUED_LABEL
from components.layout.network_policies import NAME_LABEL
from components.spec.pools import PoolBase
from components.spec.workloads import Team, TrainingJob

Spec = dict[str, Any]
API = "kueue.x-k8s.io/v1beta2"
COHORT = "trellis"
LOCAL_QUEUE = "training"
"""Queue in each team's namespace. Not `default`: Kueue would then hold back every pod there, models too."""
QUEUE_LABEL = "kueue.x-k8s.io/queue-name"
PRIORITY_LABEL = "kueue.x-k8s.io/priority-class"
PRIORITIES: Mapping[str, tuple[int, str]] = {
    "interruptible": (100, "Keeps checkpoints: gives way to work that may not be interrupted."),
    "uninterruptible": (1000, "Must run to its end: goes before interruptible work of its own queue."),
}
"""WorkloadPriorityClass -> value and meaning. They order the queue; they are not pod priorities."""


def enabled(view: ClusterView) -> bool:
    """Whether jobs of this cluster are queued."""
    return "kueue" in view.addons


def flavours(view: ClusterView) -> Mapping[str, Spec]:
    """Specs of ResourceFlavors by pool. A GPU pool's taint keeps jobs out that do not tolerate it themselves."""
    found: dict[str, Spec] = {}
    for name, pool in view.pools.items():
        found[name] = {"nodeLabels": {POOL_LABEL: name}}
        if pool.gpu is not None:
            found[name]["nodeTaints"] = [dict(TAINT)]
    return found


def cluster_queues(view: ClusterView) -> Mapping[str, Spec]:
    """Specs of ClusterQueues by team."""
    return {team: _cluster_queue(view, team) for team in sorted(view.platform.teams)}


def _cluster_queue(view: ClusterView, team: str) -> Spec:
    covered = _covered(view)
    flavors = [
        {"name": pool, "resources": [_quota(view, team, view.pools[pool], resource) for resource in covered]}
        for pool in _cheapest_first(view)
    ]
    spec: Spec = {
        "cohortName": COHORT,
        "namespaceSelector": {"matchLabels": {NAME_LABEL: team, QUEUED_LABEL: "true"}},
        "queueingStrategy": "BestEffortFIFO",
        # The owner of a quota gets it back from whoever borrowed it; inside a queue only lower priority gives way.
        "preemption": {"reclaimWithinCohort": "Any", "withinClusterQueue": "LowerPriority"},
        "flavorFungibility": {"whenCanBorrow": "TryNextFlavor", "whenCanPreempt": "TryNextFlavor"},
    }
    return {**spec, "resourceGroups": [{"coveredResources": covered, "flavors": flavors}]} if flavors else spec


def _covered(view: ClusterView) -> list[str]:
    """All resources that any pool gives, in one order for all flavours (Kueue demands it)."""
    given = {resource for pool in view.pools.values() for resource in capacity(pool)}
    return [CPU, MEMORY, *sorted(given - {CPU, MEMORY})]


def _cheapest_first(view: ClusterView) -> list[str]:
    """Pools without GPUs come first, so that a job that needs none never takes a GPU node."""
    return sorted(view.pools, key=lambda name: (view.pools[name].gpu is not None, name))


def _quota(view: ClusterView, team: str, pool: PoolBase, resource: str) -> Spec:
    """A team's own part of a pool, and how much more it may borrow up to what the team is entitled to."""
    share = shares(view.platform.teams, pool, resource)[team]
    most = _entitled(view.platform.teams[team], pool, resource)
    return {
        "name": resource,
        "nominalQuota": _quantity(resource, share),
        "borrowingLimit": _quantity(resource, most - share),
    }


def shares(teams: Mapping[str, Team], pool: PoolBase, resource: str) -> Mapping[str, int]:
    """Each team's own part: what it is entitled to, or a part in proportion where the pool cannot give that to all."""
    wanted = {name: _entitled(team, pool, resource) for name, team in sorted(teams.items())}
    room, total = capacity(pool).get(resource, 0), sum(wanted.values())
    if total <= room:
        return wanted
    parts = {name: want * room // total for name, want in wanted.items()}
    # What rounding leaves goes to those who lost most by it, ties by name.
    by_loss = sorted(wanted, key=lambda name: (-(wanted[name] * room % total), name))
    for name in by_loss[: room - sum(parts.values())]:
        parts[name] += 1
    return parts


def _entitled(team: Team, pool: PoolBase, resource: str) -> int:
    """The most of a resource that a team may hold in a pool. The team's namespace quota bounds the sum over pools."""
    room = capacity(pool).get(resource, 0)
    if resource == EFA_RESOURCE:  # comes with the nodes; what bounds it are the GPUs
        return room if team.gpus else 0
    given = {CPU: team.cpu, MEMORY: team.memory_gib}
    return min(room, given.get(resource, team.gpus))


def _quantity(resource: str, amount: int) -> str:
    return f"{amount}Gi" if resource == MEMORY else str(amount)


def job_labels(view: ClusterView, job: TrainingJob) -> Mapping[str, str]:
    """Labels by which a job queues; none where nothing is queued."""
    if not enabled(view):
        return {}
    return {QUEUE_LABEL: LOCAL_QUEUE, PRIORITY_LABEL: "interruptible" if job.interruptible else "uninterruptible"}


def outputs(view: ClusterView) -> Mapping[str, Mapping[str, str]]:
    """Queues by team, for people."""
    if not enabled(view):
        return {}
    return {team: {"localQueue": LOCAL_QUEUE, "clusterQueue": team} for team in sorted(view.platform.teams)}
