"""Rules about how a pool is bought, limited and used."""

from __future__ import annotations

from collections.abc import Iterator

from components.spec import edits
from components.spec.base import Path, Problem
from components.spec.platform import Platform
from components.spec.pools import Ec2Pool, KarpenterPool, ManagedPool
from components.spec.rules.facts import Ec2At, ec2_pools, gpus_agree, known_types, pools
from components.spec.switches import enabled_addons


def fixed_size_without_autoscaler(platform: Platform) -> Iterator[Problem]:
    """A managed pool has one size, unless the cluster-autoscaler changes it."""
    for at, pool in _managed(platform):
        path = (*at.path, "maxNodes")
        if pool.min_nodes > pool.max_nodes:
            yield Problem(
                path=path,
                value=pool.max_nodes,
                message=f"less than `minNodes`, which is {pool.min_nodes}",
                allowed=f"at least {pool.min_nodes}",
                consequence="EKS would refuse the node group",
                fix=edits.put(path, pool.min_nodes),
                related=(path, (*at.path, "minNodes")),
            )
        elif pool.min_nodes < pool.max_nodes and "cluster-autoscaler" not in enabled_addons(platform, at.cluster):
            yield Problem(
                path=path,
                value=pool.max_nodes,
                message=f"`minNodes` is {pool.min_nodes}, and nothing changes the size of a managed pool",
                allowed=f"{pool.min_nodes}, or any number where the add-on cluster-autoscaler is on",
                consequence=f"the pool would stay at {edits.counted(pool.min_nodes, 'node')} however many pods wait",
                fix=f"{edits.put(path, pool.min_nodes or 1)}, or {edits.put(('addons', 'cluster-autoscaler'), True)}",
                related=(path, (*at.path, "minNodes"), ("addons", "cluster-autoscaler")),
            )


def _managed(platform: Platform) -> Iterator[tuple[Ec2At, ManagedPool]]:
    for at in ec2_pools(platform):
        if isinstance(at.pool, ManagedPool):
            yield at, at.pool


def reserved_pools_name_their_reservation(platform: Platform) -> Iterator[Problem]:
    """`capacityType: reserved` and `reservation` go together."""
    for at in ec2_pools(platform):
        reserved, named = at.pool.capacity_type == "reserved", at.pool.reservation is not None
        if reserved == named:
            continue
        key = "reservation" if reserved else "capacityType"
        path = (*at.path, key)
        yield Problem(
            path=path,
            value=None if reserved else at.pool.capacity_type,
            message="a reserved pool needs its reservation"
            if reserved
            else "the pool has a reservation but is not reserved",
            allowed="the id of the reservation, and its kind" if reserved else "reserved",
            consequence="no node would start" if reserved else "the reservation would be paid for and stand empty",
            fix=edits.add(path, {"id": "cr-0a1b2c3d4e5f60718"}) + " with the id of yours"
            if reserved
            else edits.put(path, "reserved"),
            related=((*at.path, "capacityType"), (*at.path, "reservation")),
        )


def a_reservation_is_for_one_type(platform: Platform) -> Iterator[Problem]:
    """A managed pool on a reservation has the one instance type that was reserved."""
    for at, pool in _managed(platform):
        if pool.reservation is not None and len(pool.instance_types) > 1:
            path = (*at.path, "instanceTypes")
            yield Problem(
                path=path,
                value=list(pool.instance_types),
                message="several types, but a reservation is for one",
                allowed="the one type that was reserved",
                consequence="EKS would start nodes outside the reservation, or none",
                fix=edits.put(path, [pool.instance_types[0]]),
                related=(path, (*at.path, "reservation")),
            )


