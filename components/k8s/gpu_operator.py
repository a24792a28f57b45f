"""The NVIDIA GPU Operator in a cluster, and the statement of how GPUs are handed out."""

from __future__ import annotations

from pulumi_kubernetes.core.v1 import ConfigMap

from components.k8s.addon import Addon
from components.k8s.objects import built_in, metadata
from components.layout import gpu_scheduling as layout


class GpuOperator(Addon):
    """The add-on `gpu-operator`."""

    row_id = "gpu-operator"

    def extras(self) -> None:
        scheduling = self.view.platform.guardrails.gpu_scheduling
        meta = metadata(layout.NAME, layout.NAMESPACE)
        built_in(ConfigMap, self._name, self.child(), metadata=meta, data=layout.data(scheduling))
