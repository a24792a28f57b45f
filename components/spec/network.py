"""The network of an environment: a VPC of its own, or one that exists."""

from __future__ import annotations

from ipaddress import IPv4Network
from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from components.spec.base import Model, PositiveInt


def _network(value: str) -> str:
    IPv4Network(value)  # raises ValueError with the reason: host bits set, not a network
    return value


Cidr = Annotated[str, AfterValidator(_network), Field(examples=["10.20.0.0/16"])]

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
    """Days that VPC flow logs are kept, in days."""


class ExistingNetwork(Model):
    """A VPC made elsewhere. Trellis puts clusters in its subnets and creates nothing in it."""

    mode: Literal["existing"]
    """`existing` uses a VPC by id."""
    vpc_id: str = Field(pattern=r"^vpc-[0-9a-f]{8,17}$")
    """Id of the VPC."""
    cidr: Cidr
    """Its address range, stated so that overlaps are found before anything is created."""
    private_subnet_ids: dict[str, str] = Field(min_length=2)
    """Private subnet id by availability-zone id; EKS needs two zones."""
    public_subnet_ids: dict[str, str] = {}
    """Public subnet id by availability-zone id; empty means that no internet-facing load balancer can exist."""


Network = Annotated[CreatedNetwork | ExistingNetwork, Field(discriminator="mode")]
