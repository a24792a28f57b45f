"""How user interfaces are reached: by port-forward with the command printed, or behind one load balancer with login.

Behind the load balancer everything asks for the platform's OIDC login first, also what has a login of its own: an
interface without one (MLflow, Prometheus) must never be reachable without it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from components.catalogue.addon_model import Ui
from components.catalogue.addons import addon
from components.layout.clusters import ClusterView
from components.layout.mesh import GATEWAY_NAMESPACE, exposed
from components.layout.secrets import external_secret, source
from components.spec.services import Exposure

Spec = dict[str, Any]
CLIENT_SECRET = "oidc-client"  # noqa: S105 - the name of a Secret
CONTROLLER = {"kind": "ServiceAccount", "name": "aws-load-balancer-controller", "namespace": "kube-system"}
TLS_PORTS = frozenset({443, 8443})


def interfaces(view: ClusterView) -> Mapping[str, Ui]:
    """User interfaces of the add-ons that are on, by name."""
    return {ui.name: ui for row in view.addons for ui in addon(row).uis}


def rows_with_interfaces(view: ClusterView) -> list[str]:
    """Ids of the add-ons that are on and have an interface."""
    return [row for row in view.addons if addon(row).uis]


def gate(view: ClusterView) -> Exposure | None:
    """The exposure of this cluster's interfaces, where there is one and it can ask for a login."""
    return exposed(view) if source(view) == "aws" else None


def addresses(view: ClusterView) -> Mapping[str, str]:
    """How to open each interface: its address, or the command that forwards a port to it."""
    exposure = gate(view)
    if exposure is not None:
        return {name: f"https://{host(view, ui, exposure)}" for name, ui in interfaces(view).items()}
    return {name: ui.port_forward(context(view)) for name, ui in interfaces(view).items()}


def context(view: ClusterView) -> str:
    """The kubeconfig context of a cluster: what `aws eks update-kubeconfig` writes, or the one that the stack names."""
    if view.names is not None:
        return view.names.cluster_arn(view.name)
    return getattr(view.cluster, "context", view.name)


def host(view: ClusterView, ui: Ui, exposure: Exposure) -> str:
    """Host name of an exposed interface; with the cluster's name where several clusters show the same."""
    others = (ClusterView(view.platform, name) for name in view.platform.clusters if name != view.name)
    shared = any(gate(other) and ui.name in interfaces(other) for other in others)
    return f"{ui.name}-{view.name}.{exposure.domain}" if shared else f"{ui.name}.{exposure.domain}"


def dns_targets(view: ClusterView) -> Mapping[str, str]:
    """Commands that tell the load balancers to which the domain's names must point, by what stands behind them."""
    exposure, kubectl = gate(view), f"kubectl --context {context(view)}"
    path = "-o jsonpath='{.status.loadBalancer.ingress[0].hostname}'"
    found = {}
    if exposure is not None and interfaces(view):
        name, ui = next(iter(sorted(interfaces(view).items())))
        found["interfaces"] = f"{kubectl} -n {ui.namespace} get ingress {name} {path}"
    if exposure is not None and "istio" in view.addons:
        found["models"] = f"{kubectl} -n {GATEWAY_NAMESPACE} get service istio-ingress {path}"
    return found


def gated_namespaces(view: ClusterView) -> list[str]:
    """Namespaces that hold exposed interfaces."""
    return sorted({ui.namespace for ui in interfaces(view).values()}) if gate(view) else []


def ingress(view: ClusterView, ui: Ui, exposure: Exposure) -> Spec:
    """Spec of the Ingress of one interface."""
    backend = {"service": {"name": ui.service, "port": {"number": ui.port}}}
    paths = [{"path": "/", "pathType": "Prefix", "backend": backend}]
    return {"ingressClassName": "alb", "rules": [{"host": host(view, ui, exposure), "http": {"paths": paths}}]}


def ingress_annotations(view: ClusterView, ui: Ui, exposure: Exposure) -> Mapping[str, str]:
    """Annotations of that Ingress: one load balancer for all of them, HTTPS only, login before anything else."""
    oidc = exposure.oidc
    provider = {
        "issuer": oidc.issuer_url,
        "authorizationEndpoint": oidc.authorization_endpoint,
        "tokenEndpoint": oidc.token_endpoint,
        "userInfoEndpoint": oidc.user_info_endpoint,
        "secretName": CLIENT_SECRET,
    }
    settings = {
        "group.name": f"{view.full_name}-interfaces",
        "scheme": exposure.scheme,
        "target-type": "ip",
        "listen-ports": json.dumps([{"HTTPS": 443}]),
        "certificate-arn": exposure.certificate_arn,
        "ssl-policy": "ELBSecurityPolicy-TLS13-1-2-2021-06",
        "backend-protocol": "HTTPS" if ui.port in TLS_PORTS else "HTTP",
        "healthcheck-path": ui.health_path,
        "success-codes": "200-399",
        "auth-type": "oidc",
        "auth-idp-oidc": json.dumps(provider, sort_keys=True),
        "auth-on-unauthenticated-request": "authenticate",
        "auth-scope": "openid email",
        "auth-session-timeout": "28800",
    }
    return {f"alb.ingress.kubernetes.io/{key}": value for key, value in sorted(settings.items())}


def client_secret(exposure: Exposure) -> Spec:
    """Spec of the ExternalSecret with the OIDC client, under the keys that the load balancer controller reads."""
    keys = {"clientSecret": (exposure.oidc.secret_name, "clientSecret")}
    template = {"clientID": exposure.oidc.client_id, "clientSecret": "{{ .clientSecret }}"}
    return external_secret(CLIENT_SECRET, keys, template)


def reader_rules() -> list[Spec]:
    """Rules of the Role by which the load balancer controller reads that one Secret, and no other."""
    return [
        {
            "apiGroups": [""],
            "resources": ["secrets"],
            "resourceNames": [CLIENT_SECRET],
            "verbs": ["get", "list", "watch"],
        }
    ]
