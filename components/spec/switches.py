"""Which add-ons are on in a cluster: by default, because the stack file asks for something of them, or by a switch."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from components.catalogue.addon_model import Target
from components.catalogue.addons import addon, addons, for_role, for_target
from components.spec.base import Path
from components.spec.clusters import Cluster, EksCluster
from components.spec.platform import Platform
from components.spec.pools import Ec2Pool, KarpenterPool
from components.spec.workloads import HpaScaling


@dataclass(frozen=True)
class Asked:
    """A setting that does nothing without an add-on."""

    addon: str
    path: Path
    why: str
    """What the add-on does for it."""


def target(cluster: Cluster) -> Target:
    """The catalogue's word for the kind of a cluster."""
    return "eks" if isinstance(cluster, EksCluster) else "existing"


def possible_addons(cluster: Cluster) -> frozenset[str]:
    """Ids of the add-ons that a cluster of these roles and this kind may carry."""
    return frozenset(for_role(*cluster.roles)) & frozenset(for_target(target(cluster)))


def enabled_addons(platform: Platform, cluster: str) -> frozenset[str]:
    """Ids of the add-ons that are on in a cluster. A switch decides; else what is asked for and the default."""
    spec = platform.clusters[cluster]
    wanted = {one.addon for one in asked_addons(platform, cluster)}
    return frozenset(
        one for one in possible_addons(spec) if platform.addons.get(one, one in wanted or addon(one).default_enabled)
    )


def asked_addons(platform: Platform, cluster: str) -> tuple[Asked, ...]:
    """What the stack file asks of the add-ons of a cluster, as far as the catalogue has them."""
    spec = platform.clusters[cluster]
    asked = [*_by_pools(platform, cluster), *_by_workloads(platform, spec), *_by_services(platform, spec)]
    return tuple(one for one in asked if one.addon in addons())


def _by_pools(platform: Platform, cluster: str) -> Iterator[Asked]:
    for name, pool in sorted(platform.clusters[cluster].pools.items()):
        path: Path = ("clusters", cluster, "pools", name)
        if isinstance(pool, KarpenterPool):
            yield Asked("karpenter", (*path, "provisioner"), "it starts the nodes of the pool")
        if isinstance(pool, Ec2Pool) and pool.multi_node is not None and pool.multi_node.efa:
            yield Asked("efa-device-plugin", (*path, "multiNode"), "it offers EFA interfaces to pods")
        if pool.gpu is not None:
            yield Asked("gpu-operator", (*path, "gpu"), "it offers the GPUs to pods")


def _by_workloads(platform: Platform, cluster: Cluster) -> Iterator[Asked]:
    if "inference" in cluster.roles:
        for name, model in sorted(platform.models.items()):
            path: Path = ("models", name)
            yield Asked("kserve", path, "it runs the model")
            yield Asked("istio", path, "it splits the traffic between the model's versions")
            if isinstance(model.scaling, HpaScaling):
                yield Asked("metrics-server", (*path, "scaling"), "it measures the CPU and memory to scale on")
            else:
                yield Asked("keda", (*path, "scaling"), "it scales on the query")
                yield Asked("kube-prometheus-stack", (*path, "scaling"), "it answers the query")
    if "training" in cluster.roles:
        for name in sorted(platform.training):
            yield Asked("kubeflow-trainer", ("training", name), "it runs the job")
            yield Asked("kueue", ("training", name), "its queue admits the job")


def _by_services(platform: Platform, cluster: Cluster) -> Iterator[Asked]:
    if platform.storage.shared_filesystem_gib:
        yield Asked("efs-csi", ("storage", "sharedFilesystemGib"), "it mounts the shared file system")
    if platform.storage.lustre is not None:
        yield Asked("fsx-csi", ("storage", "lustre"), "it mounts FSx for Lustre")
    if platform.exposure is not None:
        yield Asked("aws-load-balancer-controller", ("exposure",), "it makes the load balancer")
        yield Asked("external-secrets", ("exposure", "oidc"), "it delivers the client secret")
    if platform.gitops.applications and "shared" in cluster.roles:
        yield Asked("argo-cd", ("gitops", "applications"), "it deploys the Applications")


def on_somewhere(platform: Platform) -> Mapping[str, list[str]]:
    """Add-on id -> clusters in which it is on, sorted."""
    found: dict[str, list[str]] = {}
    for cluster in sorted(platform.clusters):
        for one in sorted(enabled_addons(platform, cluster)):
            found.setdefault(one, []).append(cluster)
    return found
