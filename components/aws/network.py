"""The VPC: three zones, NAT, endpoints for what pods pull, flow logs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from components.layout import iam, volumes
from components.layout.names import Names
from components.layout.subnets import ZoneSubnets
from components.spec.network import CreatedNetwork

PUBLIC_TIER = {"trellis:tier": "public", "kubernetes.io/role/elb": "1"}
PRIVATE_TIER = {"trellis:tier": "private", "kubernetes.io/role/internal-elb": "1"}


@dataclass(frozen=True, kw_only=True)
class NetworkArgs:
    """What the network needs besides the spec."""

    names: Names
    zones: tuple[ZoneSubnets, ...]


class Network(pulumi.ComponentResource):
    """A VPC of its own. Exposes the VPC's id and the private subnets by zone id."""

    vpc_id: pulumi.Output[str]
    private_subnet_ids: Mapping[str, pulumi.Output[str]]

    def __init__(
        self, name: str, spec: CreatedNetwork, args: NetworkArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("trellis:aws:Network", name, None, opts)
        self._spec, self._args = spec, args
        self._child = pulumi.ResourceOptions(parent=self)
        self._vpc = aws.ec2.Vpc(
            "vpc",
            cidr_block=spec.cidr,
            enable_dns_hostnames=True,
            enable_dns_support=True,
            tags={"Name": args.names.prefix},
            opts=self._child,
        )
        self.vpc_id = self._vpc.id
        public = {z.zone_id: self._subnet("public", z.zone_id, z.public, PUBLIC_TIER) for z in args.zones}
        private = {z.zone_id: self._subnet("private", z.zone_id, z.private, PRIVATE_TIER) for z in args.zones}
        self.private_subnet_ids = {zone: subnet.id for zone, subnet in private.items()}
        internet = self._route_public(public)
        tables = self._route_private(private, self._nat(public, internet))
        self._endpoints(tables, private)
        self._flow_logs()
        self.register_outputs({"vpcId": self.vpc_id})

    def _subnet(self, tier: str, zone: str, cidr: str, tags: Mapping[str, str]) -> aws.ec2.Subnet:
        return aws.ec2.Subnet(
            f"{tier}-{zone}",
            vpc_id=self._vpc.id,
            availability_zone_id=zone,
            cidr_block=cidr,
            map_public_ip_on_launch=False,
            tags={**tags, "trellis:zone-id": zone, "Name": f"{self._args.names.prefix}-{tier}-{zone}"},
            opts=self._child,
        )

    def _route_public(self, subnets: Mapping[str, aws.ec2.Subnet]) -> aws.ec2.InternetGateway:
        gateway = aws.ec2.InternetGateway("internet", vpc_id=self._vpc.id, opts=self._child)
        table = aws.ec2.RouteTable("public", vpc_id=self._vpc.id, opts=self._child)
        aws.ec2.Route(
            "public-internet",
            route_table_id=table.id,
            destination_cidr_block="0.0.0.0/0",
            gateway_id=gateway.id,
            opts=self._child,
        )
        for zone, subnet in subnets.items():
            aws.ec2.RouteTableAssociation(
                f"public-{zone}", route_table_id=table.id, subnet_id=subnet.id, opts=self._child
            )
        return gateway

    def _nat(
        self, public: Mapping[str, aws.ec2.Subnet], internet: aws.ec2.InternetGateway
    ) -> Mapping[str, aws.ec2.NatGateway]:
        """NAT gateway by zone id; with `single` every zone uses the first zone's.

        They wait for the internet gateway: EC2 fails one whose VPC has none attached, and no address leaves it before.
        """
        attached = pulumi.ResourceOptions.merge(self._child, pulumi.ResourceOptions(depends_on=[internet]))
        own = list(public) if self._spec.nat == "per-zone" else list(public)[:1]
        gateways: dict[str, aws.ec2.NatGateway] = {}
        for zone in own:
            address = aws.ec2.Eip(f"nat-{zone}", domain="vpc", opts=attached)
            gateways[zone] = aws.ec2.NatGateway(
                f"nat-{zone}",
                allocation_id=address.id,
                subnet_id=public[zone].id,
                tags=volumes.carried(self._spec.expected_nat_gib_per_month, among=len(own)),
                opts=attached,
            )
        return {zone: gateways.get(zone, gateways[own[0]]) for zone in public}

    def _route_private(
        self, subnets: Mapping[str, aws.ec2.Subnet], gateways: Mapping[str, aws.ec2.NatGateway]
    ) -> list[aws.ec2.RouteTable]:
        tables = []
        for zone, subnet in subnets.items():
            table = aws.ec2.RouteTable(f"private-{zone}", vpc_id=self._vpc.id, opts=self._child)
            aws.ec2.Route(
                f"private-{zone}-nat",
                route_table_id=table.id,
                destination_cidr_block="0.0.0.0/0",
                nat_gateway_id=gateways[zone].id,
                opts=self._child,
            )
            aws.ec2.RouteTableAssociation(
                f"private-{zone}", route_table_id=table.id, subnet_id=subnet.id, opts=self._child
            )
            tables.append(table)
        return tables

    def _endpoints(self, tables: list[aws.ec2.RouteTable], private: Mapping[str, aws.ec2.Subnet]) -> None:
        """S3 by gateway (free, and image layers come from S3); the others by interface in each private subnet."""
        region = self._args.names.region
        aws.ec2.VpcEndpoint(
            "s3",
            vpc_id=self._vpc.id,
            service_name=f"com.amazonaws.{region}.s3",
            vpc_endpoint_type="Gateway",
            route_table_ids=[table.id for table in tables],
            opts=self._child,
        )
        if not self._spec.interface_endpoints:
            return
        group = aws.ec2.SecurityGroup(
            "endpoints", vpc_id=self._vpc.id, description="HTTPS from the VPC to AWS endpoints", opts=self._child
        )
        aws.vpc.SecurityGroupIngressRule(
            "endpoints-https",
            security_group_id=group.id,
            cidr_ipv4=self._spec.cidr,
            ip_protocol="tcp",
            from_port=443,
            to_port=443,
            opts=self._child,
        )
        for service in sorted(self._spec.interface_endpoints):
            aws.ec2.VpcEndpoint(
                service.replace(".", "-"),
                vpc_id=self._vpc.id,
                service_name=f"com.amazonaws.{region}.{service}",
                vpc_endpoint_type="Interface",
                private_dns_enabled=True,
                subnet_ids=[subnet.id for subnet in private.values()],
                security_group_ids=[group.id],
                tags=volumes.carried(self._spec.expected_endpoint_gib_per_month),
                opts=self._child,
            )

    def _flow_logs(self) -> None:
        names = self._args.names
        log_group = f"/trellis/{names.environment}/vpc-flow"
        group = aws.cloudwatch.LogGroup(
            "flow",
            name=log_group,
            retention_in_days=self._spec.flow_log_retention_days,
            tags=volumes.logged(self._spec.expected_flow_log_gib_per_month),
            opts=self._child,
        )
        role = aws.iam.Role(
            "flow",
            name=f"{names.prefix}-vpc-flow",
            assume_role_policy=iam.trust("vpc-flow-logs.amazonaws.com"),
            opts=self._child,
        )
        log_arn = names.arn("logs", f"log-group:{log_group}")
        write = iam.allow("Write", ["logs:CreateLogStream", "logs:PutLogEvents"], [log_arn, f"{log_arn}:*"])
        aws.iam.RolePolicy("flow", role=role.name, policy=iam.document(write), opts=self._child)
        aws.ec2.FlowLog(
            "flow",
            vpc_id=self._vpc.id,
            traffic_type="ALL",
            log_destination=group.arn,
            iam_role_arn=role.arn,
            opts=self._child,
        )
