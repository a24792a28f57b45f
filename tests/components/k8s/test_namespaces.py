"""Namespaces: level, quota, defaults; and who reaches whom."""

from __future__ import annotations

import pytest

from components.catalogue.addons import addon, addons, quotas
from components.catalogue.addons import namespaces as catalogue_namespaces
from components.catalogue.network_flows import OUTSIDE, TEAMS, network_flows
from components.layout.namespaces import QUEUED_LABEL, TRIALS_LABEL
from tests.components.aws.builders import merged, waits_for
from tests.components.k8s.builders import (
    EXPOSED,
    MODEL,
    ON_PREMISES,
    TWO_TEAMS,
    every_addon,
    objects,
    plan,
    releases,
    switched,
)
from tests.components.k8s.netpol import Address, Network, Pod
from trellis.plan import Plan

API_SERVER = Address("10.20.9.9")
"""An interface of the control plane in the VPC."""
SERVICE_RANGE = Address("172.20.0.1")
INTERNET = Address("198.51.100.7")
AGENT = Address("169.254.170.23")
PROMETHEUS = Pod("monitoring", {"app.kubernetes.io/name": "prometheus"})
GRAFANA = Pod("monitoring", {"app.kubernetes.io/name": "grafana"})
DNS = Pod("kube-system", {"k8s-app": "kube-dns"})
VPC = {"network": {"mode": "create", "cidr": "10.20.0.0/16"}}


def full() -> Plan:
    """An EKS environment with two teams and every add-on on."""
    return plan(VPC, TWO_TEAMS, every_addon())


def made(recorded: Plan) -> list[str]:
    """Namespaces that the platform makes."""
    return [name for _, name in objects(recorded, "Namespace")]


@pytest.mark.parametrize(
    "layers", [(TWO_TEAMS,), (TWO_TEAMS, every_addon()), (ON_PREMISES,)], ids=["eks", "all", "dc1"]
)
def test_every_namespace_has_a_level_and_denies_by_default(layers: tuple[dict[str, object], ...]) -> None:
    recorded = plan(*layers)
    spaces, policies = objects(recorded, "Namespace"), objects(recorded, "NetworkPolicy")
    assert spaces
    for (_, name), space in spaces.items():
        level = space.inputs["metadata"]["labels"]["pod-security.kubernetes.io/enforce"]
        assert level in ("privileged", "baseline", "restricted")
        deny = policies[name, "default-deny"].inputs["spec"]
        assert deny == {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}


def test_levels_are_those_of_the_catalogue() -> None:
    spaces = objects(full(), "Namespace")
    for name, row in catalogue_namespaces(addons()).items():
        if row.create:
            labels = spaces[None, name].inputs["metadata"]["labels"]
            assert labels["pod-security.kubernetes.io/enforce"] == row.pod_security


def test_namespaces_that_are_there_anyway_are_left_alone() -> None:
    recorded = full()
    assert "kube-system" not in made(recorded)
    assert not [key for key in objects(recorded, "NetworkPolicy") if key[0] == "kube-system"]


def test_ceilings_are_those_of_the_catalogue_and_come_with_defaults() -> None:
    recorded = full()
    ceilings, limits = objects(recorded, "ResourceQuota"), objects(recorded, "LimitRange")
    for name, quota in quotas(addons()).items():
        hard = ceilings[name, "ceiling"].inputs["spec"]["hard"]
        assert hard == {
            "pods": str(quota.pods),
            "requests.cpu": f"{quota.cpu_millis}m",
            "requests.memory": f"{quota.memory_gib}Gi",
        }
        (limit,) = limits[name, "defaults"].inputs["spec"]["limits"]
        assert limit["defaultRequest"].keys() == {"cpu", "memory"}, "a quota admits no pod without requests"
        assert "default" not in limit, "a default limit below a request would refuse the pod"


