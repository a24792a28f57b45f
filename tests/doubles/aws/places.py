"""What many resources need before them: a network, a role, a key. Made by plain boto3, beside the double."""

from __future__ import annotations

import contextlib
import json
from dataclasses import dataclass

from tests.doubles.aws.lives import Thing, make
from trellis.doubles.aws.session import AwsSession

SERVICES = ("eks.amazonaws.com", "ec2.amazonaws.com", "pods.eks.amazonaws.com")


@dataclass(frozen=True)
class Network:
    """A VPC with two subnets in two zones and a security group."""

    vpc: str
    subnets: list[str]
    group: str


def network(aws: AwsSession) -> Network:
    """Make one."""
    ec2 = aws.client("ec2")
    vpc = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
    subnets = [
        ec2.create_subnet(VpcId=vpc, CidrBlock=f"10.0.{index}.0/24", AvailabilityZone=f"{aws.region}{zone}")["Subnet"]
        for index, zone in enumerate("ab")
    ]
    group = ec2.create_security_group(GroupName="some", Description="some", VpcId=vpc)["GroupId"]
    return Network(vpc, [one["SubnetId"] for one in subnets], group)


def role(aws: AwsSession, name: str) -> str:
    """Make a role unless there is one; its ARN."""
    statement = {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"Service": list(SERVICES)}}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    iam = aws.client("iam")
    with contextlib.suppress(iam.exceptions.EntityAlreadyExistsException):
        iam.create_role(RoleName=name, AssumeRolePolicyDocument=policy)
    arn: str = iam.get_role(RoleName=name)["Role"]["Arn"]
    return arn


def cluster(aws: AwsSession, at: Network, name: str = "main", **more: object) -> Thing:
    """Make an EKS cluster as the stacks have it."""
    key = make(aws, "kms/key:Key", "secrets", deletionWindowInDays=7)
    inputs = {
        "name": name,
        "version": "1.35",
        "roleArn": role(aws, f"{name}-control-plane"),
        "bootstrapSelfManagedAddons": False,
        "accessConfig": {"authenticationMode": "API", "bootstrapClusterCreatorAdminPermissions": False},
        "enabledClusterLogTypes": ["audit", "api"],
        "encryptionConfig": {"provider": {"keyArn": key.outputs["arn"]}, "resources": ["secrets"]},
        "kubernetesNetworkConfig": {"serviceIpv4Cidr": "172.20.0.0/16"},
        "upgradePolicy": {"supportType": "STANDARD"},
        "vpcConfig": {"endpointPrivateAccess": True, "endpointPublicAccess": False, "subnetIds": at.subnets},
    }
    return make(aws, "eks/cluster:Cluster", name, **{**inputs, **more})
