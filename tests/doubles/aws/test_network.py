"""EC2's network, each resource through its life, and the orders in which AWS lets things come and go."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from tests.doubles.aws.lives import Thing, drifted, live, make
from trellis.doubles.aws.session import AwsSession
from trellis.doubles.errors import NotReady, Refused

CIDR = "10.0.0.0/16"


def vpc(aws: AwsSession, name: str = "vpc", **inputs: Any) -> Thing:
    return make(aws, "ec2/vpc:Vpc", name, **{"cidrBlock": CIDR, **inputs})


def subnet(aws: AwsSession, home: Thing, index: int = 0, **inputs: Any) -> Thing:
    given = {"vpcId": home.id, "cidrBlock": f"10.0.{index}.0/24", "availabilityZoneId": f"use1-az{index + 1}"}
    return make(aws, "ec2/subnet:Subnet", f"subnet-{index}", **{**given, **inputs})


def gateway(aws: AwsSession, home: Thing) -> Thing:
    return make(aws, "ec2/internetGateway:InternetGateway", "internet", vpcId=home.id)


def eip(aws: AwsSession) -> Thing:
    return make(aws, "ec2/eip:Eip", "nat", domain="vpc")


def nat(aws: AwsSession, home: Thing, address: Thing) -> Thing:
    return make(aws, "ec2/natGateway:NatGateway", "nat", allocationId=address.id, subnetId=home.id)


def table(aws: AwsSession, home: Thing) -> Thing:
    return make(aws, "ec2/routeTable:RouteTable", "table", vpcId=home.id)


def route(aws: AwsSession, at: Thing, **target: Any) -> Thing:
    return make(aws, "ec2/route:Route", "out", routeTableId=at.id, destinationCidrBlock="0.0.0.0/0", **target)


def associate(aws: AwsSession, at: Thing, of: Thing) -> Thing:
    return make(aws, "ec2/routeTableAssociation:RouteTableAssociation", "in", routeTableId=at.id, subnetId=of.id)


def endpoint(aws: AwsSession, home: Thing, **inputs: Any) -> Thing:
    service = f"com.amazonaws.{aws.region}.ec2"
    return make(aws, "ec2/vpcEndpoint:VpcEndpoint", "ec2", **{"vpcId": home.id, "serviceName": service, **inputs})


def test_vpc(aws: AwsSession) -> None:
    thing = vpc(aws, enableDnsHostnames=True, enableDnsSupport=True, tags={"Name": "main"})
    assert thing.outputs["tagsAll"] == {"Name": "main", "team": "ml"}
    live(thing, enableDnsHostnames=False, tags={"Name": "other"})


def test_two_vpcs_may_be_alike(aws: AwsSession) -> None:
    assert vpc(aws).id != vpc(aws).id


def test_subnet(aws: AwsSession) -> None:
    thing = subnet(aws, vpc(aws), mapPublicIpOnLaunch=True, tags={"Name": "public"})
    assert thing.outputs["availabilityZone"].startswith(aws.region)
    live(thing, mapPublicIpOnLaunch=False, tags={"Name": "private"})


def test_a_subnet_has_no_public_addresses_unless_it_says_so(aws: AwsSession) -> None:
    assert subnet(aws, vpc(aws)).outputs["mapPublicIpOnLaunch"] is False


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ({"vpcId": "vpc-0"}, "InvalidVpcID.NotFound"),
        ({"cidrBlock": "10.9.0.0/24"}, "InvalidSubnet.Range"),
        ({"cidrBlock": "10.0.0.0/25"}, "InvalidSubnet.Conflict"),
    ],
)
def test_a_wrong_subnet_is_refused(aws: AwsSession, wrong: dict[str, Any], told: str) -> None:
    home = vpc(aws)
    subnet(aws, home)
    with pytest.raises(Refused, match=told):
        subnet(aws, home, 1, **wrong)


def test_internet_gateway(aws: AwsSession) -> None:
    thing = gateway(aws, vpc(aws))
    live(thing, vpcId=vpc(aws).id, tags={"a": "b"})


def test_address(aws: AwsSession) -> None:
    live(eip(aws), tags={"a": "b"})


def test_nat_gateway(aws: AwsSession) -> None:
    home = vpc(aws)
    gateway(aws, home)
    thing = nat(aws, subnet(aws, home), eip(aws))
    assert thing.outputs["publicIp"]
    live(thing, tags={"a": "b"})


def test_flow_log(aws: AwsSession) -> None:
    log = make(aws, "cloudwatch/logGroup:LogGroup", "flow", name="flow")
    role = f"arn:aws:iam::{aws.account}:role/flow"
    given = {"vpcId": vpc(aws).id, "trafficType": "ALL", "logDestination": log.outputs["arn"], "iamRoleArn": role}
    live(make(aws, "ec2/flowLog:FlowLog", "flow", **given), tags={"a": "b"})


def test_route_table(aws: AwsSession) -> None:
    live(table(aws, vpc(aws)), tags={"a": "b"})


def test_route(aws: AwsSession) -> None:
    home = vpc(aws)
    at, way = table(aws, home), gateway(aws, home)
    thing = route(aws, at, gatewayId=way.id)
    assert thing.id.startswith(f"r-{at.id}")
    live(thing, f"{at.id}_0.0.0.0/0")


def test_a_route_changes_its_target_in_place(aws: AwsSession) -> None:
    home = vpc(aws)
    at, way = table(aws, home), gateway(aws, home)
    through = nat(aws, subnet(aws, home), eip(aws))
    thing = route(aws, at, gatewayId=way.id)
    thing.update(gatewayId=None, natGatewayId=through.id)
    assert thing.outputs["natGatewayId"] == through.id
    assert drifted(thing) == set()


def test_a_second_way_to_one_destination_is_refused(aws: AwsSession) -> None:
    home = vpc(aws)
    at, way = table(aws, home), gateway(aws, home)
    route(aws, at, gatewayId=way.id)
    with pytest.raises(Refused, match="RouteAlreadyExists"):
        route(aws, at, gatewayId=way.id)


def test_a_way_through_a_gateway_that_is_gone_is_refused(aws: AwsSession) -> None:
    home = vpc(aws)
    gateway(aws, home)
    through = nat(aws, subnet(aws, home), eip(aws))
    through.delete()
    with pytest.raises(Refused, match=r"InvalidNatGatewayID\.NotFound"):
        route(aws, table(aws, home), natGatewayId=through.id)


def test_association(aws: AwsSession) -> None:
    home = vpc(aws)
    at, of = table(aws, home), subnet(aws, home)
    thing = associate(aws, at, of)
    with pytest.raises(Refused, match=r"Resource\.AlreadyAssociated"):
        associate(aws, table(aws, home), of)
    live(thing, f"{of.id}/{at.id}")


def test_an_association_changes_its_table_in_place(aws: AwsSession) -> None:
    home = vpc(aws)
    first, second, of = table(aws, home), table(aws, home), subnet(aws, home)
    thing = associate(aws, first, of)
    thing.update(routeTableId=second.id)
    assert drifted(thing) == set()
    thing.delete()
    second.delete()
    assert second.read() is None


def test_interface_endpoint(aws: AwsSession) -> None:
    home = vpc(aws)
    first, second = subnet(aws, home), subnet(aws, home, 1)
    group = make(aws, "ec2/securityGroup:SecurityGroup", "endpoints", vpcId=home.id, description="x")
    inputs = {"subnetIds": [first.id], "securityGroupIds": [group.id], "privateDnsEnabled": True}
    thing = endpoint(aws, home, vpcEndpointType="Interface", **inputs)
    with pytest.raises(Refused, match="private-dns-enabled cannot be set"):
        endpoint(aws, home, vpcEndpointType="Interface", **inputs)
    live(thing, subnetIds=[first.id, second.id], tags={"a": "b"})


def test_gateway_endpoint(aws: AwsSession) -> None:
    home = vpc(aws)
    first, second = table(aws, home), table(aws, home)
    inputs = {"routeTableIds": [first.id], "serviceName": f"com.amazonaws.{aws.region}.s3"}
    thing = endpoint(aws, home, vpcEndpointType="Gateway", **inputs)
    with pytest.raises(Refused, match="RouteAlreadyExists"):
        endpoint(aws, home, vpcEndpointType="Gateway", **inputs)
    live(thing, routeTableIds=[first.id, second.id])


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ({"vpcId": "vpc-0"}, "InvalidVpcID.NotFound"),
        ({"subnetIds": ["subnet-0"]}, "InvalidSubnetID.NotFound"),
        ({"securityGroupIds": ["sg-0"]}, "InvalidGroup.NotFound"),
        ({"routeTableIds": ["rtb-0"]}, "InvalidRouteTableID.NotFound"),
    ],
)
def test_what_an_endpoint_names_must_exist(aws: AwsSession, wrong: dict[str, Any], told: str) -> None:
    with pytest.raises(Refused, match=told):
        endpoint(aws, vpc(aws), **wrong)


def test_a_public_nat_gateway_fails_without_a_way_to_the_internet(aws: AwsSession) -> None:
    address = eip(aws)
    with pytest.raises(NotReady, match="has no Internet gateway attached") as failed:
        nat(aws, subnet(aws, vpc(aws)), address)
    assert failed.value.id.startswith("nat-")
    address.delete()
    assert address.read() is None, "a NAT gateway that failed gives its address back"


def test_an_address_serves_one_gateway(aws: AwsSession) -> None:
    home, address = vpc(aws), eip(aws)
    gateway(aws, home)
    nat(aws, subnet(aws, home), address)
    with pytest.raises(Refused, match="already associated"):
        nat(aws, subnet(aws, home, 1), address)


def test_a_network_is_taken_down_in_one_order_only(aws: AwsSession) -> None:
    home, address = vpc(aws), eip(aws)
    way, place = gateway(aws, home), subnet(aws, home)
    through, at = nat(aws, place, address), table(aws, home)
    link = associate(aws, at, place)
    group = make(aws, "ec2/securityGroup:SecurityGroup", "nodes", vpcId=home.id, description="x")
    for thing, told in (
        (home, "DependencyViolation"),
        (way, "mapped public address"),
        (place, f"network interface {through.outputs['networkInterfaceId']}"),
        (address, r"InvalidIPAddress\.InUse"),
        (at, "DependencyViolation"),
    ):
        with pytest.raises(Refused, match=told):
            thing.delete()
        assert thing.read() is not None
    for thing in (link, through, address, way, place, at):
        thing.delete()
    with pytest.raises(Refused, match=f"security group {group.id}"):
        home.delete()
    group.delete()
    home.delete()
    assert home.read() is None


def test_a_deletion_waits_for_what_is_on_its_way_out(aws: AwsSession) -> None:
    patient = replace(aws, patience=30)
    home = vpc(patient)
    place = subnet(patient, home)
    ec2 = aws.client("ec2")
    asked: list[str] = []

    def leave(**_: Any) -> None:
        asked.append("delete")
        if len(asked) == 2:
            ec2.delete_subnet(SubnetId=place.id)

    ec2.meta.events.register("before-call.ec2.DeleteVpc", leave)
    try:
        home.delete()
    finally:
        ec2.meta.events.unregister("before-call.ec2.DeleteVpc", leave)
    assert home.read() is None


def test_foreign_changes_are_drift(aws: AwsSession) -> None:
    home = vpc(aws, enableDnsSupport=True, tags={"Name": "main"})
    ec2 = aws.client("ec2")
    ec2.modify_vpc_attribute(VpcId=home.id, EnableDnsSupport={"Value": False})
    ec2.create_tags(Resources=[home.id], Tags=[{"Key": "Name", "Value": "other"}])
    assert drifted(home) == {"enableDnsSupport", "tags"}
