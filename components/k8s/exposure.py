"""Interfaces behind one load balancer with OIDC login; nothing at all where the environment exposes none."""

from __future__ import annotations

import pulumi
from pulumi_kubernetes.networking.v1 import Ingress
from pulumi_kubernetes.rbac.v1 import Role, RoleBinding

from components.k8s.objects import built_in, custom, metadata
from components.layout import exposure as layout
from components.layout.clusters import ClusterView
from components.layout.secrets import EXTERNAL_SECRET
from components.spec.services import Exposure as ExposureSpec

READER = "oidc-client-reader"


class Exposure(pulumi.ComponentResource):
    """Everything that opens a cluster's interfaces to people outside of it."""

    def __init__(
        self, name: str, spec: ExposureSpec, view: ClusterView, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("trellis:k8s:Exposure", name, None, opts)
        self._name, self._spec, self._view = name, spec, view
        logins = {namespace: self._login(namespace) for namespace in layout.gated_namespaces(view)}
        for ui_name, ui in sorted(layout.interfaces(view).items()):
            built_in(
                Ingress,
                f"{name}-{ui_name}",
                # The controller builds the listener from the Secret, which it must be allowed to read by then.
                # Its address comes only when the load balancer stands and the OIDC secret was delivered.
                pulumi.ResourceOptions(
                    parent=self,
                    depends_on=logins[ui.namespace],
                    custom_timeouts=pulumi.CustomTimeouts(create="30m", update="30m"),
                ),
                metadata=metadata(ui_name, ui.namespace, annotations=layout.ingress_annotations(view, ui, spec)),
                spec=layout.ingress(view, ui, spec),
            )
        self.register_outputs({})

    def _login(self, namespace: str) -> list[pulumi.Resource]:
        """The OIDC client in a namespace, readable by the load balancer controller."""
        logical, child = f"{self._name}-{namespace}", pulumi.ResourceOptions(parent=self)
        secret = custom(
            logical, EXTERNAL_SECRET, metadata(layout.CLIENT_SECRET, namespace), layout.client_secret(self._spec), child
        )
        role = built_in(Role, logical, child, metadata=metadata(READER, namespace), rules=layout.reader_rules())
        reference = {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": READER}
        binding = built_in(
            RoleBinding,
            logical,
            child,
            metadata=metadata(READER, namespace),
            roleRef=reference,
            subjects=[dict(layout.CONTROLLER)],
        )
        return [secret, role, binding]
