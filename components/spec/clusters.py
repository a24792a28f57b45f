"""Clusters: EKS clusters that Trellis creates, and existing ones that it fills."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from components.spec import forms
from components.spec.base import KubernetesMinor, Model, Name, PositiveInt
from components.spec.network import Cidr
from components.spec.pools import ExistingPool, Pool

ClusterRole = Literal["training", "inference", "shared"]
ALL_ROLES: tuple[ClusterRole, ...] = ("training", "inference", "shared")
ControlPlaneLog = Literal["api", "audit", "authenticator", "controllerManager", "scheduler"]


class PrivateEndpoint(Model):
    """The API server answers inside the VPC only."""

    access: Literal["private"] = "private"
    """`private`: inside the VPC; `restricted`: also from the ranges given."""
    deploy_from_cidrs: tuple[Cidr, ...] = ()
    """Ranges inside the VPC or a peer from which the API server may be reached (a runner, a VPN)."""


class RestrictedEndpoint(Model):
    """The API server also answers from the internet, to the ranges given and to nobody else."""

    access: Literal["restricted"]
    """`private`: inside the VPC; `restricted`: also from the ranges given."""
    allowed_cidrs: tuple[Cidr, ...] = Field(min_length=1, examples=[["203.0.113.0/24"]])
    """Public ranges that may reach the API server. 0.0.0.0/0 is refused."""


Endpoint = Annotated[PrivateEndpoint | RestrictedEndpoint, Field(discriminator="access")]


class AccessEntry(Model):
    """Who may do what in the cluster, by IAM principal."""

    principal_arn: Annotated[str, forms.PRINCIPAL.field()]
    """IAM role or user."""
    policy: Literal["admin", "view"] = "view"
    """`admin` is AmazonEKSClusterAdminPolicy, `view` AmazonEKSViewPolicy."""


class SystemNodes(Model):
    """The managed node group that runs controllers; Karpenter must not run on its own nodes."""

    instance_types: tuple[str, ...] = Field(default=("m7i.xlarge",), min_length=1)
    """EC2 instance types, without GPUs."""
    nodes: int = Field(default=3, ge=2)
    """Fixed number of nodes, spread over the zones; two at least, for two replicas of each controller."""
    disk_gib: int = Field(default=60, ge=30, le=16384)
    """Root volume in GiB."""


class EksCluster(Model):
    """An EKS cluster that Trellis creates."""

    kind: Literal["eks"] = "eks"
    """`eks` creates a cluster; `existing` fills one that is there."""
    kubernetes_version: KubernetesMinor
    """Kubernetes minor, such as 1.35. Every add-on that is on must support it."""
    roles: tuple[ClusterRole, ...] = Field(default=ALL_ROLES, min_length=1)
    """What runs here: `training`, `inference`, and `shared` services (MLflow, Argo CD), which run once."""
    endpoint: Endpoint
    """From where the API server can be reached."""
    service_cidr: Cidr = "172.20.0.0/16"
    """Range of Service addresses; must overlap neither the VPC nor a peer."""
    log_types: tuple[ControlPlaneLog, ...] = ("api", "audit", "authenticator")
    """Control-plane logs sent to CloudWatch."""
    log_retention_days: PositiveInt = 30
    """Days that control-plane logs are kept."""
    expected_log_gib_per_month: int = Field(default=10, ge=0)
    """GiB of control-plane logs expected in a month; prices them."""
    access: dict[Name, AccessEntry] = {}
    """Access entries by a name of your choice. The creator gets no hidden admin right."""
    system: SystemNodes = SystemNodes()
    """Nodes for controllers."""
    pools: dict[Name, Pool] = {}
    """Pools by name. The name is public: workloads refer to it and nodes carry it as a label."""


class ExistingCluster(Model):
    """A cluster that is there already, on premises or anywhere."""

    kind: Literal["existing"]
    """`eks` creates a cluster; `existing` fills one that is there."""
    kubernetes_version: KubernetesMinor
    """Kubernetes minor that it runs."""
    roles: tuple[ClusterRole, ...] = Field(default=ALL_ROLES, min_length=1)
    """What runs here: `training`, `inference`, and `shared` services (MLflow, Argo CD), which run once."""
    kubeconfig: str = Field(examples=["~/.kube/config"])
    """Path of the kubeconfig on the machine that runs `pulumi up`; it should authenticate by an exec plugin."""
    context: str = Field(examples=["dc1"])
    """Context in the kubeconfig; stated, so that a current context set elsewhere is never used by mistake."""
    storage_class: str = Field(examples=["local-path"])
    """StorageClass for volumes; it must exist."""
    pools: dict[Name, ExistingPool] = {}
    """Pools of nodes that are there, by name."""


Cluster = Annotated[EksCluster | ExistingCluster, Field(discriminator="kind")]
