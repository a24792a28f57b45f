"""GPUs that pods ask for: how many, in what form, and whether there is a node for them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from policies import names
from policies.model import Breach, Concern, Level, Outcome, Rule, Scope, Setting, Severity, Unknown
from policies.placement import Placement
from policies.pods import Container, Pod
from policies.pools import Pool, existing_pool
from policies.quantity import quantity
from policies.settings import Settings
from policies.stack import Stack
from policies.values import Node

EXISTING_POOLS = Setting(
    name="existingPools",
    schema={
        "type": "array",
        "items": {
            "type": "object",
            "required": ["name"],
            "additionalProperties": False,
            "properties": {
                "name": {"type": "string"},
                "labels": {"type": "object", "additionalProperties": {"type": "string"}},
                "taints": {"type": "array", "items": {"type": "object", "required": ["key", "effect"]}},
                "gpuModel": {"type": "string"},
                "gpusPerNode": {"type": "integer", "minimum": 0},
                "sharing": {"enum": ["exclusive", "mig", "time-slicing", "mps"]},
            },
        },
    },
    meaning=(
        "Pools of nodes that exist already and that no resource describes: name, labels, taints, gpuModel "
        "(catalogue id), gpusPerNode, sharing. Without labels a node is taken to carry trellis.dev/pool=<name>."
    ),
    guardrail="existingPools",
    default=(),
)


def all_pools(stack: Stack, settings: Settings) -> tuple[Pool, ...]:
    """Pools of the stack and those that exist already."""
    return (*stack.pools, *(existing_pool(row) for row in settings.rows(EXISTING_POOLS.name)))


def _gpu_containers(stack: Stack, _settings: Settings) -> Sequence[tuple[Pod, Container]]:
    return [(pod, container) for pod in stack.pods for container in pod.containers if container.gpu_keys()]


def _limit_equals_request(subject: tuple[Pod, Container], _stack: Stack, _settings: Settings) -> Iterator[Outcome]:
    pod, container = subject
    keys = container.gpu_keys()
    if isinstance(keys, Unknown):
        yield keys
        return
    for key in keys:
        limit, request = (container.resources.get(side, key) for side in ("limits", "requests"))
        yield from _whole(pod, limit)
        yield from _whole(pod, request)
        if limit.missing:
            yield Breach(
                resource=pod.resource,
                path=limit.path,
                value=None,
                allowed="a limit equal to the request",
                consequence="The API server refuses the pod: a GPU must have a limit.",
                fix=f"set limits.{key} to the number under requests.",
            )
        elif not _same(limit.text(), request.text()):
            yield Breach(
                resource=pod.resource,
                path=request.path,
                value=request.raw,
                allowed=f"the limit's value, {limit.raw}",
                consequence="The API server refuses the pod: a GPU's request must equal its limit.",
                fix=f"set requests.{key} to {limit.raw}, or leave it out.",
            )


def _whole(pod: Pod, node: Node) -> Iterator[Outcome]:
    text = node.text()
    if isinstance(text, Unknown):
        yield text
    elif text is not None and ((number := quantity(text)) is None or number % 1 or number < 0):
        yield Breach(
            resource=pod.resource,
            path=node.path,
            value=text,
            allowed="a whole number of devices",
            consequence="The API server refuses the pod: an extended resource cannot be divided.",
            fix="ask for whole devices; to share a GPU use a MIG profile or a time-sliced pool.",
        )


def _same(limit: str | Unknown | None, request: str | Unknown | None) -> bool:
    """Whether the two agree as far as they can be seen; an absent request takes the limit's value."""
    if isinstance(limit, str) and isinstance(request, str):
        return quantity(limit) == quantity(request)
    return True


GPU_LIMIT_EQUALS_REQUEST = Rule[tuple[Pod, Container]](
    id="gpu-limit-equals-request",
    title="A container's GPU limit is a whole number and equals its request",
    severity=Severity.HIGH,
    level=Level.MANDATORY,
    concern=Concern.GPU,
    scope=Scope.RESOURCE,
    reason=(
        "GPUs and MIG slices are extended resources: Kubernetes hands out whole devices and refuses pods whose request "
        "and limit differ, so the workload never starts."
    ),
    remediation="Write the same whole number under limits and requests, or only under limits.",
    subjects=_gpu_containers,
    check=_limit_equals_request,
)


