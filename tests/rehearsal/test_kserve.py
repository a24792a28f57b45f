"""The pods that we make of an InferenceService are those that KServe's own manager makes, its pod webhook included."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
import yaml

from components.layout.clusters import views
from tests.rehearsal.managers import SECONDS, Manager, beside, free_port, running, tool_or_skip
from tests.rehearsal.projections import container, template
from tests.support.shared import require_shared
from trellis.kube.client import Api, wait_for
from trellis.plan import Plan
from trellis.preview import load_environment, preview_environment, stacks
from trellis.rehearsal.expand import PodSet, Workload
from trellis.rehearsal.expand.facts import fact
from trellis.rehearsal.expand.kserve import GROUP, inference_service
from trellis.rehearsal.expand.model import Item
from trellis.rehearsal.expand.objects import Objects
from trellis.sandbox import Sandbox

pytestmark = pytest.mark.cluster
TOOL = "kserve-manager"
CONFIG = "inferenceservice-config"


def by_hand(name: str, predictor: dict[str, Any], scaler: str = "hpa", **more: Any) -> Item:
    """An InferenceService that no stack has."""
    manifest = {
        "apiVersion": f"{GROUP}/v1beta1",
        "kind": "InferenceService",
        "metadata": {
            "name": name,
            "namespace": "by-hand",
            "labels": {"team": "a"},
            "annotations": {f"{GROUP}/deploymentMode": "Standard", f"{GROUP}/autoscalerClass": scaler},
        },
        "spec": {"predictor": predictor, **more},
    }
    return Item(urn=name, manifest=manifest)


SERVER = {"name": "kserve-container", "image": "a/b:1", "resources": {"requests": {"cpu": "1", "memory": "1Gi"}}}
S3 = "s3://models/one"
BY_HAND = (
    by_hand(
        "huggingface",
        {
            "model": {
                "modelFormat": {"name": "huggingface"},
                "runtime": "kserve-huggingfaceserver",
                "storageUri": S3,
                "args": ["--backend=vllm"],
                "resources": {"limits": {"nvidia.com/gpu": "2"}, "requests": {"nvidia.com/gpu": "2"}},
            },
            "tolerations": [{"key": "nvidia.com/gpu", "operator": "Exists"}],
            "volumes": [{"name": "cache", "emptyDir": {}}],
            "maxReplicas": 3,
        },
    ),
    by_hand("vllm", {"model": {"modelFormat": {"name": "vLLM"}, "runtime": "kserve-vllmserver", "storageUri": S3}}),
    by_hand("fixed", {"containers": [SERVER], "minReplicas": 3, "maxReplicas": 5}, "none"),
    by_hand("low-most", {"containers": [SERVER], "minReplicas": 3, "maxReplicas": 2}),
    by_hand("two-parts", {"containers": [SERVER]}, transformer={"containers": [SERVER], "minReplicas": 2}),
    by_hand(
        "from-zero",
        {
            "containers": [SERVER],
            "minReplicas": 0,
            "maxReplicas": 2,
            "autoScaling": {
                "metrics": [
                    {
                        "type": "External",
                        "external": {
                            "metric": {"backend": "prometheus", "serverAddress": "http://x:9090", "query": "up"},
                            "target": {"type": "Value", "value": "1"},
                        },
                    }
                ]
            },
        },
        "keda",
    ),
)


def _of_stack(stack: str) -> list[tuple[Item, Objects]]:
    plan, platform = preview_environment(stack)
    found: list[tuple[Item, Objects]] = []
    for view in views(platform).values():
        objects = Objects(plan, view)
        for item in objects.of(GROUP, "InferenceService"):
            metadata = {**item.manifest["metadata"], "namespace": f"{stack}-{item.namespace}"}
            found.append((Item(urn=item.urn, manifest={**item.manifest, "metadata": metadata}), objects))
    return found


def _nothing() -> Objects:
    """A cluster without objects: what is made by hand finds nothing to look up."""
    platform = load_environment("local")[1]
    empty = Plan(project="p", stack="s", environment="e", as_of="2026-11-23", resources=())
    return Objects(empty, views(platform)["main"])


@pytest.fixture(scope="module")
def services() -> dict[str, tuple[Item, Workload]]:
    """InferenceServices of all stacks and those by hand, with what we make of each."""
    rows = [row for stack in stacks() for row in _of_stack(stack)]
    rows += [(item, _nothing()) for item in BY_HAND]
    found: dict[str, tuple[Item, Workload]] = {}
    for item, objects in rows:
        made = inference_service(item, objects)
        assert isinstance(made, Workload), made
        found[item.label] = (item, made)
    return found


@pytest.fixture(scope="module")
def kserve(
    tools: None,  # noqa: ARG001 - a fixture asks for another this way
    services: dict[str, tuple[Item, Workload]],
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Api]:
    """A control plane with KServe's manager on it, and all InferenceServices applied."""
    tool = tool_or_skip(TOOL)
    folder = tmp_path_factory.mktemp("kserve")
    keda = require_shared() / "crds/keda/keda.sh_scaledobjects.yaml"
    port = free_port()
    with Sandbox.start("kserve", folder / "sandbox") as sandbox:
        api = sandbox.api
        api.install_crds([*beside(tool, "serving.kserve.io_*.yaml"), yaml.safe_load(keda.read_text())])
        _configure(api, beside(tool, "inferenceservice.yaml")[0])
        for one in (*beside(tool, "kserve-*server.yaml"), *beside(tool, "default.yaml")):
            api.apply(one, validate=False)
        for space in sorted({item.namespace for item, _ in services.values()}):
            api.apply(_object("Namespace", space))
            api.apply(_object("ServiceAccount", "model-server", space))
        quiet = ("--metrics-addr", "0", "--health-probe-addr", "0", "--webhook-port", str(port))
        with running(tool, sandbox, folder / "run", port, *quiet) as manager:
            _call_webhooks(api, manager)
            for item, _ in services.values():
                api.apply(item.manifest)
            yield api


