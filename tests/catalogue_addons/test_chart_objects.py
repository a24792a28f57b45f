"""Rows against what the charts render to: Pod Security, accounts, webhooks, ports, requests, pages."""

from __future__ import annotations

from typing import Any

import pytest

from components.catalogue.addon_model import Addon
from components.catalogue.addons import addons
from tests.catalogue_addons.facts import CSI_CHARTS, rendered

STRICTEST_FIRST = ("restricted", "baseline", "privileged")
RENDERED = [row for row in addons().values() if row.releases or row.id in CSI_CHARTS]
ROWS = pytest.mark.parametrize("row", RENDERED, ids=lambda row: row.id)
HELM_ROWS = pytest.mark.parametrize("row", [row for row in RENDERED if row.releases], ids=lambda row: row.id)


def _objects(row: Addon, *kinds: str) -> list[dict[str, Any]]:
    return [one for chart in rendered(row) for one in chart["objects"] if one["kind"] in kinds]


@ROWS
def test_pod_security_admits_the_pods_and_no_more(row: Addon) -> None:
    needed: dict[str, str] = {}
    for chart in rendered(row):
        for namespace, level in chart["summary"]["pssNeededPerNamespace"].items():
            needed[namespace] = max(level, needed.get(namespace, "restricted"), key=STRICTEST_FIRST.index)
    assert {one.name: one.pod_security for one in row.namespaces} == needed


@ROWS
def test_aws_rights_go_to_service_accounts_that_pods_use(row: Addon) -> None:
    used = {account for chart in rendered(row) for account in chart["summary"]["serviceAccountsUsed"]}
    assert {f"{one.namespace}/{one.service_account}" for one in row.identities} <= used


@HELM_ROWS
def test_gates_are_the_webhooks_that_fail_closed_on_builtin_resources(row: Addon) -> None:
    failing = {
        resource.removeprefix("/")
        for chart in rendered(row)
        for hook in chart["summary"]["webhooks"]["fail"]
        for resource in hook.get("builtinResources", [])
    }
    assert {resource for gate in row.gates for resource in gate.resources} == failing


@HELM_ROWS
def test_api_server_ports_are_those_of_the_charts(row: Addon) -> None:
    def purpose(text: str) -> str:
        if text.startswith("aggregated"):
            return "aggregated-api"
        return "conversion" if "conversion" in text else "webhook"

    facts = {
        (one["service"], one["namespace"], one["servicePort"], one["podPort"], purpose(one["for"]))
        for chart in rendered(row)
        for one in chart["summary"]["apiServerMustReach"]
    }
    ours = {(one.service, one.namespace, one.service_port, one.pod_port, one.purpose) for one in row.api_server_ports}
    assert ours == facts


@HELM_ROWS
def test_containers_without_requests_are_all_named(row: Addon) -> None:
    facts = {one for chart in rendered(row) for one in chart["summary"]["containersWithoutAnyResources"]}
    ours = {one for release in row.releases for part in release.missing_requests for one in part.containers}
    # What an operator makes at run time is in no rendering; the row names it all the same.
    made_later = {one for one in ours if one.startswith(("StatefulSet/prometheus-", "StatefulSet/alertmanager-"))}
    assert ours - made_later == facts


@ROWS
def test_host_network_pods_are_named(row: Addon) -> None:
    facts = {
        f"{one['kind']}/{one['name']}"
        for one in _objects(row, "Deployment", "DaemonSet", "StatefulSet")
        if one.get("hostNetwork")
    }
    assert set(row.host_network) == facts


@ROWS
def test_readiness_waits_for_workloads_that_exist(row: Addon) -> None:
    kinds = ("Deployment", "DaemonSet", "StatefulSet")
    there = {(one["kind"], one["namespace"], one["name"]) for one in _objects(row, *kinds)}
    waited = {(one.kind, one.namespace, one.name) for one in row.ready if one.kind in kinds}
    made_later = {one for one in waited if str(one[2]).startswith("prometheus-")}
    assert waited - made_later <= there


@HELM_ROWS
def test_pages_are_services_with_that_port(row: Addon) -> None:
    there = {
        (one["namespace"], one["name"], port["port"])
        for one in _objects(row, "Service")
        for port in one.get("ports", [])
    }
    assert {(ui.namespace, ui.service, ui.port) for ui in row.uis} <= there


@HELM_ROWS
def test_load_balancers_are_named(row: Addon) -> None:
    facts = {
        f"{one['namespace']}/{one['name']}" for one in _objects(row, "Service") if one.get("type") == "LoadBalancer"
    }
    assert set(row.load_balancers) == facts


@HELM_ROWS
def test_scraped_pods_carry_the_labels_and_the_port(row: Addon) -> None:
    workloads = _objects(row, "Deployment", "DaemonSet", "StatefulSet")
    for scrape in row.metrics.pods:
        found = [
            one
            for one in workloads
            if one["namespace"] == scrape.namespace and scrape.selector.items() <= one["podLabels"].items()
        ]
        assert len(found) == 1, f"{scrape.name}: {[one['name'] for one in found]}"
        ports = [port for box in found[0]["containers"] for port in box.get("ports", [])]
        assert {"name": scrape.port, "containerPort": scrape.pod_port} in ports, scrape.name


@HELM_ROWS
def test_renderings_that_change_by_themselves_are_marked(row: Addon) -> None:
    for release, chart in zip(row.releases, rendered(row), strict=True):
        assert release.reproducible == ("render not reproducible" not in chart["rendering"]["reasons"]), release.chart


@HELM_ROWS
def test_namespaces_with_pods_on_every_node_are_marked(row: Addon) -> None:
    daemons = {one["namespace"] for one in _objects(row, "DaemonSet")}
    marked = {one.name for one in row.namespaces if one.daemon_pods}
    assert daemons <= marked
    assert marked <= daemons | {"kube-system"}
