"""Rules about EC2 instance types: that they exist, are offered and allowed, and have what is asked of them."""

from __future__ import annotations

from collections.abc import Iterator

from components.catalogue import hardware, prices
from components.catalogue.hardware import InstanceType
from components.catalogue.regions import regions
from components.spec import edits
from components.spec.base import Path, Problem
from components.spec.clusters import EksCluster
from components.spec.platform import Platform
from components.spec.pools import Ec2Pool
from components.spec.rules.facts import ec2_pools, known_types, typed_places


def instance_types_are_known(platform: Platform) -> Iterator[Problem]:
    """Every instance type is one that the catalogue has."""
    for path, name in typed_places(platform):
        if name in hardware.instance_types():
            continue
        near = edits.nearest(name, hardware.instance_types()) or [name]
        yield Problem(
            path=path,
            value=name,
            message="no such EC2 instance type in the catalogue",
            allowed=f"the nearest are {edits.listed(near)}" if near != [name] else "a type of the catalogue",
            consequence="EC2 would refuse it, and nobody could say what it costs or how many GPUs it has",
            fix=edits.put(path, near[0]) if near != [name] else edits.remove(path),
        )


def instance_types_are_offered(platform: Platform) -> Iterator[Problem]:
    """Every instance type is offered in the region, as far as the price tables list it."""
    region = platform.aws.region if platform.aws else ""
    for path, name in typed_places(platform):
        kind = hardware.instance_types().get(name)
        if kind is None or region not in regions() or prices.offered(name, region):
            continue
        elsewhere = prices.regions_offering(name)
        instead = _alike(kind, region, platform.guardrails.allowed_families)
        fix = edits.put(path, instead.name) if instead else edits.remove(path)
        yield Problem(
            path=path,
            value=name,
            message=f"not offered in {region}",
            allowed=f"it is offered in {edits.listed(elsewhere)}" if elsewhere else "it is offered in no known region",
            consequence="no node of this type would ever start",
            fix=fix + (f", or {edits.put(('aws', 'region'), elsewhere[0])}" if elsewhere else ""),
            related=(path, ("aws", "region")),
        )


def _alike(kind: InstanceType, region: str, families: tuple[str, ...]) -> InstanceType | None:
    """The type offered in a region that is most like another: same accelerator, an allowed family, then the size."""
    offered = [one for one in hardware.instance_types().values() if prices.offered(one.name, region)]
    same = [one for one in offered if bool(one.accelerator) == bool(kind.accelerator) and one.arch == kind.arch]
    return min(
        same,
        key=lambda one: (
            one.accelerator != kind.accelerator,
            one.family not in families,
            one.accelerator_count != kind.accelerator_count,
            abs(one.vcpu - kind.vcpu),
            abs(one.memory_gib - kind.memory_gib),
            one.name,
        ),
        default=None,
    )


def one_architecture_per_pool(platform: Platform) -> Iterator[Problem]:
    """The nodes of a pool have one CPU architecture."""
    groups: list[tuple[Path, tuple[str, ...]]] = [(at.path, at.pool.instance_types) for at in ec2_pools(platform)]
    for cluster, spec in platform.eks_clusters.items():
        groups.append((("clusters", cluster, "system"), spec.system.instance_types))
    for path, names in groups:
        arches = {kind.name: kind.arch for kind in known_types(names)}
        if len(set(arches.values())) > 1:
            first = next(iter(arches.values()))
            same = [name for name, arch in arches.items() if arch == first]
            yield Problem(
                path=(*path, "instanceTypes"),
                value=list(names),
                message="types of both architectures, amd64 and arm64, in one pool",
                allowed="types of one architecture",
                consequence="a pod would start on whichever comes, and crash where its image has no such variant",
                fix=f"{edits.put((*path, 'instanceTypes'), same)}, and give the others a pool of their own",
            )


def families_are_allowed(platform: Platform) -> Iterator[Problem]:
    """Every instance type is of a family that the guardrails allow."""
    allowed = platform.guardrails.allowed_families
    home: Path = ("guardrails", "allowedFamilies")
    for path, name in typed_places(platform):
        kind = hardware.instance_types().get(name)
        if kind is None or kind.family in allowed:
            continue
        yield Problem(
            path=path,
            value=name,
            message=f"family {kind.family} is not among `guardrails.allowedFamilies`",
            allowed=edits.listed(allowed) or "no family: nothing may be bought here",
            consequence="money would be spent on machines that nobody agreed to",
            fix=f"choose a type of an allowed family, or {edits.put(home, [*allowed, kind.family])}",
            related=(path, home),
        )


