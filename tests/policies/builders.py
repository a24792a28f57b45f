"""A stack that breaks no rule, in the plan's mapping form, and ways to break one field of it."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator, Mapping
from typing import Any

UNKNOWN = {"$trellis": "unknown"}
Row = dict[str, Any]
Stack = dict[str, Row]
"""Resources by logical name."""

AWS = "urn:pulumi:test::trellis::pulumi:providers:aws::aws"
CLUSTER = "urn:pulumi:test::trellis::pulumi:providers:kubernetes::main"
TOLERATION = {"key": "nvidia.com/gpu", "operator": "Exists", "effect": "NoSchedule"}
TAINT = {"key": "nvidia.com/gpu", "value": "present", "effect": "NoSchedule"}
TAGS = {"trellis:environment": "test", "trellis:team": "ml", "trellis:cost-centre": "cc-1"}

GUARDRAILS: Mapping[str, Any] = {
    "environment": "test",
    "production": False,
    "region": "us-east-1",
    "asOf": "2026-11-01",
    "budget": {"monthlyUsd": 60_000},
    "maxGpusPerPod": 8,
    "allowedFamilies": ["g5", "g6", "m7i", "p4d"],
    "existingPools": [{"name": "rack", "gpuModel": "l40s", "gpusPerNode": 2, "taints": [dict(TAINT)]}],
}


def row(kind: str, name: str, inputs: Row, **more: Any) -> Row:
    """One resource."""
    provider = AWS if kind.startswith("aws:") else CLUSTER if kind.startswith("kubernetes:") else None
    urn = f"urn:pulumi:test::trellis::{kind}::{name}"
    plain: Row = {"parent": None, "dependencies": [], "provider": provider}
    return {"urn": urn, "type": kind, "name": name, "custom": True, **plain, **more, "inputs": inputs}


def manifest(kind: str, name: str, body: Row, **metadata: Any) -> Row:
    """One Kubernetes object."""
    api = kind.removeprefix("kubernetes:").rpartition(":")[0].removeprefix("core/")
    head = {"apiVersion": api, "kind": kind.rpartition(":")[2], "metadata": {"name": name, **metadata}}
    return row(kind, name, {**head, **body})


def container(image: str = "registry.local:5000/app:v1.0.0", gpus: int = 0, key: str = "nvidia.com/gpu") -> Row:
    """A container, with as many GPUs under limits and requests."""
    resources = {side: {"cpu": "4", **({key: str(gpus)} if gpus else {})} for side in ("limits", "requests")}
    return {"name": "main", "image": image, "resources": resources}


def placed(pool: str) -> Row:
    """Selector and toleration that put a pod on a GPU pool."""
    return {"nodeSelector": {"trellis.dev/pool": pool}, "tolerations": [dict(TOLERATION)]}


def node_pool(name: str, types: list[str], capacity: list[str], limits: Row, labels: Row | None = None) -> Row:
    """A Karpenter NodePool; with labels it is a GPU pool and tainted."""
    requirements = [
        {"key": "karpenter.sh/capacity-type", "operator": "In", "values": capacity},
        {"key": "node.kubernetes.io/instance-type", "operator": "In", "values": types},
    ]
    template = {
        "metadata": {"labels": {"trellis.dev/pool": name, **(labels or {})}},
        "spec": {"requirements": requirements, **({"taints": [dict(TAINT)]} if labels else {})},
    }
    return manifest("kubernetes:karpenter.sh/v1:NodePool", name, {"spec": {"limits": limits, "template": template}})


def model(name: str, pool: str, gpus: int = 1, key: str = "nvidia.com/gpu") -> Row:
    """A served model on a GPU pool."""
    predictor = {"minReplicas": 1, "maxReplicas": 4, "containers": [container(gpus=gpus, key=key)], **placed(pool)}
    annotations = {"trellis.dev/pool": pool}
    body = {"spec": {"predictor": predictor}}
    kind = "kubernetes:serving.kserve.io/v1beta1:InferenceService"
    return manifest(kind, name, body, namespace="ml", annotations=annotations)


def statement(*actions: str, resource: str = "arn:aws:s3:::models/*", **more: Any) -> Row:
    """An IAM statement that allows."""
    return {"Effect": "Allow", "Action": list(actions), "Resource": resource, **more}


def _aws() -> Stack:
    endpoints = {"s3": "Gateway", "ecr.api": "Interface", "ecr.dkr": "Interface"}
    vpc = row("aws:ec2/vpc:Vpc", "vpc", {"cidrBlock": "10.0.0.0/16"})
    document = {
        "Version": "2012-10-17",
        "Statement": [statement("s3:GetObject"), statement("ec2:Describe*", resource="*")],
    }
    instance_tags = [{"resourceType": "instance", "tags": dict(TAGS)}]
    return {
        # The engine hands over nested provider settings as JSON text.
        "aws": row("pulumi:providers:aws", "aws", {"region": "us-east-1", "defaultTags": json.dumps({"tags": TAGS})}),
        "vpc": vpc,
        **{
            f"endpoint-{service}": row(
                "aws:ec2/vpcEndpoint:VpcEndpoint",
                service,
                {
                    "vpcId": dict(UNKNOWN),
                    "serviceName": f"com.amazonaws.us-east-1.{service}",
                    "vpcEndpointType": kind,
                    **({"subnetIds": ["subnet-1"]} if kind == "Interface" else {}),
                },
                dependencies=[vpc["urn"]],
            )
            for service, kind in endpoints.items()
        },
        "cluster": row(
            "aws:eks/cluster:Cluster",
            "main",
            {
                "version": "1.35",
                "vpcConfig": {
                    "endpointPublicAccess": True,
                    "publicAccessCidrs": ["203.0.113.0/24"],
                    "subnetIds": ["a"],
                },
            },
        ),
        "template": row("aws:ec2/launchTemplate:LaunchTemplate", "system", {"tagSpecifications": instance_tags}),
        "system": row(
            "aws:eks/nodeGroup:NodeGroup",
            "system",
            {
                "capacityType": "ON_DEMAND",
                "instanceTypes": ["m7i.large"],
                "scalingConfig": {"minSize": 2, "maxSize": 3, "desiredSize": 2},
                "labels": {"trellis.dev/pool": "system"},
            },
        ),
        "gpu-group": row(
            "aws:eks/nodeGroup:NodeGroup",
            "gpu-group",
            {
                "capacityType": "SPOT",
                "instanceTypes": ["g5.xlarge"],
                "scalingConfig": {"minSize": 0, "maxSize": 2, "desiredSize": 0},
                "labels": {"trellis.dev/pool": "gpu-group"},
                "taints": [{**TAINT, "effect": "NO_SCHEDULE"}],
            },
        ),
        "policy": row("aws:iam/rolePolicy:RolePolicy", "reader", {"role": "reader", "policy": json.dumps(document)}),
        "attachment": row(
            "aws:iam/rolePolicyAttachment:RolePolicyAttachment",
            "nodes",
            {"role": "nodes", "policyArn": "arn:aws:iam::aws:policy/AmazonEKSWorkerNodePolicy"},
        ),
        "role": row(
            "aws:iam/role:Role",
            "inline",
            {"inlinePolicies": [{"name": "read", "policy": json.dumps({"Statement": statement("sqs:SendMessage")})}]},
        ),
    }


def _pools() -> Stack:
    mig = {"nvidia.com/mig.config": "all-1g.5gb", "trellis.dev/gpu-sharing": "mig"}
    exclusive = {"trellis.dev/gpu-sharing": "exclusive"}
    overlay = {
        "requirements": [{"key": "karpenter.sh/nodepool", "operator": "In", "values": ["slices"]}],
        "capacity": {"nvidia.com/mig-1g.5gb": "56"},
    }
    node_class = {"spec": {"tags": dict(TAGS)}}
    gpu = {"nvidia.com/gpu": "4"}
    return {
        "inference": node_pool("inference", ["g6.xlarge"], ["spot", "on-demand"], dict(gpu), dict(exclusive)),
        "training": node_pool("training", ["g6.12xlarge"], ["spot"], dict(gpu), dict(exclusive)),
        "slices": node_pool("slices", ["p4d.24xlarge"], ["on-demand"], {"nvidia.com/gpu": "8"}, mig),
        "batch": node_pool("batch", ["m7i.2xlarge"], ["spot"], {"cpu": "16"}),
        "node-class": manifest("kubernetes:karpenter.k8s.aws/v1:EC2NodeClass", "inference", node_class),
        "overlay": manifest("kubernetes:karpenter.sh/v1alpha1:NodeOverlay", "slices", {"spec": overlay}),
    }


def _quotas() -> Stack:
    hard = {"requests.cpu": "64", "requests.nvidia.com/gpu": "4", "requests.nvidia.com/mig-1g.5gb": "14"}
    flavor = {"name": "spot", "resources": [{"name": "nvidia.com/gpu", "nominalQuota": "4"}]}
    groups = [{"coveredResources": ["nvidia.com/gpu"], "flavors": [flavor]}]
    return {
        "quota": manifest("kubernetes:core/v1:ResourceQuota", "ml", {"spec": {"hard": hard}}, namespace="ml"),
        "profile": manifest(
            "kubernetes:kubeflow.org/v1:Profile",
            "ml",
            {"spec": {"resourceQuotaSpec": {"hard": {"requests.nvidia.com/gpu": "2"}}}},
        ),
        "queue": manifest("kubernetes:kueue.x-k8s.io/v1beta2:ClusterQueue", "ml", {"spec": {"resourceGroups": groups}}),
    }


def _workloads() -> Stack:
    def deployment(kind: str, name: str, pod: Row) -> Row:
        body = {"spec": {"template": {"spec": pod}}}
        return manifest(f"kubernetes:apps/v1:{kind}", name, body, namespace="ml")

    def jobs(pod: Row) -> Row:
        return {
            "template": {
                "spec": {"replicatedJobs": [{"name": "node", "template": {"spec": {"template": {"spec": pod}}}}]}
            }
        }

    train = {
        "runtimeRef": {"name": "torch-distributed"},
        "trainer": {
            "numNodes": 2,
            "image": "registry.local/train:v2",
            "resourcesPerNode": {"limits": {"nvidia.com/gpu": 4}, "requests": {"nvidia.com/gpu": 4}},
        },
        "runtimePatches": [{"manager": "trellis.dev/trellis", "trainingRuntimeSpec": jobs(placed("training"))}],
    }
    trainer = "kubernetes:trainer.kubeflow.org/v1alpha1"
    marks = {"trellis.dev/interruptible": "true", "trellis.dev/pool": "training"}
    served = manifest(
        "kubernetes:serving.kserve.io/v1beta1:InferenceService",
        "by-runtime",
        {
            "spec": {
                "predictor": {
                    "minReplicas": 0,
                    "model": {"resources": container(gpus=1)["resources"]},
                    **placed("rack"),
                }
            }
        },
        namespace="ml",
    )
    return {
        "main": row("pulumi:providers:kubernetes", "main", {"kubeconfig": dict(UNKNOWN)}),
        "llm": model("llm", "inference"),
        "sliced": model("sliced", "slices", 2, "nvidia.com/mig-1g.5gb"),
        "by-runtime": served,
        "web": deployment("Deployment", "web", {"containers": [container()]}),
        "agent": deployment(
            "DaemonSet", "agent", {"containers": [container()], "tolerations": [{"operator": "Exists"}]}
        ),
        "notebook": deployment("StatefulSet", "notebook", {"containers": [container(gpus=1)], **placed("gpu-group")}),
        "job": manifest(f"{trainer}:TrainJob", "fine-tune", {"spec": train}, namespace="ml", annotations=marks),
        "runtime": manifest(
            f"{trainer}:ClusterTrainingRuntime", "torch-distributed", {"spec": jobs({"containers": [container()]})}
        ),
    }


def happy() -> Stack:
    """A stack that breaks no rule and in which every rule has something to judge."""
    return copy.deepcopy({**_aws(), **_pools(), **_quotas(), **_workloads()})


def rows(stack: Stack) -> list[Row]:
    """The resources of a stack as a plan lists them."""
    return sorted(stack.values(), key=lambda resource: str(resource["urn"]))


def put(stack: Stack, name: str, path: str, value: Any) -> None:
    """Set one field; `|` separates keys (Kubernetes keys hold dots and slashes), `...` drops it."""
    *head, last = path.split("|")
    place: Any = stack[name]["inputs"]
    for key in head:
        place = place[int(key)] if isinstance(place, list) else place.setdefault(key, {})
    if isinstance(place, list) and value is not ...:
        place[int(last) : int(last) + 1] = [value]  # one past the end appends
    elif value is ...:
        del place[int(last) if isinstance(place, list) else last]
    else:
        place[last] = value


def places(value: Any, path: str = "") -> Iterator[str]:
    """Every place below a value, branches before their leaves, as `put` takes them."""
    items: Iterator[tuple[str, Any]]
    if isinstance(value, Mapping) and "$trellis" not in value:
        items = iter(value.items())
    elif isinstance(value, list):
        items = ((str(index), item) for index, item in enumerate(value))
    else:
        return
    for key, child in items:
        here = f"{path}|{key}" if path else key
        yield here
        yield from places(child, here)
