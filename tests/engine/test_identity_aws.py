"""What is in AWS is found by its tag or its natural key: by moto where it has the type, else by answers of the right shape."""

from __future__ import annotations

from collections.abc import Iterator

import boto3
import pytest
from moto import mock_aws

from components.catalogue.identities import tag
from tests.engine.aws_things import ACCOUNT, MAKERS, REGION, Hand
from trellis.engine.identity.aws import Aws, find
from trellis.engine.identity.finding import Sought

STACK, NAME = "dev", "main-it"


@pytest.fixture(autouse=True)
def account(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """An empty account of moto, in this process; nothing leaves it."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    monkeypatch.delenv("AWS_PROFILE", raising=False)
    with mock_aws():
        yield


def hand(type_: str) -> Hand:
    return Hand(boto3.Session(region_name=REGION), tag(STACK, type_, NAME))


def aws(*accounts: str) -> Aws:
    return Aws(session=boto3.Session(), region=REGION, accounts=accounts)


def sought(type_: str, inputs: object) -> Sought:
    assert isinstance(inputs, dict)
    return Sought(stack=STACK, type=type_, name=NAME, inputs=inputs)


@pytest.mark.parametrize("type_", sorted(MAKERS))
def test_what_was_made_is_found_by_its_import_id(type_: str) -> None:
    inputs, id_ = MAKERS[type_](hand(type_))
    assert [one.id for one in find(sought(type_, inputs), aws(ACCOUNT)).found] == [id_]
