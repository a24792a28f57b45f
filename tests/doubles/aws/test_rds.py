"""RDS: the password that nobody sees, protection, the last snapshot, and groups in use."""

from __future__ import annotations

from typing import Any

import pytest

from tests.doubles.aws import places
from tests.doubles.aws.lives import Thing, drifted, live, make, untouched
from trellis.doubles.aws.session import AwsSession
from trellis.doubles.errors import Refused


@pytest.fixture
def at(aws: AwsSession) -> places.Network:
    return places.network(aws)


def subnets(aws: AwsSession, at: places.Network, **more: Any) -> Thing:
    return make(
        aws,
        "rds/subnetGroup:SubnetGroup",
        "mlflow",
        **{"subnetIds": at.subnets, "description": "private", **more},
    )


def parameters(aws: AwsSession, **more: Any) -> Thing:
    tls = [{"name": "rds.force_ssl", "value": "1"}]
    return make(
        aws,
        "rds/parameterGroup:ParameterGroup",
        "mlflow",
        **{"family": "postgres17", "description": "TLS", "parameters": tls, **more},
    )


def instance(aws: AwsSession, at: places.Network, **more: Any) -> Thing:
    inputs = {
        "identifier": "mlflow",
        "engine": "postgres",
        "engineVersion": "17",
        "instanceClass": "db.t4g.medium",
        "allocatedStorage": 20,
        "maxAllocatedStorage": 100,
        "storageType": "gp3",
        "storageEncrypted": True,
        "dbName": "mlflow",
        "username": "mlflow",
        "manageMasterUserPassword": True,
        "multiAz": False,
        "publiclyAccessible": False,
        "dbSubnetGroupName": more.pop("dbSubnetGroupName", None) or subnets(aws, at).id,
        "parameterGroupName": more.pop("parameterGroupName", None) or parameters(aws).id,
        "vpcSecurityGroupIds": [at.group],
        "autoMinorVersionUpgrade": True,
        "backupRetentionPeriod": 7,
        "backupWindow": "07:00-08:00",
        "maintenanceWindow": "sun:08:30-sun:09:30",
        "copyTagsToSnapshot": True,
        "deletionProtection": False,
        "deleteAutomatedBackups": True,
        "skipFinalSnapshot": True,
        "performanceInsightsEnabled": True,
        "performanceInsightsRetentionPeriod": 7,
        "databaseInsightsMode": "standard",
    }
    return make(aws, "rds/instance:Instance", "mlflow", **{**inputs, **more})


def test_instance(aws: AwsSession, at: places.Network) -> None:
    thing = instance(aws, at, tags={"a": "b"})
    assert thing.id.startswith("db-")
    live(thing, "mlflow", backupRetentionPeriod=9, deletionProtection=False, multiAz=True, tags={"c": "d"})


def test_nobody_sees_the_password(aws: AwsSession, at: places.Network) -> None:
    thing = instance(aws, at)
    secret = thing.outputs["masterUserSecrets"][0]["secretArn"]
    assert secret.startswith(f"arn:aws:secretsmanager:{aws.region}:{aws.account}:secret:rds!db-")
    assert "password" not in {key.lower() for key in thing.outputs}
    assert thing.outputs["endpoint"] == f"{thing.outputs['address']}:{thing.outputs['port']}"


def test_a_protected_instance_is_not_deleted(aws: AwsSession, at: places.Network) -> None:
    thing = instance(aws, at, deletionProtection=True)
    with pytest.raises(Refused, match="deletion protection"):
        thing.delete()
    thing.update(deletionProtection=False).delete()
    assert thing.read() is None


def test_the_last_snapshot_is_made_or_declined(aws: AwsSession, at: places.Network) -> None:
    undecided = instance(aws, at, skipFinalSnapshot=False)
    with pytest.raises(Refused, match="FinalDBSnapshotIdentifier is required"):
        undecided.delete()
    undecided.update(finalSnapshotIdentifier="mlflow-final").delete()
    found = aws.client("rds").describe_db_snapshots(DBSnapshotIdentifier="mlflow-final")["DBSnapshots"]
    assert [one["DBInstanceIdentifier"] for one in found] == ["mlflow"]


def test_a_taken_identifier_is_refused(aws: AwsSession, at: places.Network) -> None:
    first = instance(aws, at)
    groups = {key: first.inputs[key] for key in ("dbSubnetGroupName", "parameterGroupName")}
    with pytest.raises(Refused, match="DBInstanceAlreadyExists"):
        instance(aws, at, **groups)


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"dbSubnetGroupName": "none"}, "DBSubnetGroupNotFound"),
        ({"parameterGroupName": "none"}, "DBParameterGroupNotFound"),
        ({"vpcSecurityGroupIds": ["sg-0"]}, "'sg-0' do not exist"),
    ],
)
def test_what_an_instance_names_must_exist(
    aws: AwsSession, at: places.Network, wrong: dict[str, Any], said: str
) -> None:
    with pytest.raises(Refused, match=said):
        instance(aws, at, **wrong)


def test_groups_in_use_are_not_deleted(aws: AwsSession, at: places.Network) -> None:
    network, settings = subnets(aws, at), parameters(aws)
    database = instance(aws, at, dbSubnetGroupName=network.id, parameterGroupName=settings.id)
    for group in (network, settings):
        with pytest.raises(Refused, match="GroupState"):
            group.delete()
    database.delete()
    for group in (network, settings):
        group.delete()
        assert group.read() is None


def test_subnet_group(aws: AwsSession, at: places.Network) -> None:
    live(subnets(aws, at), description="others", tags={"a": "b"})


def test_subnet_groups_cover_two_zones_and_have_names_of_their_own(aws: AwsSession, at: places.Network) -> None:
    with pytest.raises(Refused, match="CoverEnoughAZs"):
        subnets(aws, at, subnetIds=at.subnets[:1])
    with pytest.raises(Refused, match="do not exist"):
        subnets(aws, at, subnetIds=["subnet-0"])
    subnets(aws, at, name="one")
    with pytest.raises(Refused, match="DBSubnetGroupAlreadyExists"):
        subnets(aws, at, name="one")


def test_parameter_group(aws: AwsSession) -> None:
    thing = parameters(aws)
    live(thing, parameters=[{"name": "log_statement", "value": "all"}], tags={"a": "b"})


def test_a_parameter_set_behind_our_back_is_drift(aws: AwsSession) -> None:
    thing = parameters(aws)
    untouched(thing)
    row = {"ParameterName": "rds.force_ssl", "ParameterValue": "0", "ApplyMethod": "immediate"}
    aws.client("rds").modify_db_parameter_group(DBParameterGroupName=thing.id, Parameters=[row])
    assert drifted(thing) == {"parameters"}
