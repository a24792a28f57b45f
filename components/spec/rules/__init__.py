"""Rules that no schema can say, because they look at several fields at once.

Each rule takes the platform and yields problems. The order here is the order of the file, for people who read both.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from components.spec.base import Problem
from components.spec.platform import Platform
from components.spec.rules import workloads

Rule = Callable[[Platform], Iterable[Problem]]

RULES: tuple[Rule, ...] = (workloads.weights_sum_to_100,)
