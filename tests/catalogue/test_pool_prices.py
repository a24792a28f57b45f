"""Pools: each figure worked out by hand.

us-east-1 prices used: g6.xlarge 0.8048 (spot: 49 % less = 0.410448), g6.48xlarge 13.35 (8 GPUs), m7i.large 0.1008
(spot 68 % less), gp3 0.08 USD per GB-month. A month is 730 hours.
"""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from components.catalogue import hardware, prices
from components.catalogue.pricing import Siblings, price, worst_case
from components.catalogue.regions import regions
from tests.catalogue.plans import UNKNOWN, buys, month, node_group, node_pool, priced, requirement, resource, types

SPOT = buys("spot", "on-demand")
HALF = {"trellis.dev/expected-utilisation": "50%"}


def test_one_type_on_demand() -> None:
    pool = node_pool([types("g6.xlarge"), buys("on-demand")], {"nvidia.com/gpu": "4"}, HALF)
    worst = 4 * 0.8048 * 730  # 2350.016
    assert month(pool) == pytest.approx((0.0, worst / 2, worst))
    assert worst == pytest.approx(2350.016)


def test_one_type_on_spot_is_expected_cheaper_and_at_worst_the_same() -> None:
    pool = node_pool([types("g6.xlarge"), SPOT], {"nvidia.com/gpu": 4.0}, HALF)
    assert month(pool) == pytest.approx((0.0, 0.5 * 4 * 0.8048 * (1 - 0.49) * 730, 4 * 0.8048 * 730))
    (item,) = priced(pool).items
    assert item.spot is not None
    assert (item.spot.interruption, item.spot.high) == (">20%", 0.8048)
    assert item.as_of == "2025-06-28"  # the older of the two prices
    assert item.confidence == "likely"


def test_spot_with_zone_prices_is_a_real_range() -> None:
    """p5.48xlarge: cheapest zone 17.6289, median zone (21.1543 + 25.7522) / 2 = 23.45325, on demand 55.04."""
    group = node_group(["p5.48xlarge"], 1, 1, 1, "SPOT")
    assert month(group) == pytest.approx(tuple(usd * 730 + 8 for usd in (17.6289, 23.45325, 55.04)))
    pool = node_pool([types("p5.48xlarge"), SPOT], {"nvidia.com/gpu": 16}, HALF)
    assert month(pool) == pytest.approx((0.0, 0.5 * 2 * 23.45325 * 730, 2 * 55.04 * 730))


def test_mixed_types_take_the_dearest_set_within_the_limit() -> None:
    """10 GPUs: one g6.48xlarge (8) and two g6.xlarge. Full alone: 10 g6.xlarge, or 1 g6.48xlarge; median = mean."""
    pool = node_pool([types("g6.xlarge", "g6.48xlarge"), buys("on-demand")], {"nvidia.com/gpu": "10"}, HALF)
    big = prices.on_demand("g6.48xlarge", "us-east-1")
    assert big is not None
    worst = (big.usd + 2 * 0.8048) * 730
    expected = 0.5 * (10 * 0.8048 + 1 * big.usd) / 2 * 730
    assert month(pool) == pytest.approx((0.0, expected, worst))
    assert "1 g6.48xlarge + 2 g6.xlarge on demand" in priced(pool).items[0].arithmetic


@pytest.mark.parametrize(
    ("limits", "nodes"),
    [
        ({"cpu": "10"}, 2),  # 4 vCPU each
        ({"cpu": "9500m"}, 2),
        ({"nodes": "3"}, 3),
        ({"memory": "64Gi"}, 4),  # 16 GiB less 7.5 % = 14.8 each: four take 59.2, five 74.0
        ({"memory": "74Gi"}, 5),
        ({"nvidia.com/gpu": "4", "cpu": "8"}, 2),
        ({"nvidia.com/gpu": "0"}, 0),
    ],
)
def test_every_kind_of_limit(limits: dict[str, str], nodes: int) -> None:
    assert month(node_pool([types("g6.xlarge")], limits, HALF))[2] == pytest.approx(nodes * 0.8048 * 730)


def test_root_volumes_are_in_the_price_of_a_node() -> None:
    """2 x (0.8048 x 730 + 100 GiB x 0.08)."""
    note = {**HALF, "trellis.dev/disk-gib": "100"}
    pool = node_pool([types("g6.xlarge")], {"nodes": "2"}, note)
    assert month(pool)[2] == pytest.approx(2 * (0.8048 * 730 + 100 * 0.08))
    assert priced(pool).left_out == ()
    without = priced(node_pool([types("g6.xlarge")], {"nodes": "2"}, HALF))
    assert without.left_out == (
        "root volumes: the plan does not say their size (trellis.dev/disk-gib on the pool, or its node class)",
    )


