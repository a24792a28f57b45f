"""All resources of one stack, indexed once, so that each rule finds its own without searching."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cached_property
from typing import Any

from policies import names
from policies.placement import Placement
from policies.pods import Pod, pods_of
from policies.pools import Pool, pool_of
from policies.values import Resource


class Stack:
    """What rules look at. Built from the plan's mapping form; rules change nothing in it."""

    def __init__(self, resources: Iterable[Mapping[str, Any]]) -> None:
        rows = sorted(resources, key=lambda row: str(row["urn"]))
        self.resources = tuple(Resource(row) for row in rows)
        self.by_urn: Mapping[str, Resource] = {r.urn: r for r in self.resources}
        self._placements: dict[Pod, Placement] = {}
        self._by_type: dict[str, list[Resource]] = {}
        self._by_kind: dict[tuple[str, str], list[Resource]] = {}
        for resource in self.resources:
            self._by_type.setdefault(resource.type, []).append(resource)
            if resource.is_kubernetes:
                self._by_kind.setdefault((resource.group, resource.kind), []).append(resource)

    def of_type(self, *types: str) -> tuple[Resource, ...]:
        """Resources of exactly these Pulumi types, by URN within each type."""
        return tuple(r for type_ in types for r in self._by_type.get(type_, ()))

    def of_kind(self, group: str, kind: str) -> tuple[Resource, ...]:
        """Kubernetes objects of a kind in any version of its API group (`core` is the nameless one)."""
        return tuple(self._by_kind.get((group, kind), ()))

    @cached_property
    def pods(self) -> tuple[Pod, ...]:
        """Every kind of pod that some resource makes."""
        kinds = ("ClusterTrainingRuntime", "TrainingRuntime")
        runtimes = {
            str(r.inputs.text("metadata", "name")): r
            for kind in kinds
            for r in self.of_kind("trainer.kubeflow.org", kind)
        }
        return tuple(pod for r in self.resources if r.is_kubernetes for pod in pods_of(r, runtimes))

    def placement(self, pod: Pod) -> Placement:
        """Where a pod may run, read once."""
        if pod not in self._placements:
            self._placements[pod] = Placement(pod)
        return self._placements[pod]

    @cached_property
    def pools(self) -> tuple[Pool, ...]:
        """Every pool of nodes that the stack makes."""
        rows = self.of_type(names.MANAGED_GROUP, names.NODE_POOL)
        return tuple(pool for r in rows if (pool := pool_of(r)) is not None)

    @cached_property
    def quotas(self) -> tuple[Resource, ...]:
        """ResourceQuota objects."""
        return self.of_kind("core", "ResourceQuota")

    @cached_property
    def clusters(self) -> tuple[Resource, ...]:
        """EKS clusters that the stack makes."""
        return self.of_type(names.CLUSTER)
