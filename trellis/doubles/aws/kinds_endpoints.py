"""EC2's endpoints: ways from a VPC to AWS's services without the internet."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from trellis.doubles.aws.ec2_shape import Ec2, outputs
from trellis.doubles.aws.shape import Aws, Shape, changed, sent
from trellis.doubles.errors import Refused
from trellis.doubles.provider import Bag


class VpcEndpoint(Ec2):
    """`aws:ec2/vpcEndpoint:VpcEndpoint`, gateway or interface."""

    gone = ("InvalidVpcEndpointId.NotFound",)
    kind = "vpc-endpoint"
    _sets: Final = {"routeTableIds": "RouteTableIds", "subnetIds": "SubnetIds", "securityGroupIds": "SecurityGroupIds"}
    _names: Final = {
        "vpcId": "VpcId",
        "serviceName": "ServiceName",
        "vpcEndpointType": "VpcEndpointType",
        "privateDnsEnabled": "PrivateDnsEnabled",
        "policy": "PolicyDocument",
        **_sets,
    }

    def make(self, aws: Aws, name: str, inputs: Bag, tags: dict[str, str]) -> str:
        wanted = {"VpcEndpointType": "Gateway", "PrivateDnsEnabled": False, **sent(inputs, self._names)}
        made = aws.client("ec2").create_vpc_endpoint(**wanted, TagSpecifications=self.tagged(tags))
        id_: str = made["VpcEndpoint"]["VpcEndpointId"]
        return id_

    def show(self, aws: Aws, id_: str, known: Bag) -> Bag | None:
        found = aws.client("ec2").describe_vpc_endpoints(VpcEndpointIds=[id_])["VpcEndpoints"][0]
        if found["State"].lower() in ("deleted", "deleting"):
            return None
        plain = {"VpcId", "ServiceName", "VpcEndpointType", "PrivateDnsEnabled", "State", "OwnerId"}
        dns = [
            {"dnsName": one.get("DnsName"), "hostedZoneId": one.get("HostedZoneId")}
            for one in found.get("DnsEntries", [])
        ]
        return {
            **outputs(aws, "vpc-endpoint", id_, found, plain),
            "policy": found.get("PolicyDocument"),
            "routeTableIds": found.get("RouteTableIds", []),
            "subnetIds": found.get("SubnetIds", []),
            "securityGroupIds": [one["GroupId"] for one in found.get("Groups", [])],
            "networkInterfaceIds": found.get("NetworkInterfaceIds", []),
            "dnsEntries": dns,
        }

    def change(self, aws: Aws, id_: str, old: Bag, new: Bag) -> None:
        wanted: dict[str, Any] = {}
        for ours, theirs in self._sets.items():
            was, now = set(old.get(ours, [])), set(new.get(ours, []))
            wanted |= {f"Add{theirs}": sorted(now - was), f"Remove{theirs}": sorted(was - now)}
        if changed(old, new, "policy"):
            wanted["PolicyDocument"] = new.get("policy", "")
        given = {key: value for key, value in wanted.items() if value}
        if given:
            aws.client("ec2").modify_vpc_endpoint(VpcEndpointId=id_, **given)

    def drop(self, aws: Aws, id_: str, known: Bag) -> None:
        answer = aws.client("ec2").delete_vpc_endpoints(VpcEndpointIds=[id_])
        for one in answer.get("Unsuccessful", []):
            if one["Error"]["Code"] != "InvalidVpcEndpoint.NotFound":
                raise Refused(f"aws:ec2/vpcEndpoint:VpcEndpoint {id_}: {one['Error']['Message']}")


KINDS: Final[Mapping[str, Shape]] = {"aws:ec2/vpcEndpoint:VpcEndpoint": VpcEndpoint()}
