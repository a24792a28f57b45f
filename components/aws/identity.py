"""One least-privilege role for one service account, by EKS Pod Identity: no key, no annotation, no OIDC provider.

The association may stand before the service account does, and must: a pod started without it gets no credentials.
"""

from __future__ import annotations

from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from components.layout import iam
from components.layout.identities import Identity


@dataclass(frozen=True, kw_only=True)
class WorkloadRoleArgs:
    """What the role needs from other components."""

    cluster_name: pulumi.Input[str]


class WorkloadRole(pulumi.ComponentResource):
    """A role, its policy and its association with a service account."""

    def __init__(
        self, name: str, spec: Identity, args: WorkloadRoleArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("trellis:aws:WorkloadRole", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        role = aws.iam.Role(
            name,
            name=spec.role_name,
            description=f"Service account {spec.namespace}/{spec.service_account}",
            assume_role_policy=iam.trust(iam.POD_IDENTITY, tag_session=True),
            opts=child,
        )
        if spec.statements:
            aws.iam.RolePolicy(name, role=role.name, policy=iam.document(*spec.statements), opts=child)
        for arn in sorted(spec.managed_policies):
            tail = arn.rpartition("/")[2]
            aws.iam.RolePolicyAttachment(f"{name}-{tail}", role=role.name, policy_arn=arn, opts=child)
        aws.eks.PodIdentityAssociation(
            name,
            cluster_name=args.cluster_name,
            namespace=spec.namespace,
            service_account=spec.service_account,
            role_arn=role.arn,
            opts=child,
        )
        self.register_outputs({})
