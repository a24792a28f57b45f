"""The plans of the real stacks, recorded once for each test process."""

from __future__ import annotations

from functools import cache

from components.spec.platform import Platform
from trellis.judge import Judgement, judge
from trellis.plan import Plan
from trellis.preview import preview_environment

AS_OF = "2026-11-01"
"""Fixed, so that no test depends on the day it runs."""


@cache
def _previewed(stack: str) -> tuple[Plan, Platform]:
    return preview_environment(stack, as_of=AS_OF)


def recorded(stack: str) -> Plan:
    """The plan of a stack."""
    return _previewed(stack)[0]


def platform(stack: str) -> Platform:
    """What the stack's file says."""
    return _previewed(stack)[1]


@cache
def judged(stack: str) -> Judgement:
    """The plan of a stack with its verdict."""
    return judge(*_previewed(stack))