def _gpu_pods(stack: Stack, _settings: Settings) -> Sequence[Pod]:
    return [pod for pod in stack.pods if pod.wants_gpu or pod.demand.unknowns]


def _per_pod_maximum(pod: Pod, _stack: Stack, settings: Settings) -> Iterator[Outcome]:
    yield from pod.demand.unknowns
    most = settings.whole("maxGPUsPerPod")
    if most is None or pod.demand.total <= most:
        return
    asked = ", ".join(f"{amount.normalize():f} x {key}" for key, amount in pod.demand.amounts.items())
    yield Breach(
        resource=pod.resource,
        path=pod.spec.path,
        value=f"{pod.demand.total.normalize():f} ({asked})",
        allowed=f"at most {most} GPUs or slices per pod (maxGPUsPerPod)",
        consequence="One pod would hold more GPUs than the platform gives to a single pod, or than any node has.",
        fix=f"ask for at most {most} per pod and spread the work over more pods (numNodes), or raise maxGPUsPerPod.",
    )


GPUS_PER_POD_MAXIMUM = Rule[Pod](
    id="gpus-per-pod-maximum",
    title="A pod asks for at most maxGPUsPerPod GPUs, MIG slices included",
    severity=Severity.HIGH,
    level=Level.MANDATORY,
    concern=Concern.GPU,
    scope=Scope.RESOURCE,
    reason=(
        "A pod's GPUs must all be on one node. Under MIG's mixed strategy slices have names of their own "
        "(nvidia.com/mig-...), so a limit that counts only nvidia.com/gpu does not see them."
    ),
    remediation="Lower the number per pod and use more pods, or raise guardrails.gpuScheduling.maxGpusPerPod.",
    subjects=_gpu_pods,
    check=_per_pod_maximum,
    settings=(
        Setting(
            name="maxGPUsPerPod",
            schema={"type": "integer", "minimum": 1},
            meaning="Most GPUs, shares and MIG slices together that one pod may ask for.",
            guardrail="maxGpusPerPod",
            default=8,
        ),
    ),
)


def _pods_and_pools(stack: Stack, settings: Settings) -> Sequence[Pod | Pool]:
    pods = [pod for pod in stack.pods if not pod.partial]
    return [*pods, *(pool for pool in all_pools(stack, settings) if pool.resource)]


def _tolerate_and_select(subject: Pod | Pool, stack: Stack, settings: Settings) -> Iterator[Outcome]:
    if isinstance(subject, Pool):
        yield from _tainted(subject)
        return
    if subject.daemon and not subject.wants_gpu:  # agents of a node run on every node, GPU or not
        return
    placement = stack.placement(subject)
    yield from subject.demand.unknowns
    yield from placement.unknowns
    if subject.wants_gpu:
        yield from _has_a_pool(placement, all_pools(stack, settings))
    elif not subject.demand.unknowns and not placement.unseen_selector:
        yield from _stays_off(placement, all_pools(stack, settings))


def _tainted(pool: Pool) -> Iterator[Outcome]:
    yield from pool.unknowns
    if pool.has_gpus and not pool.hidden("taints") and not pool.keeps_others_out:
        yield Breach(
            resource=pool.resource,
            path="taints" if pool.origin == "managed" else "spec.template.spec.taints",
            value=[str(taint) for taint in pool.taints] or None,
            allowed=f"a taint {names.GPU} with effect NoSchedule",
            consequence="Pods without a GPU land on GPU nodes, and the GPUs stand idle while they are paid for.",
            fix=f"taint the pool with {names.GPU}=present:NoSchedule.",
        )


