"""MLflow in a cluster: its Secret or volume first, then the server."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pulumi
from pulumi_kubernetes.core.v1 import PersistentVolumeClaim
from pulumi_kubernetes.policy.v1 import PodDisruptionBudget

from components.k8s.addon import Addon
from components.k8s.objects import built_in, custom, metadata
from components.layout import mlflow as layout
from components.layout.facts import Fact
from components.layout.secrets import EXTERNAL_SECRET
from components.layout.values.mlflow import CREDENTIALS, DATA_CLAIM, NAMESPACE


class Mlflow(Addon):
    """The add-on `mlflow`."""

    row_id = "mlflow"

    def prerequisites(self) -> list[pulumi.Resource]:
        arn = self.args.facts.get(Fact.DATABASE_CREDENTIALS_ARN)
        if arn is not None:
            child = pulumi.ResourceOptions(parent=self)
            return [
                custom(self._name, EXTERNAL_SECRET, metadata(CREDENTIALS, NAMESPACE), layout.credentials(arn), child)
            ]
        # Runs and models are in it, so it outlives the add-on, as the database does in AWS.
        kept = pulumi.ResourceOptions(parent=self, retain_on_delete=self.view.platform.protection.retain)
        meta, spec = metadata(DATA_CLAIM, NAMESPACE), layout.data_claim(self.view)
        return [built_in(PersistentVolumeClaim, self._name, kept, metadata=meta, spec=spec)]

    def late_values(self, chart: str) -> Mapping[str, Any]:
        host = self.args.facts.get(Fact.DATABASE_HOST)
        late = {} if host is None else {"backendStore": {"postgres": {"host": host}}}
        return {**super().late_values(chart), **late}

    def extras(self) -> None:
        budget = layout.disruption_budget(self.view)
        if budget is not None:
            meta = metadata("mlflow", NAMESPACE)
            built_in(PodDisruptionBudget, self._name, self.child(), metadata=meta, spec=budget)
