"""Rules that no schema can say, because they look at several fields at once or at the catalogue.

Each rule takes the platform and yields problems. A rule is silent where another has spoken: an unknown instance type is
one problem, not five. The order here is the order of a stack file.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from components.spec.base import Problem
from components.spec.platform import Platform
from components.spec.rules import workloads

Rule = Callable[[Platform], Iterable[Problem]]

RULES: tuple[Rule, ...] = (workloads.weights_sum_to_100,)


def rule_id(rule: Rule) -> str:
    """The id of a rule: its name with dashes, such as `weights-sum-to-100`."""
    return str(getattr(rule, "__name__", rule)).replace("_", "-")
