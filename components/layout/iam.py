"""IAM documents as plain data. Everything in them is fixed by the spec, so that policies can read them in a preview."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
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


POD_IDENTITY = "pods.eks.amazonaws.com"
