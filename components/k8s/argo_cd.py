"""Argo CD in a cluster: projects, the root Application, other clusters, and Applications of the stack file."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pulumi
from pulumi_kubernetes.core.v1 import Secret

from components.k8s.addon import Addon
from components.k8s.objects import built_in, custom, metadata
from components.layout import gitops as layout
from components.layout.exposure import gate
from components.layout.links import argo_cd_targets
from components.layout.secrets import EXTERNAL_SECRET
from components.layout.values.argo_cd import LOGIN, login


def application(
    logical: str,
    name: str,
    spec: Mapping[str, Any],
    opts: pulumi.ResourceOptions,
    annotations: Mapping[str, str] | None = None,
) -> pulumi.CustomResource:
    """An Application that takes what it delivered along when it goes."""
    meta = {**metadata(name, layout.NAMESPACE, annotations=annotations), "finalizers": [layout.FINALIZER]}
    return custom(logical, f"{layout.API}/Application", meta, spec, opts)


class ArgoCd(Addon):
    """The add-on `argo-cd`."""

    row_id = "argo-cd"

    def prerequisites(self) -> list[pulumi.Resource]:
        exposure = gate(self.view)
        if exposure is None:
            return []
        meta = metadata(LOGIN, layout.NAMESPACE)
        return [custom(self._name, EXTERNAL_SECRET, meta, login(exposure), pulumi.ResourceOptions(parent=self))]

    def extras(self) -> None:
        projects: list[pulumi.Resource] = [
            custom(
                f"{self._name}-{name}",
                f"{layout.API}/AppProject",
                metadata(name, layout.NAMESPACE),
                spec,
                self.child(),
            )
            for name, spec in layout.projects(self.view).items()
        ]
        needed = [*self.releases, *projects, *(self._cluster(name) for name in argo_cd_targets(self.view))]
        after = pulumi.ResourceOptions(parent=self, depends_on=needed)
        application(f"{self._name}-{layout.ROOT}", layout.ROOT, layout.root(self.view), after)
        for name, spec in layout.applications(self.view).items():
            application(f"{self._name}-{name}", name, spec, after)

    def _cluster(self, name: str) -> pulumi.Resource:
        """Another cluster as Argo CD knows it: by role, never by token."""
        names, peer = self.view.names, self.args.peers.get(name)
        if names is None or peer is None:
            raise ValueError(f"Argo CD deploys to cluster {name}, but its address was not given")
        authority = pulumi.Output.from_input(peer.certificate_authority)
        return built_in(
            Secret,
            f"{self._name}-cluster-{name}",
            self.child(),
            metadata=metadata(f"cluster-{name}", layout.NAMESPACE, labels=layout.CLUSTER_SECRET),
            type="Opaque",
            stringData={
                "name": name,
                "server": peer.endpoint,
                "config": authority.apply(lambda known: layout.cluster_config(names, name, known)),
                **layout.cluster_scope(self.view),
            },
        )
