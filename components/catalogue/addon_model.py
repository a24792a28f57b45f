"""The shape of one add-on row (``data/addons/<id>.yaml``).

A row says what an add-on is and needs, once, for everyone: the components that install it, the policies that
judge it, the preview that orders it. Environment-dependent values (names, sizes, domains) are not in it.
Keys are camelCase in the files and snake_case here.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, StringConstraints, model_validator

from components.catalogue.addon_install import Crd, EksAddon, Kustomize, Name, Release, Row
from components.catalogue.kubernetes import Span

Kind = Literal["helm", "eks-addon", "argocd-application", "resources"]
ClusterRole = Literal["training", "inference", "shared", "every"]
Target = Literal["eks", "existing"]
PodSecurity = Literal["privileged", "baseline", "restricted"]
AddonId = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9]*(-[a-z0-9]+)*$")]
BOTH_TARGETS: tuple[Target, ...] = ("eks", "existing")


class Need(Row):
    """Another add-on that must be there before this one.

    `targets` narrows the need to some platforms: an EKS add-on cannot be needed on a cluster that is not EKS.
    """

    id: AddonId
    why: str = Field(min_length=10)
    targets: tuple[Target, ...] = BOTH_TARGETS


class Namespace(Row):
    """A namespace the add-on lives in, and the weakest Pod Security level that admits all its pods.

    `create` is false for namespaces that are there already (``kube-system``). `daemon_pods` says that pods run
    on every node, so that no fixed pod quota fits.
    """

    name: Name
    pod_security: PodSecurity
    create: bool = True
    daemon_pods: bool = False
    inject_mesh: bool = False


class PodIdentity(Row):
    """A service account that needs AWS rights; `managed_policies` are ARN tails behind ``policy/``.

    `actions` lists what upstream asks for beyond them; scoping them is the work of the AWS components.
    `optional`: only for the use that `purpose` names.
    """

    namespace: Name
    service_account: Name
    purpose: str
    managed_policies: tuple[str, ...] = ()
    actions: tuple[str, ...] = ()
    optional: bool = False


class Gate(Row):
    """A webhook with failurePolicy Fail that can block objects of others while its pods are down.

    `resources` are built-in resources as ``group/plural`` (``core/pods``) and `scope` upstream's own reach.
    `here` says what the values of this row make of it, where they narrow it or switch it off.
    """

    resources: tuple[str, ...] = Field(min_length=1)
    scope: str
    here: str | None = None


class Ready(Row):
    """What shows that the add-on works: a workload rolled out, or a field/condition of an object.

    For workloads only kind and name are set. Else exactly one of `condition` (a status condition that must
    be True) and `field` with `value`.
    """

    kind: str
    name: str
    namespace: Name | None = None
    api_version: str | None = None
    condition: str | None = None
    field: str | None = None
    value: str | None = None


class ApiServerPort(Row):
    """A port that the control plane must reach on the pod (webhook, aggregated API, CRD conversion)."""

    service: Name
    namespace: Name
    service_port: int = Field(ge=1, le=65535)
    pod_port: int = Field(ge=1, le=65535)
    purpose: Literal["webhook", "aggregated-api", "conversion"]


class PodScrape(Row):
    """One PodMonitor's worth: pods by label, and the named port with metrics."""

    name: Name
    namespace: Name
    selector: dict[str, str] = Field(min_length=1)
    port: str
    pod_port: int = Field(ge=1, le=65535)
    path: str = "/metrics"
    scheme: Literal["http", "https"] = "http"


class Metrics(Row):
    """How Prometheus sees the add-on.

    ``chart``: the values in `switches` make the chart bring ServiceMonitors, so the monitoring CRDs must be
    there first. ``platform``: the add-on comes before the monitoring stack (or brings no monitor), so the
    platform writes PodMonitors from `pods` afterwards. ``none``: `reason` says why.
    """

    by: Literal["chart", "platform", "none"]
    switches: tuple[str, ...] = ()
    pods: tuple[PodScrape, ...] = ()
    reason: str | None = None

    @model_validator(mode="after")
    def _complete(self) -> Metrics:
        fields = {"chart": "switches", "platform": "pods", "none": "a reason"}
        has = {"chart": bool(self.switches), "platform": bool(self.pods), "none": bool(self.reason)}
        if not has[self.by]:
            raise ValueError(f"metrics by '{self.by}' need {fields[self.by]}")
        return self


class Ui(Row):
    """A web page of the add-on. `login` is what it asks of a visitor as installed.

    ``none`` is exposed only behind the platform's OIDC login. `health_path` answers without a login, and to any
    Host header: the load balancer asks by address.
    """

    name: Name
    namespace: Name
    service: Name
    port: int = Field(ge=1, le=65535)
    local_port: int = Field(ge=1024, le=65535)
    login: Literal["none", "basic", "oidc"]
    health_path: str = Field(default="/", pattern=r"^/")
    note: str | None = None

    def port_forward(self, context: str) -> str:
        """The command that opens the page on this machine through the kubeconfig context given."""
        return (
            f"kubectl --context {context} -n {self.namespace} port-forward"
            f" svc/{self.service} {self.local_port}:{self.port}"
        )


