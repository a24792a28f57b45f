"""What an operation of the engine came to, as plain data. Drift, changes and refusals are compared on exactly these."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from trellis.plan import Plan

CommandName = Literal["preview", "up", "refresh", "destroy"]


@dataclass(frozen=True, kw_only=True, order=True)
class Operation:
    """One step on one resource, other than `same`. A replacement has several, with one URN."""

    urn: str
    op: str
    """The engine's word: `create`, `update`, `delete`, `replace`, `create-replacement`, `delete-replaced`..."""
    changed: tuple[str, ...] = ()
    """Paths of the properties that differ, such as `spec.replicas`; top-level keys where the provider tells no more."""
    replacing: tuple[str, ...] = ()
    """Those of them that force a replacement."""
    done: bool = True
    """False when the step failed or was never finished."""

    @property
    def type(self) -> str:
        """The resource's own type, without its parents'."""
        return self.urn.split("::")[2].rpartition("$")[2]

    @property
    def name(self) -> str:
        """The resource's name in the program."""
        return self.urn.split("::", 3)[3]


@dataclass(frozen=True, kw_only=True, order=True)
class Failure:
    """One error that the engine, a provider or the program told."""

    urn: str
    """The resource; the stack's own URN or empty where it concerns none in particular."""
    message: str


@dataclass(frozen=True, kw_only=True, order=True)
class Finding:
    """What a policy of a pack found."""

    level: str
    """`mandatory` or `advisory`."""
    policy: str
    urn: str
    message: str


@dataclass(frozen=True, kw_only=True)
class Result:
    """What one preview, up, refresh or destroy came to."""

    command: CommandName
    stack: str
    changes: Mapping[str, int]
    """Number of resources by operation, as the engine sums them up; empty when it stopped before that."""
    operations: tuple[Operation, ...] = ()
    """Sorted; what stays the same is not among them."""
    failures: tuple[Failure, ...] = ()
    findings: tuple[Finding, ...] = ()
    outputs: Mapping[str, Any] = field(default_factory=dict)
    """Outputs of the stack afterwards; secrets and unknowns are the plan's marks."""
    warnings: tuple[str, ...] = ()
    seconds: float = 0.0
    """Wall-clock time."""
    plan: Plan | None = None
    """What will exist; only after a preview that went through."""

    @property
    def mandatory(self) -> tuple[Finding, ...]:
        """The findings that stop an update."""
        return tuple(finding for finding in self.findings if finding.level == "mandatory")

    @property
    def succeeded(self) -> bool:
        """Whether all that was asked was done."""
        return not self.failures and not self.mandatory
