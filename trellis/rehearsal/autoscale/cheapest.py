"""The cheapest nodes that hold a set of pods: exactly where the set is small, else a price that none can undercut.

Nothing but requests, what nodes give, and prices counts here: not zones, not spreading, not the pool's limits. So what
a cluster really costs is never below this, and the difference has reasons.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from math import prod
from typing import Literal

MAX_WORK = 300_000
"""States times node types times shapes; beyond that the search is given up for the bound."""
Method = Literal["exact", "lower bound"]


@dataclass(frozen=True)
class Box:
    """A node that may be bought."""

    name: str
    usd_h: float
    holds: Mapping[str, int]


@dataclass(frozen=True)
class Fit:
    """What holding the pods costs at the least."""

    usd_h: float
    method: Method
    nodes: Mapping[str, int]
    """Nodes by name, for an exact answer."""


def cheapest(boxes: Sequence[Box], pods: Sequence[Mapping[str, int]]) -> Fit | None:
    """The least that pods cost; None where one fits into no box. A pod is what it asks for, `pods: 1` included."""
    counted = Counter(tuple(sorted((name, n) for name, n in pod.items() if n)) for pod in pods)
    shapes = [dict(shape) for shape in sorted(counted)]
    counts = tuple(counted[shape] for shape in sorted(counted))
    useful = [box for box in boxes if any(_times(box.holds, shape) for shape in shapes)]
    if any(not any(_times(box.holds, shape) for box in useful) for shape in shapes):
        return None
    states = prod(count + 1 for count in counts)
    if states * states * len(useful) * max(1, len(shapes)) > MAX_WORK:
        return Fit(_bound(useful, pods), "lower bound", {})
    return _exact(useful, shapes, counts)


def _exact(boxes: Sequence[Box], shapes: Sequence[Mapping[str, int]], counts: tuple[int, ...]) -> Fit:
    """Every way to fill one node, then the rest in the same way; the first shape left must go into the next node."""

    @cache
    def best(left: tuple[int, ...]) -> tuple[float, tuple[str, ...]]:
        if not any(left):
            return 0.0, ()
        found = []
        for box in boxes:
            for load in _loads(box.holds, shapes, left):
                price, names = best(tuple(a - b for a, b in zip(left, load, strict=True)))
                found.append((round(box.usd_h + price, 9), (*names, box.name)))
        return min(found)

    price, names = best(counts)
    return Fit(price, "exact", dict(sorted(Counter(names).items())))


def _loads(
    holds: Mapping[str, int], shapes: Sequence[Mapping[str, int]], left: tuple[int, ...]
) -> Iterator[tuple[int, ...]]:
    """Loads of one node that take the first shape left and to which no further pod could be added."""
    first = next(index for index, count in enumerate(left) if count)

    def fill(index: int, rest: Mapping[str, int], load: tuple[int, ...]) -> Iterator[tuple[int, ...]]:
        if index == len(shapes):
            full = all(
                count == taken or not _times(rest, shape)
                for shape, count, taken in zip(shapes, left, load, strict=True)
            )
            if full and load[first]:
                yield load
            return
        shape = shapes[index]
        for number in range(min(left[index], _times(rest, shape)), -1, -1):
            yield from fill(index + 1, {r: n - number * shape.get(r, 0) for r, n in rest.items()}, (*load, number))

    yield from fill(0, holds, ())


def _times(holds: Mapping[str, int], shape: Mapping[str, int]) -> int:
    """How many pods of a shape fit."""
    return min((max(0, holds.get(name, 0)) // n for name, n in shape.items()), default=0)


def _bound(boxes: Sequence[Box], pods: Sequence[Mapping[str, int]]) -> float:
    """For each resource: all that is asked, at the price of its cheapest unit. The dearest of these is unavoidable."""
    asked: Counter[str] = Counter()
    for pod in pods:
        asked.update(pod)
    return max(
        total * min(box.usd_h / box.holds[name] for box in boxes if box.holds.get(name))
        for name, total in asked.items()
        if total
    )
