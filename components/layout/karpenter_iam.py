"""Karpenter's permissions, scoped by cluster, account and tag. Source: facts/addons.md section 4 (Karpenter 1.14.1)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from components.layout.iam import Statement, allow
from components.layout.names import PARTITION, Names

DESCRIBE = (
    "CapacityReservations",
    "Images",
    "Instances",
    "InstanceStatus",
    "InstanceTypeOfferings",
    "InstanceTypes",
    "LaunchTemplates",
    "PlacementGroups",
    "SecurityGroups",
    "SpotPriceHistory",
    "Subnets",
)


def karpenter_node_role(names: Names, cluster: str) -> str:
    """Name of the role of nodes that Karpenter starts; apart from the managed groups' role, whose entry EKS makes."""
    return names.capped(cluster, "karpenter-node")


def _ec2(names: Names, *resources: str) -> list[str]:
    return [names.arn("ec2", f"{resource}/*") for resource in resources]


def controller_statements(names: Names, cluster: str) -> tuple[Statement, ...]:
    """What the controller may do."""
    return (*_launch(names, cluster), *_remove(names, cluster), *_profiles(names, cluster), *_read(names, cluster))


def _launch(names: Names, cluster: str) -> tuple[Statement, ...]:
    full = names.cluster(cluster)
    owned = {
        "StringEquals": {f"aws:RequestTag/kubernetes.io/cluster/{full}": "owned"},
        "StringLike": {"aws:RequestTag/karpenter.sh/nodepool": "*"},
    }
    images = [f"arn:{PARTITION}:ec2:{names.region}::{kind}/*" for kind in ("image", "snapshot")]
    shared = _ec2(names, "capacity-reservation", "placement-group", "security-group", "subnet")
    made = _ec2(names, "fleet", "instance", "launch-template", "network-interface", "spot-instances-request", "volume")
    template = _ec2(names, "launch-template")
    own_template = {"StringEquals": {f"aws:ResourceTag/kubernetes.io/cluster/{full}": "owned"}}
    tag: Mapping[str, Mapping[str, Any]] = {
        "StringEquals": {
            f"aws:RequestTag/kubernetes.io/cluster/{full}": "owned",
            "ec2:CreateAction": ["RunInstances", "CreateFleet", "CreateLaunchTemplate"],
        },
        "StringLike": {"aws:RequestTag/karpenter.sh/nodepool": "*"},
    }
    start = ["ec2:RunInstances", "ec2:CreateFleet"]
    return (
        allow("LaunchFrom", start, images + shared),
        allow("LaunchFromTemplate", start, template, own_template),
        allow("Launch", [*start, "ec2:CreateLaunchTemplate"], made, owned),
        allow("TagOnLaunch", ["ec2:CreateTags"], made, tag),
    )


def _remove(names: Names, cluster: str) -> tuple[Statement, ...]:
    mine = {
        "StringEquals": {f"aws:ResourceTag/kubernetes.io/cluster/{names.cluster(cluster)}": "owned"},
        "StringLike": {"aws:ResourceTag/karpenter.sh/nodepool": "*"},
    }
    retag: Mapping[str, Mapping[str, Any]] = {
        **mine,
        "ForAllValues:StringEquals": {
            "aws:TagKeys": ["eks:eks-cluster-name", "karpenter.sh/nodeclaim", "Name"],
        },
    }
    gone = ["ec2:TerminateInstances", "ec2:DeleteLaunchTemplate"]
    return (
        allow("Remove", gone, _ec2(names, "instance", "launch-template"), mine),
        allow("Retag", ["ec2:CreateTags"], _ec2(names, "instance"), retag),
    )


def _profiles(names: Names, cluster: str) -> tuple[Statement, ...]:
    full = names.cluster(cluster)
    profiles = [names.arn("iam", "instance-profile/*", regional=False)]
    new = {"StringEquals": {f"aws:RequestTag/kubernetes.io/cluster/{full}": "owned"}}
    mine = {"StringEquals": {f"aws:ResourceTag/kubernetes.io/cluster/{full}": "owned"}}
    change = ["AddRoleToInstanceProfile", "RemoveRoleFromInstanceProfile", "DeleteInstanceProfile"]
    return (
        allow(
            "PassNodeRole",
            ["iam:PassRole"],
            [names.role_arn(karpenter_node_role(names, cluster))],
            {"StringEquals": {"iam:PassedToService": "ec2.amazonaws.com"}},
        ),
        allow("CreateProfile", ["iam:CreateInstanceProfile", "iam:TagInstanceProfile"], profiles, new),
        allow("ChangeProfile", [f"iam:{action}" for action in change], profiles, mine),
        allow("ReadProfile", ["iam:GetInstanceProfile"], profiles),
    )


def _read(names: Names, cluster: str) -> tuple[Statement, ...]:
    here = {"StringEquals": {"aws:RequestedRegion": names.region}}
    ssm = [f"arn:{PARTITION}:ssm:{names.region}::parameter/aws/service/*"]
    queue = [names.arn("sqs", names.interruption_queue(cluster))]
    return (
        # EC2's Describe calls, the price list and the list of profiles know no resource-level permission.
        allow("Describe", [f"ec2:Describe{what}" for what in DESCRIBE], ["*"], here),
        allow("ListAndPrice", ["iam:ListInstanceProfiles", "pricing:GetProducts"], ["*"]),
        allow("Images", ["ssm:GetParameter"], ssm),
        allow("Cluster", ["eks:DescribeCluster"], [names.cluster_arn(cluster)]),
        allow("Queue", ["sqs:DeleteMessage", "sqs:GetQueueUrl", "sqs:ReceiveMessage"], queue),
    )
