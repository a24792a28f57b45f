"""EKS: the cluster's own security group, its stand-in, what stands in it, and in which order things may go."""

from __future__ import annotations

import dataclasses
from functools import partial
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.doubles.aws import places
from tests.doubles.aws.lives import Thing, drifted, live, make, untouched
from trellis.doubles.aws.kinds import simulated
from trellis.doubles.aws.session import AwsSession
from trellis.doubles.errors import Refused

VIEW = "arn:aws:eks::aws:cluster-access-policy/AmazonEKSViewPolicy"
NOBODY = "arn:aws:iam::444455556666:role/nobody"
STRANGER = "arn:aws:iam::111122223333:role/auditors"


@pytest.fixture
def at(aws: AwsSession) -> places.Network:
    return places.network(aws)


def group(aws: AwsSession, at: places.Network, **more: Any) -> Thing:
    template = aws.client("ec2").create_launch_template(
        LaunchTemplateName="nodes", LaunchTemplateData={"InstanceType": "m7i.large"}
    )["LaunchTemplate"]
    inputs = {
        "clusterName": "main",
        "version": "1.35",
        "nodeRoleArn": places.role(aws, "nodes"),
        "subnetIds": at.subnets,
        "amiType": "AL2023_x86_64_STANDARD",
        "capacityType": "ON_DEMAND",
        "instanceTypes": ["m7i.large", "m6i.large"],
        "labels": {"trellis.dev/pool": "system"},
        "taints": [{"key": "nvidia.com/gpu", "value": "present", "effect": "NO_SCHEDULE"}],
        "launchTemplate": {"id": template["LaunchTemplateId"], "version": "1"},
        "scalingConfig": {"minSize": 1, "maxSize": 3, "desiredSize": 1},
        "updateConfig": {"maxUnavailable": 1},
        "tags": {"a": "b"},
    }
    return make(aws, "eks/nodeGroup:NodeGroup", "system", **{**inputs, **more})


def addon(aws: AwsSession, **more: Any) -> Thing:
    how = {"resolveConflictsOnCreate": "OVERWRITE", "resolveConflictsOnUpdate": "OVERWRITE"}
    return make(aws, "eks/addon:Addon", "coredns", clusterName="main", addonName="coredns", **how, **more)


def entry(aws: AwsSession, principal: str = STRANGER, **more: Any) -> Thing:
    return make(aws, "eks/accessEntry:AccessEntry", "auditors", clusterName="main", principalArn=principal, **more)


def association(aws: AwsSession, role: str) -> Thing:
    where = {"clusterName": "main", "namespace": "kube-system", "serviceAccount": "controller"}
    return make(aws, "eks/podIdentityAssociation:PodIdentityAssociation", "one", roleArn=role, **where)


def test_cluster(aws: AwsSession, at: places.Network) -> None:
    thing = places.cluster(aws, at)
    public = {"endpointPrivateAccess": True, "endpointPublicAccess": True, "publicAccessCidrs": ["192.0.2.0/24"]}
    untouched(thing)
    thing.update(vpcConfig={**public, "subnetIds": at.subnets})
    assert thing.outputs["vpcConfig"]["publicAccessCidrs"] == ["192.0.2.0/24"]
    live(thing, version="1.36", enabledClusterLogTypes=["api", "audit", "scheduler"], tags={"a": "b"})


def test_a_cluster_has_a_real_security_group_and_takes_it_away(aws: AwsSession, at: places.Network) -> None:
    thing, ec2 = places.cluster(aws, at), aws.client("ec2")
    own = thing.outputs["vpcConfig"]["clusterSecurityGroupId"]
    assert ec2.describe_security_groups(GroupIds=[own])["SecurityGroups"][0]["VpcId"] == at.vpc
    thing.delete()
    with pytest.raises(ClientError, match=r"InvalidGroup\.NotFound"):
        ec2.describe_security_groups(GroupIds=[own])


def test_a_cluster_answers_where_its_stand_in_does(aws: AwsSession, at: places.Network) -> None:
    aws = dataclasses.replace(aws, clusters={"main": ("https://127.0.0.1:6443", "Q0E=")})
    thing = places.cluster(aws, at)
    assert thing.outputs["endpoint"] == "https://127.0.0.1:6443"
    assert thing.outputs["certificateAuthority"] == {"data": "Q0E="}


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"roleArn": NOBODY}, "nobody, does not exist"),
        ({"vpcConfig": {"subnetIds": ["subnet-0", "subnet-1"]}}, "subnet-0, subnet-1' do not exist"),
        (
            {
                "encryptionConfig": {
                    "provider": {"keyArn": "arn:aws:kms:us-east-1:1:key/none"},
                    "resources": ["secrets"],
                }
            },
            "key/none does not exist",
        ),
    ],
)
def test_what_a_cluster_names_must_exist(aws: AwsSession, at: places.Network, wrong: dict[str, Any], said: str) -> None:
    with pytest.raises(Refused, match=said):
        places.cluster(aws, at, **wrong)


def test_a_cluster_needs_two_zones(aws: AwsSession, at: places.Network) -> None:
    with pytest.raises(Refused, match="two different AZs"):
        places.cluster(aws, at, vpcConfig={"subnetIds": at.subnets[:1]})


