"""Values of the metrics-server chart."""

from __future__ import annotations

from typing import Any

from components.layout.clusters import ClusterView


def values(view: ClusterView) -> dict[str, Any]:
    """EKS signs its kubelets' certificates; on premises they are self-signed, and without the flag nothing is read."""
    return {} if view.is_eks else {"args": ["--kubelet-insecure-tls"]}
