"""Values of the MLflow chart: its database, where artefacts lie, under which names it answers."""

from __future__ import annotations

from typing import Any

from components.layout.clusters import ClusterView
from components.layout.exposure import gate, host, interfaces

NAMESPACE = "mlflow"
DATABASE = "mlflow"
"""Name of the database in its instance."""
CREDENTIALS = "mlflow-database"
"""Secret with the keys `username`, `password` and `SERVICE_FILE`."""
SERVICE_FILE = "pg_service.conf"
SERVICE_FOLDER = "/etc/mlflow-database"
DATA_CLAIM = "mlflow-data"
DATA_FOLDER = "/mlflow/data"
SERVICE_PORT = 80
BY_ADDRESS = ("localhost:*", "127.0.0.1:*", "10.*", "172.*", "192.168.*")
"""Hosts that cannot be rebound: port-forwards, and pod addresses, by which Prometheus scrapes."""
PODS = {"app.kubernetes.io/name": "mlflow", "app.kubernetes.io/instance": "mlflow"}


def values(view: ClusterView) -> dict[str, Any]:
    """Values that are known before deployment; the database's address comes later."""
    settings = _in_aws(view) if view.names is not None else _on_volume()
    return {"serverAllowedHosts": allowed_hosts(view), **settings}


def allowed_hosts(view: ClusterView) -> list[str]:
    """Host headers that the server answers. Others it refuses: pages of strange names cannot call it."""
    inside = [f"mlflow.{NAMESPACE}{tail}" for tail in ("", ".svc", ".svc.cluster.local")]
    exposure = gate(view)
    outside = [host(view, interfaces(view)["mlflow"], exposure)] if exposure is not None else []
    named = ["mlflow", *inside]
    return [*named, *(f"{name}:{SERVICE_PORT}" for name in named), *outside, *BY_ADDRESS]


def _in_aws(view: ClusterView) -> dict[str, Any]:
    """RDS and S3.

    RDS rotates the password, and a running pod keeps its environment. So libpq reads a service file, which the kubelet
    renews; what stands there goes before the environment that the chart sets from the same Secret.
    """
    names = view.names
    replicas = view.platform.mlflow.replicas
    folder = {"name": "database", "mountPath": SERVICE_FOLDER, "readOnly": True}
    items = [{"key": SERVICE_FILE, "path": SERVICE_FILE}]
    found: dict[str, Any] = {
        "replicaCount": replicas,
        "backendStore": {
            "postgres": {"enabled": True, "port": 5432, "database": DATABASE},
            "existingDatabaseSecret": {"name": CREDENTIALS},
        },
        "artifactRoot": {
            "s3": {"enabled": True, "bucket": names.bucket("artefacts") if names else "", "path": "mlflow"}
        },
        "extraEnvVars": {"PGSERVICE": DATABASE, "PGSERVICEFILE": f"{SERVICE_FOLDER}/{SERVICE_FILE}"},
        "extraVolumes": [{"name": "database", "secret": {"secretName": CREDENTIALS, "items": items}}],
        "extraVolumeMounts": [folder],
    }
    if replicas > 1:
        term = {"labelSelector": {"matchLabels": dict(PODS)}, "topologyKey": "topology.kubernetes.io/zone"}
        wish = [{"weight": 100, "podAffinityTerm": term}]
        found["affinity"] = {"podAntiAffinity": {"preferredDuringSchedulingIgnoredDuringExecution": wish}}
    return found


def _on_volume() -> dict[str, Any]:
    """SQLite and a folder on one volume, for one replica: outside AWS there is no database and no object store."""
    return {
        "replicaCount": 1,
        "strategy": {"type": "Recreate"},
        "backendStore": {"defaultSqlitePath": f"{DATA_FOLDER}/mlflow.db"},
        "artifactRoot": {"defaultArtifactsDestination": f"{DATA_FOLDER}/artefacts"},
        "extraVolumes": [{"name": "data", "persistentVolumeClaim": {"claimName": DATA_CLAIM}}],
        "extraVolumeMounts": [{"name": "data", "mountPath": DATA_FOLDER}],
    }
