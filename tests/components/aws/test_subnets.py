"""Dividing a VPC: whatever is asked for, subnets lie inside it, apart from each other, and are as large as asked."""

from __future__ import annotations

from ipaddress import IPv4Network
from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from components.layout.subnets import NoRoomError, divide
from components.spec.network import CreatedNetwork

ZONES = ("use1-az1", "use1-az2", "use1-az4")


@st.composite
def networks(draw: st.DrawFn) -> CreatedNetwork:
    prefix = draw(st.integers(16, 24))
    start = draw(st.integers(0, 2**24 - 1))
    cidr = IPv4Network((int(IPv4Network("10.0.0.0/8").network_address) | start, prefix), strict=False)
    return CreatedNetwork.model_validate(
        {
            "cidr": str(cidr),
            "privatePrefix": draw(st.integers(16, 26)),
            "publicPrefix": draw(st.integers(16, 28)),
        }
    )


@given(networks(), st.integers(1, 3))
def test_subnets_lie_inside_apart_and_are_as_large_as_asked(network: CreatedNetwork, zones: int) -> None:
    try:
        made = divide(network, ZONES[:zones])
    except NoRoomError:
        vpc = IPv4Network(network.cidr)
        fits = network.private_prefix >= vpc.prefixlen + 2 and network.public_prefix >= network.private_prefix + 2
        assert not fits, "refused although there is room"
        return
    assert [one.zone_id for one in made] == list(ZONES[:zones])
    subnets = [IPv4Network(cidr) for one in made for cidr in (one.public, one.private)]
    assert all(subnet.subnet_of(IPv4Network(network.cidr)) for subnet in subnets)
    assert not any(a.overlaps(b) for a, b in combinations(subnets, 2))
    assert {IPv4Network(one.private).prefixlen for one in made} == {network.private_prefix}
    assert {IPv4Network(one.public).prefixlen for one in made} == {network.public_prefix}


@given(networks())
def test_a_zone_more_moves_no_subnet(network: CreatedNetwork) -> None:
    try:
        two, three = divide(network, ZONES[:2]), divide(network, ZONES)
    except NoRoomError:
        return
    assert three[:2] == two


def test_a_range_that_is_too_small_says_what_it_holds() -> None:
    network = CreatedNetwork.model_validate({"cidr": "10.0.0.0/20", "privatePrefix": 20})
    with pytest.raises(NoRoomError, match=r"10\.0\.0\.0/20 holds 4 .*/22.*/20"):
        divide(network, ZONES)
