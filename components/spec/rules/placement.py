"""Rules about what workloads ask for, and whether a node of their pool can ever give it."""

from __future__ import annotations

from collections.abc import Iterator

from components.catalogue import hardware, prices
from components.spec import edits
from components.spec.base import Path, Problem, dotted
from components.spec.clusters import EksCluster
from components.spec.platform import Platform
from components.spec.pools import Ec2Pool, Mig
from components.spec.rules.facts import (
    Node,
    PoolAt,
    Workload,
    gpus_agree,
    homes,
    known_types,
    node_of,
    nodes_of,
    pool_places,
    pools,
    units_per_gpu,
    workloads,
)
from components.spec.rules.training import placed, rests_on


def pools_exist(platform: Platform) -> Iterator[Problem]:
    """The pool of a model or a job is in a cluster that does what it needs."""
    for workload in workloads(platform):
        name = workload.spec.pool
        somewhere = any(workload.role in spec.roles for spec in platform.clusters.values())
        if name is None or not somewhere or homes(platform, workload):
            continue
        usable = sorted({at.name for at in pools(platform) if workload.role in platform.clusters[at.cluster].roles})
        elsewhere = [at.cluster for at in pools(platform) if at.name == name]
        near = edits.nearest(name, usable) or usable
        path = (*workload.path, "pool")
        where = (
            f"it is in cluster `{elsewhere[0]}`, which has no role `{workload.role}`" if elsewhere else "no such pool"
        )
        yield Problem(
            path=path,
            value=name,
            message=where,
            allowed=edits.listed(usable) or f"there is no pool in a cluster with the role `{workload.role}`",
            consequence="its pods would wait for a node that nobody starts",
            fix=edits.put(path, near[0]) if near else f"declare a pool `{name}` below `clusters`",
            related=(path, *pool_places(platform), *_roles(platform)),
        )


def _roles(platform: Platform) -> list[Path]:
    return [("clusters", cluster, "roles") for cluster in sorted(platform.clusters)]


def gpus_are_asked_of_gpu_pools(platform: Platform) -> Iterator[Problem]:
    """GPUs are asked for on GPU pools, and only there."""
    for workload in workloads(platform):
        path = (*workload.path, "resources", "gpus")
        asked = workload.resources.gpus
        if workload.spec.pool is None and asked:
            candidates = [at.name for at in pools(platform) if at.pool.gpu is not None]
            yield Problem(
                path=(*workload.path, "pool"),
                value=None,
                message=f"it asks for {edits.counted(asked, 'GPU')} and names no pool: system nodes have none",
                allowed=edits.listed(candidates) or "a pool with GPUs",
                consequence="its pods would wait for ever",
                fix=edits.add((*workload.path, "pool"), candidates[0] if candidates else "gpu"),
                related=((*workload.path, "pool"), path, *pool_places(platform)),
            )
        for at in homes(platform, workload):
            if bool(asked) == (at.pool.gpu is not None) or not gpus_agree(at.pool):
                continue
            message = f"pool `{at.name}` has no GPUs" if asked else f"pool `{at.name}` has GPUs, and this asks for none"
            yield Problem(
                path=path,
                value=asked,
                message=message,
                allowed="0 on a pool without GPUs" if asked else "at least 1 on a GPU pool",
                consequence="its pods would wait for ever"
                if asked
                else "it would fill a GPU node and leave the GPU idle",
                fix=f"{edits.put(path, 0 if asked else 1)}, or choose another pool",
                related=rests_on(platform, workload, path, (*at.path, "gpu")),
            )


