"""Values of the kube-prometheus-stack chart: how much is kept, where, and who may log in."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from components.layout.clusters import ClusterView
from components.layout.exposure import gate, host, interfaces
from components.layout.secrets import external_secret, source
from components.layout.storage import block_class

CREDENTIALS = "grafana-admin"
"""Secret with Grafana's administrator, in the namespace of the stack."""
FILLED = 0.85
"""Part of Prometheus' volume that may be full: it needs room to compact, and a full volume stops it."""
ALERTMANAGER_GIB = 2


def values(view: ClusterView) -> dict[str, Any]:
    """Retention, volumes, labels that tell environments apart, and Grafana's administrator."""
    spec = view.platform.monitoring
    prometheus = {
        "retention": f"{spec.retention_days}d",
        "retentionSize": f"{max(1, int(spec.storage_gib * FILLED))}GiB",
        "externalLabels": {"cluster": view.full_name, "environment": view.platform.environment},
        "storageSpec": _volume(view, spec.storage_gib),
        **_address(view, "prometheus"),
    }
    alertmanager = {"storage": _volume(view, ALERTMANAGER_GIB), **_address(view, "alertmanager")}
    return {
        "prometheus": {"prometheusSpec": prometheus},
        "alertmanager": {"alertmanagerSpec": alertmanager},
        "grafana": _grafana(view),
    }


def _address(view: ClusterView, name: str) -> dict[str, str]:
    """The address that links in alerts must have; without exposure nobody outside could follow them."""
    exposure = gate(view)
    return {"externalUrl": f"https://{host(view, interfaces(view)[name], exposure)}"} if exposure else {}


def _grafana(view: ClusterView) -> dict[str, Any]:
    settings: dict[str, Any] = {"analytics": {"check_for_updates": False, "reporting_enabled": False}}
    exposure = gate(view)
    if exposure is not None:
        settings["server"] = {"root_url": f"https://{host(view, interfaces(view)['grafana'], exposure)}"}
    # Without a Secret of ours the chart makes up a password itself.
    admin = {"admin": {"existingSecret": CREDENTIALS}} if source(view) else {}
    return {"grafana.ini": settings, **admin}


def _volume(view: ClusterView, gib: int) -> dict[str, Any]:
    name = block_class(view)
    claim = {
        "accessModes": ["ReadWriteOnce"],
        "resources": {"requests": {"storage": f"{gib}Gi"}},
        **({"storageClassName": name} if name else {}),
    }
    return {"volumeClaimTemplate": {"spec": claim}}


def credentials(view: ClusterView) -> dict[str, Any]:
    """Spec of the ExternalSecret that brings the administrator from Secrets Manager."""
    name = view.platform.monitoring.grafana_credentials
    return external_secret(CREDENTIALS, {"admin-user": (name, "username"), "admin-password": (name, "password")})


def credentials_template() -> Mapping[str, str]:
    """The same keys from a generated password."""
    return {"admin-user": "admin", "admin-password": "{{ .password }}"}
