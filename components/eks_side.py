"""The AWS side of one EKS cluster: control plane, nodes, add-ons that EKS runs, identities. Composition only.

It builds what must stand before the first Kubernetes object, and tells the in-cluster side what it made.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pulumi

from components.aws.addon import EksAddon, EksAddonArgs
from components.aws.cluster import Cluster, ClusterArgs
from components.aws.karpenter import Karpenter, KarpenterArgs
from components.aws.nodes import NodeGroup, NodeGroupArgs, NodeRole, NodeRoleArgs
from components.catalogue.addons import addon, dependencies
from components.k8s.addon import Peer
from components.k8s.provider import eks_kubeconfig
from components.layout.clusters import ClusterView
from components.layout.facts import Fact
from components.layout.names import Names
from components.layout.node_groups import pool_group, system_group
from components.spec.clusters import EksCluster


@dataclass(frozen=True, kw_only=True)
class EksSideArgs:
    """What an EKS cluster needs from the environment's foundation."""

    vpc_id: pulumi.Input[str]
    subnet_ids: Sequence[pulumi.Input[str]]


class EksSide(pulumi.ComponentResource):
    """An EKS cluster up to the point where Kubernetes objects can be made."""

    kubeconfig: pulumi.Output[str]
    installed: Mapping[str, pulumi.Resource]
    """Add-ons that EKS runs, by catalogue id."""

    def __init__(
        self,
        view: ClusterView,
        spec: EksCluster,
        names: Names,
        args: EksSideArgs,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("trellis:index:EksSide", view.name, None, opts)
        self._view, self._spec, self._names, self._args = view, spec, names, args
        self._child = pulumi.ResourceOptions(parent=self)
        self._roles: dict[str, list[pulumi.Resource]] = {}
        self._addons: dict[str, pulumi.Resource] = {}
        self.installed = self._addons
        self._cluster = self._control_plane()
        self._before_nodes()
        self._node_groups()
        self._after_nodes()
        self._identities()
        self.kubeconfig = eks_kubeconfig(names, view.name, self._cluster.endpoint, self._cluster.certificate_authority)
        self.register_outputs({})

    @property
    def outputs(self) -> Mapping[str, Any]:
        """Stack outputs of this cluster."""
        full = self._names.cluster(self._view.name)
        return {
            "name": self._cluster.name,
            "kubeconfigCommand": f"aws eks update-kubeconfig --region {self._names.region} --name {full}",
        }

    @property
    def before_kubernetes(self) -> list[pulumi.Resource]:
        """What must be there as long as any Kubernetes object is: the way in (access entries) and the control plane."""
        return [self._cluster]

    @property
    def before_workloads(self) -> list[pulumi.Resource]:
        """What must be there before models and training jobs: the roles of their service accounts."""
        return []

    @property
    def facts(self) -> Mapping[Fact, pulumi.Input[str]]:
        """What in-cluster objects need to know of AWS."""
        return {Fact.VPC_ID: self._args.vpc_id}

    @property
    def peer(self) -> Peer:
        """This cluster as others see it."""
        return Peer(endpoint=self._cluster.endpoint, certificate_authority=self._cluster.certificate_authority)

    def before(self, row: str) -> list[pulumi.Resource]:
        """What must be there before an add-on's pods start: nodes for controllers, and its service accounts' roles."""
        return [self._nodes, *self._roles.get(row, [])]

    def values(self, row: str) -> Mapping[str, Mapping[str, Any]]:
        """Helm values by chart that are known only after deployment."""
        known: Mapping[str, Mapping[str, Any]] = {"aws-load-balancer-controller": {"vpcId": self._args.vpc_id}}
        return {chart: known[chart] for release in addon(row).releases if (chart := release.chart) in known}

    def _control_plane(self) -> Cluster:
        return Cluster(
            self._view.name,
            self._spec,
            ClusterArgs(
                names=self._names,
                cluster=self._view.name,
                protection=self._view.platform.protection,
                subnet_ids=self._args.subnet_ids,
            ),
            self._child,
        )

    def _before_nodes(self) -> None:
        for row in self._managed_addons():
            if _is_before_nodes(row):
                self._eks_addon(row, [])

    def _node_groups(self) -> None:
        name = self._view.name
        role = NodeRole(
            name,
            self._names.node_role(name),
            NodeRoleArgs(cluster_name=self._cluster.name, access_entry=False),
            self._child,
        )
        args = NodeGroupArgs(
            cluster_name=self._cluster.name,
            node_role_arn=role.arn,
            subnet_ids=self._args.subnet_ids,
            depends_on=[*role.ready, *self._addons.values()],
        )
        self._nodes = NodeGroup(f"{name}-system", system_group(self._spec), args, self._child)
        for pool_name, pool in self._view.managed_pools.items():
            NodeGroup(f"{name}-{pool_name}", pool_group(pool_name, pool), args, self._child)

    def _after_nodes(self) -> None:
        for row in self._managed_addons():
            if row not in self._addons:
                self._eks_addon(row, [self._nodes])

    def _identities(self) -> None:
        if "karpenter" in self._view.addons:
            name = self._view.name
            args = KarpenterArgs(names=self._names, cluster=name, cluster_name=self._cluster.name)
            self._roles["karpenter"] = [Karpenter(f"{name}-karpenter", args, self._child)]

    def _managed_addons(self) -> list[str]:
        return [row for row in self._view.addons if addon(row).kind == "eks-addon"]

    def _eks_addon(self, row: str, after: Sequence[pulumi.Resource]) -> None:
        first = [self._addons[one] for one in dependencies(row, self._view.addons) if one in self._addons]
        self._addons[row] = EksAddon(
            f"{self._view.name}-{row}",
            row,
            EksAddonArgs(cluster_name=self._cluster.name, depends_on=[*after, *first]),
            self._child,
        )


def _is_before_nodes(row: str) -> bool:
    managed = addon(row).eks_addon
    return managed is not None and managed.before_nodes
