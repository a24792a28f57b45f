"""Mistakes with money, tags, networks and permissions: one for each branch of each rule about them."""

from __future__ import annotations

import json
from typing import Any

from tests.policies.builders import statement
from tests.policies.cases import Break, Case, both, case, drop, set_, unchanged

REQUIREMENTS = "spec|template|spec|requirements"


def _cost() -> list[Case]:
    families, idle = "families-allowed", "idle-gpu-pool-minimum-zero"
    types = f"{REQUIREMENTS}|1|values"
    spot = "spot-for-interruptible-training"
    return [
        case("budget-worst-case", "over budget", unchanged,
              "The stack", "USD a month at worst", "at most 1,000.00 USD", "NodePool slices", "lower the limits",
              guardrails={"budget": {"monthlyUsd": 1000}}),
        case(spot, "on demand", set_("training", f"{REQUIREMENTS}|0|values", ["on-demand"]),
              "TrainJob ml/fine-tune", "training (on-demand)", "capacity type spot", "onDemandFallback"),
        case(families, "family of a pool", set_("inference", types, ["g6.xlarge", "g6e.xlarge"]),
              "NodePool inference", "is [g6e.xlarge]", "families g5, g6, m7i, p4d", "add g6e"),
        case(families, "family as a requirement",
              set_("batch", f"{REQUIREMENTS}|1",
                   {"key": "karpenter.k8s.aws/instance-family", "operator": "In", "values": ["m5"]}),
              "NodePool batch", "is m5;", "families g5"),
        case(families, "any family", set_("batch", f"{REQUIREMENTS}|1", ...),
              "NodePool batch", "any family", "name instance types of g5"),
        case(families, "family of a group", set_("gpu-group", "instanceTypes", ["p5.48xlarge"]),
              "NodeGroup gpu-group", "is [p5.48xlarge]", also=("budget-worst-case",)),
        case(families, "default type of a group", set_("system", "instanceTypes", ...), "t3.medium"),
        case(idle, "idle group", both(set_("gpu-group", "scalingConfig|minSize", 1), drop("notebook")),
              "NodeGroup gpu-group", "scalingConfig.minSize is 1", "allowed: 0", "set the minimum to 0"),
        case(idle, "idle static pool", set_("training", "spec|replicas", 1), "NodePool training", "replicas is 1"),
        case(idle, "model that scales to zero",
              both(set_("inference", "spec|replicas", 1), set_("llm", "spec|predictor|minReplicas", 0)),
              "NodePool inference", "spec.replicas is 1"),
    ]  # fmt: skip


def _tags() -> list[Case]:
    rule = "cost-tags-present"
    default_tags = {"tags": {"trellis:environment": "test", "trellis:team": "ml"}}
    return [
        case(rule, "default tags", set_("aws", "defaultTags", json.dumps(default_tags)),
              "aws:ec2/vpc:Vpc vpc", "[trellis:environment, trellis:team]", "cost-centre", "default tags", count=9),
        case(rule, "no default tags", set_("aws", "defaultTags", ...), "tags is missing", count=9),
        case(rule, "empty tag", set_("cluster", "tags", {"trellis:team": ""}), "Cluster main", "add trellis:team"),
        case(rule, "node class", set_("node-class", "spec|tags|trellis:team", ...),
              "EC2NodeClass inference", "spec.tags", "without trellis:team", "add trellis:team to spec.tags."),
        case(rule, "launch template", set_("template", "tagSpecifications", ...),
              "LaunchTemplate system", "tagSpecifications is missing", "Each instance"),
        case(rule, "instance tags", set_("template", "tagSpecifications|0|tags|trellis:cost-centre", ...),
              "tagSpecifications[0].tags", "add trellis:cost-centre"),
        case(rule, "another required tag", unchanged, "without owner", "add owner", count=11,
              guardrails={"requiredTags": ["owner"]}),
    ]  # fmt: skip


def _network() -> list[Case]:
    pulls, public = "model-pull-endpoints", "no-public-cluster-endpoint"
    config = "vpcConfig"
    return [
        case(pulls, "no S3", drop("endpoint-s3"), "Vpc vpc", "an endpoint for s3", "Gateway endpoint", "add a VPC"),
        case(pulls, "no ECR", drop("endpoint-ecr.dkr"), "without an endpoint for ecr.dkr", "Interface endpoint"),
        case(public, "open by default", set_("cluster", config, {}), "Cluster main", "EKS' default"),
        case(public, "open to all", set_("cluster", f"{config}|publicAccessCidrs", ["0.0.0.0/0"]),
              "publicAccessCidrs[0] is 0.0.0.0/0", "endpointPublicAccess false", "set the endpoint to private"),
        case(public, "open to half", set_("cluster", f"{config}|publicAccessCidrs|1", "128.0.0.0/1"), "128.0.0.0/1"),
        case(public, "open to IPv6", set_("cluster", f"{config}|publicAccessCidrs|1", "::/0"), "is ::/0"),
        case(public, "no range", set_("cluster", f"{config}|publicAccessCidrs|0", "office"), "is office"),
        case(public, "without ranges", set_("cluster", f"{config}|publicAccessCidrs", ...), "public to 0.0.0.0/0"),
    ]  # fmt: skip


def _security() -> list[Case]:
    images, iam = "images-pinned", "no-wildcard-iam"
    image = "spec|predictor|containers|0|image"

    def policy(*statements: dict[str, Any]) -> Break:
        return set_("policy", "policy", json.dumps({"Statement": list(statements)}))

    return [
        case(images, "no tag", set_("llm", image, "registry.local:5000/llm"),
              "InferenceService ml/llm", "[0].image is registry.local:5000/llm", "digest", "append a version tag"),
        case(images, "latest", set_("llm", image, "llm:latest"), "is llm:latest"),
        case(images, "training", set_("job", "spec|trainer|image", "train"), "TrainJob ml/fine-tune: spec.trainer"),
        case(images, "digest asked for", set_("llm", image, "llm@sha256:" + "a" * 64), "append @sha256", count=6,
              guardrails={"requireDigest": True}),
        case(iam, "every action", policy(statement("*")), "RolePolicy reader", "is [*]", "named actions", "list the"),
        case(iam, "every action of a service", policy(statement("s3:*", "s3:GetObject")), "is [s3:*]"),
        case(iam, "all but some", policy({"Effect": "Allow", "NotAction": "iam:*", "Resource": "arn:a"}), "NotAction"),
        case(iam, "everywhere", policy(statement("ec2:RunInstances", resource="*", Sid="Run")),
              "Statement[Run].Resource", "* for ec2:RunInstances", "ARNs, or a Condition", "name the ARNs"),
        case(iam, "inline policy",
              set_("role", "inlinePolicies|0|policy", json.dumps({"Statement": statement("sqs:*")})),
              "aws:iam/role:Role inline", "inlinePolicies[0].policy"),
        case(iam, "administrator", set_("attachment", "policyArn", "arn:aws:iam::aws:policy/AdministratorAccess"),
              "RolePolicyAttachment nodes", "AdministratorAccess", "write a policy"),
    ]  # fmt: skip


OTHER_CASES: tuple[Case, ...] = tuple(one for group in (_cost, _tags, _network, _security) for one in group())
