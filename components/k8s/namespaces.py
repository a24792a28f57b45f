"""Namespaces of add-ons and teams, each at its own Pod Security level."""

from __future__ import annotations

from collections.abc import Mapping

import pulumi
from pulumi_kubernetes.core.v1 import Namespace

from components.k8s.objects import built_in, metadata
from components.layout.namespaces import NamespacePlan


class Namespaces(pulumi.ComponentResource):
    """All namespaces of a cluster. They come first and go last, so that nothing is cut off from its objects."""

    def __init__(
        self, name: str, plans: Mapping[str, NamespacePlan], opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("trellis:k8s:Namespaces", name, None, opts)
        for namespace, plan in sorted(plans.items()):
            built_in(
                Namespace,
                f"{name}-{namespace}",
                pulumi.ResourceOptions(parent=self),
                metadata=metadata(namespace, labels=plan.labels),
            )
        self.register_outputs({})
