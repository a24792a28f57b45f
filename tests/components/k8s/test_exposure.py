"""Interfaces: a command that opens them, or an address behind a login; never one without the other."""

from __future__ import annotations

import json
from typing import Any

from components.catalogue.addons import addons
from components.layout.exposure import addresses, dns_targets, interfaces
from tests.components.aws.builders import SPLIT, waits_for
from tests.components.k8s.builders import (
    EXPOSED,
    OIDC,
    ON_PREMISES,
    every_addon,
    objects,
    plan,
    releases,
    switched,
    view,
)

PREFIX = "alb.ingress.kubernetes.io/"


def ingresses(*layers: dict[str, Any]) -> dict[str, dict[str, str]]:
    """Annotations of every Ingress by name, without their prefix."""
    return {
        name: {key.removeprefix(PREFIX): value for key, value in made.inputs["metadata"]["annotations"].items()}
        for (_, name), made in objects(plan(*layers), "Ingress").items()
    }


def test_hidden_interfaces_are_opened_by_a_printed_command() -> None:
    recorded = plan(every_addon())
    assert not objects(recorded, "Ingress")
    printed = recorded.outputs["clusters"]["main"]["userInterfaces"]
    assert set(printed) == {ui.name for row in addons().values() for ui in row.uis}
    context = "arn:aws:eks:us-east-1:111122223333:cluster/trellis-trial-main"
    assert printed["mlflow"] == f"kubectl --context {context} -n mlflow port-forward svc/mlflow 5000:80"


def test_local_ports_do_not_clash() -> None:
    ports = [ui.local_port for row in addons().values() for ui in row.uis]
    assert len(ports) == len(set(ports))


def test_every_exposed_interface_asks_for_a_login_first() -> None:
    made = ingresses(every_addon(), EXPOSED)
    assert set(made) == {ui.name for row in addons().values() for ui in row.uis}
    for name, notes in made.items():
        assert notes["auth-type"] == "oidc", name
        assert notes["auth-on-unauthenticated-request"] == "authenticate", name
        assert json.loads(notes["listen-ports"]) == [{"HTTPS": 443}], f"{name} listens in clear"
        provider = json.loads(notes["auth-idp-oidc"])
        assert provider["issuer"] == OIDC["issuerUrl"]
        assert provider["tokenEndpoint"] == OIDC["tokenEndpoint"]
        assert provider["secretName"] == "oidc-client"


def test_they_share_one_load_balancer() -> None:
    made = ingresses(every_addon(), EXPOSED)
    assert {notes["group.name"] for notes in made.values()} == {"trellis-trial-main-interfaces"}
    assert {notes["scheme"] for notes in made.values()} == {"internal"}


def test_health_is_asked_where_no_login_and_no_host_name_is_needed() -> None:
    made = ingresses(every_addon(), EXPOSED)
    assert made["mlflow"]["healthcheck-path"] == "/health", "its other pages refuse unknown Host headers"
    assert made["argo-cd"]["backend-protocol"] == "HTTPS"
    assert made["grafana"]["backend-protocol"] == "HTTP"


def test_the_login_is_there_before_the_interface_and_only_the_controller_reads_it() -> None:
    recorded = plan(every_addon(), EXPOSED)
    before = waits_for(recorded)
    for (space, _), made in objects(recorded, "Ingress").items():
        secret = objects(recorded, "ExternalSecret")[space, "oidc-client"]
        role = objects(recorded, "Role")[space, "oidc-client-reader"]
        binding = objects(recorded, "RoleBinding")[space, "oidc-client-reader"]
        assert {secret.urn, role.urn, binding.urn} <= before[made.urn]
        (rule,) = role.inputs["rules"]
        assert rule["resourceNames"] == ["oidc-client"], "the controller may read no other Secret"
        (subject,) = binding.inputs["subjects"]
        assert (subject["namespace"], subject["name"]) == ("kube-system", "aws-load-balancer-controller")
        assert releases(recorded)["aws-load-balancer-controller"].urn in before[made.urn]


def test_the_client_secret_comes_from_secrets_manager() -> None:
    spec = objects(plan(EXPOSED), "ExternalSecret")["monitoring", "oidc-client"].inputs["spec"]
    (data,) = spec["data"]
    assert data["remoteRef"] == {"key": "trellis/oidc", "property": "clientSecret"}
    assert spec["target"]["template"]["data"] == {"clientID": "trellis", "clientSecret": "{{ .clientSecret }}"}


def test_addresses_stand_below_the_domain() -> None:
    assert addresses(view(EXPOSED))["grafana"] == "https://grafana.ml.example.com"
    values = releases(plan(EXPOSED))["kube-prometheus-stack"].inputs["values"]
    assert values["grafana"]["grafana.ini"]["server"]["root_url"] == "https://grafana.ml.example.com"
    assert values["prometheus"]["prometheusSpec"]["externalUrl"] == "https://prometheus.ml.example.com"
    assert values["alertmanager"]["alertmanagerSpec"]["externalUrl"] == "https://alertmanager.ml.example.com"


def test_two_clusters_with_the_same_interface_have_two_names() -> None:
    first, second = (view(SPLIT, EXPOSED, cluster=name) for name in ("training", "inference"))
    assert addresses(first)["grafana"] == "https://grafana-training.ml.example.com"
    assert addresses(second)["grafana"] == "https://grafana-inference.ml.example.com"
    assert addresses(first)["mlflow"] == "https://mlflow.ml.example.com", "it runs once"
    assert "mlflow" not in addresses(second)


def test_without_a_way_to_ask_for_a_login_nothing_is_exposed() -> None:
    for missing in ("external-secrets", "aws-load-balancer-controller"):
        layers = (EXPOSED, switched(False, missing))
        assert not objects(plan(*layers), "Ingress"), missing
        assert addresses(view(*layers))["grafana"].startswith("kubectl")
        assert dns_targets(view(*layers)) == {}


def test_on_premises_interfaces_are_opened_by_command() -> None:
    shown = addresses(view(ON_PREMISES, EXPOSED, cluster="dc1"))
    assert shown["grafana"].startswith("kubectl --context dc1 -n monitoring port-forward")


def test_the_domain_is_told_where_to_point() -> None:
    targets = dns_targets(view(EXPOSED))
    assert set(targets) == {"interfaces", "models"}
    assert "get ingress" in targets["interfaces"]
    assert plan(EXPOSED).outputs["clusters"]["main"]["dnsTargets"] == targets
    assert "dnsTargets" not in plan().outputs["clusters"]["main"]


def test_interfaces_are_those_of_what_is_on() -> None:
    assert "katib" not in interfaces(view(switched(False, "katib")))
