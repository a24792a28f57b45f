"""Which resource types there are, and which of them are not moto's own."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from functools import cache
from types import MappingProxyType

from botocore import xform_name

from components.catalogue.identities import identities
from trellis.doubles.aws import gaps
from trellis.doubles.aws.shape import Shape

_MODULES = (
    "kinds_budgets",
    "kinds_cloudwatch",
    "kinds_ec2",
    "kinds_ecr",
    "kinds_efs",
    "kinds_eks",
    "kinds_endpoints",
    "kinds_fsx",
    "kinds_iam",
    "kinds_kms",
    "kinds_network",
    "kinds_rds",
    "kinds_routes",
    "kinds_s3",
    "kinds_security_groups",
    "kinds_sqs",
)
"""One or more for each service; each has a mapping `KINDS`."""


@cache
def kinds() -> Mapping[str, Shape]:
    """All resource types. Raises `ValueError` where two modules have the same one."""
    found: dict[str, Shape] = {}
    for name in _MODULES:
        module = importlib.import_module(f"trellis.doubles.aws.{name}")
        twice = sorted(found.keys() & module.KINDS.keys())
        if twice:
            raise ValueError(f"{name} has {', '.join(twice)}, which another module has too")
        found |= module.KINDS
    return MappingProxyType(found)


@cache
def simulated() -> Mapping[str, str]:
    """Types that moto lacks altogether, and why: whoever looks for one of them asks an operation that is ours."""
    ours = {(one.service, xform_name(one.operation)): one.reason for one in gaps.served() if one.lacking}
    found: dict[str, str] = {}
    for type_, row in identities().items():
        reason = ours.get((row.look.service, row.look.call))
        if reason and type_ in kinds():
            found[type_] = reason
    return MappingProxyType(dict(sorted(found.items())))
