"""Which instance types a Karpenter NodePool may buy, from its requirements.

Label keys and their meaning: aws/karpenter-provider-aws, "Well-Known Labels". A requirement on a key that says nothing
about the instance type (zone, capacity type, own labels) does not narrow the types here, so the answer is never too
small: a worst case stays a worst case.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import Any

from components.catalogue.hardware import InstanceType, instance_types
from components.catalogue.pricing.model import Unpriceable
from components.catalogue.pricing.read import strings

INSTANCE_TYPE = "node.kubernetes.io/instance-type"
CAPACITY_TYPE = "karpenter.sh/capacity-type"
AWS = "karpenter.k8s.aws/instance-"
NARROWING = frozenset({INSTANCE_TYPE, f"{AWS}family", f"{AWS}gpu-name", f"{AWS}accelerator-name"})
"""Keys after which the types of this catalogue stand for all that AWS has."""

SCHEME = re.compile(r"^(?P<category>[a-z]+)(?P<generation>\d+)")
Labels = Mapping[str, str]
Test = Callable[[str | None, Sequence[str]], bool]

OPERATORS: Mapping[str, Test] = {
    "In": lambda have, want: have in want,
    "NotIn": lambda have, want: have not in want,
    "Exists": lambda have, _want: have is not None,
    "DoesNotExist": lambda have, _want: have is None,
    "Gt": lambda have, want: have is not None and float(have) > float(want[0]),
    "Lt": lambda have, want: have is not None and float(have) < float(want[0]),
    "Gte": lambda have, want: have is not None and float(have) >= float(want[0]),
    "Lte": lambda have, want: have is not None and float(have) <= float(want[0]),
}


def candidates(requirements: Sequence[Any]) -> list[InstanceType]:
    """Return the types that satisfy all requirements, by name. Raises `Unpriceable` where one is unreadable."""
    read = [_read(requirement) for requirement in requirements]
    known = known_keys()
    tests = [(key, OPERATORS[operator], values) for key, operator, values in read if key in known]
    try:
        return [
            kind
            for kind in instance_types().values()
            if all(test(_all_labels()[kind.name].get(key), values) for key, test, values in tests)
        ]
    except (ValueError, IndexError) as error:
        raise Unpriceable("a requirement compares with something that is not a number") from error


def capacity_types(requirements: Sequence[Any]) -> frozenset[str]:
    """Return the capacity types a pool may buy; Karpenter's default without a requirement is on-demand."""
    everything = frozenset({"spot", "on-demand", "reserved"})
    allowed = None
    for key, operator, values in map(_read, requirements):
        if key == CAPACITY_TYPE:
            these = frozenset(v for v in everything if OPERATORS[operator](v, values))
            allowed = these if allowed is None else allowed & these
    return frozenset({"on-demand"}) if allowed is None else allowed


def named_types(requirements: Sequence[Any]) -> tuple[str, ...]:
    """Return the instance types that requirements name one by one."""
    found = [v for key, op, values in map(_read, requirements) if (key, op) == (INSTANCE_TYPE, "In") for v in values]
    return tuple(dict.fromkeys(found))


def is_open(requirements: Sequence[Any]) -> bool:
    """Whether the pool may buy families that are not in this catalogue."""
    return not any(key in NARROWING and op == "In" for key, op, _ in map(_read, requirements))


def labels(kind: InstanceType) -> Labels:
    """Return the labels Karpenter puts on a node of this type, as far as they follow from the type."""
    scheme = SCHEME.match(kind.family)
    found = {
        INSTANCE_TYPE: kind.name,
        "kubernetes.io/arch": kind.arch,
        "kubernetes.io/os": "linux",
        f"{AWS}family": kind.family,
        f"{AWS}size": kind.name.split(".", 1)[1],
        f"{AWS}cpu": str(kind.vcpu),
        f"{AWS}memory": str(int(kind.memory_gib * 1024)),
    }
    if scheme:
        found |= {f"{AWS}category": scheme["category"], f"{AWS}generation": scheme["generation"]}
    if kind.local_nvme_gb:
        found[f"{AWS}local-nvme"] = str(kind.local_nvme_gb)
    if kind.ebs_mbps:
        found[f"{AWS}ebs-bandwidth"] = str(kind.ebs_mbps)
    if kind.network_gbps is not None:
        found[f"{AWS}network-bandwidth"] = str(int(kind.network_gbps * 1000))
    device = kind.accelerator
    if device is not None:
        prefix = f"{AWS}gpu" if device.vendor == "nvidia" else f"{AWS}accelerator"
        found |= {
            f"{prefix}-name": device.chip,
            f"{prefix}-manufacturer": device.vendor,
            f"{prefix}-count": str(kind.accelerator_count),
        }
        if kind.gpu_memory_mib:
            found[f"{prefix}-memory"] = str(kind.gpu_memory_mib)
    return found


@cache
def known_keys() -> frozenset[str]:
    """Return every key that `labels` can give."""
    return frozenset(key for found in _all_labels().values() for key in found)


@cache
def _all_labels() -> Mapping[str, Labels]:
    return {name: labels(kind) for name, kind in instance_types().items()}


def _read(requirement: Any) -> tuple[str, str, tuple[str, ...]]:
    if not isinstance(requirement, Mapping) or "key" not in requirement:
        raise Unpriceable("spec.template.spec.requirements holds an entry that is known only after deployment")
    key, operator = requirement.get("key"), requirement.get("operator")
    if not isinstance(key, str) or not isinstance(operator, str) or operator not in OPERATORS:
        raise Unpriceable(f"requirement {key!r} has operator {operator!r}; Karpenter knows {', '.join(OPERATORS)}")
    return key, operator, strings(requirement, "values")
