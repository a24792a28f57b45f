"""One broken field for each branch of each rule: what is broken, and what the message must say."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from tests.policies.builders import GUARDRAILS, Stack, put, row

Break = Callable[[Stack], None]


@dataclass(frozen=True, kw_only=True)
class Case:
    """A stack with one mistake, and the finding that it must give."""

    rule: str
    name: str
    break_: Break
    says: tuple[str, ...]
    """Resource, value, limit and fix as the message must contain them."""
    count: int = 1
    """Findings of the rule."""
    also: frozenset[str] = frozenset()
    """Other rules that the same mistake breaks."""
    guardrails: Mapping[str, Any] = field(default_factory=dict)
    """Guardrails that differ."""

    @property
    def id(self) -> str:
        """Name of the test."""
        return f"{self.rule}: {self.name}"

    @property
    def all_guardrails(self) -> Mapping[str, Any]:
        """Guardrails of the case."""
        return {**GUARDRAILS, **self.guardrails}


def set_(name: str, path: str, value: Any) -> Break:
    """Break one field."""
    return lambda stack: put(stack, name, path, value)


def drop(name: str) -> Break:
    """Take a resource away."""

    def apply(stack: Stack) -> None:
        del stack[name]

    return apply


def unchanged(_stack: Stack) -> None:
    """Only the guardrails differ."""


def elsewhere(stack: Stack) -> None:
    """Put the model into another cluster than its pool."""
    stack["other"] = row("pulumi:providers:kubernetes", "other", {})
    stack["llm"]["provider"] = stack["other"]["urn"]


def both(*breaks: Break) -> Break:
    """Several edits that together are one mistake."""

    def apply(stack: Stack) -> None:
        for change in breaks:
            change(stack)

    return apply


def case(rule: str, name: str, break_: Break, *says: str, also: tuple[str, ...] = (), **more: Any) -> Case:
    return Case(rule=rule, name=name, break_=break_, says=says, also=frozenset(also), **more)
