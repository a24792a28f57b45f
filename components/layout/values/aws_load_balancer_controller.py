"""Values of the AWS Load Balancer Controller chart."""

from __future__ import annotations

from typing import Any

from components.layout.clusters import ClusterView
from components.layout.names import tags


def values(view: ClusterView) -> dict[str, Any]:
    """Which cluster and region it serves, and the tags of what it makes. Only a deployment tells the VPC's id."""
    region = {"region": view.names.region} if view.names else {}
    return {"clusterName": view.full_name, **region, "defaultTags": dict(tags(view.platform))}
