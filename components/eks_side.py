"""The AWS side of one EKS cluster: control plane, identities, nodes, add-ons that EKS runs. Composition only.

It builds what must stand before the first Kubernetes object, and tells the in-cluster side what it made.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pulumi

from components.aws.addon import EksAddon, EksAddonArgs
from components.aws.cluster import Cluster, ClusterArgs
from components.aws.fabric import Fabric, FabricArgs, FabricSpec
from components.aws.identity import WorkloadRole, WorkloadRoleArgs
from components.aws.karpenter import Karpenter, KarpenterArgs
from components.aws.nodes import NodeGroup, NodeGroupArgs, NodeRole, NodeRoleArgs
from components.aws.reach import Reach, ReachArgs
from components.catalogue.addons import addon, dependencies
from components.foundation import Foundation
from components.k8s.addon import Peer
from components.k8s.provider import eks_kubeconfig
from components.layout import links
from components.layout.clusters import ClusterView
from components.layout.eks_addons import configuration
from components.layout.facts import Fact
from components.layout.iam import node_role
from components.layout.identities import addon_identities, team_identities
from components.layout.karpenter_iam import karpenter_node_role
from components.layout.node_groups import NodeGroupSpec, placement_groups, pool_group, system_group, uses_fabric
from components.spec.clusters import EksCluster


class EksSide(pulumi.ComponentResource):
    """An EKS cluster up to the point where Kubernetes objects can be made."""

    kubeconfig: pulumi.Output[str]
    installed: Mapping[str, pulumi.Resource]
    """Add-ons that EKS runs, by catalogue id."""
    security_group_id: pulumi.Output[str]
    """Group of the API server and of all nodes and pods."""

    def __init__(
        self,
        view: ClusterView,
        spec: EksCluster,
        foundation: Foundation,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("trellis:index:EksSide", view.name, None, opts)
        if view.names is None:
            raise ValueError(f"cluster {view.name} is an EKS cluster, but the stack file has no `aws`")
        self._view, self._spec, self._names, self._ground = view, spec, view.names, foundation
        self._child = pulumi.ResourceOptions(parent=self)
        self._addons: dict[str, pulumi.Resource] = {}
        self.installed = self._addons
        self._cluster = self._control_plane()
        self.security_group_id = self._cluster.security_group_id
        self._roles = self._addon_roles()
        self._team_roles = self._workload_roles()
        self._reaches = self._reach_storage()
        self._fabric = self._training_fabric()
        self._managed_addons(before_nodes=True)
        self._nodes = self._node_groups()
        self._managed_addons(before_nodes=False)
        self._karpenter = self._provisioner() if "karpenter" in view.addons else None
        self.kubeconfig = eks_kubeconfig(
            self._names, view.name, self._cluster.endpoint, self._cluster.certificate_authority
        )
        self.register_outputs({})

    @property
    def outputs(self) -> Mapping[str, Any]:
        """Stack outputs of this cluster."""
        full, region = self._names.cluster(self._view.name), self._names.region
        found = {
            "name": self._cluster.name,
            "kubeconfigCommand": f"aws eks update-kubeconfig --region {region} --name {full}",
        }
        if self._karpenter is not None:
            found["interruptionQueue"] = self._names.interruption_queue(self._view.name)
        return found

    @property
    def facts(self) -> Mapping[Fact, pulumi.Input[str]]:
        """What in-cluster objects need to know of AWS."""
        ground = self._ground
        found: dict[Fact, pulumi.Input[str]] = {Fact.VPC_ID: ground.vpc_id}
        if ground.shared_files is not None:
            found[Fact.SHARED_FILES_ID] = ground.shared_files.id_
        if ground.lustre is not None:
            found[Fact.LUSTRE_ID] = ground.lustre.id_
            found[Fact.LUSTRE_DNS_NAME] = ground.lustre.dns_name
            found[Fact.LUSTRE_MOUNT_NAME] = ground.lustre.mount_name
        if ground.database is not None and "mlflow" in self._view.addons:
            found[Fact.DATABASE_HOST] = ground.database.host
            found[Fact.DATABASE_CREDENTIALS_ARN] = ground.database.credentials_arn
        return found

    @property
    def cluster_name(self) -> pulumi.Output[str]:
        """Name of the EKS cluster, known once it is there."""
        return self._cluster.name

    @property
    def peer(self) -> Peer:
        """This cluster as others see it."""
        return Peer(endpoint=self._cluster.endpoint, certificate_authority=self._cluster.certificate_authority)

    @property
    def before_kubernetes(self) -> list[pulumi.Resource]:
        """What must be there as long as any Kubernetes object is: the way in (access entries) and the control plane."""
        return [self._cluster]

    @property
    def before_workloads(self) -> list[pulumi.Resource]:
        """What must be there before models and training jobs: their roles, buckets, and the way to shared files."""
        files = [one for one in (self._ground.shared_files, self._ground.lustre) if one is not None]
        return [*self._team_roles, self._ground.buckets, *files, *self._reaches.values()]

    def roles(self, row: str) -> list[pulumi.Resource]:
        """Roles of an add-on's service accounts."""
        return self._roles.get(row, [])

    def before(self, row: str) -> list[pulumi.Resource]:
        """What must be there before an add-on's pods start: nodes, its accounts' roles, and what it works on."""
        ground = self._ground
        needs: Mapping[str, Sequence[pulumi.Resource | None]] = {
            "karpenter": [self._karpenter],
            "kubeflow-pipelines": [ground.buckets],
            "mlflow": [ground.buckets, ground.database, self._reaches.get("database")],
        }
        own = [one for one in needs.get(row, []) if one is not None]
        return [self._nodes, *self.roles(row), *own]

    def values(self, row: str) -> Mapping[str, Mapping[str, Any]]:
        """Helm values by chart that are known only after deployment."""
        known: Mapping[str, Mapping[str, Any]] = {"aws-load-balancer-controller": {"vpcId": self._ground.vpc_id}}
        return {chart: known[chart] for release in addon(row).releases if (chart := release.chart) in known}

    def _control_plane(self) -> Cluster:
        args = ClusterArgs(
            names=self._names,
            cluster=self._view.name,
            protection=self._view.platform.protection,
            subnet_ids=list(self._ground.subnet_ids.values()),
        )
        return Cluster(self._view.name, self._spec, args, self._child)

    def _addon_roles(self) -> dict[str, list[pulumi.Resource]]:
        args = WorkloadRoleArgs(cluster_name=self._cluster.name)
        return {
            row: [WorkloadRole(f"{self._view.name}-{one.service_account}", one, args, self._child) for one in accounts]
            for row, accounts in addon_identities(self._view).items()
        }

    def _workload_roles(self) -> list[pulumi.Resource]:
        args = WorkloadRoleArgs(cluster_name=self._cluster.name)
        return [
            WorkloadRole(f"{self._view.name}-{key}", one, args, self._child)
            for key, one in team_identities(self._view).items()
        ]

    def _reach_storage(self) -> dict[str, pulumi.Resource]:
        """Ways from this cluster's nodes to the database and to shared files."""
        ground, name, found = self._ground, self._view.name, dict[str, pulumi.Resource]()
        source = self.security_group_id
        if ground.database is not None and "mlflow" in self._view.addons:
            args = ReachArgs(source=source, target=ground.database.security_group_id)
            found["database"] = Reach(f"{name}-database", [links.POSTGRES], args, self._child)
        if ground.shared_files is not None:
            args = ReachArgs(source=source, target=ground.shared_files.security_group_id)
            found["shared-files"] = Reach(f"{name}-shared-files", [links.NFS], args, self._child)
        if ground.lustre is not None and "training" in self._spec.roles:
            args = ReachArgs(source=source, target=ground.lustre.security_group_id, both_ways=True)
            found["lustre"] = Reach(f"{name}-lustre", links.LUSTRE, args, self._child)
        return found

    def _training_fabric(self) -> Fabric | None:
        groups = placement_groups(self._view)
        efa = uses_fabric(self._view)
        if not groups and not efa:
            return None
        spec = FabricSpec(
            group_name=self._names.fabric_group(self._view.name) if efa else None, placement_groups=groups
        )
        return Fabric(f"{self._view.name}-fabric", spec, FabricArgs(vpc_id=self._ground.vpc_id), self._child)

    def _node_groups(self) -> NodeGroup:
        """The pools whose nodes EKS starts, and the system group, which is returned: controllers need no other."""
        name, view = self._view.name, self._view
        cni_has_own = bool(self._roles.get("vpc-cni"))
        role = NodeRole(
            name,
            node_role(self._names.node_role(name), cni_has_own=cni_has_own),
            NodeRoleArgs(cluster_name=self._cluster.name, access_entry=False),
            self._child,
        )
        fabric = [self._fabric] if self._fabric else []
        efa = self._fabric.security_group_id if self._fabric else None
        args = NodeGroupArgs(
            cluster_name=self._cluster.name,
            node_role_arn=role.arn,
            subnet_ids=self._ground.subnet_ids,
            security_group_ids=[self.security_group_id, *([efa] if efa is not None else [])],
            depends_on=[role, *fabric, *self._ground.ways_out, *self._addons.values()],
        )
        groups: dict[str, NodeGroupSpec] = {"system": system_group(view, self._spec)}
        groups |= {pool: pool_group(view, pool, spec) for pool, spec in view.managed_pools.items()}
        made = {pool: NodeGroup(f"{name}-{pool}", spec, args, self._child) for pool, spec in groups.items()}
        return made["system"]

    def _managed_addons(self, *, before_nodes: bool) -> None:
        for row in self._view.addons:
            managed = addon(row).eks_addon
            if managed is None or managed.before_nodes is not before_nodes:
                continue
            first = [self._addons[one] for one in dependencies(row, self._view.addons) if one in self._addons]
            nodes = [] if before_nodes else [self._nodes]
            args = EksAddonArgs(
                cluster_name=self._cluster.name,
                configuration=configuration(row, self._view),
                depends_on=[*nodes, *self.roles(row), *first],
            )
            self._addons[row] = EksAddon(f"{self._view.name}-{row}", row, args, self._child)

    def _provisioner(self) -> Karpenter:
        name = self._view.name
        cni_has_own = bool(self._roles.get("vpc-cni"))
        args = KarpenterArgs(
            names=self._names,
            cluster=name,
            cluster_name=self._cluster.name,
            node_role=node_role(karpenter_node_role(self._names, name), cni_has_own=cni_has_own),
        )
        return Karpenter(f"{name}-karpenter", args, self._child)
