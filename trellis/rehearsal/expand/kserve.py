"""KServe's InferenceService in standard mode: one Deployment for each of its components.

Compared with the real controller by tests/rehearsal/test_kserve.py (KServe 0.20).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from trellis.rehearsal.expand.facts import fact
from trellis.rehearsal.expand.merge import merge
from trellis.rehearsal.expand.model import How, Item, Manifest, PodSet, Unexpanded, Workload
from trellis.rehearsal.expand.objects import Objects

GROUP = "serving.kserve.io"
SERVER = "kserve-container"
COMPONENTS = ("predictor", "transformer", "explainer")
_MODE = f"{GROUP}/deploymentMode"
_SCALER = f"{GROUP}/autoscalerClass"
_STANDARD = ("Standard", "RawDeployment")
_MODEL_MOUNT = "/mnt/models"
# Fields of `model` that tell KServe what to serve; all its other fields are the container's.
_MODEL_FIELDS = frozenset({"modelFormat", "runtime", "runtimeVersion", "storageUri", "storage", "protocolVersion"})
# What a component may say beside its pod and its container. Source: ComponentExtensionSpec of KServe 0.20.
_NOT_OF_THE_POD = frozenset(
    {
        *(
            "annotations",
            "autoScaling",
            "batcher",
            "canaryTrafficPercent",
            "containerConcurrency",
            "deploymentStrategy",
        ),
        *("labels", "logger", "maxReplicas", "minReplicas", "model", "name", "scaleMetric", "scaleMetricType"),
        *("scaleTarget", "storageContainerName", "timeout"),
    }
)
_RUNTIME_POD_FIELDS = ("nodeSelector", "affinity", "tolerations", "volumes", "imagePullSecrets", "schedulerName")
# Fields that make other pods than those below, or change them in ways that no stack uses.
_UNSUPPORTED: Mapping[str, str] = {
    "batcher": "KServe adds a batching agent to the pod",
    "logger": "KServe adds a logging agent to the pod",
    "storageUris": "KServe mounts several models",
    "workerSpec": "KServe spreads the server over several nodes",
    **dict.fromkeys(
        ("huggingface", "lightgbm", "onnx", "paddle", "pmml", "pytorch", "sklearn", "tensorflow", "triton", "xgboost"),
        "only `model` with a runtime, or `containers`, is expanded",
    ),
}


def inference_service(item: Item, objects: Objects) -> Workload | Unexpanded:
    """Pods of an InferenceService."""
    mode = item.manifest["metadata"].get("annotations", {}).get(_MODE, _default_mode(objects))
    if mode not in _STANDARD:
        return item.cannot(f"its deployment mode is {mode}, whose pods Knative makes as requests come")
    if item.spec.get("canary"):
        return item.cannot("spec.canary makes further Deployments")
    sets: list[PodSet] = []
    for component in COMPONENTS:
        spec = item.spec.get(component)
        if spec is None:
            continue
        odd = next((f"spec.{component}.{key}: {why}" for key, why in _UNSUPPORTED.items() if spec.get(key)), None)
        if odd:
            return item.cannot(odd)
        made = _component(item, objects, component, spec)
        if isinstance(made, Unexpanded):
            return made
        sets.append(made)
    return item.workload(How.EXPANDED, *sets)


def _default_mode(objects: Objects) -> str:
    values = objects.values("kserve-resources")
    return str(values.get("kserve", {}).get("controller", {}).get("deploymentMode", "Knative"))


def _component(item: Item, objects: Objects, component: str, spec: Manifest) -> PodSet | Unexpanded:
    own: dict[str, Any] = {key: value for key, value in spec.items() if key not in _NOT_OF_THE_POD}
    about: Manifest = {}
    if "model" in spec:
        runtime = _runtime(item, objects, str(spec["model"].get("runtime", "")))
        if isinstance(runtime, Unexpanded):
            return runtime
        about = {key: runtime[key] for key in ("labels", "annotations") if key in runtime}
        own = _served_by(runtime, _with_defaults(spec["model"], objects), own)
    elif own.get("containers"):
        own["containers"] = [_with_defaults(own["containers"][0], objects), *own["containers"][1:]]
    if not own.get("containers"):
        return item.cannot(f"spec.{component} has neither containers nor a model with a runtime")
    name = "-".join(part for part in (item.name, spec.get("name"), component) if part)
    metadata = _metadata(item, component, spec, about, f"isvc.{name}")
    floor, limit = _replicas(item, spec)
    return PodSet(name=name, template={"metadata": metadata, "spec": own}, floor=floor, limit=limit)


def _with_defaults(server: Manifest, objects: Objects) -> Manifest:
    """The server with what KServe gives it where it does not say what it needs: by resource, and by each side alone."""
    said = objects.values("kserve-resources").get("kserve", {}).get("inferenceservice", {}).get("resources", {})
    defaults = merge(fact("predictorDefaults")["resources"], said)
    return {**server, "resources": merge(defaults, server.get("resources") or {})}


def _runtime(item: Item, objects: Objects, name: str) -> Manifest | Unexpanded:
    """Spec of the runtime that serves a model: of the plan where its chart is open, else what is known of it."""
    found = objects.find(GROUP, "ServingRuntime", name, item.namespace)
    found = found or objects.find(GROUP, "ClusterServingRuntime", name)
    if found:
        return found.spec
    known = fact("servingRuntimes")
    if name in known:
        row: Manifest = known[name]
        return row
    return item.cannot(f"the runtime {name!r} is neither in the plan nor among those known: {', '.join(sorted(known))}")


def _served_by(runtime: Manifest, model: Manifest, own: Manifest) -> dict[str, Any]:
    """The pod of a runtime with the model's container laid over its server, and the predictor's pod over its pod."""
    containers = list(runtime.get("containers") or ())
    server = next((one for one in containers if one["name"] == SERVER), {"name": SERVER})
    patch = {key: value for key, value in model.items() if key not in _MODEL_FIELDS}
    served = merge(server, patch)
    served["args"] = [*(server.get("args") or ()), *(patch.get("args") or ())]
    base = {key: runtime[key] for key in _RUNTIME_POD_FIELDS if key in runtime}
    pod: dict[str, Any] = merge(base, {key: value for key, value in own.items() if key != "containers"})
    others = [one for one in containers if one["name"] != SERVER]
    pod["containers"] = [served, *others, *(own.get("containers") or ())]
    if model.get("storageUri"):
        _bring_model(pod, served)
    return pod


def _bring_model(pod: dict[str, Any], served: dict[str, Any]) -> None:
    """Add what KServe's pod webhook adds: a container that fetches the model into a volume of the pod."""
    volume = "kserve-provision-location"
    fetch = {"name": "storage-initializer", "volumeMounts": [{"name": volume, "mountPath": _MODEL_MOUNT}]}
    pod["initContainers"] = [*(pod.get("initContainers") or ()), {**fetch, **fact("storageInitializer")}]
    pod["volumes"] = [*(pod.get("volumes") or ()), {"name": volume, "emptyDir": {}}]
    mount = {"name": volume, "mountPath": _MODEL_MOUNT, "readOnly": True}
    served["volumeMounts"] = [*(served.get("volumeMounts") or ()), mount]


def _metadata(item: Item, component: str, spec: Manifest, runtime: Manifest, app: str) -> dict[str, Any]:
    """Labels and annotations: the runtime's, over them the InferenceService's, over them the component's."""
    metadata = item.manifest["metadata"]
    layers = (runtime, metadata, spec)
    merged = {what: dict(_layered(what, layers)) for what in ("labels", "annotations")}
    merged["labels"] |= {f"{GROUP}/inferenceservice": item.name, "component": component, "app": app}
    return merged


def _layered(what: str, layers: tuple[Manifest, ...]) -> Iterator[tuple[str, str]]:
    for layer in layers:
        yield from (layer.get(what) or {}).items()


def _replicas(item: Item, spec: Manifest) -> tuple[int, int]:
    """Fewest and most replicas. Only KEDA scales to zero; without a scaler there are as many as the fewest."""
    scaler = item.manifest["metadata"].get("annotations", {}).get(_SCALER, "hpa")
    fewest = int(spec.get("minReplicas", 1))
    if scaler == "none":
        return fewest, fewest
    floor = fewest if scaler == "keda" else max(fewest, 1)
    return floor, max(int(spec.get("maxReplicas") or 0), floor, 1)