def _object(kind: str, name: str, space: str | None = None) -> dict[str, Any]:
    within = {"namespace": space} if space else {}
    return {"apiVersion": "v1", "kind": kind, "metadata": {"name": name, **within}}


def _configure(api: Api, config: dict[str, Any]) -> None:
    """KServe's configuration as its chart writes it with our values."""
    api.apply(_object("Namespace", "kserve"))
    data = {key: value for key, value in config["data"].items() if key != "_example"}
    data["deploy"] = json.dumps({"defaultDeploymentMode": "Standard"})
    ingress = json.loads(data["ingress"])
    data["ingress"] = json.dumps({**ingress, "disableIngressCreation": True, "disableIstioVirtualHost": True})
    api.apply({**config, "data": data})


def _call_webhooks(api: Api, manager: Manager) -> None:
    every = {"operations": ["CREATE", "UPDATE"]}
    services = {**every, "apiGroups": [GROUP], "apiVersions": ["v1beta1"], "resources": ["inferenceservices"]}
    pods = {**every, "apiGroups": [""], "apiVersions": ["v1"], "resources": ["pods"]}
    chosen = {"matchExpressions": [{"key": f"{GROUP}/inferenceservice", "operator": "Exists"}]}
    path = "/mutate-serving-kserve-io-v1beta1-inferenceservice"
    api.apply(manager.webhook("services.kserve.test", path, services))
    api.apply(manager.webhook("pods.kserve.test", "/mutate-pods", pods, objectSelector=chosen))


def pod_of(api: Api, space: str, pods: PodSet) -> dict[str, Any]:
    """A pod that the real controllers made of one component."""
    found: list[dict[str, Any]] = []

    def there() -> bool:
        found[:] = api.list("v1", "Pod", space, labelSelector=f"app=isvc.{pods.name}")
        return bool(found)

    wait_for(there, SECONDS, f"a pod of {space}/{pods.name}")
    return found[0]


def test_every_pod_is_the_one_that_kserve_makes(kserve: Api, services: dict[str, tuple[Item, Workload]]) -> None:
    assert {"prod-ml-production", "onprem-ml-production"} <= {item.namespace for item, _ in services.values()}
    real: dict[str, Any] = {}
    ours: dict[str, Any] = {}
    for item, workload in services.values():
        for pods in workload.pods:
            name = f"{item.namespace}/{pods.name}"
            ours[name] = template(pods.template)
            made = template(pod_of(kserve, item.namespace, pods), without_labels=("pod-template-hash",))
            real[name] = _said(made, ours[name])
    assert {name: made for name, made in real.items() if made != ours[name]} == {
        name: one for name, one in ours.items() if one != real[name]
    }


def _said(real: dict[str, Any], ours: dict[str, Any]) -> dict[str, Any]:
    """The real pod without what neither a scheduler nor a quota reads and our facts do not repeat."""
    annotations = {key: real["annotations"].get(key) for key in ours["annotations"]}
    return {**real, "annotations": annotations}


def test_replicas_are_those_of_the_autoscaler(kserve: Api, services: dict[str, tuple[Item, Workload]]) -> None:
    for label, (item, workload) in services.items():
        scaler = item.manifest["metadata"]["annotations"][f"{GROUP}/autoscalerClass"]
        for pods in workload.pods:
            pod_of(kserve, item.namespace, pods) if scaler != "keda" else None
            assert _scaled(kserve, scaler, item.namespace, pods.name) == (pods.floor, pods.limit), label


def _scaled(api: Api, scaler: str, space: str, name: str) -> tuple[int, int]:
    kinds = {
        "hpa": ("autoscaling/v2", "HorizontalPodAutoscaler", "minReplicas", "maxReplicas"),
        "keda": ("keda.sh/v1alpha1", "ScaledObject", "minReplicaCount", "maxReplicaCount"),
        "none": ("apps/v1", "Deployment", "replicas", "replicas"),
    }
    version, kind, fewest, most = kinds[scaler]
    wait_for(lambda: api.get(version, kind, name, space) is not None, SECONDS, f"{kind} {space}/{name}")
    spec = (api.get(version, kind, name, space) or {})["spec"]
    return spec[fewest], spec[most]


def test_what_we_know_of_the_runtimes_is_what_kserve_ships() -> None:
    tool = tool_or_skip(TOOL)
    shipped = {one["metadata"]["name"]: one["spec"] for one in beside(tool, "kserve-*server.yaml")}
    for name, known in fact("servingRuntimes").items():
        real = shipped[name]
        shown = [
            {key: one[key] for key in ("name", "resources", "volumeMounts") if key in one} for one in real["containers"]
        ]
        assert shown == known["containers"]
        assert real.get("volumes", []) == known.get("volumes", [])
        assert not {"nodeSelector", "affinity", "tolerations", "schedulerName"} & real.keys()
    fetches = beside(tool, "default.yaml")[0]["spec"]["container"]
    assert container(fetches, ()) == container(fact("storageInitializer"), ())
