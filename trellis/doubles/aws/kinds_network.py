"""EC2's network: VPC, subnets, gateways, addresses, flow logs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from trellis.doubles.aws.ec2_shape import Ec2, outputs
from trellis.doubles.aws.shape import Aws, Shape, changed, sent
from trellis.doubles.errors import NotReady
from trellis.doubles.provider import Bag

_DNS = {"enableDnsSupport": "EnableDnsSupport", "enableDnsHostnames": "EnableDnsHostnames"}


class Vpc(Ec2):
    """`aws:ec2/vpc:Vpc`."""

    gone = ("InvalidVpcID.NotFound",)
    kind = "vpc"

    def make(self, aws: Aws, name: str, inputs: Bag, tags: dict[str, str]) -> str:
        names = {"cidrBlock": "CidrBlock", "instanceTenancy": "InstanceTenancy"}
        made = aws.client("ec2").create_vpc(**sent(inputs, names), TagSpecifications=self.tagged(tags))
        id_: str = made["Vpc"]["VpcId"]
        self._dns(aws, id_, {"enableDnsSupport": True, "enableDnsHostnames": False}, inputs)
        return id_

    def show(self, aws: Aws, id_: str, known: Bag) -> Bag | None:
        ec2 = aws.client("ec2")
        found = ec2.describe_vpcs(VpcIds=[id_])["Vpcs"][0]
        ours = [{"Name": "vpc-id", "Values": [id_]}]
        main = ec2.describe_route_tables(Filters=[*ours, {"Name": "association.main", "Values": ["true"]}])
        groups = ec2.describe_security_groups(Filters=[*ours, {"Name": "group-name", "Values": ["default"]}])
        table = main["RouteTables"][0]["RouteTableId"] if main["RouteTables"] else None
        return {
            **outputs(aws, "vpc", id_, found, {"CidrBlock", "InstanceTenancy", "DhcpOptionsId", "OwnerId"}),
            **{ours: self._attribute(aws, id_, theirs) for ours, theirs in _DNS.items()},
            "mainRouteTableId": table,
            "defaultRouteTableId": table,
            "defaultSecurityGroupId": groups["SecurityGroups"][0]["GroupId"] if groups["SecurityGroups"] else None,
        }

    def change(self, aws: Aws, id_: str, old: Bag, new: Bag) -> None:
        self._dns(aws, id_, {"enableDnsSupport": True, "enableDnsHostnames": False, **old}, new)
        if changed(old, new, "instanceTenancy"):
            aws.client("ec2").modify_vpc_tenancy(VpcId=id_, InstanceTenancy=new.get("instanceTenancy", "default"))

    def drop(self, aws: Aws, id_: str, known: Bag) -> None:
        self.retried(aws, lambda: aws.client("ec2").delete_vpc(VpcId=id_))

    def _attribute(self, aws: Aws, id_: str, name: str) -> bool:
        found = aws.client("ec2").describe_vpc_attribute(VpcId=id_, Attribute=name[:1].lower() + name[1:])
        return bool(found[name]["Value"])

    def _dns(self, aws: Aws, id_: str, old: Bag, new: Bag) -> None:
        for ours, theirs in _DNS.items():
            if ours in new and new[ours] != old.get(ours):
                aws.client("ec2").modify_vpc_attribute(VpcId=id_, **{theirs: {"Value": new[ours]}})


class Subnet(Ec2):
    """`aws:ec2/subnet:Subnet`."""

    gone = ("InvalidSubnetID.NotFound",)
    kind = "subnet"
    _shown: Final = {"VpcId", "CidrBlock", "AvailabilityZone", "AvailabilityZoneId", "MapPublicIpOnLaunch", "OwnerId"}
    _switches: Final = {
        "mapPublicIpOnLaunch": "MapPublicIpOnLaunch",
        "assignIpv6AddressOnCreation": "AssignIpv6AddressOnCreation",
        "enableResourceNameDnsARecordOnLaunch": "EnableResourceNameDnsARecordOnLaunch",
    }

    def make(self, aws: Aws, name: str, inputs: Bag, tags: dict[str, str]) -> str:
        names = {
            key[:1].lower() + key[1:]: key for key in ("VpcId", "CidrBlock", "AvailabilityZone", "AvailabilityZoneId")
        }
        made = aws.client("ec2").create_subnet(**sent(inputs, names), TagSpecifications=self.tagged(tags))
        id_: str = made["Subnet"]["SubnetId"]
        # AWS makes a subnet without public addresses; moto makes the first one of a zone with them.
        self.change(aws, id_, {}, {"mapPublicIpOnLaunch": False, **inputs})
        return id_

    def show(self, aws: Aws, id_: str, known: Bag) -> Bag | None:
        found = aws.client("ec2").describe_subnets(SubnetIds=[id_])["Subnets"][0]
        dns = found.get("PrivateDnsNameOptionsOnLaunch", {}).get("EnableResourceNameDnsARecord", False)
        return {
            **outputs(aws, "subnet", id_, found, self._shown),
            "assignIpv6AddressOnCreation": bool(found.get("AssignIpv6AddressOnCreation")),
            "enableResourceNameDnsARecordOnLaunch": bool(dns),
        }

    def change(self, aws: Aws, id_: str, old: Bag, new: Bag) -> None:
        for ours, theirs in self._switches.items():
            if changed(old, new, ours):
                aws.client("ec2").modify_subnet_attribute(SubnetId=id_, **{theirs: {"Value": bool(new.get(ours))}})

    def drop(self, aws: Aws, id_: str, known: Bag) -> None:
        self.retried(aws, lambda: aws.client("ec2").delete_subnet(SubnetId=id_))


class InternetGateway(Ec2):
    """`aws:ec2/internetGateway:InternetGateway`, attached to its VPC."""

    gone = ("InvalidInternetGatewayID.NotFound",)
    kind = "internet-gateway"

    def make(self, aws: Aws, name: str, inputs: Bag, tags: dict[str, str]) -> str:
        made = aws.client("ec2").create_internet_gateway(TagSpecifications=self.tagged(tags))
        id_: str = made["InternetGateway"]["InternetGatewayId"]
        if inputs.get("vpcId"):
            aws.client("ec2").attach_internet_gateway(InternetGatewayId=id_, VpcId=inputs["vpcId"])
        return id_

    def show(self, aws: Aws, id_: str, known: Bag) -> Bag | None:
        found = aws.client("ec2").describe_internet_gateways(InternetGatewayIds=[id_])["InternetGateways"][0]
        attached = [one["VpcId"] for one in found.get("Attachments", [])]
        return {
            **outputs(aws, "internet-gateway", id_, found, {"OwnerId"}),
            "vpcId": attached[0] if attached else None,
        }

    def change(self, aws: Aws, id_: str, old: Bag, new: Bag) -> None:
        if changed(old, new, "vpcId"):
            self._detach(aws, id_)
            if new.get("vpcId"):
                aws.client("ec2").attach_internet_gateway(InternetGatewayId=id_, VpcId=new["vpcId"])

    def drop(self, aws: Aws, id_: str, known: Bag) -> None:
        self._detach(aws, id_)
        self.retried(aws, lambda: aws.client("ec2").delete_internet_gateway(InternetGatewayId=id_))

    def _detach(self, aws: Aws, id_: str) -> None:
        shown = self.show(aws, id_, {})
        if shown and shown["vpcId"]:
            vpc = shown["vpcId"]
            self.retried(aws, lambda: aws.client("ec2").detach_internet_gateway(InternetGatewayId=id_, VpcId=vpc))


class Eip(Ec2):
    """`aws:ec2/eip:Eip`."""

    gone = ("InvalidAllocationID.NotFound",)
    kind = "elastic-ip"
    busy = ("InvalidIPAddress.InUse",)
    unread = ("associateWithPrivateIp", "instance")

    def make(self, aws: Aws, name: str, inputs: Bag, tags: dict[str, str]) -> str:
        made = aws.client("ec2").allocate_address(
            Domain=inputs.get("domain", "vpc"), TagSpecifications=self.tagged(tags)
        )
        id_: str = made["AllocationId"]
        return id_

    def show(self, aws: Aws, id_: str, known: Bag) -> Bag | None:
        found = aws.client("ec2").describe_addresses(AllocationIds=[id_])["Addresses"][0]
        return {
            **outputs(aws, "elastic-ip", id_, found, {"Domain", "PublicIp", "AllocationId", "AssociationId"}),
            "networkInterface": found.get("NetworkInterfaceId"),
            "privateIp": found.get("PrivateIpAddress"),
        }

    def change(self, aws: Aws, id_: str, old: Bag, new: Bag) -> None:
        del aws, id_, old, new  # whom it belongs to is said where it is used

    def drop(self, aws: Aws, id_: str, known: Bag) -> None:
        self.retried(aws, lambda: aws.client("ec2").release_address(AllocationId=id_))


class NatGateway(Ec2):
    """`aws:ec2/natGateway:NatGateway`."""

    gone = ("NatGatewayNotFound",)
    kind = "natgateway"

    def make(self, aws: Aws, name: str, inputs: Bag, tags: dict[str, str]) -> str:
        names = {
            key[:1].lower() + key[1:]: key for key in ("SubnetId", "AllocationId", "ConnectivityType", "PrivateIp")
        }
        inputs_sent = {"ConnectivityType": "public", **sent(inputs, names)}
        made = aws.client("ec2").create_nat_gateway(**inputs_sent, TagSpecifications=self.tagged(tags))["NatGateway"]
        id_: str = made["NatGatewayId"]
        if made.get("State") == "failed":
            reason = f"waiting for NAT gateway {id_}: {made.get('FailureCode')}: {made.get('FailureMessage')}"
            raise NotReady(id_, {**inputs, "tagsAll": tags}, [reason], inputs)
        return id_

    def show(self, aws: Aws, id_: str, known: Bag) -> Bag | None:
        rows = aws.client("ec2").describe_nat_gateways(NatGatewayIds=[id_])["NatGateways"]
        if not rows or rows[0]["State"] in ("deleted", "deleting"):
            return None
        address = (rows[0].get("NatGatewayAddresses") or [{}])[0]
        keys = ("AllocationId", "AssociationId", "PublicIp", "PrivateIp", "NetworkInterfaceId")
        return {
            **outputs(aws, "natgateway", id_, rows[0], {"SubnetId", "ConnectivityType"}),
            **{key[:1].lower() + key[1:]: address.get(key) for key in keys},
        }

    def change(self, aws: Aws, id_: str, old: Bag, new: Bag) -> None:
        del aws, id_, old, new  # only its tags change in place

    def drop(self, aws: Aws, id_: str, known: Bag) -> None:
        aws.client("ec2").delete_nat_gateway(NatGatewayId=id_)


class FlowLog(Ec2):
    """`aws:ec2/flowLog:FlowLog` of a VPC, a subnet or an interface."""

    gone = ("InvalidFlowLogId.NotFound",)
    kind = "vpc-flow-log"
    _of: Final = {"vpcId": "VPC", "subnetId": "Subnet", "eniId": "NetworkInterface"}
    _names: Final = {
        "trafficType": "TrafficType",
        "iamRoleArn": "DeliverLogsPermissionArn",
        "logDestination": "LogDestination",
        "logDestinationType": "LogDestinationType",
        "logFormat": "LogFormat",
        "maxAggregationInterval": "MaxAggregationInterval",
    }

    def make(self, aws: Aws, name: str, inputs: Bag, tags: dict[str, str]) -> str:
        of = next(key for key in self._of if inputs.get(key))
        wanted: Bag = {"LogDestinationType": "cloud-watch-logs", **sent(inputs, self._names)}
        made = aws.client("ec2").create_flow_logs(
            ResourceIds=[inputs[of]], ResourceType=self._of[of], TagSpecifications=self.tagged(tags), **wanted
        )
        id_: str = made["FlowLogIds"][0]
        return id_

    def show(self, aws: Aws, id_: str, known: Bag) -> Bag | None:
        rows = aws.client("ec2").describe_flow_logs(FlowLogIds=[id_])["FlowLogs"]
        if not rows:
            return None
        resource = rows[0]["ResourceId"]
        of = {"vpc": "vpcId", "sub": "subnetId", "eni": "eniId"}[resource[:3]]
        told = {ours: rows[0].get(theirs) for ours, theirs in self._names.items()}
        return {**outputs(aws, "vpc-flow-log", id_, rows[0], set()), of: resource, **told}

    def change(self, aws: Aws, id_: str, old: Bag, new: Bag) -> None:
        del aws, id_, old, new  # only its tags change in place

    def drop(self, aws: Aws, id_: str, known: Bag) -> None:
        aws.client("ec2").delete_flow_logs(FlowLogIds=[id_])


KINDS: Final[Mapping[str, Shape]] = {
    "aws:ec2/vpc:Vpc": Vpc(),
    "aws:ec2/subnet:Subnet": Subnet(),
    "aws:ec2/internetGateway:InternetGateway": InternetGateway(),
    "aws:ec2/eip:Eip": Eip(),
    "aws:ec2/natGateway:NatGateway": NatGateway(),
    "aws:ec2/flowLog:FlowLog": FlowLog(),
}
