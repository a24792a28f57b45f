"""GPUs offered against GPUs asked for, pool by pool, read from a plan."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from policies.pods import Pod
from policies.stack import Stack
from trellis.plan import Plan

POOL_ANNOTATION = "trellis.dev/pool"


@dataclass(frozen=True, kw_only=True)
class Asked:
    """What one workload asks of a pool at its most."""

    workload: str
    pool: str
    cluster: str
    resource: str
    pods: int
    units: int


@dataclass(frozen=True, kw_only=True)
class Balance:
    """One extended resource of one pool: units offered at the pool's limit, units asked for at the most."""

    cluster: str
    pool: str
    gpu_model: str
    sharing: str
    gpus: int
    """Physical GPUs at the limit."""
    resource: str
    offered: int
    asked: int
    workloads: tuple[str, ...]

    @property
    def verdict(self) -> str:
        """`fits`, `idle` (nothing asks for it) or `short by N`."""
        if self.asked > self.offered:
            return f"short by {self.asked - self.offered}"
        return "fits" if self.asked else "idle"


def balances(plan: Plan, stack: Stack) -> tuple[Balance, ...]:
    """All GPU pools of a plan, each resource that it offers or that is asked of it, sorted."""
    demand = list(asked(plan, stack))
    rows = []
    for cluster, pool, row in _gpu_pools(plan):
        offers: Mapping[str, int] = row["offers"]
        here = [d for d in demand if (d.cluster, d.pool) == (cluster, pool)]
        for resource in sorted({*offers, *(d.resource for d in here)}):
            users = [d for d in here if d.resource == resource]
            rows.append(
                Balance(
                    cluster=cluster,
                    pool=pool,
                    gpu_model=row["gpuModel"],
                    sharing=row["sharing"],
                    gpus=row["gpus"],
                    resource=resource,
                    offered=offers.get(resource, 0),
                    asked=sum(d.units for d in users),
                    workloads=tuple(sorted({d.workload for d in users})),
                )
            )
    return tuple(rows)


def _gpu_pools(plan: Plan) -> Iterator[tuple[str, str, Mapping[str, Any]]]:
    for cluster, outputs in sorted(plan.outputs.get("clusters", {}).items()):
        for pool, row in sorted(outputs.get("pools", {}).items()):
            if row.get("gpus"):
                yield cluster, pool, row


def asked(plan: Plan, stack: Stack) -> Iterator[Asked]:
    """What every workload of the plan asks for, at its most replicas or nodes."""
    for pod in stack.pods:
        if not pod.wants_gpu or pod.partial:
            continue
        resource = plan.by_urn[pod.resource.urn]
        meta = resource.inputs.get("metadata", {})
        provider = plan.by_urn.get(resource.provider or "")
        count = most_pods(pod)
        for name, amount in pod.demand.amounts.items():
            yield Asked(
                workload=f"{meta.get('namespace', '')}/{meta.get('name', resource.name)}",
                pool=meta.get("annotations", {}).get(POOL_ANNOTATION, ""),
                cluster=provider.name if provider else "",
                resource=name,
                pods=count,
                units=int(amount) * count,
            )


def most_pods(pod: Pod) -> int:
    """Most pods of this kind at once: the maximum of what scales, the nodes of a job, else what always runs."""
    spec = pod.resource.inputs.get("spec")
    for path in (("predictor", "maxReplicas"), ("trainer", "numNodes"), ("replicas",)):
        text = spec.text(*path)
        if isinstance(text, str) and text.isdigit():
            return int(text)
    return 1
