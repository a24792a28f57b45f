"""Environments and views for tests of what stands inside a cluster."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from components.catalogue.addons import addons
from components.layout.clusters import ClusterView
from components.spec.platform import Platform
from tests.components.aws import builders as base
from tests.components.aws.builders import ALL_ADDONS, Values
from trellis.plan import Plan, Resource

RELEASE = "kubernetes:helm.sh/v3:Release"

OIDC = {
    "issuerUrl": "https://login.example.com",
    "authorizationEndpoint": "https://login.example.com/authorize",
    "tokenEndpoint": "https://login.example.com/token",
    "userInfoEndpoint": "https://login.example.com/userinfo",
    "clientId": "trellis",
    "secretName": "trellis/oidc",
}
EXPOSED: Values = {
    "exposure": {
        "domain": "ml.example.com",
        "certificateArn": "arn:aws:acm:us-east-1:111122223333:certificate/3d5f8a10-5a2f-4c52-9f7e-0c6d4a1b2c3d",
        "oidc": OIDC,
    }
}
MODEL: Values = {
    "models": {
        "llm-inference": {
            "team": "research",
            "service": "llm-service",
            "resources": {"cpu": 2, "memoryGib": 4},
            "versions": {
                "v1": {"release": "v1.0.0", "image": "registry/llm:v1.0.0", "weight": 90},
                "v2": {"release": "v1.1.0", "image": "registry/llm:v1.1.0", "weight": 10},
            },
        }
    }
}
ON_PREMISES: Values = {
    "aws": None,
    "clusters": {
        "main": None,
        "dc1": {
            "kind": "existing",
            "kubernetesVersion": "1.35",
            "kubeconfig": "~/.kube/config",
            "context": "dc1",
            "storageClass": "local-path",
        },
    },
}
TWO_TEAMS: Values = {"teams": {"research": {"gpus": 8}, "search": {"gpus": 2}}}


def plan(*layers: Values) -> Plan:
    """The recorded plan of a small EKS environment under these layers, with every add-on as the catalogue has it."""
    return base.plan(ALL_ADDONS, *layers)


def platform(*layers: Values) -> Platform:
    """The spec of such an environment."""
    return base.platform(ALL_ADDONS, *layers)


def view(*layers: Values, cluster: str = "main") -> ClusterView:
    """One cluster of such an environment."""
    return base.view(ALL_ADDONS, *layers, cluster=cluster)


def switched(on: bool, *rows: str) -> Values:
    """Add-ons switched on or off."""
    return {"addons": dict.fromkeys(rows, on)}


def every_addon() -> Values:
    """All rows of the catalogue on, also those that are off by default."""
    return switched(True, *addons())


def releases(plan: Plan) -> dict[str, Resource]:
    """Helm releases of a plan of one cluster, by the release's own name."""
    return {str(r.inputs["name"]): r for r in plan.of_type(RELEASE)}


def objects(plan: Plan, kind: str) -> dict[tuple[str | None, str], Resource]:
    """Objects of a kind by namespace and name."""
    found = [r for r in plan.resources if r.is_kubernetes and r.custom and r.kind == kind]
    return {(r.inputs["metadata"].get("namespace"), r.inputs["metadata"]["name"]): r for r in found}


def strings(value: Any) -> Iterator[str]:
    """Every string below a value, keys too."""
    if isinstance(value, Mapping):
        for key, below in value.items():
            yield str(key)
            yield from strings(below)
    elif isinstance(value, list | tuple):
        for item in value:
            yield from strings(item)
    elif isinstance(value, str):
        yield value
