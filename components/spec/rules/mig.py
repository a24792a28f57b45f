"""Rules about MIG: which GPUs can be cut, into which slices, and how slices are named."""

from __future__ import annotations

from collections.abc import Iterator

from components.catalogue import hardware, mig
from components.spec import edits
from components.spec.base import Path, Problem, dotted
from components.spec.platform import Platform
from components.spec.pools import Ec2Pool, KarpenterPool, Mig
from components.spec.rules.facts import PoolAt, gpu_of, pools


def mig_needs_a_gpu_that_can(platform: Platform) -> Iterator[Problem]:
    """MIG is only asked of GPUs that can be cut, on EC2 of types where AWS lets them be."""
    able = [one.title for one in hardware.gpus().values() if one.mig_capable and one.mig_on_aws]
    for at, _profile in _mig_pools(platform):
        model = gpu_of(at.pool)
        if model is None or (model.mig_capable and (model.mig_on_aws or not isinstance(at.pool, Ec2Pool))):
            continue
        path = (*at.path, "gpu", "sharing")
        yield Problem(
            path=path,
            value="mig",
            message=f"{model.title} cannot be cut into MIG slices" + ("" if not model.mig_capable else " on EC2"),
            allowed=f"exclusive, time-slicing or mps; MIG works on {edits.listed(able)}",
            consequence="the MIG manager would fail on every node, and pods that ask for slices would wait for ever",
            fix=edits.put((*at.path, "gpu"), {"sharing": "time-slicing", "replicas": 4}),
            related=(path, *_gpu_places(at)),
        )


def _mig_pools(platform: Platform) -> Iterator[tuple[PoolAt, Mig]]:
    for at in pools(platform):
        if isinstance(at.pool.gpu, Mig):
            yield at, at.pool.gpu


def _gpu_places(at: PoolAt) -> tuple[Path, ...]:
    return ((*at.path, "instanceTypes"), (*at.path, "gpuModel"))


def mig_layouts_can_be_placed(platform: Platform) -> Iterator[Problem]:
    """A MIG layout names profiles that the GPU has, in numbers that it can really hold."""
    for at, profile in _mig_pools(platform):
        model = gpu_of(at.pool)
        if model is None or not model.mig_capable:
            continue
        known = [one.name for one in mig.profiles(model)]
        path = (*at.path, "gpu", "layout")
        unknown = [name for name in profile.layout if name not in known]
        for name in unknown:
            near = edits.nearest(name, known) or known
            yield Problem(
                path=(*path, name),
                value=name,
                message=f"{model.title} has no MIG profile `{name}`",
                allowed=edits.listed(known),
                consequence="the MIG manager would fail on every node, and no slice would be offered",
                fix=f"rename it to `{dotted((*path, near[0]))}`",
                related=((*path, name), *_gpu_places(at)),
            )
        verdict = mig.check_layout(model, profile.layout)
        if not unknown and not verdict.legal:
            yield Problem(
                path=path,
                value=dict(profile.layout),
                message=f"no {model.title} can hold this layout: {verdict.reason}",
                allowed="slices that have a place on the GPU; "
                + ", ".join(f"{one.name} at most {one.max_per_gpu}" for one in mig.profiles(model)),
                consequence="the MIG manager would fail on every node, and no slice would be offered",
                fix=edits.put(path, mig.balanced_layout(model) or {known[0]: mig.profiles(model)[0].max_per_gpu}),
                related=(path, *_gpu_places(at)),
            )


def mig_single_has_one_profile(platform: Platform) -> Iterator[Problem]:
    """The `single` strategy offers all slices under one name, so they are of one profile."""
    for at, profile in _mig_pools(platform):
        if profile.strategy == "single" and len(profile.layout) > 1:
            path = (*at.path, "gpu", "strategy")
            yield Problem(
                path=path,
                value="single",
                message=f"the layout has {len(profile.layout)} profiles, and `single` can tell one only",
                allowed="mixed, or a layout of one profile",
                consequence="the device plugin would refuse to start",
                fix=edits.put(path, "mixed"),
                related=(path, (*at.path, "gpu", "layout")),
            )


def mig_single_needs_nodes_that_are_there(platform: Platform) -> Iterator[Problem]:
    """Under Karpenter slices have names of their own: with `single` a slice and a GPU would share name and limit."""
    for at, profile in _mig_pools(platform):
        if profile.strategy != "single" or not isinstance(at.pool, KarpenterPool) or len(profile.layout) > 1:
            continue
        path = (*at.path, "gpu", "strategy")
        yield Problem(
            path=path,
            value="single",
            message="slices named `nvidia.com/gpu` on a pool whose limit counts GPUs under that name",
            allowed="mixed, or a pool with the provisioner managed or existing",
            consequence="one node would seem to hold more GPUs than the pool may, and Karpenter would start none",
            fix=edits.put(path, "mixed"),
            related=(path, (*at.path, "provisioner")),
        )


def one_mig_strategy_per_cluster(platform: Platform) -> Iterator[Problem]:
    """The MIG pools of a cluster name their slices in one way: the GPU Operator has one strategy for all nodes."""
    first: dict[str, tuple[PoolAt, str]] = {}
    for at, profile in _mig_pools(platform):
        other, strategy = first.setdefault(at.cluster, (at, profile.strategy))
        if profile.strategy == strategy or (profile.strategy == "single" and len(profile.layout) > 1):
            continue
        path = (*at.path, "gpu", "strategy")
        yield Problem(
            path=path,
            value=profile.strategy,
            message=f"another strategy than pool `{other.name}` of the same cluster, which has `{strategy}`",
            allowed="one strategy for all MIG pools of a cluster",
            consequence="the nodes of one of the pools would offer slices under names that nobody asks for",
            fix=edits.put(path, strategy),
            related=(path, (*other.path, "gpu", "strategy")),
        )
