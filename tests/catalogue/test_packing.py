"""The dearest nodes that limits allow."""

from __future__ import annotations

from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from components.catalogue.pricing.packing import MAX_STEPS, Option, alone, dearest

SMALL = Option("small", 1.0, {"gpu": 1, "nodes": 1})
BIG = Option("big", 9.0, {"gpu": 8, "nodes": 1})
PLAIN = Option("plain", 0.5, {"nodes": 1, "cpu": 4})


def test_one_type_fills_its_tightest_limit() -> None:
    fill = dearest([SMALL], {"gpu": 16, "nodes": 3})
    assert fill is not None
    assert (fill.counts, fill.usd_h, fill.bound_by) == ((("small", 3),), 3.0, "nodes")


def test_a_mix_takes_the_dearest_per_unit_and_fills_up() -> None:
    fill = dearest([SMALL, BIG], {"gpu": 10})  # one big (9.0 for 8 GPUs) and two small
    assert fill is not None
    assert (dict(fill.counts), fill.usd_h) == ({"big": 1, "small": 2}, 11.0)


def test_what_does_not_fit_is_never_bought() -> None:
    fill = dearest([SMALL, BIG], {"gpu": 7})
    assert fill is not None
    assert dict(fill.counts) == {"small": 7}
    nothing = dearest([BIG], {"gpu": 7})
    assert nothing is not None
    assert (nothing.counts, nothing.usd_h) == ((), 0.0)


def test_a_limit_that_does_not_hold_every_type_leaves_the_bill_open() -> None:
    assert dearest([SMALL, PLAIN], {"gpu": 4}) is None
    assert dearest([SMALL], {}) is None
    both = dearest([SMALL, PLAIN], {"gpu": 4, "cpu": 8})  # 4 small by GPUs, and 2 plain by vCPUs
    assert both is not None
    assert (dict(both.counts), both.usd_h) == ({"small": 4, "plain": 2}, 5.0)


def test_a_limit_of_zero_buys_nothing() -> None:
    fill = dearest([SMALL], {"gpu": 0})
    assert fill is not None
    assert fill.usd_h == 0


def test_huge_limits_take_the_quick_bound() -> None:
    limit = 8.0 * (MAX_STEPS + 5)
    fill = dearest([SMALL, BIG], {"gpu": limit})
    assert fill is not None
    assert dict(fill.counts) == {"big": MAX_STEPS + 5}  # 9/8 per GPU beats 1


prices = st.integers(1, 40).map(lambda n: n / 4)
sizes = st.integers(1, 6)


@st.composite
def markets(draw: st.DrawFn) -> tuple[list[Option], dict[str, float]]:
    options = [
        Option(f"o{i}", draw(prices), {"gpu": draw(sizes), "cpu": draw(sizes), "nodes": 1})
        for i in range(draw(st.integers(1, 3)))
    ]
    keys = draw(st.sets(st.sampled_from(["gpu", "cpu", "nodes"]), min_size=1))
    return options, {key: float(draw(st.integers(0, 8))) for key in sorted(keys)}


def optimum(options: list[Option], limits: dict[str, float]) -> float:
    """Try every combination."""
    best = 0.0
    for counts in product(*(range((alone(o, limits) or 0) + 1) for o in options)):
        used = {r: sum(n * o.capacity[r] for n, o in zip(counts, options, strict=True)) for r in limits}
        if all(used[r] <= limit for r, limit in limits.items()):
            best = max(best, sum(n * o.usd_h for n, o in zip(counts, options, strict=True)))
    return best


@settings(max_examples=150)
@given(markets())
def test_the_bound_is_never_too_low_and_exact_for_one_limit(case: tuple[list[Option], dict[str, float]]) -> None:
    options, limits = case
    fill = dearest(options, limits)
    assert fill is not None
    true = optimum(options, limits)
    assert fill.usd_h >= true - 1e-9
    if len(limits) == 1 or fill.respects(options, limits):
        assert fill.usd_h == pytest.approx(true)
    by_name = {o.name: o.usd_h for o in options}
    assert fill.usd_h == pytest.approx(sum(n * by_name[name] for name, n in fill.counts))


@given(markets(), st.sampled_from(["gpu", "cpu", "nodes"]), st.integers(0, 4))
def test_a_higher_limit_never_costs_less(case: tuple[list[Option], dict[str, float]], key: str, more: int) -> None:
    options, limits = case
    if key in limits:
        before, after = dearest(options, limits), dearest(options, {**limits, key: limits[key] + more})
        assert before is not None
        assert after is not None
        assert after.usd_h >= before.usd_h - 1e-9
