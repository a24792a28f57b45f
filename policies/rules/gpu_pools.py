"""GPUs that pools and quotas give: slices that exist, quota keys that count, limits on what may be bought."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import cache

from components.catalogue import hardware, mig
from components.catalogue.tables import nearest
from policies import names
from policies.model import Breach, Concern, Level, Outcome, Rule, Scope, Severity, Unknown
from policies.pods import Pod
from policies.pools import Pool
from policies.quantity import quantity
from policies.rules.gpu_pods import EXISTING_POOLS, all_pools
from policies.settings import Settings
from policies.stack import Stack
from policies.values import Node, Resource

# Profiles in the name of a layout: NVIDIA's `all-1g.10gb`, the platform's `1x3g.40gb-2x2g.20gb`.
_NO_MODEL = "the GPU model of the pool is not stated, or the catalogue does not hold its instance types"
_PROFILE = re.compile(r"\d+g\.\d+gb")


@cache
def slices(model: str) -> tuple[str, ...]:
    """Resource names of the MIG slices that a GPU can be cut into on the platform; empty where it cannot."""
    known = hardware.gpus().get(model)
    return tuple(p.resource for p in mig.profiles(known)) if known and known.mig_on_aws else ()


@cache
def _all_slices() -> frozenset[str]:
    return frozenset(resource for model in hardware.gpus() for resource in slices(model))


def _plain(resource: str) -> str:
    return resource.removesuffix(names.SHARED_SUFFIX)


def _mig_users(stack: Stack, settings: Settings) -> Sequence[Pod | Pool | Resource]:
    pods = [p for p in stack.pods if not p.partial and (p.demand.unknowns or any(map(_is_slice, p.demand.amounts)))]
    pools = [p for p in all_pools(stack, settings) if p.unknowns or p.sharing == "mig" or _layouts(p)]
    return [*pods, *pools, *stack.of_type(names.NODE_OVERLAY)]


def _is_slice(resource: str) -> bool:
    return names.mig_profile(resource) is not None


def _layouts(pool: Pool) -> frozenset[str]:
    return pool.labels.get(names.MIG_CONFIG_LABEL) or frozenset()


def _profile_exists(subject: Pod | Pool | Resource, stack: Stack, settings: Settings) -> Iterator[Outcome]:
    pools = all_pools(stack, settings)
    if isinstance(subject, Pod):
        yield from subject.demand.unknowns
        yield from stack.placement(subject).unknowns
        yield from _pod_slices(subject, [pool for pool in pools if pool.has_gpus], stack)
    elif isinstance(subject, Pool):
        yield from subject.unknowns
        yield from _pool_slices(subject)
    else:
        yield from _overlay_slices(subject, pools)


def _pod_slices(pod: Pod, pools: Sequence[Pool], stack: Stack) -> Iterator[Outcome]:
    placement = stack.placement(pod)
    matched = [pool for pool in pools if placement.matches(pool)]
    if not matched or placement.unseen_selector:  # without a pool another rule speaks
        return
    offered = sorted({name for pool in matched for model in pool.gpu_models for name in slices(model)})
    for resource in filter(_is_slice, pod.demand.amounts):
        refusals = [_refusal(pool, resource) for pool in matched]
        if all(refusals):
            yield Breach(
                resource=pod.resource,
                path=pod.spec.path,
                value=resource,
                allowed=", ".join(offered) or "no MIG slice: use nvidia.com/gpu on these pools",
                consequence=f"No node will ever offer it: {'; '.join(filter(None, refusals))}.",
                fix="ask for a slice that the pool's GPU has, or select a pool whose GPU has this one.",
            )
        for pool in matched:
            if not pool.gpu_models and _refusal(pool, resource) is None and pool.resource:
                yield pool.resource.unknown("", _NO_MODEL)


def _refusal(pool: Pool, resource: str) -> str | None:
    """Why a pool can never offer a slice; None when it may."""
    if pool.sharing not in {None, "mig"}:
        return f"pool {pool.name} shares its GPUs by {pool.sharing}, not by MIG"
    without = sorted(model for model in pool.gpu_models if _plain(resource) not in slices(model))
    if without and len(without) == len(pool.gpu_models):
        return f"{', '.join(without)} of pool {pool.name} has no such slice"
    return None


def _pool_slices(pool: Pool) -> Iterator[Outcome]:
    """A MIG pool needs GPUs that can be cut, and a layout label that names a profile of theirs."""
    layouts = _layouts(pool)
    if pool.resource is not None and not pool.gpu_models and not pool.unknowns:
        yield pool.resource.unknown("", _NO_MODEL)
    cut = pool.sharing == "mig" or bool(layouts - {"all-disabled"})
    for model in sorted(pool.gpu_models):
        if cut and not slices(model):
            yield Breach(
                resource=pool.resource,
                path=_layout_path(pool),
                value=", ".join(sorted(layouts)) or "gpu-sharing mig",
                allowed="MIG only on GPUs that can be cut: "
                + ", ".join(sorted(name for name in hardware.gpus() if slices(name))),
                consequence=f"{model} cannot be cut into slices: the MIG manager fails and the nodes offer no GPU.",
                fix=f"share pool {pool.name} by time-slicing or MPS, or choose an instance type whose GPU can be cut.",
            )
            continue
        known = {resource.removeprefix(names.MIG_PREFIX) for resource in slices(model)}
        for layout in sorted(layouts):
            strange = sorted(set(_PROFILE.findall(layout)) - known)
            if strange:
                yield Breach(
                    resource=pool.resource,
                    path=_layout_path(pool),
                    value=layout,
                    allowed=f"layouts of {', '.join(sorted(known))}",
                    consequence=f"{model} has no profile {', '.join(strange)}: its nodes never offer a GPU.",
                    fix=f"name a profile of {model}, such as {next(iter(nearest(strange[0], known, 1)), min(known))}.",
                )


def _layout_path(pool: Pool) -> str:
    labels = "labels" if pool.origin == "managed" else "spec.template.metadata.labels"
    return f'{labels}["{names.MIG_CONFIG_LABEL}"]'


def _overlay_slices(overlay: Resource, pools: Sequence[Pool]) -> Iterator[Outcome]:
    """A NodeOverlay tells Karpenter what slices a pool's nodes offer; the GPU must be able to."""
    capacity = overlay.inputs.get("spec", "capacity").entries()
    if isinstance(capacity, Unknown):
        yield capacity
        return
    chosen: set[str] = set()
    for requirement in overlay.inputs.get("spec", "requirements").items():
        key, values = requirement.text("key"), requirement.texts("values")
        yield from (unknown for unknown in (key, values) if isinstance(unknown, Unknown))
        if key == names.KARPENTER_POOL and not isinstance(values, Unknown):
            chosen.update(values)
    for resource, node in capacity:
        for pool in pools:
            own = pool.labels.get(names.KARPENTER_POOL) or frozenset()
            if _is_slice(resource) and own & chosen and (refusal := _refusal(pool, resource)):
                yield Breach(
                    resource=overlay,
                    path=node.path,
                    value=resource,
                    allowed=", ".join(name for model in sorted(pool.gpu_models) for name in slices(model))
                    or "no slice",
                    consequence=f"Karpenter buys nodes for pods that can never run there: {refusal}.",
                    fix="declare only slices that the pool's GPU has.",
                )


