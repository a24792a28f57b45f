"""Shared file systems: EFS for many pods at once, FSx for Lustre for training data. Both encrypted, in the VPC only."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from components.layout import iam
from components.layout.links import LUSTRE
from components.layout.names import Names
from components.spec.platform import Protection
from components.spec.services import Lustre

LUSTRE_VERSION = "2.15"
"""Version of the servers; AL2023 has its client. Source: FSx for Lustre user guide (general knowledge, likely)."""


@dataclass(frozen=True, kw_only=True)
class FilesArgs:
    """What a file system needs besides its spec."""

    names: Names
    protection: Protection
    vpc_id: pulumi.Input[str]
    subnet_ids: Mapping[str, pulumi.Input[str]]
    """Private subnets by zone id."""


class SharedFiles(pulumi.ComponentResource):
    """An EFS file system with a mount target in each zone."""

    id_: pulumi.Output[str]
    security_group_id: pulumi.Output[str]

    def __init__(
        self, name: str, expected_gib: int, args: FilesArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("trellis:aws:SharedFiles", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        kept = pulumi.ResourceOptions(parent=self, retain_on_delete=args.protection.retain)
        group = aws.ec2.SecurityGroup(
            name, vpc_id=args.vpc_id, description="Shared files (EFS), from cluster nodes", opts=kept
        )
        files = aws.efs.FileSystem(
            name,
            creation_token=f"{args.names.prefix}-{name}",
            encrypted=True,
            throughput_mode="elastic",
            tags={"Name": f"{args.names.prefix}-{name}", "trellis:expected-gib": str(expected_gib)},
            opts=pulumi.ResourceOptions(
                parent=self, protect=args.protection.protect, retain_on_delete=args.protection.retain
            ),
        )
        aws.efs.FileSystemPolicy(name, file_system_id=files.id, policy=_mount_by_tls(), opts=kept)
        if args.protection.protect:
            aws.efs.BackupPolicy(name, file_system_id=files.id, backup_policy={"status": "ENABLED"}, opts=kept)
        for zone, subnet in args.subnet_ids.items():
            aws.efs.MountTarget(
                f"{name}-{zone}", file_system_id=files.id, subnet_id=subnet, security_groups=[group.id], opts=child
            )
        self.id_ = files.id
        self.security_group_id = group.id
        self.register_outputs({"id": self.id_})


def _mount_by_tls() -> str:
    """Whoever reaches a mount target (security groups say who) may mount, by TLS and in no other way."""
    client = ["ClientMount", "ClientRootAccess", "ClientWrite"]
    actions = [f"elasticfilesystem:{one}" for one in client]
    inside = {"Bool": {"elasticfilesystem:AccessedViaMountTarget": "true"}}
    plain = {"Bool": {"aws:SecureTransport": "false"}}
    everyone = {"AWS": "*"}
    return iam.document(
        {"Sid": "Mount", "Effect": "Allow", "Principal": everyone, "Action": actions, "Condition": inside},
        {"Sid": "RefusePlain", "Effect": "Deny", "Principal": everyone, "Action": actions, "Condition": plain},
    )


class LustreFiles(pulumi.ComponentResource):
    """A Lustre file system in one zone; the data bucket appears below `/data` and is read from there on first use."""

    id_: pulumi.Output[str]
    dns_name: pulumi.Output[str]
    mount_name: pulumi.Output[str]
    security_group_id: pulumi.Output[str]

    def __init__(self, name: str, spec: Lustre, args: FilesArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("trellis:aws:LustreFiles", name, None, opts)
        kept = pulumi.ResourceOptions(parent=self, retain_on_delete=args.protection.retain)
        group = self._group(name, args, kept)
        files = aws.fsx.LustreFileSystem(
            name,
            deployment_type="PERSISTENT_2",
            storage_type="SSD",
            storage_capacity=spec.storage_gib,
            per_unit_storage_throughput=spec.throughput_mbps_per_tib,
            file_system_type_version=LUSTRE_VERSION,
            data_compression_type="LZ4",
            subnet_ids=next(iter(args.subnet_ids.values())),
            security_group_ids=[group.id],
            copy_tags_to_backups=True,
            tags={"Name": f"{args.names.prefix}-{name}"},
            opts=pulumi.ResourceOptions(
                parent=self, protect=args.protection.protect, retain_on_delete=args.protection.retain
            ),
        )
        aws.fsx.DataRepositoryAssociation(
            name,
            file_system_id=files.id,
            file_system_path="/data",
            data_repository_path=f"s3://{args.names.bucket('data')}",
            batch_import_meta_data_on_create=True,
            s3={"auto_import_policy": {"events": ["NEW", "CHANGED", "DELETED"]}},
            opts=kept,
        )
        self.id_, self.dns_name, self.mount_name = files.id, files.dns_name, files.mount_name
        self.security_group_id = group.id
        self.register_outputs({"id": self.id_})

    def _group(self, name: str, args: FilesArgs, opts: pulumi.ResourceOptions) -> aws.ec2.SecurityGroup:
        """File servers talk to each other on the ports on which clients talk to them."""
        group = aws.ec2.SecurityGroup(
            name, vpc_id=args.vpc_id, description="Lustre servers, from cluster nodes and each other", opts=opts
        )
        for opening in LUSTRE:
            for way in (aws.vpc.SecurityGroupIngressRule, aws.vpc.SecurityGroupEgressRule):
                way(
                    f"{name}-{opening.name}",
                    security_group_id=group.id,
                    referenced_security_group_id=group.id,
                    ip_protocol="tcp",
                    from_port=opening.first,
                    to_port=opening.last,
                    opts=opts,
                )
        return group
