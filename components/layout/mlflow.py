"""What MLflow needs beside its chart: the Secret of its database, or the volume that stands in for it."""

from __future__ import annotations

from typing import Any

from components.layout.clusters import ClusterView
from components.layout.secrets import external_secret
from components.layout.storage import block_class
from components.layout.values import mlflow as values

Spec = dict[str, Any]
ROTATION_SEEN_AFTER = "5m"
"""How long a rotated password may stay unseen; until then new connections to the database fail."""


def credentials(credentials_arn: Any) -> Spec:
    """Spec of the ExternalSecret with the login that RDS made, and the same as a service file of libpq."""
    keys = {key: (credentials_arn, key) for key in ("username", "password")}
    service = f"[{values.DATABASE}]\nuser={{{{ .username }}}}\npassword={{{{ .password }}}}\n"
    template = {"username": "{{ .username }}", "password": "{{ .password }}", values.SERVICE_FILE: service}
    return {**external_secret(values.CREDENTIALS, keys, template), "refreshInterval": ROTATION_SEEN_AFTER}


def data_claim(view: ClusterView) -> Spec:
    """Spec of the volume claim outside AWS: room for the database and for artefacts."""
    platform = view.platform
    gib = platform.mlflow.database.storage_gib + platform.storage.artefacts_gib
    name = block_class(view)
    claim: Spec = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": f"{gib}Gi"}}}
    return {**claim, **({"storageClassName": name} if name else {})}


def disruption_budget(view: ClusterView) -> Spec | None:
    """Spec of the PodDisruptionBudget; None for a single replica, which it would pin to its node."""
    if view.names is None or view.platform.mlflow.replicas < 2:
        return None
    return {"maxUnavailable": 1, "selector": {"matchLabels": dict(values.PODS)}}
