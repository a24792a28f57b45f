"""EFS and FSx for Lustre."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.doubles.aws import places
from tests.doubles.aws.lives import Thing, drifted, live, make
from trellis.doubles.aws.session import AwsSession
from trellis.doubles.errors import Refused

POLICY = json.dumps(
    {
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", "Principal": {"AWS": "*"}, "Action": ["elasticfilesystem:ClientMount"]}],
    }
)


@pytest.fixture
def at(aws: AwsSession) -> places.Network:
    return places.network(aws)


def shared(aws: AwsSession) -> Thing:
    inputs = {"creationToken": "shared", "encrypted": True, "throughputMode": "elastic", "tags": {"Name": "shared"}}
    return make(aws, "efs/fileSystem:FileSystem", "shared", **inputs)


def mount(aws: AwsSession, at: places.Network, system: str, **more: Any) -> Thing:
    inputs = {"fileSystemId": system, "subnetId": at.subnets[0], "securityGroups": [at.group]}
    return make(aws, "efs/mountTarget:MountTarget", "shared-a", **{**inputs, **more})


def test_file_system(aws: AwsSession) -> None:
    thing = shared(aws)
    assert thing.outputs["dnsName"] == f"{thing.id}.efs.{aws.region}.amazonaws.com"
    live(thing, throughputMode="bursting", tags={"Name": "other"})


def test_a_taken_creation_token_is_refused(aws: AwsSession) -> None:
    shared(aws)
    with pytest.raises(Refused, match="FileSystemAlreadyExists"):
        shared(aws)


def test_file_system_policy(aws: AwsSession) -> None:
    home = shared(aws)
    thing = make(aws, "efs/fileSystemPolicy:FileSystemPolicy", "shared", fileSystemId=home.id, policy=POLICY)
    live(thing, policy=POLICY.replace("Allow", "Deny"))


def test_backup_policy(aws: AwsSession) -> None:
    home = shared(aws)
    on = {"status": "ENABLED"}
    thing = make(aws, "efs/backupPolicy:BackupPolicy", "shared", fileSystemId=home.id, backupPolicy=on)
    aws.client("efs").put_backup_policy(FileSystemId=home.id, BackupPolicy={"Status": "DISABLED"})
    assert drifted(thing) == {"backupPolicy"}
    thing.update(backupPolicy=on)
    thing.delete()
    assert aws.client("efs").describe_backup_policy(FileSystemId=home.id)["BackupPolicy"] == {"Status": "DISABLED"}


def test_policies_are_gone_with_their_file_system(aws: AwsSession) -> None:
    home = shared(aws)
    thing = make(aws, "efs/fileSystemPolicy:FileSystemPolicy", "shared", fileSystemId=home.id, policy=POLICY)
    home.delete()
    assert thing.read() is None
    thing.delete()


def test_mount_target(aws: AwsSession, at: places.Network) -> None:
    ec2 = aws.client("ec2")
    other = ec2.create_security_group(GroupName="other", Description="other", VpcId=at.vpc)["GroupId"]
    live(mount(aws, at, shared(aws).id), securityGroups=[other])


def test_one_mount_target_in_a_zone(aws: AwsSession, at: places.Network) -> None:
    home = shared(aws)
    mount(aws, at, home.id)
    with pytest.raises(Refused, match="MountTargetConflict"):
        mount(aws, at, home.id)


def test_a_mounted_file_system_is_not_deleted(aws: AwsSession, at: places.Network) -> None:
    home = shared(aws)
    mount(aws, at, home.id)
    with pytest.raises(Refused, match="FileSystemInUse"):
        home.delete()


def test_what_a_mount_target_names_must_exist(aws: AwsSession, at: places.Network) -> None:
    with pytest.raises(Refused, match="FileSystemNotFound"):
        mount(aws, at, "fs-00000000")
    with pytest.raises(Refused, match="SecurityGroupNotFound"):
        mount(aws, at, shared(aws).id, securityGroups=["sg-00000000"])


def lustre(aws: AwsSession, at: places.Network, **more: Any) -> Thing:
    inputs = {
        "deploymentType": "PERSISTENT_2",
        "storageType": "SSD",
        "storageCapacity": 1200,
        "perUnitStorageThroughput": 250,
        "fileSystemTypeVersion": "2.15",
        "dataCompressionType": "LZ4",
        "copyTagsToBackups": True,
        "subnetIds": at.subnets[0],
        "securityGroupIds": [at.group],
    }
    return make(aws, "fsx/lustreFileSystem:LustreFileSystem", "lustre", **{**inputs, **more})


def imports(aws: AwsSession, system: str, bucket: str = "data") -> Thing:
    return make(
        aws,
        "fsx/dataRepositoryAssociation:DataRepositoryAssociation",
        "lustre",
        fileSystemId=system,
        fileSystemPath="/data",
        dataRepositoryPath=f"s3://{bucket}",
        batchImportMetaDataOnCreate=True,
        s3={"autoImportPolicy": {"events": ["NEW", "CHANGED", "DELETED"]}},
    )


def test_lustre(aws: AwsSession, at: places.Network) -> None:
    thing = lustre(aws, at)
    assert thing.outputs["mountName"]
    live(thing, storageCapacity=2400, dataCompressionType="NONE", tags={"a": "b"})


def test_lustre_never_shrinks(aws: AwsSession, at: places.Network) -> None:
    with pytest.raises(Refused, match="can only grow"):
        lustre(aws, at, storageCapacity=2400).update(storageCapacity=1200)


def test_what_lustre_names_must_exist(aws: AwsSession, at: places.Network) -> None:
    for wrong in ({"subnetIds": "subnet-00000000000000000"}, {"securityGroupIds": ["sg-00000000000000000"]}):
        with pytest.raises(Refused, match="do not exist"):
            lustre(aws, at, **wrong)


def test_data_repository(aws: AwsSession, at: places.Network) -> None:
    aws.client("s3").create_bucket(Bucket="data")
    live(imports(aws, lustre(aws, at).id), s3={"autoImportPolicy": {"events": ["NEW"]}}, tags={"a": "b"})


def test_a_data_repository_needs_its_bucket_and_a_free_path(aws: AwsSession, at: places.Network) -> None:
    home = lustre(aws, at).id
    with pytest.raises(Refused, match="bucket data does not exist"):
        imports(aws, home)
    aws.client("s3").create_bucket(Bucket="data")
    imports(aws, home)
    with pytest.raises(Refused, match="has an association already"):
        imports(aws, home)


def test_a_data_repository_goes_with_its_file_system(aws: AwsSession, at: places.Network) -> None:
    aws.client("s3").create_bucket(Bucket="data")
    home = lustre(aws, at)
    thing = imports(aws, home.id)
    home.delete()
    assert thing.read() is None
