"""Secrets are delivered, and written down nowhere."""

from __future__ import annotations

from components.layout.secrets import source
from tests.components.aws.builders import waits_for
from tests.components.k8s.builders import (
    EXPOSED,
    ON_PREMISES,
    TWO_TEAMS,
    every_addon,
    objects,
    plan,
    releases,
    switched,
    view,
)


def test_the_store_reads_by_its_own_pod_identity() -> None:
    recorded = plan()
    store = objects(recorded, "ClusterSecretStore")[None, "aws-secrets-manager"]
    assert store.inputs["spec"]["provider"] == {"aws": {"service": "SecretsManager", "region": "us-east-1"}}
    assert releases(recorded)["external-secrets"].urn in waits_for(recorded)[store.urn]


def test_teams_cannot_use_the_store() -> None:
    """Whoever may write an ExternalSecret could otherwise read every secret of the platform."""
    recorded = plan(TWO_TEAMS, every_addon())
    ((condition,),) = (s.inputs["spec"]["conditions"] for s in objects(recorded, "ClusterSecretStore").values())
    assert not {"research", "search"} & set(condition["namespaces"])
    used = {space for space, _ in objects(recorded, "ExternalSecret")}
    assert used <= set(condition["namespaces"]), "an add-on's secret would be refused"


def test_grafana_starts_with_the_administrator_of_secrets_manager() -> None:
    recorded = plan({"monitoring": {"grafanaCredentials": "trellis/our-grafana"}})
    secret = objects(recorded, "ExternalSecret")["monitoring", "grafana-admin"]
    data = {one["secretKey"]: one["remoteRef"] for one in secret.inputs["spec"]["data"]}
    assert data == {
        "admin-user": {"key": "trellis/our-grafana", "property": "username"},
        "admin-password": {"key": "trellis/our-grafana", "property": "password"},
    }
    release, before = releases(recorded)["kube-prometheus-stack"], waits_for(recorded)
    assert release.inputs["values"]["grafana"]["admin"] == {"existingSecret": "grafana-admin"}
    assert secret.urn in before[release.urn], "Grafana's pod does not start without its Secret"
    store = objects(recorded, "ClusterSecretStore")[None, "aws-secrets-manager"]
    assert store.urn in before[secret.urn]


def test_on_premises_the_administrator_is_made_inside_the_cluster() -> None:
    recorded = plan(ON_PREMISES)
    assert not objects(recorded, "ClusterSecretStore")
    generator = objects(recorded, "Password")["monitoring", "grafana-admin"]
    secret = objects(recorded, "ExternalSecret")["monitoring", "grafana-admin"]
    assert secret.inputs["spec"]["refreshPolicy"] == "CreatedOnce", "a new password each hour would lock everybody out"
    assert secret.inputs["spec"]["target"]["template"]["data"]["admin-password"] == "{{ .password }}"
    before = waits_for(recorded)
    assert generator.urn in before[secret.urn]
    assert secret.urn in before[releases(recorded)["kube-prometheus-stack"].urn]


def test_without_the_operator_nothing_is_delivered() -> None:
    recorded = plan(switched(False, "external-secrets", "mlflow"))
    assert not objects(recorded, "ExternalSecret")
    assert "admin" not in releases(recorded)["kube-prometheus-stack"].inputs["values"]["grafana"]
    assert source(view(switched(False, "external-secrets"))) is None


def test_no_value_of_any_release_is_a_password() -> None:
    recorded = plan(every_addon(), EXPOSED)
    for name, release in releases(recorded).items():
        for path, value in _leaves(release.inputs.get("values", {})):
            last = path.rpartition(".")[2].lower()
            if last.endswith(("password", "secretkey", "clientsecret", "token")):
                assert not isinstance(value, str) or not value, f"{name}: {path} holds a secret in clear"


def _leaves(value: object, path: str = "") -> list[tuple[str, object]]:
    if isinstance(value, dict):
        return [leaf for key, below in value.items() for leaf in _leaves(below, f"{path}.{key}")]
    return [(path, value)]
