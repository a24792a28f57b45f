"""Kubeflow Trainer in a cluster: the controllers, then the runtimes that jobs refer to."""

from __future__ import annotations

from components.k8s.addon import Addon
from components.k8s.objects import custom, metadata
from components.layout import training as layout


class KubeflowTrainer(Addon):
    """The add-on `kubeflow-trainer`."""

    row_id = "kubeflow-trainer"

    def extras(self) -> None:
        for name, spec in layout.runtimes().items():
            custom(f"{self._name}-{name}", layout.CLUSTER_RUNTIME, metadata(name), spec, self.child())
