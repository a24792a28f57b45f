"""The paper's examples, as they come out of the `dev` stack."""

from __future__ import annotations

from typing import Any

import pytest
import yaml

from tests.support.stacks import recorded
from trellis.plan import Plan

# As printed in the paper.
RESOURCES = {"nvidia.com/gpu": "1", "memory": "32Gi", "cpu": "8"}
SCHEDULER = {"gpuAllocationPolicy": "shared", "gpuSharingStrategy": "time-slicing", "maxGPUsPerPod": 8}
APPLICATION: dict[str, Any] = {
    "source": {
        "repoURL": "https://github.com/myorg/ml-models",
        "path": "deployments/llm-inference",
        "targetRevision": "main",
    },
    "destination": {"server": "https://kubernetes.default.svc", "namespace": "ml-production"},
    "syncPolicy": {"automated": {"prune": True, "selfHeal": True}},
}
VIRTUAL_SERVICE = {
    "hosts": ["llm-service"],
    "http": [
        {
            "match": [{"headers": {"version": {"exact": "v1"}}}],
            "route": [
                {"destination": {"host": "llm-service", "subset": "v1"}, "weight": 90},
                {"destination": {"host": "llm-service", "subset": "v2"}, "weight": 10},
            ],
        }
    ],
}


@pytest.fixture(scope="module")
def dev() -> Plan:
    return recorded("dev")


def manifest(plan: Plan, kind: str, name: str) -> dict[str, Any]:
    found = [
        dict(r.inputs)
        for r in plan.resources
        if r.is_kubernetes and r.custom and (r.kind, r.inputs["metadata"]["name"]) == (kind, name)
    ]
    assert len(found) == 1, f"{kind} {name}: {len(found)} objects"
    return found[0]


def llm_container(plan: Plan) -> dict[str, Any]:
    predictor = manifest(plan, "InferenceService", "llm-inference-v1")["spec"]["predictor"]
    assert len(predictor["containers"]) == 1
    return dict(predictor["containers"][0])


def test_mission_pod_llm_inference_resources(dev: Plan) -> None:
    """MISSION section 3: one GPU, 32Gi and 8 CPUs, limits equal to requests."""
    resources = llm_container(dev)["resources"]
    assert resources == {"limits": RESOURCES, "requests": RESOURCES}


def test_mission_pod_llm_inference_image_and_environment(dev: Plan) -> None:
    """MISSION section 3: the image with its tag, and MODEL_PATH."""
    container = llm_container(dev)
    assert container["image"] == "my-registry/llm-service:v1.0.0"
    assert container["env"] == [{"name": "MODEL_PATH", "value": "/models/llm-v1.wasm"}]


def test_mission_pod_llm_inference_lands_on_a_gpu_pool(dev: Plan) -> None:
    """MISSION sections 2 and 3: inference pods on GPU nodes; the pool they select offers what they ask for."""
    predictor = manifest(dev, "InferenceService", "llm-inference-v1")["spec"]["predictor"]
    pool = predictor["nodeSelector"]["trellis.dev/pool"]
    assert "nvidia.com/gpu" in dev.outputs["clusters"]["main"]["pools"][pool]["offers"]
    assert predictor["tolerations"] == [{"key": "nvidia.com/gpu", "operator": "Exists", "effect": "NoSchedule"}]


def test_mission_kserve_inference_service(dev: Plan) -> None:
    """MISSION section 5: KServe serves it as an InferenceService with `nvidia.com/gpu: 1`, one for each version."""
    for version in ("v1", "v2"):
        service = manifest(dev, "InferenceService", f"llm-inference-{version}")
        assert service["apiVersion"] == "serving.kserve.io/v1beta1"
        assert service["metadata"]["namespace"] == "ml-production"
        assert service["metadata"]["annotations"]["serving.kserve.io/deploymentMode"] == "Standard"
        limits = service["spec"]["predictor"]["containers"][0]["resources"]["limits"]
        assert limits["nvidia.com/gpu"] == "1"


def test_mission_gpu_scheduler_config(dev: Plan) -> None:
    """MISSION section 3: the ConfigMap `gpu-scheduler-config`."""
    data = manifest(dev, "ConfigMap", "gpu-scheduler-config")["data"]
    assert list(data) == ["config.yaml"]
    assert yaml.safe_load(data["config.yaml"]) == {"scheduler": SCHEDULER}


def test_mission_argo_cd_application_llm_inference(dev: Plan) -> None:
    """MISSION section 4: the Application, plus the project that a real API server asks for."""
    application = manifest(dev, "Application", "llm-inference")
    assert application["apiVersion"] == "argoproj.io/v1alpha1"
    spec = dict(application["spec"])
    project = spec.pop("project")
    assert spec == APPLICATION
    assert manifest(dev, "AppProject", project)["spec"]["sourceRepos"] == [APPLICATION["source"]["repoURL"]]


def test_mission_istio_virtual_service_llm_inference(dev: Plan) -> None:
    """MISSION section 4: the canary, 90 to 10, for requests with the header `version: v1`."""
    service = manifest(dev, "VirtualService", "llm-inference")
    assert service["apiVersion"].startswith("networking.istio.io/")
    assert service["spec"] == VIRTUAL_SERVICE


def test_mission_istio_subsets_exist(dev: Plan) -> None:
    """MISSION section 4: both subsets of the switch are defined for its host."""
    rule = manifest(dev, "DestinationRule", "llm-inference")["spec"]
    assert rule["host"] == "llm-service"
    assert {subset["name"] for subset in rule["subsets"]} == {"v1", "v2"}
    assert manifest(dev, "Service", "llm-service")["metadata"]["namespace"] == "ml-production"
