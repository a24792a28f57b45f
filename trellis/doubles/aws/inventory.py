"""What exists in an AWS account: ids by resource type, without what every account has."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

import jmespath
from botocore.exceptions import ClientError

from trellis.doubles.aws.session import Clients
from trellis.doubles.aws.shape import code

Inventory = Mapping[str, tuple[str, ...]]
"""Resource type -> sorted ids. Types without any are absent."""


@dataclass(frozen=True)
class _Row:
    """How all resources of a type are listed."""

    type: str
    service: str
    call: str
    items: str
    """JMESPath: the ids in an answer."""
    id: str = "{0}"
    """The resource's id: {0} is what `items` gives, {parent} the parent's id."""
    of: str = ""
    """Type of the parent, for what is listed for each parent."""
    send: Mapping[str, Any] | None = None
    """Arguments; {parent} stands for the parent's id, {account} for the account."""


_EC2: Final = (
    _Row("aws:ec2/vpc:Vpc", "ec2", "describe_vpcs", "Vpcs[?!IsDefault].VpcId"),
    _Row(
        "aws:ec2/internetGateway:InternetGateway",
        "ec2",
        "describe_internet_gateways",
        "InternetGateways[].InternetGatewayId",
    ),
    _Row("aws:ec2/eip:Eip", "ec2", "describe_addresses", "Addresses[].AllocationId"),
    _Row(
        "aws:ec2/natGateway:NatGateway", "ec2", "describe_nat_gateways", "NatGateways[?State!='deleted'].NatGatewayId"
    ),
    _Row("aws:ec2/flowLog:FlowLog", "ec2", "describe_flow_logs", "FlowLogs[].FlowLogId"),
    _Row(
        "aws:ec2/vpcEndpoint:VpcEndpoint",
        "ec2",
        "describe_vpc_endpoints",
        "VpcEndpoints[?State!='deleted'].VpcEndpointId",
    ),
    _Row(
        "aws:ec2/launchTemplate:LaunchTemplate",
        "ec2",
        "describe_launch_templates",
        "LaunchTemplates[].LaunchTemplateId",
    ),
    _Row("aws:ec2/placementGroup:PlacementGroup", "ec2", "describe_placement_groups", "PlacementGroups[].GroupName"),
)
_S3: Final = (
    _Row("aws:s3/bucket:Bucket", "s3", "list_buckets", "Buckets[].Name"),
    *(
        _Row(
            f"aws:s3/{name[:1].lower()}{name[1:]}:{name}",
            "s3",
            call,
            items,
            "{parent}",
            "aws:s3/bucket:Bucket",
            {"Bucket": "{parent}"},
        )
        for name, call, items in (
            ("BucketLifecycleConfiguration", "get_bucket_lifecycle_configuration", "Rules && ['x']"),
            ("BucketPolicy", "get_bucket_policy", "[Policy]"),
            ("BucketPublicAccessBlock", "get_public_access_block", "[PublicAccessBlockConfiguration]"),
            (
                "BucketServerSideEncryptionConfiguration",
                "get_bucket_encryption",
                "[ServerSideEncryptionConfiguration]",
            ),
            ("BucketVersioning", "get_bucket_versioning", "[Status]"),
        )
    ),
)
_ROLE, _QUEUE, _CLUSTER = "aws:iam/role:Role", "aws:sqs/queue:Queue", "aws:eks/cluster:Cluster"
_REPOSITORY, _EFS, _RULE = (
    "aws:ecr/repository:Repository",
    "aws:efs/fileSystem:FileSystem",
    "aws:cloudwatch/eventRule:EventRule",
)
_NAMED: Final = {"clusterName": "{parent}"}
_OTHERS: Final = (
    _Row(
        "aws:budgets/budget:Budget",
        "budgets",
        "describe_budgets",
        "Budgets[].BudgetName",
        "{account}:{0}",
        send={"AccountId": "{account}"},
    ),
    _Row(_RULE, "events", "list_rules", "Rules[].Name"),
    _Row(
        "aws:cloudwatch/eventTarget:EventTarget",
        "events",
        "list_targets_by_rule",
        "Targets[].Id",
        "{parent}-{0}",
        _RULE,
        {"Rule": "{parent}"},
    ),
    _Row("aws:cloudwatch/logGroup:LogGroup", "logs", "describe_log_groups", "logGroups[].logGroupName"),
    _Row(_REPOSITORY, "ecr", "describe_repositories", "repositories[].repositoryName"),
    _Row(
        "aws:ecr/lifecyclePolicy:LifecyclePolicy",
        "ecr",
        "get_lifecycle_policy",
        "[repositoryName]",
        "{0}",
        _REPOSITORY,
        {"repositoryName": "{parent}"},
    ),
    _Row(_EFS, "efs", "describe_file_systems", "FileSystems[].FileSystemId"),
    _Row(
        "aws:efs/fileSystemPolicy:FileSystemPolicy",
        "efs",
        "describe_file_system_policy",
        "[FileSystemId]",
        "{0}",
        _EFS,
        {"FileSystemId": "{parent}"},
    ),
    _Row(
        "aws:efs/backupPolicy:BackupPolicy",
        "efs",
        "describe_backup_policy",
        "[BackupPolicy][?Status=='ENABLED'].Status",
        "{parent}",
        _EFS,
        {"FileSystemId": "{parent}"},
    ),
    _Row(
        "aws:efs/mountTarget:MountTarget",
        "efs",
        "describe_mount_targets",
        "MountTargets[].MountTargetId",
        "{0}",
        _EFS,
        {"FileSystemId": "{parent}"},
    ),
    _Row("aws:fsx/lustreFileSystem:LustreFileSystem", "fsx", "describe_file_systems", "FileSystems[].FileSystemId"),
    _Row(
        "aws:fsx/dataRepositoryAssociation:DataRepositoryAssociation",
        "fsx",
        "describe_data_repository_associations",
        "Associations[].AssociationId",
    ),
    _Row(_CLUSTER, "eks", "list_clusters", "clusters"),
    _Row("aws:eks/nodeGroup:NodeGroup", "eks", "list_nodegroups", "nodegroups", "{parent}:{0}", _CLUSTER, _NAMED),
    _Row("aws:eks/addon:Addon", "eks", "list_addons", "addons", "{parent}:{0}", _CLUSTER, _NAMED),
    _Row(
        "aws:eks/accessEntry:AccessEntry",
        "eks",
        "list_access_entries",
        "accessEntries",
        "{parent}:{0}",
        _CLUSTER,
        _NAMED,
    ),
    _Row(
        "aws:eks/podIdentityAssociation:PodIdentityAssociation",
        "eks",
        "list_pod_identity_associations",
        "associations[].associationId",
        "{parent},{0}",
        _CLUSTER,
        _NAMED,
    ),
    _Row(_ROLE, "iam", "list_roles", "Roles[?!starts_with(Path, '/aws-service-role/')].RoleName"),
    _Row(
        "aws:iam/rolePolicy:RolePolicy",
        "iam",
        "list_role_policies",
        "PolicyNames",
        "{parent}:{0}",
        _ROLE,
        {"RoleName": "{parent}"},
    ),
    _Row(
        "aws:iam/rolePolicyAttachment:RolePolicyAttachment",
        "iam",
        "list_attached_role_policies",
        "AttachedPolicies[].PolicyArn",
        "{parent}/{0}",
        _ROLE,
        {"RoleName": "{parent}"},
    ),
    _Row("aws:kms/alias:Alias", "kms", "list_aliases", "Aliases[?!starts_with(AliasName, 'alias/aws/')].AliasName"),
    _Row("aws:rds/instance:Instance", "rds", "describe_db_instances", "DBInstances[].DBInstanceIdentifier"),
    _Row(
        "aws:rds/subnetGroup:SubnetGroup",
        "rds",
        "describe_db_subnet_groups",
        "DBSubnetGroups[?DBSubnetGroupName!='default'].DBSubnetGroupName",
    ),
    _Row(
        "aws:rds/parameterGroup:ParameterGroup",
        "rds",
        "describe_db_parameter_groups",
        "DBParameterGroups[?!starts_with(DBParameterGroupName, 'default.')].DBParameterGroupName",
    ),
    _Row(_QUEUE, "sqs", "list_queues", "QueueUrls"),
    _Row(
        "aws:sqs/queuePolicy:QueuePolicy",
        "sqs",
        "get_queue_attributes",
        "[Attributes][?Policy].Policy && ['x']",
        "{parent}",
        _QUEUE,
        {"QueueUrl": "{parent}", "AttributeNames": ["Policy"]},
    ),
)
_ABSENT = ("NoSuch", "NotFound", "NonExistent")