class Quota(Row):
    """Ceiling for the add-on's namespace: chosen by this platform, not a fact of upstream.

    Pods and requests (CPU in millicores, memory in GiB) with room for a rolling update of everything. Only
    for namespaces without pods on every node.
    """

    namespace: Name
    pods: int = Field(gt=0)
    cpu_millis: int = Field(gt=0)
    memory_gib: int = Field(gt=0)


class Held(Row):
    """Objects that keep something alive outside themselves, and must go before the add-on does."""

    kind: str = Field(pattern=r"^[A-Za-z0-9.-]+/[A-Z][A-Za-z0-9]+$|^[A-Z][A-Za-z]+$")
    finalizer: str | None
    effect: str


class Teardown(Row):
    """What to remove before the add-on, what stays behind, and what to know."""

    held: tuple[Held, ...] = ()
    left_behind: tuple[str, ...] = ()
    note: str | None = None


class Support(Row):
    """Upstream's claims about Kubernetes minors; see `components.catalogue.kubernetes`."""

    low: str | None = None
    high: str | None = None
    tested_low: str | None = None
    tested_high: str | None = None
    source: str

    @property
    def supported(self) -> Span:
        """The range that upstream states."""
        return Span.parse(self.low, self.high)

    @property
    def tested(self) -> Span | None:
        """The range that upstream tests, where it names one."""
        return Span.parse(self.tested_low, self.tested_high) if self.tested_low or self.tested_high else None

    @model_validator(mode="after")
    def _parse(self) -> Support:
        _ = self.supported, self.tested
        return self


class Addon(Row):
    """One add-on of the platform.

    `cluster_role`: which cluster carries it where training and inference are apart. `targets`: the kinds of
    platform it exists on. `foundation`: every row without it is installed after all enabled rows with it.
    `needs` must be enabled too; `wants` only order the install when both are. `creates` lists the custom
    resource kinds (``group/Kind``) that the platform itself makes under it; `load_balancers` the Services of
    type LoadBalancer it brings; `host_network` the workloads that no NetworkPolicy reaches.
    """

    id: AddonId
    title: str
    purpose: str
    kind: Kind
    cluster_role: ClusterRole
    targets: tuple[Target, ...] = Field(default=BOTH_TARGETS, min_length=1)
    default_enabled: bool
    foundation: bool = False
    needs: tuple[Need, ...] = ()
    wants: tuple[AddonId, ...] = ()
    kubernetes: Support
    namespaces: tuple[Namespace, ...] = Field(min_length=1)
    releases: tuple[Release, ...] = ()
    eks_addon: EksAddon | None = None
    kustomize: tuple[Kustomize, ...] = ()
    identities: tuple[PodIdentity, ...] = ()
    creates: tuple[str, ...] = ()
    gates: tuple[Gate, ...] = ()
    ready: tuple[Ready, ...] = Field(min_length=1)
    metrics: Metrics
    api_server_ports: tuple[ApiServerPort, ...] = ()
    host_network: tuple[str, ...] = ()
    load_balancers: tuple[str, ...] = ()
    uis: tuple[Ui, ...] = ()
    quotas: tuple[Quota, ...] = ()
    teardown: Teardown = Teardown()
    notes: tuple[str, ...] = ()
    sources: tuple[str, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _installed_one_way(self) -> Addon:
        has = {
            "helm": bool(self.releases),
            "eks-addon": self.eks_addon is not None,
            "argocd-application": bool(self.kustomize),
        }
        wrong = [kind for kind, there in has.items() if there != (kind == self.kind)]
        if wrong:
            raise ValueError(f"{self.id}: kind '{self.kind}' and the install parts disagree about {wrong}")
        return self

    @model_validator(mode="after")
    def _namespaces_known(self) -> Addon:
        known = {namespace.name for namespace in self.namespaces}
        used = {release.namespace for release in self.releases} | {tree.namespace for tree in self.kustomize}
        used |= {quota.namespace for quota in self.quotas}
        if used - known:
            raise ValueError(f"{self.id}: namespaces {sorted(used - known)} are used but not listed")
        fixed = {namespace.name for namespace in self.namespaces if not namespace.daemon_pods}
        unfit = {quota.namespace for quota in self.quotas} - fixed
        if unfit:
            raise ValueError(f"{self.id}: no fixed quota fits {sorted(unfit)}, which has pods on every node")
        return self

    @property
    def crds(self) -> tuple[Crd, ...]:
        """All CRDs that the add-on brings, in install order."""
        charts = [crd for release in self.releases if not release.skip_crds for crd in release.crds.provides]
        return (*charts, *(crd for tree in self.kustomize for crd in tree.crds))

    def release(self, chart: str) -> Release:
        """The release of one chart of the row; raise KeyError naming the charts there are."""
        for release in self.releases:
            if release.chart == chart:
                return release
        raise KeyError(f"add-on {self.id} has no chart {chart}; it has {[r.chart for r in self.releases]}")
