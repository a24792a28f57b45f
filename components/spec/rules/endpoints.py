"""Rules about who reaches a cluster, and who may do something there."""

from __future__ import annotations

from collections.abc import Iterator

from components.spec import edits
from components.spec.addresses import is_private
from components.spec.base import Path, Problem
from components.spec.clusters import RestrictedEndpoint
from components.spec.platform import Platform

EXAMPLE = "203.0.113.0/24"
"""A range that stands for yours (RFC 5737)."""


def api_server_is_not_open(platform: Platform) -> Iterator[Problem]:
    """No API server is open to the whole internet."""
    for path, cidr, public in _ranges(platform):
        if cidr.endswith("/0"):
            yield Problem(
                path=path,
                value=cidr,
                message="this is everybody",
                allowed="the ranges of an office, a VPN or a runner" if public else "ranges inside the VPC or a peer",
                consequence="anyone could try passwords, tokens and the next hole in the API server",
                fix=edits.put(path, EXAMPLE if public else platform.network.cidr) + " with your range",
            )


def endpoint_ranges_are_of_their_kind(platform: Platform) -> Iterator[Problem]:
    """Public ranges open a restricted endpoint, private ranges a private one."""
    for path, cidr, public in _ranges(platform):
        if cidr.endswith("/0") or is_private(cidr) != public:
            continue
        endpoint: Path = path[:3]
        if public:
            message = "a private range cannot be where traffic from the internet comes from"
            other = edits.put(endpoint, {"access": "private", "deployFromCidrs": [cidr]})
        else:
            message = "a public range cannot reach a private API server"
            other = edits.put(endpoint, {"access": "restricted", "allowedCidrs": [cidr]})
        yield Problem(
            path=path,
            value=cidr,
            message=message,
            allowed="public ranges" if public else "private ranges (RFC 1918, 100.64.0.0/10) inside the VPC or a peer",
            consequence="EKS would refuse it, or let nobody in",
            fix=other,
            related=(path, (*endpoint, "access")),
        )


def _ranges(platform: Platform) -> Iterator[tuple[Path, str, bool]]:
    """Every range that may reach an API server: place, range, whether it is over the internet."""
    for cluster, spec in platform.eks_clusters.items():
        public = isinstance(spec.endpoint, RestrictedEndpoint)
        key = "allowedCidrs" if public else "deployFromCidrs"
        given = spec.endpoint.allowed_cidrs if spec.endpoint.access == "restricted" else spec.endpoint.deploy_from_cidrs
        for index, cidr in enumerate(given):
            yield ("clusters", cluster, "endpoint", key, index), cidr, public


def somebody_can_deploy(platform: Platform) -> Iterator[Problem]:
    """Every EKS cluster has an access entry with administrator rights."""
    account = platform.aws.account_id if platform.aws else "111122223333"
    for cluster, spec in platform.eks_clusters.items():
        if any(entry.policy == "admin" for entry in spec.access.values()):
            continue
        path: Path = ("clusters", cluster, "access")
        entry = {"principalArn": f"arn:aws:iam::{account}:role/trellis-deployer", "policy": "admin"}
        yield Problem(
            path=path,
            value={name: entry.policy for name, entry in spec.access.items()} or None,
            message="no access entry is an administrator, and the creator of the cluster gets no hidden right",
            allowed="at least one entry with `policy: admin`: the role that runs `pulumi up`",
            consequence="the cluster would come up, and nobody could put anything into it",
            fix=f"{edits.add((*path, 'deployer'), entry)} with your role",
            related=(path, *((*path, name, "policy") for name in spec.access)),
        )


def one_access_entry_per_principal(platform: Platform) -> Iterator[Problem]:
    """An IAM principal has one access entry in a cluster."""
    for cluster, spec in platform.eks_clusters.items():
        first: dict[str, str] = {}
        for name, entry in sorted(spec.access.items()):
            other = first.setdefault(entry.principal_arn, name)
            if other != name:
                path: Path = ("clusters", cluster, "access", name, "principalArn")
                yield Problem(
                    path=path,
                    value=entry.principal_arn,
                    message=f"entry `{other}` has the same principal",
                    allowed="one entry for each principal",
                    consequence="EKS would refuse the second entry",
                    fix=edits.remove(path[:-1]),
                    related=(path, ("clusters", cluster, "access", other, "principalArn")),
                )


def one_cluster_behind_one_context(platform: Platform) -> Iterator[Problem]:
    """Two clusters of the stack file are not the same cluster."""
    first: dict[tuple[str, str], str] = {}
    for name, spec in platform.existing_clusters.items():
        other = first.setdefault((spec.kubeconfig, spec.context), name)
        if other != name:
            path: Path = ("clusters", name, "context")
            yield Problem(
                path=path,
                value=spec.context,
                message=f"cluster `{other}` is reached by the same kubeconfig and context",
                allowed="a context of its own for each cluster",
                consequence="everything would be installed twice into one cluster, and the two would fight",
                fix=edits.put(path, name),
                related=(path, ("clusters", other, "context"), ("clusters", other, "kubeconfig")),
            )
