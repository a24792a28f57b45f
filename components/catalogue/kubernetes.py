"""Kubernetes minor versions and the ranges in which an add-on may run.

Two different claims are kept apart, because upstreams make both and mean different things:

- *supported*: the lowest and highest minor that upstream says it runs on. Outside it an add-on is refused.
- *tested*: the minors that upstream's own tests run on. Inside *supported* but outside *tested* an add-on
  is allowed, and shown as unproven.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from functools import total_ordering

_MINOR = re.compile(r"v?(?P<major>[0-9]+)\.(?P<minor>[0-9]+)(?:\.[0-9]+)?(?:[-+].*)?")


class NotAMinorError(ValueError):
    """A text that names no Kubernetes minor such as ``1.35``."""

    def __init__(self, text: str) -> None:
        super().__init__(f"{text!r} names no Kubernetes version; write major.minor, for example '1.35'")
        self.text = text


@total_ordering
@dataclass(frozen=True)
class Minor:
    """One Kubernetes minor version, ordered as numbers (1.9 < 1.10)."""

    major: int
    minor: int

    @classmethod
    def parse(cls, text: str) -> Minor:
        """Read ``1.35``, ``v1.35`` or ``1.35.2``; raise `NotAMinorError` on anything else."""
        match = _MINOR.fullmatch(text)
        if match is None:
            raise NotAMinorError(text)
        return cls(int(match["major"]), int(match["minor"]))

    def __lt__(self, other: Minor) -> bool:
        return (self.major, self.minor) < (other.major, other.minor)

    def __str__(self) -> str:
        return f"{self.major}.{self.minor}"


class Level(StrEnum):
    """How far upstream stands behind an add-on on one Kubernetes minor."""

    SUPPORTED = "supported"
    UNPROVEN = "unproven"
    UNSUPPORTED = "unsupported"


@dataclass(frozen=True)
class Verdict:
    """Whether something runs on a Kubernetes minor, and the sentence that says why (not)."""

    level: Level
    reason: str

    @property
    def ok(self) -> bool:
        """True unless upstream rules the minor out."""
        return self.level is not Level.UNSUPPORTED


@dataclass(frozen=True)
class Span:
    """A closed range of minors; an end that is None is open because upstream states none."""

    low: Minor | None
    high: Minor | None

    @classmethod
    def parse(cls, low: str | None, high: str | None) -> Span:
        """Build a span from texts; raise ValueError when it is upside down."""
        span = cls(Minor.parse(low) if low else None, Minor.parse(high) if high else None)
        if span.low and span.high and span.high < span.low:
            raise ValueError(f"the range {low} to {high} is upside down")
        return span

    def __contains__(self, minor: Minor) -> bool:
        return not (self.low and minor < self.low) and not (self.high and self.high < minor)

    def __str__(self) -> str:
        if self.low and self.high:
            return f"{self.low} to {self.high}"
        if self.low:
            return f"{self.low} and newer"
        return f"up to {self.high}" if self.high else "any version"


def judge(what: str, minor: Minor, supported: Span, tested: Span | None, source: str) -> Verdict:
    """Judge one minor against upstream's claims; `what` and `source` go into the sentence."""
    if minor not in supported:
        return Verdict(
            Level.UNSUPPORTED,
            f"{what} runs on Kubernetes {supported}, and the cluster has {minor} (source: {source})",
        )
    if tested is not None and minor not in tested:
        return Verdict(
            Level.UNPROVEN,
            f"{what} is tested by its makers on Kubernetes {tested}, not on {minor} (source: {source})",
        )
    return Verdict(Level.SUPPORTED, f"{what} runs on Kubernetes {minor} (source: {source})")