def allowed_families_exist(platform: Platform) -> Iterator[Problem]:
    """Every allowed family is one that the catalogue has."""
    known = sorted({kind.family for kind in hardware.instance_types().values()})
    for index, family in enumerate(platform.guardrails.allowed_families):
        if family in known:
            continue
        path: Path = ("guardrails", "allowedFamilies", index)
        near = edits.nearest(family.partition(".")[0], known)
        yield Problem(
            path=path,
            value=family,
            message="no such instance family in the catalogue",
            allowed=edits.listed(near or known, 40),
            consequence="the entry would allow nothing",
            fix=edits.put(path, near[0]) if near else edits.remove(path),
        )


def accelerators_can_be_used(platform: Platform) -> Iterator[Problem]:
    """Accelerators are whole NVIDIA GPUs: nothing here installs a plugin for AWS chips or for fractions of a GPU."""
    for path, name in typed_places(platform):
        kind = hardware.instance_types().get(name)
        if kind is None or kind.accelerator is None or kind.gpu_count:
            continue
        part = f"{kind.gpu_fraction:g} of one {kind.accelerator.title}" if kind.gpu_fraction else kind.accelerator.title
        yield Problem(
            path=path,
            value=name,
            message=f"it has {part}, which no pod here can ask for",
            allowed="types with whole NVIDIA GPUs, or without accelerators",
            consequence="the accelerator would be paid for and never used",
            fix=edits.put(path, "g6.xlarge" if _shares_gpus(platform, path) else "m7i.xlarge"),
        )


def _shares_gpus(platform: Platform, path: Path) -> bool:
    """Whether an instance type stands in a pool that says how GPUs are shared."""
    pool = platform.clusters[str(path[1])].pools.get(str(path[3])) if path[2] == "pools" else None
    return pool is not None and pool.gpu is not None


def efa_types_have_efa(platform: Platform) -> Iterator[Problem]:
    """Every instance type of a pool with EFA has Elastic Fabric Adapter interfaces."""
    for at in ec2_pools(platform):
        if at.pool.multi_node is None or not at.pool.multi_node.efa:
            continue
        without = [kind.name for kind in known_types(at.pool.instance_types) if not kind.efa]
        if without:
            path = (*at.path, "multiNode", "efa")
            yield Problem(
                path=path,
                value=True,
                message=f"{edits.listed(without)} {'has' if len(without) == 1 else 'have'} no EFA interface",
                allowed=f"false, or types with EFA such as {edits.listed(_with_efa(at.pool), 6)}",
                consequence="EC2 would refuse to start these nodes",
                fix=f"{edits.put(path, False)}, or choose other instance types",
                related=(path, (*at.path, "instanceTypes")),
            )


def _with_efa(pool: Ec2Pool) -> list[str]:
    gpus = {kind.accelerator for kind in known_types(pool.instance_types)}
    found = [
        kind for kind in hardware.instance_types().values() if kind.efa and bool(kind.accelerator) != (gpus == {None})
    ]
    return [kind.name for kind in sorted(found, key=lambda kind: (kind.accelerator not in gpus, kind.name))]


def system_nodes_have_no_gpus(platform: Platform) -> Iterator[Problem]:
    """The nodes that run controllers have no accelerators."""
    for cluster, spec in platform.clusters.items():
        if not isinstance(spec, EksCluster):
            continue
        for index, name in enumerate(spec.system.instance_types):
            kind = hardware.instance_types().get(name)
            if kind is not None and kind.accelerator is not None:
                path = ("clusters", cluster, "system", "instanceTypes", index)
                yield Problem(
                    path=path,
                    value=name,
                    message=f"it has {kind.accelerator.title}, and controllers need none",
                    allowed="types without accelerators, such as m7i.xlarge",
                    consequence="accelerators would be paid for all month and never used",
                    fix=edits.put(path, "m7i.xlarge"),
                )
