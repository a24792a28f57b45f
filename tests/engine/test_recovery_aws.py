"""Every AWS resource of a whole stack, forgotten by the state, is found in the AWS of a rehearsal, imported and kept.

Where AWS's stand-in goes its own ways (names that it generates, ids), `test_identity_aws.py` asks moto itself.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
import pytest

from tests.engine.backend import BackendFile
from tests.engine.stub_provider import serve as serve_stubs
from tests.support.stacks import platform, recorded
from trellis.doubles.aws.double import AwsDouble
from trellis.doubles.aws.server import AwsServer
from trellis.doubles.serve import serve
from trellis.engine.identity.finder import Surroundings
from trellis.engine.recovery import Patience, settle
from trellis.engine.run import Operation, engine_stack, preview, up
from trellis.paths import ROOT
from trellis.program import run
from trellis.rehearsal.account import furnish

pytestmark = pytest.mark.engine

STACK = "prod"
"""It has every type that any stack has."""


@dataclass
class Up:
    """The stack, up, with AWS behind it."""

    stack: Any
    backend: BackendFile
    aws: AwsServer

    def inventory(self) -> Mapping[str, tuple[str, ...]]:
        return self.aws.inventory(["us-east-1"])

    def settle(self) -> list[tuple[str, str]]:
        session = boto3.Session(aws_access_key_id="rehearsal", aws_secret_access_key="rehearsal")  # noqa: S106 - none
        around = Surroundings(session=lambda: session, environment={"AWS_ENDPOINT_URL": self.aws.url})
        done = settle(self.stack, around=around, patience=Patience(poll_seconds=1))
        return sorted((one.urn, one.did) for one in done)


@pytest.fixture
def world(tmp_path: Path, pulumi_cli: Path) -> Iterator[Up]:
    """The unchanged program of a stack, up: AWS stood in by moto, clusters by the stub."""
    given = platform(STACK).aws
    assert given is not None
    with AwsServer.start(tmp_path / "aws", given.account_id) as aws:
        furnish(aws, given.region, recorded(STACK))
        with (
            serve({"aws": AwsDouble(aws.url, aws.account)}) as ports,
            serve_stubs("kubernetes") as (stubs, _),
            engine_stack(ROOT, STACK, run, pulumi=pulumi_cli, providers={**ports, **stubs}) as stack,
        ):
            assert up(stack).failures == ()
            yield Up(stack, BackendFile(stack), aws)


def test_every_resource_that_the_state_forgot_is_imported_and_nothing_is_made_again(world: Up) -> None:
    before = world.inventory()
    forgotten = [row["urn"] for row in world.backend.state()["resources"] if row["type"].startswith("aws:")]
    ids = {row["urn"]: row["id"] for row in world.backend.state()["resources"] if row["urn"] in forgotten}

    def forget(latest: dict[str, Any]) -> None:
        rows = latest["resources"]
        latest["resources"] = [row for row in rows if row["urn"] not in forgotten]
        latest["pending_operations"] = [
            {"resource": {key: value for key, value in row.items() if key not in ("id", "outputs")}, "type": "creating"}
            for row in rows
            if row["urn"] in forgotten
        ]

    world.backend.edit(forget)
    assert world.settle() == sorted((urn, "imported") for urn in forgotten)
    assert {row["urn"]: row["id"] for row in world.backend.state()["resources"] if row["urn"] in forgotten} == ids
    assert world.settle() == []
    assert _steps(preview(world.stack).operations) == {}
    assert world.inventory() == before


def _steps(operations: tuple[Operation, ...]) -> dict[str, list[str]]:
    return {one.urn: [one.op, *one.changed, *one.replacing] for one in operations}
