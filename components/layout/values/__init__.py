"""Helm values that depend on the environment, by chart. What is always set stands in the catalogue row."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from components.catalogue.addon_install import Release
from components.layout.clusters import ClusterView
from components.layout.values import gpu_operator, karpenter

Values = dict[str, Any]

BY_CHART: Mapping[str, Callable[[ClusterView], Values]] = {
    "gpu-operator": gpu_operator.values,
    "karpenter": karpenter.values,
}


def values_of(release: Release, view: ClusterView) -> Values:
    """All values of a release: the catalogue's, overlaid by the environment's."""
    own = BY_CHART.get(release.chart)
    return overlay(release.values, own(view) if own else {})


def overlay(base: Mapping[str, Any], over: Mapping[str, Any]) -> Values:
    """Merge two values trees; lists and scalars of the second replace those of the first."""
    merged = dict(base)
    for key, value in over.items():
        below = merged.get(key)
        both = isinstance(value, Mapping) and isinstance(below, Mapping)
        merged[key] = overlay(below, value) if both and isinstance(below, Mapping) else value
    return merged