MIG_PROFILE_EXISTS = Rule[Pod | Pool | Resource](
    id="mig-profile-exists-on-gpu",
    title="Every MIG slice that is asked for or configured exists on the GPU of its pool",
    severity=Severity.HIGH,
    level=Level.MANDATORY,
    concern=Concern.GPU,
    scope=Scope.STACK,
    reason=(
        "Profile names differ by GPU (1g.5gb on A100 40GB, 1g.10gb on H100) and most GPUs cannot be cut at all. "
        "A name that does not exist is no error to Kubernetes: the pod waits for ever."
    ),
    remediation="Use the profile names of the pool's GPU as the catalogue lists them.",
    subjects=_mig_users,
    check=_profile_exists,
    settings=(EXISTING_POOLS,),
)


def _quotas(stack: Stack, _settings: Settings) -> Sequence[tuple[Resource, bool]]:
    """Objects that hold GPU quotas, and whether they are Kueue's (which names resources without prefix)."""
    plain = (*stack.quotas, *stack.of_kind("kubeflow.org", "Profile"))
    return [*((r, False) for r in plain), *((r, True) for r in stack.of_kind("kueue.x-k8s.io", "ClusterQueue"))]


def _keys_valid(subject: tuple[Resource, bool], _stack: Stack, _settings: Settings) -> Iterator[Outcome]:
    resource, kueue = subject
    if kueue:
        yield from _queue_names(resource)
        return
    spec = resource.inputs.get("spec")
    hard = (spec.get("resourceQuotaSpec") if resource.kind == "Profile" else spec).get("hard").entries()
    if isinstance(hard, Unknown):
        yield hard
        return
    for key, node in hard:
        if "nvidia.com/" not in key:
            continue
        name = key.removeprefix("requests.").removeprefix("limits.")
        text = node.text()
        if isinstance(text, Unknown):
            yield text
        if not key.startswith("requests."):
            yield _uncounted(resource, node, key, f"requests.{name}")
        elif not _known_gpu(name):
            yield _uncounted(resource, node, key, f"requests.{next(iter(nearest(name, _gpu_names(), 1)), names.GPU)}")
        elif isinstance(text, str) and ((number := quantity(text)) is None or number % 1 or number < 0):
            yield Breach(
                resource=resource,
                path=node.path,
                value=text,
                allowed="a whole number of devices",
                consequence="The API server refuses the quota.",
                fix="write how many whole GPUs or slices the namespace may hold.",
            )