def limits_name_what_is_bought(platform: Platform) -> Iterator[Problem]:
    """A Karpenter pool is limited in what it is for: GPUs where it has them, CPUs elsewhere."""
    for at in ec2_pools(platform):
        if not isinstance(at.pool, KarpenterPool) or not gpus_agree(at.pool):
            continue
        key, given = ("gpus", at.pool.limits.gpus) if at.pool.gpu is not None else ("cpu", at.pool.limits.cpu)
        path = (*at.path, "limits", key)
        rests: tuple[Path, ...] = (path, (*at.path, "gpu"), (*at.path, "instanceTypes"))
        if given is None:
            yield Problem(
                path=path,
                value=None,
                message="a GPU pool needs a limit of GPUs"
                if key == "gpus"
                else "a pool without GPUs needs a limit of vCPUs",
                allowed="the most physical GPUs that it may hold"
                if key == "gpus"
                else "the most vCPUs that it may hold",
                consequence="Karpenter would buy as long as pods wait, and the worst month would have no end",
                fix=edits.add(path, _enough(at.pool, key)),
                related=rests,
            )
        elif key == "cpu" and at.pool.limits.gpus is not None:
            unused = (*at.path, "limits", "gpus")
            yield Problem(
                path=unused,
                value=at.pool.limits.gpus,
                message="the pool has no GPUs to limit",
                allowed="nothing, on a pool without `gpu`",
                consequence="it would limit nothing",
                fix=edits.remove(unused),
                related=(unused, *rests),
            )


def _enough(pool: Ec2Pool, key: str) -> int:
    """A limit with room for two of the largest nodes."""
    kinds = known_types(pool.instance_types)
    return 2 * max((kind.gpu_count if key == "gpus" else kind.vcpu for kind in kinds), default=2) or 2


def limits_hold_a_node(platform: Platform) -> Iterator[Problem]:
    """A Karpenter pool's limits have room for the smallest of its nodes."""
    for at in ec2_pools(platform):
        kinds = known_types(at.pool.instance_types)
        if not isinstance(at.pool, KarpenterPool) or not kinds:
            continue
        limits = at.pool.limits
        needs = {
            "gpus": (limits.gpus or None, min(kind.gpu_count for kind in kinds)),
            "cpu": (limits.cpu, min(kind.vcpu for kind in kinds)),
            "memoryGib": (limits.memory_gib, min(int(kind.memory_gib) for kind in kinds)),
        }
        for key, (given, smallest) in needs.items():
            path = (*at.path, "limits", key)
            if given is not None and given < smallest:
                yield Problem(
                    path=path,
                    value=given,
                    message=f"the smallest node of the pool has {smallest}",
                    allowed=f"at least {smallest}",
                    consequence="Karpenter would never start a node, for each would break the limit",
                    fix=edits.put(path, smallest),
                    related=(path, (*at.path, "instanceTypes")),
                )


def pool_teams_exist(platform: Platform) -> Iterator[Problem]:
    """The team that pays for a pool is one of the stack file's teams, or the platform's own."""
    known = [*platform.teams, platform.ownership.team]
    for at in pools(platform):
        if at.pool.team is None or at.pool.team in known:
            continue
        path = (*at.path, "team")
        near = edits.nearest(at.pool.team, known) or known
        yield Problem(
            path=path,
            value=at.pool.team,
            message="no such team",
            allowed=edits.listed(known),
            consequence="its cost would be booked on a team that nobody knows",
            fix=edits.put(path, near[0]),
            related=(path, ("teams",), ("ownership", "team")),
        )


PURPOSE_ROLES = {"training": "training", "inference": "inference"}
"""Purpose of a pool -> role that its cluster needs; other purposes fit every cluster."""


def purposes_fit_the_cluster(platform: Platform) -> Iterator[Problem]:
    """A pool for training or inference stands in a cluster that does it."""
    for at in pools(platform):
        role = PURPOSE_ROLES.get(at.pool.purpose)
        roles: tuple[str, ...] = platform.clusters[at.cluster].roles
        if role is not None and role not in roles:
            path = (*at.path, "purpose")
            yield Problem(
                path=path,
                value=at.pool.purpose,
                message=f"cluster `{at.cluster}` has no role `{role}`: nothing for such a pool runs there",
                allowed="a purpose that fits the cluster's roles: " + edits.listed(roles),
                consequence="the pool would stand empty, and what is meant for it would find no place",
                fix=f"{edits.put(('clusters', at.cluster, 'roles'), [*roles, role])}, or move the pool",
                related=(path, ("clusters", at.cluster, "roles")),
            )
