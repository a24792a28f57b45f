"""What nodes that train together share: a security group for EFA traffic, and placement groups."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws


@dataclass(frozen=True, kw_only=True)
class FabricSpec:
    """What a cluster's multi-node pools need."""

    group_name: str | None
    """Name of the security group; None where no pool has EFA."""
    placement_groups: Mapping[str, str]
    """Names by pool."""


@dataclass(frozen=True, kw_only=True)
class FabricArgs:
    """What it needs from other components."""

    vpc_id: pulumi.Input[str]


class Fabric(pulumi.ComponentResource):
    """EFA bypasses the operating system and knows no address rule: its group must name itself, both ways.

    Source: EC2 user guide, "Get started with EFA": prepare a security group.
    """

    security_group_id: pulumi.Output[str] | None

    def __init__(
        self, name: str, spec: FabricSpec, args: FabricArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("trellis:aws:Fabric", name, None, opts)
        self._child = pulumi.ResourceOptions(parent=self)
        self.security_group_id = self._group(name, spec.group_name, args) if spec.group_name else None
        for pool, group in sorted(spec.placement_groups.items()):
            aws.ec2.PlacementGroup(f"{name}-{pool}", name=group, strategy="cluster", opts=self._child)
        self.register_outputs({})

    def _group(self, name: str, group_name: str, args: FabricArgs) -> pulumi.Output[str]:
        group = aws.ec2.SecurityGroup(
            name,
            name=group_name,
            description="EFA traffic between nodes of one cluster",
            vpc_id=args.vpc_id,
            # Karpenter finds the group by its name; the console by this tag.
            tags={"Name": group_name},
            opts=self._child,
        )
        for way in (aws.vpc.SecurityGroupIngressRule, aws.vpc.SecurityGroupEgressRule):
            way(
                name,
                security_group_id=group.id,
                referenced_security_group_id=group.id,
                ip_protocol="-1",
                description="EFA",
                opts=self._child,
            )
        return group.id
