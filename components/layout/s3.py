"""Buckets of an environment, and the rights to parts of them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from components.layout.iam import Statement, allow, document
from components.layout.names import PARTITION, Names
from components.spec.services import Storage

READ = ("s3:GetObject",)
WRITE = ("s3:AbortMultipartUpload", "s3:DeleteObject", "s3:GetObject", "s3:PutObject")


@dataclass(frozen=True, kw_only=True)
class BucketSpec:
    """One bucket."""

    purpose: str
    expected_gib: int
    """Prices it; S3 itself knows no size."""
    old_version_days: int
    """Days that an overwritten or deleted object can be brought back."""


def buckets(storage: Storage) -> tuple[BucketSpec, ...]:
    """The three buckets. Models are kept longest: what was served last month may be asked for again."""
    return (
        BucketSpec(purpose="data", expected_gib=storage.data_gib, old_version_days=30),
        BucketSpec(purpose="artefacts", expected_gib=storage.artefacts_gib, old_version_days=30),
        BucketSpec(purpose="models", expected_gib=storage.models_gib, old_version_days=90),
    )


def tls_only(bucket_arn: str) -> str:
    """Bucket policy that refuses plain HTTP, whoever asks."""
    return document(
        {
            "Sid": "RefusePlainHttp",
            "Effect": "Deny",
            "Principal": "*",
            "Action": "s3:*",
            "Resource": [bucket_arn, f"{bucket_arn}/*"],
            "Condition": {"Bool": {"aws:SecureTransport": "false"}},
        }
    )


@dataclass(frozen=True, order=True)
class Place:
    """A part of a bucket: everything below a prefix; an empty prefix is the whole bucket."""

    bucket: str
    prefix: str = ""

    @classmethod
    def of(cls, uri: str) -> Place:
        """The place that an `s3://bucket/key` URI names, and all below it."""
        bucket, _, key = uri.removeprefix("s3://").partition("/")
        return cls(bucket, key.rstrip("/"))

    @property
    def bucket_arn(self) -> str:
        """ARN of the bucket."""
        return f"arn:{PARTITION}:s3:::{self.bucket}"

    @property
    def objects(self) -> tuple[str, ...]:
        """ARNs of the objects: the key itself and all below it, so that `a/b` does not open `a/b2`."""
        return (
            (f"{self.bucket_arn}/{self.prefix}", f"{self.bucket_arn}/{self.prefix}/*")
            if self.prefix
            else (f"{self.bucket_arn}/*",)
        )


def own(names: Names, purpose: str, prefix: str = "") -> Place:
    """A place in one of the environment's buckets."""
    return Place(names.bucket(purpose), prefix)


def access(what: str, places: Iterable[Place], actions: Iterable[str]) -> tuple[Statement, ...]:
    """Statements that let one list places and do `actions` on the objects in them; none without places."""
    by_bucket: dict[str, list[Place]] = {}
    for place in sorted(set(places)):
        by_bucket.setdefault(place.bucket_arn, []).append(place)
    if not by_bucket:
        return ()
    objects = [arn for found in by_bucket.values() for place in found for arn in place.objects]
    lists = [
        allow(f"{what}List{index}", ["s3:ListBucket"], [bucket], _prefixes(found))
        for index, (bucket, found) in enumerate(by_bucket.items(), start=1)
    ]
    return (*lists, allow(f"{what}Objects", actions, objects))


def _prefixes(places: list[Place]) -> Mapping[str, Mapping[str, list[str]]] | None:
    """Limit on what may be listed; none for a whole bucket, where a request need not name a prefix."""
    if any(not place.prefix for place in places):
        return None
    return {"StringLike": {"s3:prefix": [key for place in places for key in (place.prefix, f"{place.prefix}/*")]}}