def test_containers_that_nobody_can_give_requests_get_defaults() -> None:
    limits = objects(full(), "LimitRange")
    unset = {
        release.namespace
        for row in addons().values()
        for release in row.releases
        for missing in release.missing_requests
        if missing.path is None
    }
    assert "gpu-operator" in unset
    assert {(name, "defaults") for name in unset - {"kube-system"}} <= limits.keys()


def test_team_labels_follow_the_add_ons() -> None:
    labels = objects(full(), "Namespace")[None, "research"].inputs["metadata"]["labels"]
    assert labels["trellis.dev/team"] == "research"
    assert labels[QUEUED_LABEL] == "true"
    assert labels[TRIALS_LABEL] == "enabled"
    assert labels["istio-injection"] == "enabled"
    bare = plan(TWO_TEAMS, switched(False, "kueue", "katib", "istio"))
    plain = objects(bare, "Namespace")[None, "research"].inputs["metadata"]["labels"]
    assert QUEUED_LABEL not in plain
    assert TRIALS_LABEL not in plain
    assert plain["istio-injection"] == "disabled"


def test_every_release_and_object_stands_in_a_namespace_that_came_first() -> None:
    recorded = full()
    before = waits_for(recorded)
    spaces = {name: r.urn for (_, name), r in objects(recorded, "Namespace").items()}
    denies = {space: r.urn for (space, name), r in objects(recorded, "NetworkPolicy").items() if name == "default-deny"}
    for release in releases(recorded).values():
        space = release.inputs["namespace"]
        if space in spaces:
            assert {spaces[space], denies[space]} <= before[release.urn]


# Who reaches whom


def test_strangers_reach_nothing() -> None:
    recorded = full()
    network, stranger = Network.of(recorded), Pod("search")
    for name in made(recorded):
        assert not network.reaches(INTERNET, Pod(name), 443), f"the internet reaches {name}"
        if name != "search":
            assert not network.reaches(stranger, Pod(name), 443), f"a pod of a team reaches {name}"
            reaches_teams = name == "istio-ingress"
            assert network.reaches(Pod(name), Pod("search"), 8080) == reaches_teams, name


def test_pods_reach_their_own_namespace_dns_and_the_api_server() -> None:
    recorded = full()
    network = Network.of(recorded)
    for name in made(recorded):
        pod = Pod(name)
        assert network.reaches(pod, Pod(name, {"other": "pod"}), 9999)
        assert network.reaches(pod, DNS, 53, "UDP")
        assert network.reaches(pod, SERVICE_RANGE, 443)
        assert network.reaches(pod, API_SERVER, 443)


@pytest.mark.parametrize("row", [row for row in addons().values() if row.api_server_ports], ids=lambda row: row.id)
def test_the_api_server_reaches_webhooks(row: object) -> None:
    network = Network.of(full())
    for port in row.api_server_ports:  # type: ignore[attr-defined]  # pytest hands parameters over as objects
        if port.namespace != "kube-system":
            assert network.reaches(API_SERVER, Pod(port.namespace), port.pod_port), port.service
            assert not network.reaches(INTERNET, Pod(port.namespace), port.pod_port), port.service


@pytest.mark.parametrize("row", [row for row in addons().values() if row.metrics.pods], ids=lambda row: row.id)
def test_prometheus_and_nobody_else_reaches_metrics(row: object) -> None:
    network = Network.of(full())
    for pod in row.metrics.pods:  # type: ignore[attr-defined]  # pytest hands parameters over as objects
        target = Pod(pod.namespace, pod.selector)
        assert network.reaches(PROMETHEUS, target, pod.pod_port)
        if pod.namespace != "kube-system":
            assert not network.reaches(GRAFANA, target, pod.pod_port)
            assert not network.reaches(Pod("research"), target, pod.pod_port)


def test_prometheus_reaches_the_sidecars_of_models() -> None:
    network = Network.of(full())
    assert network.reaches(PROMETHEUS, Pod("research"), 15090)
    assert network.reaches(PROMETHEUS, Pod("research"), 15020)
    assert not network.reaches(PROMETHEUS, Pod("research"), 8080)


