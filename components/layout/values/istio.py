"""Values of Istio's charts."""

from __future__ import annotations

from typing import Any

from components.layout.clusters import ClusterView
from components.layout.mesh import exposed, gateway_service


def istiod(_view: ClusterView) -> dict[str, Any]:
    """Sidecars start before the other init containers and end after the last container.

    Otherwise KServe's storage initializer has no network (the CNI already sends it to a sidecar that does not run yet),
    and a training pod never completes.
    """
    return {"env": {"ENABLE_NATIVE_SIDECARS": "true"}, "meshConfig": {"accessLogFile": "/dev/stdout"}}


def gateway(view: ClusterView) -> dict[str, Any]:
    """Its Service: behind a load balancer only where the environment is exposed."""
    return {"service": gateway_service(exposed(view))}
