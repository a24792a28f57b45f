"""What counts as a change between two versions of a program's inputs."""

from __future__ import annotations

import json
from typing import Any

import pytest

from trellis.doubles.aws.diffing import differences_of, named
from trellis.doubles.aws.kinds import kinds
from trellis.doubles.differences import by_the_table
from trellis.doubles.provider import Ask
from trellis.doubles.wire import UNKNOWN

ENDPOINT = "aws:ec2/vpcEndpoint:VpcEndpoint"
POLICY = "aws:s3/bucketPolicy:BucketPolicy"
LIFECYCLE = "aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration"


def ask(type_: str, old: dict[str, Any], new: dict[str, Any], **outputs: Any) -> Ask:
    return Ask(urn=f"urn:pulumi:a::b::{type_}::one", id="id", old_inputs=old, inputs=new, outputs=outputs)


def changed(type_: str, old: dict[str, Any], new: dict[str, Any], **outputs: Any) -> list[str]:
    found = differences_of(ask(type_, old, new, **outputs), kinds()[type_], {"team": "ml"}, by_the_table)
    return [f"{one.how} {one.path}" for one in found]


@pytest.mark.parametrize(
    ("type_", "old", "new"),
    [
        (ENDPOINT, {"subnetIds": ["a", "b", "c"]}, {"subnetIds": ["c", "a", "b"]}),
        (POLICY, {"policy": '{"a": 1, "b": ["x"]}'}, {"policy": json.dumps({"b": "x", "a": 1}, indent=2)}),
        (LIFECYCLE, {"rules": [{"id": "a", "n": "true"}]}, {"rules": [{"id": "a", "n": True}]}),
    ],
)
def test_another_writing_is_no_change(type_: str, old: dict[str, Any], new: dict[str, Any]) -> None:
    assert changed(type_, old, new) == []


def test_members_of_a_set_change_one_by_one() -> None:
    old, new = {"subnetIds": ["a", "b", "c"]}, {"subnetIds": ["c", "d", "b"]}
    assert changed(ENDPOINT, old, new) == ["update subnetIds[1]"]
    assert changed(ENDPOINT, {"subnetIds": ["a"]}, {"subnetIds": ["b", "a"]}) != []
    assert changed(ENDPOINT, {"subnetIds": ["a", "b"]}, {"subnetIds": ["b"]}) == ["delete subnetIds[1]"]


def test_the_order_of_rules_is_a_change() -> None:
    rules = [{"id": "a"}, {"id": "b"}]
    assert changed(LIFECYCLE, {"rules": rules}, {"rules": rules[::-1]}) == ["update rules[0].id", "update rules[1].id"]


def test_an_unknown_is_a_change() -> None:
    assert changed(ENDPOINT, {"vpcId": "a"}, {"vpcId": UNKNOWN}) == ["update vpcId"]


def test_default_tags_count_once_the_resource_has_any() -> None:
    assert changed(ENDPOINT, {}, {}, tagsAll={"team": "ml"}) == []
    assert changed(ENDPOINT, {}, {}, tagsAll={"team": "other"}) == ["update tagsAll.team"]
    assert changed(ENDPOINT, {}, {"tags": UNKNOWN}, tagsAll={"team": "other"}) == ["add tags"]
    assert changed(POLICY, {}, {}, tagsAll={}) == [], "a type without tags has none by default either"


def test_what_the_program_names_is_deleted_before_its_replacement() -> None:
    assert named(ask("aws:iam/role:Role", {}, {"name": "x"}))
    assert not named(ask("aws:iam/role:Role", {}, {}))
    assert named(ask("aws:s3/bucket:Bucket", {}, {"bucket": "x"}))
    assert not named(ask(POLICY, {}, {"bucket": "x"}))
