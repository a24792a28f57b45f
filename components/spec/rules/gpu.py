"""Rules about GPUs in pools: one model, one count, a sharing profile that they can hold, one owner of the driver."""

from __future__ import annotations

from collections.abc import Iterator

from components.catalogue import hardware
from components.catalogue.ami import NodeImage, node_image
from components.spec import edits
from components.spec.base import Path, Problem
from components.spec.platform import Platform
from components.spec.pools import Ec2Pool, ExistingPool, KarpenterPool, PoolBase
from components.spec.rules.facts import PoolAt, ec2_pools, known_types, pools


def one_gpu_model_per_pool(platform: Platform) -> Iterator[Problem]:
    """All instance types of a pool have the same GPU, or none has one."""
    for at in ec2_pools(platform):
        kinds = known_types(at.pool.instance_types)
        models = {kind.name: kind.gpu for kind in kinds if kind.accelerator is None or kind.gpu_count}
        if len(set(models.values())) < 2:
            continue
        path = (*at.path, "instanceTypes")
        first = next(model for model in models.values() if model is not None)
        same = [name for name, model in models.items() if model == first]
        titles = sorted({model.title if model else "no GPU" for model in models.values()})
        yield Problem(
            path=path,
            value=list(at.pool.instance_types),
            message=f"types with different GPUs in one pool: {edits.listed(titles)}",
            allowed="types with the same GPU",
            consequence="a pod would get whichever GPU comes, and slices, shares and prices would fit only some nodes",
            fix=f"{edits.put(path, same)}, and give the others a pool of their own",
        )


def shared_pools_have_one_gpu_count(platform: Platform) -> Iterator[Problem]:
    """A Karpenter pool that shares its GPUs has the same number of them in every instance type."""
    for at in ec2_pools(platform):
        shared = at.pool.gpu is not None and at.pool.gpu.sharing != "exclusive"
        counts = {kind.name: kind.gpu_count for kind in known_types(at.pool.instance_types)}
        if not shared or not isinstance(at.pool, KarpenterPool) or len(set(counts.values())) < 2:
            continue
        path = (*at.path, "instanceTypes")
        first = next(iter(counts.values()))
        yield Problem(
            path=path,
            value=list(at.pool.instance_types),
            message="types with different numbers of GPUs in a pool that shares them: "
            + ", ".join(f"{name} has {count}" for name, count in counts.items()),
            allowed="types with the same number of GPUs",
            consequence="Karpenter knows shares by one figure for each pool: it would buy too much or too little",
            fix=edits.put(path, [name for name, count in counts.items() if count == first]),
            related=(path, (*at.path, "gpu"), (*at.path, "gpu", "sharing")),
        )


def gpu_pools_say_how_gpus_are_shared(platform: Platform) -> Iterator[Problem]:
    """A pool has a GPU profile exactly where its nodes have GPUs."""
    for at in pools(platform):
        path = (*at.path, "gpu")
        sort = "instanceTypes" if isinstance(at.pool, Ec2Pool) else "gpusPerNode"
        rests: tuple[Path, ...] = (path, (*at.path, sort), (*at.path, "gpuModel"))
        some, none = _gpus(at.pool)
        if some and at.pool.gpu is None:
            yield Problem(
                path=path,
                value=None,
                message="the nodes have GPUs, but the pool does not say how pods share them",
                allowed="a mapping with `sharing`: exclusive, mig, time-slicing or mps",
                consequence="the nodes would carry no GPU taint, and any pod would fill a GPU node",
                fix=edits.add(path, {"sharing": "exclusive"}),
                related=rests,
            )
        elif none and at.pool.gpu is not None:
            yield Problem(
                path=path,
                value=at.pool.gpu.sharing,
                message="the pool says how GPUs are shared, but its nodes have none",
                allowed="nothing, on a pool without GPUs",
                consequence="pods that ask for a GPU of this pool would wait for ever",
                fix=f"{edits.remove(path)}, or {_give_gpus(at)}",
                related=rests,
            )


def _gpus(pool: PoolBase) -> tuple[bool, bool]:
    """Whether some nodes of a pool have GPUs, and whether none has. Neither, where its types are not known."""
    if isinstance(pool, ExistingPool):
        return pool.gpus_per_node > 0, pool.gpus_per_node == 0
    kinds = known_types(pool.instance_types) if isinstance(pool, Ec2Pool) else ()
    usable = [kind for kind in kinds if kind.accelerator is None or kind.gpu_count]  # another rule has the rest
    some = any(kind.gpu_count for kind in usable)
    return some, bool(usable) and not some


def _give_gpus(at: PoolAt) -> str:
    if isinstance(at.pool, ExistingPool):
        return edits.put((*at.path, "gpusPerNode"), 1)
    return edits.put((*at.path, "instanceTypes"), ["g6.xlarge"])