def test_every_flow_of_the_table_gets_through() -> None:
    network = Network.of(plan(VPC, TWO_TEAMS, every_addon(), EXPOSED))
    addresses = {
        "internet": INTERNET,
        "pod-identity": AGENT,
        "vpc": Address("10.20.200.1"),
        "load-balancer": Address("10.20.100.1"),
    }
    for flow in network_flows():
        source, target = (
            addresses.get(end, Pod("research" if end == TEAMS else end)) for end in (flow.source, flow.target)
        )
        for port in flow.ports or (8080,):
            assert network.reaches(source, target, port), f"{flow.source} -> {flow.target}:{port} ({flow.why})"


def test_every_end_of_a_flow_is_a_namespace_of_some_add_on() -> None:
    known = {*OUTSIDE, TEAMS, *(space.name for row in addons().values() for space in row.namespaces)}
    assert {end for flow in network_flows() for end in (flow.source, flow.target)} <= known


def test_teams_are_closed_to_each_other() -> None:
    network = Network.of(full())
    assert not network.reaches(Pod("search"), Pod("research"), 8080)
    assert network.reaches(Pod("research"), Pod("research"), 8080)
    assert network.reaches(Pod("istio-ingress"), Pod("research"), 8080)


def test_teams_reach_the_tracking_server_and_never_its_database() -> None:
    network = Network.of(full())
    assert network.reaches(Pod("research"), Pod("mlflow"), 5000)
    assert network.reaches(Pod("mlflow"), Address("10.20.200.1"), 5432)
    assert not network.reaches(Pod("research"), Address("10.20.200.1"), 5432)


def test_load_balancers_come_in_only_where_the_environment_is_exposed() -> None:
    balancer = Address("10.20.100.1")
    hidden, shown = Network.of(full()), Network.of(plan(VPC, TWO_TEAMS, every_addon(), EXPOSED))
    for space, port in (("monitoring", 3000), ("mlflow", 5000), ("istio-ingress", 80)):
        assert not hidden.reaches(balancer, Pod(space), port)
        assert shown.reaches(balancer, Pod(space), port)
    assert not shown.reaches(balancer, Pod("research"), 8080)


def test_without_prometheus_nobody_scrapes() -> None:
    recorded = plan(VPC, TWO_TEAMS, switched(False, "kube-prometheus-stack"))
    assert not Network.of(recorded).reaches(API_SERVER, Pod("cert-manager"), 9402)


def test_without_an_add_on_there_is_no_way_to_it() -> None:
    recorded = plan(merged(VPC, TWO_TEAMS), switched(False, "mlflow"))
    policy = objects(recorded, "NetworkPolicy")["research", "allow-needed"]
    assert "mlflow" not in str(policy.inputs)


def test_on_premises_the_api_server_comes_from_anywhere_but_to_webhooks_only() -> None:
    network = Network.of(plan(ON_PREMISES, MODEL))
    outside = Address("192.0.2.1")
    assert network.reaches(outside, Pod("cert-manager"), 10250)
    assert not network.reaches(outside, Pod("cert-manager"), 9402)


def test_a_rule_that_is_taken_away_is_missed() -> None:
    network = Network.of(full())
    network.policies["mlflow"][:] = [p for p in network.policies["mlflow"] if "ingress" not in p]
    assert not network.reaches(Pod("research"), Pod("mlflow"), 5000)


def test_metrics_of_charts_with_monitors_of_their_own_are_reached() -> None:
    network = Network.of(full())
    for row in addons().values():
        if row.metrics.by == "chart":
            spaces = {release.namespace for release in addon(row.id).releases} - {"kube-system"}
            for space in spaces:
                assert any(network.reaches(PROMETHEUS, Pod(space), port) for port in range(1024, 16000)), space