def test_the_node_class_of_the_same_cluster_tells_the_disk() -> None:
    def node_class(provider: str, size: str) -> dict[str, object]:
        spec = {"blockDeviceMappings": [{"ebs": {"volumeSize": size, "volumeType": "gp3", "iops": 4000}}]}
        inputs = {"metadata": {"name": "class"}, "spec": spec}
        return resource("kubernetes:karpenter.k8s.aws/v1:EC2NodeClass", inputs, provider=provider)

    pool = {**node_pool([types("g6.xlarge")], {"nodes": "1"}, HALF), "provider": "one"}
    plan = [pool, node_class("two", "500Gi"), node_class("one", "200Gi")]
    # 200 GiB x 0.08, and 1000 IOPS above 3000 x 0.005
    assert month(pool, siblings=Siblings.of(plan))[2] == pytest.approx(0.8048 * 730 + 200 * 0.08 + 1000 * 0.005)


def test_utilisation_is_stated_or_assumed() -> None:
    full = 4 * 0.8048 * 730
    for written, share in (("0.25", 0.25), ("25%", 0.25), ("25", 0.25), ("1", 1.0), ("0", 0.0)):
        pool = node_pool([types("g6.xlarge")], {"nodes": 4}, {"trellis.dev/expected-utilisation": written})
        assert month(pool)[1] == pytest.approx(share * full), written
    silent = node_pool([types("g6.xlarge")], {"nodes": 4})
    assert month(silent)[1] == pytest.approx(0.30 * full)
    assert "30% assumed" in " ".join(priced(silent).notes)


def test_a_static_pool_has_no_floor_below_its_replicas() -> None:
    pool = node_pool([types("g6.xlarge"), SPOT], {"nodes": "5"})
    pool["inputs"]["spec"]["replicas"] = 3
    assert month(pool) == pytest.approx((3 * 0.410448 * 730, 3 * 0.410448 * 730, 3 * 0.8048 * 730))


@pytest.mark.parametrize(
    ("pool", "reason"),
    [
        (node_pool([types("g6.xlarge")], {}), "worst case is open: its limits (none)"),
        (node_pool([types("g6.xlarge", "m7i.large")], {"nvidia.com/gpu": "4"}), "limits (nvidia.com/gpu) do not hold"),
        (node_pool([types("g6.xlarge")], {"nodes": UNKNOWN}), "spec.limits.nodes is known only after deployment"),
        (node_pool([types("g6.xlarge")], {"nodes": "many"}), "spec.limits.nodes"),
        (
            node_pool([types("g6.xlrge")], {"nodes": "1"}),
            "no instance type 'g6.xlrge' in the catalogue; the nearest are g6.xlarge",
        ),
        (node_pool([types("p5e.48xlarge")], {"nodes": "1"}), "no type of this pool is offered"),
        (node_pool([UNKNOWN], {"nodes": "1"}), "requirements holds an entry that is known only after deployment"),
        (
            node_pool([types("g6.xlarge")], {"nodes": "1"}, {"trellis.dev/expected-utilisation": "often"}),
            "'often' is no share; write 30% or 0.3",
        ),
    ],
)
def test_unpriced_pools_say_why(pool: dict[str, object], reason: str) -> None:
    found = priced(pool)
    assert found.status == "unpriced"
    assert reason in found.reason
    assert found.cost is None
    assert worst_case(pool, "us-east-1") is None


def test_not_sold_on_demand_is_unpriced_alone_and_left_out_in_a_mix() -> None:
    alone = priced(node_pool([types("p5e.48xlarge")], {"nvidia.com/gpu": "8"}), "us-east-2")
    assert "p5e.48xlarge: not sold on demand in us-east-2" in alone.reason
    mixed = priced(node_pool([types("p5e.48xlarge", "p5en.48xlarge")], {"nvidia.com/gpu": "8"}), "us-east-2")
    assert mixed.status == "priced"
    assert any("p5e.48xlarge" in part for part in mixed.left_out)


def test_types_beyond_the_catalogue_and_the_region_are_named() -> None:
    found = priced(node_pool([types("g6.xlarge", "g9.xlarge", "p5e.48xlarge")], {"nodes": "1"}), "eu-central-1")
    assert any("no instance type 'g9.xlarge'" in part for part in found.left_out)
    assert any("not offered in eu-central-1, so never bought: p5e.48xlarge" in note for note in found.notes)


def test_an_open_pool_says_that_it_may_cost_more() -> None:
    pool = node_pool([requirement("karpenter.k8s.aws/instance-category", "In", "m")], {"cpu": "100"})
    assert any("may buy families that are not in the price table" in note for note in priced(pool).notes)


def test_a_managed_group_on_demand() -> None:
    """2 to 4 nodes of m7i.large, 100 GiB gp3 each, desired 3."""
    node = 0.1008 * 730 + 100 * 0.08
    assert month(node_group(["m7i.large"], 2, 4, 3)) == pytest.approx((2 * node, 3 * node, 4 * node))


