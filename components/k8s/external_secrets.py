"""External Secrets Operator: the controller and the store it reads."""

from __future__ import annotations

from components.k8s.addon import Addon
from components.k8s.objects import custom, metadata
from components.layout import secrets as layout


class ExternalSecrets(Addon):
    """The add-on `external-secrets`."""

    row_id = "external-secrets"

    def extras(self) -> None:
        names = self.view.names
        if names is not None:
            spec = layout.cluster_store(self.view, names.region)
            custom(self._name, layout.CLUSTER_STORE, metadata(layout.STORE), spec, self.child())
