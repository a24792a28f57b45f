"""Settings of the platform's shared services. Which add-ons are on is `addons`; this is how they are set."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from components.spec import forms
from components.spec.base import Model, Name, PositiveInt


class Oidc(Model):
    """Single sign-on for every exposed user interface."""

    issuer_url: Annotated[str, forms.HTTPS.field()]
    """OIDC issuer."""
    authorization_endpoint: Annotated[str, forms.HTTPS.field()]
    """The issuer's authorization endpoint. It and the next two stand in `<issuer>/.well-known/openid-configuration`."""
    token_endpoint: Annotated[str, forms.HTTPS.field()]
    """The issuer's token endpoint."""
    user_info_endpoint: Annotated[str, forms.HTTPS.field()]
    """The issuer's user-info endpoint."""
    client_id: str = Field(examples=["trellis"])
    """Client id registered there."""
    secret_name: str = Field(examples=["trellis/oidc"])
    """Name in AWS Secrets Manager of the client secret (key `clientSecret`); never the secret."""


class Exposure(Model):
    """How user interfaces are reached from outside. Absent: by port-forward only, with the command printed."""

    domain: Annotated[str, forms.DOMAIN.field()]
    """Domain below which each interface gets a name, such as `grafana.<domain>`."""
    certificate_arn: Annotated[str, forms.CERTIFICATE.field()]
    """ACM certificate for `*.<domain>`."""
    oidc: Oidc
    """Login in front of every interface; MLflow has none of its own."""
    scheme: Literal["internal", "internet-facing"] = "internal"
    """Whether the load balancer has public addresses."""


class Monitoring(Model):
    """Prometheus and Grafana."""

    retention_days: PositiveInt = 15
    """Days that metrics are kept."""
    storage_gib: PositiveInt = 100
    """Volume of Prometheus in GiB."""
    grafana_credentials: str = "trellis/grafana"
    """Name in AWS Secrets Manager of Grafana's admin user (keys `username`, `password`)."""


class Gitops(Model):
    """What Argo CD follows."""

    repo_url: Annotated[str, forms.REPOSITORY.field()] = "https://github.com/myorg/ml-models"
    """Git repository that holds what models and teams change."""
    revision: str = "main"
    """Branch, tag or commit that the root Application follows."""
    path: str = "deployments"
    """Folder of the root Application."""
    applications: dict[Name, GitopsApplication] = {}
    """Further Applications by name."""


class GitopsApplication(Model):
    """One Argo CD Application of its own, pruned and healed."""

    path: str
    """Folder in the repository."""
    namespace: Name
    """Namespace that it is deployed to."""


class Database(Model):
    """The RDS PostgreSQL instance behind MLflow. RDS makes and rotates its password in Secrets Manager."""

    instance_class: Annotated[str, forms.DATABASE_CLASS.field()] = "db.t4g.medium"
    """RDS instance class."""
    engine_version: str = "17"
    """PostgreSQL major version; minor upgrades are automatic."""
    storage_gib: int = Field(default=20, ge=20)
    """Storage in GiB (gp3)."""
    max_storage_gib: int = Field(default=100, ge=20)
    """Storage may grow by itself up to this many GiB."""
    multi_az: bool = False
    """A standby in another zone."""
    backup_retention_days: int = Field(default=7, ge=1, le=35)
    """Days that automatic backups are kept."""


class Mlflow(Model):
    """Experiment tracking and the model registry."""

    database: Database = Database()
    """Its backend store."""
    replicas: PositiveInt = 1
    """Server replicas."""


class Lustre(Model):
    """FSx for Lustre, linked to the data bucket."""

    storage_gib: int = Field(default=1200, ge=1200, multiple_of=1200)
    """Storage in GiB, in steps of 1,200."""
    throughput_mbps_per_tib: Literal[125, 250, 500, 1000] = 125
    """Throughput in MB/s per TiB of storage."""


class Storage(Model):
    """Where data, artefacts and models lie."""

    data_gib: int = Field(default=100, ge=0)
    """Volume expected in the data bucket in GiB; prices it."""
    artefacts_gib: int = Field(default=50, ge=0)
    """Volume expected in the artefact bucket in GiB; prices it."""
    models_gib: int = Field(default=50, ge=0)
    """Volume expected in the model bucket in GiB; prices it."""
    shared_filesystem_gib: int = Field(default=0, ge=0)
    """EFS volume expected in GiB, mountable by many pods; 0 creates none."""
    lustre: Lustre | None = None
    """FSx for Lustre for training data; absent creates none."""
    repositories: tuple[Name, ...] = ("models", "training")
    """ECR repositories."""
    images_gib: int = Field(default=20, ge=0)
    """Volume expected in all ECR repositories together in GiB; prices them, in equal parts."""


Gitops.model_rebuild()