def test_a_managed_group_on_spot_with_two_types() -> None:
    """Fewest nodes at the cheapest spot price, most at the dearest on demand."""
    names = ("m7i.large", "m6i.large")
    ranges = [prices.spot(name, "us-east-1") for name in names]
    lists = [prices.on_demand(name, "us-east-1") for name in names]
    low = min(r.low for r in ranges if r)
    middle = sum(r.expected for r in ranges if r) / 2
    high = max(p.usd for p in lists if p)
    disk = 100 * 0.08 / 730
    expected = ((low + disk) * 1 * 730, (middle + disk) * 2 * 730, (high + disk) * 6 * 730)
    assert month(node_group(names, 1, 6, 2, "SPOT")) == pytest.approx(expected)


def test_what_a_managed_group_does_not_say() -> None:
    group = node_group(["m7i.large"], 2, 4, UNKNOWN)  # an autoscaler's number: counted at its floor
    node = 0.1008 * 730 + 8.0
    assert month(group) == pytest.approx((2 * node, 2 * node, 4 * node))
    used = node_group(["m7i.large"], 1, 4, tags={"trellis:expected-utilisation": "75%"})
    assert month(used)[1] == pytest.approx(3 * node)
    plain = node_group([], 1, 1)
    assert month(plain)[2] == pytest.approx(0.0416 * 730 + 8.0)  # EKS starts t3.medium
    for broken, reason in (
        (node_group(["m7i.large"], 1, 4, capacity="CAPACITY_BLOCK"), "paid ahead"),
        (node_group(["m7i.large"], 1, UNKNOWN), "scalingConfig.maxSize is known only after deployment"),  # type: ignore[arg-type] # what a plan may hold
        (node_group(["m7x.large"], 1, 1), "no instance type 'm7x.large'"),
        (node_group([UNKNOWN], 1, 1), "instanceTypes is known only after deployment"),  # type: ignore[list-item] # as above
    ):
        assert reason in priced(broken).reason


def test_the_launch_template_it_depends_on_tells_the_disk() -> None:
    volume = {"volumeSize": 60, "volumeType": "gp3"}
    template = resource(
        "aws:ec2/launchTemplate:LaunchTemplate",
        {"blockDeviceMappings": [{"deviceName": "/dev/xvda", "ebs": volume}], "instanceType": "m7i.large"},
    )
    group = node_group([], 1, 1, launchTemplate={"id": UNKNOWN, "version": UNKNOWN}) | {
        "dependencies": [template["urn"]]
    }
    del group["inputs"]["diskSize"]
    node = 0.1008 * 730 + 60 * 0.08
    assert month(group, siblings=Siblings.of([template, group]))[2] == pytest.approx(node)
    assert priced(group).left_out != ()  # alone it cannot know


def test_instances_and_reservations() -> None:
    assert month(resource("aws:ec2/instance:Instance", {"instanceType": "m7i.large"}))[0] == pytest.approx(73.584)
    held = resource(
        "aws:ec2/capacityReservation:CapacityReservation", {"instanceType": "p5.48xlarge", "instanceCount": 2.0}
    )
    assert month(held)[0] == pytest.approx(2 * 55.04 * 730)
    assert (
        "no on-demand price for x1.large"
        in priced(resource("aws:ec2/instance:Instance", {"instanceType": "x1.large"})).reason
    )


TYPES = sorted(hardware.instance_types())
LIMITS = st.dictionaries(
    st.sampled_from(["nvidia.com/gpu", "cpu", "memory", "nodes"]), st.integers(0, 300), min_size=1
).map(lambda found: {key: f"{value}Gi" if key == "memory" else value for key, value in found.items()})


@st.composite
def pools(draw: st.DrawFn) -> dict[str, Any]:
    names = draw(st.lists(st.sampled_from(TYPES), min_size=1, max_size=5, unique=True))
    capacity = draw(st.sampled_from([["spot"], ["on-demand"], ["spot", "on-demand"]]))
    note = {"trellis.dev/expected-utilisation": f"{draw(st.integers(0, 100))}%"}
    disk = draw(st.sampled_from([{}, {"trellis.dev/disk-gib": "80"}]))
    return node_pool([types(*names), buys(*capacity)], draw(LIMITS), note | disk)


@given(pools(), st.sampled_from(sorted(regions())))
def test_minimum_expected_worst_are_in_order(pool: dict[str, Any], region: str) -> None:
    found = price(pool, region)
    assert found is not None
    if found.cost is None:
        assert found.reason
    else:
        assert found.cost.minimum == 0
        assert found.cost.expected <= found.cost.worst


@given(
    st.lists(st.sampled_from(TYPES), min_size=1, max_size=4, unique=True),
    st.tuples(st.integers(0, 9), st.integers(0, 9), st.integers(0, 9)),
    st.sampled_from(["SPOT", "ON_DEMAND"]),
)
def test_managed_groups_are_in_order(names: list[str], sizes: tuple[int, int, int], capacity: str) -> None:
    least, desired, most = sizes
    found = price(node_group(names, least, most, desired, capacity), "us-east-1")
    assert found is not None
    assert found.cost is None or found.cost.minimum <= found.cost.expected <= found.cost.worst