def _queue_names(queue: Resource) -> Iterator[Outcome]:
    for group in queue.inputs.get("spec", "resourceGroups").items():
        places = [*group.get("coveredResources").items()]
        places += [r.get("name") for flavor in group.get("flavors").items() for r in flavor.get("resources").items()]
        for node in places:
            name = node.text()
            if isinstance(name, Unknown):
                yield name
            elif name is not None and "nvidia.com/" in name and not _known_gpu(name):
                bare = name.removeprefix("requests.").removeprefix("limits.")
                yield _uncounted(queue, node, name, next(iter(nearest(bare, _gpu_names(), 1)), names.GPU))


def _uncounted(resource: Resource, node: Node, key: str, right: str) -> Breach:
    return Breach(
        resource=resource,
        path=node.path,
        value=key,
        allowed=right,
        consequence="The key is accepted and counts nothing: the namespace may take every GPU.",
        fix=f"rename it to {right}.",
    )


def _known_gpu(name: str) -> bool:
    return name in {names.GPU, names.GPU_SHARED} or _plain(name) in _all_slices()


def _gpu_names() -> list[str]:
    return [names.GPU, names.GPU_SHARED, *sorted(_all_slices())]


QUOTA_KEYS_VALID = Rule[tuple[Resource, bool]](
    id="quota-keys-valid",
    title="GPU quotas use keys that count: requests.nvidia.com/gpu and requests.nvidia.com/mig-<profile>",
    severity=Severity.HIGH,
    level=Level.MANDATORY,
    concern=Concern.GPU,
    scope=Scope.RESOURCE,
    reason=(
        "Of an extended resource a ResourceQuota counts only the key that begins with `requests.`. A bare name, "
        "`limits.` or a misspelt slice is stored and limits nothing. Kueue, in turn, wants the bare name."
    ),
    remediation="Write requests.nvidia.com/gpu and requests.nvidia.com/mig-<profile>; bare names in a ClusterQueue.",
    subjects=_quotas,
    check=_keys_valid,
)
