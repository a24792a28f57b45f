"""What a rule is, what it may be told, and what it answers. Data only; nothing here looks at a resource."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Generic, TypeVar

if TYPE_CHECKING:
    from policies.settings import Settings
    from policies.stack import Stack
    from policies.values import Resource

DOCS = "docs/policies.md"
"""Generated reference that every rule's `url` points into."""


class Severity(StrEnum):
    """How bad a finding is, whatever the level says about stopping for it."""

    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"
    CRITICAL = "critical"


class Level(StrEnum):
    """What a finding does: `mandatory` stops the deployment, `advisory` is shown, `disabled` is not looked for."""

    MANDATORY = "mandatory"
    ADVISORY = "advisory"
    DISABLED = "disabled"


class Concern(StrEnum):
    """What part of the platform a rule guards."""

    GPU = "gpu"
    COST = "cost"
    SECURITY = "security"
    DELIVERY = "delivery"


class Scope(StrEnum):
    """What a rule must see: one `resource` (judged before it is created) or the whole `stack`."""

    RESOURCE = "resource"
    STACK = "stack"


@dataclass(frozen=True, kw_only=True)
class Setting:
    """One threshold of a rule."""

    name: str
    """Property name in the pack's configuration, camelCase."""
    schema: Mapping[str, Any]
    """JSON Schema of the value, without default and description."""
    meaning: str
    """What it does, with its unit."""
    guardrail: str
    """Key of the plain guardrails that fills it (see `policies.config`), dotted: `budget.monthlyUsd`."""
    default: Any = None
    """Value when nothing is configured; None leaves the rule (or this part of it) without a threshold."""


@dataclass(frozen=True, kw_only=True)
class Unknown:
    """A value that a rule could not see. It is counted and shown; it silences nothing else."""

    urn: str
    """URN of the resource that holds it."""
    resource: str
    """The resource, for people."""
    path: str
    """Where the value stands in the resource's inputs."""
    why: str
    """Why it cannot be seen: known only after deployment, secret, made elsewhere."""


@dataclass(frozen=True, kw_only=True)
class Breach:
    """What a check answers for one wrong value; `evaluate` turns it into a `Finding` of its rule."""

    resource: Resource | None
    """Where the value stands; None when the stack as a whole breaks the rule."""
    path: str
    """Where in the resource's inputs."""
    value: Any
    """The value found."""
    allowed: str
    """What may stand there."""
    consequence: str
    """What would happen if it were deployed."""
    fix: str
    """The edit that repairs it."""


Outcome = Breach | Unknown
Subject = TypeVar("Subject")


@dataclass(frozen=True, kw_only=True)
class Rule(Generic[Subject]):
    """One thing that must hold, with all that a report says about it.

    `subjects` picks what the rule judges and `check` judges one of them, so that the number of judgements is known.
    A rule of scope `resource` gives the same answer for a resource alone (with its provider) as within the stack.
    """

    id: str
    """Kebab case, noun first: the thing, then what must hold of it."""
    title: str
    """One sentence that says what must hold."""
    severity: Severity
    level: Level
    """Level when nothing is configured."""
    concern: Concern
    scope: Scope
    reason: str
    """Why the rule exists: what happens to those who break it."""
    remediation: str
    """How to get back inside it."""
    subjects: Callable[[Stack, Settings], Sequence[Subject]]
    check: Callable[[Subject, Stack, Settings], Iterable[Outcome]]
    settings: tuple[Setting, ...] = ()

    @property
    def url(self) -> str:
        """Where the generated reference explains the rule."""
        return f"{DOCS}#{self.id}"


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One rule broken at one place."""

    rule: str
    severity: Severity
    level: Level
    urn: str
    """URN of the resource; empty when the stack as a whole breaks the rule."""
    resource: str
    path: str
    value: Any
    allowed: str
    consequence: str
    fix: str
    url: str

    @property
    def message(self) -> str:
        """The finding in one sentence each: what stands where, what may, what would happen, the edit."""
        where = f"{self.resource}: {self.path}" if self.path else self.resource
        return f"{where} is {shown(self.value)}; allowed: {self.allowed}. {self.consequence} Fix: {self.fix}"


@dataclass(frozen=True, kw_only=True)
class Unjudged:
    """A value that a rule met and could not see."""

    rule: str
    urn: str
    resource: str
    path: str
    why: str

    @property
    def message(self) -> str:
        """The note in one sentence."""
        where = f"{self.resource}: {self.path}" if self.path else self.resource
        return f"{self.rule} could not judge {where}: {self.why}"


@dataclass(frozen=True, kw_only=True)
class Report:
    """What all rules say about one set of resources. Same resources and settings give the same report, in order."""

    findings: tuple[Finding, ...]
    unknowns: tuple[Unjudged, ...]
    evaluated: Mapping[str, int] = field(default_factory=dict)
    """Rule id -> how many things the rule judged; 0 says that it had nothing to look at. Disabled rules are absent."""

    @property
    def mandatory(self) -> tuple[Finding, ...]:
        """Findings that stop a deployment."""
        return tuple(f for f in self.findings if f.level is Level.MANDATORY)


def shown(value: Any) -> str:
    """A value as people write it in a stack file or manifest: `missing` for nothing, lists in brackets."""
    if value is None:
        return "missing"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list | tuple | set | frozenset):
        parts = [shown(v) for v in (sorted(value) if isinstance(value, set | frozenset) else value)]
        return f"[{', '.join(parts)}]"
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{k}: {shown(v)}" for k, v in value.items()) + "}"
    return str(value)
