"""Istio's sidecar: which pods get one, and what it asks for. Simulated: istiod, which injects it, is not run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from trellis.rehearsal.expand.facts import fact
from trellis.rehearsal.expand.merge import merge
from trellis.rehearsal.expand.model import Manifest, PodSet, Workload
from trellis.rehearsal.expand.objects import Objects

PROXY = "istio-proxy"
_INJECT = "sidecar.istio.io/inject"
# Annotations by which a pod says what its own sidecar asks for. Source: Istio's reference of resource annotations.
_ASKS: Mapping[str, tuple[str, str]] = {
    "sidecar.istio.io/proxyCPU": ("requests", "cpu"),
    "sidecar.istio.io/proxyMemory": ("requests", "memory"),
    "sidecar.istio.io/proxyCPULimit": ("limits", "cpu"),
    "sidecar.istio.io/proxyMemoryLimit": ("limits", "memory"),
}


def with_sidecars(workload: Workload, objects: Objects) -> Workload:
    """The workload, with the sidecar in each pod that gets one."""
    if objects.namespace_labels(workload.namespace).get("istio-injection") != "enabled":
        return workload
    return replace(workload, pods=tuple(_injected(pods, objects) for pods in workload.pods))


def _injected(pods: PodSet, objects: Objects) -> PodSet:
    metadata, spec = pods.template.get("metadata") or {}, pods.template.get("spec") or {}
    labels, annotations = metadata.get("labels") or {}, metadata.get("annotations") or {}
    wish = labels.get(_INJECT, annotations.get(_INJECT, "true"))
    if str(wish).lower() == "false" or spec.get("hostNetwork"):
        return pods
    return replace(pods, template={**pods.template, "spec": _with_proxy(spec, annotations, objects)})


def _with_proxy(spec: Manifest, annotations: Mapping[str, str], objects: Objects) -> Manifest:
    """The pod with its proxy: a container that starts before the others and stays (native), or one beside them."""
    values = objects.values("istiod")
    said = values.get("global", {}).get("proxy", {}).get("resources", {})
    resources = merge(fact("sidecar")["resources"], said)
    for annotation, (side, resource) in _ASKS.items():
        if annotation in annotations:
            resources = merge(resources, {side: {resource: annotations[annotation]}})
    proxy: dict[str, Any] = {"name": PROXY, "resources": resources}
    # With the CNI plug-in a container only checks the redirection; without it one with more rights sets it up.
    first = {
        "name": "istio-validation" if values.get("cni", {}).get("enabled") else "istio-init",
        "resources": resources,
    }
    initial = [*(spec.get("initContainers") or ())]
    if str(values.get("env", {}).get("ENABLE_NATIVE_SIDECARS", "true")).lower() == "true":
        return {**spec, "initContainers": [first, {**proxy, "restartPolicy": "Always"}, *initial]}
    return {**spec, "initContainers": [first, *initial], "containers": [*(spec.get("containers") or ()), proxy]}
