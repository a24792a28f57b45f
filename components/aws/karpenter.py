"""What Karpenter needs in AWS beside its own role: the role of its nodes, and the queue that announces interruptions.

Source: Karpenter 1.14's reference template (facts/addons.md section 4). An account that never used spot also needs the
service-linked role AWSServiceRoleForEC2Spot. It belongs to the account, not to an environment, and creating it twice is
an error: the preflight looks for it, this program does not make it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from components.aws.nodes import NodeRole, NodeRoleArgs
from components.layout import iam
from components.layout.names import Names

EVENTS: Mapping[str, Mapping[str, Sequence[str]]] = {
    "health": {"source": ["aws.health"], "detail-type": ["AWS Health Event"]},
    "instance-state": {"source": ["aws.ec2"], "detail-type": ["EC2 Instance State-change Notification"]},
    "rebalance": {"source": ["aws.ec2"], "detail-type": ["EC2 Instance Rebalance Recommendation"]},
    "reservation": {
        "source": ["aws.ec2"],
        "detail-type": ["EC2 Capacity Reservation Instance Interruption Warning"],
    },
    "spot": {"source": ["aws.ec2"], "detail-type": ["EC2 Spot Instance Interruption Warning"]},
}
"""Events that Karpenter acts on or reports."""


@dataclass(frozen=True, kw_only=True)
class KarpenterArgs:
    """What it needs from other components."""

    names: Names
    cluster: str
    cluster_name: pulumi.Input[str]
    node_role: iam.NodeRoleSpec


class Karpenter(pulumi.ComponentResource):
    """Karpenter's AWS side for one cluster."""

    def __init__(self, name: str, args: KarpenterArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("trellis:aws:Karpenter", name, None, opts)
        self._name, self._args = name, args
        child = pulumi.ResourceOptions(parent=self)
        self._queue()
        NodeRole(
            f"{name}-nodes",
            args.node_role,
            NodeRoleArgs(cluster_name=args.cluster_name, access_entry=True),
            child,
        )
        self.register_outputs({})

    def _queue(self) -> None:
        child = pulumi.ResourceOptions(parent=self)
        queue_name = self._args.names.interruption_queue(self._args.cluster)
        queue_arn = self._args.names.arn("sqs", queue_name)
        queue = aws.sqs.Queue(
            self._name,
            name=queue_name,
            message_retention_seconds=300,
            sqs_managed_sse_enabled=True,
            opts=child,
        )
        send = {
            "Effect": "Allow",
            "Principal": {"Service": ["events.amazonaws.com", "sqs.amazonaws.com"]},
            "Action": "sqs:SendMessage",
            "Resource": queue_arn,
        }
        plain = {
            "Effect": "Deny",
            "Principal": "*",
            "Action": "sqs:*",
            "Resource": queue_arn,
            "Condition": {"Bool": {"aws:SecureTransport": "false"}},
        }
        aws.sqs.QueuePolicy(self._name, queue_url=queue.url, policy=iam.document(send, plain), opts=child)
        for event, pattern in sorted(EVENTS.items()):
            rule = aws.cloudwatch.EventRule(
                f"{self._name}-{event}",
                name=self._args.names.capped(self._args.cluster, event),
                event_pattern=json.dumps(pattern, sort_keys=True),
                opts=child,
            )
            aws.cloudwatch.EventTarget(f"{self._name}-{event}", rule=rule.name, arn=queue.arn, opts=child)
