"""Served models: InferenceServices behind one host, with their traffic split."""

from __future__ import annotations

import pulumi
from pulumi_kubernetes.core.v1 import Service
from pulumi_kubernetes.policy.v1 import PodDisruptionBudget

from components.k8s.objects import built_in, custom, metadata
from components.layout import mesh, serving
from components.layout.clusters import ClusterView
from components.spec.workloads import ServedModel


class Model(pulumi.ComponentResource):
    """One model with all its versions."""

    def __init__(
        self, name: str, spec: ServedModel, view: ClusterView, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("trellis:k8s:Model", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        pool = view.pools.get(spec.pool) if spec.pool else None
        namespace = spec.team
        for version in sorted(spec.versions):
            custom(
                f"{name}-{version}",
                "serving.kserve.io/v1beta1/InferenceService",
                metadata(
                    f"{name}-{version}",
                    namespace,
                    labels=serving.pod_labels(name, version),
                    annotations=serving.service_annotations(spec),
                ),
                serving.inference_service(name, spec, version, pool),
                child,
            )
            budget = serving.disruption_budget(name, spec, version)
            if budget is not None:
                meta = metadata(f"{name}-{version}", namespace, labels=serving.pod_labels(name, version))
                built_in(PodDisruptionBudget, f"{name}-{version}", child, metadata=meta, spec=budget)
        self._host(name, spec, view, child)
        self.register_outputs({})

    def _host(self, name: str, spec: ServedModel, view: ClusterView, child: pulumi.ResourceOptions) -> None:
        """The host that callers know, and how its traffic is split."""
        labels, namespace = {serving.MODEL_LABEL: name}, spec.team
        built_in(
            Service,
            name,
            child,
            metadata=metadata(spec.service, namespace, labels=labels),
            spec=serving.service(name, spec),
        )
        custom(
            name,
            "networking.istio.io/v1/DestinationRule",
            metadata(name, namespace, labels=labels),
            serving.destination_rule(spec),
            child,
        )
        custom(
            name,
            "networking.istio.io/v1/VirtualService",
            metadata(name, namespace, labels=labels),
            serving.virtual_service(spec),
            child,
        )
        exposure = mesh.exposed(view)
        if exposure is not None:
            custom(
                f"{name}-outside",
                "networking.istio.io/v1/VirtualService",
                metadata(f"{name}-outside", namespace, labels=labels),
                serving.outside(name, spec, exposure),
                child,
            )
