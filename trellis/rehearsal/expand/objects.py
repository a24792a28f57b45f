"""The Kubernetes objects of one cluster in a plan, found by kind and name: what expanders look things up in."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from components.layout.clusters import ClusterView
from trellis.plan import SECRET, UNKNOWN, Plan, Resource
from trellis.rehearsal.expand.model import Item, Manifest

RELEASE = "kubernetes:helm.sh/v3:Release"
EKS_ADDON = "aws:eks/addon:Addon"
_TEST_HOOKS = {"test", "test-success", "test-failure"}
LATER = "known-after-deployment"
"""Stands in pods for texts that the plan does not know yet or keeps secret; the scheduler reads none of them."""


@dataclass(frozen=True)
class Objects:
    """One cluster's part of a plan."""

    plan: Plan
    view: ClusterView

    @cached_property
    def items(self) -> tuple[Item, ...]:
        """All objects, in the plan's order. What Helm makes only for its own tests is not among them."""
        return tuple(
            Item(urn=r.urn, manifest=without_unknowns(r.inputs), release=self._release(r))
            for r in self._here
            if r.is_kubernetes and not (r.hooks and set(r.hooks) <= _TEST_HOOKS)
        )

    @cached_property
    def releases(self) -> tuple[Resource, ...]:
        """Helm releases."""
        return tuple(r for r in self._here if r.type == RELEASE)

    @cached_property
    def closed_releases(self) -> Mapping[str, str]:
        """Releases whose objects are not in the plan, by name, with the reason."""
        told = {row.urn: row.reason for row in self.plan.not_opened}
        opened = {r.opened_from for r in self.plan.resources if r.opened_from}
        tried = bool(told or opened)
        return {
            r.name: told.get(r.urn, "nobody tried to open its chart")
            for r in self.releases
            if r.urn in told or not tried
        }

    @cached_property
    def eks_addons(self) -> tuple[Resource, ...]:
        """Add-ons that EKS installs by itself."""
        return tuple(r for r in self.plan.of_type(EKS_ADDON) if r.inputs.get("clusterName") == self.view.full_name)

    def of(self, group: str, kind: str, namespace: str | None = None) -> Iterator[Item]:
        """Objects of a kind, in all namespaces or in one."""
        found = self._by_kind.get((group, kind), ())
        return (item for item in found if namespace is None or item.namespace == namespace)

    def find(self, group: str, kind: str, name: str, namespace: str | None = None) -> Item | None:
        """One object by name."""
        return next((item for item in self.of(group, kind, namespace) if item.name == name), None)

    def namespace_labels(self, name: str) -> Mapping[str, str]:
        """Labels of a namespace; none for one that the plan does not make."""
        found = self.find("", "Namespace", name)
        return found.manifest["metadata"].get("labels", {}) if found else {}

    def values(self, chart: str) -> Manifest:
        """Values of the release of a chart; none where there is no such release."""
        found = next((r for r in self.releases if str(r.inputs.get("chart", "")).rpartition("/")[2] == chart), None)
        return without_unknowns(found.inputs.get("values") or {}) if found else {}

    @cached_property
    def _here(self) -> tuple[Resource, ...]:
        return tuple(
            r for r in self.plan.resources if r.type.startswith("kubernetes:") and self._cluster(r) == self.view.name
        )

    def _cluster(self, resource: Resource) -> str:
        """Name of the cluster that a resource goes to: its provider's."""
        provider = self.plan.by_urn.get(resource.provider or "")
        return provider.name if provider else ""

    def _release(self, resource: Resource) -> str:
        release = self.plan.by_urn.get(resource.opened_from or "")
        return release.name if release else ""

    @cached_property
    def _by_kind(self) -> Mapping[tuple[str, str], tuple[Item, ...]]:
        found: dict[tuple[str, str], list[Item]] = {}
        for item in self.items:
            found.setdefault((item.group, item.kind), []).append(item)
        return {key: tuple(items) for key, items in found.items()}


def without_unknowns(value: Any) -> Any:
    """The value with a text in place of everything that the plan does not know or show."""
    if isinstance(value, Mapping):
        if value in (UNKNOWN, SECRET):
            return LATER
        return {key: without_unknowns(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [without_unknowns(inner) for inner in value]
    return value
