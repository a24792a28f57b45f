"""One cluster from the control plane to the models that it serves: what is built, in which order, on which provider.

Composition only. Order comes from the catalogue (`needs`), not from the order of lines here. The AWS side of an EKS
cluster is in `eks_side`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pulumi

from components.catalogue.addons import dependencies
from components.eks_side import EksSide
from components.k8s.addon import AddonArgs, Peer
from components.k8s.exposure import Exposure
from components.k8s.models import Model
from components.k8s.namespaces import Namespaces
from components.k8s.one_owner import OneOwner
from components.k8s.provider import provider
from components.k8s.registry import component_for, has_objects
from components.k8s.teams import Team
from components.k8s.training import TrainingJob
from components.layout.clusters import ClusterView
from components.layout.exposure import addresses, dns_targets, gate, rows_with_interfaces
from components.layout.inventory import pools
from components.layout.namespaces import namespaces
from components.layout.queues import outputs as queues
from components.layout.serving import endpoints, served
from components.layout.training import jobs
from components.spec.clusters import ExistingCluster


@dataclass(frozen=True, kw_only=True)
class ClusterStackArgs:
    """What a cluster needs from the environment's foundation."""

    eks: EksSide | None = None
    """The AWS side; None for a cluster that exists already."""
    peers: Mapping[str, Peer] = field(default_factory=dict)
    """The environment's other EKS clusters by name."""
    before: Mapping[str, Sequence[pulumi.Resource]] = field(default_factory=dict)
    """What stands before an add-on beyond its own cluster, such as the ways to other clusters."""


class ClusterStack(pulumi.ComponentResource):
    """A cluster with everything on it."""

    def __init__(self, view: ClusterView, args: ClusterStackArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("trellis:index:ClusterStack", view.name, None, opts)
        self.view = view
        self.outputs: dict[str, Any] = {}
        self.installed: dict[str, pulumi.Resource] = {}
        self._eks, self._peers, self._elsewhere = args.eks, args.peers, args.before
        if self._eks is not None:
            self.installed.update(self._eks.installed)
            self.outputs.update(self._eks.outputs)
        # The provider needs the way in for as long as anything made through it is there.
        way_in = pulumi.ResourceOptions(parent=self, depends_on=self._eks.before_kubernetes if self._eks else None)
        self._kubernetes = provider(view.name, view, self._kubeconfig(), way_in)
        self._in_cluster = pulumi.ResourceOptions(parent=self, provider=self._kubernetes)
        self._namespaces = Namespaces(view.name, namespaces(view), self._in_cluster)
        OneOwner(f"{view.name}-one-owner", view, self._in_cluster)
        self._addons()
        self._exposure()
        self._workloads()
        self.outputs |= {"pools": pools(view), "queues": queues(view), "modelEndpoints": endpoints(view)}
        self.register_outputs({})

    def _kubeconfig(self) -> pulumi.Input[str]:
        if self._eks is not None:
            return self._eks.kubeconfig
        if isinstance(self.view.cluster, ExistingCluster):
            return self.view.cluster.kubeconfig
        raise ValueError(f"cluster {self.view.name} is an EKS cluster, but its AWS side was not given")

    def _before(self, row: str) -> list[pulumi.Resource]:
        """What stands before an add-on: namespaces, nodes and roles, and the add-ons that the catalogue names."""
        first: list[pulumi.Resource] = [self._namespaces, *(self._eks.before(row) if self._eks else [])]
        first += self._elsewhere.get(row, [])
        return first + [self.installed[one] for one in dependencies(row, self.view.addons) if one in self.installed]

    def _addons(self) -> None:
        for row in self.view.addons:
            if row in self.installed and not has_objects(row):
                continue
            args = AddonArgs(
                values=self._eks.values(row) if self._eks else {},
                facts=self._eks.facts if self._eks else {},
                peers=self._peers,
            )
            opts = self._after(*self._before(row), *self._by_eks(row))
            self.installed[row] = component_for(row)(f"{self.view.name}-{row}", row, self.view, args, opts)

    def _by_eks(self, row: str) -> list[pulumi.Resource]:
        """The add-on itself where EKS installs it, and only its objects are ours to make."""
        return [self.installed[row]] if row in self.installed else []

    def _after(self, *needed: pulumi.Resource) -> pulumi.ResourceOptions:
        """Options of a component in the cluster that comes after others."""
        return pulumi.ResourceOptions(parent=self, provider=self._kubernetes, depends_on=list(needed))

    def _exposure(self) -> None:
        """Interfaces behind a load balancer. They go before its controller and before what they show."""
        exposure = gate(self.view)
        if exposure is not None:
            rows = ("aws-load-balancer-controller", "external-secrets", *rows_with_interfaces(self.view))
            needed = [self.installed[row] for row in rows if row in self.installed]
            Exposure(f"{self.view.name}-exposure", exposure, self.view, self._after(*needed))
        self.outputs["userInterfaces"] = dict(addresses(self.view))
        if exposure is not None:
            self.outputs["dnsTargets"] = dict(dns_targets(self.view))

    def _workloads(self) -> None:
        """Teams, then what runs in their namespaces: models that are served, jobs that train."""
        needed: list[pulumi.Resource] = [self._namespaces, *(self._eks.before_workloads if self._eks else [])]
        platform = self.view.platform
        teams = {
            name: Team(f"{self.view.name}-{name}", name, team, self.view, self._after(*needed))
            for name, team in sorted(platform.teams.items())
        }
        serving = self._installed("istio", "kserve", "keda", "karpenter", "gpu-operator")
        for name, model in sorted(served(self.view).items()):
            Model(name, model, self.view, self._after(*needed, *serving, teams[model.team]))
        training = self._installed("kubeflow-trainer", "kueue", "karpenter", "gpu-operator", "efa-device-plugin")
        for name, job in jobs(self.view).items():
            TrainingJob(name, job, self.view, self._after(*needed, *training, teams[job.team]))

    def _installed(self, *rows: str) -> list[pulumi.Resource]:
        """Those of some add-ons that are on."""
        return [self.installed[row] for row in rows if row in self.installed]
