"""Values of the cluster-autoscaler chart."""

from __future__ import annotations

from typing import Any

from components.layout.clusters import ClusterView


def values(view: ClusterView) -> dict[str, Any]:
    """It finds the managed node groups of its cluster by the tags that EKS puts on them."""
    region = {"awsRegion": view.names.region} if view.names else {}
    # The group that wastes least: with GPU groups about, any other choice may buy a GPU for a small pod.
    return {"autoDiscovery": {"clusterName": view.full_name}, "extraArgs": {"expander": "least-waste"}, **region}