def slices_are_named_on_mig_pools(platform: Platform) -> Iterator[Problem]:
    """A workload on a MIG pool names a profile of its layout, and no other workload names one."""
    for workload, at in placed(platform):
        path = (*workload.path, "resources", "migProfile")
        given, profile = workload.resources.mig_profile, at.pool.gpu
        offered = sorted(profile.layout) if isinstance(profile, Mig) else []
        named = isinstance(profile, Mig) and profile.strategy == "mixed"
        if (named and given in offered) or (not named and given is None) or (named and not workload.resources.gpus):
            continue
        if named:
            message = f"pool `{at.name}` has no such slices" if given else f"pool `{at.name}` offers slices by profile"
            fix = edits.put(path, (edits.nearest(given, offered) or offered)[0] if given else offered[0])
        else:
            shown = "whole GPUs" if profile is None or profile.sharing == "exclusive" else f"GPUs by {profile.sharing}"
            message = f"pool `{at.name}` offers {'slices without names' if offered else shown}"
            fix = edits.remove(path)
        yield Problem(
            path=path,
            value=given,
            message=message,
            allowed=edits.listed(offered) if named else "nothing on this pool",
            consequence="its pods would ask for a resource that no node has" if given else "it would be given no GPU",
            fix=fix,
            related=rests_on(platform, workload, path, (*at.path, "gpu"), (*at.path, "gpu", "layout")),
        )


def pods_ask_for_gpus_that_a_node_has(platform: Platform) -> Iterator[Problem]:
    """No pod asks for more GPUs than the guardrails allow, than a node has, or than a share is."""
    most_allowed = platform.guardrails.gpu_scheduling.max_gpus_per_pod
    for workload in workloads(platform):
        asked = workload.resources.gpus
        path = (*workload.path, "resources", "gpus")
        if asked > most_allowed:
            home: Path = ("guardrails", "gpuScheduling", "maxGpusPerPod")
            yield Problem(
                path=path,
                value=asked,
                message=f"more than `{dotted(home)}`, which is {most_allowed}",
                allowed=f"at most {most_allowed}",
                consequence="the policy would refuse the pod",
                fix=edits.put(path, most_allowed),
                related=(path, home),
            )
            continue
        for at in homes(platform, workload):
            yield from _more_than_a_node(platform, workload, at)


def _more_than_a_node(platform: Platform, workload: Workload, at: PoolAt) -> Iterator[Problem]:
    """What a pod asks for against the largest node, and against the one share that a pod may have."""
    asked, path = workload.resources.gpus, (*workload.path, "resources", "gpus")
    if at.pool.gpu is None or not asked:
        return
    shared = at.pool.gpu.sharing in ("time-slicing", "mps")
    most = (
        1
        if shared
        else max((n.gpus * units_per_gpu(at.pool, workload.resources) for n in nodes_of(at.pool)), default=0)
    )
    if not most or asked <= most:
        return
    what = {"mig": "slice"}.get(at.pool.gpu.sharing, "GPU")
    yield Problem(
        path=path,
        value=asked,
        message=f"a share on pool `{at.name}` ({at.pool.gpu.sharing}) is one for each pod: two shares are no second GPU"
        if shared
        else f"no node of pool `{at.name}` has more than {edits.counted(most, what)}",
        allowed=f"at most {most}",
        consequence="the device plugin would refuse the pod" if shared else "its pods would wait for ever",
        fix=edits.put(path, most) + ("" if shared else ", or choose a pool with larger nodes"),
        related=rests_on(platform, workload, path, (*at.path, "gpu"), (*at.path, "instanceTypes")),
    )


def pods_fit_a_node(platform: Platform) -> Iterator[Problem]:
    """Some node of the pool can give a pod all the CPU and memory that it asks for, beside its GPUs."""
    for workload in workloads(platform):
        for nodes, path, title in _nodes_for(platform, workload):
            yield from _too_large(platform, workload, nodes, path, title)


