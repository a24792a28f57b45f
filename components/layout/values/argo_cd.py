"""Values of the Argo CD chart: its address, its login, what it must not fight over."""

from __future__ import annotations

import json
from typing import Any

from components.layout.clusters import ClusterView
from components.layout.exposure import gate, host, interfaces
from components.layout.secrets import external_secret
from components.spec.services import Exposure

NAMESPACE = "argocd"
LOGIN = "argocd-oidc"
"""Secret with the OIDC client's secret; Argo CD reads it by its `part-of` label."""
PART_OF = {"app.kubernetes.io/part-of": "argocd"}
_CA_BUNDLES = json.dumps({"jqPathExpressions": [".webhooks[]?.clientConfig.caBundle"]})
_WEBHOOKS = "resource.customizations.ignoreDifferences.admissionregistration.k8s.io"


def values(view: ClusterView) -> dict[str, Any]:
    """Single sign-on where the environment is exposed; there everybody may look and only the admin may change."""
    exposure = gate(view)
    ui = interfaces(view)["argo-cd"]
    address = host(view, ui, exposure) if exposure is not None else f"localhost:{ui.local_port}"
    settings = {
        "url": f"https://{address}",
        # cert-manager writes these into webhooks that a tree brings; putting them back would break the webhooks.
        f"{_WEBHOOKS}_MutatingWebhookConfiguration": _CA_BUNDLES,
        f"{_WEBHOOKS}_ValidatingWebhookConfiguration": _CA_BUNDLES,
    }
    if exposure is not None:
        settings["oidc.config"] = json.dumps(_oidc(exposure), sort_keys=True)
    rights = {"policy.default": "role:readonly" if exposure is not None else ""}
    # Dex would broker other logins; the issuer is asked directly.
    return {"dex": {"enabled": False}, "configs": {"cm": settings, "rbac": rights}}


def _oidc(exposure: Exposure) -> dict[str, Any]:
    return {
        "name": "SSO",
        "issuer": exposure.oidc.issuer_url,
        "clientID": exposure.oidc.client_id,
        "clientSecret": f"${LOGIN}:clientSecret",
        "requestedScopes": ["openid", "profile", "email"],
    }


def login(exposure: Exposure) -> dict[str, Any]:
    """Spec of the ExternalSecret with the OIDC client's secret."""
    spec = external_secret(
        LOGIN, {"clientSecret": (exposure.oidc.secret_name, "clientSecret")}, {"clientSecret": "{{ .clientSecret }}"}
    )
    spec["target"]["template"]["metadata"] = {"labels": dict(PART_OF)}
    return spec
