"""Values of KServe's controller."""

from __future__ import annotations

from typing import Any

from components.layout.clusters import ClusterView
from components.layout.mesh import exposed


def values(view: ClusterView) -> dict[str, Any]:
    """Region of the model bucket, and the domain that InferenceServices report as theirs."""
    exposure = exposed(view)
    s3 = {"storage": {"s3": {"region": view.names.region}}} if view.names else {}
    domain = exposure.domain if exposure else "svc.cluster.local"
    return {"kserve": {**s3, "controller": {"gateway": {"domain": domain}}}}
