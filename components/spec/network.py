"""The network of an environment: a VPC of its own, or one that exists."""

from __future__ import annotations

from ipaddress import IPv4Network
from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from components.spec import forms
from components.spec.base import Model, PositiveInt, refused

SubnetId = Annotated[str, forms.SUBNET.field()]


_RANGE = "an IPv4 range with its prefix length, such as 10.20.0.0/16"


def _network(value: str) -> str:
    try:
        loose = IPv4Network(value, strict=False)
    except ValueError:
        raise refused("not an IPv4 range", allowed=_RANGE, instead="10.20.0.0/16") from None
    if str(loose) != value:
        raise refused("the address is not the first of its range", allowed=_RANGE, instead=str(loose))
    return value


Cidr = Annotated[str, AfterValidator(_network), forms.described(_RANGE, "10.20.0.0/16")]

InterfaceEndpoint = Literal["ecr.api", "ecr.dkr", "sts", "ec2", "logs", "sqs", "eks-auth"]


class CreatedNetwork(Model):
    """A VPC over three availability zones with one public and one private subnet in each."""

    mode: Literal["create"] = "create"
    """`create` makes a VPC; `existing` uses one by id."""
    cidr: Cidr = "10.20.0.0/16"
    """Address range of the VPC. Must not overlap the service range, a peer or another environment that is peered."""
    zone_ids: tuple[str, ...] = Field(default=(), max_length=3)
    """Three availability-zone ids (such as `use1-az1`), the same in every account; empty takes the catalogue's."""
    private_prefix: int = Field(default=19, ge=16, le=26)
    """Prefix length of each private subnet. Pods take addresses from it: /19 gives 8,187."""
    public_prefix: int = Field(default=24, ge=16, le=28)
    """Prefix length of each public subnet, which holds load balancers and NAT gateways only."""
    nat: Literal["single", "per-zone"] = "single"
    """`single` is one NAT gateway (cheap, lost with its zone), `per-zone` one in each zone."""
    interface_endpoints: tuple[InterfaceEndpoint, ...] = ("ecr.api", "ecr.dkr", "sts", "ec2")
    """AWS services reached inside the VPC, so that image pulls pay no NAT. S3 always has a gateway endpoint."""
    flow_log_retention_days: PositiveInt = 30
    """Days that VPC flow logs are kept."""
    expected_nat_gib_per_month: int = Field(default=100, ge=0)
    """GiB expected through all NAT gateways together in a month; prices them. Pulls by endpoint are none of it."""
    expected_endpoint_gib_per_month: int = Field(default=50, ge=0)
    """GiB expected through each interface endpoint in a month; prices it. Image layers come from S3, free of charge."""
    expected_flow_log_gib_per_month: int = Field(default=10, ge=0)
    """GiB of flow logs expected in a month; prices them."""


class ExistingNetwork(Model):
    """A VPC made elsewhere. Trellis puts clusters in its subnets and creates nothing in it."""

    mode: Literal["existing"]
    """`existing` uses a VPC by id."""
    vpc_id: Annotated[str, forms.VPC.field()]
    """Id of the VPC."""
    cidr: Cidr
    """Its address range, stated so that overlaps are found before anything is created."""
    private_subnet_ids: dict[str, SubnetId] = Field(
        min_length=2, examples=[{"use1-az1": "subnet-0a1b2c3d4e5f60718", "use1-az2": "subnet-0b1b2c3d4e5f60718"}]
    )
    """Private subnet id by availability-zone id; EKS needs two zones."""
    public_subnet_ids: dict[str, SubnetId] = {}
    """Public subnet id by availability-zone id; empty means that no internet-facing load balancer can exist."""


Network = Annotated[CreatedNetwork | ExistingNetwork, Field(discriminator="mode")]
