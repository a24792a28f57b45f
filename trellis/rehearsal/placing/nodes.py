"""Whether a pod may go to a node, by selector, node affinity and taints: one thing at a time."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from components.layout.gpu import POOL_LABEL

Manifest = Mapping[str, Any]
SYSTEM = "system"
"""Stands for the pool of nodes that belong to none."""
_KEEPS_OFF = ("NoSchedule", "NoExecute")
_OPERATORS: Mapping[str, Callable[[str | None, Sequence[str]], bool]] = {
    "In": lambda value, values: value in values,
    "NotIn": lambda value, values: value not in values,
    "Exists": lambda value, _values: value is not None,
    "DoesNotExist": lambda value, _values: value is None,
    "Gt": lambda value, values: value is not None and int(value) > int(values[0]),
    "Lt": lambda value, values: value is not None and int(value) < int(values[0]),
}


def pool_of(node: Manifest) -> str:
    """Name of the pool that a node belongs to."""
    return str(node["metadata"].get("labels", {}).get(POOL_LABEL, SYSTEM))


def matches(spec: Manifest, node: Manifest) -> bool:
    """Whether a node carries what a pod's selector and required node affinity ask for."""
    labels = node["metadata"].get("labels", {})
    if any(labels.get(key) != value for key, value in (spec.get("nodeSelector") or {}).items()):
        return False
    affinity = ((spec.get("affinity") or {}).get("nodeAffinity") or {}).get(
        "requiredDuringSchedulingIgnoredDuringExecution"
    )
    if not affinity:
        return True
    return any(_term(term, node) for term in affinity.get("nodeSelectorTerms") or ())


def _term(term: Manifest, node: Manifest) -> bool:
    labels: Mapping[str, str] = node["metadata"].get("labels", {})
    fields = {"metadata.name": str(node["metadata"]["name"])}
    rules = [(labels, rule) for rule in term.get("matchExpressions") or ()]
    rules += [(fields, rule) for rule in term.get("matchFields") or ()]
    return bool(rules) and all(
        _OPERATORS[rule["operator"]](where.get(rule["key"]), rule.get("values") or ()) for where, rule in rules
    )


def tolerates(spec: Manifest, node: Manifest) -> bool:
    """Whether a pod tolerates every taint that keeps pods off a node."""
    return untolerated(spec, node) == {}


def untolerated(spec: Manifest, node: Manifest) -> Mapping[str, str]:
    """The first taint of a node that a pod does not tolerate; empty where there is none."""
    rows = spec.get("tolerations") or ()
    for taint in node["spec"].get("taints") or ():
        if taint["effect"] in _KEEPS_OFF and not any(_tolerates(row, taint) for row in rows):
            found: Mapping[str, str] = taint
            return found
    return {}


def _tolerates(row: Manifest, taint: Manifest) -> bool:
    if row.get("effect") not in (None, "", taint["effect"]):
        return False
    if row.get("operator") == "Exists":
        return row.get("key") in (None, "", taint["key"])
    return bool(row.get("key") == taint["key"] and row.get("value", "") == taint.get("value", ""))
