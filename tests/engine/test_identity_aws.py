"""What AWS has is found by its tag or its natural key: in moto where it has the type, else in prepared answers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any, cast

import boto3
import pytest
from botocore.stub import Stubber
from moto import mock_aws

from components.catalogue.identities import TAG, identities, tag
from tests.engine.aws_things import ACCOUNT, MAKERS, REGION, Hand
from trellis.engine.identity.aws import Aws, find, from_provider
from trellis.engine.identity.finding import Finding, IdentityError, Readiness, Sought

STACK, NAME = "dev", "main-it"
CLUSTER = {"clusterName": "it"}
MOTO_BREAKS = {
    "aws:efs/backupPolicy:BackupPolicy",
    "aws:efs/fileSystemPolicy:FileSystemPolicy",
    "aws:eks/nodeGroup:NodeGroup",
}
"""Types about which moto fails with a bug of its own where even that is missing to which they belong."""
PRINCIPAL = "arn:aws:iam::123456789012:role/it"
POLICY = "arn:aws:eks::aws:cluster-access-policy/AmazonEKSClusterAdminPolicy"


@pytest.fixture(autouse=True)
def moto(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """An empty account of moto, in this process; nothing leaves it."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    for name in ("AWS_PROFILE", "AWS_ENDPOINT_URL"):
        monkeypatch.delenv(name, raising=False)
    mocked = mock_aws()
    mocked.start()
    yield mocked
    mocked.stop()


@cache
def session() -> boto3.Session:
    """One for all tests: each reads its service models anew, and those of EC2 take a second."""
    return boto3.Session(region_name=REGION)


def hand(type_: str) -> Hand:
    return Hand(session(), tag(STACK, type_, NAME))


def aws(*accounts: str) -> Aws:
    return Aws(session=session(), region=REGION, accounts=accounts)


def look(type_: str, inputs: Mapping[str, Any]) -> Finding:
    return find(Sought(stack=STACK, type=type_, name=NAME, inputs=inputs), aws(ACCOUNT))


@pytest.mark.parametrize("type_", sorted(MAKERS))
def test_what_was_made_is_found_by_its_import_id_and_nothing_where_it_was_not(type_: str, moto: Any) -> None:
    inputs, id_ = MAKERS[type_](hand(type_))
    finding = look(type_, inputs)
    assert [(one.id, one.readiness) for one in finding.found] == [(id_, Readiness.READY)]
    assert finding.foreign == ()
    if type_ not in MOTO_BREAKS:
        moto.stop()
        moto.start()  # and everything is gone
        assert look(type_, inputs) == Finding()


@pytest.mark.parametrize(
    "type_", sorted(one for one in MAKERS if not identities()[one].untagged and identities()[one].tags)
)
def test_another_resources_thing_is_not_ours(type_: str) -> None:
    inputs, id_ = MAKERS[type_](hand(type_).other())
    finding = look(type_, inputs)
    assert finding.found == ()
    assert set(finding.foreign) <= {id_}


@pytest.mark.parametrize("type_", ["aws:iam/role:Role", "aws:s3/bucket:Bucket", "aws:eks/cluster:Cluster"])
def test_somebody_elses_thing_of_the_very_name_is_told(type_: str) -> None:
    inputs, id_ = MAKERS[type_](hand(type_).other())
    assert look(type_, inputs).foreign == (id_,)


def test_a_bucket_that_was_not_tagged_yet_is_ours() -> None:
    hand("").client("s3").create_bucket(Bucket="its-bucket")
    assert [one.id for one in look("aws:s3/bucket:Bucket", {"bucket": "its-bucket"}).found] == ["its-bucket"]


@pytest.mark.parametrize("type_", ["aws:ec2/vpc:Vpc", "aws:ec2/eip:Eip", "aws:kms/key:Key"])
def test_two_with_one_tag_are_both_told(type_: str) -> None:
    ids = sorted(MAKERS[type_](hand(type_))[1] for _ in range(2))
    assert [one.id for one in look(type_, {}).found] == ids


def stubbed(service: str, call: str, answer: Mapping[str, Any]) -> Aws:
    """AWS with one prepared answer; botocore holds question and answer against AWS's own description."""
    seen = aws(ACCOUNT)
    stubber = Stubber(seen.client(service))
    stubber.add_response(call, dict(answer))
    stubber.activate()
    return seen


