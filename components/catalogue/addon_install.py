"""How one add-on is installed: Helm releases with their CRDs and hooks, EKS add-ons, kustomize trees.

Part of the row model of `components.catalogue.addon_model`.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator
from pydantic.alias_generators import to_camel

Name = Annotated[str, StringConstraints(pattern=r"^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$", max_length=253)]


class Row(BaseModel):
    """Base of every part of a row: frozen, unknown keys refused, no coercion."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, alias_generator=to_camel, populate_by_name=True)


class Crd(Row):
    """A CustomResourceDefinition that the add-on brings; `versions` lists served versions, storage first."""

    name: Name
    kind: str
    scope: Literal["Namespaced", "Cluster"]
    versions: tuple[str, ...] = Field(min_length=1)

    @property
    def group(self) -> str:
        """API group, the part of the name behind the plural."""
        return self.name.split(".", 1)[1]


class Crds(Row):
    """How CRDs come and whether Helm upgrades them.

    ``templates``: rendered and upgraded with the chart; ``crds-folder``: installed once, never upgraded by
    Helm; ``separate-chart``: an earlier release of the same row brings them; ``none``: the chart has none.
    `keep` marks CRDs that stay after an uninstall.
    """

    how: Literal["templates", "crds-folder", "separate-chart", "none"]
    switch: str | None = None
    keep: bool = False
    provides: tuple[Crd, ...] = ()

    @model_validator(mode="after")
    def _agree(self) -> Crds:
        if self.provides and self.how in ("none", "separate-chart"):
            raise ValueError(f"a chart whose CRDs are '{self.how}' provides none itself")
        if not self.provides and self.how in ("templates", "crds-folder"):
            raise ValueError(f"name the CRDs that come with '{self.how}'")
        return self


class Hooks(Row):
    """Helm hooks of a chart: why a plain rendering is (not) enough.

    `matters`: ``no`` (tests only), ``gate`` (waits only), ``install``, ``upgrade`` or ``teardown`` when
    something needed is made or removed by the hook. `weakest_pod_security` is that of the hook pods.
    """

    kinds: tuple[str, ...] = Field(min_length=1)
    what: str
    matters: Literal["no", "gate", "install", "upgrade", "teardown"]
    switch: str | None = None


class Requests(Row):
    """Containers to which the chart gives no resource requests, and the value path that sets them.

    `path` is None when the chart offers none: then only a LimitRange of the namespace can.
    """

    containers: tuple[str, ...] = Field(min_length=1)
    path: str | None


class Release(Row):
    """One Helm release of an add-on, in install order within the row.

    Exactly one of `repository` (https) and `oci` (full reference) is set. `values` holds only what this
    platform always sets because the chart's default would be wrong here; `because` says why, per value.
    """

    chart: str
    repository: str | None = None
    oci: str | None = None
    version: str
    app_version: str
    release_name: Name
    namespace: Name
    crds: Crds = Crds(how="none")
    skip_crds: bool = False
    hooks: Hooks | None = None
    values: dict[str, Any] = Field(default_factory=dict)
    because: dict[str, str] = Field(default_factory=dict)
    missing_requests: tuple[Requests, ...] = ()
    reproducible: bool = True

    @model_validator(mode="after")
    def _one_origin(self) -> Release:
        if (self.repository is None) == (self.oci is None):
            raise ValueError(f"chart {self.chart}: give either 'repository' or 'oci'")
        if self.oci is not None and not self.oci.startswith("oci://"):
            raise ValueError(f"chart {self.chart}: an OCI reference starts with oci://")
        return self


class EksAddon(Row):
    """An add-on that EKS itself runs. A `version` of None leaves EKS its default, and `version_reason` says why.

    `before_nodes`: installed before the first node group; the others report DEGRADED until nodes exist.
    """

    name: Name
    version: str | None
    version_reason: str | None = None
    before_nodes: bool
    configuration: dict[str, Any] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _reasoned(self) -> EksAddon:
        if (self.version is None) == (self.version_reason is None):
            raise ValueError(f"EKS add-on {self.name}: give a version, or a reason for having none")
        return self


class Kustomize(Row):
    """One kustomize tree at a pinned tag; trees of a row are applied in order.

    `remote_bases`: what the tree itself pulls from the network while it is built, which Argo CD must reach.
    `omit`: objects of the tree (``Kind/name``) that somebody else owns; the Application removes them by patch.
    `secrets`: Secrets of the tree whose content everybody knows, with the keys that replace it where External
    Secrets runs; ``{{ .password }}`` stands for a generated password.
    """

    repository: str = Field(pattern=r"^https://")
    tag: str
    commit: str = Field(pattern=r"^[0-9a-f]{40}$")
    path: str
    namespace: Name
    crds: tuple[Crd, ...] = ()
    server_side_apply: bool = True
    remote_bases: tuple[str, ...] = ()
    omit: tuple[str, ...] = ()
    secrets: dict[str, dict[str, str]] = Field(default_factory=dict)
