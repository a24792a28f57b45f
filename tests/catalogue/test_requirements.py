"""What a NodePool may buy, by its requirements."""

from __future__ import annotations

import pytest

from components.catalogue.pricing.model import Unpriceable
from components.catalogue.pricing.requirements import candidates, capacity_types, is_open, named_types
from tests.catalogue.plans import UNKNOWN, buys, requirement, types

AWS = "karpenter.k8s.aws/instance-"


def names(*requirements: object) -> list[str]:
    return [kind.name for kind in candidates(requirements)]


def test_named_types() -> None:
    assert names(types("g6.xlarge", "g6.48xlarge", "unheard.of")) == ["g6.48xlarge", "g6.xlarge"]
    assert named_types([types("g6.xlarge", "unheard.of")]) == ("g6.xlarge", "unheard.of")


def test_requirements_narrow_together() -> None:
    found = names(
        requirement(f"{AWS}gpu-name", "In", "l4", "a10g"),
        requirement(f"{AWS}gpu-count", "In", "4"),
        requirement("kubernetes.io/arch", "In", "amd64"),
        requirement(f"{AWS}generation", "Gt", "5"),
    )
    assert found == ["g6.12xlarge", "g6.24xlarge"]


@pytest.mark.parametrize(
    ("operator", "values", "first"),
    [("Lt", ["4"], 2), ("Lte", ["4"], 4), ("Gte", ["192"], 192), ("Exists", [], 2), ("NotIn", ["2"], 4)],
)
def test_operators(operator: str, values: list[str], first: int) -> None:
    found = candidates([requirement(f"{AWS}family", "In", "m7i"), requirement(f"{AWS}cpu", operator, *values)])
    assert found
    edge = max(k.vcpu for k in found) if operator.startswith("L") else min(k.vcpu for k in found)
    assert edge == first


def test_absence_is_a_label_too() -> None:
    plain = candidates([requirement(f"{AWS}gpu-name", "DoesNotExist"), requirement(f"{AWS}family", "In", "g6", "m7i")])
    assert {kind.family for kind in plain} == {"m7i"}


def test_what_says_nothing_about_the_type_does_not_narrow() -> None:
    zone = requirement("topology.kubernetes.io/zone", "In", "us-east-1a")
    assert names(types("g6.xlarge"), zone, requirement("team", "In", "ml")) == ["g6.xlarge"]


def test_capacity_types() -> None:
    assert capacity_types([]) == {"on-demand"}
    assert capacity_types([buys("spot", "on-demand")]) == {"spot", "on-demand"}
    assert capacity_types([requirement("karpenter.sh/capacity-type", "NotIn", "spot")]) == {"on-demand", "reserved"}


def test_a_pool_is_open_when_nothing_names_types_or_families() -> None:
    assert is_open([requirement(f"{AWS}category", "In", "m"), requirement(f"{AWS}family", "NotIn", "m5")])
    assert not is_open([requirement(f"{AWS}family", "In", "m5")])


@pytest.mark.parametrize(
    ("broken", "why"),
    [
        (UNKNOWN, "requirement"),
        ({"key": "a", "operator": "Near", "values": []}, "'Near'; Karpenter knows In"),
        ({"key": f"{AWS}cpu", "operator": "Gt", "values": ["many"]}, "not a number"),
        ({"key": f"{AWS}cpu", "operator": "Gt", "values": []}, "not a number"),
        ({"key": "a", "operator": "In", "values": [UNKNOWN]}, "values is known only after deployment"),
    ],
)
def test_what_cannot_be_read_is_not_guessed(broken: object, why: str) -> None:
    with pytest.raises(Unpriceable, match=why):
        candidates([broken])
