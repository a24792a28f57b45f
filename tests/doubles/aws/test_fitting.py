"""What is drift and what is only another writing."""

from __future__ import annotations

import json
import random
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from trellis.doubles.aws.fitting import alike, fit

_PLAIN = st.one_of(st.booleans(), st.integers(-5, 5), st.text("abc", max_size=3))
_OBJECTS = st.dictionaries(st.sampled_from("pqr"), _PLAIN, min_size=1, max_size=2)
_VALUES = st.one_of(_PLAIN, _OBJECTS, st.lists(_PLAIN, max_size=3), st.lists(_OBJECTS, max_size=4))
_BAGS = st.dictionaries(st.sampled_from("uvw"), _VALUES)

_UNHURRIED = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
"""A busy machine says nothing about what is right."""


@_UNHURRIED
@given(_BAGS, st.integers(0, 99))
def test_what_was_given_fits_itself_in_any_order(bag: dict[str, Any], seed: int) -> None:
    chance = random.Random(seed)  # noqa: S311 - any order will do
    mixed = {key: chance.sample(value, len(value)) if isinstance(value, list) else value for key, value in bag.items()}
    assert fit(bag, {**mixed, "more": "of AWS's own"}) == bag


@_UNHURRIED
@given(st.lists(st.text("abc", min_size=1), unique=True), st.text("xyz", min_size=1))
def test_a_new_member_of_a_set_is_drift(given_: list[str], new: str) -> None:
    assert fit({"a": given_}, {"a": [new, *reversed(given_)]}) == {"a": [*given_, new]}


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ('{"Action": ["a"]}', '{ "Action" : "a" }', True),
        ('{"Action": ["a", "b"]}', '{"Action": ["b", "a"]}', True),
        ('{"Action": ["a"]}', '{"Action": ["a", "b"]}', False),
        ('{"Effect": "Allow"}', '{"Effect": "Deny"}', False),
        ('{"Effect"', '{"Effect" ', False),
        ("50", 50.0, True),
        ("1", "2", False),
        ("007", "7", False),
        (True, "true", True),
        (True, 1, False),
        ("1.30", "1.3", False),
        ("1.0", 1, True),
    ],
)
def test_what_means_the_same(one: object, other: object, *, same: bool) -> None:
    assert alike(one, other) is same


def test_maps_count_whole_and_objects_by_what_was_given() -> None:
    old = {"labels": {"a": "b"}, "config": {"on": True}}
    now = {"labels": {"a": "b", "foreign": "c"}, "config": {"on": True, "own": 1}}
    assert fit(old, now, whole=frozenset({"labels"})) == {**old, "labels": now["labels"]}


def test_order_counts_where_it_is_said_to() -> None:
    old, now = {"types": ["a", "b"]}, {"types": ["b", "a"]}
    assert fit(old, now) == old
    assert fit(old, now, ordered=frozenset({"types"})) == now


def test_documents_inside_are_compared_by_meaning() -> None:
    old = {"policy": json.dumps({"Statement": [{"Action": ["x"]}]})}
    assert fit(old, {"policy": json.dumps({"Statement": {"Action": "x"}}, indent=1)}) == old
