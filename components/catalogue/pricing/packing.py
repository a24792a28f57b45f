"""The dearest set of nodes that a pool's limits allow.

Karpenter starts a node only while the sum of capacities stays within each limit, so the worst bill is a knapsack:
most money within the limit. Solved exactly for each limit by dynamic programming; the smallest of those answers bounds
the bill when several limits hold. (Karpenter checks limits with some delay, so a rapid scale-out may overshoot them by
a node or two: its documentation says so, and no figure can.)
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

MAX_STEPS = 20_000
"""Longest table to fill; beyond that the bound is taken from the dearest node per unit, rounded up."""


@dataclass(frozen=True, slots=True)
class Option:
    """A node that may be bought."""

    name: str
    usd_h: float
    capacity: Mapping[str, float]
    """How much of each limited resource one node takes."""


@dataclass(frozen=True, slots=True)
class Fill:
    """Nodes that fill a pool."""

    counts: tuple[tuple[str, int], ...]
    """(option, nodes), sorted by name."""
    usd_h: float
    bound_by: str
    """The limit that decides."""

    def respects(self, options: Sequence[Option], limits: Mapping[str, float]) -> bool:
        """Whether these nodes stay within every limit: then the bound is exact, not only safe."""
        capacity = {o.name: o.capacity for o in options}
        return all(sum(n * capacity[name].get(r, 0) for name, n in self.counts) <= limit for r, limit in limits.items())


def fitting(options: Sequence[Option], limits: Mapping[str, float]) -> list[Option]:
    """Return the options of which at least one node fits within every limit."""
    return [o for o in options if all(o.capacity.get(r, 0) <= limit for r, limit in limits.items())]


def alone(option: Option, limits: Mapping[str, float]) -> int | None:
    """Return how many nodes of one option the limits allow; None when no limit holds it."""
    held = [math.floor(limit / option.capacity[r]) for r, limit in limits.items() if option.capacity.get(r, 0) > 0]
    return min(held, default=None)


def dearest(options: Sequence[Option], limits: Mapping[str, float]) -> Fill | None:
    """Return the dearest nodes within the limits; None when the limits leave the bill open.

    A limit holds only options that take some of its resource: a limit on GPUs does not hold plain nodes, so those are
    bounded by the other limits and their bill comes on top.
    """
    within = fitting(options, limits)
    if not within:
        return Fill((), 0.0, "no type fits") if options and limits else None
    fills = [fill for r in sorted(limits) if (fill := _held_by(r, within, limits)) is not None]
    return min(fills, key=lambda f: f.usd_h, default=None)


def _held_by(resource: str, options: Sequence[Option], limits: Mapping[str, float]) -> Fill | None:
    """Bound the bill by one limit, and what that limit does not hold by the others; None if they leave it open."""
    held = [o for o in options if o.capacity.get(resource, 0) > 0]
    free = [o for o in options if o.capacity.get(resource, 0) <= 0]
    if not held:
        return None
    fill = _knapsack(held, resource, limits[resource])
    if not free:
        return fill
    rest = dearest(free, {r: limit for r, limit in limits.items() if r != resource})
    if rest is None:
        return None
    counts = tuple(sorted((*fill.counts, *rest.counts)))
    return Fill(counts, fill.usd_h + rest.usd_h, f"{fill.bound_by} and {rest.bound_by}")


def _knapsack(options: Sequence[Option], resource: str, limit: float) -> Fill:
    """Most money within one limit. Capacities are rounded down to whole units, which can only raise the bound."""
    size = {o.name: max(1, math.floor(o.capacity[resource])) for o in options}
    unit = math.gcd(*size.values())
    steps = math.floor(limit / unit)
    if len(options) == 1 or steps > MAX_STEPS:
        best = max(options, key=lambda o: o.usd_h / o.capacity[resource])
        exact = limit / best.capacity[resource]
        nodes = math.floor(exact) if len(options) == 1 else math.ceil(exact)
        return Fill(((best.name, nodes),), nodes * best.usd_h, resource)
    value = [0.0] * (steps + 1)
    chosen: list[Option | None] = [None] * (steps + 1)
    for step in range(1, steps + 1):
        value[step] = value[step - 1]
        for option in options:
            before = step - size[option.name] // unit
            if before >= 0 and value[before] + option.usd_h > value[step]:
                value[step] = value[before] + option.usd_h
                chosen[step] = option
    return Fill(_trace(chosen, size, unit), value[steps], resource)


def _trace(chosen: Sequence[Option | None], size: Mapping[str, int], unit: int) -> tuple[tuple[str, int], ...]:
    counts: dict[str, int] = {}
    step = len(chosen) - 1
    while step > 0:
        option = chosen[step]
        if option is None:
            step -= 1
            continue
        counts[option.name] = counts.get(option.name, 0) + 1
        step -= size[option.name] // unit
    return tuple(sorted(counts.items()))
