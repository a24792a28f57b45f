"""Teams in a cluster: quota, defaults and accounts of their namespaces."""

from __future__ import annotations

import pulumi
from pulumi_kubernetes.core.v1 import LimitRange, ResourceQuota, ServiceAccount

from components.k8s.objects import built_in, metadata
from components.layout import teams as layout
from components.layout.clusters import ClusterView
from components.spec.workloads import Team as TeamSpec


class Team(pulumi.ComponentResource):
    """What a team's namespace holds. The namespace itself comes with all the others."""

    def __init__(
        self, name: str, team: str, spec: TeamSpec, view: ClusterView, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("trellis:k8s:Team", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        hard = {"hard": dict(layout.quota(view, spec))}
        defaults = built_in(LimitRange, name, child, metadata=metadata("defaults", team), spec=layout.limit_range())
        # The quota refuses pods that request nothing, so the defaults are there first.
        after = pulumi.ResourceOptions(parent=self, depends_on=[defaults])
        built_in(ResourceQuota, name, after, metadata=metadata("team", team), spec=hard)
        for account in layout.service_accounts(view):
            built_in(
                ServiceAccount,
                f"{name}-{account}",
                child,
                metadata=metadata(account, team),
                automountServiceAccountToken=False,
            )
        self.register_outputs({})
