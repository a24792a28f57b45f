"""Namespaces of add-ons and teams, each with its Pod Security level, its quota and its network policies."""

from __future__ import annotations

from collections.abc import Mapping

import pulumi
from pulumi_kubernetes.core.v1 import LimitRange, Namespace, ResourceQuota
from pulumi_kubernetes.networking.v1 import NetworkPolicy

from components.k8s.objects import built_in, metadata
from components.layout.namespaces import NamespacePlan


class Namespaces(pulumi.ComponentResource):
    """All namespaces of a cluster. They come first and go last, so that nothing is cut off from its objects."""

    def __init__(
        self, name: str, plans: Mapping[str, NamespacePlan], opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("trellis:k8s:Namespaces", name, None, opts)
        self._name = name
        for namespace, plan in sorted(plans.items()):
            made = built_in(
                Namespace,
                f"{name}-{namespace}",
                pulumi.ResourceOptions(parent=self),
                metadata=metadata(namespace, labels=plan.labels),
            )
            self._rules(namespace, plan, pulumi.ResourceOptions(parent=self, depends_on=[made]))
        self.register_outputs({})

    def _rules(self, namespace: str, plan: NamespacePlan, child: pulumi.ResourceOptions) -> None:
        logical = f"{self._name}-{namespace}"
        for policy, spec in sorted(plan.network_policies.items()):
            built_in(NetworkPolicy, f"{logical}-{policy}", child, metadata=metadata(policy, namespace), spec=spec)
        if plan.default_requests is not None:
            limit = {"type": "Container", "defaultRequest": dict(plan.default_requests)}
            built_in(LimitRange, logical, child, metadata=metadata("defaults", namespace), spec={"limits": [limit]})
        if plan.quota is not None:
            hard = {"hard": dict(plan.quota)}
            built_in(ResourceQuota, logical, child, metadata=metadata("ceiling", namespace), spec=hard)
