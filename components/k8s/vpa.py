"""Vertical Pod Autoscaler, and a recommendation for each version of each model."""

from __future__ import annotations

from components.k8s.addon import Addon
from components.k8s.objects import custom, metadata
from components.layout import vpa as layout


class Vpa(Addon):
    """The add-on `vpa`."""

    row_id = "vpa"

    def extras(self) -> None:
        for (namespace, name), spec in layout.recommendations(self.view).items():
            kind = "autoscaling.k8s.io/v1/VerticalPodAutoscaler"
            custom(f"{self._name}-{name}", kind, metadata(name, namespace), spec, self.child())
