"""Kubernetes objects that make AWS start something billed."""

from __future__ import annotations

from typing import Any

import pytest

from components.catalogue.pricing import Siblings, price, total
from tests.catalogue.plans import UNKNOWN, month, priced, resource

NLB = 0.0225 * 730
CLAIM = {"resources": {"requests": {"storage": "50Gi"}}}
PVC = "kubernetes:core/v1:PersistentVolumeClaim"


def release(values: dict[str, Any]) -> dict[str, Any]:
    return resource("kubernetes:helm.sh/v3:Release", {"chart": "x", "values": values})


def storage_class(name: str, provisioner: str, **parameters: str) -> dict[str, Any]:
    inputs = {"metadata": {"name": name}, "provisioner": provisioner, "parameters": parameters}
    return resource("kubernetes:storage.k8s.io/v1:StorageClass", inputs)


def test_services() -> None:
    service = "kubernetes:core/v1:Service"
    assert month(resource(service, {"spec": {"type": "LoadBalancer"}}))[2] == pytest.approx(NLB)
    assert price(resource(service, {"spec": {"type": "ClusterIP"}}), "us-east-1") is None
    assert price(resource(service, {"spec": {}}), "us-east-1") is None


def test_ingresses() -> None:
    ingress = "kubernetes:networking.k8s.io/v1:Ingress"
    assert month(resource(ingress, {"spec": {"ingressClassName": "alb"}}))[2] == pytest.approx(NLB)
    assert price(resource(ingress, {"spec": {"ingressClassName": "istio"}}), "us-east-1") is None


def test_ingresses_of_one_group_share_a_load_balancer() -> None:
    def one(name: str, group: str) -> dict[str, Any]:
        annotations = {"alb.ingress.kubernetes.io/group.name": group}
        inputs = {"metadata": {"name": name, "annotations": annotations}, "spec": {"ingressClassName": "alb"}}
        return {**resource("kubernetes:networking.k8s.io/v1:Ingress", inputs), "urn": f"urn:test::ingress::{name}"}

    rows = [one("a", "ours"), one("b", "ours"), one("c", "theirs")]
    assert total(rows, "us-east-1").cost.worst == pytest.approx(2 * NLB)


@pytest.mark.parametrize(
    ("name", "classes", "usd"),
    [
        (None, [], 50 * 0.08),
        ("gp3", [], 50 * 0.08),
        ("gp2-retain", [], 50 * 0.10),
        ("fast", [storage_class("fast", "ebs.csi.aws.com", type="io2")], 50 * 0.125),
        ("plain", [storage_class("plain", "ebs.csi.aws.com")], 50 * 0.08),
    ],
)
def test_claims_cost_what_their_class_makes(name: str | None, classes: list[dict[str, Any]], usd: float) -> None:
    claim = resource(PVC, {"spec": CLAIM | ({"storageClassName": name} if name else {})})
    assert month(claim, siblings=Siblings.of([claim, *classes]))[2] == pytest.approx(usd)


def test_shared_volumes_cost_nothing_more() -> None:
    claim = resource(PVC, {"spec": CLAIM | {"storageClassName": "shared"}})
    plan = Siblings.of([claim, storage_class("shared", "efs.csi.aws.com")])
    assert price(claim, "us-east-1", siblings=plan) is None


def test_claims_that_cannot_be_priced_say_why() -> None:
    strange = resource(PVC, {"spec": CLAIM | {"storageClassName": "mystery"}})
    assert "storage class 'mystery' is not in the plan" in priced(strange).reason
    lustre = Siblings.of([storage_class("mystery", "fsx.csi.aws.com")])
    assert "no price for volumes of fsx.csi.aws.com" in priced(strange, siblings=lustre).reason
    unsized = resource(PVC, {"spec": {"resources": {"requests": {"storage": UNKNOWN}}}})
    assert "whose size the plan does not say" in priced(unsized).reason


def test_a_stateful_set_claims_for_each_replica() -> None:
    """3 replicas x (50 + 10 GiB) x 0.08."""
    small = {"resources": {"requests": {"storage": "10Gi"}}}
    inputs = {"spec": {"replicas": 3.0, "volumeClaimTemplates": [{"spec": CLAIM}, {"spec": small}]}}
    kind = "kubernetes:apps/v1:StatefulSet"
    assert month(resource(kind, inputs))[2] == pytest.approx(3 * 60 * 0.08)
    assert price(resource(kind, {"spec": {"replicas": 3}}), "us-east-1") is None


def test_what_a_charts_values_ask_for() -> None:
    values = {
        "prometheus": {"prometheusSpec": {"replicas": 2, "storageSpec": {"volumeClaimTemplate": {"spec": CLAIM}}}},
        "grafana": {"persistence": {"enabled": True, "size": "20Gi"}},
        "loki": {"persistence": {"enabled": False, "size": "500Gi"}},
        "gateway": {"service": {"type": "LoadBalancer"}},
        "other": {"service": {"type": "ClusterIP"}},
    }
    assert month(release(values))[2] == pytest.approx(2 * 50 * 0.08 + 20 * 0.08 + NLB)
    assert price(release({"replicas": 2}), "us-east-1") is None
    assert price(resource("kubernetes:helm.sh/v3:Release", {"values": UNKNOWN}), "us-east-1") is None


def test_sizes_left_to_the_chart_are_said() -> None:
    assert "size the plan does not say" in priced(release({"persistence": {"enabled": True}})).reason


def test_an_existing_cluster_bills_nothing_here() -> None:
    assert price(resource("kubernetes:core/v1:Service", {"spec": {"type": "LoadBalancer"}}), None) is None


@pytest.mark.parametrize("kind", ["kubernetes:apps/v1:Deployment", "trellis:aws:Network", "pulumi:providers:aws"])
def test_what_runs_on_priced_nodes_has_no_price_of_its_own(kind: str) -> None:
    assert price(resource(kind, {}), "us-east-1") is None
