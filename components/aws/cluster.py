"""An EKS cluster: key, logs, endpoint, access entries. Nodes and add-ons come on top of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pulumi
import pulumi_aws as aws

from components.layout import iam, volumes
from components.layout.names import Names, managed_policy
from components.spec.clusters import EksCluster, RestrictedEndpoint
from components.spec.platform import Protection

ACCESS_POLICIES = {
    "admin": "arn:aws:eks::aws:cluster-access-policy/AmazonEKSClusterAdminPolicy",
    "view": "arn:aws:eks::aws:cluster-access-policy/AmazonEKSViewPolicy",
}


@dataclass(frozen=True, kw_only=True)
class ClusterArgs:
    """What the cluster needs besides the spec."""

    names: Names
    cluster: str
    """The cluster's name in the stack file."""
    protection: Protection
    subnet_ids: Sequence[pulumi.Input[str]]


class Cluster(pulumi.ComponentResource):
    """The control plane. Exposes what a kubeconfig needs."""

    name: pulumi.Output[str]
    endpoint: pulumi.Output[str]
    certificate_authority: pulumi.Output[str]
    security_group_id: pulumi.Output[str]

    def __init__(
        self, name: str, spec: EksCluster, args: ClusterArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("trellis:aws:Cluster", name, None, opts)
        self._name, self._spec, self._args = name, spec, args
        self._child = pulumi.ResourceOptions(parent=self)
        self._stateful = pulumi.ResourceOptions(
            parent=self, protect=args.protection.protect, retain_on_delete=args.protection.retain
        )
        self._cluster = self._control_plane()
        self.name = self._cluster.name
        self.endpoint = self._cluster.endpoint
        self.certificate_authority = self._cluster.certificate_authority.data
        # Tied to the id: `vpc_config` is an input too, and before there is a cluster it reads as known and without one.
        group = self._cluster.vpc_config.cluster_security_group_id
        self.security_group_id = pulumi.Output.all(self._cluster.id, group).apply(_security_group)
        self._access()
        self._reach()
        self.register_outputs({"name": self.name, "endpoint": self.endpoint})

    def _control_plane(self) -> aws.eks.Cluster:
        spec, full = self._spec, self._args.names.cluster(self._args.cluster)
        logs = aws.cloudwatch.LogGroup(
            f"{self._name}-control-plane",
            name=f"/aws/eks/{full}/cluster",
            retention_in_days=spec.log_retention_days,
            tags=volumes.logged(spec.expected_log_gib_per_month),
            opts=self._child,
        )
        role = aws.iam.Role(
            f"{self._name}-control-plane",
            name=f"{full}-control-plane",
            assume_role_policy=iam.trust("eks.amazonaws.com"),
            opts=self._child,
        )
        policy = aws.iam.RolePolicyAttachment(
            f"{self._name}-control-plane",
            role=role.name,
            policy_arn=managed_policy("AmazonEKSClusterPolicy"),
            opts=self._child,
        )
        return aws.eks.Cluster(
            self._name,
            name=full,
            version=spec.kubernetes_version,
            role_arn=role.arn,
            bootstrap_self_managed_addons=False,
            access_config={
                "authentication_mode": "API",
                # Access comes from the entries below only; whoever happens to create the cluster gets nothing.
                "bootstrap_cluster_creator_admin_permissions": False,
            },
            enabled_cluster_log_types=sorted(spec.log_types),
            encryption_config={"provider": {"key_arn": self._key().arn}, "resources": ["secrets"]},
            kubernetes_network_config={"service_ipv4_cidr": spec.service_cidr},
            # Extended support costs six times as much; EKS upgrades the cluster instead when standard support ends.
            upgrade_policy={"support_type": "STANDARD"},
            vpc_config=self._endpoint(),
            opts=pulumi.ResourceOptions(
                parent=self,
                protect=self._args.protection.protect,
                depends_on=[logs, policy],
            ),
        )

    def _endpoint(self) -> aws.eks.ClusterVpcConfigArgsDict:
        """Where the API server answers: always inside the VPC, and outside to the stated ranges only."""
        config: aws.eks.ClusterVpcConfigArgsDict = {
            "endpoint_private_access": True,
            "endpoint_public_access": False,
            "subnet_ids": list(self._args.subnet_ids),
        }
        if isinstance(self._spec.endpoint, RestrictedEndpoint):
            config["endpoint_public_access"] = True
            config["public_access_cidrs"] = sorted(self._spec.endpoint.allowed_cidrs)
        return config

    def _key(self) -> aws.kms.Key:
        key = aws.kms.Key(
            f"{self._name}-secrets",
            description=f"Kubernetes Secrets of {self._args.names.cluster(self._args.cluster)}",
            enable_key_rotation=True,
            deletion_window_in_days=30,
            opts=self._stateful,
        )
        aws.kms.Alias(
            f"{self._name}-secrets",
            name=f"alias/{self._args.names.cluster(self._args.cluster)}-secrets",
            target_key_id=key.id,
            opts=self._child,
        )
        return key

    def _access(self) -> None:
        for entry_name, entry in sorted(self._spec.access.items()):
            entry_resource = aws.eks.AccessEntry(
                f"{self._name}-{entry_name}",
                cluster_name=self._cluster.name,
                principal_arn=entry.principal_arn,
                opts=self._child,
            )
            aws.eks.AccessPolicyAssociation(
                f"{self._name}-{entry_name}",
                cluster_name=self._cluster.name,
                principal_arn=entry_resource.principal_arn,
                policy_arn=ACCESS_POLICIES[entry.policy],
                access_scope={"type": "cluster"},
                opts=self._child,
            )

    def _reach(self) -> None:
        """Let stated ranges inside the network reach a private API server."""
        if isinstance(self._spec.endpoint, RestrictedEndpoint):
            return
        for cidr in sorted(self._spec.endpoint.deploy_from_cidrs):
            aws.vpc.SecurityGroupIngressRule(
                f"{self._name}-api-{cidr.replace('/', '-').replace('.', '-')}",
                security_group_id=self.security_group_id,
                cidr_ipv4=cidr,
                ip_protocol="tcp",
                from_port=443,
                to_port=443,
                opts=self._child,
            )


def _security_group(made: list[Any]) -> str:
    """The group that EKS makes for the API server and all nodes, from a cluster's id and that group's.

    The group is looked up before `Output.all`, which hands objects on as plain dictionaries.
    """
    group: str = made[1]
    return group
