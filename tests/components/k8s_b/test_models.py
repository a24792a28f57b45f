"""Served models: accounts, replicas over zones, addresses."""

from __future__ import annotations

from typing import Any

from components.layout import serving
from tests.components.aws.builders import Values, merged
from tests.components.k8s.builders import EXPOSED, MODEL, objects, plan, view

TWO: Values = {"models": {"llm-inference": {"scaling": {"by": "cpu", "minReplicas": 2, "maxReplicas": 4}}}}


def predictor(*layers: Any) -> dict[str, Any]:
    model = view(MODEL, *layers).platform.models["llm-inference"]
    return dict(serving.inference_service("llm-inference", model, "v1", None)["predictor"])


def test_a_models_pods_have_the_account_that_reads_models() -> None:
    assert predictor()["serviceAccountName"] == "model-server"
    assert ("research", "model-server") in objects(plan(MODEL), "ServiceAccount")


def test_several_replicas_are_spread_over_zones_and_go_one_at_a_time() -> None:
    (spread,) = predictor(TWO)["topologySpreadConstraints"]
    assert spread["topologyKey"] == "topology.kubernetes.io/zone"
    assert spread["labelSelector"]["matchLabels"] == predictor(TWO)["labels"]
    budgets = objects(plan(MODEL, TWO), "PodDisruptionBudget")
    assert budgets["research", "llm-inference-v1"].inputs["spec"]["selector"]["matchLabels"] == predictor(TWO)["labels"]


def test_a_single_replica_pins_no_node() -> None:
    assert "topologySpreadConstraints" not in predictor()
    assert ("research", "llm-inference-v1") not in objects(plan(MODEL), "PodDisruptionBudget")


def test_a_server_gets_no_traffic_before_it_listens() -> None:
    (container,) = predictor()["containers"]
    assert container["readinessProbe"]["tcpSocket"]["port"] == container["ports"][0]["containerPort"]


def test_models_have_an_address_inside_and_one_outside_where_exposed() -> None:
    assert serving.endpoints(view(MODEL)) == {"llm-inference": "http://llm-service.research.svc.cluster.local"}
    assert serving.endpoints(view(MODEL, EXPOSED)) == {"llm-inference": "https://llm-inference.ml.example.com"}


def test_outside_the_split_is_the_same() -> None:
    made = {name: r.inputs["spec"] for (_, name), r in objects(plan(MODEL, EXPOSED), "VirtualService").items()}
    inside, outside = made["llm-inference"], made["llm-inference-outside"]
    assert "gateways" not in inside
    assert outside["gateways"] == ["istio-ingress/models"]
    assert outside["hosts"] == ["llm-inference.ml.example.com"]
    weights = [[row["weight"] for row in spec["http"][0]["route"]] for spec in (inside, outside)]
    assert weights[0] == weights[1] == [90, 10]
    hosts = {row["destination"]["host"] for row in outside["http"][0]["route"]}
    assert hosts == {"llm-service.research.svc.cluster.local"}, "the gateway lives in another namespace"


def test_a_cluster_that_only_trains_serves_nothing() -> None:
    cluster = view(MODEL, merged({"clusters": {"main": {"roles": ["training", "shared"]}}}))
    assert not serving.served(cluster)
