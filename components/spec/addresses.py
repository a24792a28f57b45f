"""Arithmetic of address ranges: whether subnets fit into a VPC, and what they hold."""

from __future__ import annotations

from ipaddress import IPv4Network

from components.spec.network import CreatedNetwork

ZONES = 3
"""Availability zones that a created VPC spans."""

SLOTS = ZONES + 1
"""Private subnets that a VPC must have room for: one in each zone, and one whose room the public subnets share."""

RESERVED = 5
"""Addresses of each subnet that AWS keeps for itself (VPC user guide, subnet sizing)."""

PRIVATE = tuple(IPv4Network(text) for text in ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16"))
"""The ranges of RFC 1918."""

SHARED = IPv4Network("100.64.0.0/10")
"""The range of RFC 6598, which AWS allows in a VPC too."""


def shortest_prefixes(network: CreatedNetwork) -> tuple[int, int]:
    """The shortest prefixes (largest subnets) that a VPC has room for: private, and public beside those asked for."""
    return IPv4Network(network.cidr).prefixlen + 2, network.private_prefix + 2


def no_room(network: CreatedNetwork) -> str | None:
    """Why a VPC cannot hold the subnets asked for; None where it can."""
    private, public = shortest_prefixes(network)
    if network.private_prefix < private:
        return f"{network.cidr} holds {SLOTS} subnets of /{private} at most, not of /{network.private_prefix}"
    if network.public_prefix < public:
        return f"the public subnets share the room of one private one, so each is /{public} or smaller"
    return None


def usable(prefix: int, subnets: int = ZONES) -> int:
    """Addresses that pods and nodes can have in that many subnets of a prefix length."""
    return subnets * max(0, (1 << (32 - prefix)) - RESERVED)


def is_private(cidr: str) -> bool:
    """Whether a range lies in RFC 1918 or RFC 6598."""
    network = IPv4Network(cidr)
    return any(network.subnet_of(outer) for outer in (*PRIVATE, SHARED))


def overlap(one: str, other: str) -> bool:
    """Whether two ranges share an address."""
    return IPv4Network(one).overlaps(IPv4Network(other))
