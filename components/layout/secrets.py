"""How secrets reach pods: External Secrets reads AWS Secrets Manager and writes Kubernetes Secrets; charts name those.

No secret passes through a stack file, a Helm value or the state. Where there is no Secrets Manager (on premises), the
operator makes random ones inside the cluster.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from components.catalogue.addons import namespaces
from components.layout.clusters import ClusterView

Spec = dict[str, Any]
STORE = "aws-secrets-manager"
EXTERNAL_SECRET = "external-secrets.io/v1/ExternalSecret"  # noqa: S105 - the name of a kind
CLUSTER_STORE = "external-secrets.io/v1/ClusterSecretStore"
PASSWORD = "generators.external-secrets.io/v1alpha1/Password"  # noqa: S105 - the name of a kind
REFRESH = "1h"


def source(view: ClusterView) -> Literal["aws", "generated"] | None:
    """Where secrets come from in a cluster; None where nobody delivers them."""
    if "external-secrets" not in view.addons:
        return None
    return "aws" if view.names else "generated"


def cluster_store(view: ClusterView, region: str) -> Spec:
    """Spec of the store. The operator's own Pod Identity reads; only add-ons' namespaces may use it, never a team's."""
    allowed = [name for name, row in namespaces(view.addons).items() if row.create]
    return {
        "provider": {"aws": {"service": "SecretsManager", "region": region}},
        "conditions": [{"namespaces": allowed}],
    }


def external_secret(
    target: str, keys: Mapping[str, tuple[Any, str]], template: Mapping[str, str] | None = None
) -> Spec:
    """Spec of an ExternalSecret: `keys` maps each key of the Secret to a name in Secrets Manager and a property there.

    A name may be an ARN that only a deployment tells. With a `template` the Secret has the template's keys instead.
    """
    return {
        "refreshInterval": REFRESH,
        "secretStoreRef": {"kind": "ClusterSecretStore", "name": STORE},
        "target": _target(target, template),
        "data": [
            {"secretKey": key, "remoteRef": {"key": name, "property": part}}
            for key, (name, part) in sorted(keys.items())
        ],
    }


def generated_secret(target: str, generator: str, template: Mapping[str, str]) -> Spec:
    """Spec of an ExternalSecret that is made once from a password generator of the namespace."""
    reference = {"apiVersion": PASSWORD.rpartition("/")[0], "kind": "Password", "name": generator}
    return {
        "refreshPolicy": "CreatedOnce",
        "target": _target(target, template),
        "dataFrom": [{"sourceRef": {"generatorRef": reference}}],
    }


def password_generator() -> Spec:
    """Spec of a generator of 32 letters and digits, which every program takes."""
    return {"length": 32, "digits": 8, "symbols": 0, "noUpper": False, "allowRepeat": True}


def _target(name: str, template: Mapping[str, str] | None) -> Spec:
    target: Spec = {"name": name, "creationPolicy": "Owner"}
    if template is not None:
        target["template"] = {"engineVersion": "v2", "data": dict(sorted(template.items()))}
    return target
