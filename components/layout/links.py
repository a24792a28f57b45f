"""How the EKS clusters of one environment reach each other: which ports, and who may deploy where."""

from __future__ import annotations

from dataclasses import dataclass

from components.layout.clusters import ClusterView, views
from components.spec.platform import Platform


@dataclass(frozen=True, kw_only=True)
class Opening:
    """TCP ports that one security group opens to another."""

    name: str
    first: int
    last: int


API_SERVER = Opening(name="api", first=443, last=443)
POSTGRES = Opening(name="postgres", first=5432, last=5432)
NFS = Opening(name="nfs", first=2049, last=2049)
LUSTRE = (Opening(name="lustre", first=988, last=988), Opening(name="lustre-more", first=1018, last=1023))
"""Ports of Lustre between clients and servers. Source: FSx for Lustre user guide, security groups."""


@dataclass(frozen=True, kw_only=True)
class Link:
    """What one cluster opens to another."""

    source: str
    """Cluster whose pods open connections."""
    target: str
    """Cluster that is reached."""
    openings: tuple[Opening, ...]


def shared_cluster(platform: Platform) -> str | None:
    """The EKS cluster that carries the shared services; None where none does."""
    return next((name for name, one in platform.eks_clusters.items() if "shared" in one.roles), None)


def links(platform: Platform) -> tuple[Link, ...]:
    """Network paths between EKS clusters: Argo CD out to the other API servers, and nothing else.

    Models come from S3 in every cluster, and MLflow has no address outside its own: a path to it would open a port that
    nobody can use.
    """
    home = shared_cluster(platform)
    if home is None or "argo-cd" not in views(platform)[home].addons:
        return ()
    others = [name for name in platform.eks_clusters if name != home]
    return tuple(Link(source=home, target=name, openings=(API_SERVER,)) for name in others)


def argo_cd_targets(view: ClusterView) -> tuple[str, ...]:
    """Clusters that Argo CD, where it runs in this one, deploys to beside its own."""
    if "argo-cd" not in view.addons:
        return ()
    return tuple(name for name in view.platform.eks_clusters if name != view.name)


def deployed_namespaces(platform: Platform) -> tuple[str, ...]:
    """Namespaces that Argo CD may change in another cluster: the teams' and its Applications' own."""
    applications = {one.namespace for one in platform.gitops.applications.values()}
    return tuple(sorted({*platform.teams, *applications}))
