"""The one Kubernetes provider of a cluster."""

from __future__ import annotations

import pulumi
import pulumi_kubernetes as kubernetes

from components.layout.clusters import ClusterView
from components.layout.names import Names
from components.spec.clusters import ExistingCluster


def eks_kubeconfig(
    names: Names, cluster: str, endpoint: pulumi.Input[str], authority: pulumi.Input[str]
) -> pulumi.Output[str]:
    """A kubeconfig that asks the AWS CLI for a token each time; no token is ever stored."""
    full = names.cluster(cluster)
    token = {
        "apiVersion": "client.authentication.k8s.io/v1beta1",
        "command": "aws",
        "args": ["eks", "get-token", "--region", names.region, "--cluster-name", full, "--output", "json"],
        "interactiveMode": "Never",
    }
    return pulumi.Output.json_dumps(
        {
            "apiVersion": "v1",
            "kind": "Config",
            "current-context": full,
            "clusters": [{"name": full, "cluster": {"server": endpoint, "certificate-authority-data": authority}}],
            "contexts": [{"name": full, "context": {"cluster": full, "user": full}}],
            "users": [{"name": full, "user": {"exec": token}}],
        },
        sort_keys=True,
    )


def provider(
    name: str, view: ClusterView, kubeconfig: pulumi.Input[str], opts: pulumi.ResourceOptions
) -> kubernetes.Provider:
    """The provider. Its cluster identifier is fixed, so that a new endpoint is never taken for a new cluster.

    It takes back the fields that it sets from whoever else wrote them: without that, what somebody changed with kubectl
    is seen as drift, and every later `up` fails on a conflict instead of mending it.
    """
    existing = view.cluster if isinstance(view.cluster, ExistingCluster) else None
    return kubernetes.Provider(
        name,
        kubeconfig=kubeconfig,
        context=existing.context if existing else None,
        cluster_identifier=view.names.cluster_arn(view.name) if view.names else view.full_name,
        enable_config_map_mutable=True,
        enable_patch_force=True,
        enable_secret_mutable=True,
        enable_server_side_apply=True,
        opts=opts,
    )