def _has_a_pool(placement: Placement, pools: Sequence[Pool]) -> Iterator[Outcome]:
    pod = placement.pod
    choices = " | ".join(f"{names.POOL}={pool.name}" for pool in pools if pool.has_gpus) or "none: no pool has GPUs"
    matched = [pool for pool in pools if placement.matches(pool)]
    path = f"{pod.place}.nodeSelector"
    if placement.unseen_selector:
        return
    if not placement.selects:
        yield Breach(
            resource=pod.resource,
            path=path,
            value=None,
            allowed=f"the selector of a GPU pool: {choices}",
            consequence="The pod may land on any GPU, also on one that is too small or too dear for it.",
            fix=f"add nodeSelector {names.POOL}: <pool>.",
        )
    elif any(pool.has_gpus for pool in matched):
        yield from _agrees(placement, matched, path)
    elif not any(pool.unknowns for pool in pools):  # a pool that is not fully seen may be the one
        yield Breach(
            resource=pod.resource,
            path=path,
            value=placement.asked,
            allowed=choices,
            consequence="No node with a GPU will ever match: the pod stays Pending.",
            fix="select one of the GPU pools by its label, or add a pool with that label.",
        )


def _agrees(placement: Placement, matched: Sequence[Pool], path: str) -> Iterator[Outcome]:
    """A selector that matches GPU pools must match nothing else, and the pod must get past their taints."""
    pod = placement.pod
    plain = [pool for pool in matched if not pool.has_gpus and not pool.unknowns]
    if plain:
        yield Breach(
            resource=pod.resource,
            path=path,
            value=placement.asked,
            allowed=f"a selector that only GPU pools match, such as {names.POOL}=<pool>",
            consequence=f"It also matches {', '.join(p.name for p in plain)}, which has no GPU.",
            fix=f"add nodeSelector {names.POOL}: <pool>.",
        )
    gpu_pools = [pool for pool in matched if pool.has_gpus]
    blocked = [pool for pool in gpu_pools if placement.untolerated(pool)]
    if len(blocked) == len(gpu_pools) and not placement.unseen_tolerations:
        taints = sorted({str(taint) for pool in blocked for taint in placement.untolerated(pool)})
        yield Breach(
            resource=pod.resource,
            path=f"{pod.place}.tolerations",
            value=f"no toleration of {', '.join(taints)}",
            allowed=f"tolerations of the taints of {', '.join(pool.name for pool in blocked)}",
            consequence="The nodes it selects turn it away: the pod stays Pending and Karpenter buys nothing.",
            fix=f"add a toleration for {', '.join(taints)}.",
        )


def _stays_off(placement: Placement, pools: Sequence[Pool]) -> Iterator[Outcome]:
    """A pod without a GPU must not be able to land where GPUs are paid for."""
    for pool in pools:
        if pool.has_gpus and pool.keeps_others_out and placement.landing((pool,)):
            yield Breach(
                resource=placement.pod.resource,
                path=f"{placement.pod.place}.tolerations",
                value=f"tolerates {names.GPU} and asks for no GPU",
                allowed=f"no toleration of {names.GPU} on pods without a GPU",
                consequence=f"It may fill a node of pool {pool.name} and keep its GPUs from those who need them.",
                fix=f"remove the toleration, or ask for a GPU under limits.{names.GPU}.",
            )
            return


GPU_PODS_TOLERATE_AND_SELECT = Rule[Pod | Pool](
    id="gpu-pods-tolerate-and-select-a-pool",
    title="GPU pods select a GPU pool and tolerate its taints; other pods stay off GPU pools",
    severity=Severity.HIGH,
    level=Level.MANDATORY,
    concern=Concern.GPU,
    scope=Scope.STACK,
    reason=(
        "Pool labels and taints, and the selectors and tolerations of workloads, are written in different places. "
        "Where they disagree pods wait for ever, or cheap pods fill dear nodes; neither is an error to Kubernetes."
    ),
    remediation="Give GPU pods the pool's label as nodeSelector and a toleration of its taint; taint every GPU pool.",
    subjects=_pods_and_pools,
    check=_tolerate_and_select,
    settings=(EXISTING_POOLS,),
)
