"""IAM and KMS: what AWS refuses, what counts as gone, and that a document is compared by what it means."""

from __future__ import annotations

import json

import pytest

from tests.doubles.aws.lives import Thing, drifted, live, make, untouched
from trellis.doubles.aws.session import AwsSession
from trellis.doubles.errors import Refused

WORKER = "arn:aws:iam::aws:policy/AmazonEKSWorkerNodePolicy"


def trust(*services: str) -> str:
    statement = {"Effect": "Allow", "Action": ["sts:AssumeRole"], "Principal": {"Service": list(services)}}
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


def role(aws: AwsSession, name: str = "nodes", **more: object) -> Thing:
    return make(aws, "iam/role:Role", name, name=name, assumeRolePolicy=trust("ec2.amazonaws.com"), **more)


def test_role(aws: AwsSession) -> None:
    live(
        role(aws, description="of nodes", tags={"a": "b"}),
        description="of others",
        assumeRolePolicy=trust("eks.amazonaws.com"),
        tags={"a": "c", "d": "e"},
    )


def test_role_policy(aws: AwsSession) -> None:
    name = role(aws).outputs["name"]
    allow = {"Effect": "Allow", "Action": ["s3:GetObject"], "Resource": ["*"]}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [allow]})
    less = policy.replace("GetObject", "ListBucket")
    thing = make(aws, "iam/rolePolicy:RolePolicy", "read", role=name, policy=policy)
    assert thing.id.startswith("nodes:read-")
    live(thing, policy=less)


def test_attachment(aws: AwsSession) -> None:
    name = role(aws).outputs["name"]
    live(make(aws, "iam/rolePolicyAttachment:RolePolicyAttachment", "work", role=name, policyArn=WORKER))


def test_a_taken_name_is_refused(aws: AwsSession) -> None:
    role(aws)
    with pytest.raises(Refused, match="EntityAlreadyExists"):
        role(aws)


def test_a_role_with_policies_is_not_deleted(aws: AwsSession) -> None:
    nodes = role(aws)
    held = make(aws, "iam/rolePolicyAttachment:RolePolicyAttachment", "work", role="nodes", policyArn=WORKER)
    with pytest.raises(Refused, match="DeleteConflict"):
        nodes.delete()
    held.delete()
    nodes.delete()
    assert nodes.read() is None


def test_a_policy_for_a_role_that_is_not_there_is_refused(aws: AwsSession) -> None:
    with pytest.raises(Refused, match="NoSuchEntity"):
        make(aws, "iam/rolePolicyAttachment:RolePolicyAttachment", "work", role="nobody", policyArn=WORKER)


def test_only_a_document_of_another_meaning_is_drift(aws: AwsSession) -> None:
    nodes = role(aws)
    iam = aws.client("iam")
    same = json.loads(trust("ec2.amazonaws.com"))
    same["Statement"][0] |= {"Action": "sts:AssumeRole", "Principal": {"Service": "ec2.amazonaws.com"}}
    iam.update_assume_role_policy(RoleName="nodes", PolicyDocument=json.dumps(same, indent=2))
    untouched(nodes)
    iam.update_assume_role_policy(RoleName="nodes", PolicyDocument=trust("ec2.amazonaws.com", "lambda.amazonaws.com"))
    assert drifted(nodes) == {"assumeRolePolicy"}


def test_foreign_tags_are_drift_and_default_tags_are_not(aws: AwsSession) -> None:
    nodes = role(aws, tags={"a": "b"})
    assert nodes.outputs["tags"] == {"a": "b"}
    assert nodes.outputs["tagsAll"] == {**aws.default_tags, "a": "b"}
    aws.client("iam").tag_role(RoleName="nodes", Tags=[{"Key": "x", "Value": "y"}])
    assert drifted(nodes) == {"tags"}


def test_key_and_alias(aws: AwsSession) -> None:
    key = make(aws, "kms/key:Key", "disks", description="d", enableKeyRotation=True, deletionWindowInDays=7)
    other = make(aws, "kms/key:Key", "more")
    live(make(aws, "kms/alias:Alias", "disks", name="alias/disks", targetKeyId=key.id), targetKeyId=other.id)
    live(key, description="e", enableKeyRotation=False, tags={"a": "b"})


def test_a_key_that_is_pending_deletion_is_gone_for_all(aws: AwsSession) -> None:
    key = make(aws, "kms/key:Key", "disks", deletionWindowInDays=7)
    key.delete()
    assert key.read() is None
    with pytest.raises(Refused, match="KMSInvalidStateException"):
        make(aws, "kms/alias:Alias", "disks", name="alias/disks", targetKeyId=key.id)


def test_a_taken_alias_is_refused(aws: AwsSession) -> None:
    key = make(aws, "kms/key:Key", "disks")
    make(aws, "kms/alias:Alias", "disks", name="alias/disks", targetKeyId=key.id)
    with pytest.raises(Refused, match="AlreadyExists"):
        make(aws, "kms/alias:Alias", "again", name="alias/disks", targetKeyId=key.id)
