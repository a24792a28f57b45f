"""The AWS half of the project's own stacks through the real engine: up, nothing to change, no drift, and away.

Kubernetes is a stub that believes everything: that half has tests of its own.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.engine.stub_provider import serve as serve_stub
from trellis.doubles.aws.double import AwsDouble
from trellis.doubles.aws.inventory import Inventory
from trellis.doubles.aws.server import AwsServer
from trellis.doubles.serve import serve
from trellis.engine.run import destroy, engine_stack, preview, refresh, up
from trellis.paths import ROOT
from trellis.preview import preview_environment
from trellis.program import run
from trellis.rehearsal.account import furnish

STACKS = [
    pytest.param("local", marks=pytest.mark.engine),
    *(pytest.param(name, marks=pytest.mark.rehearse) for name in ("dev", "split", "prod")),
]
OF_AWS = frozenset(
    {
        "aws:ec2/networkInterface:NetworkInterface",
        "aws:ec2/securityGroup:SecurityGroup",
        "aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule",
        "aws:eks/accessEntry:AccessEntry",
    }
)
"""Types of which AWS makes some by itself: for endpoints, clusters and node groups. They go with these."""


class Scene:
    """A stack in the engine beside a stand-in for AWS."""

    def __init__(self, name: str, folder: Path, pulumi: Path, held: ExitStack) -> None:
        plan, platform = preview_environment(name, as_of="2026-11-01")
        assert platform.aws is not None
        self.region = platform.aws.region
        self.server = held.enter_context(AwsServer.start(folder / "aws", platform.aws.account_id))
        furnish(self.server, self.region, plan)
        self.before = self.server.inventory([self.region])
        double = AwsDouble(self.server.url, self.server.account)
        ports = held.enter_context(serve({"aws": double}))
        stubs, _ = held.enter_context(serve_stub("kubernetes"))
        providers = {**ports, **stubs}
        self.stack = held.enter_context(engine_stack(ROOT, name, run, pulumi=pulumi, providers=providers))

    def there(self) -> Inventory:
        """What was made."""
        now = self.server.inventory([self.region])
        made = {type_: tuple(sorted({*ids} - {*self.before.get(type_, ())})) for type_, ids in now.items()}
        return {type_: ids for type_, ids in made.items() if ids}

    def known(self) -> dict[str, set[str]]:
        """What the engine's state has of AWS."""
        found: dict[str, set[str]] = {}
        for row in (self.stack.export_stack().deployment or {})["resources"]:
            if row["type"].startswith("aws:"):
                found.setdefault(row["type"], set()).add(row["id"])
        return found


@pytest.fixture
def scene(request: pytest.FixtureRequest, tmp_path: Path, pulumi_cli: Path) -> Iterator[Scene]:
    with ExitStack() as held:
        yield Scene(request.param, tmp_path, pulumi_cli, held)


@pytest.mark.parametrize("scene", STACKS, indirect=True)
def test_life_of_a_stack(scene: Scene) -> None:
    stack = scene.stack
    assert up(stack).failures == ()
    assert preview(stack).operations == (), "a second preview changes something"
    assert refresh(stack).operations == (), "a refresh sees drift where nothing changed"
    there, known = scene.there(), scene.known()
    for type_ in sorted({*there, *known}):
        mine, theirs = known.get(type_, set()), set(there.get(type_, ()))
        assert mine <= theirs, f"{type_} is in the state and not in AWS"
        assert mine == theirs or type_ in OF_AWS, f"{type_} is in AWS and not in the state"
    _let_all_go(scene)
    assert destroy(stack).failures == ()
    assert scene.there() == {}, "a destroy leaves something"


def _let_all_go(scene: Scene) -> None:
    """Take away what keeps resources from being deleted, as whoever wants all data gone does."""
    deployment = scene.stack.export_stack()
    for row in (deployment.deployment or {})["resources"]:
        row.pop("protect", None)
        row.pop("retainOnDelete", None)
    scene.stack.import_stack(deployment)
    rds = scene.server.clients(scene.region).client("rds")
    for one in rds.describe_db_instances()["DBInstances"]:
        rds.modify_db_instance(DBInstanceIdentifier=one["DBInstanceIdentifier"], DeletionProtection=False)
