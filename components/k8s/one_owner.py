"""The rule that no object has two owners, held by the API server."""

from __future__ import annotations

import pulumi
from pulumi_kubernetes.admissionregistration.v1 import ValidatingAdmissionPolicy, ValidatingAdmissionPolicyBinding

from components.k8s.objects import built_in, metadata
from components.layout import one_owner as layout
from components.layout.clusters import ClusterView


class OneOwner(pulumi.ComponentResource):
    """Keeps Argo CD off the objects of the stack file; empty where it does not deploy."""

    def __init__(self, name: str, view: ClusterView, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("trellis:k8s:OneOwner", name, None, opts)
        spec = layout.policy(view)
        if spec is not None:
            child = pulumi.ResourceOptions(parent=self)
            policy = built_in(ValidatingAdmissionPolicy, name, child, metadata=metadata(layout.NAME), spec=spec)
            after = pulumi.ResourceOptions(parent=self, depends_on=[policy])
            built_in(
                ValidatingAdmissionPolicyBinding, name, after, metadata=metadata(layout.NAME), spec=layout.binding()
            )
        self.register_outputs({})
