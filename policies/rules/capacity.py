"""What pools may grow to, what they may be made of, and what they hold when nobody needs them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from policies import names
from policies.model import Breach, Concern, Level, Outcome, Rule, Scope, Setting, Severity, Unknown
from policies.pods import Pod
from policies.pools import Pool
from policies.quantity import quantity
from policies.settings import Settings
from policies.stack import Stack


def _pools(stack: Stack, _settings: Settings) -> Sequence[Pool]:
    return stack.pools


def _limits_set(pool: Pool, _stack: Stack, _settings: Settings) -> Iterator[Outcome]:
    if pool.resource is None:
        return
    if pool.origin == "managed":
        node = pool.resource.inputs.get("scalingConfig", "maxSize")
        if node.hidden or not node.missing:
            yield from _positive(pool, {"maxSize": node.text()}, node.path)
            return
        yield _unlimited(pool, node.path, None, "a maximum number of nodes", "set scalingConfig.maxSize.")
        return
    node = pool.resource.inputs.get("spec", "limits")
    limits = node.entries()
    if isinstance(limits, Unknown):
        yield limits
        return
    stated = [key for key, _ in limits]
    if not stated:
        wanted = f"spec.limits with {names.GPU}" if pool.has_gpus else "spec.limits with cpu, memory or nodes"
        yield _unlimited(pool, node.path, None, wanted, f"add {wanted}.")
    elif pool.has_gpus and names.GPU not in stated:
        yield _unlimited(pool, node.path, stated, f"a limit on {names.GPU}", f"add {names.GPU} to spec.limits.")
    elif not pool.has_gpus:
        yield from pool.unknowns  # it may be a GPU pool after all
    yield from _positive(pool, {key: child.text() for key, child in limits}, node.path)


def _positive(pool: Pool, limits: dict[str, str | Unknown | None], path: str) -> Iterator[Outcome]:
    for key, text in limits.items():
        if isinstance(text, Unknown):
            yield text
        elif text is None or (number := quantity(text)) is None or number < 0:
            yield Breach(
                resource=pool.resource,
                path=path,
                value=f"{key}: {text}",
                allowed="a quantity such as 8 or 64Gi",
                consequence="The object is refused, or nothing bounds what the pool may cost.",
                fix=f"write {key} as a number.",
            )


def _unlimited(pool: Pool, path: str, value: object, allowed: str, fix: str) -> Breach:
    return Breach(
        resource=pool.resource,
        path=path,
        value=value,
        allowed=allowed,
        consequence="One wrong replica count can buy nodes without end, and no worst case can be priced.",
        fix=fix,
    )


POOL_LIMITS_SET = Rule[Pool](
    id="pool-limits-set",
    title="Every pool has a limit, GPU pools a limit on GPUs",
    severity=Severity.CRITICAL,
    level=Level.MANDATORY,
    concern=Concern.GPU,
    scope=Scope.RESOURCE,
    reason=(
        "Karpenter buys what pending pods ask for. Its only bound is the NodePool's limits, and without a GPU limit a "
        "CPU limit of 1,000 still allows a hundred GPUs."
    ),
    remediation="Set spec.limits on NodePools (nvidia.com/gpu on GPU pools) and scalingConfig.maxSize on node groups.",
    subjects=_pools,
    check=_limits_set,
)


def _judged_pools(stack: Stack, settings: Settings) -> Sequence[Pool]:
    return stack.pools if settings.texts("allowedFamilies") else ()


def _families_allowed(pool: Pool, _stack: Stack, settings: Settings) -> Iterator[Outcome]:
    allowed = settings.texts("allowedFamilies")
    path = "instanceTypes" if pool.origin == "managed" else "spec.template.spec.requirements"
    yield from (hidden := pool.hidden("instanceTypes", "requirements"))
    if pool.resource is None:
        return
    if not pool.families and not hidden:
        if pool.origin == "managed" and not pool.resource.inputs.get("launchTemplate").missing:
            yield pool.resource.unknown(path, "the instance type stands in the launch template")
            return
        yield Breach(
            resource=pool.resource,
            path=path,
            value="any family" if pool.origin == "karpenter" else "the default type t3.medium",
            allowed=", ".join(allowed),
            consequence="Nothing keeps the pool from buying families that this environment may not use.",
            fix=f"name instance types of {', '.join(allowed)}.",
        )
    for family in pool.families:
        if family not in allowed:
            types = [name for name in pool.instance_types if name.partition(".")[0] == family]
            yield Breach(
                resource=pool.resource,
                path=path,
                value=types or family,
                allowed=f"families {', '.join(allowed)}",
                consequence="Such nodes are bought although this environment may not use the family.",
                fix=f"use a type of an allowed family, or add {family} to guardrails.allowedFamilies.",
            )


FAMILIES_ALLOWED = Rule[Pool](
    id="families-allowed",
    title="Pools use only the instance families that the environment allows",
    severity=Severity.MEDIUM,
    level=Level.MANDATORY,
    concern=Concern.COST,
    scope=Scope.RESOURCE,
    reason="One p5.48xlarge in a development pool costs more in a day than the environment does in a month.",
    remediation="Choose instance types of an allowed family, or allow the family in the stack file.",
    subjects=_judged_pools,
    check=_families_allowed,
    settings=(
        Setting(
            name="allowedFamilies",
            schema={"type": "array", "items": {"type": "string"}},
            meaning="EC2 families that pools may use, such as g6 and m7i; empty allows all.",
            guardrail="allowedFamilies",
            default=(),
        ),
    ),
)


def _gpu_pools(stack: Stack, _settings: Settings) -> Sequence[Pool]:
    return [pool for pool in stack.pools if pool.has_gpus or pool.unknowns]


def _minimum_zero(pool: Pool, stack: Stack, _settings: Settings) -> Iterator[Outcome]:
    if pool.resource is None:
        return
    node = pool.resource.inputs.get("scalingConfig", "minSize")
    if pool.origin == "karpenter":
        node = pool.resource.inputs.get("spec", "replicas")
    yield from pool.unknowns
    if not pool.minimum or pool.capacity_types == {"reserved"}:  # reserved capacity is paid for either way
        return
    users = [pod for pod in stack.pods if _may_land(stack, pod, pool)]
    unseen = [unknown for pod in users for unknown in _unseen(stack, pod)]
    yield from unseen
    if not unseen and not users and pool.has_gpus:
        yield Breach(
            resource=pool.resource,
            path=node.path,
            value=pool.minimum,
            allowed="0, as long as no workload that always runs needs the pool",
            consequence=f"{pool.minimum} GPU node(s) of {pool.name} are paid for day and night with nothing on them.",
            fix="set the minimum to 0 (a Karpenter pool does it by itself), or move a model with minReplicas here.",
        )


def _may_land(stack: Stack, pod: Pod, pool: Pool) -> bool:
    """Whether a GPU pod that always runs keeps the pool busy, as far as can be seen."""
    placement = stack.placement(pod)
    tolerated = placement.unseen_tolerations or not placement.untolerated(pool)
    wants = pod.wants_gpu or bool(pod.demand.unknowns)
    return wants and not pod.partial and pod.floor != 0 and placement.matches(pool) and tolerated


def _unseen(stack: Stack, pod: Pod) -> Iterator[Unknown]:
    """What would have to be known to say that the pod keeps a pool busy."""
    if isinstance(pod.floor, Unknown):
        yield pod.floor
    if not pod.wants_gpu:
        yield from pod.demand.unknowns
    yield from stack.placement(pod).unknowns


IDLE_GPU_POOL_MINIMUM_ZERO = Rule[Pool](
    id="idle-gpu-pool-minimum-zero",
    title="A GPU pool that no always-running workload needs can shrink to nothing",
    severity=Severity.MEDIUM,
    level=Level.ADVISORY,
    concern=Concern.COST,
    scope=Scope.STACK,
    reason="An idle GPU node costs as much as a busy one; training and batch pools are idle most of the month.",
    remediation="Set the pool's minimum to 0, or use a Karpenter pool, which starts from nothing.",
    subjects=_gpu_pools,
    check=_minimum_zero,
)
