"""MLflow: its login is delivered, its artefacts lie in the bucket, and outside AWS its runs survive."""

from __future__ import annotations

import fnmatch

import pytest

from components.aws import database
from components.layout import mlflow
from components.layout.s3 import Place
from components.layout.storage import block_class
from components.layout.values import mlflow as values
from tests.components.aws.builders import waits_for
from tests.components.k8s.builders import EXPOSED, ON_PREMISES, objects, plan, releases, strings, view

TWO = {"mlflow": {"replicas": 2}}


def test_the_database_is_the_one_that_aws_makes() -> None:
    assert values.values(view())["backendStore"]["postgres"]["database"] == database.DATABASE
    release = releases(plan())["mlflow"].inputs["values"]
    assert release["backendStore"]["postgres"]["host"] == {"$trellis": "unknown"}, "known once RDS runs"


def test_the_login_is_delivered_before_the_server_starts_and_never_written_down() -> None:
    recorded = plan()
    release = releases(recorded)["mlflow"]
    secret = objects(recorded, "ExternalSecret")["mlflow", values.CREDENTIALS]
    assert secret.urn in waits_for(recorded)[release.urn]
    backend = release.inputs["values"]["backendStore"]
    assert backend["existingDatabaseSecret"] == {"name": values.CREDENTIALS}
    assert "password" not in backend["postgres"]
    assert "user" not in backend["postgres"]


def test_a_rotated_password_reaches_a_running_server() -> None:
    spec = mlflow.credentials("arn:aws:secretsmanager:us-east-1:111122223333:secret:rds")
    service = spec["target"]["template"]["data"][values.SERVICE_FILE]
    assert service.splitlines() == ["[mlflow]", "user={{ .username }}", "password={{ .password }}"]
    settings = values.values(view())
    assert settings["extraEnvVars"] == {
        "PGSERVICE": "mlflow",
        "PGSERVICEFILE": f"{settings['extraVolumeMounts'][0]['mountPath']}/{values.SERVICE_FILE}",
    }
    assert "subPath" not in settings["extraVolumeMounts"][0], "the kubelet renews no file that is mounted by subPath"


def test_artefacts_lie_where_the_servers_role_may_write() -> None:
    cluster = view()
    assert cluster.names is not None
    store = values.values(cluster)["artifactRoot"]["s3"]
    assert Place(store["bucket"], store["path"]) == Place(cluster.names.bucket("artefacts"), "mlflow")


@pytest.mark.parametrize(
    ("host", "answered"),
    [
        ("mlflow.mlflow.svc.cluster.local", True),
        ("mlflow.mlflow", True),
        ("localhost:5000", True),
        ("10.20.3.4:5000", True),
        ("mlflow.ml.example.com", True),
        ("evil.example.com", False),
        ("mlflow.evil.com", False),
    ],
)
def test_the_server_answers_to_its_names_only(host: str, answered: bool) -> None:
    allowed = values.allowed_hosts(view(EXPOSED))
    assert any(fnmatch.fnmatch(host, one) for one in allowed) is answered


def test_hidden_servers_answer_to_no_name_of_the_internet() -> None:
    assert not any("example.com" in one for one in values.allowed_hosts(view()))


def test_replicas_are_spread_and_go_one_at_a_time() -> None:
    assert mlflow.disruption_budget(view()) is None, "a single one would pin its node"
    assert mlflow.disruption_budget(view(TWO)) == {"maxUnavailable": 1, "selector": {"matchLabels": values.PODS}}
    assert "affinity" in values.values(view(TWO))


def test_on_premises_runs_and_artefacts_lie_on_a_volume() -> None:
    recorded = plan(ON_PREMISES)
    settings = releases(recorded)["mlflow"].inputs["values"]
    claim = objects(recorded, "PersistentVolumeClaim")["mlflow", values.DATA_CLAIM]
    mounted = settings["extraVolumeMounts"][0]["mountPath"]
    assert settings["extraVolumes"][0]["persistentVolumeClaim"]["claimName"] == values.DATA_CLAIM
    assert settings["backendStore"]["defaultSqlitePath"].startswith(f"{mounted}/")
    assert settings["artifactRoot"]["defaultArtifactsDestination"].startswith(f"{mounted}/")
    assert settings["strategy"]["type"] == "Recreate", "two pods cannot share the volume"
    assert claim.inputs["spec"]["storageClassName"] == block_class(view(ON_PREMISES, cluster="dc1"))
    assert not [text for text in strings(settings) if "s3" in text.lower() or "amazonaws" in text]
