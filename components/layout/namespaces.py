"""Which namespaces a cluster has, at which Pod Security level, and what holds in each of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from components.catalogue.addons import addon
from components.catalogue.addons import namespaces as catalogue_namespaces
from components.catalogue.addons import quotas as catalogue_quotas
from components.layout.clusters import ClusterView
from components.layout.network_policies import TEAM_LABEL, policies

QUEUED_LABEL = "trellis.dev/queued"
"""Namespaces whose jobs Kueue admits; elsewhere neither queueing nor its webhooks apply."""
TRIALS_LABEL = "katib.kubeflow.org/metrics-collector-injection"
"""Namespaces in which Katib may run trials."""


@dataclass(frozen=True, kw_only=True)
class NamespacePlan:
    """One namespace."""

    pod_security: str
    """Level that the API server enforces."""
    mesh: bool
    """Whether Istio puts its sidecar beside the pods here."""
    extra_labels: Mapping[str, str] = field(default_factory=dict)
    quota: Mapping[str, str] | None = None
    """Hard limits of an add-on's namespace; teams' quotas come with the teams."""
    default_requests: Mapping[str, str] | None = None
    """What containers request that say nothing: a quota admits no pod without requests."""
    network_policies: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)

    @property
    def labels(self) -> Mapping[str, str]:
        """Labels that make the API server, Istio and others act on it."""
        labels = {f"pod-security.kubernetes.io/{mode}": self.pod_security for mode in ("enforce", "warn")}
        return {**labels, **self.extra_labels, "istio-injection": "enabled" if self.mesh else "disabled"}


DEFAULT_REQUESTS: Mapping[str, str] = {"cpu": "25m", "memory": "64Mi"}
"""For containers to which the chart lets nobody give requests: hook jobs, operands of operators."""


def namespaces(view: ClusterView) -> Mapping[str, NamespacePlan]:
    """Namespaces of all add-ons that are on, and of all teams. Those that are there anyway are left alone."""
    quotas = catalogue_quotas(view.addons)
    plans = {}
    for name, row in catalogue_namespaces(view.addons).items():
        if not row.create:
            continue
        quota = quotas.get(name)
        hard = _hard(quota.pods, quota.cpu_millis, quota.memory_gib) if quota else None
        plans[name] = NamespacePlan(
            pod_security=row.pod_security,
            mesh=row.inject_mesh and "istio" in view.addons,
            quota=hard,
            default_requests=DEFAULT_REQUESTS if hard or _has_unset_requests(view, name) else None,
            network_policies=policies(view, name),
        )
    return {**plans, **{team: _team(view, team) for team in view.platform.teams}}


def _team(view: ClusterView, team: str) -> NamespacePlan:
    """A team's namespace. Images of models and jobs may run as root, which `restricted` forbids."""
    labels = {TEAM_LABEL: team}
    if "kueue" in view.addons:
        labels[QUEUED_LABEL] = "true"
    if "katib" in view.addons:
        labels[TRIALS_LABEL] = "enabled"
    return NamespacePlan(
        pod_security="baseline",
        mesh="istio" in view.addons,
        extra_labels=labels,
        network_policies=policies(view, team),
    )


def _hard(pods: int, cpu_millis: int, memory_gib: int) -> Mapping[str, str]:
    return {"pods": str(pods), "requests.cpu": f"{cpu_millis}m", "requests.memory": f"{memory_gib}Gi"}


def _has_unset_requests(view: ClusterView, namespace: str) -> bool:
    """Whether some container here gets its requests from nobody else."""
    releases = (release for one in view.addons for release in addon(one).releases if release.namespace == namespace)
    return any(unset.path is None for release in releases for unset in release.missing_requests)
