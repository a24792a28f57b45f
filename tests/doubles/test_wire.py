"""Marks for secrets and unknowns, and what changed between two property bags."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from trellis.doubles.differences import Difference, differences
from trellis.doubles.wire import UNKNOWN, Secret, has_secret, has_unknown, read, reveal, veil, write

LEAF = st.one_of(st.booleans(), st.integers(-(2**40), 2**40), st.text(max_size=8), st.just(UNKNOWN))
VALUE = st.recursive(
    LEAF,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(st.text(min_size=1, max_size=4), inner, max_size=3),
        st.builds(Secret, inner.filter(lambda value: not isinstance(value, Secret))),
    ),
    max_leaves=8,
)
BAG = st.dictionaries(st.text(min_size=1, max_size=4), VALUE, max_size=4)


@given(BAG)
def test_a_bag_survives_the_wire(bag: dict[str, Any]) -> None:
    assert read(write(bag)) == bag


@given(BAG)
def test_a_bag_differs_from_itself_in_nothing(bag: dict[str, Any]) -> None:
    assert differences("aws:x:Y", bag, bag, lambda *_: False) == []


def test_a_secret_shows_nothing_and_stays_secret() -> None:
    held = {"a": [Secret("word")], "b": 1}
    assert "word" not in repr(held)
    assert veil({"a": ["word"], "b": 1, "c": "made"}, held) == {"a": Secret(["word"]), "b": 1, "c": "made"}
    assert reveal(held) == {"a": ["word"], "b": 1}
    assert has_secret(held)
    assert not has_secret(reveal(held))
    assert has_unknown({"a": [Secret({"b": UNKNOWN})]})


def test_each_changed_path_is_named() -> None:
    old = {"metadata": {"labels": {"a/b": "1", "c": "2"}}, "spec": {"ports": [{"port": 1}, {"port": 2}]}, "same": 1}
    new = {"metadata": {"labels": {"a/b": "2", "d": "2"}}, "spec": {"ports": [{"port": 3}]}, "same": 1}
    assert differences("t", old, new, lambda _type, path: path.startswith("spec")) == [
        Difference("metadata.labels.c", "delete"),
        Difference("metadata.labels.d", "add"),
        Difference('metadata.labels["a/b"]', "update"),
        Difference("spec.ports[0].port", "update", replaces=True),
        Difference("spec.ports[1]", "delete", replaces=True),
    ]


def test_replacement_comes_from_the_catalogue() -> None:
    changed = differences("aws:ec2/vpc:Vpc", {"cidrBlock": "10.0.0.0/16"}, {"cidrBlock": "10.1.0.0/16"})
    assert changed == [Difference("cidrBlock", "update", replaces=True)]
