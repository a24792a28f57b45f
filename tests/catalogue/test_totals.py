"""A whole plan: the sum, what is in it and what is not."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from components.catalogue.pricing import Cost, total, worst_case
from components.catalogue.pricing.read import gib, quantity, share
from tests.catalogue.plans import node_group, node_pool, resource, types


def named(plan: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [{**each, "urn": f"urn:{index}"} for index, each in enumerate(plan)]


PLAN = named(
    [
        resource("aws:eks/cluster:Cluster", {"version": "1.35"}),  # 73.00
        resource("aws:ec2/natGateway:NatGateway", {}),  # 32.85
        resource("aws:kms/key:Key", {}),  # 1.00
        node_group(["m7i.large"], 2, 4, 3),  # 81.584 a node
        node_pool([types("g6.xlarge")], {"nvidia.com/gpu": 4}, {"trellis.dev/expected-utilisation": "50%"}),
        resource("aws:iam/role:Role", {}),
        resource("aws:fsx/lustreFileSystem:LustreFileSystem", {}),
        resource("kubernetes:apps/v1:Deployment", {}),
    ]
)


def test_the_sum_worked_out() -> None:
    found = total(PLAN, "us-east-1")
    fixed = 73.00 + 32.85 + 1.00
    node = 0.1008 * 730 + 100 * 0.08
    gpu = 0.8048 * 730
    assert found.cost.minimum == pytest.approx(fixed + 2 * node)
    assert found.cost.expected == pytest.approx(fixed + 3 * node + 2 * gpu)
    assert found.cost.worst == pytest.approx(fixed + 4 * node + 4 * gpu)
    assert found.cost.worst == pytest.approx(106.85 + 326.336 + 2350.016)


def test_what_the_sum_does_not_cover_stands_beside_it() -> None:
    found = total(PLAN, "us-east-1")
    assert [r.urn for r in found.priced] == ["urn:0", "urn:1", "urn:2", "urn:3", "urn:4"]
    assert [r.urn for r in found.free] == ["urn:5"]
    assert [r.urn for r in found.unpriced] == ["urn:6"]
    assert {urn for urn, _ in found.left_out} == {"urn:1", "urn:2", "urn:4"}
    assert found.oldest_price == "2024"


def test_certainty_adds_up_to_the_worst_month() -> None:
    found = total(PLAN, "eu-central-1")
    assert sum(found.worst_by_confidence.values()) == pytest.approx(found.cost.worst)
    assert found.worst_by_confidence["unsure"] >= 0.052 * 730  # the NAT price of Frankfurt is from a blog


def test_an_empty_plan() -> None:
    found = total([], "us-east-1")
    assert (found.cost, found.oldest_price) == (Cost(0.0, 0.0, 0.0), None)


def test_worst_case_is_what_price_says() -> None:
    assert worst_case(PLAN[0], "us-east-1") == pytest.approx(73.0)
    assert worst_case(PLAN[7], "us-east-1") is None


def test_regions_come_from_providers() -> None:
    provider = {**resource("pulumi:providers:aws", {"region": "ap-southeast-1"}), "urn": "urn:p"}
    nat = {**resource("aws:ec2/natGateway:NatGateway", {}), "provider": "urn:p"}
    assert total([provider, nat], "us-east-1").cost.worst == pytest.approx(0.059 * 730)


def test_a_cost_out_of_order_is_refused() -> None:
    for wrong in (
        (2.0, 1.0, 3.0),
        (0.0, 2.0, 1.0),
        (-1.0, 0.0, 1.0),
        (0.0, 0.0, float("inf")),
        (0.0, float("nan"), 1.0),
    ):
        with pytest.raises(ValueError, match="not a cost"):
            Cost(*wrong)


def paths(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Every place in a plan value."""
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [path, *(found for key, child in inner for found in paths(child, (*path, key)))]


def replaced(value: Any, path: tuple[Any, ...], new: Any) -> Any:
    """A copy with something else at one place."""
    if not path:
        return new
    copy = dict(value) if isinstance(value, dict) else list(value)
    copy[path[0]] = replaced(value[path[0]], path[1:], new)
    return copy


ODD = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=3),
    lambda x: st.lists(x, max_size=2) | st.dictionaries(st.sampled_from(["$trellis", "key", "values", "x"]), x),
    max_leaves=4,
)
RICH = named(
    [
        *PLAN,
        resource(
            "kubernetes:helm.sh/v3:Release", {"values": {"replicas": 2, "persistence": {"enabled": True, "size": "1"}}}
        ),
        resource("aws:rds/instance:Instance", {"engine": "postgres", "instanceClass": "db.m7g.large", "multiAz": True}),
        resource("aws:s3/bucket:Bucket", {"tags": {"trellis:expected-gib": "1"}}),
        resource("aws:ebs/volume:Volume", {"size": 1, "type": "gp3", "iops": 1, "throughput": 1}),
        resource("aws:ec2/vpcEndpoint:VpcEndpoint", {"vpcEndpointType": "Interface", "subnetIds": ["a"]}),
    ]
)


@given(st.data(), st.sampled_from(RICH), ODD)
def test_no_input_makes_it_fall_over(data: st.DataObject, each: dict[str, Any], odd: Any) -> None:
    """A plan may hold anything anywhere: the answer is a verdict, never a crash, and never a negative cost."""
    place = data.draw(st.sampled_from(paths(each["inputs"])))
    total([{**each, "inputs": replaced(each["inputs"], place, odd)}], "us-east-1")


@pytest.mark.parametrize(
    ("written", "number"),
    [
        ("16", 16),
        ("500m", 0.5),
        ("1k", 1000),
        ("2Ki", 2048),
        (3.0, 3),
        ("", None),
        ("-1", None),
        (True, None),
        ("x", None),
    ],
)
def test_quantities(written: Any, number: float | None) -> None:
    assert quantity(written) == number


def test_sizes_and_shares() -> None:
    assert [gib(v) for v in ("100Gi", "100", 100, "1Ti", "half")] == [100, 100, 100, 1024, None]
    assert [share(v) for v in ("30%", "0.3", 30, "30", "130%", "x")] == [0.3, 0.3, 0.3, 0.3, None, None]