def test_a_taken_cluster_name_is_refused(aws: AwsSession, at: places.Network) -> None:
    places.cluster(aws, at)
    with pytest.raises(Refused, match="ResourceInUseException"):
        places.cluster(aws, at, roleArn=places.role(aws, "other"))


def test_versions_go_up_one_by_one(aws: AwsSession, at: places.Network) -> None:
    thing = places.cluster(aws, at)
    with pytest.raises(Refused, match="Unsupported Kubernetes minor version"):
        thing.update(version="1.37")


def test_node_group(aws: AwsSession, at: places.Network) -> None:
    places.cluster(aws, at)
    live(
        group(aws, at),
        labels={"trellis.dev/pool": "other", "more": "yes"},
        taints=[],
        scalingConfig={"minSize": 2, "maxSize": 3, "desiredSize": 2},
        tags={"c": "d"},
    )


def test_labels_that_somebody_put_are_drift(aws: AwsSession, at: places.Network) -> None:
    places.cluster(aws, at)
    thing = group(aws, at)
    where = {"clusterName": "main", "nodegroupName": thing.outputs["nodeGroupName"]}
    aws.client("eks").update_nodegroup_config(**where, labels={"addOrUpdateLabels": {"foreign": "yes"}})
    assert drifted(thing) == {"labels"}


def test_a_cluster_with_nodes_is_not_deleted(aws: AwsSession, at: places.Network) -> None:
    home = places.cluster(aws, at)
    nodes = group(aws, at)
    with pytest.raises(Refused, match="nodegroups attached"):
        home.delete()
    nodes.delete()
    home.delete()
    assert home.read() is None


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"clusterName": "none"}, "No cluster found"),
        ({"nodeRoleArn": NOBODY}, "nobody, does not exist"),
        ({"launchTemplate": {"id": "lt-0", "version": "1"}}, "do not exist"),
    ],
)
def test_what_a_node_group_names_must_exist(
    aws: AwsSession, at: places.Network, wrong: dict[str, Any], said: str
) -> None:
    places.cluster(aws, at)
    with pytest.raises(Refused, match=said):
        group(aws, at, **wrong)


def test_addon(aws: AwsSession, at: places.Network) -> None:
    places.cluster(aws, at)
    thing = addon(aws, configurationValues='{"a": 1}', tags={"a": "b"})
    live(thing, configurationValues='{"a": 2}', addonVersion="v2", tags={"c": "d"})


def test_access_entry(aws: AwsSession, at: places.Network) -> None:
    places.cluster(aws, at)
    live(entry(aws), kubernetesGroups=["readers"], tags={"a": "b"})


def test_access_policy(aws: AwsSession, at: places.Network) -> None:
    places.cluster(aws, at)
    entry(aws)
    where = {"clusterName": "main", "principalArn": STRANGER, "policyArn": VIEW}
    thing = make(
        aws, "eks/accessPolicyAssociation:AccessPolicyAssociation", "a", accessScope={"type": "cluster"}, **where
    )
    live(thing, accessScope={"type": "namespace", "namespaces": ["b", "a"]})


def test_pod_identity(aws: AwsSession, at: places.Network) -> None:
    places.cluster(aws, at)
    other = places.role(aws, "other")
    live(association(aws, places.role(aws, "controller")), roleArn=other, tags={"a": "b"})


def test_nothing_is_made_twice(aws: AwsSession, at: places.Network) -> None:
    places.cluster(aws, at)
    role = places.role(aws, "controller")
    for again in (partial(addon, aws), partial(entry, aws), partial(association, aws, role)):
        again()
        with pytest.raises(Refused, match="ResourceInUseException"):
            again()


def test_what_stands_in_a_cluster_needs_it(aws: AwsSession) -> None:
    role = places.role(aws, "controller")
    for one in (partial(addon, aws), partial(entry, aws), partial(association, aws, role)):
        with pytest.raises(Refused, match="No cluster found"):
            one()


def test_roles_of_entries_and_associations_must_exist(aws: AwsSession, at: places.Network) -> None:
    places.cluster(aws, at)
    for one in (partial(entry, aws, NOBODY), partial(association, aws, NOBODY)):
        with pytest.raises(Refused, match="nobody, does not exist"):
            one()


def test_what_stands_in_a_cluster_goes_with_it(aws: AwsSession, at: places.Network) -> None:
    home = places.cluster(aws, at)
    inside = [addon(aws), entry(aws), association(aws, places.role(aws, "controller"))]
    home.delete()
    for one in inside:
        assert one.read() is None
        one.delete()


def test_nodes_take_no_access_policy(aws: AwsSession, at: places.Network) -> None:
    places.cluster(aws, at)
    group(aws, at)
    arn = f"arn:aws:iam::{aws.account}:role/nodes"
    with pytest.raises(Refused, match="takes no policies"):
        make(
            aws,
            "eks/accessPolicyAssociation:AccessPolicyAssociation",
            "a",
            clusterName="main",
            principalArn=arn,
            policyArn=VIEW,
            accessScope={"type": "cluster"},
        )


def test_what_moto_lacks_is_named() -> None:
    assert {one for one in simulated() if one.startswith("aws:eks/")} == {
        "aws:eks/accessEntry:AccessEntry",
        "aws:eks/accessPolicyAssociation:AccessPolicyAssociation",
        "aws:eks/addon:Addon",
        "aws:eks/podIdentityAssociation:PodIdentityAssociation",
    }
