"""Rules about whether pools and teams have room for what must run at the same time."""

from __future__ import annotations

from collections.abc import Iterator
from math import ceil

from components.spec import edits
from components.spec.base import Path, Problem, dotted
from components.spec.platform import Platform
from components.spec.pools import KarpenterPool, ManagedPool
from components.spec.rules.facts import PoolAt, Workload, homes, most_gpus, most_nodes, pools, units_per_gpu, workloads
from components.spec.workloads import TrainingJob


def workload_teams_exist(platform: Platform) -> Iterator[Problem]:
    """The team of a model or a job is declared."""
    for workload in workloads(platform):
        team = workload.spec.team
        if team in platform.teams:
            continue
        path = (*workload.path, "team")
        near = edits.nearest(team, platform.teams) or sorted(platform.teams)
        yield Problem(
            path=path,
            value=team,
            message="no such team",
            allowed=edits.listed(sorted(platform.teams)) or "there is no team yet",
            consequence="its namespace, quota and queue would not exist",
            fix=edits.put(path, near[0]) if near else edits.add(("teams", team), {"gpus": 1}),
            related=(path, ("teams",)),
        )


def pools_hold_what_always_runs(platform: Platform) -> Iterator[Problem]:
    """A pool's limit has room for the fewest replicas of its models, and for its largest job beside them."""
    for at in pools(platform):
        most = most_gpus(at.pool)
        if at.pool.gpu is None or most is None:
            continue
        here = [one for one in workloads(platform) if any(home.path == at.path for home in homes(platform, one))]
        models = [one for one in here if not isinstance(one.spec, TrainingJob)]
        jobs = [
            one for one in here if isinstance(one.spec, TrainingJob) and one.spec.nodes <= (most_nodes(at.pool) or 0)
        ]
        always = sum(_gpus(at, one) for one in models)
        largest = max((_gpus(at, one) for one in jobs), default=0.0)
        if always + largest <= most:
            continue
        path, value = _limit(at)
        yield Problem(
            path=path,
            value=value,
            message=" and ".join(
                [f"its models always hold {edits.counted(always, 'GPU')}"] * bool(always)
                + [f"its largest job takes {edits.counted(largest, 'GPU')}"] * bool(largest)
            )
            + f", but the pool has {edits.counted(most, 'GPU')} at most",
            allowed=f"room for {edits.counted(ceil(always + largest), 'GPU')}",
            consequence="some of the pods would wait for ever",
            fix=_raise(path, value, ceil(always + largest), most),
            related=(path, (*at.path, "gpu"), (*at.path, "instanceTypes"), *_asking(here)),
        )


def _gpus(at: PoolAt, workload: Workload) -> float:
    """Physical GPUs of a pool that a workload holds at the least."""
    units = units_per_gpu(at.pool, workload.resources)
    return workload.least_pods * workload.resources.gpus / units if units else 0.0


def _limit(at: PoolAt) -> tuple[Path, int | None]:
    """Where a pool says how much it may hold."""
    if isinstance(at.pool, KarpenterPool):
        return (*at.path, "limits", "gpus"), at.pool.limits.gpus
    key = "maxNodes" if isinstance(at.pool, ManagedPool) else "nodes"
    return (*at.path, key), most_nodes(at.pool)


def _raise(path: Path, value: int | None, wanted: int, most: int) -> str:
    """Raise the limit: in GPUs, or in as many nodes as hold them."""
    if path[-1] == "gpus" or not value or not most:
        return edits.put(path, wanted)
    return edits.put(path, ceil(wanted / (most / value)))


def _asking(here: list[Workload]) -> list[Path]:
    keys: tuple[Path, ...] = (("resources",), ("scaling", "minReplicas"), ("pool",), ("nodes",), ("versions",))
    return [(*one.path, *key) for one in here for key in keys]


def jobs_fit_the_number_of_nodes(platform: Platform) -> Iterator[Problem]:
    """A job does not ask for more nodes than its pool can have."""
    for workload in workloads(platform):
        job = workload.spec
        if not isinstance(job, TrainingJob):
            continue
        for at in homes(platform, workload):
            most = most_nodes(at.pool)
            gpus = most_gpus(at.pool)
            if most is None or job.nodes <= most or (at.pool.gpu is not None and gpus == 0):
                continue
            path = (*workload.path, "nodes")
            yield Problem(
                path=path,
                value=job.nodes,
                message=f"pool `{at.name}` can have {edits.counted(most, 'node')} at most",
                allowed=f"at most {most}",
                consequence="the job would wait for ever, for it starts on all its nodes or on none",
                fix=f"{edits.put(path, max(1, most))}, or raise `{dotted(_limit(at)[0])}`",
                related=(
                    path,
                    (*at.path, "limits"),
                    _limit(at)[0],
                    (*at.path, "instanceTypes"),
                    (*workload.path, "pool"),
                ),
            )


def team_quotas_hold_what_always_runs(platform: Platform) -> Iterator[Problem]:
    """A team's quota has room for the fewest replicas of its models, and for its largest job beside them."""
    for name, team in sorted(platform.teams.items()):
        own = [one for one in workloads(platform) if one.spec.team == name]
        for key, quota in (("gpus", team.gpus), ("cpu", team.cpu), ("memoryGib", team.memory_gib)):
            models = [_asks(one, key) for one in own if not isinstance(one.spec, TrainingJob)]
            jobs = [_asks(one, key) for one in own if isinstance(one.spec, TrainingJob)]
            needed = sum(models) + max(jobs, default=0.0)
            if needed <= quota:
                continue
            path: Path = ("teams", name, key)
            yield Problem(
                path=path,
                value=quota,
                message=f"its models and its largest job need {needed:g} at the same time",
                allowed=f"at least {ceil(needed)}",
                consequence="the quota would refuse some of their pods",
                fix=edits.put(path, ceil(needed)),
                related=(path, *_asking(own), *((*one.path, "team") for one in own)),
            )


def _asks(workload: Workload, key: str) -> float:
    asked = workload.resources
    each = {"gpus": float(asked.gpus), "cpu": asked.cpu, "memoryGib": asked.memory_gib}[key]
    return workload.least_pods * each
