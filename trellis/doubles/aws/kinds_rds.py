"""RDS instances with their groups. RDS makes the password: only the secret's ARN is ever seen."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from trellis.doubles.aws.shape import Aws, Shape, Tagging, after, changed, mapping, pairs, sent
from trellis.doubles.provider import Bag

_CREATED_WITH = {
    "availabilityZone": "AvailabilityZone",
    "dbName": "DBName",
    "engine": "Engine",
    "kmsKeyId": "KmsKeyId",
    "storageEncrypted": "StorageEncrypted",
    "username": "MasterUsername",
}
_CHANGED = {
    "allocatedStorage": "AllocatedStorage",
    "autoMinorVersionUpgrade": "AutoMinorVersionUpgrade",
    "backupRetentionPeriod": "BackupRetentionPeriod",
    "backupWindow": "PreferredBackupWindow",
    "copyTagsToSnapshot": "CopyTagsToSnapshot",
    "databaseInsightsMode": "DatabaseInsightsMode",
    "dbSubnetGroupName": "DBSubnetGroupName",
    "deletionProtection": "DeletionProtection",
    "engineVersion": "EngineVersion",
    "instanceClass": "DBInstanceClass",
    "iops": "Iops",
    "maintenanceWindow": "PreferredMaintenanceWindow",
    "manageMasterUserPassword": "ManageMasterUserPassword",
    "maxAllocatedStorage": "MaxAllocatedStorage",
    "multiAz": "MultiAZ",
    "parameterGroupName": "DBParameterGroupName",
    "performanceInsightsEnabled": "EnablePerformanceInsights",
    "performanceInsightsRetentionPeriod": "PerformanceInsightsRetentionPeriod",
    "publiclyAccessible": "PubliclyAccessible",
    "storageType": "StorageType",
    "vpcSecurityGroupIds": "VpcSecurityGroupIds",
}
_TOLD_OTHERWISE = ("dbSubnetGroupName", "manageMasterUserPassword", "parameterGroupName", "vpcSecurityGroupIds")
_TOLD_AS = {"performanceInsightsEnabled": "PerformanceInsightsEnabled"}
_TAGGING = Tagging("rds", id="ResourceName", add="add_tags_to_resource", remove="remove_tags_from_resource")


class Instance(Shape):
    """`aws:rds/instance:Instance`; imported by its identifier, then known by its resource id."""

    tagging = _TAGGING
    gone = ("DBInstanceNotFound",)
    unread = ("applyImmediately", "deleteAutomatedBackups", "finalSnapshotIdentifier", "skipFinalSnapshot")

    def make(self, aws: Aws, name: str, inputs: Bag, tags: dict[str, str]) -> str:
        chosen: str = inputs.get("identifier", name)
        settings = sent(inputs, {**_CREATED_WITH, **_CHANGED})
        aws.client("rds").create_db_instance(DBInstanceIdentifier=chosen, Tags=pairs(tags), **settings)
        return chosen

    def show(self, aws: Aws, id_: str, known: Bag) -> Bag | None:
        identifier = _identifier(aws, id_, known)
        found = aws.client("rds").describe_db_instances(DBInstanceIdentifier=identifier)["DBInstances"][0]
        names = {key: name for key, name in {**_CREATED_WITH, **_CHANGED}.items() if key not in _TOLD_OTHERWISE}
        secret = found.get("MasterUserSecret")
        endpoint = found.get("Endpoint", {})
        return {
            "id": found.get("DbiResourceId", identifier),
            "identifier": found["DBInstanceIdentifier"],
            "resourceId": found.get("DbiResourceId", ""),
            "arn": found["DBInstanceArn"],
            "status": found["DBInstanceStatus"],
            "address": endpoint.get("Address", ""),
            "port": endpoint.get("Port", 0),
            "endpoint": f"{endpoint.get('Address', '')}:{endpoint.get('Port', 0)}",
            "engineVersionActual": found["EngineVersion"],
            **{ours: found[theirs] for ours, theirs in {**names, **_TOLD_AS}.items() if theirs in found},
            "dbSubnetGroupName": found.get("DBSubnetGroup", {}).get("DBSubnetGroupName", ""),
            "parameterGroupName": found["DBParameterGroups"][0]["DBParameterGroupName"],
            "vpcSecurityGroupIds": [one["VpcSecurityGroupId"] for one in found["VpcSecurityGroups"]],
            **({"manageMasterUserPassword": True, "masterUserSecrets": [_secret(secret)]} if secret else {}),
            "tagsAll": mapping(found.get("TagList")),
        }

    def change(self, aws: Aws, id_: str, old: Bag, new: Bag) -> None:
        differ = {key: name for key, name in _CHANGED.items() if changed(old, new, key)}
        if differ:
            # Changes are seen at once: a maintenance window does not come in a rehearsal.
            aws.client("rds").modify_db_instance(
                DBInstanceIdentifier=_identifier(aws, id_, new), ApplyImmediately=True, **sent(new, differ)
            )

    def drop(self, aws: Aws, id_: str, known: Bag) -> None:
        skip = known.get("skipFinalSnapshot", False)
        last = {} if skip else sent(known, {"finalSnapshotIdentifier": "FinalDBSnapshotIdentifier"})
        aws.client("rds").delete_db_instance(
            DBInstanceIdentifier=_identifier(aws, id_, known),
            SkipFinalSnapshot=skip,
            DeleteAutomatedBackups=known.get("deleteAutomatedBackups", True),
            **last,
        )


class ParameterGroup(Shape):
    """`aws:rds/parameterGroup:ParameterGroup`; its id is its name, in small letters."""

    tagging = _TAGGING
    gone = ("DBParameterGroupNotFound",)
    unread = ("skipDestroy",)

    def make(self, aws: Aws, name: str, inputs: Bag, tags: dict[str, str]) -> str:
        chosen: str = inputs.get("name", name)
        aws.client("rds").create_db_parameter_group(
            DBParameterGroupName=chosen,
            DBParameterGroupFamily=inputs["family"],
            Description=inputs.get("description", "Managed by Pulumi"),
            Tags=pairs(tags),
        )
        with after(chosen):
            self.change(aws, chosen, {}, inputs)
        return chosen

    def show(self, aws: Aws, id_: str, known: Bag) -> Bag | None:
        rds = aws.client("rds")
        found = rds.describe_db_parameter_groups(DBParameterGroupName=id_)["DBParameterGroups"][0]
        pages = rds.get_paginator("describe_db_parameters").paginate(DBParameterGroupName=id_, Source="user")
        return {
            "name": id_,
            "arn": found["DBParameterGroupArn"],
            "family": found["DBParameterGroupFamily"],
            "description": found["Description"],
            "parameters": [_parameter(one) for page in pages for one in page["Parameters"]],
            "tagsAll": mapping(rds.list_tags_for_resource(ResourceName=found["DBParameterGroupArn"])["TagList"]),
        }

    def change(self, aws: Aws, id_: str, old: Bag, new: Bag) -> None:
        rds = aws.client("rds")
        was, wanted = ({one["name"]: one for one in bag.get("parameters", [])} for bag in (old, new))
        put = [_sent_parameter(one) for name, one in sorted(wanted.items()) if was.get(name) != one]
        gone = [{"ParameterName": name, "ApplyMethod": "immediate"} for name in sorted(set(was) - set(wanted))]
        if put:
            rds.modify_db_parameter_group(DBParameterGroupName=id_, Parameters=put)
        if gone:
            rds.reset_db_parameter_group(DBParameterGroupName=id_, Parameters=gone)

    def drop(self, aws: Aws, id_: str, known: Bag) -> None:
        aws.client("rds").delete_db_parameter_group(DBParameterGroupName=id_)


class SubnetGroup(Shape):
    """`aws:rds/subnetGroup:SubnetGroup`; its id is its name, in small letters."""

    tagging = _TAGGING
    gone = ("DBSubnetGroupNotFoundFault",)

    def make(self, aws: Aws, name: str, inputs: Bag, tags: dict[str, str]) -> str:
        chosen: str = inputs.get("name", name)
        aws.client("rds").create_db_subnet_group(
            DBSubnetGroupName=chosen,
            DBSubnetGroupDescription=inputs.get("description", "Managed by Pulumi"),
            SubnetIds=inputs["subnetIds"],
            Tags=pairs(tags),
        )
        return chosen

    def show(self, aws: Aws, id_: str, known: Bag) -> Bag | None:
        rds = aws.client("rds")
        found = rds.describe_db_subnet_groups(DBSubnetGroupName=id_)["DBSubnetGroups"][0]
        return {
            "name": id_,
            "arn": found["DBSubnetGroupArn"],
            "description": found["DBSubnetGroupDescription"],
            "subnetIds": [one["SubnetIdentifier"] for one in found["Subnets"]],
            "vpcId": found["VpcId"],
            "tagsAll": mapping(rds.list_tags_for_resource(ResourceName=found["DBSubnetGroupArn"])["TagList"]),
        }

    def change(self, aws: Aws, id_: str, old: Bag, new: Bag) -> None:
        if changed(old, new, "description", "subnetIds"):
            aws.client("rds").modify_db_subnet_group(
                DBSubnetGroupName=id_,
                DBSubnetGroupDescription=new.get("description", "Managed by Pulumi"),
                SubnetIds=new["subnetIds"],
            )

    def drop(self, aws: Aws, id_: str, known: Bag) -> None:
        aws.client("rds").delete_db_subnet_group(DBSubnetGroupName=id_)


def _identifier(aws: Aws, id_: str, known: Mapping[str, Any]) -> str:
    """The name by which RDS is asked; the id is one too where it comes from an import."""
    if "identifier" in known or not id_.startswith("db-"):
        return str(known.get("identifier", id_))
    by_id = [{"Name": "dbi-resource-id", "Values": [id_]}]
    rows = aws.client("rds").describe_db_instances(Filters=by_id)["DBInstances"]
    return str(rows[0]["DBInstanceIdentifier"]) if rows else id_


def _secret(found: Mapping[str, Any]) -> Bag:
    names = {"SecretArn": "secretArn", "SecretStatus": "secretStatus", "KmsKeyId": "kmsKeyId"}
    return sent(found, names)


def _parameter(found: Mapping[str, Any]) -> Bag:
    method = found.get("ApplyMethod", "immediate")
    return {"name": found["ParameterName"], "value": found.get("ParameterValue", ""), "applyMethod": method}


def _sent_parameter(one: Mapping[str, Any]) -> Bag:
    return {
        "ParameterName": one["name"],
        "ParameterValue": str(one["value"]),
        "ApplyMethod": one.get("applyMethod", "immediate"),
    }


KINDS: Final[Mapping[str, Shape]] = {
    "aws:rds/instance:Instance": Instance(),
    "aws:rds/parameterGroup:ParameterGroup": ParameterGroup(),
    "aws:rds/subnetGroup:SubnetGroup": SubnetGroup(),
}
