"""What an act came to: plain data that the evidence is written from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any


class Verdict(StrEnum):
    """How an act went. Whatever could not be shown lowers a verdict; it never goes unsaid."""

    PASSED = "passed"
    LIMITED = "passed with limits"
    """All that could be tried held, but something was left out or only simulated; `notes` say what."""
    FAILED = "failed"


@dataclass(frozen=True, kw_only=True, order=True)
class Fidelity:
    """How near to the real thing one part of the rehearsal was."""

    subject: str
    """What it is about, such as `Release karpenter` or `aws:eks/addon:Addon`."""
    level: str
    """`real`, `rendered`, `crds only`, `stand-in` or `simulated`."""
    detail: str = ""


@dataclass(frozen=True, kw_only=True)
class Act:
    """One act of a rehearsal."""

    name: str
    verdict: Verdict
    summary: str
    """One line: what was shown, with its numbers."""
    notes: tuple[str, ...] = ()
    """What failed or was left out, each with what would mend it."""
    facts: Mapping[str, Any] = field(default_factory=dict)
    """JSON-ready figures behind the summary."""
    fidelity: tuple[Fidelity, ...] = ()
    seconds: float = 0.0
    """Wall-clock time; set by whoever runs the act."""
