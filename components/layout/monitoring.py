"""What Prometheus scrapes and alerts on, and Grafana's dashboards, as plain manifests.

All of them live in the namespace `monitoring`, whatever they are about, so that one component owns them.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

from components.catalogue.addon_model import PodScrape
from components.catalogue.addons import addon
from components.catalogue.observability import Alert, Dashboard, Panel, Variable, alerts, dashboards
from components.layout.clusters import ClusterView

Spec = dict[str, Any]
STACK = "kube-prometheus-stack"
NAMESPACE = "monitoring"
PROMETHEUS = "http://prometheus-operated.monitoring:9090"
"""Address of Prometheus inside the cluster."""
DASHBOARD_LABEL: Mapping[str, str] = {"grafana_dashboard": "1"}
"""Grafana's sidecar loads every ConfigMap with it."""
GRID_WIDTH = 24
PANEL_HEIGHT = 8
PROMETHEUS_SOURCE: Mapping[str, str] = {"type": "prometheus", "uid": "prometheus"}


def pod_monitors(view: ClusterView) -> Mapping[str, Spec]:
    """Specs of PodMonitors by name: for add-ons that bring none of their own, and for the sidecars of models."""
    found = {pod.name: _pod_monitor(pod) for row in view.addons for pod in addon(row).metrics.pods}
    if "istio" in view.addons and view.platform.teams:
        found["mesh-proxies"] = {
            "namespaceSelector": {"matchNames": sorted(view.platform.teams)},
            "selector": {"matchExpressions": [{"key": "security.istio.io/tlsMode", "operator": "Exists"}]},
            "podMetricsEndpoints": [{"port": "http-envoy-prom", "path": "/stats/prometheus", "honorLabels": True}],
        }
    return dict(sorted(found.items()))


def _pod_monitor(pod: PodScrape) -> Spec:
    # Metrics about an object name its namespace; without honorLabels that of the scraped pod would take its place.
    endpoint: Spec = {"port": pod.port, "path": pod.path, "honorLabels": True}
    if pod.scheme == "https":
        # Certificates of metrics ports are self-signed by their pods.
        endpoint |= {"scheme": "https", "tlsConfig": {"insecureSkipVerify": True}}
    return {
        "namespaceSelector": {"matchNames": [pod.namespace]},
        "selector": {"matchLabels": dict(sorted(pod.selector.items()))},
        "podMetricsEndpoints": [endpoint],
    }


def alert_rules(view: ClusterView) -> Spec:
    """Spec of the PrometheusRule: every alert whose metrics exist here."""
    rules = [_rule(alert) for alert in alerts() if set(alert.needs) <= set(view.addons)]
    return {"groups": [{"name": "trellis", "rules": rules}]}


def _rule(alert: Alert) -> Spec:
    return {
        "alert": alert.alert,
        "expr": alert.expr,
        "for": alert.for_,
        "labels": {"severity": alert.severity},
        "annotations": {"summary": alert.summary, "description": alert.action},
    }


def dashboard_files(view: ClusterView) -> Mapping[str, str]:
    """Grafana's JSON by dashboard name, for the dashboards whose metrics exist here; the same bytes each time."""
    shown = {name: board for name, board in dashboards().items() if set(board.needs) <= set(view.addons)}
    return {name: json.dumps(_board(board), indent=1, sort_keys=True) for name, board in shown.items()}


def _board(board: Dashboard) -> Spec:
    return {
        "uid": board.uid,
        "title": board.title,
        "tags": ["trellis"],
        "schemaVersion": 39,
        "editable": False,
        "timezone": "utc",
        "refresh": "1m",
        "time": {"from": "now-6h", "to": "now"},
        "templating": {"list": [_variable(variable) for variable in board.variables]},
        "panels": list(_panels(board.panels)),
    }


def _variable(variable: Variable) -> Spec:
    return {
        "name": variable.name,
        "type": "query",
        "datasource": dict(PROMETHEUS_SOURCE),
        "query": {"query": variable.query, "refId": variable.name},
        "refresh": 2,
        "multi": True,
        "includeAll": True,
        "current": {"text": "All", "value": "$__all"},
    }


def _panels(panels: Iterable[Panel]) -> Iterable[Spec]:
    """Panels from left to right, line by line."""
    left = top = 0
    for number, panel in enumerate(panels, start=1):
        if left + panel.width > GRID_WIDTH:
            left, top = 0, top + PANEL_HEIGHT
        yield {
            "id": number,
            "type": panel.kind,
            "title": panel.title,
            "datasource": dict(PROMETHEUS_SOURCE),
            "gridPos": {"x": left, "y": top, "w": panel.width, "h": PANEL_HEIGHT},
            "fieldConfig": {"defaults": {"unit": panel.unit}, "overrides": []},
            "targets": [
                {"refId": chr(ord("A") + index), "expr": query.expr, "legendFormat": query.legend or "__auto"}
                for index, query in enumerate(panel.queries)
            ],
        }
        left += panel.width
