"""Istio: the mesh, mutual TLS in all of it, and the gateway's door where the environment is exposed."""

from __future__ import annotations

from components.k8s.addon import Addon
from components.k8s.objects import custom, metadata
from components.layout import mesh


class Istio(Addon):
    """The add-on `istio`."""

    row_id = "istio"

    def extras(self) -> None:
        self._make("security.istio.io/v1/PeerAuthentication", "default", "istio-system", mesh.strict_mtls())
        exposure = mesh.exposed(self.view)
        if exposure is None:
            return
        name, namespace = mesh.GATEWAY_NAME, mesh.GATEWAY_NAMESPACE
        self._make("networking.istio.io/v1/Gateway", name, namespace, mesh.gateway(exposure))
        authentication = mesh.request_authentication(exposure)
        self._make("security.istio.io/v1/RequestAuthentication", name, namespace, authentication)
        self._make("security.istio.io/v1/AuthorizationPolicy", name, namespace, mesh.authorization(exposure))

    def _make(self, kind: str, name: str, namespace: str, spec: dict[str, object]) -> None:
        custom(f"{self._name}-{name}", kind, metadata(name, namespace), spec, self.child())
