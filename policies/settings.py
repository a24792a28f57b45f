"""What one rule is told: its own configuration, laid over its defaults, read with types."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from policies.model import Level, Rule

ENFORCEMENT = "enforcementLevel"
"""Key of a rule's configuration that sets its level; Pulumi reserves it."""

UNSEEN = "unknown-values"
"""Id of the pack's own advisory policy, which reports what rules could not see (see `policies.pack`)."""


class SettingsError(ValueError):
    """A rule's configuration holds a value of the wrong type, or the configuration names no such rule."""


@dataclass(frozen=True, eq=False)
class Settings:
    """The configuration of one rule."""

    rule: Rule[Any]
    given: Mapping[str, Any] = field(default_factory=dict)
    """The rule's part of the pack's configuration; empty takes every default."""

    @property
    def level(self) -> Level:
        """What a finding of this rule does."""
        given = self.given.get(ENFORCEMENT)
        if given is None:
            return self.rule.level
        try:
            return Level(given)
        except ValueError:
            raise self._wrong(ENFORCEMENT, given, " | ".join(Level)) from None

    def value(self, name: str) -> Any:
        """The configured value, or the default of the rule's setting."""
        given = self.given.get(name)
        if given is not None:
            return given
        return next(s.default for s in self.rule.settings if s.name == name)

    def text(self, name: str) -> str | None:
        """A text, or None when neither configured nor defaulted."""
        value = self.value(name)
        if value is not None and not isinstance(value, str):
            raise self._wrong(name, value, "text")
        return value

    def number(self, name: str) -> float | None:
        """A number, or None when neither configured nor defaulted."""
        value = self.value(name)
        if value is None:
            return None
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise self._wrong(name, value, "a number")
        return float(value)

    def whole(self, name: str) -> int | None:
        """A whole number, or None. The engine hands over every number as a float: 8.0 is 8."""
        value = self.number(name)
        if value is None:
            return None
        if not value.is_integer():
            raise self._wrong(name, value, "a whole number")
        return int(value)

    def flag(self, name: str) -> bool:
        """True or false; false when neither configured nor defaulted."""
        value = self.value(name)
        if value is not None and not isinstance(value, bool):
            raise self._wrong(name, value, "true or false")
        return bool(value)

    def texts(self, name: str) -> tuple[str, ...]:
        """A list of texts; empty when neither configured nor defaulted."""
        value = self.value(name)
        if value is None:
            return ()
        if not isinstance(value, list | tuple) or not all(isinstance(v, str) for v in value):
            raise self._wrong(name, value, "a list of texts")
        return tuple(value)

    def rows(self, name: str) -> tuple[Mapping[str, Any], ...]:
        """A list of mappings; empty when neither configured nor defaulted."""
        value = self.value(name)
        if value is None:
            return ()
        if not isinstance(value, list | tuple) or not all(isinstance(v, Mapping) for v in value):
            raise self._wrong(name, value, "a list of objects")
        return tuple(value)

    def _wrong(self, name: str, value: Any, wanted: str) -> SettingsError:
        return SettingsError(
            f"policy configuration {self.rule.id}.{name} is {value!r}; it must be {wanted}. "
            "The file is generated from the stack file: correct `guardrails` there and generate it again."
        )
