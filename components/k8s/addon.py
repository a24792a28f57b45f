"""An add-on in a cluster, from its catalogue row: its releases in order, then the objects that only it understands."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

import pulumi
from pulumi_kubernetes.helm.v3 import Release, RepositoryOptsArgs

from components.catalogue.addon_model import Addon as Row
from components.catalogue.addons import addon
from components.layout.clusters import ClusterView
from components.layout.facts import Fact
from components.layout.values import overlay, values_of

TIMEOUT_SECONDS = 900
"""How long Helm waits for a release; images of several GB are pulled on first install."""


@dataclass(frozen=True, kw_only=True)
class Peer:
    """Another cluster of the environment, as Argo CD must know it."""

    endpoint: pulumi.Input[str]
    certificate_authority: pulumi.Input[str]
    """Base64, as in a kubeconfig."""


@dataclass(frozen=True, kw_only=True)
class AddonArgs:
    """What add-ons take from other components, known only after deployment."""

    values: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    """Further Helm values by chart, such as the address of a database."""
    facts: Mapping[Fact, pulumi.Input[str]] = field(default_factory=dict)
    """Values that AWS gives, such as the id of a file system."""
    peers: Mapping[str, Peer] = field(default_factory=dict)
    """The environment's other EKS clusters by name."""


class Addon(pulumi.ComponentResource):
    """Installs one catalogue row. Subclasses add objects; they name the row by `row_id`."""

    row_id: ClassVar[str] = ""

    def __init__(
        self,
        name: str,
        row_id: str,
        view: ClusterView,
        args: AddonArgs,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        self.row: Row = addon(row_id)
        super().__init__(f"trellis:k8s:{_type_name(row_id)}", name, None, opts)
        self.view, self.args, self._name = view, args, name
        self.releases: list[Release] = []
        self.first = self.prerequisites()
        for release in self.row.releases:
            self._install(release.chart)
        self.extras()
        self.register_outputs({})

    def prerequisites(self) -> list[pulumi.Resource]:
        """Objects that the pods of the charts need to start, such as a Secret; they are there before the releases."""
        return []

    def late_values(self, chart: str) -> Mapping[str, Any]:
        """Helm values that are known only after deployment."""
        return self.args.values.get(chart, {})

    def extras(self) -> None:
        """Objects beyond the charts. They depend on the releases, so that they go before their controller does."""

    def child(self) -> pulumi.ResourceOptions:
        """Options of an object that needs this add-on's controllers."""
        return pulumi.ResourceOptions(parent=self, depends_on=list(self.releases))

    def _install(self, chart: str) -> None:
        release = self.row.release(chart)
        self.releases.append(
            Release(
                f"{self._name}-{chart}" if chart != self.row.id else self._name,
                name=release.release_name,
                namespace=release.namespace,
                chart=release.oci or release.chart,
                version=release.version,
                repository_opts=RepositoryOptsArgs(repo=release.repository) if release.repository else None,
                values=overlay(values_of(self.row, release, self.view), self.late_values(chart)),
                skip_crds=release.skip_crds,
                create_namespace=False,
                atomic=False,
                timeout=TIMEOUT_SECONDS,
                opts=pulumi.ResourceOptions(parent=self, depends_on=[*self.first, *self.releases]),
            )
        )


def _type_name(row_id: str) -> str:
    return "".join(part.capitalize() for part in row_id.split("-"))
