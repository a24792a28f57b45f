"""Rules about training jobs, and about what may be interrupted."""

from __future__ import annotations

from collections.abc import Iterator

from components.spec import edits
from components.spec.base import Path, Problem
from components.spec.platform import Platform
from components.spec.pools import Ec2Pool, KarpenterPool, Mig
from components.spec.rules.facts import PoolAt, Workload, homes, pool_places, workloads
from components.spec.workloads import TrainingJob


def placed(platform: Platform) -> Iterator[tuple[Workload, PoolAt]]:
    """Every workload with the pool that it runs on, once for each cluster."""
    for workload in workloads(platform):
        for at in homes(platform, workload):
            yield workload, at


def rests_on(platform: Platform, workload: Workload, *places: Path) -> tuple[Path, ...]:
    """What a judgement about a workload on a pool rests on, beside the places given."""
    return (*places, (*workload.path, "pool"), *pool_places(platform))


def spot_only_for_what_may_be_interrupted(platform: Platform) -> Iterator[Problem]:
    """What may not be interrupted is not placed on spot."""
    for workload, at in placed(platform):
        if not isinstance(at.pool, Ec2Pool) or at.pool.capacity_type != "spot" or workload.spec.interruptible:
            continue
        path = (*workload.path, "interruptible")
        capacity = (*at.path, "capacityType")
        yield Problem(
            path=path,
            value=False,
            message=f"pool `{at.name}` is on spot, which may be reclaimed in two minutes",
            allowed="true on a spot pool",
            consequence="what must not be interrupted would be",
            fix=f"{edits.put(path, True)}, or {edits.put(capacity, 'on-demand')}",
            related=rests_on(platform, workload, path, capacity),
        )


def training_on_spot_keeps_checkpoints(platform: Platform) -> Iterator[Problem]:
    """A training job on spot writes checkpoints."""
    for workload, at in placed(platform):
        job = workload.spec
        spot = isinstance(at.pool, Ec2Pool) and at.pool.capacity_type == "spot"
        if not isinstance(job, TrainingJob) or not spot or not job.interruptible or job.checkpoint_uri is not None:
            continue
        path = (*workload.path, "checkpointUri")
        account = platform.aws.account_id if platform.aws else "111122223333"
        bucket = f"trellis-{platform.environment}-{account}-models"
        yield Problem(
            path=path,
            value=None,
            message=f"pool `{at.name}` is on spot, and the job has nowhere to keep its progress",
            allowed="s3://<bucket>/<prefix>",
            consequence="each reclaimed node would throw away all work since the start",
            fix=edits.add(path, f"s3://{bucket}/checkpoints/{workload.name}"),
            related=rests_on(platform, workload, path, (*at.path, "capacityType"), (*workload.path, "interruptible")),
        )


def training_owns_its_gpus(platform: Platform) -> Iterator[Problem]:
    """No training job runs on a share of a GPU, and none spans several slices."""
    for workload, at in placed(platform):
        job = workload.spec
        if not isinstance(job, TrainingJob) or at.pool.gpu is None or not job.resources.gpus:
            continue
        sharing = at.pool.gpu.sharing
        several = job.resources.gpus > 1 or job.nodes > 1
        if sharing == "exclusive" or (isinstance(at.pool.gpu, Mig) and not several):
            continue
        path = (*workload.path, "pool")
        whole = [one.name for one in _training_pools(platform, workload)]
        how = (
            "slices of a GPU, and processes cannot join them"
            if sharing == "mig"
            else "shares of a GPU, without isolation"
        )
        yield Problem(
            path=path,
            value=at.name,
            message=f"pool `{at.name}` ({sharing}) gives {how}: not for training",
            allowed=edits.listed(whole) or "a pool with `sharing: exclusive`",
            consequence="the job would fail to start its processes together"
            if sharing == "mig"
            else "whoever shares the GPU could take its memory, and the job would die or crawl",
            fix=edits.put(path, whole[0]) if whole else edits.put((*at.path, "gpu"), {"sharing": "exclusive"}),
            related=rests_on(
                platform, workload, (*at.path, "gpu"), (*workload.path, "resources"), (*workload.path, "nodes")
            ),
        )


def _training_pools(platform: Platform, workload: Workload) -> list[PoolAt]:
    """Pools with whole GPUs in clusters that train."""
    return [
        PoolAt(cluster, name, pool)
        for cluster, spec in sorted(platform.clusters.items())
        if workload.role in spec.roles
        for name, pool in sorted(spec.pools.items())
        if pool.gpu is not None and pool.gpu.sharing == "exclusive"
    ]


def models_stay_off_training_pools(platform: Platform) -> Iterator[Problem]:
    """Models are not placed on training pools, whose nodes are kept until they are empty."""
    for workload, at in placed(platform):
        if at.pool.purpose != "training" or isinstance(workload.spec, TrainingJob):
            continue
        path = (*workload.path, "pool")
        others = platform.clusters[at.cluster].pools
        fitting = [
            name
            for name, pool in sorted(others.items())
            if pool.purpose != "training" and (pool.gpu is None) == (at.pool.gpu is None)
        ]
        yield Problem(
            path=path,
            value=at.name,
            message=f"pool `{at.name}` is for training",
            allowed=edits.listed(fitting) or "a pool of another purpose, such as general",
            consequence="a replica would keep each node of the pool from ever going away",
            fix=(f"{edits.put(path, fitting[0])}, or " if fitting else "")
            + edits.put((*at.path, "purpose"), "general"),
            related=rests_on(platform, workload, path, (*at.path, "purpose")),
        )


def nodes_live_longer_than_jobs(platform: Platform) -> Iterator[Problem]:
    """A training job may not run longer than Karpenter lets a node live."""
    for workload, at in placed(platform):
        job, pool = workload.spec, at.pool
        if not isinstance(job, TrainingJob) or not isinstance(pool, KarpenterPool):
            continue
        if job.max_hours <= pool.expire_after_hours:
            continue
        path = (*at.path, "expireAfterHours")
        yield Problem(
            path=path,
            value=pool.expire_after_hours,
            message=f"job `{workload.name}` may run for {job.max_hours} hours",
            allowed=f"at least {job.max_hours}",
            consequence="Karpenter would replace the node under the job, which no annotation prevents",
            fix=edits.put(path, job.max_hours),
            related=rests_on(platform, workload, path, (*workload.path, "maxHours")),
        )
