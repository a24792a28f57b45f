"""Requests, replicas, placement and monitors of every chart, against what the charts really have."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import pytest

from components.catalogue.addon_install import Release
from components.catalogue.addon_model import Addon
from components.catalogue.addons import addon, addons
from components.catalogue.chart_settings import BadSettingsError, ChartSettings, chart_settings, settled_charts
from components.layout.clusters import ClusterView
from components.layout.values import SYSTEM_NODES, at, has, merge, values_of
from tests.catalogue_addons.facts import chart_objects, releases
from tests.components.k8s.builders import ON_PREMISES, every_addon, switched, view
from tests.support.helm_keys import unknown_keys

WITHOUT_PODS = {"base", "karpenter-crd", "kserve-crd", "kserve-runtime-configs"}
RELEASES = releases()
EVERY_RELEASE = pytest.mark.parametrize(
    ("row", "release"), RELEASES, ids=[f"{row.id}/{release.chart}" for row, release in RELEASES]
)
NO_MONITORING = switched(False, "kube-prometheus-stack")


def clusters() -> dict[str, ClusterView]:
    """A cluster of each kind, with as much on as there is."""
    return {
        "eks": view(every_addon()),
        "eks without Prometheus": view(every_addon(), NO_MONITORING),
        "on premises": view(ON_PREMISES, every_addon(), cluster="dc1"),
    }


def get(values: Mapping[str, Any], path: str) -> Any:
    """The value at a dotted path."""
    for key in path.split("."):
        values = values[key]
    return values


def test_every_chart_with_pods_has_settings() -> None:
    with_pods = {release.chart for _, release in RELEASES} - WITHOUT_PODS
    assert set(settled_charts()) == with_pods


def test_settings_of_another_chart_are_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> None:
    (tmp_path / "chart_settings").mkdir()
    (tmp_path / "chart_settings" / "keda.yaml").write_text("chart: kueue\n", encoding="utf-8")
    monkeypatch.setattr("components.catalogue.chart_settings.DATA", tmp_path)
    chart_settings.cache_clear()
    try:
        with pytest.raises(BadSettingsError, match="the file is of the chart 'kueue'"):
            chart_settings("keda")
    finally:
        chart_settings.cache_clear()


@EVERY_RELEASE
@pytest.mark.parametrize("kind", ["eks", "eks without Prometheus", "on premises"])
def test_every_value_is_a_key_of_the_chart(row: Addon, release: Release, kind: str) -> None:
    assert unknown_keys(release.chart, values_of(row, release, clusters()[kind])) == []


@EVERY_RELEASE
def test_what_the_chart_leaves_without_requests_gets_some(row: Addon, release: Release) -> None:
    values = values_of(row, release, view(every_addon()))
    for missing in release.missing_requests:
        if missing.path is not None:
            assert get(values, missing.path)["requests"].keys() == {"cpu", "memory"}, missing.path


@EVERY_RELEASE
def test_a_limit_is_never_below_the_request(row: Addon, release: Release) -> None:
    for path, requests in chart_settings(release.chart).requests.items():
        assert memory(requests.memory) <= memory(requests.memory_limit), f"{row.id}: {path}"
        assert requests.cpu_limit is None or millis(requests.cpu) <= millis(requests.cpu_limit)


@EVERY_RELEASE
def test_controllers_stay_on_system_nodes_of_eks_and_anywhere_else_elsewhere(row: Addon, release: Release) -> None:
    settings, on_eks = chart_settings(release.chart), values_of(row, release, clusters()["eks"])
    elsewhere = values_of(row, release, clusters()["on premises"])
    for path in settings.node_selectors:
        assert get(on_eks, path) == SYSTEM_NODES
        assert not has(elsewhere, path)


@EVERY_RELEASE
def test_every_deployment_is_placed(row: Addon, release: Release) -> None:
    """A chart with Deployments or StatefulSets has a value that places them (one may place several)."""
    rendered = [o for o in chart_objects()[release.chart]["objects"] if o["kind"] in ("Deployment", "StatefulSet")]
    if rendered:
        assert chart_settings(release.chart).node_selectors, f"{row.id}: {[o['name'] for o in rendered]}"


@EVERY_RELEASE
def test_monitors_exist_only_where_prometheus_does(row: Addon, release: Release) -> None:
    if row.metrics.by != "chart" or row.id == "kube-prometheus-stack":
        return
    for path in row.metrics.switches:
        assert get(values_of(row, release, clusters()["eks"]), path) is True
        assert get(values_of(row, release, clusters()["eks without Prometheus"]), path) is False


@EVERY_RELEASE
def test_a_budget_never_pins_a_single_replica(row: Addon, release: Release) -> None:
    """A PodDisruptionBudget of one over one replica stops every drain of its node."""
    values = values_of(row, release, view(every_addon()))
    for path in budgets(values):
        counts = replicas_of(values, path)
        assert counts, f"{release.chart}: {path} is a budget over the chart's own number of replicas"
        assert min(counts) >= 2, f"{release.chart}: {path}"


ITS_OWN = {"metricServer": "metricsServer"}
"""Components of KEDA that its values call by two names."""


def budgets(values: Mapping[str, Any], prefix: str = "") -> list[str]:
    """Paths of disruption budgets that demand at least one pod."""
    found = []
    for key, value in values.items():
        if isinstance(value, Mapping):
            demands = str(value.get("minAvailable")) == "1"
            found += [f"{prefix}{key}"] if demands else budgets(value, f"{prefix}{key}.")
    return found


def replicas_of(values: Mapping[str, Any], budget: str) -> list[int]:
    """Replica counts of what a budget protects: beside the budget, or (KEDA) under the component that it names."""
    parent, _, last = budget.rpartition(".")
    if parent == "podDisruptionBudget":
        parent = ITS_OWN.get(last, last)
    here: Any = get(values, parent) if parent else values
    names = ("replicas", "replicaCount", "autoscaleMin")
    found = [here[name] for name in names if name in here]
    return [*found, here["autoscaling"]["minReplicas"]] if "autoscaling" in here else found


def millis(quantity: str) -> float:
    """CPU in millicores."""
    return float(quantity[:-1]) if quantity.endswith("m") else float(quantity) * 1000


def memory(quantity: str) -> float:
    """Memory in MiB."""
    match = re.fullmatch(r"([0-9.]+)(Ki|Mi|Gi|)", quantity)
    assert match, quantity
    return float(match[1]) * {"Ki": 1 / 1024, "Mi": 1, "Gi": 1024, "": 1 / 1024**2}[match[2]]


def test_merge_lays_later_over_earlier_and_keeps_the_rest() -> None:
    merged = merge({"a": {"b": 1, "c": [1]}}, at("a.c", [2]), at("a.d.e", True))
    assert merged == {"a": {"b": 1, "c": [2], "d": {"e": True}}}


def test_settings_refuse_a_quantity_that_is_none() -> None:
    with pytest.raises(ValueError, match="memoryLimit"):
        ChartSettings.model_validate(
            {"chart": "keda", "requests": {"resources": {"cpu": "1", "memory": "1Gi", "memoryLimit": "much"}}}
        )


def test_the_load_balancer_controller_knows_its_cluster() -> None:
    row = addon("aws-load-balancer-controller")
    values = values_of(row, row.releases[0], view())
    assert values["clusterName"] == "trellis-trial-main"
    assert values["region"] == "us-east-1"
    assert values["enableServiceMutatorWebhook"] is False, "its webhook would gate every Service of the cluster"
    assert values["defaultTags"]["trellis:environment"] == "trial"


def test_sidecars_run_from_the_start_to_the_end_of_a_pod() -> None:
    row = addon("istio")
    values = values_of(row, row.release("istiod"), view())
    assert values["env"]["ENABLE_NATIVE_SIDECARS"] == "true"
    assert values["cni"]["enabled"] is True


def test_kubelets_are_read_without_their_certificates_on_premises_only() -> None:
    row = addon("metrics-server")
    assert "args" not in values_of(row, row.releases[0], clusters()["eks"])
    assert values_of(row, row.releases[0], clusters()["on premises"])["args"] == ["--kubelet-insecure-tls"]


def test_every_row_is_judged() -> None:
    assert {row.id for row, _ in RELEASES} == {row.id for row in addons().values() if row.kind == "helm"}
