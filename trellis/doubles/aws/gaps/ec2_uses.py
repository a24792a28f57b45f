"""Who uses a subnet or a security group, over all services: EC2 deletes neither while anybody does."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from trellis.doubles.aws.gaps.fill import Call, backend


def of_subnet(call: Call, id_: str) -> str:
    """Whoever is in a subnet; empty where nobody is."""
    return next((who for who, subnets, _ in _users(call) if id_ in subnets), "")


def of_group(call: Call, id_: str) -> str:
    """Whoever is in a security group or names it in a rule; empty where nobody does."""
    return next((who for who, _, groups in _users(call) if id_ in groups), "") or _named_by(call, id_)


def of_vpc(call: Call, id_: str) -> str:
    """What in a VPC its deletion does not take along, besides what moto looks at; empty where there is nothing."""
    ec2 = call.backend
    for gateway in ec2.internet_gateways.values():
        if gateway.vpc is not None and gateway.vpc.id == id_:
            return f"internet gateway {gateway.id}"
    for one in ec2.vpc_end_points.values():
        if one.vpc_id == id_ and one.state != "deleted":
            return f"endpoint {one.id}"
    for group in ec2.groups.get(id_, {}).values():
        if group.name != "default":
            return f"security group {group.id}"
    return ""


def _named_by(call: Call, id_: str) -> str:
    for other in (group for groups in call.backend.groups.values() for group in groups.values()):
        rules = [*other.ingress_rules, *other.egress_rules]
        if other.id != id_ and any(rule.source_group.get("GroupId") == id_ for rule in rules):
            return f"security group {other.id}"
    return ""


def _users(call: Call) -> Iterator[tuple[str, list[str], list[str]]]:
    """Everything with subnets and security groups: what it is, and both."""
    for eni in call.backend.enis.values():
        yield f"network interface {eni.id}", [eni.subnet.id], [group.id for group in eni.group_set]
    for one in call.backend.vpc_end_points.values():
        if one.state != "deleted":
            yield f"endpoint {one.id}", one.subnet_ids or [], one.security_group_ids
    for one in _backend(call, "rds").databases.values():
        subnets = [] if one.db_subnet_group is None else [subnet.id for subnet in one.db_subnet_group._subnets]
        yield f"DB instance {one.db_instance_identifier}", subnets, one.vpc_security_group_ids
    for one in _backend(call, "eks").clusters.values():
        network = one.resources_vpc_config
        yield f"EKS cluster {one.name}", network.get("subnetIds", []), network.get("securityGroupIds", [])
    for one in _backend(call, "fsx").file_systems.values():
        yield f"file system {one.file_system_id}", one.subnet_ids or [], one.security_group_ids or []


def _backend(call: Call, service: str) -> Any:
    return backend(service, call.account, call.region)
