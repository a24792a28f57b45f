"""Small environments for tests, recorded whole; each test lays its own settings over one base."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from functools import cache
from graphlib import TopologicalSorter
from typing import Any

import pulumi

from components.layout.clusters import ClusterView
from components.platform import AiPlatform
from components.spec.platform import Platform
from trellis.plan import Plan, Resource
from trellis.recorder import record

Values = dict[str, Any]

DEPLOYER = {"principalArn": "arn:aws:iam::111122223333:role/deployer", "policy": "admin"}
OFFICE = {"access": "restricted", "allowedCidrs": ["203.0.113.0/24"]}


def eks(**settings: Any) -> Values:
    """An EKS cluster with further settings."""
    return {
        "kind": "eks",
        "kubernetesVersion": "1.35",
        "endpoint": OFFICE,
        "access": {"deployer": DEPLOYER},
        **settings,
    }


NOT_OF_AWS = (
    "gpu-operator",
    "istio",
    "kserve",
    "kube-prometheus-stack",
    "kubeflow-trainer",
    "kueue",
    "keda",
    "katib",
    "vpa",
)
"""Add-ons that nothing in AWS belongs to: left out of most plans here, as recording them takes most of the time."""
BASE: Values = {
    "addons": dict.fromkeys(NOT_OF_AWS, False),
    "environment": "trial",
    "ownership": {"team": "ml-platform", "costCentre": "ai-1000"},
    "aws": {"accountId": "111122223333", "region": "us-east-1"},
    "clusters": {"main": eks()},
    "teams": {"research": {"gpus": 8}},
    "guardrails": {"budget": {"monthlyUsd": 1000}, "allowedFamilies": ["g6", "m7i"]},
}
ALL_ADDONS: Values = {"addons": dict.fromkeys(NOT_OF_AWS)}
"""Takes the switches of the base away."""
KEPT = {"protection": {"protect": True, "retain": True}}
FILES = {"storage": {"sharedFilesystemGib": 100, "lustre": {"storageGib": 2400}}}
SPLIT: Values = {
    "clusters": {
        "main": None,
        "training": eks(roles=["training", "shared"]),
        "inference": eks(roles=["inference"], serviceCidr="172.21.0.0/16"),
    }
}
MULTI_NODE = {"efa": True, "placementGroup": True}


def pool(provisioner: str, **settings: Any) -> Values:
    """A pool; limits or sizes that it must have are filled in."""
    sizes: Values = {"limits": {"gpus": 16}} if provisioner == "karpenter" else {"minNodes": 1, "maxNodes": 1}
    return {"provisioner": provisioner, "purpose": "training", **sizes, **settings}


def with_pool(made: Values) -> Values:
    """An environment with one pool, called `pool`."""
    return {"clusters": {"main": {"pools": {"pool": made}}}}


def merged(*layers: Mapping[str, Any]) -> Values:
    """Lay settings over each other, key by key; None takes a key away."""
    result: Values = {}
    for layer in layers:
        for key, value in layer.items():
            below = result.get(key)
            if isinstance(value, Mapping) and isinstance(below, Mapping):
                result[key] = merged(below, value)
            else:
                result[key] = value
    return {key: value for key, value in result.items() if value is not None}


def platform(*layers: Mapping[str, Any]) -> Platform:
    """The spec of an environment: the base under these layers. Cross-field rules are not asked."""
    return Platform.model_validate_json(json.dumps(merged(BASE, *layers)))


def view(*layers: Mapping[str, Any], cluster: str = "main") -> ClusterView:
    """One cluster of such an environment."""
    return ClusterView(platform(*layers), cluster)


def plan(*layers: Mapping[str, Any]) -> Plan:
    """The recorded plan of such an environment."""
    return _plan(json.dumps(merged(BASE, *layers), sort_keys=True))


@cache
def _plan(values: str) -> Plan:
    spec = Platform.model_validate_json(values)

    def program() -> None:
        for key, value in AiPlatform("platform", spec).outputs.items():
            pulumi.export(key, value)

    return record(program, project="trellis", stack="trial", config={}, as_of="2026-11-01")


def aws_of(recorded: Plan, kind: str) -> dict[str, Resource]:
    """AWS resources of a kind, such as `NodeGroup`, by logical name."""
    found = [r for r in recorded.resources if r.kind == kind and r.type.startswith("aws:")]
    names = [r.name for r in found]
    assert len(names) == len(set(names)), f"two {kind} of one name: {names}"
    return dict(zip(names, found, strict=True))


def components(recorded: Plan, kind: str) -> dict[str, Resource]:
    """Trellis' own components of a kind by logical name."""
    return {r.name: r for r in recorded.resources if r.type == f"trellis:aws:{kind}"}


def waits_for(recorded: Plan) -> Mapping[str, frozenset[str]]:
    """URN -> all that stands before it, directly or not; as in the engine, a child also waits for its parent."""
    graph = {r.urn: {*r.dependencies, *([r.parent] if r.parent else [])} for r in recorded.resources}
    found: dict[str, frozenset[str]] = {}
    for urn in TopologicalSorter(graph).static_order():
        direct = graph.get(urn, set())
        found[urn] = frozenset(direct).union(*(found[one] for one in direct))
    return found


def documents(recorded: Plan) -> Iterator[tuple[Resource, str, dict[str, Any]]]:
    """Every policy document of a plan as (resource, property, document). A document that is unknown is a failure."""
    for resource in recorded.resources:
        if not resource.type.startswith("aws:"):
            continue
        for key in ("policy", "assumeRolePolicy"):
            if key in resource.inputs and not resource.type.startswith("aws:ecr/"):
                text = resource.inputs[key]
                assert isinstance(text, str), f"{resource.urn}: {key} is not known in a preview"
                yield resource, key, json.loads(text)
