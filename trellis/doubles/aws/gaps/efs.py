"""Operations of EFS which moto lacks."""

from __future__ import annotations

from typing import Any

from trellis.doubles.aws.gaps.fill import Bag, Call, Refusal, serves

_WHY = "moto does not have it"


def file_system(call: Call) -> Any:
    """Moto's file system."""
    found = call.backend.file_systems_by_id.get(call.params["FileSystemId"])
    if found is None:
        raise Refusal("FileSystemNotFound", f"File system '{call.params['FileSystemId']}' does not exist.")
    return found


@serves("efs", "DescribeFileSystemPolicy", "PutFileSystemPolicy", reason="moto fails where there is no file system")
def policy(call: Call) -> Bag:
    """The policy of a file system that exists."""
    file_system(call)
    return call.moto()


@serves("efs", "DeleteFileSystemPolicy", reason=_WHY)
def delete_policy(call: Call) -> None:
    """Take the policy away; there need not be one."""
    file_system(call).file_system_policy = None


@serves("efs", "PutBackupPolicy", reason=_WHY)
def put_backup(call: Call) -> Bag:
    """Switch automatic backups on or off."""
    status = call.params["BackupPolicy"]["Status"]
    file_system(call)._backup = status == "ENABLED"
    call.store("backups")[call.params["FileSystemId"]] = status
    return {"BackupPolicy": {"Status": status}}


@serves("efs", "DescribeBackupPolicy", reason="moto knows only what a file system was created with")
def backup(call: Call) -> Bag:
    """Whether backups are on."""
    on = file_system(call)._backup
    status = call.store("backups").get(call.params["FileSystemId"], "ENABLED" if on else None)
    if status is None:
        raise Refusal("PolicyNotFound", "None")
    return {"BackupPolicy": {"Status": status}}


@serves("efs", "UpdateFileSystem", reason=_WHY)
def change(call: Call) -> Bag:
    """Another throughput mode."""
    found = file_system(call)
    found.throughput_mode = call.params.get("ThroughputMode", found.throughput_mode)
    found.provisioned_throughput_in_mibps = call.params.get("ProvisionedThroughputInMibps")
    answer: Bag = found.info_json()
    return answer
