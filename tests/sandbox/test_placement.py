"""The real scheduler places pods on simulated nodes, says why it cannot, and simulated kubelets carry them through."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest

from components.layout.clusters import views
from components.layout.gpu import TAINT, TOLERATION
from trellis.kube.client import wait_for
from trellis.preview import load_environment
from trellis.sandbox import Sandbox
from trellis.sandbox.nodes import nodes_from

pytestmark = pytest.mark.cluster
SECONDS = 60


@pytest.fixture
def where(shared_sandbox: Sandbox, request: pytest.FixtureRequest) -> Iterator[str]:
    """A namespace of the test's own; its nodes go with it."""
    name = re.sub("[^a-z0-9]+", "-", request.node.name).strip("-")
    shared_sandbox.api.create({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}})
    yield name
    api = shared_sandbox.api
    api.delete("v1", "Namespace", name)
    # Pods first: only a node that is there tells that its pods are gone.
    wait_for(lambda: api.get("v1", "Namespace", name) is None, SECONDS, "the end of the namespace")
    for node in api.list("v1", "Node"):
        api.delete("v1", "Node", node["metadata"]["name"])
    wait_for(lambda: not api.list("v1", "Node"), SECONDS, "the end of the nodes")


def node(name: str, gpus: int) -> dict[str, Any]:
    gives = {"cpu": "96", "memory": "512Gi", "pods": "110", "nvidia.com/gpu": str(gpus)}
    meta = {"name": name, "labels": {"kubernetes.io/hostname": name}}
    status = {"allocatable": gives, "capacity": gives}
    return {"apiVersion": "v1", "kind": "Node", "metadata": meta, "spec": {"taints": [dict(TAINT)]}, "status": status}


def template(gpus: int, **more: Any) -> dict[str, Any]:
    asks = {"cpu": "1", "nvidia.com/gpu": str(gpus)} if gpus else {"cpu": "1"}
    one = {"name": "main", "image": "example.com/image:1", "resources": {"requests": asks, "limits": asks}}
    return {"tolerations": [dict(TOLERATION)], "containers": [one], **more}


def ready(item: dict[str, Any]) -> bool:
    return any(c["type"] == "Ready" and c["status"] == "True" for c in item["status"].get("conditions", []))


def test_eight_of_ten_pods_find_a_gpu(shared_sandbox: Sandbox, where: str) -> None:
    api = shared_sandbox.api
    api.create(node("eight", 8))
    wait_for(lambda: ready(api.list("v1", "Node")[0]), SECONDS, "the node")
    for number in range(10):
        meta = {"name": f"pod-{number}", "namespace": where}
        api.create({"apiVersion": "v1", "kind": "Pod", "metadata": meta, "spec": template(1)})

    def running() -> list[dict[str, Any]]:
        return [pod for pod in api.list("v1", "Pod", where) if pod["status"]["phase"] == "Running" and ready(pod)]

    def refused() -> list[str]:
        """Why pods wait, once the scheduler has looked at a node that is Ready."""
        pending = [pod for pod in api.list("v1", "Pod", where) if pod["status"]["phase"] == "Pending"]
        reasons = [c for pod in pending for c in pod["status"].get("conditions", []) if c["type"] == "PodScheduled"]
        return [f"{c['reason']}: {c['message']}" for c in reasons if "nvidia.com/gpu" in c.get("message", "")]

    wait_for(lambda: len(running()) == 8 and len(refused()) == 2, SECONDS, "eight pods that run and two that wait")
    assert len({pod["status"]["podIP"] for pod in running()}) == 8
    for reason in refused():
        assert reason.startswith("Unschedulable: 0/1 nodes are available: 1 Insufficient nvidia.com/gpu.")
    api.delete("v1", "Pod", running()[0]["metadata"]["name"], where)
    wait_for(lambda: len(running()) == 8 and len(refused()) == 1, SECONDS, "the freed GPU to be taken")


def test_a_pod_without_toleration_stays_off_the_gpus(shared_sandbox: Sandbox, where: str) -> None:
    api = shared_sandbox.api
    api.create(node("one", 1))
    wait_for(lambda: ready(api.list("v1", "Node")[0]), SECONDS, "the node")
    meta = {"name": "plain", "namespace": where}
    api.create({"apiVersion": "v1", "kind": "Pod", "metadata": meta, "spec": template(0, tolerations=[])})

    def reason() -> str:
        status = (api.get("v1", "Pod", "plain", where) or {})["status"]
        return " ".join(str(c.get("message")) for c in status.get("conditions", []) if c["type"] == "PodScheduled")

    wait_for(lambda: "had untolerated taint" in reason(), SECONDS, "the scheduler's reason")


def test_a_job_completes_and_a_deployment_becomes_available(shared_sandbox: Sandbox, where: str) -> None:
    api = shared_sandbox.api
    api.create(node("two", 2))
    meta = {"name": "work", "namespace": where}
    job = {"backoffLimit": 0, "completions": 2, "template": {"spec": template(1, restartPolicy="Never")}}
    api.create({"apiVersion": "batch/v1", "kind": "Job", "metadata": meta, "spec": job})
    wait_for(lambda: _status(api.get("batch/v1", "Job", "work", where)).get("succeeded") == 2, SECONDS, "the job")
    labels = {"app": "serve"}
    serve = {"metadata": {"labels": labels}, "spec": template(1)}
    spec = {"replicas": 2, "selector": {"matchLabels": labels}, "template": serve}
    api.create({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": meta, "spec": spec})
    wait_for(
        lambda: _status(api.get("apps/v1", "Deployment", "work", where)).get("availableReplicas") == 2,
        SECONDS,
        "the deployment",
    )


def _status(item: dict[str, Any] | None) -> dict[str, Any]:
    return dict((item or {}).get("status", {}))


@pytest.mark.parametrize(("stack", "cluster"), [("dev", "main"), ("onprem", "dc1"), ("split", "training")])
def test_the_nodes_of_a_stack_become_ready(shared_sandbox: Sandbox, where: str, stack: str, cluster: str) -> None:
    assert where
    api = shared_sandbox.api
    wanted = nodes_from(views(load_environment(stack)[1])[cluster], "limit")
    for one in wanted:
        api.create(one)
    wait_for(lambda: all(map(ready, api.list("v1", "Node"))), SECONDS, "the nodes")
    found = {one["metadata"]["name"]: one for one in api.list("v1", "Node")}
    for one in wanted:
        made = found[one["metadata"]["name"]]
        assert made["status"]["allocatable"] == one["status"]["allocatable"]
        assert one["metadata"]["labels"].items() <= made["metadata"]["labels"].items()
