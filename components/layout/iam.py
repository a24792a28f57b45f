"""IAM documents as plain data. Everything in them is fixed by the spec, so that policies can read them in a preview."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

Statement = Mapping[str, Any]


def document(*statements: Statement) -> str:
    """A policy document as stable JSON text."""
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)}, sort_keys=True)


def allow(
    sid: str,
    actions: Iterable[str],
    resources: Iterable[str],
    condition: Mapping[str, Mapping[str, Any]] | None = None,
) -> Statement:
    """A statement that allows actions on resources."""
    statement: dict[str, Any] = {
        "Sid": sid,
        "Effect": "Allow",
        "Action": sorted(actions),
        "Resource": sorted(resources),
    }
    if condition:
        statement["Condition"] = condition
    return statement


def trust(service: str, *, tag_session: bool = False) -> str:
    """Trust policy for an AWS service; Pod Identity (`pods.eks.amazonaws.com`) also tags the session."""
    actions = ["sts:AssumeRole", "sts:TagSession"] if tag_session else ["sts:AssumeRole"]
    return document({"Effect": "Allow", "Principal": {"Service": service}, "Action": actions})


def trust_roles(role_arns: Iterable[str]) -> str:
    """Trust policy for other roles of the account, whose sessions carry Pod Identity's tags on."""
    actions = ["sts:AssumeRole", "sts:TagSession"]
    return document({"Effect": "Allow", "Principal": {"AWS": sorted(role_arns)}, "Action": actions})


POD_IDENTITY = "pods.eks.amazonaws.com"

NODE_POLICIES = (
    "AmazonEC2ContainerRegistryPullOnly",
    "AmazonEKSWorkerNodePolicy",
    "AmazonSSMManagedInstanceCore",
)
"""What every node needs. Source: facts/addons.md section 4 (Karpenter's node role; the same for managed groups)."""
CNI_POLICY = "AmazonEKS_CNI_Policy"
"""Rights of the VPC CNI: every pod of the node would have them, so they go to its service account where that works."""


@dataclass(frozen=True, kw_only=True)
class NodeRoleSpec:
    """The IAM role of nodes."""

    name: str
    managed_policies: tuple[str, ...]


def node_role(name: str, *, cni_has_own: bool) -> NodeRoleSpec:
    """The role of nodes; with the CNI's rights only where its service account has no role of its own."""
    return NodeRoleSpec(name=name, managed_policies=NODE_POLICIES if cni_has_own else (*NODE_POLICIES, CNI_POLICY))
