"""Rules about clusters: where they are, which version they run, what they are for."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

from components.catalogue.addons import supports
from components.catalogue.eks_versions import eks_versions
from components.spec import edits
from components.spec.base import Path, Problem
from components.spec.clusters import EksCluster
from components.spec.platform import Platform
from components.spec.switches import enabled_addons

CALENDAR_READ = date(2026, 11, 1)
"""When the EKS calendar of the catalogue was read: a version whose support had ended by then cannot be created. What is
near its end depends on the day, so the preview says that, by `--as-of`."""


def eks_needs_aws(platform: Platform) -> Iterator[Problem]:
    """A platform with EKS clusters says in which account and region."""
    if platform.eks_clusters and platform.aws is None:
        yield Problem(
            path=("aws",),
            value=None,
            message=f"cluster {edits.listed(platform.eks_clusters)} is an EKS cluster, and no account is stated",
            allowed="a mapping of accountId, region",
            consequence="whatever account the credentials of the moment belong to would be changed",
            fix=edits.add(("aws",), {"accountId": "111122223333", "region": "us-east-1"}) + " with your account",
            related=(("aws",), ("clusters",)),
        )


def kubernetes_version_can_be_created(platform: Platform) -> Iterator[Problem]:
    """The Kubernetes version of an EKS cluster is one that EKS has, and has not given up."""
    known = eks_versions()
    usable = [one.version for one in known.values() if one.support(CALENDAR_READ) != "ended"]
    for cluster, spec in platform.eks_clusters.items():
        path: Path = ("clusters", cluster, "kubernetesVersion")
        row = known.get(spec.kubernetes_version)
        if row is not None and row.version in usable:
            continue
        yield Problem(
            path=path,
            value=spec.kubernetes_version,
            message=f"EKS gave it up on {row.extended_until}" if row else "EKS has no such Kubernetes version",
            allowed=edits.listed(f'"{version}"' for version in usable),
            consequence="EKS would refuse to create the cluster",
            fix=edits.put(path, _best_version(platform, cluster)),
        )


def addons_support_the_kubernetes_version(platform: Platform) -> Iterator[Problem]:
    """Every add-on that is on runs on the Kubernetes version of its cluster."""
    for cluster, spec in sorted(platform.clusters.items()):
        if isinstance(spec, EksCluster) and spec.kubernetes_version not in eks_versions():
            continue
        verdicts = [supports(one, spec.kubernetes_version) for one in sorted(enabled_addons(platform, cluster))]
        against = [verdict.reason for verdict in verdicts if not verdict.ok]
        if not against:
            continue
        path: Path = ("clusters", cluster, "kubernetesVersion")
        fitting = _supported(platform, cluster)
        yield Problem(
            path=path,
            value=spec.kubernetes_version,
            message="; ".join(against),
            allowed=edits.listed(f'"{version}"' for version in fitting) or "no version fits all add-ons that are on",
            consequence="the add-on would fail, at once or on the first object that its old API no longer serves",
            fix=edits.put(path, _best_version(platform, cluster)) if fitting else "switch one of the add-ons off",
            related=(path, ("addons",)),
        )


def _supported(platform: Platform, cluster: str) -> list[str]:
    """Versions that EKS creates and all add-ons of a cluster run on, oldest first."""
    on = enabled_addons(platform, cluster)
    rows = [one for one in eks_versions().values() if one.support(CALENDAR_READ) != "ended"]
    return [row.version for row in rows if all(supports(one, row.version).ok for one in on)]


def _best_version(platform: Platform, cluster: str) -> str:
    """The newest version with a known end of support that all add-ons run on."""
    fitting = _supported(platform, cluster)
    dated = [version for version in fitting if eks_versions()[version].standard_until is not None]
    return next(reversed(dated or fitting or list(eks_versions())))


def shared_services_run_once(platform: Platform) -> Iterator[Problem]:
    """Exactly one cluster has the role `shared`, and at most one trains."""
    for role in ("shared", "training"):
        having = [name for name, spec in sorted(platform.clusters.items()) if role in spec.roles]
        rests: tuple[Path, ...] = (("clusters",), *(("clusters", name, "roles") for name in platform.clusters))
        if role == "shared" and not having:
            first = min(platform.clusters)
            path: Path = ("clusters", first, "roles")
            yield Problem(
                path=path,
                value=list(platform.clusters[first].roles),
                message="no cluster has the role `shared`",
                allowed="the role `shared` in exactly one cluster",
                consequence="MLflow and Argo CD would run nowhere",
                fix=edits.put(path, [*platform.clusters[first].roles, "shared"]),
                related=rests,
            )
        for name in having[1:]:
            path = ("clusters", name, "roles")
            left = [one for one in platform.clusters[name].roles if one != role]
            yield Problem(
                path=path,
                value=list(platform.clusters[name].roles),
                message=f"cluster `{having[0]}` has the role `{role}` already",
                allowed=f"the role `{role}` in one cluster",
                consequence="MLflow and Argo CD would run twice, each with half of the truth"
                if role == "shared"
                else "every training job would run twice",
                fix=edits.put(path, left) if left else f"give `{name}` another role",
                related=rests,
            )


def workloads_have_a_cluster(platform: Platform) -> Iterator[Problem]:
    """Where models or training jobs are declared, a cluster has the role for them."""
    for section, role, there in (
        ("models", "inference", bool(platform.models)),
        ("training", "training", bool(platform.training)),
    ):
        if not there or any(role in spec.roles for spec in platform.clusters.values()):
            continue
        first = min(platform.clusters)
        path: Path = ("clusters", first, "roles")
        yield Problem(
            path=path,
            value=list(platform.clusters[first].roles),
            message=f"`{section}` are declared, and no cluster has the role `{role}`",
            allowed=f"the role `{role}` in a cluster",
            consequence="none of them would run anywhere",
            fix=edits.put(path, [*platform.clusters[first].roles, role]),
            related=(("clusters",), *(("clusters", name, "roles") for name in platform.clusters), (section,)),
        )