def _nodes_for(platform: Platform, workload: Workload) -> Iterator[tuple[tuple[Node, ...], Path, str]]:
    """The nodes that a workload may run on: those of its pool, or the system nodes, in each cluster of its role."""
    if workload.spec.pool is not None:
        for at in homes(platform, workload):
            yield nodes_of(at.pool), at.path, f"pool `{at.name}`"
        return
    for cluster, spec in sorted(platform.clusters.items()):
        if workload.role in spec.roles and isinstance(spec, EksCluster):
            kinds = known_types(spec.system.instance_types)
            yield tuple(map(node_of, kinds)), ("clusters", cluster, "system"), f"the system nodes of `{cluster}`"


def _too_large(
    platform: Platform, workload: Workload, nodes: tuple[Node, ...], path: Path, title: str
) -> Iterator[Problem]:
    asked = workload.resources
    if not nodes or any(node.cpu >= asked.cpu and node.memory_gib >= asked.memory_gib for node in nodes):
        return
    best = max(nodes, key=lambda node: (min(node.cpu / asked.cpu, node.memory_gib / asked.memory_gib), node.title))
    larger = _larger_type(platform, workload, path)
    here = (*workload.path, "resources")
    smaller = [
        edits.put((*here, key), _rounded_down(has))
        for key, want, has in (("cpu", asked.cpu, best.cpu), ("memoryGib", asked.memory_gib, best.memory_gib))
        if want > has
    ]
    yield Problem(
        path=here,
        value={"cpu": asked.cpu, "memoryGib": asked.memory_gib, "gpus": asked.gpus},
        message=f"no node of {title} has room for one pod; the best, {best.title}, can give "
        f"{best.cpu:g} CPU and {best.memory_gib:.1f} GiB",
        allowed=f"at most {best.cpu:g} CPU and {best.memory_gib:.1f} GiB",
        consequence="its pods would wait for ever",
        fix=" and ".join(smaller) + (f", or add `{larger}` to `{dotted((*path, 'instanceTypes'))}`" if larger else ""),
        related=(here, (*workload.path, "pool"), (*path, "instanceTypes"), *pool_places(platform)),
    )


def _rounded_down(amount: float) -> float:
    return int(amount) if amount >= 1 else int(amount * 10) / 10


def _larger_type(platform: Platform, workload: Workload, path: Path) -> str | None:
    """The smallest allowed instance type with the pool's GPU that has room for a pod; None where there is none."""
    pool = next((at.pool for at in homes(platform, workload) if at.path == path), None)
    kinds = known_types(pool.instance_types) if isinstance(pool, Ec2Pool) else ()
    if not kinds or platform.aws is None:
        return None
    asked, region = workload.resources, platform.aws.region
    fitting = [
        kind
        for kind in hardware.instance_types().values()
        if kind.gpu == kinds[0].gpu
        and kind.accelerator_count == kinds[0].accelerator_count
        and kind.arch == kinds[0].arch
        and kind.family in platform.guardrails.allowed_families
        and prices.offered(kind.name, region)
        and node_of(kind).cpu >= asked.cpu
        and node_of(kind).memory_gib >= asked.memory_gib
    ]
    smallest = min(fitting, key=lambda kind: (kind.vcpu, kind.memory_gib, kind.name), default=None)
    return smallest.name if smallest else None


def shared_memory_is_part_of_memory(platform: Platform) -> Iterator[Problem]:
    """Shared memory counts as memory of the pod, so it is smaller than what the pod asks for."""
    for workload in workloads(platform):
        asked = workload.resources
        if asked.shared_memory_gib and asked.shared_memory_gib >= asked.memory_gib:
            path = (*workload.path, "resources", "sharedMemoryGib")
            yield Problem(
                path=path,
                value=asked.shared_memory_gib,
                message=f"as large as all the memory that the pod asks for, {asked.memory_gib:g} GiB",
                allowed=f"less than {asked.memory_gib:g} GiB, for it counts as memory of the pod",
                consequence="filling it would kill the process",
                fix=edits.put(path, max(1, int(asked.memory_gib / 2))),
                related=(path, (*workload.path, "resources", "memoryGib")),
            )
