"""S3 buckets and their settings."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.doubles.aws.lives import Thing, drifted, live, make
from trellis.doubles.aws.session import AwsSession
from trellis.doubles.errors import Refused

NAME = "trellis-test-artefacts"
DENY = {"Effect": "Deny", "Principal": "*", "Action": "s3:*", "Resource": [f"arn:aws:s3:::{NAME}"], "Sid": "Plain"}
SETTINGS: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "LifecycleConfiguration": (
        {
            "rules": [
                {
                    "id": "old",
                    "status": "Enabled",
                    "filter": {"prefix": ""},
                    "abortIncompleteMultipartUpload": {"daysAfterInitiation": 7},
                    "expiration": {"expiredObjectDeleteMarker": True},
                    "noncurrentVersionExpiration": {"noncurrentDays": 30},
                }
            ]
        },
        {"rules": [{"id": "new", "status": "Disabled", "filter": {"prefix": "a/"}, "expiration": {"days": 3}}]},
    ),
    "Policy": (
        {"policy": json.dumps({"Version": "2012-10-17", "Statement": [DENY]})},
        {"policy": json.dumps({"Version": "2012-10-17", "Statement": [{**DENY, "Sid": "Other"}]})},
    ),
    "PublicAccessBlock": (
        {"blockPublicAcls": True, "blockPublicPolicy": True, "ignorePublicAcls": True, "restrictPublicBuckets": True},
        {"restrictPublicBuckets": False},
    ),
    "ServerSideEncryptionConfiguration": (
        {"rules": [{"applyServerSideEncryptionByDefault": {"sseAlgorithm": "AES256"}}]},
        {"rules": [{"applyServerSideEncryptionByDefault": {"sseAlgorithm": "aws:kms"}, "bucketKeyEnabled": True}]},
    ),
}


def bucket(aws: AwsSession, **inputs: Any) -> Thing:
    return make(aws, "s3/bucket:Bucket", "artefacts", bucket=NAME, **inputs)


def setting(aws: AwsSession, name: str, **inputs: Any) -> Thing:
    return make(aws, f"s3/bucket{name}:Bucket{name}", "artefacts", bucket=NAME, **inputs)


def test_bucket(aws: AwsSession) -> None:
    thing = bucket(aws, forceDestroy=False, tags={"a": "b"})
    assert thing.outputs["arn"] == f"arn:aws:s3:::{NAME}"
    live(thing, tags={"c": "d"})


def test_a_bucket_of_ones_own_is_refused_too(aws: AwsSession) -> None:
    bucket(aws)
    with pytest.raises(Refused, match="BucketAlreadyExists"):
        bucket(aws)


def test_a_bucket_with_objects_goes_only_by_force(aws: AwsSession) -> None:
    thing = bucket(aws)
    aws.client("s3").put_object(Bucket=NAME, Key="model", Body=b"weights")
    with pytest.raises(Refused, match="BucketNotEmpty"):
        thing.delete()
    thing.update(forceDestroy=True)
    thing.delete()
    assert thing.read() is None


@pytest.mark.parametrize("name", sorted(SETTINGS))
def test_setting(aws: AwsSession, name: str) -> None:
    bucket(aws)
    inputs, changes = SETTINGS[name]
    live(setting(aws, name, **inputs), NAME, **changes)


def test_versioning_is_suspended_not_deleted(aws: AwsSession) -> None:
    bucket(aws)
    thing = setting(aws, "Versioning", versioningConfiguration={"status": "Enabled"})
    assert drifted(thing) == set()
    thing.delete()
    assert aws.client("s3").get_bucket_versioning(Bucket=NAME)["Status"] == "Suspended"


@pytest.mark.parametrize("name", sorted(SETTINGS))
def test_a_setting_of_a_bucket_that_is_not_there_is_refused(aws: AwsSession, name: str) -> None:
    with pytest.raises(Refused, match="NoSuchBucket"):
        setting(aws, name, **SETTINGS[name][0])


@pytest.mark.parametrize("name", sorted(SETTINGS))
def test_a_setting_is_gone_with_its_bucket(aws: AwsSession, name: str) -> None:
    home = bucket(aws)
    thing = setting(aws, name, **SETTINGS[name][0])
    home.delete()
    assert thing.read() is None


def test_only_another_meaning_of_a_policy_is_drift(aws: AwsSession) -> None:
    bucket(aws)
    thing = setting(aws, "Policy", **SETTINGS["Policy"][0])
    same = json.dumps({"Statement": [dict(reversed(DENY.items()))], "Version": "2012-10-17"}, indent=1)
    aws.client("s3").put_bucket_policy(Bucket=NAME, Policy=same)
    assert drifted(thing) == set()
    aws.client("s3").put_bucket_policy(Bucket=NAME, Policy=SETTINGS["Policy"][1]["policy"])
    assert drifted(thing) == {"policy"}
