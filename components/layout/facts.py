"""Names of the values that in-cluster objects take from AWS and that are known only after deployment.

Everything else that they need from AWS (names, ARNs, addresses of registries) is fixed by the spec: see `names`.
"""

from __future__ import annotations

from enum import StrEnum


class Fact(StrEnum):
    """One such value."""

    VPC_ID = "vpcId"
    SHARED_FILES_ID = "sharedFilesId"
    """EFS file system; only where `storage.sharedFilesystemGib` is set."""
    LUSTRE_ID = "lustreId"
    """FSx for Lustre file system; only where `storage.lustre` is set."""
    LUSTRE_DNS_NAME = "lustreDnsName"
    LUSTRE_MOUNT_NAME = "lustreMountName"
    DATABASE_HOST = "databaseHost"
    """MLflow's PostgreSQL; only in the cluster that runs MLflow."""
    DATABASE_CREDENTIALS_ARN = "databaseCredentialsArn"
    """Secrets Manager secret with keys `username` and `password`, made and rotated by RDS."""
