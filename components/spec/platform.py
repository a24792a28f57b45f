"""The whole of what one environment says."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from components.spec import forms
from components.spec.base import Model, Name
from components.spec.clusters import Cluster, EksCluster, ExistingCluster
from components.spec.guardrails import Guardrails
from components.spec.network import CreatedNetwork, Network
from components.spec.services import Exposure, Gitops, Mlflow, Monitoring, Storage
from components.spec.workloads import ServedModel, Team, TrainingJob


class Aws(Model):
    """The account and region. They are stated, never asked for, so that a preview needs no credentials."""

    account_id: Annotated[str, forms.ACCOUNT.field()]
    """AWS account; the provider refuses any other."""
    region: Annotated[str, forms.REGION.field()]
    """AWS region."""


class Ownership(Model):
    """Who runs the platform and who pays; tags on everything."""

    team: Annotated[str, forms.TEAM.field()]
    """Team that runs the platform."""
    cost_centre: Annotated[str, forms.COST_CENTRE.field()]
    """Cost centre that pays."""


class Protection(Model):
    """What happens to stateful things (cluster, buckets, database, keys) on destroy."""

    protect: bool = False
    """`pulumi destroy` refuses while it is on."""
    retain: bool = False
    """Buckets, database and keys stay in AWS even when they leave the stack."""


class Platform(Model):
    """What one environment wants. Written in `stacks/Pulumi.<env>.yaml` under `trellis:platform`."""

    environment: Annotated[str, forms.ENVIRONMENT.field()]
    """Name of the environment; part of every global name. 15 characters at most."""
    ownership: Ownership
    """Who runs it and who pays."""
    protection: Protection = Protection()
    """What happens to stateful things on destroy."""
    aws: Aws | None = None
    """Account and region; absent when every cluster exists already."""
    network: Network = CreatedNetwork()
    """The VPC; without meaning when `aws` is absent."""
    clusters: dict[Name, Cluster] = Field(min_length=1)
    """Clusters by name."""
    addons: dict[Name, bool] = {}
    """Add-ons switched on or off, by catalogue id; those not named are as the catalogue has them."""
    exposure: Exposure | None = None
    """How user interfaces are reached from outside; absent: by port-forward only."""
    monitoring: Monitoring = Monitoring()
    """Prometheus and Grafana."""
    gitops: Gitops = Gitops()
    """What Argo CD follows."""
    mlflow: Mlflow = Mlflow()
    """Experiment tracking and the model registry."""
    storage: Storage = Storage()
    """Where data, artefacts and models lie."""
    teams: dict[Name, Team] = {}
    """Teams by name, which is the name of their namespace."""
    models: dict[Name, ServedModel] = {}
    """Models that are served, by name."""
    training: dict[Name, TrainingJob] = {}
    """Training jobs by name."""
    guardrails: Guardrails
    """Limits that people set."""

    @property
    def eks_clusters(self) -> dict[str, EksCluster]:
        """The clusters that Trellis creates, by name."""
        return {n: c for n, c in sorted(self.clusters.items()) if isinstance(c, EksCluster)}

    @property
    def existing_clusters(self) -> dict[str, ExistingCluster]:
        """The clusters that exist already, by name."""
        return {n: c for n, c in sorted(self.clusters.items()) if isinstance(c, ExistingCluster)}

    def cluster_of(self, role: str) -> str | None:
        """Name of the cluster that has a role; the first by name if several have it, None if none has."""
        return next((name for name, c in sorted(self.clusters.items()) if role in c.roles), None)
