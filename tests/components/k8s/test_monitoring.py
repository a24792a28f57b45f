"""What is scraped, what alerts, what Grafana shows."""

from __future__ import annotations

import json
from typing import Any

import promql_parser
import pytest

from components.catalogue.addons import addon, addons
from components.catalogue.observability import Alert, Dashboard, alerts, dashboards
from components.layout import monitoring as layout
from tests.components.aws.builders import waits_for
from tests.components.k8s.builders import MODEL, ON_PREMISES, every_addon, objects, plan, releases, switched, view

STACK = "kube-prometheus-stack"
ALERTS = pytest.mark.parametrize("alert", alerts(), ids=lambda alert: alert.alert)
BOARDS = pytest.mark.parametrize("board", dashboards().values(), ids=lambda board: board.title)


def values(*layers: dict[str, Any]) -> dict[str, Any]:
    """Values of the stack's release."""
    found: dict[str, Any] = releases(plan(*layers))[STACK].inputs["values"]
    return found


def test_every_row_without_a_monitor_of_its_own_gets_one() -> None:
    recorded = plan(every_addon())
    made = objects(recorded, "PodMonitor")
    wanted = {pod.name: pod for row in addons().values() for pod in row.metrics.pods}
    assert {name for _, name in made} == {*wanted, "mesh-proxies"}
    for name, pod in wanted.items():
        spec = made["monitoring", name].inputs["spec"]
        assert spec["namespaceSelector"]["matchNames"] == [pod.namespace]
        assert spec["selector"]["matchLabels"] == pod.selector
        (endpoint,) = spec["podMetricsEndpoints"]
        assert (endpoint["port"], endpoint["path"]) == (pod.port, pod.path)
        assert ("tlsConfig" in endpoint) == (pod.scheme == "https")


def test_nothing_of_monitoring_is_there_without_the_stack() -> None:
    recorded = plan(every_addon(), switched(False, STACK))
    assert not objects(recorded, "PodMonitor")
    assert not objects(recorded, "PrometheusRule")
    assert "monitoring" not in {name for _, name in objects(recorded, "Namespace")}


def test_monitors_and_rules_wait_for_the_stack() -> None:
    recorded = plan(every_addon())
    stack, before = releases(recorded)[STACK].urn, waits_for(recorded)
    for kind in ("PodMonitor", "PrometheusRule"):
        assert all(stack in before[made.urn] for made in objects(recorded, kind).values())


@ALERTS
def test_every_alert_is_promql(alert: Alert) -> None:
    promql_parser.parse(alert.expr)
    assert set(alert.needs) <= set(addons())
    assert alert.action.endswith(".")


@BOARDS
def test_every_panel_is_promql_and_fits_the_page(board: Dashboard) -> None:
    assert set(board.needs) <= set(addons())
    variables = {variable.name for variable in board.variables}
    for panel in board.panels:
        for query in panel.queries:
            promql_parser.parse(query.expr)
            used = {name for name in ("node", "namespace", "pool") if f"${name}" in query.expr}
            assert used <= variables, f"{panel.title} uses {used - variables}, which the dashboard does not offer"


def test_a_query_that_is_none_would_be_seen() -> None:
    with pytest.raises(ValueError, match="parenthesis"):
        promql_parser.parse("sum(DCGM_FI_DEV_GPU_UTIL")


def test_alerts_are_those_whose_metrics_exist() -> None:
    full = {rule["alert"] for group in layout.alert_rules(view(every_addon()))["groups"] for rule in group["rules"]}
    assert full == {alert.alert for alert in alerts()}
    fewer = layout.alert_rules(view(every_addon(), switched(False, "gpu-operator", "karpenter")))
    names = {rule["alert"] for group in fewer["groups"] for rule in group["rules"]}
    assert not {name for name in names if name.startswith("Gpu")}
    assert "PoolNearItsLimit" not in names
    assert "PodWaitsForGpu" in names


