"""Managed node groups: the system group of each cluster, and pools whose nodes EKS starts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from components.layout import iam
from components.layout.names import managed_policy
from components.layout.node_groups import NodeGroupSpec

NODE_POLICIES = (
    "AmazonEKSWorkerNodePolicy",
    "AmazonEKS_CNI_Policy",
    "AmazonEC2ContainerRegistryPullOnly",
    "AmazonSSMManagedInstanceCore",
)
"""What every node needs. Source: facts/addons.md section 4 (Karpenter's node role; the same for managed groups)."""


@dataclass(frozen=True, kw_only=True)
class NodeRoleArgs:
    """What a node role needs."""

    cluster_name: pulumi.Input[str]
    access_entry: bool
    """Whether to let its nodes join by an access entry; for managed groups EKS makes that entry itself."""


class NodeRole(pulumi.ComponentResource):
    """The IAM role of nodes."""

    arn: pulumi.Output[str]
    ready: Sequence[pulumi.Resource]
    """What must be there before a node can join."""

    def __init__(
        self, name: str, role_name: str, args: NodeRoleArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("trellis:aws:NodeRole", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        role = aws.iam.Role(name, name=role_name, assume_role_policy=iam.trust("ec2.amazonaws.com"), opts=child)
        ready: list[pulumi.Resource] = [
            aws.iam.RolePolicyAttachment(
                f"{name}-{policy}", role=role.name, policy_arn=managed_policy(policy), opts=child
            )
            for policy in NODE_POLICIES
        ]
        if args.access_entry:
            ready.append(
                aws.eks.AccessEntry(
                    name, cluster_name=args.cluster_name, principal_arn=role.arn, type="EC2_LINUX", opts=child
                )
            )
        self.arn = role.arn
        self.ready = ready
        self.register_outputs({"arn": self.arn})


@dataclass(frozen=True, kw_only=True)
class NodeGroupArgs:
    """What a node group needs from other components."""

    cluster_name: pulumi.Input[str]
    node_role_arn: pulumi.Input[str]
    subnet_ids: Sequence[pulumi.Input[str]]
    depends_on: Sequence[pulumi.Resource]


class NodeGroup(pulumi.ComponentResource):
    """A managed node group with an encrypted root volume and IMDSv2 only."""

    def __init__(
        self, name: str, spec: NodeGroupSpec, args: NodeGroupArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("trellis:aws:NodeGroup", name, None, opts)
        template = aws.ec2.LaunchTemplate(
            name,
            block_device_mappings=[
                {
                    "device_name": "/dev/xvda",
                    "ebs": {
                        "volume_size": spec.disk_gib,
                        "volume_type": "gp3",
                        "encrypted": "true",
                        "delete_on_termination": "true",
                    },
                }
            ],
            metadata_options={"http_tokens": "required", "http_put_response_hop_limit": 1},
            tag_specifications=[{"resource_type": "instance", "tags": dict(spec.tags)}] if spec.tags else None,
            update_default_version=True,
            opts=pulumi.ResourceOptions(parent=self),
        )
        aws.eks.NodeGroup(
            name,
            cluster_name=args.cluster_name,
            node_role_arn=args.node_role_arn,
            subnet_ids=list(args.subnet_ids),
            ami_type=spec.ami_type,
            capacity_type=spec.capacity_type,
            instance_types=list(spec.instance_types),
            labels=dict(spec.labels),
            taints=[aws.eks.NodeGroupTaintArgs(key=t.key, value=t.value, effect=t.effect) for t in spec.taints],
            launch_template={"id": template.id, "version": template.latest_version.apply(str)},
            scaling_config={
                "min_size": spec.min_nodes,
                "max_size": spec.max_nodes,
                "desired_size": max(spec.min_nodes, 0),
            },
            update_config={"max_unavailable": 1},
            tags=dict(spec.tags),
            opts=pulumi.ResourceOptions(
                parent=self,
                depends_on=list(args.depends_on),
                # The cluster autoscaler moves the size; a fixed group's size is its minimum and maximum.
                ignore_changes=["scalingConfig.desiredSize"] if spec.max_nodes > spec.min_nodes else None,
            ),
        )
        self.register_outputs({})
