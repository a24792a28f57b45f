"""What Argo CD follows, as plain manifests: projects, the root Application, Applications of models and of trees.

Pulumi owns the cloud, the controllers and these objects; what they deliver belongs to Argo CD alone. The projects hold
that apart: nothing from Git may touch what the stack file decides (quotas, network policies, queues).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from components.catalogue.addon_install import Kustomize
from components.catalogue.addons import addon
from components.layout.clusters import ClusterView
from components.layout.links import argo_cd_targets, deployed_namespaces
from components.layout.names import Names

Spec = dict[str, Any]
API = "argoproj.io/v1alpha1"
NAMESPACE = "argocd"
HERE = "https://kubernetes.default.svc"
FINALIZER = "resources-finalizer.argocd.argoproj.io"
"""What an Application delivered goes before it does; else it would stay, without anybody to remove it."""
ROOT, MODELS, PLATFORM = "root", "models", "platform"
CLUSTER_SECRET = {"argocd.argoproj.io/secret-type": "cluster"}
AUTOMATED: Mapping[str, Any] = {"automated": {"prune": True, "selfHeal": True}}
OURS = (
    ("", "LimitRange"),
    ("", "ResourceQuota"),
    ("kueue.x-k8s.io", "LocalQueue"),
    ("networking.k8s.io", "NetworkPolicy"),
    ("rbac.authorization.k8s.io", "Role"),
    ("rbac.authorization.k8s.io", "RoleBinding"),
)
"""Kinds in teams' namespaces that the stack file decides: (group, kind)."""


def projects(view: ClusterView) -> Mapping[str, Spec]:
    """Specs of AppProjects by name: one for the root, one for what teams deliver, one for upstream trees."""
    repository = view.platform.gitops.repo_url
    found: dict[str, Spec] = {
        ROOT: {
            "description": "The root Application: it makes Applications and nothing else.",
            "sourceRepos": [repository],
            "destinations": [{"server": HERE, "namespace": NAMESPACE}],
            "namespaceResourceWhitelist": _kinds((("argoproj.io", "Application"), ("argoproj.io", "ApplicationSet"))),
        },
        MODELS: {
            "description": "What teams deliver to their namespaces.",
            "sourceRepos": [repository],
            "destinations": _team_destinations(view),
            "namespaceResourceBlacklist": _kinds(OURS),
        },
    }
    trees = [tree for row in tree_rows(view) for tree in addon(row).kustomize]
    if trees:
        found[PLATFORM] = {
            "description": "Upstream trees at pinned tags, CRDs and cluster roles included.",
            "sourceRepos": sorted({tree.repository for tree in trees}),
            "destinations": [{"server": HERE, "namespace": name} for name in sorted({t.namespace for t in trees})],
            "clusterResourceWhitelist": [{"group": "*", "kind": "*"}],
        }
    return found


def _kinds(rows: tuple[tuple[str, str], ...]) -> list[Spec]:
    return [{"group": group, "kind": kind} for group, kind in rows]


def _team_destinations(view: ClusterView) -> list[Spec]:
    clusters = [{"server": HERE}, *({"name": name} for name in argo_cd_targets(view))]
    return [{**cluster, "namespace": name} for cluster in clusters for name in deployed_namespaces(view.platform)]


def root(view: ClusterView) -> Spec:
    """Spec of the root Application."""
    gitops = view.platform.gitops
    return {
        "project": ROOT,
        "source": {"repoURL": gitops.repo_url, "path": gitops.path, "targetRevision": gitops.revision},
        "destination": {"server": HERE, "namespace": NAMESPACE},
        "syncPolicy": dict(AUTOMATED),
    }


def applications(view: ClusterView) -> Mapping[str, Spec]:
    """Specs of the stack file's Applications by name, each to the cluster that serves."""
    gitops = view.platform.gitops
    target = view.platform.cluster_of("inference")
    where = {"name": target} if target in argo_cd_targets(view) else {"server": HERE}
    return {
        name: {
            "project": MODELS,
            "source": {"repoURL": gitops.repo_url, "path": one.path, "targetRevision": gitops.revision},
            "destination": {**where, "namespace": one.namespace},
            "syncPolicy": dict(AUTOMATED),
        }
        for name, one in sorted(gitops.applications.items())
    }


def cluster_config(names: Names, cluster: str, authority: str) -> str:
    """Content of `config` in the cluster Secret: a role to take for each request, and no token."""
    role = names.role_arn(names.argo_cd_target_role(cluster))
    config = {
        "awsAuthConfig": {"clusterName": names.cluster(cluster), "roleARN": role},
        "tlsClientConfig": {"insecure": False, "caData": authority},
    }
    return json.dumps(config, sort_keys=True)


def cluster_scope(view: ClusterView) -> Mapping[str, str]:
    """Content of the cluster Secret beside address and config: the namespaces that the role opens, nothing else."""
    return {"namespaces": ",".join(deployed_namespaces(view.platform)), "clusterResources": "false"}


def tree_rows(view: ClusterView) -> tuple[str, ...]:
    """Add-ons of a cluster that Argo CD delivers."""
    return tuple(row for row in view.addons if addon(row).kind == "argocd-application")


def generated_secrets(view: ClusterView, row: str) -> Mapping[str, tuple[str, Mapping[str, str]]]:
    """Secrets that stand in for the well-known ones of an add-on's trees: name -> namespace and template."""
    if "external-secrets" not in view.addons:
        return {}
    return {
        name: (tree.namespace, template)
        for tree in addon(row).kustomize
        for name, template in sorted(tree.secrets.items())
    }


def trees(view: ClusterView, row: str) -> Mapping[str, Spec]:
    """Specs of the Applications of one such add-on by name, in the order in which they must be there."""
    rows = addon(row).kustomize
    ours = [f"Secret/{name}" for name in generated_secrets(view, row)]
    names = [row] if len(rows) == 1 else [f"{row}-{tree.path.rsplit('/', 1)[-1]}" for tree in rows[:-1]] + [row]
    return {name: _tree(tree, ours) for name, tree in zip(names, rows, strict=True)}


def _tree(tree: Kustomize, ours: list[str]) -> Spec:
    """By commit: what the tag named when its objects were looked at, whatever becomes of the tag."""
    source: Spec = {"repoURL": tree.repository, "path": tree.path, "targetRevision": tree.commit}
    left_out = [*tree.omit, *(one for one in ours if one.removeprefix("Secret/") in tree.secrets)]
    patches = [_omission(*one.split("/", 1)) for one in left_out]
    options = ["ServerSideApply=true"] if tree.server_side_apply else []
    return {
        "project": PLATFORM,
        "source": {**source, **({"kustomize": {"patches": patches}} if patches else {})},
        "destination": {"server": HERE, "namespace": tree.namespace},
        "syncPolicy": {
            **AUTOMATED,
            "syncOptions": options,
            # The webhooks and CRDs of one tree may need a while before the rest is taken.
            "retry": {"limit": 10, "backoff": {"duration": "10s", "factor": 2, "maxDuration": "5m"}},
        },
    }


def _omission(kind: str, name: str) -> Spec:
    """A patch that takes an object out of a tree, for somebody else owns it."""
    version = "apps/v1" if kind in ("Deployment", "StatefulSet", "DaemonSet") else "v1"
    patch = f"$patch: delete\napiVersion: {version}\nkind: {kind}\nmetadata:\n  name: {name}\n"
    return {"target": {"kind": kind, "name": name}, "patch": patch}
