"""EFS file systems, their policies and their mount targets."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from trellis.doubles.aws.shape import Aws, Shape, changed, mapping, pairs, sent
from trellis.doubles.provider import Bag

_NO_SYSTEM = ("FileSystemNotFound",)


class FileSystem(Shape):
    """`aws:efs/fileSystem:FileSystem`. A creation token that is taken is refused."""

    gone = _NO_SYSTEM

    def make(self, aws: Aws, name: str, inputs: Bag, tags: dict[str, str]) -> str:
        names = {
            "encrypted": "Encrypted",
            "kmsKeyId": "KmsKeyId",
            "performanceMode": "PerformanceMode",
            "throughputMode": "ThroughputMode",
            "provisionedThroughputInMibps": "ProvisionedThroughputInMibps",
        }
        made = aws.client("efs").create_file_system(
            CreationToken=inputs.get("creationToken", name), Tags=pairs(tags), **sent(inputs, names)
        )
        id_: str = made["FileSystemId"]
        return id_

    def show(self, aws: Aws, id_: str, known: Bag) -> Bag | None:
        found = aws.client("efs").describe_file_systems(FileSystemId=id_)["FileSystems"][0]
        return {
            "arn": found["FileSystemArn"],
            "creationToken": found["CreationToken"],
            "encrypted": found["Encrypted"],
            "performanceMode": found["PerformanceMode"],
            "throughputMode": found["ThroughputMode"],
            "ownerId": found["OwnerId"],
            "dnsName": _dns(aws, id_),
            "name": found.get("Name", ""),
            "tagsAll": mapping(found.get("Tags")),
        }

    def change(self, aws: Aws, id_: str, old: Bag, new: Bag) -> None:
        if changed(old, new, "throughputMode", "provisionedThroughputInMibps"):
            mode = {"ThroughputMode": new.get("throughputMode", "bursting")}
            rate = sent(new, {"provisionedThroughputInMibps": "ProvisionedThroughputInMibps"})
            aws.client("efs").update_file_system(FileSystemId=id_, **mode, **rate)

    def drop(self, aws: Aws, id_: str, known: Bag) -> None:
        aws.client("efs").delete_file_system(FileSystemId=id_)

    def tag(self, aws: Aws, shown: Bag, add: dict[str, str], remove: list[str]) -> None:
        efs, id_ = aws.client("efs"), shown["arn"].rpartition("/")[2]
        if remove:
            efs.untag_resource(ResourceId=id_, TagKeys=remove)
        if add:
            efs.tag_resource(ResourceId=id_, Tags=pairs(add))


class BackupPolicy(Shape):
    """`aws:efs/backupPolicy:BackupPolicy`; its id is the file system's. To delete it is to switch backups off."""

    gone = (*_NO_SYSTEM, "PolicyNotFound")
    taggable = False

    def make(self, aws: Aws, name: str, inputs: Bag, tags: dict[str, str]) -> str:
        id_: str = inputs["fileSystemId"]
        self.change(aws, id_, {}, inputs)
        return id_

    def show(self, aws: Aws, id_: str, known: Bag) -> Bag | None:
        found = aws.client("efs").describe_backup_policy(FileSystemId=id_)["BackupPolicy"]
        return {"fileSystemId": id_, "backupPolicy": {"status": found["Status"]}}

    def change(self, aws: Aws, id_: str, old: Bag, new: Bag) -> None:
        wanted = {"Status": new["backupPolicy"]["status"]}
        aws.client("efs").put_backup_policy(FileSystemId=id_, BackupPolicy=wanted)

    def drop(self, aws: Aws, id_: str, known: Bag) -> None:
        aws.client("efs").put_backup_policy(FileSystemId=id_, BackupPolicy={"Status": "DISABLED"})


class FileSystemPolicy(Shape):
    """`aws:efs/fileSystemPolicy:FileSystemPolicy`; its id is the file system's."""

    gone = (*_NO_SYSTEM, "PolicyNotFound")
    taggable = False
    unread = ("bypassPolicyLockoutSafetyCheck",)

    def make(self, aws: Aws, name: str, inputs: Bag, tags: dict[str, str]) -> str:
        id_: str = inputs["fileSystemId"]
        self.change(aws, id_, {}, inputs)
        return id_

    def show(self, aws: Aws, id_: str, known: Bag) -> Bag | None:
        found = aws.client("efs").describe_file_system_policy(FileSystemId=id_)
        return {"fileSystemId": id_, "policy": found["Policy"]}

    def change(self, aws: Aws, id_: str, old: Bag, new: Bag) -> None:
        aws.client("efs").put_file_system_policy(FileSystemId=id_, Policy=new["policy"])

    def drop(self, aws: Aws, id_: str, known: Bag) -> None:
        aws.client("efs").delete_file_system_policy(FileSystemId=id_)


class MountTarget(Shape):
    """`aws:efs/mountTarget:MountTarget`: one in each zone of a file system."""

    gone = (*_NO_SYSTEM, "MountTargetNotFound")
    taggable = False

    def make(self, aws: Aws, name: str, inputs: Bag, tags: dict[str, str]) -> str:
        names = {"fileSystemId": "FileSystemId", "subnetId": "SubnetId", "securityGroups": "SecurityGroups"}
        made = aws.client("efs").create_mount_target(**sent(inputs, {**names, "ipAddress": "IpAddress"}))
        id_: str = made["MountTargetId"]
        return id_

    def show(self, aws: Aws, id_: str, known: Bag) -> Bag | None:
        efs = aws.client("efs")
        rows = efs.describe_mount_targets(MountTargetId=id_)["MountTargets"]
        if not rows:
            return None
        found = rows[0]
        system, zone = found["FileSystemId"], found["AvailabilityZoneName"]
        return {
            "fileSystemId": system,
            "fileSystemArn": f"arn:aws:elasticfilesystem:{aws.region}:{aws.account}:file-system/{system}",
            "subnetId": found["SubnetId"],
            "ipAddress": found["IpAddress"],
            "networkInterfaceId": found["NetworkInterfaceId"],
            "availabilityZoneId": found["AvailabilityZoneId"],
            "availabilityZoneName": zone,
            "ownerId": found["OwnerId"],
            "dnsName": _dns(aws, system),
            "mountTargetDnsName": f"{zone}.{_dns(aws, system)}",
            "securityGroups": efs.describe_mount_target_security_groups(MountTargetId=id_)["SecurityGroups"],
        }

    def change(self, aws: Aws, id_: str, old: Bag, new: Bag) -> None:
        groups = new.get("securityGroups", [])
        aws.client("efs").modify_mount_target_security_groups(MountTargetId=id_, SecurityGroups=groups)

    def drop(self, aws: Aws, id_: str, known: Bag) -> None:
        aws.client("efs").delete_mount_target(MountTargetId=id_)


def _dns(aws: Aws, id_: str) -> str:
    return f"{id_}.efs.{aws.region}.amazonaws.com"


KINDS: Final[Mapping[str, Shape]] = {
    "aws:efs/backupPolicy:BackupPolicy": BackupPolicy(),
    "aws:efs/fileSystem:FileSystem": FileSystem(),
    "aws:efs/fileSystemPolicy:FileSystemPolicy": FileSystemPolicy(),
    "aws:efs/mountTarget:MountTarget": MountTarget(),
}
