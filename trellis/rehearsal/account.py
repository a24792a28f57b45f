"""What an AWS account has before Trellis comes: the roles that a stack names and does not make."""

from __future__ import annotations

import re

from trellis.doubles.aws.server import AwsServer
from trellis.plan import Plan

_ROLE = re.compile(r"^arn:aws:iam::\d{12}:role/((?:[^/*?${}]+/)*)([\w+=,.@-]+)$")
_TRUST = '{"Version": "2012-10-17", "Statement": []}'


def furnish(aws: AwsServer, region: str, plan: Plan) -> list[str]:
    """Make these roles; return their names, sorted."""
    made = {str(row.inputs.get("name")) for row in plan.of_type("aws:iam/role:Role")}
    found: dict[str, str] = {}
    for row in plan.of_type("aws:eks/accessEntry:AccessEntry"):
        match = _ROLE.match(str(row.inputs.get("principalArn")))
        if match and match.group(2) not in made:
            found[match.group(2)] = f"/{match.group(1)}"
    iam = aws.clients(region).client("iam")
    for name, path in sorted(found.items()):
        iam.create_role(RoleName=name, Path=path, AssumeRolePolicyDocument=_TRUST)
    return sorted(found)
