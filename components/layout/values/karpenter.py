"""Values of the Karpenter chart."""

from __future__ import annotations

from typing import Any

from components.layout.clusters import ClusterView
from components.layout.karpenter import overlay


def values(view: ClusterView) -> dict[str, Any]:
    """Cluster name, interruption queue, and the gate for overlays where a pool shares its GPUs."""
    shared = any(overlay(name, pool) for name, pool in view.karpenter_pools.items())
    queue = {"interruptionQueue": view.names.interruption_queue(view.name)} if view.names else {}
    return {
        "settings": {"clusterName": view.full_name, **queue, "featureGates": {"nodeOverlay": shared}},
    }
