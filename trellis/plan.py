"""The plan: what the program registered, as one document. All that judges or shows reads this, nothing else."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field, replace
from functools import cached_property
from typing import Any

SCHEMA_VERSION = 1
UNKNOWN: Mapping[str, str] = {"$trellis": "unknown"}
"""Stands for a value that is known only after deployment."""
SECRET: Mapping[str, str] = {"$trellis": "secret"}
"""Stands for a secret; the value never enters a plan."""


@dataclass(frozen=True, kw_only=True)
class Resource:
    """One registered resource. `inputs` has the engine's property names; for Kubernetes it is the manifest."""

    urn: str
    type: str
    name: str
    custom: bool
    parent: str | None
    dependencies: tuple[str, ...]
    provider: str | None
    protect: bool
    retain_on_delete: bool
    deleted_with: str | None
    aliases: tuple[str, ...]
    ignore_changes: tuple[str, ...]
    inputs: Mapping[str, Any]
    opened_from: str | None = None
    """URN of the Helm release whose chart holds this object: Helm makes it, no engine knows it."""
    hooks: tuple[str, ...] = ()
    """When Helm makes it (`pre-install`, ...), for an object of a chart that is a hook and no part of the release."""

    @property
    def kind(self) -> str:
        """Last part of the type: `Cluster`, `NodePool`."""
        return self.type.rpartition(":")[2]

    @property
    def is_kubernetes(self) -> bool:
        """Whether it is an object in a cluster (not a Release, not the provider)."""
        return self.type.startswith("kubernetes:") and "helm.sh" not in self.type

    def document(self) -> dict[str, Any]:
        """The resource in the plan's JSON form, with camelCase keys."""
        plain = asdict(self)
        for snake, camel in (("retain_on_delete", "retainOnDelete"), ("deleted_with", "deletedWith")):
            plain[camel] = plain.pop(snake)
        plain["ignoreChanges"] = list(plain.pop("ignore_changes"))
        plain["dependencies"] = list(self.dependencies)
        plain["aliases"] = list(self.aliases)
        opened, hooks = plain.pop("opened_from"), list(plain.pop("hooks"))
        if opened:
            plain |= {"openedFrom": opened, "hooks": hooks}
        return plain


@dataclass(frozen=True, kw_only=True, order=True)
class NotOpened:
    """A Helm release whose objects are not in the plan."""

    reason: str
    """Why, with what repairs it."""
    name: str
    """The release's name in the plan."""
    urn: str
    chart: str
    version: str


@dataclass(frozen=True, kw_only=True)
class Plan:
    """All resources of one environment, sorted by URN, with the stack's outputs.

    What the program registered, and the objects of those Helm releases that could be opened (`opened_from`).
    """

    project: str
    stack: str
    environment: str
    as_of: str
    """Day that date-dependent facts (prices, support ends) are judged for, YYYY-MM-DD."""
    resources: tuple[Resource, ...]
    outputs: Mapping[str, Any] = field(default_factory=dict)
    not_opened: tuple[NotOpened, ...] = ()
    """Helm releases whose objects are missing here, sorted; empty also where nobody tried to open any."""

    @cached_property
    def recorded(self) -> Plan:
        """The plan without what was opened: what the program registers and an engine will have."""
        resources = tuple(r for r in self.resources if r.opened_from is None)
        return replace(self, resources=resources, not_opened=())

    @cached_property
    def by_urn(self) -> Mapping[str, Resource]:
        """Resources by URN."""
        return {r.urn: r for r in self.resources}

    @cached_property
    def children(self) -> Mapping[str | None, tuple[Resource, ...]]:
        """Children by parent URN; the stack's own children under None."""
        known: dict[str | None, list[Resource]] = {}
        for resource in self.resources:
            parent = resource.parent if resource.parent in self.by_urn else None
            known.setdefault(parent, []).append(resource)
        return {parent: tuple(rows) for parent, rows in known.items()}

    def of_type(self, type_: str) -> Iterator[Resource]:
        """Resources of exactly this type."""
        return (r for r in self.resources if r.type == type_)

    def document(self) -> dict[str, Any]:
        """The plan as JSON-ready data."""
        return {
            "schemaVersion": SCHEMA_VERSION,
            "project": self.project,
            "stack": self.stack,
            "environment": self.environment,
            "asOf": self.as_of,
            "resources": [r.document() for r in self.resources],
            "outputs": dict(self.outputs),
            "notOpened": [asdict(row) for row in self.not_opened],
        }

    def to_json(self) -> str:
        """The plan as stable bytes: sorted keys, sorted resources, a newline at the end."""
        return json.dumps(self.document(), indent=2, sort_keys=True, ensure_ascii=False) + "\n"


def unknown_paths(value: Any, prefix: str = "") -> Iterator[str]:
    """Dotted paths of all unknown values below a value."""
    if isinstance(value, Mapping):
        if value == UNKNOWN:
            yield prefix
            return
        for key in sorted(value):
            yield from unknown_paths(value[key], f"{prefix}.{key}" if prefix else str(key))
    elif isinstance(value, list | tuple):
        for index, item in enumerate(value):
            yield from unknown_paths(item, f"{prefix}[{index}]")
