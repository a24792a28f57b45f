"""Which namespaces a cluster has, and at which Pod Security level."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from components.catalogue.addons import addon
from components.layout.clusters import ClusterView

LEVELS = ("restricted", "baseline", "privileged")


@dataclass(frozen=True)
class NamespacePlan:
    """One namespace."""

    pod_security: str
    mesh: bool
    """Whether Istio puts its sidecar beside the pods here."""

    @property
    def labels(self) -> Mapping[str, str]:
        """Labels that make the API server and Istio act on it."""
        labels = {f"pod-security.kubernetes.io/{mode}": self.pod_security for mode in ("enforce", "warn")}
        return {**labels, "istio-injection": "enabled" if self.mesh else "disabled"}


def namespaces(view: ClusterView) -> Mapping[str, NamespacePlan]:
    """Namespaces of all add-ons that are on (the weaker level where two share one), and of all teams."""
    plans: dict[str, NamespacePlan] = {}
    for row_id in view.addons:
        for row in addon(row_id).namespaces:
            if not row.create:
                continue
            known = plans.get(row.name)
            level = max(row.pod_security, known.pod_security if known else "restricted", key=LEVELS.index)
            plans[row.name] = NamespacePlan(level, row.inject_mesh or (known is not None and known.mesh))
    meshed = "istio" in view.addons
    # Istio's init container asks for NET_ADMIN, which `restricted` forbids; with the CNI it would not.
    teams = {team: NamespacePlan("baseline" if meshed else "restricted", meshed) for team in view.platform.teams}
    return {**plans, **teams}
