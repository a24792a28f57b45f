"""After an update that nobody saw the end of, `settle` makes the state true, and the next update goes on from there.

The state is edited to what a killed engine leaves; what was made by then is in the memory of a provider that outlives
the engine.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pulumi
import pulumi_aws as aws
import pytest
from pulumi import automation

from components.aws.tagging import tagged
from components.catalogue.identities import tag
from tests.engine.backend import BackendFile
from tests.engine.memory_provider import GENERATED, UNTOLD, Memory, remembering
from tests.engine.stub_provider import Seen
from trellis.engine import recovery
from trellis.engine.command import Command
from trellis.engine.errors import EngineError
from trellis.engine.identity.aws import Aws
from trellis.engine.identity.finding import Finding, Found, IdentityError, Readiness, Sought
from trellis.engine.recovery import Patience, Settled, settle
from trellis.engine.run import destroy, engine_stack, up

pytestmark = pytest.mark.engine

CLUSTER = "aws:eks/cluster:Cluster"
QUICK = Patience(lock_seconds=0, ready_seconds=60, poll_seconds=0, unseen_seconds=0)


class Owner(pulumi.ComponentResource):
    """One AWS resource that others stand on, and one that stands on it."""

    def __init__(self) -> None:
        found_again = pulumi.ResourceOptions(transformations=[tagged("dev")])
        super().__init__("trellis:test:Owner", "owner", None, found_again)
        provider = aws.Provider("aws", region="us-east-1", opts=pulumi.ResourceOptions(parent=self))
        inside = pulumi.ResourceOptions(parent=self, provider=provider)
        first = aws.eks.Cluster(
            "named",
            role_arn="arn:aws:iam::123456789012:role/it",
            vpc_config={"subnet_ids": ["subnet-1"]},
            bootstrap_self_managed_addons=False,
            opts=inside,
        )
        after = pulumi.ResourceOptions.merge(inside, pulumi.ResourceOptions(depends_on=[first]))
        aws.sqs.Queue("queue", name="its", opts=after)
        self.register_outputs({})


def program() -> None:
    """All of it."""
    Owner()


@dataclass
class World:
    """A stack that came up, its state, and what exists."""

    stack: automation.Stack
    backend: BackendFile
    memory: Memory
    seen: Seen
    broken: set[str] = field(default_factory=set)
    """Ids of what will never be ready."""
    passing: set[str] = field(default_factory=set)
    """Ids of what is still being made."""
    ahead: list[str] = field(default_factory=list)
    """Ids that the index of tags has already."""

    def settle(self) -> list[tuple[str, str]]:
        """What was done, and to which resource."""
        return [(one.did, one.urn.rpartition("::")[2]) for one in self.told()]

    def told(self) -> tuple[Settled, ...]:
        return settle(self.stack, patience=QUICK)

    def up(self) -> Mapping[str, int]:
        self.seen.calls.clear()
        result = up(self.stack)
        assert result.failures == ()
        return result.changes

    def find(self, sought: Sought, _aws: Aws) -> Finding:
        """As in AWS: by tag, and by name what has no tag."""
        ids = self.ahead or self.memory.tagged(tag(sought.stack, sought.type, sought.name))
        found = tuple(Found(id=one, readiness=self._readiness(one), state=self._told(one)) for one in ids)
        return Finding(found=found)

    def _readiness(self, id_: str) -> Readiness:
        return Readiness.BROKEN if id_ in self.broken else Readiness.PASSING if id_ in self.passing else Readiness.READY

    def _told(self, id_: str) -> str:
        return {Readiness.BROKEN: "CREATE_FAILED", Readiness.PASSING: "CREATING"}.get(self._readiness(id_), "ACTIVE")


@pytest.fixture
def world(tmp_path: Path, pulumi_cli: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    """A stack that came up once."""
    (tmp_path / "Pulumi.yaml").write_text("name: trellis\nruntime: python\n")
    (tmp_path / "Pulumi.dev.yaml").write_text("config: {}\n")
    with (
        remembering() as (ports, seen, memory),
        engine_stack(tmp_path, "dev", program, pulumi=pulumi_cli, providers=ports) as stack,
    ):
        made = World(stack, BackendFile(stack), memory, seen)
        monkeypatch.setattr("trellis.engine.identity.aws.find", made.find)
        assert made.up() == {"create": 5}
        assert len(memory.things) == 2
        yield made


def test_a_quiet_stack_is_left_alone(world: World) -> None:
    before = world.backend.path.read_bytes()
    assert world.told() == ()
    assert world.backend.path.read_bytes() == before


def test_what_was_made_is_imported_and_not_made_again(world: World) -> None:
    before = world.backend.forget("named")
    assert world.settle() == [("imported", "named")]
    row = world.backend.row("named")
    assert (row["id"], row["inputs"][GENERATED]) == (before["id"], before["inputs"][GENERATED])
    assert row["outputs"][UNTOLD] is False
    assert world.backend.state().get("pending_operations", []) == []
    assert world.settle() == []
    assert world.up() == {"same": 5}
    assert len(world.memory.things) == 2


def test_what_was_not_made_is_made(world: World) -> None:
    before = world.backend.forget("queue")
    del world.memory.things[before["id"]]
    assert world.settle() == [("cleared", "queue")]
    assert world.up() == {"same": 4, "create": 1}
    assert len(world.memory.things) == 2


def test_what_aws_does_not_list_yet_is_looked_for_again(world: World) -> None:
    before = world.backend.forget("queue")
    world.backend.edit(lambda latest: latest["manifest"].update(time=datetime.now(UTC).isoformat()))
    hidden = world.memory.things.pop(before["id"])
    told: list[str] = []

    def appear(line: str) -> None:
        told.append(line)
        world.memory.things[before["id"]] = hidden

    done = settle(world.stack, patience=replace(QUICK, unseen_seconds=3600), tell=appear)
    assert [one.did for one in done] == ["imported"]
    assert told[0] == "waiting for aws:sqs/queue:Queue queue, which AWS may not list yet"


def test_what_is_still_being_made_is_waited_for(world: World) -> None:
    before = world.backend.forget("queue")
    world.passing.add(before["id"])
    told: list[str] = []

    def ripen(line: str) -> None:
        told.append(line)
        world.passing.clear()

    done = settle(world.stack, patience=QUICK, tell=ripen)
    assert [one.did for one in done] == ["imported"]
    assert told[0] == f"waiting for aws:sqs/queue:Queue {before['id']}, which is CREATING"

    world.backend.forget("queue")
    world.passing.add(before["id"])
    with pytest.raises(EngineError, match=r"has been CREATING for 0 s\. Nothing was changed"):
        settle(world.stack, patience=replace(QUICK, ready_seconds=0))


def test_a_provider_that_was_begun_is_only_in_the_state(world: World) -> None:
    row = world.backend.row("aws")

    def change(latest: dict[str, Any]) -> None:
        latest["resources"] = [one for one in latest["resources"] if one["type"] == "pulumi:pulumi:Stack"]
        latest["pending_operations"] = [{"resource": row, "type": "creating"}]

    world.backend.edit(change)
    assert world.settle() == [("cleared", "aws")]


@pytest.mark.parametrize("kind", ["updating", "deleting", "reading"])
def test_what_was_being_changed_is_read(world: World, kind: str) -> None:
    world.backend.begin("queue", kind)
    world.memory.things[world.backend.row("queue")["id"]]["name"] = "changed"
    assert world.settle() == [("read", "queue")]
    assert world.backend.row("queue")["outputs"]["name"] == "changed"
    assert world.settle() == []
    assert world.up() == {"same": 4, "update": 1}


def test_what_was_deleted_is_gone_from_the_state(world: World) -> None:
    world.backend.begin("queue", "deleting")
    del world.memory.things[world.backend.row("queue")["id"]]
    assert world.settle() == [("read", "queue")]
    assert not [row for row in world.backend.state()["resources"] if row["urn"].endswith("::queue")]


def test_of_two_with_one_tag_one_stays(world: World) -> None:
    before = world.backend.forget("queue")
    world.memory.make(world.memory.things[before["id"]])
    assert world.settle() == [("imported", "queue"), ("to be deleted", "queue")]
    assert world.settle() == []
    assert world.up() == {"same": 5}  # what is deleted for good is not counted as a change
    assert list(world.memory.things) == ["thing-2", before["id"]]


def test_a_replacement_that_was_begun_is_deleted_and_what_is_in_use_stays(world: World) -> None:
    row = copy.deepcopy(world.backend.row("queue"))
    id_ = row.pop("id")
    world.backend.edit(lambda latest: latest.update(pending_operations=[{"resource": row, "type": "creating"}]))
    new = world.memory.make(world.memory.things[id_])
    assert world.settle() == [("to be deleted", "queue")]
    assert world.up() == {"same": 5}  # what is deleted for good is not counted as a change
    assert new not in world.memory.things
    assert id_ in world.memory.things


def test_a_replacement_whose_place_was_cleared_is_imported(world: World) -> None:
    row = copy.deepcopy(world.backend.row("queue"))
    old = row.pop("id")

    def change(latest: dict[str, Any]) -> None:
        next(one for one in latest["resources"] if one["urn"] == row["urn"])["pendingReplacement"] = True
        latest["pending_operations"] = [{"resource": row, "type": "creating"}]

    world.backend.edit(change)
    new = world.memory.make(world.memory.things.pop(old))
    assert world.settle() == [("imported", "queue")]
    assert world.backend.row("queue")["id"] == new
    assert world.up() == {"same": 5}


def test_what_will_never_be_ready_is_deleted_and_made_anew(world: World) -> None:
    before = world.backend.forget("queue")
    world.broken.add(before["id"])
    assert world.settle() == [("deleted", "queue")]
    assert before["id"] not in world.memory.things
    assert world.up() == {"same": 4, "create": 1}
    assert len(world.memory.things) == 2


def test_a_protected_one_that_is_broken_is_deleted_too(world: World) -> None:
    """Protection is for what was in use; this never was."""

    def protect(latest: dict[str, Any]) -> None:
        next(one for one in latest["resources"] if one["urn"].endswith("queue"))["protect"] = True

    world.backend.edit(protect)
    before = world.backend.forget("queue")
    world.broken.add(before["id"])
    assert world.settle() == [("deleted", "queue")]
    assert before["id"] not in world.memory.things


def test_where_nobody_answers_the_state_stays(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_sought: Sought, _aws: Aws) -> Finding:
        raise IdentityError("no credentials")

    world.backend.forget("named")
    before = world.backend.state()
    monkeypatch.setattr("trellis.engine.identity.aws.find", refuse)
    with pytest.raises(IdentityError, match="no credentials"):
        world.told()
    assert world.backend.state() == before


@pytest.mark.filterwarnings("ignore:Error in event stream")  # which the kill breaks off
def test_a_really_killed_engine_leaves_what_these_tests_take_for_it(world: World) -> None:
    """Killed between the creation and its answer: a lock, and a creation that only the cloud knows."""
    command = world.stack.workspace.pulumi_command
    assert isinstance(command, Command)
    before = world.backend.row("queue")
    destroy(world.stack, target=[before["urn"]])

    def kill(_id: str) -> None:
        command.kill()

    world.memory.mute = kill
    with pytest.raises(EngineError):
        up(world.stack)
    world.memory.mute = None
    [left] = world.backend.state()["pending_operations"]
    assert left["type"] == "creating"
    assert {"id", "outputs"}.isdisjoint(left["resource"])
    assert left["resource"]["inputs"] == before["inputs"]

    assert world.settle() == [("unlocked", ""), ("imported", "queue")]
    assert world.settle() == []
    assert world.up() == {"same": 5}
    assert len(world.memory.things) == 2


@pytest.mark.parametrize("step", ["_import", "_refresh", "_read_adopted"])
def test_settling_may_itself_be_interrupted(world: World, monkeypatch: pytest.MonkeyPatch, step: str) -> None:
    def interrupt(*_arguments: object) -> None:
        raise KeyboardInterrupt

    before = world.backend.forget("named")
    real = getattr(recovery, step)
    monkeypatch.setattr(recovery, step, interrupt)
    with pytest.raises(KeyboardInterrupt):
        world.told()
    monkeypatch.setattr(recovery, step, real)
    world.told()
    assert world.backend.row("named")["id"] == before["id"]
    assert world.settle() == []
    assert world.up() == {"same": 5}
    assert len(world.memory.things) == 2


def test_what_the_provider_does_not_see_yet_stays_in_the_state(world: World) -> None:
    before = world.backend.forget("named")
    hidden = world.memory.things.pop(before["id"])
    world.ahead = [before["id"]]
    with pytest.raises(EngineError, match="does not see them yet") as raised:
        world.told()
    assert before["id"] in str(raised.value)
    world.memory.things[before["id"]] = hidden
    world.told()
    assert world.up() == {"same": 5}