def existing_gpus_are_known(platform: Platform) -> Iterator[Problem]:
    """An existing pool with GPUs says which, by an accelerator id of the catalogue."""
    nvidia = sorted(one.id for one in hardware.gpus().values() if one.vendor == "nvidia")
    for at in pools(platform):
        if not isinstance(at.pool, ExistingPool):
            continue
        given, path = at.pool.gpu_model, (*at.path, "gpuModel")
        if given in nvidia or (given is None and not at.pool.gpus_per_node and at.pool.gpu is None):
            continue
        near = edits.nearest(given, nvidia) if given else []
        yield Problem(
            path=path,
            value=given,
            message="no such NVIDIA GPU in the catalogue" if given else "the pool has GPUs, but does not say which",
            allowed=edits.listed(nvidia, 20),
            consequence="nobody could say which slices it can be cut into, or what fits its memory",
            fix=edits.put(path, near[0] if near else "l40s"),
            related=(path, (*at.path, "gpusPerNode"), (*at.path, "gpu")),
        )


def sharing_is_set_by_the_operator(platform: Platform) -> Iterator[Problem]:
    """GPUs are shared only on images whose device plugin comes from the GPU Operator, which holds the configuration."""
    for at in ec2_pools(platform):
        profile, image = at.pool.gpu, node_image(at.pool.image)
        if profile is None or profile.sharing == "exclusive" or image.operator.device_plugin:
            continue
        path = (*at.path, "image")
        yield Problem(
            path=path,
            value=at.pool.image,
            message=f"{image.title} brings its own device plugin, which does not read the operator's sharing settings",
            allowed="al2023, or `sharing: exclusive`",
            consequence=f"the nodes would offer whole GPUs, and no {profile.sharing}",
            fix=f"{edits.put(path, 'al2023')}, or {edits.put((*at.path, 'gpu'), {'sharing': 'exclusive'})}",
            related=(path, (*at.path, "gpu"), (*at.path, "gpu", "sharing")),
        )


def one_owner_of_the_gpu_driver(platform: Platform) -> Iterator[Problem]:
    """The GPU pools of a cluster agree on what the GPU Operator installs: it has one set of switches for all nodes."""
    first: dict[str, tuple[PoolAt, NodeImage]] = {}
    for at in pools(platform):
        image = _image(at.pool)
        if at.pool.gpu is None or image is None:
            continue
        other, agreed = first.setdefault(at.cluster, (at, image))
        if agreed.operator == image.operator:
            continue
        key = "image" if isinstance(at.pool, Ec2Pool) else "driver"
        path = (*at.path, key)
        wanted = getattr(other.pool, key, None)
        yield Problem(
            path=path,
            value=getattr(at.pool, key, None),
            message=f"{image.title} and {agreed.title} (pool `{other.name}`) divide driver, toolkit and device plugin "
            "differently between the image and the GPU Operator",
            allowed="one division for all GPU pools of a cluster",
            consequence="on one of the pools the driver or the device plugin would be installed twice, or not at all",
            fix=edits.put(path, wanted) if wanted else "move the pool to a cluster of its own",
            related=(path, (*other.path, "image"), (*other.path, "driver"), (*at.path, "gpu"), (*other.path, "gpu")),
        )


def _image(pool: PoolBase) -> NodeImage | None:
    if isinstance(pool, Ec2Pool):
        return node_image(pool.image)
    return node_image(f"existing-{pool.driver}") if isinstance(pool, ExistingPool) else None


def images_can_be_picked(platform: Platform) -> Iterator[Problem]:
    """Karpenter or EKS can pick the node image by itself, for the architecture and GPU of the pool."""
    for at in ec2_pools(platform):
        image = node_image(at.pool.image)
        kinds = known_types(at.pool.instance_types)
        arch = kinds[0].arch if kinds else "amd64"
        by_karpenter = isinstance(at.pool, KarpenterPool)
        found = image.karpenter_alias if by_karpenter else image.ami_type(arch, gpu=at.pool.gpu is not None)
        if found is None:
            path = (*at.path, "image")
            yield Problem(
                path=path,
                value=at.pool.image,
                message=f"there is no {image.title} that {'Karpenter' if by_karpenter else 'EKS'} can pick by itself",
                allowed="al2023, or bottlerocket with `sharing: exclusive`",
                consequence="no node of the pool could start",
                fix=edits.put(path, "al2023"),
                related=(path, (*at.path, "instanceTypes")),
            )


def sharing_is_allowed(platform: Platform) -> Iterator[Problem]:
    """No pool shares GPUs where the guardrails say that a pod owns its GPU."""
    home: Path = ("guardrails", "gpuScheduling", "allocationPolicy")
    if platform.guardrails.gpu_scheduling.allocation_policy != "exclusive":
        return
    for at in pools(platform):
        if at.pool.gpu is not None and at.pool.gpu.sharing != "exclusive":
            path = (*at.path, "gpu", "sharing")
            yield Problem(
                path=path,
                value=at.pool.gpu.sharing,
                message="`guardrails.gpuScheduling.allocationPolicy` is `exclusive`: a pod owns its GPU",
                allowed="exclusive",
                consequence="the cluster would publish one policy and follow another",
                fix=f"{edits.put((*at.path, 'gpu'), {'sharing': 'exclusive'})}, or {edits.put(home, 'shared')}",
                related=(path, home),
            )