def inventory(clients: Clients, account: str) -> Inventory:
    """Ids of all that exists in one region and in the global services, by resource type."""
    found: dict[str, set[str]] = {}
    for row in (*_EC2, *_S3, *_OTHERS):
        parents = found.get(row.of, set()) if row.of else {""}
        for parent in sorted(parents):
            found.setdefault(row.type, set()).update(_ids(clients, row, account, parent))
    for type_, ids in (*_network(clients), ("aws:kms/key:Key", _keys(clients))):
        found.setdefault(type_, set()).update(ids)
    return {type_: tuple(sorted(ids)) for type_, ids in sorted(found.items()) if ids}


def _ids(clients: Clients, row: _Row, account: str, parent: str) -> Iterator[str]:
    where = {"parent": parent, "account": account}
    for page in _pages(clients.client(row.service), row.call, _filled(row.send or {}, where)):
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


def _filled(value: Any, where: Mapping[str, str]) -> Any:
    if isinstance(value, Mapping):
        return {key: _filled(item, where) for key, item in value.items()}
    return value.format(**where) if isinstance(value, str) else value


def _network(clients: Clients) -> Iterator[tuple[str, set[str]]]:
    """What lies in a VPC that is not the account's default one, without what each VPC has."""
    ec2 = clients.client("ec2")
    default = {
        one["VpcId"] for page in _pages(ec2, "describe_vpcs", {}) for one in page["Vpcs"] if one.get("IsDefault")
    }
    pages = list(_pages(ec2, "describe_route_tables", {}))
    tables = [one for page in pages for one in page["RouteTables"] if one["VpcId"] not in default]
    linked = [link for table in tables for link in table["Associations"] if not link["Main"]]
    own = [one for one in tables if not any(link["Main"] for link in one["Associations"])]
    groups = [one for page in _pages(ec2, "describe_security_groups", {}) for one in page["SecurityGroups"]]
    groups = [one for one in groups if one.get("VpcId") not in default and one["GroupName"] != "default"]
    rules = [one for page in _pages(ec2, "describe_security_group_rules", {}) for one in page["SecurityGroupRules"]]
    subnets = [one for page in _pages(ec2, "describe_subnets", {}) for one in page["Subnets"]]
    interfaces = [one for page in _pages(ec2, "describe_network_interfaces", {}) for one in page["NetworkInterfaces"]]
    yield "aws:ec2/subnet:Subnet", {one["SubnetId"] for one in subnets if one["VpcId"] not in default}
    yield "aws:ec2/routeTable:RouteTable", {one["RouteTableId"] for one in own}
    yield "aws:ec2/routeTableAssociation:RouteTableAssociation", {one["RouteTableAssociationId"] for one in linked}
    yield "aws:ec2/securityGroup:SecurityGroup", {one["GroupId"] for one in groups}
    of_groups = {one["GroupId"] for one in groups}
    for egress, type_ in (
        (False, "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule"),
        (True, "aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule"),
    ):
        yield (
            type_,
            {one["SecurityGroupRuleId"] for one in rules if one["GroupId"] in of_groups and one["IsEgress"] is egress},
        )
    yield "aws:ec2/networkInterface:NetworkInterface", {one["NetworkInterfaceId"] for one in interfaces}


def _keys(clients: Clients) -> set[str]:
    """Keys of ours; one that is pending deletion is as good as gone, as AWS deletes none at once."""
    kms = clients.client("kms")
    ids = [one["KeyId"] for page in _pages(kms, "list_keys", {}) for one in page["Keys"]]
    states = {id_: kms.describe_key(KeyId=id_)["KeyMetadata"] for id_ in ids}
    return {
        id_
        for id_, told in states.items()
        if told["KeyManager"] == "CUSTOMER" and told["KeyState"] != "PendingDeletion"
    }
