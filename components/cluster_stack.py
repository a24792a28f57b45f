"""One cluster from the control plane to the models that it serves: what is built, in which order, on which provider.

Composition only. Order comes from the catalogue (`needs`), not from the order of lines here.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pulumi

from components.aws.addon import EksAddon, EksAddonArgs
from components.aws.cluster import Cluster, ClusterArgs
from components.aws.karpenter import Karpenter, KarpenterArgs
from components.aws.nodes import NodeGroup, NodeGroupArgs, NodeRole, NodeRoleArgs
from components.catalogue.addons import addon, dependencies
from components.k8s.addon import AddonArgs
from components.k8s.models import Model
from components.k8s.namespaces import Namespaces
from components.k8s.provider import eks_kubeconfig, provider
from components.k8s.registry import component_for
from components.layout.clusters import ClusterView
from components.layout.names import Names
from components.layout.namespaces import namespaces
from components.layout.node_groups import pool_group, system_group
from components.spec.clusters import EksCluster


@dataclass(frozen=True, kw_only=True)
class ClusterStackArgs:
    """What a cluster needs from the environment's foundation."""

    subnet_ids: Sequence[pulumi.Input[str]] = ()


class ClusterStack(pulumi.ComponentResource):
    """A cluster with everything on it."""

    def __init__(self, view: ClusterView, args: ClusterStackArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("trellis:index:ClusterStack", view.name, None, opts)
        self.view, self.args = view, args
        self.outputs: dict[str, Any] = {}
        self.installed: dict[str, pulumi.Resource] = {}
        child = pulumi.ResourceOptions(parent=self)
        if isinstance(view.cluster, EksCluster) and view.names is not None:
            kubeconfig: pulumi.Input[str] = self._eks(view.cluster, view.names)
        elif not isinstance(view.cluster, EksCluster):
            kubeconfig = view.cluster.kubeconfig
        self._kubernetes = provider(view.name, view, kubeconfig, child)
        self._in_cluster = pulumi.ResourceOptions(parent=self, provider=self._kubernetes)
        self._namespaces = Namespaces(view.name, namespaces(view), self._in_cluster)
        self._addons()
        self._models()
        self.register_outputs({})

    def _eks(self, spec: EksCluster, names: Names) -> pulumi.Output[str]:
        """The AWS side: control plane, nodes, add-ons that EKS runs, identities. Returns the kubeconfig."""
        name = self.view.name
        child = pulumi.ResourceOptions(parent=self)
        cluster = Cluster(
            name,
            spec,
            ClusterArgs(
                names=names,
                cluster=name,
                protection=self.view.platform.protection,
                subnet_ids=self.args.subnet_ids,
            ),
            child,
        )
        first = [row for row in self._managed_addons() if _before_nodes(row)]
        for row in first:
            self._eks_addon(row, cluster, [])
        role = NodeRole(name, names.node_role(name), NodeRoleArgs(cluster_name=cluster.name, access_entry=False), child)
        group_args = NodeGroupArgs(
            cluster_name=cluster.name,
            node_role_arn=role.arn,
            subnet_ids=self.args.subnet_ids,
            depends_on=[*role.ready, *(self.installed[row] for row in first)],
        )
        self._nodes = NodeGroup(f"{name}-system", system_group(spec), group_args, child)
        for pool_name, pool in self.view.managed_pools.items():
            NodeGroup(f"{name}-{pool_name}", pool_group(pool_name, pool), group_args, child)
        for row in self._managed_addons():
            if row not in first:
                self._eks_addon(row, cluster, [self._nodes])
        if "karpenter" in self.view.addons:
            Karpenter(
                f"{name}-karpenter",
                KarpenterArgs(names=names, cluster=name, cluster_name=cluster.name),
                child,
            )
        self.outputs["name"] = cluster.name
        self.outputs["kubeconfigCommand"] = (
            f"aws eks update-kubeconfig --region {names.region} --name {names.cluster(name)}"
        )
        return eks_kubeconfig(names, name, cluster.endpoint, cluster.certificate_authority)

    def _managed_addons(self) -> list[str]:
        return [row for row in self.view.addons if addon(row).kind == "eks-addon"]

    def _eks_addon(self, row: str, cluster: Cluster, after: Sequence[pulumi.Resource]) -> None:
        self.installed[row] = EksAddon(
            f"{self.view.name}-{row}",
            row,
            EksAddonArgs(cluster_name=cluster.name, depends_on=[*after, *self._before(row)]),
            pulumi.ResourceOptions(parent=self),
        )

    def _before(self, row: str) -> list[pulumi.Resource]:
        """Add-ons that stand before a row and are there already."""
        return [self.installed[one] for one in dependencies(row, self.view.addons) if one in self.installed]

    def _addons(self) -> None:
        base: list[pulumi.Resource] = [self._namespaces]
        if self.view.is_eks:
            base.append(self._nodes)
        for row in self.view.addons:
            if row in self.installed:
                continue
            opts = pulumi.ResourceOptions(
                parent=self, provider=self._kubernetes, depends_on=[*base, *self._before(row)]
            )
            self.installed[row] = component_for(row)(f"{self.view.name}-{row}", row, self.view, AddonArgs(), opts)

    def _models(self) -> None:
        if "inference" not in self.view.cluster.roles:
            return
        needed: list[pulumi.Resource] = [self._namespaces]
        needed += [self.installed[row] for row in ("istio", "kserve", "karpenter") if row in self.installed]
        for name, model in sorted(self.view.platform.models.items()):
            Model(
                name,
                model,
                self.view,
                pulumi.ResourceOptions(parent=self, provider=self._kubernetes, depends_on=needed),
            )


def _before_nodes(row: str) -> bool:
    managed = addon(row).eks_addon
    return managed is not None and managed.before_nodes
