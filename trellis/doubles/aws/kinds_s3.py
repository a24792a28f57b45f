"""S3 buckets and their settings, each setting a resource whose id is the bucket's name."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any, Final

from botocore.exceptions import ClientError

from trellis.doubles.aws.model import from_api, to_api
from trellis.doubles.aws.shape import Aws, Shape, code, mapping, pairs
from trellis.doubles.errors import Refused
from trellis.doubles.provider import Bag

_MISSING = ("NoSuchBucket", "404")


class Bucket(Shape):
    """`aws:s3/bucket:Bucket`."""

    gone = _MISSING
    unread = ("forceDestroy", "bucketPrefix")

    def make(self, aws: Aws, name: str, inputs: Bag, tags: dict[str, str]) -> str:
        s3 = aws.client("s3")
        id_: str = inputs.get("bucket") or f"{inputs.get('bucketPrefix', '')}{name}"
        if aws.region == "us-east-1" and self._exists(s3, id_):
            # There S3 itself says yes to a bucket that one has already; the provider does not.
            raise Refused(f"aws:s3/bucket:Bucket: creating S3 Bucket ({id_}): BucketAlreadyExists")
        elsewhere = {"CreateBucketConfiguration": {"LocationConstraint": aws.region}}
        s3.create_bucket(Bucket=id_, **(elsewhere if aws.region != "us-east-1" else {}))
        if tags:
            s3.put_bucket_tagging(Bucket=id_, Tagging={"TagSet": pairs(tags)})
        return id_

    def show(self, aws: Aws, id_: str, known: Bag) -> Bag | None:
        aws.client("s3").head_bucket(Bucket=id_)
        return {
            "bucket": id_,
            "arn": f"arn:aws:s3:::{id_}",
            "bucketDomainName": f"{id_}.s3.amazonaws.com",
            "bucketRegionalDomainName": f"{id_}.s3.{aws.region}.amazonaws.com",
            "bucketRegion": aws.region,
            "tagsAll": self._tags(aws, id_),
        }

    def change(self, aws: Aws, id_: str, old: Bag, new: Bag) -> None:
        del aws, id_, old, new  # settings are resources of their own

    def drop(self, aws: Aws, id_: str, known: Bag) -> None:
        s3 = aws.client("s3")
        if known.get("forceDestroy"):
            for page in s3.get_paginator("list_object_versions").paginate(Bucket=id_):
                for one in [*page.get("Versions", []), *page.get("DeleteMarkers", [])]:
                    s3.delete_object(Bucket=id_, Key=one["Key"], VersionId=one["VersionId"])
        s3.delete_bucket(Bucket=id_)

    def tag(self, aws: Aws, shown: Bag, add: dict[str, str], remove: list[str]) -> None:
        held = {key: value for key, value in shown["tagsAll"].items() if key not in remove}
        aws.client("s3").put_bucket_tagging(Bucket=shown["bucket"], Tagging={"TagSet": pairs({**held, **add})})

    def _exists(self, s3: Any, id_: str) -> bool:
        try:
            s3.head_bucket(Bucket=id_)
        except ClientError as error:
            if code(error) in self.gone:
                return False
            raise
        return True

    def _tags(self, aws: Aws, id_: str) -> dict[str, str]:
        try:
            return mapping(aws.client("s3").get_bucket_tagging(Bucket=id_)["TagSet"])
        except ClientError as error:
            if code(error) == "NoSuchTagSet":
                return {}
            raise


class Setting(Shape, ABC):
    """One setting of a bucket: put whole, read whole."""

    taggable = False

    @abstractmethod
    def put(self, s3: Any, bucket: str, inputs: Bag, /) -> None:
        """Make the setting so."""

    def make(self, aws: Aws, name: str, inputs: Bag, tags: dict[str, str]) -> str:
        self.put(aws.client("s3"), inputs["bucket"], inputs)
        id_: str = inputs["bucket"]
        return id_

    def change(self, aws: Aws, id_: str, old: Bag, new: Bag) -> None:
        self.put(aws.client("s3"), id_, new)


class LifecycleConfiguration(Setting):
    """`aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration`."""

    gone = (*_MISSING, "NoSuchLifecycleConfiguration")
    ordered = ("rules",)

    def put(self, s3: Any, bucket: str, inputs: Bag) -> None:
        rules = [to_api("s3", "LifecycleRule", one) for one in inputs["rules"]]
        s3.put_bucket_lifecycle_configuration(Bucket=bucket, LifecycleConfiguration={"Rules": rules})

    def show(self, aws: Aws, id_: str, known: Bag) -> Bag | None:
        rules = aws.client("s3").get_bucket_lifecycle_configuration(Bucket=id_)["Rules"]
        return {"bucket": id_, "rules": [from_api("s3", "LifecycleRule", one) for one in rules]}

    def drop(self, aws: Aws, id_: str, known: Bag) -> None:
        aws.client("s3").delete_bucket_lifecycle(Bucket=id_)


class Policy(Setting):
    """`aws:s3/bucketPolicy:BucketPolicy`."""

    gone = (*_MISSING, "NoSuchBucketPolicy")

    def put(self, s3: Any, bucket: str, inputs: Bag) -> None:
        s3.put_bucket_policy(Bucket=bucket, Policy=inputs["policy"])

    def show(self, aws: Aws, id_: str, known: Bag) -> Bag | None:
        return {"bucket": id_, "policy": aws.client("s3").get_bucket_policy(Bucket=id_)["Policy"]}

    def drop(self, aws: Aws, id_: str, known: Bag) -> None:
        aws.client("s3").delete_bucket_policy(Bucket=id_)


class PublicAccessBlock(Setting):
    """`aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock`."""

    gone = (*_MISSING, "NoSuchPublicAccessBlockConfiguration")
    _shape = "PublicAccessBlockConfiguration"
    _switches = ("blockPublicAcls", "blockPublicPolicy", "ignorePublicAcls", "restrictPublicBuckets")

    def put(self, s3: Any, bucket: str, inputs: Bag) -> None:
        wanted = {key: inputs.get(key, False) for key in self._switches}
        s3.put_public_access_block(Bucket=bucket, PublicAccessBlockConfiguration=to_api("s3", self._shape, wanted))

    def show(self, aws: Aws, id_: str, known: Bag) -> Bag | None:
        found = aws.client("s3").get_public_access_block(Bucket=id_)[self._shape]
        return {"bucket": id_, **from_api("s3", self._shape, found)}

    def drop(self, aws: Aws, id_: str, known: Bag) -> None:
        aws.client("s3").delete_public_access_block(Bucket=id_)


class Encryption(Setting):
    """`aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration`."""

    gone = (*_MISSING, "ServerSideEncryptionConfigurationNotFoundError")
    _shape = "ServerSideEncryptionConfiguration"

    def put(self, s3: Any, bucket: str, inputs: Bag) -> None:
        wanted = to_api("s3", self._shape, {"rules": inputs["rules"]})
        s3.put_bucket_encryption(Bucket=bucket, ServerSideEncryptionConfiguration=wanted)

    def show(self, aws: Aws, id_: str, known: Bag) -> Bag | None:
        found = aws.client("s3").get_bucket_encryption(Bucket=id_)[self._shape]
        return {"bucket": id_, **from_api("s3", self._shape, found)}

    def drop(self, aws: Aws, id_: str, known: Bag) -> None:
        aws.client("s3").delete_bucket_encryption(Bucket=id_)


class Versioning(Setting):
    """`aws:s3/bucketVersioning:BucketVersioning`; once on, S3 can only suspend it."""

    gone = _MISSING
    _shape = "VersioningConfiguration"

    def put(self, s3: Any, bucket: str, inputs: Bag) -> None:
        wanted = to_api("s3", self._shape, inputs["versioningConfiguration"])
        s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration=wanted)

    def show(self, aws: Aws, id_: str, known: Bag) -> Bag | None:
        found = aws.client("s3").get_bucket_versioning(Bucket=id_)
        if not found.get("Status"):
            return None
        return {"bucket": id_, "versioningConfiguration": {"status": found["Status"]}}

    def drop(self, aws: Aws, id_: str, known: Bag) -> None:
        aws.client("s3").put_bucket_versioning(Bucket=id_, VersioningConfiguration={"Status": "Suspended"})


KINDS: Final[Mapping[str, Shape]] = {
    "aws:s3/bucket:Bucket": Bucket(),
    "aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration": LifecycleConfiguration(),
    "aws:s3/bucketPolicy:BucketPolicy": Policy(),
    "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock": PublicAccessBlock(),
    "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration": Encryption(),
    "aws:s3/bucketVersioning:BucketVersioning": Versioning(),
}
