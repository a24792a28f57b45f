"""RDS as AWS has it: names that are taken, groups that are in use, and parameters set back."""

from __future__ import annotations

from trellis.doubles.aws.gaps import references
from trellis.doubles.aws.gaps.fill import Bag, Call, Refusal, serves

_DROPPED = {
    "DatabaseInsightsMode": "database_insights_mode",
    "EnablePerformanceInsights": "performance_insights_enabled",
    "PerformanceInsightsRetentionPeriod": "performance_insights_retention_period",
}
"""Settings that moto would tell if it had kept them."""


@serves("rds", "CreateDBSubnetGroup", reason="moto makes the same group twice")
def create_subnets(call: Call) -> Bag:
    """A group of subnets, whose name is free."""
    name = call.params["DBSubnetGroupName"]
    if name in call.backend.subnet_groups:
        raise Refusal("DBSubnetGroupAlreadyExists", f"The DB subnet group '{name}' already exists.")
    found = references.subnets(call, call.params["SubnetIds"], "InvalidSubnet")
    if len({one.availability_zone for one in found}) < 2:
        message = "The DB subnet group doesn't meet Availability Zone (AZ) coverage requirement."
        raise Refusal("DBSubnetGroupDoesNotCoverEnoughAZs", message)
    return call.moto()


@serves("rds", "ModifyDBSubnetGroup", reason="moto loses the group")
def change_subnets(call: Call) -> Bag:
    """Other subnets or another description."""
    name = call.params["DBSubnetGroupName"]
    found = call.backend.subnet_groups.get(name)
    if found is None:
        raise Refusal("DBSubnetGroupNotFoundFault", f"Subnet Group {name} not found.")
    found.subnets = references.subnets(call, call.params["SubnetIds"], "InvalidSubnet")
    found.description = call.params.get("DBSubnetGroupDescription", found.description)
    return {"DBSubnetGroup": found}


@serves("rds", "DeleteDBSubnetGroup", reason="moto deletes a group that an instance uses")
def delete_subnets(call: Call) -> Bag:
    """A group that no instance uses."""
    name = call.params["DBSubnetGroupName"]
    for one in call.backend.databases.values():
        if one.db_subnet_group is not None and one.db_subnet_group.name == name:
            message = (
                f"Cannot delete the subnet group '{name}' because at least one database instance is still using it."
            )
            raise Refusal("InvalidDBSubnetGroupStateFault", message)
    return call.moto()


@serves("rds", "DescribeDBParameterGroups", reason="moto answers nothing for a name that is not there")
def parameter_groups(call: Call) -> Bag:
    """Groups by name."""
    name = call.params.get("DBParameterGroupName")
    if name and name not in call.backend.db_parameter_groups:
        raise Refusal("DBParameterGroupNotFound", f"DBParameterGroup {name} not found.")
    return call.moto()


@serves("rds", "DeleteDBParameterGroup", reason="moto deletes a group that an instance uses")
def delete_parameters(call: Call) -> Bag:
    """A group that no instance uses."""
    name = call.params["DBParameterGroupName"]
    for one in call.backend.databases.values():
        if one.db_parameter_group_name == name:
            message = "Database instances are still members of this parameter group"
            raise Refusal("InvalidDBParameterGroupState", message)
    return call.moto()


@serves("rds", "ResetDBParameterGroup", reason="moto does not have it")
def reset(call: Call) -> Bag:
    """Set parameters back to what they are by default."""
    name = call.params["DBParameterGroupName"]
    found = call.backend.db_parameter_groups.get(name)
    if found is None:
        raise Refusal("DBParameterGroupNotFound", f"DBParameterGroup {name} not found.")
    if call.params.get("ResetAllParameters"):
        found.parameters.clear()
    for one in call.params.get("Parameters", []):
        found.parameters.pop(one["ParameterName"], None)
    return {"DBParameterGroupName": name}


@serves("rds", "CreateDBInstance", "ModifyDBInstance", reason="moto looks at no security group and drops some settings")
def create(call: Call) -> Bag:
    """An instance behind groups that exist."""
    references.security_groups(call, call.params.get("VpcSecurityGroupIds", []), "InvalidVPCNetworkStateFault")
    answer = call.moto()
    found = call.backend.databases[answer["DBInstance"]["DBInstanceIdentifier"]]
    for name, attribute in _DROPPED.items():
        if name in call.params:
            setattr(found, attribute, call.params[name])
    return answer


@serves("rds", "DeleteDBInstance", reason="moto deletes without a final snapshot that was not declined")
def delete(call: Call) -> Bag:
    """An instance; a last snapshot is made or declined."""
    params = call.params
    if not params.get("SkipFinalSnapshot") and not params.get("FinalDBSnapshotIdentifier"):
        message = "FinalDBSnapshotIdentifier is required unless SkipFinalSnapshot is specified."
        raise Refusal("InvalidParameterCombination", message)
    if params.get("FinalDBSnapshotIdentifier", "") in call.backend.database_snapshots:
        message = f"A snapshot with the identifier {params['FinalDBSnapshotIdentifier']} already exists."
        raise Refusal("DBSnapshotAlreadyExists", message)
    return call.moto()
