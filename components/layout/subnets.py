"""Divides a VPC's range into one public and one private subnet in each zone."""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import IPv4Network

from components.spec.addresses import SLOTS, ZONES, no_room
from components.spec.network import CreatedNetwork


@dataclass(frozen=True)
class ZoneSubnets:
    """The two subnets of one zone."""

    zone_id: str
    public: str
    private: str


class NoRoomError(ValueError):
    """The VPC's range cannot hold the subnets asked for."""


def divide(network: CreatedNetwork, zone_ids: tuple[str, ...]) -> tuple[ZoneSubnets, ...]:
    """Place private subnets from the start of the range and public ones behind them, in the order of the zones.

    The order is part of every subnet's identity: a zone added at the end moves none.
    Raises `NoRoomError` when the range is too small.
    """
    vpc = IPv4Network(network.cidr)
    fault = no_room(network)
    if fault is not None:
        raise NoRoomError(fault)
    private = list(_first(vpc, network.private_prefix, SLOTS))
    public = list(_first(private[-1], network.public_prefix, ZONES))
    return tuple(
        ZoneSubnets(zone_id=zone, public=str(public[i]), private=str(private[i])) for i, zone in enumerate(zone_ids)
    )


def _first(network: IPv4Network, prefix: int, count: int) -> list[IPv4Network]:
    subnets = network.subnets(new_prefix=prefix)
    return [next(subnets) for _ in range(count)]
