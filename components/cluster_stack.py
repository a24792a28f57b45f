"""One cluster from the control plane to the models that it serves: what is built, in which order, on which provider.

Composition only. Order comes from the catalogue (`needs`), not from the order of lines here. The AWS side of an EKS
cluster is in `eks_side`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pulumi

from components.catalogue.addons import dependencies
from components.eks_side import EksSide, EksSideArgs
from components.k8s.addon import AddonArgs
from components.k8s.models import Model
from components.k8s.namespaces import Namespaces
from components.k8s.provider import provider
from components.k8s.registry import component_for
from components.layout.clusters import ClusterView
from components.layout.inventory import pools
from components.layout.namespaces import namespaces
from components.spec.clusters import EksCluster


@dataclass(frozen=True, kw_only=True)
class ClusterStackArgs:
    """What a cluster needs from the environment's foundation."""

    eks: EksSideArgs | None = None
    """What an EKS cluster needs; None where every cluster exists already."""


class ClusterStack(pulumi.ComponentResource):
    """A cluster with everything on it."""

    def __init__(self, view: ClusterView, args: ClusterStackArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("trellis:index:ClusterStack", view.name, None, opts)
        self.view = view
        self.outputs: dict[str, Any] = {}
        self.installed: dict[str, pulumi.Resource] = {}
        child = pulumi.ResourceOptions(parent=self)
        self._eks: EksSide | None = None
        if isinstance(view.cluster, EksCluster) and view.names is not None and args.eks is not None:
            self._eks = EksSide(view, view.cluster, view.names, args.eks, child)
            self.installed.update(self._eks.installed)
            self.outputs.update(self._eks.outputs)
            kubeconfig: pulumi.Input[str] = self._eks.kubeconfig
        elif not isinstance(view.cluster, EksCluster):
            kubeconfig = view.cluster.kubeconfig
        self._kubernetes = provider(view.name, view, kubeconfig, child)
        self._in_cluster = pulumi.ResourceOptions(parent=self, provider=self._kubernetes)
        self._namespaces = Namespaces(view.name, namespaces(view), self._in_cluster)
        self._addons()
        self._models()
        self.outputs["pools"] = pools(view)
        self.register_outputs({})

    def _before(self, row: str) -> list[pulumi.Resource]:
        """What stands before an add-on: namespaces, nodes and roles, and the add-ons that the catalogue names."""
        first: list[pulumi.Resource] = [self._namespaces, *(self._eks.before(row) if self._eks else [])]
        return first + [self.installed[one] for one in dependencies(row, self.view.addons) if one in self.installed]

    def _addons(self) -> None:
        for row in self.view.addons:
            if row in self.installed:
                continue
            args = AddonArgs(values=self._eks.values(row) if self._eks else {})
            opts = pulumi.ResourceOptions(parent=self, provider=self._kubernetes, depends_on=self._before(row))
            self.installed[row] = component_for(row)(f"{self.view.name}-{row}", row, self.view, args, opts)

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
