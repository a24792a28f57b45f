"""What an expansion comes to: workloads with their sets of pods, and what could not be expanded, with the reason."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from trellis.rehearsal.expand.objects import Objects

Manifest = Mapping[str, Any]


class How(StrEnum):
    """Where the pods of a workload come from."""

    CONTROLLER = "controller"
    """The kind's real controller made them."""
    EXPANDED = "expanded"
    """Made here, by rules that a test compares with the real controller."""
    SIMULATED = "simulated"
    """Made here, by rules that were never compared with the real controller."""


@dataclass(frozen=True, kw_only=True)
class PodSet:
    """Pods of one template."""

    name: str
    """What their names begin with."""
    template: Manifest
    """`metadata` (labels, annotations) and `spec`, as in any pod template."""
    floor: int
    """Pods that are always there."""
    limit: int
    """Pods at the most that is declared."""
    own_claims: tuple[str, ...] = ()
    """Claims that each pod brings for itself; in `template` an empty directory stands for each."""
    each_node: bool = False
    """One on each node that takes it (DaemonSet); `floor` and `limit` say nothing then."""


@dataclass(frozen=True, kw_only=True)
class Workload:
    """One declared workload and its pods."""

    urn: str
    api_version: str
    kind: str
    namespace: str
    name: str
    how: How
    pods: tuple[PodSet, ...]
    gang: bool = False
    """All pods run together or none does any work."""
    release: str = ""
    """The Release that brings it, by name; empty for objects that the program registers itself."""

    @property
    def label(self) -> str:
        """How people name it: `InferenceService ml-production/llm-v1`."""
        return f"{self.kind} {self.namespace}/{self.name}"


@dataclass(frozen=True, kw_only=True, order=True)
class Unexpanded:
    """Something that makes pods, or may make some, which could not be told from the plan."""

    subject: str
    """Such as `Release main-karpenter`."""
    why: str


@dataclass(frozen=True, kw_only=True)
class Expansion:
    """All pods that a cluster of a plan declares, as far as they can be told."""

    workloads: tuple[Workload, ...]
    unexpanded: tuple[Unexpanded, ...]


@dataclass(frozen=True, kw_only=True)
class Item:
    """One Kubernetes object of the plan."""

    urn: str
    manifest: Manifest
    release: str = ""

    @property
    def kind(self) -> str:
        """Its kind."""
        return str(self.manifest.get("kind", ""))

    @property
    def group(self) -> str:
        """Its API group; empty for the core."""
        group, slash, _ = str(self.manifest.get("apiVersion", "")).partition("/")
        return group if slash else ""

    @property
    def name(self) -> str:
        """Its name."""
        return str(self.manifest.get("metadata", {}).get("name", ""))

    @property
    def namespace(self) -> str:
        """Its namespace, `default` where it says none."""
        return str(self.manifest.get("metadata", {}).get("namespace") or "default")

    @property
    def spec(self) -> Manifest:
        """Its spec."""
        spec = self.manifest.get("spec")
        return spec if isinstance(spec, Mapping) else {}

    @property
    def label(self) -> str:
        """How people name it."""
        return f"{self.kind} {self.namespace}/{self.name}"

    def workload(self, how: How, *pods: PodSet, gang: bool = False) -> Workload:
        """The workload that this object declares."""
        return Workload(
            urn=self.urn,
            api_version=str(self.manifest.get("apiVersion", "")),
            kind=self.kind,
            namespace=self.namespace,
            name=self.name,
            how=how,
            pods=pods,
            gang=gang,
            release=self.release,
        )

    def cannot(self, why: str) -> Unexpanded:
        """The statement that this object's pods cannot be told."""
        return Unexpanded(subject=self.label, why=why)


Expander = Callable[[Item, "Objects"], Workload | Unexpanded | None]
"""Makes the pods of one kind; None where an object of the kind makes none."""
