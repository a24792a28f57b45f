"""Which pools a pod can land on: selector and affinity against their labels, tolerations against their taints."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

from policies.model import Unknown
from policies.pods import Pod
from policies.pools import Pool, Taint
from policies.values import Node

_AFFINITY = ("affinity", "nodeAffinity", "requiredDuringSchedulingIgnoredDuringExecution", "nodeSelectorTerms")
_KEEPS_OUT = frozenset({"NoSchedule", "NoExecute"})


@dataclass(frozen=True)
class Requirement:
    """One thing that a pod asks of a node label."""

    key: str
    operator: str
    values: frozenset[str]

    def met_by(self, pool: Pool) -> bool:
        """Whether some node of the pool can meet it."""
        offered = pool.offers(self.key)
        if self.operator == "In":
            return offered is None or bool(offered & self.values)
        if self.operator == "NotIn":
            return not offered or bool(offered - self.values)
        if self.operator == "DoesNotExist":
            return not offered
        return offered is None or bool(offered)  # Exists, Gt, Lt: any value may do

    def __str__(self) -> str:
        if self.operator == "In" and len(self.values) == 1:
            return f"{self.key}={next(iter(self.values))}"
        return f"{self.key} {self.operator} [{', '.join(sorted(self.values))}]"


@dataclass(frozen=True)
class _Toleration:
    key: str | None
    operator: str
    value: str
    effect: str | None

    def covers(self, taint: Taint) -> bool:
        if self.effect not in {None, taint.effect}:
            return False
        if not self.key:
            return self.operator == "Exists"
        return self.key == taint.key and (self.operator == "Exists" or self.value == taint.value)


class Placement:
    """Where one kind of pod may run."""

    def __init__(self, pod: Pod) -> None:
        self.pod = pod
        self.unknowns: list[Unknown] = []
        self.unseen_selector = False
        """The selector (or a part of it) cannot be seen: the pod may ask for more than is listed."""
        self.unseen_tolerations = False
        self.required = self._selector()
        self.alternatives = self._affinity()
        """Required node affinity: a pool must meet all requirements of one of these, if there are any."""
        self.unseen_selector = bool(self.unknowns)
        self._tolerations = self._read_tolerations()
        self.unseen_tolerations = any("tolerations" in u.path for u in self.unknowns) or self.unseen_selector

    @cached_property
    def selects(self) -> bool:
        """Whether the pod asks for certain nodes at all."""
        return bool(self.required) or any(self.alternatives)

    @property
    def asked(self) -> str:
        """What it asks for, for people; `nothing` without a selector."""
        terms = " or ".join(" and ".join(map(str, term)) for term in self.alternatives if term)
        parts = [str(r) for r in self.required] + ([terms] if terms else [])
        return ", ".join(parts) or "nothing"

    def matches(self, pool: Pool) -> bool:
        """Whether selector and affinity allow the pool, taints aside. Pools of another cluster never match."""
        if pool.cluster is not None and self.pod.resource.provider not in {None, pool.cluster}:
            return False
        if not all(requirement.met_by(pool) for requirement in self.required):
            return False
        return not self.alternatives or any(all(r.met_by(pool) for r in term) for term in self.alternatives)

    def untolerated(self, pool: Pool) -> tuple[Taint, ...]:
        """Taints of the pool that keep the pod out."""
        return tuple(t for t in pool.taints if t.effect in _KEEPS_OUT and not self.tolerates(t))

    def tolerates(self, taint: Taint) -> bool:
        """Whether a toleration of the pod covers the taint."""
        return any(toleration.covers(taint) for toleration in self._tolerations)

    def landing(self, pools: Iterable[Pool]) -> tuple[Pool, ...]:
        """Pools that the pod can really land on: matched and tolerated."""
        return tuple(p for p in pools if self.matches(p) and not self.untolerated(p))

    def _selector(self) -> tuple[Requirement, ...]:
        found: dict[str, Requirement] = {}
        for place in self.pod.placement:
            entries = place.get("nodeSelector").entries()
            if isinstance(entries, Unknown):
                self.unknowns.append(entries)
                continue
            for key, node in entries:
                value = self._text(node)
                # A value that cannot be seen still asks for the label; the strongest place wins.
                wanted = Requirement(key, "Exists" if value is None else "In", frozenset({value} if value else ()))
                found.setdefault(key, wanted)
        return tuple(found[key] for key in sorted(found))

    def _affinity(self) -> tuple[tuple[Requirement, ...], ...]:
        terms = []
        for place in self.pod.placement:
            for term in place.get(*_AFFINITY).items():
                expressions = term.get("matchExpressions").items()
                terms.append(tuple(r for e in expressions if (r := self._expression(e)) is not None))
        return tuple(terms)

    def _expression(self, node: Node) -> Requirement | None:
        key, operator = self._text(node.get("key")), self._text(node.get("operator"))
        values = [self._text(value) for value in node.get("values").items()]
        if key is None or operator is None:
            return None
        if None in values:
            return Requirement(key, "Exists", frozenset())
        return Requirement(key, operator, frozenset(v for v in values if v is not None))

    def _read_tolerations(self) -> tuple[_Toleration, ...]:
        found = []
        for place in self.pod.placement:
            for node in place.get("tolerations").items():
                unseen = len(self.unknowns)
                key, operator, value, effect = (
                    self._text(node.get(part)) for part in ("key", "operator", "value", "effect")
                )
                if len(self.unknowns) == unseen:
                    found.append(_Toleration(key, operator or "Equal", value or "", effect or None))
        return tuple(found)

    def _text(self, node: Node) -> str | None:
        value = node.text()
        if isinstance(value, Unknown):
            self.unknowns.append(value)
            return None
        return value
