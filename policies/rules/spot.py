"""Training that may be interrupted belongs on capacity that is cheap because it may be."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from policies import names
from policies.model import Breach, Concern, Level, Outcome, Rule, Scope, Setting, Severity, Unknown
from policies.pods import Pod
from policies.rules.gpu_pods import EXISTING_POOLS, all_pools
from policies.settings import Settings
from policies.stack import Stack


def _training(stack: Stack, settings: Settings) -> Sequence[Pod]:
    if settings.flag("production"):
        return ()
    return [pod for pod in stack.pods if pod.training and not pod.partial and (pod.wants_gpu or pod.demand.unknowns)]


def _on_spot(pod: Pod, stack: Stack, settings: Settings) -> Iterator[Outcome]:
    node = pod.resource.inputs.get("metadata", "annotations", names.INTERRUPTIBLE)
    marked = node.text()
    if isinstance(marked, Unknown):
        yield marked
        return
    if marked != "true":
        return
    placement = stack.placement(pod)
    pools = all_pools(stack, settings)
    landing = placement.landing(pool for pool in pools if pool.has_gpus)
    hidden = [*pod.demand.unknowns, *placement.unknowns, *(unknown for pool in pools for unknown in pool.unknowns)]
    yield from hidden
    cheap = {"spot", "reserved"}  # reserved capacity is paid for already; spot would cost extra
    if not landing or any(pool.capacity_types & cheap or pool.origin == "existing" for pool in landing):
        return  # without a pool another rule speaks; nodes that exist cost nothing more
    if not hidden:
        found = ", ".join(f"{pool.name} ({', '.join(sorted(pool.capacity_types))})" for pool in landing)
        yield Breach(
            resource=pod.resource,
            path=f"{pod.place}.nodeSelector",
            value=found,
            allowed="a pool with capacity type spot",
            consequence="The job pays the on-demand price although it was declared interruptible.",
            fix="give the pool capacityType spot (with onDemandFallback), or select a spot pool.",
        )


SPOT_FOR_INTERRUPTIBLE_TRAINING = Rule[Pod](
    id="spot-for-interruptible-training",
    title="Outside production, training that may be interrupted runs on spot",
    severity=Severity.MEDIUM,
    level=Level.ADVISORY,
    concern=Concern.COST,
    scope=Scope.STACK,
    reason="Training with checkpoints survives the loss of a node; spot GPUs cost a fraction of the on-demand price.",
    remediation="Use a spot pool for the job, or mark the job as not interruptible if it has no checkpoints.",
    subjects=_training,
    check=_on_spot,
    settings=(
        Setting(
            name="production",
            schema={"type": "boolean"},
            meaning="Whether this is production, where the rule does not apply.",
            guardrail="production",
            default=False,
        ),
        EXISTING_POOLS,
    ),
)
