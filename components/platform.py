"""The whole platform: foundation in AWS, then each cluster. Composition only."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pulumi
import pulumi_aws as aws

from components.aws.network import Network, NetworkArgs
from components.catalogue.regions import region
from components.cluster_stack import ClusterStack, ClusterStackArgs
from components.eks_side import EksSide, EksSideArgs
from components.layout.clusters import views
from components.layout.names import Names, tags
from components.layout.subnets import divide
from components.spec.network import CreatedNetwork
from components.spec.platform import Aws, Platform


class AiPlatform(pulumi.ComponentResource):
    """An environment. `outputs` are the stack's outputs."""

    outputs: dict[str, Any]

    def __init__(self, name: str, spec: Platform, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("trellis:index:AiPlatform", name, None, opts)
        self._spec = spec
        self.outputs = {"environment": spec.environment}
        providers: list[pulumi.ProviderResource] = [self._aws(spec.aws)] if spec.aws else []
        inside = pulumi.ResourceOptions(parent=self, providers=providers)
        sides = self._eks_sides(spec.aws, inside) if spec.aws else {}
        clusters = {}
        for cluster, view in views(spec).items():
            peers = {name: side.peer for name, side in sides.items() if name != cluster}
            stack = ClusterStack(view, ClusterStackArgs(eks=sides.get(cluster), peers=peers), inside)
            clusters[cluster] = stack.outputs
        self.outputs["clusters"] = clusters
        self.register_outputs({})

    def _aws(self, spec: Aws) -> aws.Provider:
        """The one AWS provider: it refuses any other account and tags everything."""
        return aws.Provider(
            "aws",
            region=spec.region,
            allowed_account_ids=[spec.account_id],
            default_tags={"tags": dict(tags(self._spec))},
            opts=pulumi.ResourceOptions(parent=self),
        )

    def _eks_sides(self, spec: Aws, inside: pulumi.ResourceOptions) -> Mapping[str, EksSide]:
        """The AWS side of each EKS cluster. All come before the first Kubernetes object, which may need several."""
        found = {name: view for name, view in views(self._spec).items() if view.is_eks}
        args = self._foundation(spec, inside) if found else None
        names = Names.of(self._spec, spec)
        return {
            name: EksSide(view, self._spec.eks_clusters[name], names, args, inside)
            for name, view in found.items()
            if args is not None
        }

    def _foundation(self, spec: Aws, inside: pulumi.ResourceOptions) -> EksSideArgs:
        """The VPC and its private subnets, made or given."""
        network = self._spec.network
        if not isinstance(network, CreatedNetwork):
            subnets = [subnet for _, subnet in sorted(network.private_subnet_ids.items())]
            return EksSideArgs(vpc_id=network.vpc_id, subnet_ids=subnets)
        zones = network.zone_ids or region(spec.region).default_zone_ids
        made = Network(
            "network",
            network,
            NetworkArgs(names=Names.of(self._spec, spec), zones=divide(network, zones)),
            inside,
        )
        return EksSideArgs(vpc_id=made.vpc_id, subnet_ids=list(made.private_subnet_ids.values()))
