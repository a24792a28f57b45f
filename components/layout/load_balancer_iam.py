"""What the AWS Load Balancer Controller may do: read, and change only what carries its own cluster's tag.

Source: the controller's reference policy for 3.5.0 (facts/addons.md section 6), narrowed from "any cluster's tag" to
this cluster's, and from all regions and accounts to these. WAF, Shield and Cognito are left out: the platform uses none
of them, and the chart's switches for them are off (`enableWaf`, `enableWafv2`, `enableShield`).
"""

from __future__ import annotations

from components.layout.clusters import ClusterView
from components.layout.iam import Statement, allow
from components.layout.names import Names

OWNER_TAG = "elbv2.k8s.aws/cluster"

READ_EC2 = (
    "DescribeAccountAttributes",
    "DescribeAddresses",
    "DescribeAvailabilityZones",
    "DescribeCoipPools",
    "DescribeInstances",
    "DescribeInternetGateways",
    "DescribeIpamPools",
    "DescribeNetworkInterfaces",
    "DescribeRouteTables",
    "DescribeSecurityGroups",
    "DescribeSubnets",
    "DescribeTags",
    "DescribeVpcPeeringConnections",
    "DescribeVpcs",
    "GetCoipPoolUsage",
    "GetSecurityGroupsForVpc",
)
READ_ELB = (
    "DescribeCapacityReservation",
    "DescribeListenerAttributes",
    "DescribeListenerCertificates",
    "DescribeListeners",
    "DescribeLoadBalancerAttributes",
    "DescribeLoadBalancers",
    "DescribeRules",
    "DescribeSSLPolicies",
    "DescribeTags",
    "DescribeTargetGroupAttributes",
    "DescribeTargetGroups",
    "DescribeTargetHealth",
    "DescribeTrustStores",
)
CHANGE_OWN = (
    "DeleteLoadBalancer",
    "DeleteTargetGroup",
    "ModifyCapacityReservation",
    "ModifyIpPools",
    "ModifyLoadBalancerAttributes",
    "ModifyTargetGroup",
    "ModifyTargetGroupAttributes",
    "SetIpAddressType",
    "SetSecurityGroups",
    "SetSubnets",
)
CHANGE_LISTENERS = (
    "AddListenerCertificates",
    "CreateListener",
    "CreateRule",
    "DeleteListener",
    "DeleteRule",
    "ModifyListener",
    "ModifyListenerAttributes",
    "ModifyRule",
    "RemoveListenerCertificates",
    "SetRulePriorities",
)


def statements(view: ClusterView, names: Names) -> tuple[Statement, ...]:
    """The controller's permissions in one cluster."""
    return (*_read(names), *_security_groups(names, view.full_name), *_load_balancers(names, view.full_name))


def _read(names: Names) -> tuple[Statement, ...]:
    here = {"StringEquals": {"aws:RequestedRegion": names.region}}
    role = "role/aws-service-role/elasticloadbalancing.amazonaws.com/AWSServiceRoleForElasticLoadBalancing"
    first_use = {"StringEquals": {"iam:AWSServiceName": "elasticloadbalancing.amazonaws.com"}}
    reads = [*(f"ec2:{one}" for one in READ_EC2), *(f"elasticloadbalancing:{one}" for one in READ_ELB)]
    return (
        # Describe calls know no resource-level permission; they are held to the region.
        allow("Read", [*reads, "acm:ListCertificates"], ["*"], here),
        # IAM is global, so that the region says nothing about it.
        allow("ListServerCertificates", ["iam:ListServerCertificates"], ["*"]),
        allow("Certificates", ["acm:DescribeCertificate"], [names.arn("acm", "certificate/*")]),
        allow(
            "ServerCertificates",
            ["iam:GetServerCertificate"],
            [names.arn("iam", "server-certificate/*", regional=False)],
        ),
        allow("ServiceRole", ["iam:CreateServiceLinkedRole"], [names.arn("iam", role, regional=False)], first_use),
    )


def _security_groups(names: Names, full: str) -> tuple[Statement, ...]:
    groups = [names.arn("ec2", "security-group/*")]
    new, mine = _requested(full), _owned(full)
    creating = {"StringEquals": {**new["StringEquals"], "ec2:CreateAction": "CreateSecurityGroup"}}
    # EKS puts this tag on the security group of a cluster's nodes.
    nodes = {"StringEquals": {f"aws:ResourceTag/kubernetes.io/cluster/{full}": "owned"}}
    rules = ["ec2:AuthorizeSecurityGroupIngress", "ec2:RevokeSecurityGroupIngress"]
    return (
        allow("CreateGroupIn", ["ec2:CreateSecurityGroup"], [names.arn("ec2", "vpc/*")]),
        allow("CreateGroup", ["ec2:CreateSecurityGroup"], groups, new),
        allow("TagNewGroup", ["ec2:CreateTags"], groups, creating),
        allow("OwnGroups", [*rules, "ec2:DeleteSecurityGroup", "ec2:CreateTags", "ec2:DeleteTags"], groups, mine),
        allow("NodeGroups", rules, groups, nodes),
    )


def _load_balancers(names: Names, full: str) -> tuple[Statement, ...]:
    both = [_elb(names, "loadbalancer/*"), _elb(names, "targetgroup/*")]
    listeners = [_elb(names, "listener/*"), _elb(names, "listener-rule/*")]
    new, mine = _requested(full), _owned(full)
    creating = {
        "StringEquals": {
            **new["StringEquals"],
            "elasticloadbalancing:CreateAction": ["CreateLoadBalancer", "CreateTargetGroup"],
        }
    }
    tags = ["elasticloadbalancing:AddTags", "elasticloadbalancing:RemoveTags"]
    targets = ["elasticloadbalancing:DeregisterTargets", "elasticloadbalancing:RegisterTargets"]
    create = ["elasticloadbalancing:CreateLoadBalancer", "elasticloadbalancing:CreateTargetGroup"]
    return (
        allow("Create", create, both, new),
        allow("TagNew", ["elasticloadbalancing:AddTags"], both, creating),
        allow("OwnTags", tags, both, mine),
        allow("Own", [f"elasticloadbalancing:{one}" for one in CHANGE_OWN], both, mine),
        # Listeners of older controllers carry no tag: they are held to this account and region.
        allow("ListenerTags", tags, listeners),
        allow("Listeners", [f"elasticloadbalancing:{one}" for one in CHANGE_LISTENERS], [*listeners, both[0]]),
        allow("Targets", targets, [both[1]]),
    )


def _elb(names: Names, resource: str) -> str:
    return names.arn("elasticloadbalancing", resource)


def _requested(full: str) -> dict[str, dict[str, str]]:
    return {"StringEquals": {f"aws:RequestTag/{OWNER_TAG}": full}}


def _owned(full: str) -> dict[str, dict[str, str]]:
    return {"StringEquals": {f"aws:ResourceTag/{OWNER_TAG}": full}}
