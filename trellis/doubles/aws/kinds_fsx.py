"""FSx for Lustre."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from trellis.doubles.aws.shape import Aws, Shape, Tagging, capital, changed, mapping, pairs, sent, small
from trellis.doubles.provider import Bag

_LUSTRE = {
    "automaticBackupRetentionDays": "AutomaticBackupRetentionDays",
    "copyTagsToBackups": "CopyTagsToBackups",
    "dataCompressionType": "DataCompressionType",
    "deploymentType": "DeploymentType",
    "perUnitStorageThroughput": "PerUnitStorageThroughput",
    "weeklyMaintenanceStartTime": "WeeklyMaintenanceStartTime",
}
_SYSTEM = {"fileSystemTypeVersion": "FileSystemTypeVersion", "storageCapacity": "StorageCapacity"}
_TAGGING = Tagging("fsx", id="ResourceARN")


class LustreFileSystem(Shape):
    """`aws:fsx/lustreFileSystem:LustreFileSystem`. AWS tells no security groups; the provider keeps those it gave."""

    tagging = _TAGGING
    gone = ("FileSystemNotFound",)
    unread = ("securityGroupIds", "skipFinalBackup", "finalBackupTags", "backupId")

    def make(self, aws: Aws, name: str, inputs: Bag, tags: dict[str, str]) -> str:
        made = aws.client("fsx").create_file_system(
            FileSystemType="LUSTRE",
            SubnetIds=[inputs["subnetIds"]],
            Tags=pairs(tags),
            LustreConfiguration=sent(inputs, _LUSTRE),
            **sent(inputs, {**_SYSTEM, "storageType": "StorageType", "securityGroupIds": "SecurityGroupIds"}),
        )
        id_: str = made["FileSystem"]["FileSystemId"]
        return id_

    def show(self, aws: Aws, id_: str, known: Bag) -> Bag | None:
        found = aws.client("fsx").describe_file_systems(FileSystemIds=[id_])["FileSystems"][0]
        lustre = found["LustreConfiguration"]
        return {
            "arn": found["ResourceARN"],
            "dnsName": found["DNSName"],
            "mountName": lustre["MountName"],
            "networkInterfaceIds": found.get("NetworkInterfaceIds", []),
            "ownerId": found.get("OwnerId", ""),
            "vpcId": found.get("VpcId", ""),
            "subnetIds": found["SubnetIds"][0],
            "storageType": found["StorageType"],
            **sent(found, {theirs: ours for ours, theirs in _SYSTEM.items()}),
            **sent(lustre, {theirs: ours for ours, theirs in _LUSTRE.items()}),
            "tagsAll": mapping(found.get("Tags")),
        }

    def change(self, aws: Aws, id_: str, old: Bag, new: Bag) -> None:
        system = {key: name for key, name in _SYSTEM.items() if changed(old, new, key)}
        lustre = {key: name for key, name in _LUSTRE.items() if changed(old, new, key)}
        if system or lustre:
            settings = {"LustreConfiguration": sent(new, lustre)} if lustre else {}
            aws.client("fsx").update_file_system(FileSystemId=id_, **sent(new, system), **settings)

    def drop(self, aws: Aws, id_: str, known: Bag) -> None:
        aws.client("fsx").delete_file_system(FileSystemId=id_)


class DataRepositoryAssociation(Shape):
    """`aws:fsx/dataRepositoryAssociation:DataRepositoryAssociation`."""

    tagging = _TAGGING
    gone = ("DataRepositoryAssociationNotFound", "FileSystemNotFound")
    unread = ("deleteDataInFilesystem",)

    def make(self, aws: Aws, name: str, inputs: Bag, tags: dict[str, str]) -> str:
        names = {
            "batchImportMetaDataOnCreate": "BatchImportMetaDataOnCreate",
            "dataRepositoryPath": "DataRepositoryPath",
            "fileSystemId": "FileSystemId",
            "fileSystemPath": "FileSystemPath",
            "importedFileChunkSize": "ImportedFileChunkSize",
        }
        settings = {"S3": capital(inputs["s3"])} if "s3" in inputs else {}
        made = aws.client("fsx").create_data_repository_association(Tags=pairs(tags), **sent(inputs, names), **settings)
        id_: str = made["Association"]["AssociationId"]
        return id_

    def show(self, aws: Aws, id_: str, known: Bag) -> Bag | None:
        found = aws.client("fsx").describe_data_repository_associations(AssociationIds=[id_])["Associations"][0]
        return {
            "associationId": id_,
            "arn": found["ResourceARN"],
            "fileSystemId": found["FileSystemId"],
            "fileSystemPath": found["FileSystemPath"],
            "dataRepositoryPath": found["DataRepositoryPath"],
            "batchImportMetaDataOnCreate": found["BatchImportMetaDataOnCreate"],
            "importedFileChunkSize": found["ImportedFileChunkSize"],
            **({"s3": small(found["S3"])} if found.get("S3") else {}),
            "tagsAll": mapping(found.get("Tags")),
        }

    def change(self, aws: Aws, id_: str, old: Bag, new: Bag) -> None:
        if changed(old, new, "s3", "importedFileChunkSize"):
            size = sent(new, {"importedFileChunkSize": "ImportedFileChunkSize"})
            events = {"S3": capital(new["s3"])} if "s3" in new else {}
            aws.client("fsx").update_data_repository_association(AssociationId=id_, **size, **events)

    def drop(self, aws: Aws, id_: str, known: Bag) -> None:
        data = bool(known.get("deleteDataInFilesystem"))
        aws.client("fsx").delete_data_repository_association(AssociationId=id_, DeleteDataInFileSystem=data)


KINDS: Final[Mapping[str, Shape]] = {
    "aws:fsx/dataRepositoryAssociation:DataRepositoryAssociation": DataRepositoryAssociation(),
    "aws:fsx/lustreFileSystem:LustreFileSystem": LustreFileSystem(),
}
