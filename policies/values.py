"""Reading a resource's inputs without ever mistaking "not known yet" for "not there".

Every lookup goes through `Node`. A value that is known only after deployment (or is secret) stays visible as an
`Unknown` with its path, also when the unknown stands above the value that was asked for; types make a rule handle it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from policies.model import Unknown

MARKER = "$trellis"
"""Key of the plan's marker objects: {"$trellis": "unknown"} and {"$trellis": "secret"}."""
UNKNOWN: Mapping[str, str] = {MARKER: "unknown"}
WHY = {"unknown": "the value is known only after deployment", "secret": "the value is secret"}


@dataclass(frozen=True, eq=False)
class Resource:
    """One resource of a plan as rules see it, read from the plan's mapping form."""

    raw: Mapping[str, Any] = field(repr=False)

    @property
    def urn(self) -> str:
        """Unique name of the resource in its stack."""
        return str(self.raw["urn"])

    @cached_property
    def type(self) -> str:
        """Pulumi type: `aws:eks/cluster:Cluster`, `kubernetes:apps/v1:Deployment`."""
        return str(self.raw["type"])

    @cached_property
    def group(self) -> str:
        """API group of a Kubernetes object (`core` for the nameless one), else empty."""
        return self.type.split(":")[1].partition("/")[0] if self.is_kubernetes else ""

    @cached_property
    def kind(self) -> str:
        """Last part of the type: `Cluster`, `Deployment`."""
        return self.type.rpartition(":")[2]

    @cached_property
    def is_kubernetes(self) -> bool:
        """Whether it is an object in a cluster, not a Helm Release."""
        return self.type.startswith("kubernetes:") and not self.type.startswith("kubernetes:helm.sh/")

    @property
    def provider(self) -> str | None:
        """URN of the provider resource: the cluster of a Kubernetes object, the region of an AWS resource."""
        provider = self.raw.get("provider")
        return str(provider) if provider else None

    @property
    def parent(self) -> str | None:
        """URN of the component that made it."""
        parent = self.raw.get("parent")
        return str(parent) if parent else None

    @property
    def dependencies(self) -> tuple[str, ...]:
        """URNs that it waits for."""
        return tuple(self.raw.get("dependencies") or ())

    @cached_property
    def label(self) -> str:
        """The resource for people: `InferenceService ml/llm`, `aws:eks/cluster:Cluster main`.

        An object of a chart names its Helm release: there, in the values, is what a person can change.
        """
        release = str(self.raw.get("openedFrom") or "").rpartition("::")[2]
        return f"{self._plain_label} (from Helm release {release})" if release else self._plain_label

    @property
    def _plain_label(self) -> str:
        if not self.is_kubernetes:
            return f"{self.type} {self.raw.get('name', '')}".strip()
        # Read raw, not through Node: a Node that cannot be seen asks for this very label.
        metadata = (self.raw.get("inputs") or {}).get("metadata")
        metadata = metadata if isinstance(metadata, Mapping) else {}
        name = metadata.get("name") if isinstance(metadata.get("name"), str) else self.raw.get("name", "")
        namespace = metadata.get("namespace")
        return f"{self.kind} {namespace}/{name}" if isinstance(namespace, str) else f"{self.kind} {name}"

    @cached_property
    def inputs(self) -> Node:
        """The inputs, as the place to start reading."""
        return Node(self, "", self.raw.get("inputs") or {})

    def unknown(self, path: str, why: str) -> Unknown:
        """A note that something of this resource could not be seen."""
        return Unknown(urn=self.urn, resource=self.label, path=path, why=why)


@dataclass(frozen=True)
class Node:
    """A place in a resource's inputs and what stands there. A missing place is a node whose `raw` is None."""

    resource: Resource
    path: str
    raw: Any

    @property
    def unknown(self) -> Unknown | None:
        """The note for this place when its value cannot be seen, else None."""
        raw = self.raw
        if not isinstance(raw, Mapping) or MARKER not in raw:
            return None
        return self.resource.unknown(self.path, WHY.get(str(raw[MARKER]), "the value cannot be seen"))

    @property
    def hidden(self) -> bool:
        """Whether the value cannot be seen."""
        return isinstance(self.raw, Mapping) and MARKER in self.raw

    @property
    def missing(self) -> bool:
        """Whether nothing stands here. An unknown value is not missing."""
        return self.raw is None

    def get(self, *keys: str) -> Node:
        """The place below these keys. Below an unknown value everything is that same unknown value."""
        node = self
        for key in keys:
            if node.hidden:
                return node
            raw = node.raw.get(key) if isinstance(node.raw, Mapping) else None
            node = Node(node.resource, join(node.path, key), raw)
        return node

    def items(self) -> tuple[Node, ...]:
        """The elements of a list. An unknown list is one unknown element: it may hold something."""
        if self.hidden:
            return (self,)
        if not isinstance(self.raw, list | tuple):
            return ()
        return tuple(Node(self.resource, f"{self.path}[{i}]", raw) for i, raw in enumerate(self.raw))

    def entries(self) -> tuple[tuple[str, Node], ...] | Unknown:
        """The keys and places of a mapping, in stable order; `Unknown` when the mapping itself cannot be seen."""
        if (unknown := self.unknown) is not None:
            return unknown
        if not isinstance(self.raw, Mapping):
            return ()
        return tuple((key, Node(self.resource, join(self.path, key), self.raw[key])) for key in sorted(self.raw))

    def text(self, *keys: str) -> str | Unknown | None:
        """A scalar below these keys as text (`true`, `8`, `500m`); None when missing or not a scalar."""
        node = self.get(*keys)
        if (unknown := node.unknown) is not None:
            return unknown
        if isinstance(node.raw, bool):
            return "true" if node.raw else "false"
        return str(node.raw) if isinstance(node.raw, str | int | float) else None

    def texts(self, *keys: str) -> tuple[str, ...] | Unknown:
        """A list of scalars below these keys; empty when missing; the first `Unknown` when one cannot be seen."""
        found = []
        for item in self.get(*keys).items():
            value = item.text()
            if isinstance(value, Unknown):
                return value
            if value is not None:
                found.append(value)
        return tuple(found)


def join(path: str, key: str) -> str:
    """Append a key to a path; keys with dots or slashes stand in brackets, as in a stack file."""
    if key.replace("_", "").replace("-", "").isalnum():
        return f"{path}.{key}" if path else key
    return f'{path}["{key}"]'
