"""Every mistake of a file is told at once, each once, and none because of another."""

from __future__ import annotations

from pathlib import Path

import pytest

from components.spec.base import dotted
from components.spec.validate import validate
from tests.spec.rows import Row, Told, broken, rows, ten_mistakes
from tests.spec.stack_files import told
from trellis.stackfile import describe

STRIDES = (17, 41, 67)
"""Each row is paired with the rows this far behind it: three partners from other tables."""

RESTS_ON_IT = {
    ("GPU without a pool", "no clusters at all"): "without clusters there are no pools to choose from",
    ("no clusters at all", "EKS without account"): "without clusters nobody knows that one is an EKS cluster",
    ("more GPUs than a node has", "empty list"): "without instance types nobody knows the nodes",
    ("sharing that is not known", "shared GPUs where a pod owns its GPU"): "nobody knows whether that pool shares",
    ("model that fits no node by CPU", "reference to a name that is no name"): "the pool is the wrong name",
}
"""Pairs of which one mistake cannot be judged before the other is repaired, with the reason."""


def _told(rows_: list[Row]) -> Told:
    _, problems = validate(broken("cloud", rows_))
    return sorted((problem.rule, dotted(problem.path)) for problem in problems)


def _apart(one: Row, other: Row) -> bool:
    """Whether two rows change different parts of the file: no place within three steps of the other's."""
    return not any(a[:3] == b[: len(a[:3])] or b[:3] == a[: len(b[:3])] for a in one.places for b in other.places)


def _pairs() -> list[tuple[Row, Row]]:
    cloud = [row for row in rows() if row.base == "cloud"]
    pairs = [(row, cloud[(index + far) % len(cloud)]) for far in STRIDES for index, row in enumerate(cloud)]
    return [(one, other) for one, other in pairs if _apart(one, other) and (one.name, other.name) not in RESTS_ON_IT]


PAIRS = _pairs()


@pytest.mark.parametrize("pair", PAIRS, ids=[f"{a.name} + {b.name}" for a, b in PAIRS])
def test_two_mistakes_are_told_as_if_each_were_alone(pair: tuple[Row, Row]) -> None:
    wanted = sorted({*pair[0].wanted, *pair[1].wanted})
    assert _told(list(pair)) == wanted


@pytest.mark.parametrize("names", RESTS_ON_IT)
def test_a_mistake_waits_only_for_what_it_rests_on(names: tuple[str, str]) -> None:
    pair = [row for name in names for row in rows() if row.name == name]
    wanted = sorted({*pair[0].wanted, *pair[1].wanted})
    found = _told(pair)
    assert len(found) == len(wanted) - 1
    assert set(found) < set(wanted)


def test_ten_mistakes_are_told_as_ten(tmp_path: Path) -> None:
    row = ten_mistakes()
    problems = told(row.values(), tmp_path)
    assert sorted((p.rule, dotted(p.path)) for _, p in problems) == row.wanted
    assert len(problems) == 10


def test_ten_mistakes_read_in_the_order_of_the_file(tmp_path: Path) -> None:
    places = [place.line for place, _ in told(ten_mistakes().values(), tmp_path)]
    assert places == sorted(places)
    assert places[0] > 0


def test_what_is_told_has_all_that_a_person_needs(tmp_path: Path) -> None:
    for place, problem in told(ten_mistakes().values(), tmp_path):
        text = describe(place, problem)
        assert [line.split(":")[0].strip() for line in text.splitlines()[1:]] == ["given", "allowed", "else", "fix"]
        assert text.startswith(f"stacks/Pulumi.bad.yaml:{place.line}: {dotted(problem.path)}: ")
