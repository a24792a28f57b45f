"""Rules about the platform's shared services: how they are exposed, and what they store."""

from __future__ import annotations

from collections.abc import Iterator
from math import ceil

from components.catalogue.regions import regions
from components.spec import edits
from components.spec.base import Path, Problem
from components.spec.clusters import EksCluster
from components.spec.network import ExistingNetwork
from components.spec.platform import Platform


def certificates_lie_beside_the_load_balancer(platform: Platform) -> Iterator[Problem]:
    """The certificate is of the platform's region and account: a load balancer takes no other."""
    if platform.exposure is None or platform.aws is None or platform.aws.region not in regions():
        return
    path: Path = ("exposure", "certificateArn")
    parts = platform.exposure.certificate_arn.split(":")
    wanted = {3: platform.aws.region, 4: platform.aws.account_id}
    wrong = [what for index, what in ((3, "region"), (4, "account")) if parts[index] != wanted[index]]
    if wrong:
        better = ":".join(wanted.get(index, part) for index, part in enumerate(parts))
        yield Problem(
            path=path,
            value=platform.exposure.certificate_arn,
            message=f"the certificate is of another {' and '.join(wrong)} than the platform",
            allowed=f"a certificate of {platform.aws.region} in account {platform.aws.account_id}",
            consequence="AWS would refuse the listener, and no interface would answer",
            fix=f"{edits.put(path, better)} with the id of a certificate there",
            related=(path, ("aws", "region"), ("aws", "accountId")),
        )


def exposed_interfaces_have_a_way_in(platform: Platform) -> Iterator[Problem]:
    """An internet-facing load balancer has public subnets."""
    network = platform.network
    if platform.exposure is None or platform.exposure.scheme != "internet-facing" or not platform.eks_clusters:
        return
    if isinstance(network, ExistingNetwork) and not network.public_subnet_ids:
        path: Path = ("exposure", "scheme")
        yield Problem(
            path=path,
            value="internet-facing",
            message="the existing network names no public subnet",
            allowed="internal, or public subnets in `network.publicSubnetIds`",
            consequence="the load balancer controller would find no subnet, and make none",
            fix=edits.put(path, "internal"),
            related=(path, ("network", "publicSubnetIds")),
        )


def storage_may_grow(platform: Platform) -> Iterator[Problem]:
    """The ceiling of the database's storage is above its storage."""
    database = platform.mlflow.database
    path: Path = ("mlflow", "database", "maxStorageGib")
    # RDS wants the ceiling of storage autoscaling at least 10 percent above the storage (RDS user guide).
    least = ceil(database.storage_gib * 11 / 10)
    if database.max_storage_gib < least:
        yield Problem(
            path=path,
            value=database.max_storage_gib,
            message=f"no room to grow from {database.storage_gib} GiB",
            allowed=f"at least {least}, in GiB",
            consequence="RDS would refuse storage autoscaling",
            fix=edits.put(path, least),
            related=(path, ("mlflow", "database", "storageGib")),
        )


def exposure_stands_before_eks(platform: Platform) -> Iterator[Problem]:
    """User interfaces are exposed only where the shared services run on EKS, whose load balancers ask for a login."""
    shared = platform.cluster_of("shared")
    if platform.exposure is None or shared is None or isinstance(platform.clusters[shared], EksCluster):
        return
    if not platform.eks_clusters:
        return  # the rule about add-ons says that nothing here makes load balancers
    yield Problem(
        path=("exposure",),
        value=platform.exposure.domain,
        message=f"the shared services run in `{shared}`, which is no EKS cluster",
        allowed="nothing, unless the cluster with the role `shared` is an EKS cluster",
        consequence="MLflow has no login of its own, and nothing would stand in front of it",
        fix=edits.remove(("exposure",)),
        related=(("exposure",), ("clusters",), ("clusters", shared, "roles")),
    )
