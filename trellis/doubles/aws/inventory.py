"""What exists in an AWS account: ids by resource type, without what every account has.

Data: `inventory.yaml`; only what takes more than one question is told here.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import jmespath
import yaml
from botocore.exceptions import ClientError
from pydantic import BaseModel, ConfigDict, Field

from trellis.doubles.aws.session import Clients
from trellis.doubles.aws.shape import code

Inventory = Mapping[str, tuple[str, ...]]
"""Resource type -> sorted ids. Types without any are absent."""
_Found = Iterator[tuple[str, set[str]]]
_ABSENT = ("NoSuch", "NotFound", "NonExistent")
"""Parts of error codes that mean that there is none."""


class _Row(BaseModel):
    """How all resources of a type are listed."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    type: str
    service: str
    call: str
    items: str
    id: str = "{0}"
    of: str = ""
    send: dict[str, Any] = Field(default_factory=dict)


def inventory(clients: Clients, account: str) -> Inventory:
    """Ids of all that exists in one region and in the global services, by resource type."""
    found: dict[str, set[str]] = {}
    for row in _rows():
        for parent in sorted(found.get(row.of, set())) if row.of else [""]:
            found.setdefault(row.type, set()).update(_ids(clients, row, account, parent))
    for type_, ids in (*_tables(clients), *_groups(clients), *_access(clients, found), *_keys(clients)):
        found.setdefault(type_, set()).update(ids)
    return {type_: tuple(sorted(ids)) for type_, ids in sorted(found.items()) if ids}


@cache
def _rows() -> tuple[_Row, ...]:
    text = Path(__file__).with_name("inventory.yaml").read_text(encoding="utf-8")
    return tuple(_Row.model_validate(row) for row in yaml.safe_load(text)["rows"])


def _ids(clients: Clients, row: _Row, account: str, parent: str) -> Iterator[str]:
    where = {"parent": parent, "account": account}
    for page in _pages(clients.client(row.service), row.call, _filled(row.send, where)):
        for one in jmespath.search(row.items, page) or []:
            if one is not None:
                yield row.id.format(one, **where)


def _pages(client: Any, call: str, send: Mapping[str, Any]) -> Iterator[Any]:
    try:
        if client.can_paginate(call):
            yield from client.get_paginator(call).paginate(**send)
        else:
            yield getattr(client, call)(**send)
    except ClientError as error:
        if not any(part in code(error) for part in _ABSENT):
            raise


def _all(client: Any, call: str, key: str, **send: Any) -> list[Any]:
    return [one for page in _pages(client, call, send) for one in page.get(key, [])]


def _filled(value: Any, where: Mapping[str, str]) -> Any:
    if isinstance(value, Mapping):
        return {key: _filled(item, where) for key, item in value.items()}
    return value.format(**where) if isinstance(value, str) else value


def _default_vpcs(ec2: Any) -> set[str]:
    return {one["VpcId"] for one in _all(ec2, "describe_vpcs", "Vpcs") if one.get("IsDefault")}


def _tables(clients: Clients) -> _Found:
    """Subnets and route tables with what is in them, without what each VPC has and without the default VPC."""
    ec2 = clients.client("ec2")
    default = _default_vpcs(ec2)
    subnets = _all(ec2, "describe_subnets", "Subnets")
    tables = [one for one in _all(ec2, "describe_route_tables", "RouteTables") if one["VpcId"] not in default]
    links = [link for table in tables for link in table["Associations"] if not link["Main"]]
    own = [one for one in tables if not any(link["Main"] for link in one["Associations"])]
    routes = [
        f"r-{table['RouteTableId']}{zlib.crc32(route['DestinationCidrBlock'].encode())}"
        for table in own
        for route in table["Routes"]
        if route.get("Origin") == "CreateRoute" and "DestinationCidrBlock" in route
    ]
    yield "aws:ec2/subnet:Subnet", {one["SubnetId"] for one in subnets if one["VpcId"] not in default}
    yield "aws:ec2/routeTable:RouteTable", {one["RouteTableId"] for one in own}
    yield "aws:ec2/route:Route", set(routes)
    yield "aws:ec2/routeTableAssociation:RouteTableAssociation", {one["RouteTableAssociationId"] for one in links}


def _groups(clients: Clients) -> _Found:
    """Security groups and their rules, without each VPC's own group."""
    ec2 = clients.client("ec2")
    groups = [one for one in _all(ec2, "describe_security_groups", "SecurityGroups") if one["GroupName"] != "default"]
    own = {one["GroupId"] for one in groups}
    yield "aws:ec2/securityGroup:SecurityGroup", own
    rules = [one for one in _all(ec2, "describe_security_group_rules", "SecurityGroupRules") if one["GroupId"] in own]
    for name, egress in (("Ingress", False), ("Egress", True)):
        ids = {one["SecurityGroupRuleId"] for one in rules if one["IsEgress"] is egress}
        yield f"aws:vpc/securityGroup{name}Rule:SecurityGroup{name}Rule", ids


def _access(clients: Clients, found: Mapping[str, set[str]]) -> _Found:
    """Policies of access entries."""
    for entry in sorted(found.get("aws:eks/accessEntry:AccessEntry", ())):
        cluster, _, principal = entry.partition(":")
        send = {"clusterName": cluster, "principalArn": principal}
        rows = _all(clients.client("eks"), "list_associated_access_policies", "associatedAccessPolicies", **send)
        ids = {f"{cluster}#{principal}#{one['policyArn']}" for one in rows}
        yield "aws:eks/accessPolicyAssociation:AccessPolicyAssociation", ids


def _keys(clients: Clients) -> _Found:
    """Keys, without AWS's own. One that is pending deletion is as good as gone: AWS deletes none at once."""
    kms = clients.client("kms")
    theirs = {
        one.get("TargetKeyId")
        for one in _all(kms, "list_aliases", "Aliases")
        if one["AliasName"].startswith("alias/aws/")
    }
    ids = {one["KeyId"] for one in _all(kms, "list_keys", "Keys")} - theirs
    states = {id_: kms.describe_key(KeyId=id_)["KeyMetadata"]["KeyState"] for id_ in ids}
    yield "aws:kms/key:Key", {id_ for id_, state in states.items() if state != "PendingDeletion"}