def test_dashboards_are_config_maps_that_grafana_loads() -> None:
    made = objects(plan(every_addon()), "ConfigMap")
    boards = {name: r for (space, name), r in made.items() if space == "monitoring"}
    assert set(boards) == {f"dashboard-{name}" for name in dashboards()}
    for resource in boards.values():
        assert resource.inputs["metadata"]["labels"]["grafana_dashboard"] == "1"
        (text,) = resource.inputs["data"].values()
        board = json.loads(text)
        assert board["uid"].startswith("trellis-")
        assert len({panel["id"] for panel in board["panels"]}) == len(board["panels"])


@BOARDS
def test_panels_do_not_lie_on_each_other(board: Dashboard) -> None:
    files = {d.title: layout.dashboard_files(view(every_addon()))[name] for name, d in dashboards().items()}
    panels = json.loads(files[board.title])["panels"]
    taken: set[tuple[int, int]] = set()
    for panel in panels:
        place = panel["gridPos"]
        cells = {(place["x"] + x, place["y"] + y) for x in range(place["w"]) for y in range(place["h"])}
        assert not cells & taken, panel["title"]
        assert place["x"] + place["w"] <= 24
        taken |= cells


def test_the_gpu_dashboard_shows_what_dcgm_exports() -> None:
    text = layout.dashboard_files(view(every_addon()))["gpus"]
    for metric in ("GPU_UTIL", "FB_USED", "GPU_TEMP", "POWER_USAGE", "XID_ERRORS"):
        assert f"DCGM_FI_DEV_{metric}" in text
    assert "gpus" not in layout.dashboard_files(view(switched(False, "gpu-operator")))


def test_prometheus_keeps_what_the_environment_says() -> None:
    spec = values({"monitoring": {"retentionDays": 7, "storageGib": 200}})["prometheus"]["prometheusSpec"]
    assert spec["retention"] == "7d"
    assert spec["retentionSize"] == "170GiB"
    claim = spec["storageSpec"]["volumeClaimTemplate"]["spec"]
    assert claim["resources"]["requests"]["storage"] == "200Gi"
    assert claim["storageClassName"] == "gp3-encrypted"
    assert spec["externalLabels"] == {"cluster": "trellis-trial-main", "environment": "trial"}


def test_prometheus_uses_the_class_of_the_cluster_that_exists() -> None:
    spec = values(ON_PREMISES)["prometheus"]["prometheusSpec"]
    assert spec["storageSpec"]["volumeClaimTemplate"]["spec"]["storageClassName"] == "local-path"


def test_without_a_driver_the_class_is_left_to_the_cluster() -> None:
    spec = values(switched(False, "ebs-csi"))["prometheus"]["prometheusSpec"]
    assert "storageClassName" not in spec["storageSpec"]["volumeClaimTemplate"]["spec"]


def test_prometheus_takes_all_monitors_not_only_its_release() -> None:
    spec = values()["prometheus"]["prometheusSpec"]
    for kind in ("serviceMonitor", "podMonitor", "rule", "probe", "scrapeConfig"):
        assert spec[f"{kind}SelectorNilUsesHelmValues"] is False


def test_sidecars_of_models_are_scraped_in_team_namespaces_only() -> None:
    spec = objects(plan(MODEL), "PodMonitor")["monitoring", "mesh-proxies"].inputs["spec"]
    assert spec["namespaceSelector"] == {"matchNames": ["research"]}
    assert ("monitoring", "mesh-proxies") not in objects(plan(MODEL, switched(False, "istio")), "PodMonitor")


def test_recommendations_only_recommend() -> None:
    recorded = plan(MODEL)
    made = objects(recorded, "VerticalPodAutoscaler")
    assert set(made) == {("research", "llm-inference-v1"), ("research", "llm-inference-v2")}
    for (_, name), resource in made.items():
        spec = resource.inputs["spec"]
        assert spec["updatePolicy"] == {"updateMode": "Off"}, "two controllers on one metric fight"
        assert spec["targetRef"]["name"] == f"{name}-predictor"
        assert releases(recorded)["vertical-pod-autoscaler"].urn in waits_for(recorded)[resource.urn]
    assert not objects(plan(MODEL, switched(False, "kserve")), "VerticalPodAutoscaler")
    assert addon("vpa").metrics.by == "platform"
