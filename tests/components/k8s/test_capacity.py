"""Ceilings and system nodes are large enough for what must fit under and on them.

Sizes are those of the rendered charts (shared folder) with our requests laid over. Trees that Argo CD delivers are not
among them, so the nodes must leave room.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import pytest

from components.catalogue.addon_install import Release
from components.catalogue.addons import addon, addons, quotas
from components.catalogue.chart_settings import chart_settings
from components.catalogue.hardware import instance_type
from components.layout.clusters import ClusterView
from components.layout.namespaces import DEFAULT_REQUESTS
from components.layout.values import values_of
from components.spec.clusters import EksCluster
from tests.catalogue_addons.facts import chart_objects
from tests.components.k8s.builders import every_addon, view
from tests.components.k8s.test_values import get, memory, millis
from trellis.preview import load_environment, stacks

RESIZED = {
    "istiod": {"Deployment/istiod:discovery": "resources"},
    "kserve-resources": {"Deployment/kserve-controller-manager:manager": "kserve.controller.resources"},
    "kubeflow-trainer": {"Deployment/jobset-controller:controller": "jobset.controller.resources"},
    "kueue": {"Deployment/kueue-controller-manager:manager": "controllerManager.manager.resources"},
}
"""Containers whose requests we change although the chart has some, with the value that does it."""
EKS_MILLIS_PER_NODE = 200
EKS_MILLIS = 400
"""CPU of what EKS itself puts on nodes (aws-node, kube-proxy, ebs-csi-node) and once (CoreDNS, EBS controller)."""
TREES_MILLIS = 800
"""CPU left for Pipelines and Katib: about thirty containers with the namespace's default."""
CLUSTERS = [(stack, name) for stack in stacks() for name in load_environment(stack)[1].eks_clusters]


@dataclass(frozen=True)
class Load:
    """What one workload of a chart takes."""

    namespace: str
    kind: str
    name: str
    replicas: int
    cpu: float
    mib: float


def loads(cluster: ClusterView, nodes: int) -> Iterator[Load]:
    """Every workload of the charts that are on; controllers count with two replicas where the chart has one."""
    for row in (addon(one) for one in cluster.addons):
        for release in row.releases:
            values = values_of(row, release, cluster)
            for made in chart_objects()[release.chart]["objects"]:
                if made["kind"] in ("Deployment", "StatefulSet", "DaemonSet"):
                    sizes = [_requests(release, values, made, one) for one in made["containers"]]
                    cpu, mib = (sum(part) for part in zip(*sizes, strict=True))
                    yield Load(release.namespace, made["kind"], made["name"], _replicas(made, nodes), cpu, mib)
    if "kube-prometheus-stack" in cluster.addons:
        for path in ("prometheus.prometheusSpec.resources", "alertmanager.alertmanagerSpec.resources"):
            asked = chart_settings("kube-prometheus-stack").requests[path]
            yield Load("monitoring", "StatefulSet", path, 1, millis(asked.cpu), memory(asked.memory))


def _replicas(made: Mapping[str, Any], nodes: int) -> int:
    if made["kind"] == "DaemonSet":
        return nodes
    stated = made.get("replicas")
    count = stated if isinstance(stated, int) else 1
    return max(count, 2) if made["kind"] == "Deployment" else count


def _requests(
    release: Release, values: Mapping[str, Any], made: Mapping[str, Any], container: Mapping[str, Any]
) -> tuple[float, float]:
    who = f"{made['kind']}/{made['name']}:{container['name']}"
    paths = {one: part.path for part in release.missing_requests for one in part.containers if part.path}
    path = {**paths, **RESIZED.get(release.chart, {})}.get(who)
    asked = get(values, path)["requests"] if path else container.get("requests") or DEFAULT_REQUESTS
    return millis(str(asked["cpu"])), memory(str(asked["memory"]))


@pytest.mark.parametrize("namespace", sorted(set(quotas(addons())) - {"kubeflow"}))
def test_a_ceiling_leaves_room_for_a_rolling_update_of_everything(namespace: str) -> None:
    quota = quotas(addons())[namespace]
    inside = [load for load in loads(view(every_addon()), 3) if load.namespace == namespace]
    assert inside
    assert 2 * sum(load.replicas for load in inside) <= quota.pods
    assert 2 * sum(load.replicas * load.cpu for load in inside) <= quota.cpu_millis
    assert 2 * sum(load.replicas * load.mib for load in inside) <= quota.memory_gib * 1024


@pytest.mark.parametrize(("stack", "cluster"), CLUSTERS, ids=[f"{stack}/{name}" for stack, name in CLUSTERS])
def test_system_nodes_hold_all_controllers(stack: str, cluster: str) -> None:
    seen = ClusterView(load_environment(stack)[1], cluster)
    spec = seen.cluster
    assert isinstance(spec, EksCluster)
    node, nodes = instance_type(spec.system.instance_types[0]), spec.system.nodes
    assert node.allocatable_cpu_millis
    assert node.allocatable_memory_mib
    found = list(loads(seen, nodes))
    cpu = sum(load.replicas * load.cpu for load in found) + nodes * EKS_MILLIS_PER_NODE + EKS_MILLIS + TREES_MILLIS
    mib = sum(load.replicas * load.mib for load in found)
    assert cpu <= nodes * node.allocatable_cpu_millis, f"{cpu:.0f} of {nodes * node.allocatable_cpu_millis} millicores"
    assert mib <= 0.8 * nodes * node.allocatable_memory_mib, f"{mib:.0f} MiB"


def test_every_resized_container_is_one_of_its_chart() -> None:
    for chart, containers in RESIZED.items():
        known = {
            f"{made['kind']}/{made['name']}:{container['name']}"
            for made in chart_objects()[chart]["objects"]
            if made["kind"] == "Deployment"
            for container in made["containers"]
        }
        assert set(containers) <= known, known
        assert set(containers.values()) <= set(chart_settings(chart).requests)
