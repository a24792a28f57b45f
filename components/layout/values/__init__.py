"""Helm values, by chart.

Four layers, later ones first: what the environment decides (`BY_CHART`), where pods run and whether monitors exist
(the cluster decides), how this platform runs the chart (`chart_settings`), what is always set (the catalogue row).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from components.catalogue.addon_install import Release
from components.catalogue.addon_model import Addon
from components.catalogue.chart_settings import chart_settings
from components.layout.clusters import ClusterView
from components.layout.values import (
    argo_cd,
    aws_load_balancer_controller,
    cluster_autoscaler,
    gpu_operator,
    istio,
    karpenter,
    kserve,
    kube_prometheus_stack,
    metrics_server,
    mlflow,
)

Values = dict[str, Any]

BY_CHART: Mapping[str, Callable[[ClusterView], Values]] = {
    "argo-cd": argo_cd.values,
    "aws-load-balancer-controller": aws_load_balancer_controller.values,
    "cluster-autoscaler": cluster_autoscaler.values,
    "gateway": istio.gateway,
    "gpu-operator": gpu_operator.values,
    "istiod": istio.istiod,
    "karpenter": karpenter.values,
    "kserve-resources": kserve.values,
    "kube-prometheus-stack": kube_prometheus_stack.values,
    "mlflow": mlflow.values,
    "metrics-server": metrics_server.values,
}
SYSTEM_NODES: Mapping[str, str] = {"trellis.dev/purpose": "system"}
"""Label of the nodes that run controllers (EKS only: elsewhere the nodes are as they are)."""


def values_of(row: Addon, release: Release, view: ClusterView) -> Values:
    """All values of a release of a row, but those that only a deployment tells."""
    settings = chart_settings(release.chart)
    layers: list[Mapping[str, Any]] = [release.values, settings.values]
    layers += [at(path, requests.resources) for path, requests in settings.requests.items()]
    if view.is_eks:
        layers += [at(path, dict(SYSTEM_NODES)) for path in settings.node_selectors]
    layers += [at(path, value) for path, value in _monitors(row, release, view)]
    own = BY_CHART.get(release.chart)
    return merge(*layers, own(view) if own else {})


def _monitors(row: Addon, release: Release, view: ClusterView) -> Iterable[tuple[str, bool]]:
    """Switches of the chart's own monitors: on only where somebody reads them and their CRDs exist."""
    on = "kube-prometheus-stack" in view.addons
    return [(path, on) for path in row.metrics.switches if len(row.releases) == 1 or has(release.values, path)]


def at(path: str, value: Any) -> Values:
    """A value at a dotted path."""
    for key in reversed(path.split(".")):
        value = {key: value}
    return dict(value)


def has(values: Mapping[str, Any], path: str) -> bool:
    """Whether a dotted path exists in a values tree."""
    here: Any = values
    for key in path.split("."):
        if not isinstance(here, Mapping) or key not in here:
            return False
        here = here[key]
    return True


def merge(*layers: Mapping[str, Any]) -> Values:
    """Merge values trees, later over earlier."""
    merged: Values = {}
    for layer in layers:
        merged = overlay(merged, layer)
    return merged


def overlay(base: Mapping[str, Any], over: Mapping[str, Any]) -> Values:
    """Merge two values trees; lists and scalars of the second replace those of the first."""
    merged = dict(base)
    for key, value in over.items():
        below = merged.get(key)
        both = isinstance(value, Mapping) and isinstance(below, Mapping)
        merged[key] = overlay(below, value) if both and isinstance(below, Mapping) else value
    return merged
