"""Prometheus, Alertmanager and Grafana, with what they scrape, alert on and show."""

from __future__ import annotations

import pulumi
from pulumi_kubernetes.core.v1 import ConfigMap

from components.k8s.addon import Addon
from components.k8s.objects import built_in, custom, metadata
from components.layout import monitoring as layout
from components.layout import secrets
from components.layout.values.kube_prometheus_stack import CREDENTIALS, credentials, credentials_template


class KubePrometheusStack(Addon):
    """The add-on `kube-prometheus-stack`."""

    row_id = layout.STACK

    def prerequisites(self) -> list[pulumi.Resource]:
        """Grafana's administrator, which must be there when its pod starts."""
        source, child = secrets.source(self.view), pulumi.ResourceOptions(parent=self)
        meta = metadata(CREDENTIALS, layout.NAMESPACE)
        if source is None:
            return []
        if source == "aws":
            return [custom(self._name, secrets.EXTERNAL_SECRET, meta, credentials(self.view), child)]
        generator = custom(self._name, secrets.PASSWORD, meta, secrets.password_generator(), child)
        after = pulumi.ResourceOptions(parent=self, depends_on=[generator])
        spec = secrets.generated_secret(CREDENTIALS, CREDENTIALS, credentials_template())
        return [generator, custom(self._name, secrets.EXTERNAL_SECRET, meta, spec, after)]

    def extras(self) -> None:
        for name, spec in layout.pod_monitors(self.view).items():
            meta = metadata(name, layout.NAMESPACE)
            custom(f"{self._name}-{name}", "monitoring.coreos.com/v1/PodMonitor", meta, spec, self.child())
        custom(
            self._name,
            "monitoring.coreos.com/v1/PrometheusRule",
            metadata("trellis", layout.NAMESPACE),
            layout.alert_rules(self.view),
            self.child(),
        )
        for name, text in layout.dashboard_files(self.view).items():
            meta = metadata(f"dashboard-{name}", layout.NAMESPACE, labels=layout.DASHBOARD_LABEL)
            built_in(ConfigMap, f"{self._name}-{name}", self.child(), metadata=meta, data={f"{name}.json": text})
