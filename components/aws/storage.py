"""Buckets for data, artefacts and models: versioned, encrypted, closed to the public, reached by TLS only."""

from __future__ import annotations

from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from components.layout import s3
from components.layout.names import Names
from components.spec.platform import Protection
from components.spec.services import Storage

UPLOAD_DAYS = 7
"""Days after which an upload that was never finished is dropped; its parts are paid for and invisible."""


@dataclass(frozen=True, kw_only=True)
class BucketsArgs:
    """What the buckets need besides the spec."""

    names: Names
    protection: Protection


class Buckets(pulumi.ComponentResource):
    """The environment's buckets. Their names are fixed by the spec: see `Names.bucket`."""

    def __init__(self, name: str, spec: Storage, args: BucketsArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("trellis:aws:Buckets", name, None, opts)
        self._args = args
        # What guards a bucket stays as long as the bucket does: a retained bucket must not lose its policy.
        self._kept = pulumi.ResourceOptions(parent=self, retain_on_delete=args.protection.retain)
        for bucket in s3.buckets(spec):
            self._bucket(bucket)
        self.register_outputs({})

    def _bucket(self, spec: s3.BucketSpec) -> None:
        names, protection = self._args.names, self._args.protection
        bucket = aws.s3.Bucket(
            spec.purpose,
            bucket=names.bucket(spec.purpose),
            # Only where nothing is kept may a destroy empty a bucket.
            force_destroy=not (protection.protect or protection.retain),
            tags={"trellis:expected-gib": str(spec.expected_gib)},
            opts=pulumi.ResourceOptions(parent=self, protect=protection.protect, retain_on_delete=protection.retain),
        )
        closed = aws.s3.BucketPublicAccessBlock(
            spec.purpose,
            bucket=bucket.bucket,
            block_public_acls=True,
            block_public_policy=True,
            ignore_public_acls=True,
            restrict_public_buckets=True,
            opts=self._kept,
        )
        aws.s3.BucketServerSideEncryptionConfiguration(
            spec.purpose,
            bucket=bucket.bucket,
            rules=[{"apply_server_side_encryption_by_default": {"sse_algorithm": "AES256"}}],
            opts=self._kept,
        )
        versioning = aws.s3.BucketVersioning(
            spec.purpose, bucket=bucket.bucket, versioning_configuration={"status": "Enabled"}, opts=self._kept
        )
        aws.s3.BucketLifecycleConfiguration(
            spec.purpose,
            bucket=bucket.bucket,
            rules=[
                {
                    "id": "old-versions-and-uploads",
                    "status": "Enabled",
                    "filter": {"prefix": ""},
                    "noncurrent_version_expiration": {"noncurrent_days": spec.old_version_days},
                    "abort_incomplete_multipart_upload": {"days_after_initiation": UPLOAD_DAYS},
                    "expiration": {"expired_object_delete_marker": True},
                }
            ],
            opts=pulumi.ResourceOptions.merge(self._kept, pulumi.ResourceOptions(depends_on=[versioning])),
        )
        aws.s3.BucketPolicy(
            spec.purpose,
            bucket=bucket.bucket,
            policy=s3.tls_only(names.bucket_arn(spec.purpose)),
            # S3 refuses two changes of a bucket's access at once.
            opts=pulumi.ResourceOptions.merge(self._kept, pulumi.ResourceOptions(depends_on=[closed])),
        )
