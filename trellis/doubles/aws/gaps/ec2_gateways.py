"""Gateways and addresses of EC2 as AWS has them: what hangs on what, and in which order it goes."""

from __future__ import annotations

from typing import Any

from trellis.doubles.aws.gaps.ec2_placement import fits
from trellis.doubles.aws.gaps.fill import Bag, Call, Refusal, serves


@serves("ec2", "CreateNatGateway", reason="moto makes it where there is no internet gateway, and of an address in use")
def create_nat(call: Call) -> Bag:
    """A NAT gateway; a public one fails in a VPC that has no way to the internet."""
    params = call.params
    subnet = call.backend.get_subnet(params["SubnetId"])
    public = params.get("ConnectivityType", "public") == "public"
    if public and not params.get("AllocationId"):
        raise Refusal("MissingParameter", "The request must include the AllocationId parameter.")
    for address in call.backend.address_by_allocation([params["AllocationId"]]) if public else []:
        if address.association_id:
            message = f"Elastic IP address [{params['AllocationId']}] is already associated"
            raise Refusal("InvalidParameterValue", message)
    made = call.moto()["NatGateway"]
    if public and not _attached(call, subnet.vpc_id):
        nat = call.backend.nat_gateways[made["NatGatewayId"]]
        _release(call, nat)
        nat.state = "failed"
        why = {
            "State": "failed",
            "FailureCode": "Gateway.NotAttached",
            "FailureMessage": f"Network {subnet.vpc_id} has no Internet gateway attached",
        }
        call.store("failed")[nat.id] = why
        made |= why
    return {"NatGateway": made}


@serves("ec2", "DescribeNatGateways", reason="moto knows no filter by tag")
def describe_nats(call: Call) -> Bag:
    """NAT gateways, with the reason where one failed."""
    filters = {"Filter": [], **call.params}["Filter"]
    ids = call.params.get("NatGatewayIds", [])
    found = call.backend.describe_nat_gateways(None, ids)
    shown = [_shown(call, one) for one in found]
    return {"NatGateways": [one for one in shown if fits(one, filters)]}


@serves("ec2", "DeleteNatGateway", reason="moto keeps its address and its network interface")
def delete_nat(call: Call) -> Bag:
    """A NAT gateway with its interface; its address is free again."""
    id_ = call.params["NatGatewayId"]
    nat = call.backend.nat_gateways.get(id_)
    if nat is None or nat.state == "deleted":
        raise Refusal("NatGatewayNotFound", f"The Nat Gateway {id_} was not found")
    if nat.state != "failed":
        _release(call, nat)
    nat.state = "deleted"
    return {"NatGatewayId": id_}


@serves("ec2", "DetachInternetGateway", reason="moto takes the way to the internet from under public addresses")
def detach(call: Call) -> Bag:
    """An internet gateway from a VPC in which no address is public any more."""
    vpc = call.params["VpcId"]
    for address in call.backend.addresses:
        if address.eni is not None and address.eni.subnet.vpc_id == vpc:
            message = f"Network {vpc} has some mapped public address(es). Please unmap those public address(es) before "
            raise Refusal("DependencyViolation", f"{message}detaching the gateway.")
    return call.moto()


@serves("ec2", "ReleaseAddress", reason="moto releases an address in use")
def release(call: Call) -> Bag:
    """An address that nothing uses."""
    id_ = call.params.get("AllocationId", "")
    for address in call.backend.address_by_allocation([id_]) if id_ else []:
        if address.association_id:
            raise Refusal("InvalidIPAddress.InUse", f"Address {address.public_ip} is in use.")
    return call.moto()


def _attached(call: Call, vpc: str) -> bool:
    return any(one.vpc is not None and one.vpc.id == vpc for one in call.backend.internet_gateways.values())


def _release(call: Call, nat: Any) -> None:
    for address in call.backend.addresses:
        if address.eni is not None and address.eni.id == nat._eni.id:
            call.backend.disassociate_address(association_id=address.association_id)
    call.backend.enis.pop(nat._eni.id, None)


def _shown(call: Call, nat: Any) -> Bag:
    addresses = [{key[:1].upper() + key[1:]: value for key, value in one.items()} for one in nat.address_set]
    return {
        "NatGatewayId": nat.id,
        "SubnetId": nat.subnet_id,
        "VpcId": nat.vpc_id,
        "State": nat.state,
        "ConnectivityType": nat.connectivity_type or "public",
        "CreateTime": nat._created_at,
        "NatGatewayAddresses": addresses,
        "Tags": [{"Key": one["key"], "Value": one["value"]} for one in nat.get_tags()],
        **(call.store("failed").get(nat.id, {}) if nat.state == "failed" else {}),
    }
