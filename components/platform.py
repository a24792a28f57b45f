"""The whole platform: foundation in AWS, the AWS side of each cluster, what links them, then each cluster's inside.

Composition only.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pulumi
import pulumi_aws as aws

from components.aws.deployer import Deployer, DeployerArgs, DeployerSpec
from components.aws.reach import Reach, ReachArgs
from components.aws.tagging import tagged
from components.cluster_stack import ClusterStack, ClusterStackArgs
from components.eks_side import EksSide
from components.foundation import Foundation
from components.layout.clusters import ClusterView, views
from components.layout.identities import addon_identities
from components.layout.links import argo_cd_targets, deployed_namespaces, links
from components.layout.names import Names, tags
from components.spec.platform import Aws, Platform


class AiPlatform(pulumi.ComponentResource):
    """An environment. `outputs` are the stack's outputs."""

    outputs: dict[str, Any]

    def __init__(self, name: str, spec: Platform, opts: pulumi.ResourceOptions | None = None) -> None:
        found_again = pulumi.ResourceOptions(transformations=[tagged(pulumi.get_stack())])
        super().__init__("trellis:index:AiPlatform", name, None, pulumi.ResourceOptions.merge(found_again, opts))
        self._spec = spec
        self.outputs = {"environment": spec.environment}
        providers: list[pulumi.ProviderResource] = [self._aws(spec.aws)] if spec.aws else []
        self._inside = pulumi.ResourceOptions(parent=self, providers=providers)
        sides = self._eks_sides(spec.aws) if spec.aws and spec.eks_clusters else {}
        paths = self._paths(sides)
        clusters = {}
        for cluster, view in views(spec).items():
            args = ClusterStackArgs(
                eks=sides.get(cluster),
                peers={name: side.peer for name, side in sides.items() if name != cluster},
                before={"argo-cd": [*paths, *self._deployers(view, sides)]},
            )
            clusters[cluster] = ClusterStack(view, args, self._inside).outputs
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

    def _eks_sides(self, spec: Aws) -> Mapping[str, EksSide]:
        """The AWS side of each EKS cluster. All come before the first Kubernetes object, which may need several."""
        foundation = Foundation("foundation", self._spec, Names.of(self._spec, spec), self._inside)
        self.outputs |= foundation.outputs
        found = views(self._spec)
        return {
            name: EksSide(found[name], cluster, foundation, self._inside)
            for name, cluster in self._spec.eks_clusters.items()
        }

    def _paths(self, sides: Mapping[str, EksSide]) -> list[pulumi.Resource]:
        """Network paths between clusters, which share a VPC: security groups are all that stands between them."""
        return [
            Reach(
                f"{link.source}-to-{link.target}",
                link.openings,
                ReachArgs(source=sides[link.source].security_group_id, target=sides[link.target].security_group_id),
                self._inside,
            )
            for link in links(self._spec)
        ]

    def _deployers(self, home: ClusterView, sides: Mapping[str, EksSide]) -> list[pulumi.Resource]:
        """Roles by which Argo CD of one cluster deploys into the others; none where it does not run."""
        if home.names is None:
            return []
        names, accounts = home.names, addon_identities(home).get("argo-cd", ())
        made: list[pulumi.Resource] = []
        for target in argo_cd_targets(home):
            spec = DeployerSpec(
                role_name=names.argo_cd_target_role(target),
                trusted_role_arns=tuple(names.role_arn(one.role_name) for one in accounts),
                namespaces=deployed_namespaces(self._spec),
            )
            args = DeployerArgs(cluster_name=sides[target].cluster_name, trusted=sides[home.name].roles("argo-cd"))
            made.append(Deployer(f"{target}-argo-cd", spec, args, self._inside))
        return made
