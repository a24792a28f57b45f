"""Workloads are waited for until their pods run; where these cannot, what they say is told."""

from __future__ import annotations

from collections.abc import Iterator

import pulumi
import pulumi_kubernetes as kubernetes
import pytest
from pulumi.automation import CommandError

from tests.doubles.kubernetes.conftest import Program, Running, make
from trellis.kube.client import wait_for
from trellis.sandbox import Sandbox

pytestmark = [pytest.mark.engine, pytest.mark.cluster]

LABELS = {"app": "web"}


@pytest.fixture
def node(cluster: Sandbox) -> Iterator[str]:
    """A node that runs what nobody else's pods are allowed on."""
    gives = {"cpu": "96", "memory": "512Gi", "pods": "110"}
    meta = {"name": "waited-for", "labels": {"kubernetes.io/hostname": "waited-for", "only": "waiting"}}
    status = {"allocatable": gives, "capacity": gives}
    cluster.api.create({"apiVersion": "v1", "kind": "Node", "metadata": meta, "status": status})
    yield "waited-for"
    wait_for(lambda: not _pods(cluster), 60, "the end of its pods")
    cluster.api.delete("v1", "Node", "waited-for")


def _pods(cluster: Sandbox) -> bool:
    return any(pod["spec"].get("nodeName") == "waited-for" for pod in cluster.api.list("v1", "Pod"))


def workloads(namespace: str, selector: dict[str, str], seconds: str) -> Program:
    """One of each kind that has pods, and a Service before them."""
    notes = {"pulumi.com/timeoutSeconds": seconds}
    pod = {"nodeSelector": selector, "containers": [{"name": "web", "image": "a/b:1"}]}
    pods = {"selector": {"matchLabels": LABELS}, "template": {"metadata": {"labels": LABELS}, "spec": pod}}
    job = {"template": {"spec": {**pod, "restartPolicy": "Never"}}}

    def program(options: pulumi.ResourceOptions) -> None:
        def named(name: str) -> dict[str, object]:
            return {"name": name, "namespace": namespace, "annotations": notes}

        web = kubernetes.apps.v1
        many = {**pods, "replicas": 2}
        make(web.Deployment, "deployment", options, metadata=named("deployment"), spec=many)
        make(web.StatefulSet, "stateful", options, metadata=named("stateful"), spec={**many, "serviceName": "web"})
        make(web.DaemonSet, "daemon", options, metadata=named("daemon"), spec=pods)
        make(kubernetes.batch.v1.Job, "job", options, metadata=named("job"), spec=job)
        spec = {"selector": LABELS, "ports": [{"port": 80}]}
        make(kubernetes.core.v1.Service, "service", options, metadata=named("service"), spec=spec)

    return program


def test_all_are_ready_when_an_up_ends(engine: Running, namespace: str, cluster: Sandbox, node: str) -> None:
    assert node
    engine.runs(workloads(namespace, {"only": "waiting"}, "120")).up()
    ready = {name: engine.state(name)["outputs"]["status"] for name in ("deployment", "stateful", "daemon", "job")}
    assert ready["deployment"]["availableReplicas"] == 2
    assert ready["stateful"]["readyReplicas"] == 2
    assert ready["daemon"]["numberAvailable"] == 1
    assert ready["job"]["succeeded"] == 1
    slices = cluster.api.list("discovery.k8s.io/v1", "EndpointSlice", namespace)
    assert all(end["conditions"]["ready"] for one in slices for end in one["endpoints"])
    assert engine.preview(refresh=True) == {}, "what controllers write is no drift"
    engine.stack.destroy(color="never")


def test_pods_that_find_no_node_are_told(engine: Running, namespace: str) -> None:
    engine.runs(workloads(namespace, {"only": "nowhere"}, "3"))
    with pytest.raises(CommandError) as caught:
        engine.up()
    said = str(caught.value)
    assert "0 of 2 pods are available" in said
    assert "pod deployment-" in said
    assert "Unschedulable: " in said
    assert engine.state("deployment")["initErrors"]
