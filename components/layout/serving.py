"""Manifests of a served model: one InferenceService for each version, behind one Service, split by Istio.

KServe's standard mode splits no traffic and makes one host per InferenceService. So each version is an InferenceService
of its own, its pods carry the model's and the version's label, and our Service, DestinationRule and VirtualService
gather them under the host that callers know.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from components.layout import mesh
from components.layout.clusters import ClusterView
from components.layout.gpu import placement, quantity, request
from components.layout.identities import MODEL_ACCOUNT
from components.spec.pools import PoolBase
from components.spec.services import Exposure
from components.spec.workloads import HpaScaling, ModelVersion, ServedModel

MODEL_LABEL = "trellis.dev/model"
VERSION_LABEL = "version"
POOL_ANNOTATION = "trellis.dev/pool"
INTERRUPTIBLE = "trellis.dev/interruptible"
RELEASE = "trellis.dev/release"
ZONE = "topology.kubernetes.io/zone"
PROMETHEUS = "http://prometheus-operated.monitoring:9090"


def served(view: ClusterView) -> Mapping[str, ServedModel]:
    """Models of a cluster by name: those of the stack file, where the cluster serves."""
    return view.platform.models if "inference" in view.cluster.roles else {}


def endpoints(view: ClusterView) -> Mapping[str, str]:
    """Address of each model by name: inside the mesh, or outside too where the environment is exposed."""
    exposure = mesh.exposed(view)
    return {
        name: f"https://{outside_host(name, exposure)}"
        if exposure
        else f"http://{model.service}.{model.team}.svc.cluster.local"
        for name, model in sorted(served(view).items())
    }


def inference_service(name: str, model: ServedModel, version: str, pool: PoolBase | None) -> dict[str, Any]:
    """Spec of the InferenceService of one version."""
    asked = dict(request(model.resources, pool))
    row = model.versions[version]
    return {
        "predictor": {
            "labels": pod_labels(name, version),
            "annotations": {RELEASE: row.release},
            "minReplicas": model.scaling.min_replicas,
            "maxReplicas": model.scaling.max_replicas,
            **_scaling(model),
            "serviceAccountName": MODEL_ACCOUNT,
            **placement(model.pool, pool),
            **_spread(name, model, version),
            **_server(model, row, {"limits": asked, "requests": dict(asked)}),
        }
    }


def _spread(name: str, model: ServedModel, version: str) -> dict[str, Any]:
    """Replicas over zones. It is a wish: a GPU in the wrong zone serves better than none."""
    if model.scaling.min_replicas < 2:
        return {}
    chosen = {"matchLabels": pod_labels(name, version)}
    rule = {"maxSkew": 1, "topologyKey": ZONE, "whenUnsatisfiable": "ScheduleAnyway", "labelSelector": chosen}
    return {"topologySpreadConstraints": [rule]}


def disruption_budget(name: str, model: ServedModel, version: str) -> dict[str, Any] | None:
    """Spec of a version's PodDisruptionBudget: one replica at a time. None for a single one, which it would pin."""
    if model.scaling.min_replicas < 2:
        return None
    return {"maxUnavailable": 1, "selector": {"matchLabels": pod_labels(name, version)}}


def pod_labels(name: str, version: str) -> dict[str, str]:
    """Labels by which the Service finds the model's pods and a subset finds its version's."""
    return {MODEL_LABEL: name, VERSION_LABEL: version}


def service_annotations(model: ServedModel) -> dict[str, str]:
    """Annotations of the InferenceService: standard mode, who scales it, where it runs."""
    scaler = "hpa" if isinstance(model.scaling, HpaScaling) else "keda"
    placed = {POOL_ANNOTATION: model.pool} if model.pool else {}
    return {
        "serving.kserve.io/deploymentMode": "Standard",
        "serving.kserve.io/autoscalerClass": scaler,
        INTERRUPTIBLE: str(model.interruptible).lower(),
        **placed,
    }