def _pages() -> Mapping[str, tuple[str, str, Mapping[str, Any], Mapping[str, Any], str]]:
    """Types that moto lacks: service, call, inputs, answer and id."""
    mine = {type_: {TAG: tag(STACK, type_, NAME)} for type_ in identities()}
    pairs = {type_: [{"Key": key, "Value": value} for key, value in tags.items()] for type_, tags in mine.items()}
    addon, entry = "aws:eks/addon:Addon", "aws:eks/accessEntry:AccessEntry"
    group, files = (
        "aws:ec2/placementGroup:PlacementGroup",
        "aws:fsx/dataRepositoryAssociation:DataRepositoryAssociation",
    )
    policy = "aws:eks/accessPolicyAssociation:AccessPolicyAssociation"
    access = {**CLUSTER, "principalArn": PRINCIPAL}
    return {
        addon: (
            *("eks", "describe_addon", {**CLUSTER, "addonName": "coredns"}),
            {"addon": {"addonName": "coredns", "status": "ACTIVE", "tags": mine[addon]}},
            "it:coredns",
        ),
        entry: (
            *("eks", "describe_access_entry", access),
            {"accessEntry": {"principalArn": PRINCIPAL, "tags": mine[entry]}},
            f"it:{PRINCIPAL}",
        ),
        policy: (
            *("eks", "list_associated_access_policies", {**access, "policyArn": POLICY}),
            {"associatedAccessPolicies": [{"policyArn": POLICY}, {"policyArn": f"{POLICY}2"}]},
            f"it#{PRINCIPAL}#{POLICY}",
        ),
        group: (
            *("ec2", "describe_placement_groups", {"name": "its"}),
            {"PlacementGroups": [{"GroupName": "its", "State": "available", "Tags": pairs[group]}]},
            "its",
        ),
        files: (
            *(
                "fsx",
                "describe_data_repository_associations",
                {"fileSystemId": "fs-0123456789", "fileSystemPath": "/data"},
            ),
            {
                "Associations": [
                    {
                        "AssociationId": "dra-0123456789",
                        "FileSystemPath": "/data",
                        "Lifecycle": "AVAILABLE",
                        "Tags": pairs[files],
                    }
                ]
            },
            "dra-0123456789",
        ),
    }


@pytest.mark.parametrize("type_", sorted(_pages()))
def test_types_that_moto_lacks_are_found_in_answers_of_awss_shape(type_: str) -> None:
    service, call, inputs, answer, id_ = _pages()[type_]
    seen = stubbed(service, call, cast("dict[str, Any]", answer))
    found = find(Sought(stack=STACK, type=type_, name=NAME, inputs=inputs), seen).found
    assert [(one.id, one.readiness) for one in found] == [(id_, Readiness.READY)]


def test_a_pod_identity_association_has_another_id_in_the_state() -> None:
    type_ = "aws:eks/podIdentityAssociation:PodIdentityAssociation"
    inputs = {**CLUSTER, "namespace": "kube-system", "serviceAccount": "it"}
    seen = aws(ACCOUNT)
    stubber = Stubber(seen.client("eks"))
    stubber.add_response("list_pod_identity_associations", {"associations": [{"associationId": "a-1"}]})
    described = {"associationId": "a-1", "tags": {TAG: tag(STACK, type_, NAME)}}
    stubber.add_response("describe_pod_identity_association", {"association": described})
    stubber.activate()
    [found] = find(Sought(stack=STACK, type=type_, name=NAME, inputs=inputs), seen).found
    assert (found.id, found.known_as) == ("it,a-1", "a-1")


def test_every_type_is_tried() -> None:
    tried = {*MAKERS, *_pages(), "aws:eks/podIdentityAssociation:PodIdentityAssociation"}
    assert tried == set(identities())


@pytest.mark.parametrize(
    ("state", "expected"),
    [
        ("ACTIVE", [Readiness.READY]),
        ("CREATING", [Readiness.PASSING]),
        ("CREATE_FAILED", [Readiness.BROKEN]),
        ("DELETING", []),
    ],
)
def test_a_state_says_how_far_it_is(state: str, expected: list[Readiness]) -> None:
    type_ = "aws:eks/addon:Addon"
    addon = {"addonName": "coredns", "status": state, "tags": {TAG: tag(STACK, type_, NAME)}}
    seen = stubbed("eks", "describe_addon", {"addon": addon})
    sought = Sought(stack=STACK, type=type_, name=NAME, inputs={**CLUSTER, "addonName": "coredns"})
    assert [one.readiness for one in find(sought, seen).found] == expected


def test_a_refusal_is_not_taken_for_nothing() -> None:
    seen = aws(ACCOUNT)
    stubber = Stubber(seen.client("ec2"))
    stubber.add_client_error("describe_vpcs", "UnauthorizedOperation", "You are not authorized")
    stubber.activate()
    sought = Sought(stack=STACK, type="aws:ec2/vpc:Vpc", name=NAME, inputs={})
    with pytest.raises(IdentityError, match=r"ec2 describe_vpcs.*not authorized.*Nothing was changed"):
        find(sought, seen)


def test_nobody_looks_in_the_wrong_account() -> None:
    MAKERS["aws:ec2/vpc:Vpc"](hand("aws:ec2/vpc:Vpc"))
    sought = Sought(stack=STACK, type="aws:ec2/vpc:Vpc", name=NAME, inputs={})
    provider = from_provider(session(), {"region": REGION, "allowedAccountIds": '["111122223333"]'})
    with pytest.raises(IdentityError, match="those of account 123456789012, but the stack lives in 111122223333"):
        find(sought, provider)


def test_a_type_without_a_row_and_a_missing_input_are_told() -> None:
    with pytest.raises(IdentityError, match="nothing says how a aws:sns/topic:Topic is found"):
        look("aws:sns/topic:Topic", {})
    with pytest.raises(IdentityError, match="its state does not tell name, by which it would be found"):
        look("aws:iam/role:Role", {})
