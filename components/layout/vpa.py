"""Recommendations of the Vertical Pod Autoscaler as plain manifests."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from components.layout.clusters import ClusterView

Spec = dict[str, Any]


def recommendations(view: ClusterView) -> Mapping[tuple[str, str], Spec]:
    """Specs by namespace and name: what each version of a model should request, from its history.

    They only recommend. The number of replicas follows CPU or requests, and two controllers on one metric fight; a
    GPU pod that is restarted to change its memory request gives up its GPU for nothing.
    """
    if "inference" not in view.cluster.roles or "kserve" not in view.addons:
        return {}
    return {
        (model.team, f"{name}-{version}"): _recommend(f"{name}-{version}-predictor")
        for name, model in sorted(view.platform.models.items())
        for version in sorted(model.versions)
    }


def _recommend(deployment: str) -> Spec:
    """For the Deployment that KServe makes of an InferenceService in standard mode: `<name>-predictor`."""
    return {
        "targetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": deployment},
        "updatePolicy": {"updateMode": "Off"},
    }
