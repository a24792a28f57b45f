"""The PostgreSQL behind MLflow: in private subnets, TLS only, its password made and rotated by RDS."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from components.layout.names import Names
from components.spec import services
from components.spec.platform import Protection

USER = DATABASE = "mlflow"
INSIGHTS_DAYS = 7
"""Days of performance history; as many as cost nothing."""


@dataclass(frozen=True, kw_only=True)
class DatabaseArgs:
    """What the database needs besides its spec."""

    names: Names
    protection: Protection
    vpc_id: pulumi.Input[str]
    subnet_ids: Mapping[str, pulumi.Input[str]]
    """Private subnets by zone id."""


class Database(pulumi.ComponentResource):
    """An RDS instance. Its password is in no spec, output or state: only the secret's ARN is."""

    host: pulumi.Output[str]
    credentials_arn: pulumi.Output[str]
    """Secrets Manager secret with the keys `username` and `password`."""
    security_group_id: pulumi.Output[str]

    def __init__(
        self, name: str, spec: services.Database, args: DatabaseArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("trellis:aws:Database", name, None, opts)
        self._name, self._spec, self._args = name, spec, args
        self._kept = pulumi.ResourceOptions(parent=self, retain_on_delete=args.protection.retain)
        group = aws.ec2.SecurityGroup(
            name, vpc_id=args.vpc_id, description="MLflow's database, from its cluster's nodes", opts=self._kept
        )
        instance = self._instance(group)
        self.host = instance.address
        self.credentials_arn = instance.master_user_secrets[0].secret_arn
        self.security_group_id = group.id
        self.register_outputs({"host": self.host})

    def _instance(self, group: aws.ec2.SecurityGroup) -> aws.rds.Instance:
        spec, names, protection = self._spec, self._args.names, self._args.protection
        kept = protection.protect or protection.retain
        return aws.rds.Instance(
            self._name,
            identifier=names.database,
            engine="postgres",
            engine_version=spec.engine_version,
            instance_class=spec.instance_class,
            allocated_storage=spec.storage_gib,
            max_allocated_storage=spec.max_storage_gib,
            storage_type="gp3",
            storage_encrypted=True,
            db_name=DATABASE,
            username=USER,
            manage_master_user_password=True,
            multi_az=spec.multi_az,
            publicly_accessible=False,
            db_subnet_group_name=self._subnets().name,
            vpc_security_group_ids=[group.id],
            parameter_group_name=self._parameters().name,
            auto_minor_version_upgrade=True,
            backup_retention_period=spec.backup_retention_days,
            # Nights in America and Europe, in UTC; the backup is done before maintenance may start.
            backup_window="07:00-08:00",
            maintenance_window="sun:08:30-sun:09:30",
            copy_tags_to_snapshot=True,
            deletion_protection=protection.protect,
            delete_automated_backups=not kept,
            skip_final_snapshot=not kept,
            final_snapshot_identifier=f"{names.database}-final" if kept else None,
            performance_insights_enabled=True,
            performance_insights_retention_period=INSIGHTS_DAYS,
            database_insights_mode="standard",
            opts=pulumi.ResourceOptions(parent=self, protect=protection.protect, retain_on_delete=protection.retain),
        )

    def _subnets(self) -> aws.rds.SubnetGroup:
        return aws.rds.SubnetGroup(
            self._name,
            description="Private subnets of the environment",
            subnet_ids=list(self._args.subnet_ids.values()),
            opts=self._kept,
        )

    def _parameters(self) -> aws.rds.ParameterGroup:
        return aws.rds.ParameterGroup(
            self._name,
            family=f"postgres{self._spec.engine_version.partition('.')[0]}",
            description="Refuses connections without TLS",
            parameters=[{"name": "rds.force_ssl", "value": "1"}],
            opts=self._kept,
        )
