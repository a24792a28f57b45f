"""Plan resources for tests: a happy one each; a test changes what it is about."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from components.catalogue.pricing import PricedResource, price

REGION = "us-east-1"
UNKNOWN = {"$trellis": "unknown"}
INSTANCE_TYPE = "node.kubernetes.io/instance-type"


def resource(kind: str, inputs: Mapping[str, Any], **more: Any) -> dict[str, Any]:
    return {"urn": f"urn:test::{kind}::it", "type": kind, "name": "it", "inputs": dict(inputs), **more}


def requirement(key: str, operator: str, *values: str) -> dict[str, Any]:
    return {"key": key, "operator": operator, "values": list(values)}


def types(*names: str) -> dict[str, Any]:
    return requirement(INSTANCE_TYPE, "In", *names)


def buys(*capacity: str) -> dict[str, Any]:
    return requirement("karpenter.sh/capacity-type", "In", *capacity)


def node_pool(
    requirements: Sequence[Any], limits: Mapping[str, Any], annotations: Mapping[str, str] | None = None
) -> dict[str, Any]:
    """A NodePool whose nodes have no root volume in their price unless an annotation says so."""
    return resource(
        "kubernetes:karpenter.sh/v1:NodePool",
        {
            "apiVersion": "karpenter.sh/v1",
            "kind": "NodePool",
            "metadata": {"name": "pool", "annotations": dict(annotations or {})},
            "spec": {
                "limits": dict(limits),
                "template": {"spec": {"requirements": list(requirements), "nodeClassRef": {"name": "class"}}},
            },
        },
    )


def node_group(
    names: Sequence[str], least: float, most: float, desired: Any = None, capacity: str = "ON_DEMAND", **inputs: Any
) -> dict[str, Any]:
    """A managed node group with a 100 GiB gp3 root volume."""
    return resource(
        "aws:eks/nodeGroup:NodeGroup",
        {
            "instanceTypes": list(names),
            "capacityType": capacity,
            "scalingConfig": {"minSize": least, "maxSize": most, "desiredSize": least if desired is None else desired},
            "diskSize": 100,
            **inputs,
        },
    )


def priced(plan_resource: Mapping[str, Any], region: str | None = REGION, **more: Any) -> PricedResource:
    """Price something that must have an answer."""
    found = price(plan_resource, region, **more)
    assert found is not None, f"{plan_resource['type']} has no answer"
    return found


def month(plan_resource: Mapping[str, Any], region: str = REGION, **more: Any) -> tuple[float, float, float]:
    """(minimum, expected, worst) of something that must be priced."""
    found = priced(plan_resource, region, **more)
    assert found.status == "priced", found.reason
    cost = found.cost
    assert cost is not None
    return cost.minimum, cost.expected, cost.worst
