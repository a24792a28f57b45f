"""Served models: InferenceServices behind one host, with their traffic split."""

from __future__ import annotations

import pulumi
from pulumi_kubernetes.core.v1 import Service

from components.k8s.objects import built_in, custom, metadata
from components.layout import serving
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
        labels = {serving.MODEL_LABEL: name}
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
        self.register_outputs({})
