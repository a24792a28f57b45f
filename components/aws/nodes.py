"""Managed node groups: the system group of each cluster, and pools whose nodes EKS starts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pulumi
import pulumi_aws as aws

from components.layout import iam
from components.layout.names import managed_policy
from components.layout.node_groups import NodeGroupSpec

STARTED = ("instance", "network-interface", "volume")
"""What a launch template starts and must tag itself."""


@dataclass(frozen=True, kw_only=True)
class NodeRoleArgs:
    """What a node role needs."""

    cluster_name: pulumi.Input[str]
    access_entry: bool
    """Whether to let its nodes join by an access entry; for managed groups EKS makes that entry itself."""


class NodeRole(pulumi.ComponentResource):
    """The IAM role of nodes."""

    arn: pulumi.Output[str]

    def __init__(
        self,
        name: str,
        spec: iam.NodeRoleSpec,
        args: NodeRoleArgs,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("trellis:aws:NodeRole", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        role = aws.iam.Role(name, name=spec.name, assume_role_policy=iam.trust("ec2.amazonaws.com"), opts=child)
        for policy in spec.managed_policies:
            aws.iam.RolePolicyAttachment(
                f"{name}-{policy}", role=role.name, policy_arn=managed_policy(policy), opts=child
            )
        if args.access_entry:
            aws.eks.AccessEntry(
                name, cluster_name=args.cluster_name, principal_arn=role.arn, type="EC2_LINUX", opts=child
            )
        self.arn = role.arn
        self.register_outputs({"arn": self.arn})


@dataclass(frozen=True, kw_only=True)
class NodeGroupArgs:
    """What a node group needs from other components."""

    cluster_name: pulumi.Input[str]
    node_role_arn: pulumi.Input[str]
    subnet_ids: Mapping[str, pulumi.Input[str]]
    """Private subnets by zone id."""
    security_group_ids: Sequence[pulumi.Input[str]]
    """Groups of nodes with EFA: the cluster's and the fabric's. EKS gives other nodes the cluster's by itself."""
    depends_on: Sequence[pulumi.Resource]


class NodeGroup(pulumi.ComponentResource):
    """A managed node group with encrypted volumes and IMDSv2 only."""

    def __init__(
        self, name: str, spec: NodeGroupSpec, args: NodeGroupArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("trellis:aws:NodeGroup", name, None, opts)
        self._name, self._spec, self._args = name, spec, args
        template = self._template()
        subnets = [subnet for zone, subnet in args.subnet_ids.items() if spec.zone in (None, zone)]
        aws.eks.NodeGroup(
            name,
            cluster_name=args.cluster_name,
            version=spec.kubernetes_version,
            node_role_arn=args.node_role_arn,
            subnet_ids=subnets,
            ami_type=spec.ami_type,
            capacity_type=spec.capacity_type,
            # EKS takes the type of a Capacity Block from the launch template, and refuses it in both places.
            instance_types=None if spec.is_block else list(spec.instance_types),
            labels=dict(spec.labels),
            taints=[aws.eks.NodeGroupTaintArgs(key=t.key, value=t.value, effect=t.effect) for t in spec.taints],
            launch_template={"id": template.id, "version": template.latest_version.apply(str)},
            scaling_config={
                "min_size": spec.min_nodes,
                "max_size": spec.max_nodes,
                "desired_size": spec.min_nodes,
            },
            update_config={"max_unavailable": 1},
            tags={**spec.tags, **spec.group_tags},
            opts=pulumi.ResourceOptions(
                parent=self,
                depends_on=list(args.depends_on),
                # The cluster autoscaler moves the size; a fixed group's size is its minimum and maximum.
                ignore_changes=["scalingConfig.desiredSize"] if spec.max_nodes > spec.min_nodes else None,
            ),
        )
        self.register_outputs({})

    def _template(self) -> aws.ec2.LaunchTemplate:
        spec = self._spec
        return aws.ec2.LaunchTemplate(
            self._name,
            block_device_mappings=[
                {
                    "device_name": disk.device,
                    "ebs": {
                        "volume_size": disk.gib,
                        "volume_type": "gp3",
                        "encrypted": "true",
                        "delete_on_termination": "true",
                    },
                }
                for disk in spec.disks
            ],
            # One hop: a pod behind the node's own interface cannot read the node's credentials.
            metadata_options={"http_tokens": "required", "http_put_response_hop_limit": 1},
            tag_specifications=[{"resource_type": kind, "tags": dict(spec.tags)} for kind in STARTED],
            update_default_version=True,
            opts=pulumi.ResourceOptions(parent=self),
            **self._capacity(),
            **self._fabric(),
        )

    def _capacity(self) -> dict[str, Any]:
        """What ties the group to its reservation."""
        if self._spec.reservation is None:
            return {}
        target = {"capacity_reservation_id": self._spec.reservation.id}
        found: dict[str, Any] = {"capacity_reservation_specification": {"capacity_reservation_target": target}}
        if self._spec.is_block:
            found["instance_market_options"] = {"market_type": "capacity-block"}
            found["instance_type"] = self._spec.instance_types[0]
        return found

    def _fabric(self) -> dict[str, Any]:
        """Interfaces and placement of nodes that train together."""
        found: dict[str, Any] = {}
        if self._spec.placement_group is not None:
            found["placement"] = {"group_name": self._spec.placement_group}
        if self._spec.interfaces:
            found["network_interfaces"] = [
                {
                    "network_card_index": one.card,
                    "device_index": one.device,
                    "interface_type": one.kind,
                    "security_groups": list(self._args.security_group_ids),
                    "delete_on_termination": "true",
                }
                for one in self._spec.interfaces
            ]
        return found
