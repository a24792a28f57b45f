"""List prices, as the tables have them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from components.catalogue import hardware, prices
from components.catalogue.regions import regions
from components.catalogue.tables import rows

TYPES = sorted(hardware.instance_types())
REGIONS = sorted(regions())


def test_an_on_demand_price_carries_its_origin() -> None:
    found = prices.on_demand("g6.xlarge", "us-east-1")
    assert found == prices.Price(0.8048, "hour", "karpenter-2026-07", "2026-07-20", "sure")


def test_a_derived_price_is_only_likely() -> None:
    found = prices.on_demand("m7i.metal-24xl", "eu-west-1")
    assert found is not None
    assert (found.source, found.confidence) == ("ec2shop-scaled", "likely")


def test_not_offered_and_not_sold_on_demand_are_two_things() -> None:
    assert not prices.offered("p6-b300.48xlarge", "eu-west-1")
    assert prices.on_demand("p6-b300.48xlarge", "eu-west-1") is None
    assert prices.offered("p5e.48xlarge", "us-east-2")
    assert prices.on_demand("p5e.48xlarge", "us-east-2") is None
    assert "us-east-2" in prices.regions_offering("p5e.48xlarge")
    assert prices.regions_offering("nonsense") == ()


def test_spot_from_the_advisor() -> None:
    """0.8048 less 49 % = 0.410448; the sources know no zone prices for g6."""
    found = prices.spot("g6.xlarge", "us-east-1")
    assert found is not None
    assert found.expected == pytest.approx(0.8048 * 0.51)
    assert (found.high, found.interruption, found.source) == (0.8048, ">20%", "spot-advisor")


def test_spot_from_zones() -> None:
    """p5 in us-east-1: zones 17.6289 19.2531 21.1543 25.7522 55.04 55.04; median (21.1543 + 25.7522) / 2."""
    found = prices.spot("p5.48xlarge", "us-east-1")
    assert found is not None
    assert (found.low, found.high) == (17.6289, 55.04)
    assert found.expected == pytest.approx(23.45325)
    zones = prices.spot_by_zone("p5.48xlarge", "us-east-1")
    assert set(zones) <= {"use1-az1", "use1-az2", "use1-az3", "use1-az4", "use1-az5", "use1-az6"}  # no local zone


def test_spot_without_on_demand_has_no_ceiling() -> None:
    found = prices.spot("p5e.48xlarge", "us-east-2")
    assert found is not None
    assert found.high is None
    assert prices.spot("g6f.large", "us-east-1") is None


def test_the_advisors_floor_is_not_believed() -> None:
    floors = [
        (row["name"], row["region"])
        for row in rows("ec2_prices.csv")
        if row["spot_saving_pct"] == "90" and not prices.spot_by_zone(row["name"], row["region"])
    ]
    assert floors
    for name, region in floors:
        found = prices.spot(name, region)
        assert found is not None
        assert found.confidence == "unsure"


@given(st.sampled_from(TYPES), st.sampled_from(REGIONS))
def test_spot_is_a_range(name: str, region: str) -> None:
    found = prices.spot(name, region)
    if found is not None:
        assert 0 < found.low <= found.expected
        assert found.high is None or found.expected <= found.high


def test_reserved_prices_are_below_on_demand() -> None:
    for name in TYPES:
        for region in REGIONS:
            found, list_price = prices.reserved(name, region), prices.on_demand(name, region)
            if found is not None and list_price is not None and found.one_year and found.three_years:
                assert found.three_years < found.one_year < list_price.usd, (name, region)
    assert prices.reserved("p5.48xlarge", "us-east-1") is None


def test_databases() -> None:
    single = prices.rds("db.m7g.large", "us-east-1", multi_az=False)
    double = prices.rds("db.m7g.large", "us-east-1", multi_az=True)
    assert single is not None
    assert double is not None
    assert double.usd == pytest.approx(2 * single.usd, rel=0.01)
    assert prices.rds("db.x99.large", "us-east-1", multi_az=False) is None


def test_a_service_price_is_of_its_region_or_says_that_it_is_not() -> None:
    assert prices.other("kms", "customer key", "eu-west-1") is None
    taken = prices.other_or_reference("kms", "customer key", "eu-west-1")
    assert taken is not None
    assert (taken.usd, taken.confidence) == (1.0, "unsure")
    assert taken.note == "no kms price for eu-west-1: us-east-1's taken"
    exact = prices.other_or_reference("nat_gateway", "gateway hour", "ap-southeast-1")
    assert exact is not None
    assert (exact.usd, exact.note) == (0.059, "")
    assert prices.other_or_reference("fsx", "lustre", "us-east-1") is None


def test_a_sum_is_as_sure_as_its_weakest_part() -> None:
    assert prices.weakest(["sure", "unsure", "likely"]) == "unsure"
    assert prices.weakest([]) == "sure"
