"""Edits a stack's exported state so that it holds what an interrupted update made: pure functions, nothing is asked.

The engine has a switch for this (`pulumi refresh --import-pending-creates URN ID`), but CLI 3.250.0 only marks the
operation and then drops it, and with it the resource. So the resource enters the state as if its creation had been
noted, without outputs, and a refresh reads them: a provider takes a resource without outputs for one to import.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from components.catalogue import replacements

Row = Mapping[str, Any]
Deployment = Mapping[str, Any]
_PROVIDER_TYPE = "pulumi:providers:"
_DEFAULTS = "__defaults"
"""Input in which a bridged provider notes the inputs that it chose itself, such as a generated name."""


@dataclass(frozen=True, kw_only=True)
class Adoption:
    """Something that exists and enters the state."""

    row: Row
    """The resource as its pending operation has it."""
    id: str
    surplus: bool = False
    """Whether the state has the resource already; then this one is only there to be deleted by the next update."""


def pending(deployment: Deployment) -> list[tuple[str, Row]]:
    """Operations that were begun and not noted as ended: kind (`creating`, `updating` ...) and resource."""
    return [(str(one["type"]), one["resource"]) for one in deployment.get("pending_operations") or ()]


def is_provider(row: Row) -> bool:
    """Whether it is a provider, which exists nowhere but in the state."""
    return str(row["type"]).startswith(_PROVIDER_TYPE)


def current(deployment: Deployment, urn: str) -> Row | None:
    """The resource that the state has under a URN, leaving out what is already gone or on its way out."""
    rows = (row for row in deployment.get("resources") or () if row["urn"] == urn)
    return next((row for row in rows if not row.get("delete") and not row.get("pendingReplacement")), None)


def half_adopted(deployment: Deployment) -> Iterator[Row]:
    """Resources that entered the state by adoption and were not read yet."""
    for row in deployment.get("resources") or ():
        if row.get("id") and row.get("inputs") and not row.get("outputs") and not is_provider(row):
            yield row


def adopted(deployment: Deployment, adoptions: Sequence[Adoption]) -> dict[str, Any]:
    """The state with adopted resources in it and no pending operations."""
    made = copy.deepcopy(dict(deployment))
    made["pending_operations"] = []
    rows: list[dict[str, Any]] = made.setdefault("resources", [])
    for one in adoptions:
        row = {key: value for key, value in one.row.items() if key not in ("outputs", "pendingReplacement")}
        row["id"] = one.id
        if one.surplus:
            # Nothing ever used it, so what protects the resource must not keep this one.
            row |= {"delete": True, "protect": False, "retainOnDelete": False}
            rows.append(row)
            continue
        replaced = [i for i, old in enumerate(rows) if old["urn"] == row["urn"] and old.get("pendingReplacement")]
        if replaced:
            # It was deleted to make room for its replacement, which is the one that was found.
            rows[replaced[0]] = row
        else:
            rows.append(row)
    made["resources"] = _ordered(rows)
    return made


def _ordered(rows: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """As they were, but each after all that it depends on: the engine refuses another order."""
    live = {row["urn"]: row for row in rows if not row.get("delete")}
    done: dict[int, dict[str, Any]] = {}

    def place(row: dict[str, Any]) -> None:
        if id(row) not in done:
            for urn in _before(row):
                if urn in live and live[urn] is not row:
                    place(live[urn])
            done[id(row)] = row

    for row in rows:
        place(row)
    return list(done.values())


def _before(row: Row) -> list[str]:
    """URNs of all that a resource depends on."""
    provider = str(row.get("provider") or "").rpartition("::")[0]
    by_property = (urn for urns in (row.get("propertyDependencies") or {}).values() for urn in urns or ())
    found = [provider, row.get("parent"), row.get("deletedWith"), *(row.get("dependencies") or ()), *by_property]
    return [str(urn) for urn in found if urn]


def unprotected(deployment: Deployment, urns: Sequence[str]) -> dict[str, Any]:
    """The state where these may be deleted and are not retained."""
    made = copy.deepcopy(dict(deployment))
    for row in made.get("resources") or ():
        if row["urn"] in urns:
            row |= {"protect": False, "retainOnDelete": False}
    return made


def as_asked(deployment: Deployment, asked: Mapping[str, Row]) -> dict[str, Any]:
    """The state where what can only be set at creation is what was asked for, by URN.

    A provider that imports cannot know which name it generated itself, and services do not tell everything that was
    asked (whether EKS was to make its creator an administrator): without this the next update would replace what was
    just found. Everything else stays as read, so that the next update mends it.
    """
    made = copy.deepcopy(dict(deployment))
    for row in made.get("resources") or ():
        if row["urn"] in asked and not row.get("delete"):
            _keep(row, asked[row["urn"]].get("inputs") or {})
    return made


def _keep(row: dict[str, Any], inputs: Row) -> None:
    rule = replacements.rule(str(row["type"]))
    chosen = [key for key in inputs.get(_DEFAULTS) or () if isinstance(key, str)]
    read = row.setdefault("inputs", {})
    if _DEFAULTS in inputs:
        read[_DEFAULTS] = inputs[_DEFAULTS]
    for path in dict.fromkeys((*chosen, *(rule.replace if rule else ()))):
        value = _at(inputs, path.split("."))
        if value is not None:
            _set(read, path.split("."), value)
            _set(row.setdefault("outputs", {}), path.split("."), value)


def _at(values: Any, path: Sequence[str]) -> Any:
    for part in path:
        if not isinstance(values, Mapping):
            return None
        values = values.get(part)
    return values


def _set(values: dict[str, Any], path: Sequence[str], value: Any) -> None:
    for part in path[:-1]:
        below = values.setdefault(part, {})
        if not isinstance(below, dict):
            return
        values = below
    values[path[-1]] = copy.deepcopy(value)
