"""What holds for every stack file, however broken: judging it never fails, and order of keys says nothing."""

from __future__ import annotations

import copy
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from components.spec.base import Path, Problem, dotted
from components.spec.validate import validate
from tests.spec.edits import find
from tests.spec.rows import ten_mistakes
from tests.spec.stack_files import GOOD, good

# Derandomised, so that two runs of one commit judge the same files; more examples were run while this was written.
SLOW = [HealthCheck.too_slow, HealthCheck.data_too_large]

scalars = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**70), 2**70),
    st.floats(allow_nan=True, allow_infinity=True),
    st.text(max_size=12),
    st.sampled_from(
        ["", "0", "32Gi", "on", "g6.xlarge", "existing", "mig", "10.0.0.0/8", "v1.0.0", "x" * 300, "\udc80"]
    ),
)
names = st.one_of(st.text(max_size=8), st.sampled_from(["main", "gpu", "kind", "pools", "limits", "by", "image"]))
anything = st.recursive(
    scalars,
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(names, inner, max_size=3)),
    max_leaves=6,
)


def places(values: Any, path: Path = ()) -> list[Path]:
    """Every place in some values, the root not included."""
    entries = values.items() if isinstance(values, dict) else enumerate(values) if isinstance(values, list) else ()
    found: list[Path] = []
    for key, entry in entries:
        found += [(*path, key), *places(entry, (*path, key))]
    return found


@st.composite
def mutated(draw: st.DrawFn) -> dict[str, Any]:
    """A right stack file with a few random nodes deleted, replaced, renamed or added."""
    values = good(draw(st.sampled_from(GOOD)))
    for _ in range(draw(st.integers(1, 4))):
        known = places(values)
        if not known:
            break
        path = draw(st.sampled_from(known))
        parent, key = find(values, path[:-1]), path[-1]
        match draw(st.sampled_from(["delete", "replace", "rename", "add"])):
            case "delete":
                del parent[key]
            case "replace":
                parent[key] = draw(anything)
            case "rename" if isinstance(parent, dict):
                parent[draw(names)] = parent.pop(key)
            case _ if isinstance(parent, dict):
                parent[draw(names)] = draw(anything)
            case _:
                parent.append(draw(anything))
    return values


def said(problems: list[Problem]) -> list[tuple[str, str, str]]:
    """Problems as text, in an order of their own."""
    return sorted((dotted(p.path), p.rule, p.message) for p in problems)


@settings(max_examples=200, derandomize=True, deadline=None, suppress_health_check=SLOW)
@given(mutated())
def test_judging_gives_a_platform_or_problems_and_never_fails(values: dict[str, Any]) -> None:
    before = copy.deepcopy(values)
    platform, problems = validate(values)
    assert platform is not None or problems
    assert repr(values) == repr(before), "what is judged is not changed"
    for problem in problems:
        assert problem.message
        assert problem.allowed
        assert problem.consequence
        assert problem.fix
        assert problem.rule
    assert len({(p.path, p.message) for p in problems}) == len(problems), "nothing is told twice"


@settings(max_examples=60, derandomize=True, deadline=None)
@given(st.dictionaries(names, anything, max_size=4))
def test_a_file_of_anything_gives_problems(values: dict[str, Any]) -> None:
    _, problems = validate(values)
    assert problems


def shuffled(draw: st.DrawFn, values: Any) -> Any:
    """The same values with the keys of every mapping in another order."""
    if isinstance(values, dict):
        return {key: shuffled(draw, values[key]) for key in draw(st.permutations(sorted(values)))}
    return [shuffled(draw, entry) for entry in values] if isinstance(values, list) else values


@st.composite
def good_in_any_order(draw: st.DrawFn) -> dict[str, Any]:
    """A right stack file, keys shuffled."""
    values: dict[str, Any] = shuffled(draw, good(draw(st.sampled_from(GOOD))))
    return values


@st.composite
def ten_in_any_order(draw: st.DrawFn) -> dict[str, Any]:
    """The file with ten mistakes, keys shuffled."""
    values: dict[str, Any] = shuffled(draw, ten_mistakes().values())
    return values


@settings(max_examples=25, derandomize=True, deadline=None)
@given(good_in_any_order())
def test_right_files_stay_right_in_any_order(values: dict[str, Any]) -> None:
    platform, problems = validate(values)
    assert platform is not None
    assert problems == []


@settings(max_examples=25, derandomize=True, deadline=None)
@given(ten_in_any_order())
def test_mistakes_are_the_same_in_any_order(values: dict[str, Any]) -> None:
    _, problems = validate(values)
    _, wanted = validate(ten_mistakes().values())
    assert said(problems) == said(wanted)