def _scaling(model: ServedModel) -> dict[str, Any]:
    scaling = model.scaling
    if isinstance(scaling, HpaScaling):
        return {"scaleMetric": scaling.by, "scaleTarget": scaling.target_percent}
    metric = {"backend": "prometheus", "serverAddress": PROMETHEUS, "query": scaling.query}
    target = {"type": "Value", "value": str(scaling.target_value)}
    return {"autoScaling": {"metrics": [{"type": "External", "external": {"metric": metric, "target": target}}]}}


RUNTIMES: Mapping[str, tuple[str, str]] = {
    "huggingface": ("huggingface", "kserve-huggingfaceserver"),
    "triton": ("triton", "kserve-tritonserver"),
    "vllm": ("huggingface", "kserve-vllmserver"),
}
"""Model format and ClusterServingRuntime of each shipped runtime. Source: facts/addons.md section 12."""


def _server(model: ServedModel, row: ModelVersion, resources: Mapping[str, Any]) -> dict[str, Any]:
    env = [{"name": key, "value": value} for key, value in sorted(row.env.items())]
    if model.runtime in RUNTIMES:
        model_format, runtime = RUNTIMES[model.runtime]
        served: dict[str, Any] = {
            "modelFormat": {"name": model_format},
            "runtime": runtime,
            "storageUri": row.storage_uri,
            "resources": dict(resources),
        }
        return {"model": {**served, **({"env": env} if env else {})}}
    container: dict[str, Any] = {
        "name": "kserve-container",  # KServe requires this name of the container that serves
        "image": row.image,
        "ports": [{"containerPort": model.port, "protocol": "TCP"}],
        "resources": dict(resources),
        # Takes no traffic until it listens: loading a model into GPU memory takes minutes.
        "readinessProbe": {"tcpSocket": {"port": model.port}, "periodSeconds": 5, "failureThreshold": 6},
        **({"env": env} if env else {}),
    }
    shm = model.resources.shared_memory_gib
    if not shm:
        return {"containers": [container]}
    container["volumeMounts"] = [{"name": "shm", "mountPath": "/dev/shm"}]  # noqa: S108 - the kernel's path in a pod
    volume = {"name": "shm", "emptyDir": {"medium": "Memory", "sizeLimit": f"{quantity(shm)}Gi"}}
    return {"containers": [container], "volumes": [volume]}


def service(name: str, model: ServedModel) -> dict[str, Any]:
    """Spec of the Service that callers know; it selects the pods of all versions."""
    return {
        "selector": {MODEL_LABEL: name},
        "ports": [{"name": "http", "port": 80, "targetPort": model.port, "protocol": "TCP"}],
    }


def destination_rule(model: ServedModel) -> dict[str, Any]:
    """Spec of the DestinationRule: one subset for each version."""
    subsets = [{"name": version, "labels": {VERSION_LABEL: version}} for version in sorted(model.versions)]
    return {"host": model.service, "trafficPolicy": {"tls": {"mode": "ISTIO_MUTUAL"}}, "subsets": subsets}


def virtual_service(model: ServedModel) -> dict[str, Any]:
    """Spec of the VirtualService: weights over the subsets, for all requests or those with the headers given."""
    return {"hosts": [model.service], "http": [_route(model, model.service)]}


def outside_host(name: str, exposure: Exposure) -> str:
    """Name under which a model is reached from outside; the platform's certificate covers it."""
    return f"{name}.{exposure.domain}"


def outside(name: str, model: ServedModel, exposure: Exposure) -> dict[str, Any]:
    """Spec of the VirtualService of the gateway: the same split, for callers outside the mesh."""
    inside = f"{model.service}.{model.team}.svc.cluster.local"
    return {
        "hosts": [outside_host(name, exposure)],
        "gateways": [mesh.GATEWAY],
        "http": [_route(model, inside)],
    }


def _route(model: ServedModel, host: str) -> dict[str, Any]:
    routes = [
        {"destination": {"host": host, "subset": version}, "weight": row.weight}
        for version, row in sorted(model.versions.items())
    ]
    http: dict[str, Any] = {"route": routes}
    if model.match_headers:
        headers = {key: {"exact": value} for key, value in sorted(model.match_headers.items())}
        http["match"] = [{"headers": headers}]
    return http
