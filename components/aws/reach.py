"""Who may reach whom: rules from one security group to another, never from an address range."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from components.layout.links import Opening


@dataclass(frozen=True, kw_only=True)
class ReachArgs:
    """The two security groups."""

    source: pulumi.Input[str]
    """Group of those who open connections."""
    target: pulumi.Input[str]
    """Group of those who are reached."""
    both_ways: bool = False
    """Whether the target calls back on the same ports, and has no way out unless it is given here."""


class Reach(pulumi.ComponentResource):
    """Openings from one security group to another."""

    def __init__(
        self, name: str, spec: Sequence[Opening], args: ReachArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("trellis:aws:Reach", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        for opening in spec:
            title = f"{name}-{opening.name}"
            aws.vpc.SecurityGroupIngressRule(
                title,
                security_group_id=args.target,
                referenced_security_group_id=args.source,
                description=title,
                ip_protocol="tcp",
                from_port=opening.first,
                to_port=opening.last,
                opts=child,
            )
            if not args.both_ways:
                continue
            aws.vpc.SecurityGroupIngressRule(
                f"{title}-back",
                security_group_id=args.source,
                referenced_security_group_id=args.target,
                description=f"{title} back",
                ip_protocol="tcp",
                from_port=opening.first,
                to_port=opening.last,
                opts=child,
            )
            aws.vpc.SecurityGroupEgressRule(
                f"{title}-out",
                security_group_id=args.target,
                referenced_security_group_id=args.source,
                description=f"{title} out",
                ip_protocol="tcp",
                from_port=opening.first,
                to_port=opening.last,
                opts=child,
            )
        self.register_outputs({})
