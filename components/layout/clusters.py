"""One cluster as seen by whatever plans for it: its spec, what is switched on, its pools."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from components.catalogue.addons import install_order
from components.layout.names import Names
from components.spec.clusters import Cluster, EksCluster
from components.spec.platform import Platform
from components.spec.pools import Ec2Pool, ExistingPool, KarpenterPool, ManagedPool, PoolBase
from components.spec.switches import enabled_addons


@dataclass(frozen=True)
class ClusterView:
    """A cluster of a platform, by its name in the stack file."""

    platform: Platform
    name: str

    @cached_property
    def cluster(self) -> Cluster:
        """Its spec."""
        return self.platform.clusters[self.name]

    @property
    def is_eks(self) -> bool:
        """Whether Trellis creates it in AWS."""
        return isinstance(self.cluster, EksCluster)

    @cached_property
    def names(self) -> Names | None:
        """Physical names in AWS; None for a cluster outside it."""
        aws = self.platform.aws
        return Names.of(self.platform, aws) if aws and self.is_eks else None

    @property
    def full_name(self) -> str:
        """The name that people and AWS use: `trellis-dev-main`, or the plain name outside AWS."""
        return self.names.cluster(self.name) if self.names else self.name

    @cached_property
    def addons(self) -> tuple[str, ...]:
        """Ids of the add-ons that are on here, in install order."""
        return tuple(install_order(enabled_addons(self.platform, self.name)))

    @cached_property
    def pools(self) -> Mapping[str, PoolBase]:
        """Its pools by name, sorted."""
        return dict(sorted(self.cluster.pools.items()))

    @property
    def karpenter_pools(self) -> Mapping[str, KarpenterPool]:
        """Pools whose nodes Karpenter starts."""
        return {n: p for n, p in self.pools.items() if isinstance(p, KarpenterPool)}

    @property
    def managed_pools(self) -> Mapping[str, ManagedPool]:
        """Pools whose nodes a managed node group starts."""
        return {n: p for n, p in self.pools.items() if isinstance(p, ManagedPool)}

    @property
    def ec2_pools(self) -> Mapping[str, Ec2Pool]:
        """Pools on EC2."""
        return {n: p for n, p in self.pools.items() if isinstance(p, Ec2Pool)}

    @property
    def existing_pools(self) -> Mapping[str, ExistingPool]:
        """Pools of nodes that are there already."""
        return {n: p for n, p in self.pools.items() if isinstance(p, ExistingPool)}


def views(platform: Platform) -> Mapping[str, ClusterView]:
    """All clusters of a platform by name, sorted."""
    return {name: ClusterView(platform, name) for name in sorted(platform.clusters)}
