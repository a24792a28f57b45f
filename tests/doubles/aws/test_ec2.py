"""EC2's security groups, launch templates and placement groups."""

from __future__ import annotations

from typing import Any

import pytest

from tests.doubles.aws import places
from tests.doubles.aws.lives import Thing, drifted, live, make
from trellis.doubles.aws.session import AwsSession
from trellis.doubles.errors import Refused

DISK = {"deviceName": "/dev/xvda", "ebs": {"deleteOnTermination": "true", "encrypted": "true", "volumeSize": 60}}


def group(aws: AwsSession, vpc: str, name: str = "nodes", **inputs: Any) -> Thing:
    return make(
        aws, "ec2/securityGroup:SecurityGroup", name, **{"vpcId": vpc, "name": name, "description": "x", **inputs}
    )


def rule(aws: AwsSession, way: str, of: Thing, **inputs: Any) -> Thing:
    name = f"SecurityGroup{way}Rule"
    return make(aws, f"vpc/securityGroup{way}Rule:{name}", way, securityGroupId=of.id, **inputs)


def template(aws: AwsSession, **inputs: Any) -> Thing:
    given = {
        "blockDeviceMappings": [DISK],
        "metadataOptions": {"httpTokens": "required", "httpPutResponseHopLimit": 1},
        "tagSpecifications": [{"resourceType": "instance", "tags": {"team": "ml"}}],
        "updateDefaultVersion": True,
    }
    return make(aws, "ec2/launchTemplate:LaunchTemplate", "system", **{**given, **inputs})


@pytest.fixture
def vpc(aws: AwsSession) -> str:
    return places.network(aws).vpc


def test_security_group(aws: AwsSession, vpc: str) -> None:
    live(group(aws, vpc), tags={"a": "b"})


def test_a_new_group_lets_nothing_out(aws: AwsSession, vpc: str) -> None:
    found = aws.client("ec2").describe_security_groups(GroupIds=[group(aws, vpc).id])["SecurityGroups"][0]
    assert found["IpPermissionsEgress"] == []


def test_a_taken_group_name_is_refused(aws: AwsSession, vpc: str) -> None:
    group(aws, vpc)
    with pytest.raises(Refused, match=r"InvalidGroup\.Duplicate"):
        group(aws, vpc)


@pytest.mark.parametrize("way", ["Ingress", "Egress"])
def test_rule_for_addresses(aws: AwsSession, vpc: str, way: str) -> None:
    given = {"cidrIpv4": "10.0.0.0/16", "ipProtocol": "tcp", "fromPort": 443, "toPort": 443}
    live(rule(aws, way, group(aws, vpc), **given), tags={"a": "b"})


@pytest.mark.parametrize("way", ["Ingress", "Egress"])
def test_rule_for_a_group(aws: AwsSession, vpc: str, way: str) -> None:
    one = group(aws, vpc)
    live(rule(aws, way, one, referencedSecurityGroupId=one.id, ipProtocol="-1", description="all of us"))


def test_a_rule_twice_is_refused(aws: AwsSession, vpc: str) -> None:
    one = group(aws, vpc)
    given = {"cidrIpv4": "10.0.0.0/16", "ipProtocol": "tcp", "fromPort": 443, "toPort": 443}
    rule(aws, "Ingress", one, **given)
    with pytest.raises(Refused, match=r"InvalidPermission\.Duplicate"):
        rule(aws, "Ingress", one, **given)


def test_a_rule_for_a_group_that_is_not_there_is_refused(aws: AwsSession, vpc: str) -> None:
    with pytest.raises(Refused, match=r"InvalidGroup\.NotFound|does not exist"):
        rule(aws, "Ingress", group(aws, vpc), referencedSecurityGroupId="sg-0", ipProtocol="-1")


def test_a_group_that_another_names_is_not_deleted(aws: AwsSession, vpc: str) -> None:
    one, other = group(aws, vpc), group(aws, vpc, "other")
    names = rule(aws, "Ingress", other, referencedSecurityGroupId=one.id, ipProtocol="-1")
    with pytest.raises(Refused, match=f"DependencyViolation.*security group {other.id}"):
        one.delete()
    names.delete()
    one.delete()
    assert one.read() is None


def test_launch_template(aws: AwsSession) -> None:
    thing = template(aws, tags={"a": "b"})
    assert (thing.outputs["latestVersion"], thing.outputs["defaultVersion"]) == (1, 1)
    live(thing, metadataOptions={"httpTokens": "required", "httpPutResponseHopLimit": 2}, tags={"c": "d"})


def test_each_change_of_a_template_is_a_version(aws: AwsSession) -> None:
    thing = template(aws)
    thing.update(instanceType="g6.xlarge")
    assert (thing.outputs["latestVersion"], thing.outputs["defaultVersion"]) == (2, 2)
    thing.update(instanceType="g6.2xlarge", updateDefaultVersion=False)
    assert (thing.outputs["latestVersion"], thing.outputs["defaultVersion"]) == (3, 2)


def test_a_template_with_network_interfaces(aws: AwsSession, vpc: str) -> None:
    one = {"deviceIndex": 0, "networkCardIndex": 0, "interfaceType": "efa", "securityGroups": [group(aws, vpc).id]}
    thing = template(aws, networkInterfaces=[one], placement={"groupName": "x"})
    assert drifted(thing) == set()


def test_a_template_with_a_property_that_aws_lacks_is_refused(aws: AwsSession) -> None:
    with pytest.raises(Refused, match="has no colour"):
        template(aws, colour="red")


def test_a_taken_template_name_is_refused(aws: AwsSession) -> None:
    template(aws, name="one")
    with pytest.raises(Refused, match="AlreadyExists"):
        template(aws, name="one")


def test_placement_group(aws: AwsSession) -> None:
    thing = make(aws, "ec2/placementGroup:PlacementGroup", "fabric", name="fabric", strategy="cluster")
    with pytest.raises(Refused, match=r"InvalidPlacementGroup\.Duplicate"):
        make(aws, "ec2/placementGroup:PlacementGroup", "fabric", name="fabric", strategy="cluster")
    live(thing, tags={"a": "b"})
