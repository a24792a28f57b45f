"""What counts as changed by others, on plain data."""

from __future__ import annotations

from trellis.doubles.kubernetes.drift import inputs_now
from trellis.doubles.wire import Secret


def test_what_the_server_writes_in_another_way_is_no_drift() -> None:
    inputs = {"kind": "Pod", "spec": {"cpu": "1000m", "ports": [{"port": 80}], "none": []}}
    live = {"kind": "Pod", "spec": {"cpu": "1", "ports": [{"port": 80, "protocol": "TCP"}], "node": "a"}}
    assert inputs_now(inputs, live, live) == inputs


def test_exactly_what_changed_is_changed() -> None:
    inputs = {"metadata": {"labels": {"a": "1", "b": "1"}}, "spec": {"cpu": "1000m", "items": [{"n": 1}, {"n": 2}]}}
    before = {"metadata": {"labels": {"a": "1", "b": "1"}}, "spec": {"cpu": "1", "items": [{"n": 1}, {"n": 2, "x": 1}]}}
    live = {"metadata": {"labels": {"a": "2", "c": "1"}}, "spec": {"cpu": "1", "items": [{"n": 1}, {"n": 3, "x": 2}]}}
    assert inputs_now(inputs, before, live) == {
        "metadata": {"labels": {"a": "2"}},
        "spec": {"cpu": "1000m", "items": [{"n": 1}, {"n": 3}]},
    }


def test_items_that_came_or_went_are_told() -> None:
    inputs = {"spec": {"items": [1, 2]}}
    assert inputs_now(inputs, inputs, {"spec": {"items": [1, 2, 3]}}) == {"spec": {"items": [1, 2, 3]}}
    assert inputs_now(inputs, inputs, {"spec": {"items": [2]}}) == {"spec": {"items": [2]}}
    assert inputs_now(inputs, inputs, {}) == {}


def test_a_secret_that_stays_keeps_its_mark() -> None:
    inputs = {"kind": "Secret", "data": Secret({"a": "b"}), "stringData": Secret({"c": "d"})}
    live = {"kind": "Secret", "data": {"a": "b", "c": "ZA=="}}
    assert inputs_now(inputs, live, live) == inputs
    changed = {"kind": "Secret", "data": {"a": "b", "c": "ZQ=="}}
    assert inputs_now(inputs, live, changed) == {**inputs, "stringData": {"c": "e"}}
