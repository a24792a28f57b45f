"""The mesh as plain manifests: mutual TLS everywhere, and the gateway's door where the platform is exposed."""

from __future__ import annotations

from typing import Any

from components.layout.clusters import ClusterView
from components.spec.services import Exposure

Spec = dict[str, Any]
GATEWAY_NAMESPACE = "istio-ingress"
GATEWAY_NAME = "models"
GATEWAY = f"{GATEWAY_NAMESPACE}/{GATEWAY_NAME}"
"""How a VirtualService names the gateway."""
GATEWAY_PODS = {"istio": "ingress"}
"""Labels of the gateway's pods: the release's name without its prefix `istio-`."""
PLAIN_PORT = 80
"""Port of the gateway's pods behind the load balancer, which ends TLS."""


def exposed(view: ClusterView) -> Exposure | None:
    """How this cluster is reached from outside; only EKS has load balancers that the platform can make."""
    return view.platform.exposure if view.is_eks and "aws-load-balancer-controller" in view.addons else None


def strict_mtls() -> Spec:
    """Spec of the PeerAuthentication of the whole mesh."""
    return {"mtls": {"mode": "STRICT"}}


def gateway(exposure: Exposure) -> Spec:
    """Spec of the Gateway. The network load balancer ends TLS with the ACM certificate and forwards plain HTTP."""
    port = {"number": 443, "name": "http", "protocol": "HTTP"}
    return {"selector": dict(GATEWAY_PODS), "servers": [{"port": port, "hosts": [f"*.{exposure.domain}"]}]}


def request_authentication(exposure: Exposure) -> Spec:
    """Spec of the RequestAuthentication: tokens of the platform's issuer; a bad token is refused."""
    return {
        "selector": {"matchLabels": dict(GATEWAY_PODS)},
        "jwtRules": [{"issuer": exposure.oidc.issuer_url, "forwardOriginalToken": True}],
    }


def authorization(exposure: Exposure) -> Spec:
    """Spec of the AuthorizationPolicy: nobody comes through the gateway without a token of the platform's issuer."""
    source = {"source": {"requestPrincipals": [f"{exposure.oidc.issuer_url}/*"]}}
    return {"selector": {"matchLabels": dict(GATEWAY_PODS)}, "action": "ALLOW", "rules": [{"from": [source]}]}


def gateway_service(exposure: Exposure | None) -> Spec:
    """Value `service` of the gateway chart: inside the cluster only, or behind a network load balancer."""
    status = {"name": "status-port", "port": 15021, "targetPort": 15021, "protocol": "TCP"}
    if exposure is None:
        plain = {"name": "http2", "port": 80, "targetPort": PLAIN_PORT, "protocol": "TCP"}
        return {"type": "ClusterIP", "ports": [status, plain]}
    prefix = "service.beta.kubernetes.io/aws-load-balancer"
    return {
        "type": "LoadBalancer",
        "loadBalancerClass": "service.k8s.aws/nlb",
        "ports": [{"name": "https", "port": 443, "targetPort": PLAIN_PORT, "protocol": "TCP"}],
        "annotations": {
            f"{prefix}-nlb-target-type": "ip",
            f"{prefix}-scheme": exposure.scheme,
            f"{prefix}-ssl-cert": exposure.certificate_arn,
            f"{prefix}-ssl-ports": "443",
            f"{prefix}-ssl-negotiation-policy": "ELBSecurityPolicy-TLS13-1-2-2021-06",
            f"{prefix}-backend-protocol": "tcp",
            f"{prefix}-healthcheck-protocol": "http",
            f"{prefix}-healthcheck-port": "15021",
            f"{prefix}-healthcheck-path": "/healthz/ready",
        },
    }
