"""Lets Argo CD of one cluster deploy into another: a role there, and what it may do in which namespaces."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from components.aws.cluster import ACCESS_POLICIES
from components.layout import iam


@dataclass(frozen=True, kw_only=True)
class DeployerSpec:
    """Who may deploy where."""

    role_name: str
    trusted_role_arns: tuple[str, ...]
    """Roles of Argo CD's service accounts in its own cluster."""
    namespaces: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class DeployerArgs:
    """What it needs from other components."""

    cluster_name: pulumi.Input[str]
    trusted: Sequence[pulumi.Resource]
    """The trusted roles: IAM refuses to trust a role that is not there."""


class Deployer(pulumi.ComponentResource):
    """A role that Argo CD takes; it may change everything in some namespaces and nothing outside them."""

    def __init__(
        self, name: str, spec: DeployerSpec, args: DeployerArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("trellis:aws:Deployer", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        role = aws.iam.Role(
            name,
            name=spec.role_name,
            description="Argo CD of another cluster deploys here",
            assume_role_policy=iam.trust_roles(spec.trusted_role_arns),
            opts=pulumi.ResourceOptions(parent=self, depends_on=list(args.trusted)),
        )
        entry = aws.eks.AccessEntry(
            name, cluster_name=args.cluster_name, principal_arn=role.arn, type="STANDARD", opts=child
        )
        aws.eks.AccessPolicyAssociation(
            name,
            cluster_name=args.cluster_name,
            principal_arn=entry.principal_arn,
            policy_arn=ACCESS_POLICIES["admin"],
            access_scope={"type": "namespace", "namespaces": list(spec.namespaces)},
            opts=child,
        )
        self.register_outputs({})
