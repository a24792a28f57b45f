"""What the engine's operations do when something is wrong: say it, lose nothing, leave no process."""

from __future__ import annotations

import json
import os
import shutil
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from pathlib import Path

import pulumi
import pulumi_aws as aws
import pytest
from pulumi import automation

from tests.engine.conftest import Attached
from tests.engine.live import STACK, World, world
from trellis.engine import space, summary
from trellis.engine.eventlog import EventLog
from trellis.engine.run import (
    Engine,
    EngineError,
    StackLockedError,
    StackMissingError,
    destroy,
    open_stack,
    own_backend,
    preview,
    refresh,
    up,
)

pytestmark = pytest.mark.engine

PLANTED = "hunter2-and-then-some"
URN = "urn:pulumi:dev::trellis::"
PAUSE_SECONDS = 0.1


@dataclass(frozen=True)
class Small:
    """A small program over a backend of its own."""

    folder: Path
    engine: Engine

    def open(self, program: Callable[[], None], **environment: str) -> AbstractContextManager[automation.Stack]:
        engine = replace(self.engine, environment={**self.engine.environment, **environment})
        return open_stack(self.folder / "project", "dev", program, engine)

    @property
    def state(self) -> Path:
        return self.folder / "own" / "state" / ".pulumi" / "stacks" / "trellis" / "dev.json"

    @property
    def locks(self) -> Path:
        return self.folder / "own" / "state" / ".pulumi" / "locks" / "organization" / "trellis" / "dev"


@pytest.fixture
def small(tmp_path: Path, pulumi_cli: Path, providers: Attached) -> Small:
    (tmp_path / "project").mkdir()
    (tmp_path / "project" / "Pulumi.yaml").write_text("name: trellis\nruntime: python\n")
    (tmp_path / "project" / "Pulumi.dev.yaml").write_text("config: {}\n")
    environment = {**own_backend(tmp_path / "own", providers.ports), "PULUMI_CONFIG_PASSPHRASE": "correct horse"}
    return Small(tmp_path, Engine(pulumi=pulumi_cli, environment=environment, create=True))


def queue(name: str = "queue", *, protect: bool = False) -> Callable[[], None]:
    """A program with one queue that holds a secret."""

    def program() -> None:
        provider = aws.Provider("aws", region="us-east-1")
        secret = pulumi.Output.secret(PLANTED)
        own = pulumi.ResourceOptions(provider=provider, protect=protect)
        aws.sqs.Queue(name, name=secret, policy=pulumi.Config("trellis").get("token"), opts=own)
        pulumi.export("password", secret)

    return program


def brought_up(small: Small, *, protect: bool = False) -> bytes:
    """Bring the queue up; return the state."""
    with small.open(queue(protect=protect)) as stack:
        assert up(stack).succeeded
    return small.state.read_bytes()


def test_a_stack_that_was_never_brought_up_is_not_made_by_looking(small: Small) -> None:
    looking = replace(small, engine=replace(small.engine, create=False))
    with pytest.raises(StackMissingError, match="`trellis up dev` makes it"), looking.open(queue()):
        pass
    assert not small.state.exists()


def test_a_locked_stack_says_who_and_since_when(small: Small) -> None:
    before = brought_up(small)
    holder = {"pid": 7, "username": "ada", "hostname": "elsewhere", "timestamp": "2026-11-01T10:00:00Z"}
    small.locks.mkdir(parents=True, exist_ok=True)
    (small.locks / "other.json").write_text(json.dumps(holder))
    with small.open(queue("more")) as stack, pytest.raises(StackLockedError) as locked:
        up(stack)
    assert "ada@elsewhere, process 7, since 2026-11-01T10:00:00Z" in str(locked.value)
    assert [(one.who, one.pid) for one in locked.value.holders] == [("ada@elsewhere", 7)]
    assert small.state.read_bytes() == before


def test_a_wrong_passphrase_changes_nothing(small: Small) -> None:
    before = brought_up(small)
    wrong_words = {"PULUMI_CONFIG_PASSPHRASE": "battery staple"}
    with (
        small.open(queue("more"), **wrong_words) as stack,
        pytest.raises(EngineError, match="passphrase is not the one") as wrong,
    ):
        up(stack)
    assert "PULUMI_CONFIG_PASSPHRASE_FILE" in str(wrong.value)
    assert small.state.read_bytes() == before


def test_a_stack_file_without_a_salt_keeps_the_stacks_own(small: Small) -> None:
    def salt(state: bytes) -> str:
        return str(json.loads(state)["checkpoint"]["latest"]["secrets_providers"]["state"]["salt"])

    first = brought_up(small)
    with small.open(queue("more")) as stack:
        assert up(stack).succeeded
    assert salt(small.state.read_bytes()) == salt(first)
    assert (small.folder / "project" / "Pulumi.dev.yaml").read_text() == "config: {}\n"


@pytest.mark.parametrize("operation", [up, preview, refresh, destroy])
def test_a_state_of_a_newer_version_is_left_alone(small: Small, operation: Callable[..., object]) -> None:
    brought_up(small)
    newer = json.dumps({**json.loads(small.state.read_bytes()), "version": 99})
    small.state.write_text(newer)
    with small.open(queue("more")) as stack, pytest.raises(EngineError, match="written by a newer Pulumi"):
        operation(stack)
    assert small.state.read_text() == newer


def test_a_damaged_state_says_where_its_copies_are(small: Small) -> None:
    brought_up(small)
    small.state.write_text('{"half')
    with small.open(queue()) as stack, pytest.raises(EngineError, match=r"is damaged.*backups"):
        up(stack)
    assert small.state.read_text() == '{"half'


def test_a_backend_that_is_not_there(small: Small) -> None:
    where = (small.folder / "nowhere").as_uri()
    with (
        pytest.raises(EngineError, match="cannot be reached") as missing,
        small.open(queue(), PULUMI_BACKEND_URL=where),
    ):
        pass
    assert where in str(missing.value)


def test_nobody_is_logged_in(small: Small) -> None:
    with (
        pytest.raises(EngineError, match=r"nobody is logged in to https://pulumi\.invalid"),
        small.open(queue(), PULUMI_BACKEND_URL="https://pulumi.invalid", PULUMI_ACCESS_TOKEN=""),
    ):
        pass


def test_a_missing_plugin_says_what_to_install(small: Small) -> None:
    with small.open(queue(), PULUMI_DEBUG_PROVIDERS="") as stack:
        result = up(stack)
    assert not result.succeeded
    told = summary.to_text(result, small.folder / "project" / "Pulumi.dev.yaml")
    assert "pulumi plugin install resource aws VERSION --file ARCHIVE" in told


def test_no_update_begins_on_a_full_disk(small: Small, monkeypatch: pytest.MonkeyPatch) -> None:
    before = brought_up(small)
    monkeypatch.setattr(space, "free", lambda _folder: space.RESERVE_BYTES - 1)
    with small.open(queue("more")) as stack, pytest.raises(space.NoSpaceError, match="nothing was changed"):
        up(stack)
    assert small.state.read_bytes() == before


def test_a_disk_that_fills_up_ends_an_update_in_order(
    small: Small, providers: Attached, monkeypatch: pytest.MonkeyPatch
) -> None:
    brought_up(small)
    providers.seen.go_on.clear()

    def free(_folder: Path) -> int:
        """Little as soon as the second queue is being made, which goes on once that was seen."""
        if not any(urn.endswith("::more") for urn in providers.seen.urns("Create")):
            return space.RESERVE_BYTES
        providers.seen.go_on.set()
        return 0

    monkeypatch.setattr(space, "free", free)
    with small.open(queue("more")) as stack, pytest.raises(space.NoSpaceError, match="cancelled in order"):
        up(stack)
    state = json.loads(small.state.read_text())["checkpoint"]["latest"]
    assert f"{URN}aws:sqs/queue:Queue::more" in {row["urn"] for row in state["resources"]}
    assert not state.get("pending_operations")
    assert list(small.locks.glob("*.json")) == []


def test_what_is_protected_stops_a_destroy_before_anything_is_gone(small: Small, providers: Attached) -> None:
    before = brought_up(small, protect=True)
    with small.open(queue(protect=True)) as stack:
        result = destroy(stack)
    assert [failure.urn for failure in result.failures] == [f"{URN}aws:sqs/queue:Queue::queue"]
    assert providers.seen.urns("Delete") == []
    assert small.state.read_bytes() == before


def test_secrets_are_neither_logged_nor_told(small: Small, capfd: pytest.CaptureFixture[str]) -> None:
    log = small.folder / "events.json"
    told = ""
    token = "token-that-nobody-may-see"  # noqa: S105 - planted, to be looked for
    with EventLog(log) as events, small.open(queue()) as stack:
        stack.set_config("trellis:token", automation.ConfigValue(token, secret=True))
        for operation in (preview, up, refresh, destroy):
            result = operation(stack, on_event=events.listen)
            assert result.succeeded
            for write in (summary.to_text, summary.to_json, summary.to_markdown):
                told += write(result, small.folder / "project" / "Pulumi.dev.yaml")
    out, err = capfd.readouterr()
    for where in (log.read_text(), told, out, err):
        assert PLANTED not in where
        assert token not in where
    assert "password: (secret)" in told
    assert "[secret]" in log.read_text()


@pytest.fixture
def own(tmp_path: Path, pulumi_cli: Path) -> Iterator[World]:  # noqa: ARG001 - built before anything is started
    """An empty world for the command line; its providers let every creation wait."""
    with world(tmp_path) as made:
        made.seen.go_on.clear()
        yield made
        made.seen.go_on.set()


def wait(until: Callable[[], object]) -> None:
    """Wait for something; a test that waits for ever is ended by whoever runs it."""
    while not until():
        time.sleep(PAUSE_SECONDS)


def engines(folder: Path) -> list[int]:
    """The engines that run with a home below `folder`."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            variables, name = (process / "environ").read_bytes(), (process / "comm").read_text().strip()
        except OSError:
            continue
        if f"PULUMI_HOME={folder}".encode() in variables and name == "pulumi":
            found.append(int(process.name))
    return found


def test_ctrl_c_lets_what_is_under_way_end(own: World) -> None:
    process = own.start("up", STACK, "--yes")
    wait(lambda: own.seen.urns("Create"))
    process.send_signal(signal.SIGINT)
    assert process.stderr
    wait(lambda: "cancelling" in (process.stderr.readline() if process.stderr else ""))
    own.seen.go_on.set()
    process.communicate()
    assert process.returncode == 130
    made = {row["urn"] for row in json.loads(own.state.read_text())["checkpoint"]["latest"]["resources"]}
    assert set(own.seen.urns("Create")) <= made
    assert list(own.locks.glob("*.json")) == []
    assert engines(own.folder) == []
    # It goes on from there.
    assert own.trellis("up", STACK, "--yes", "--no-policy-pack").exit_code == 0


def test_a_second_ctrl_c_kills(own: World) -> None:
    process = own.start("up", STACK, "--yes")
    wait(lambda: own.seen.urns("Create"))
    process.send_signal(signal.SIGINT)
    wait(lambda: "cancelling" in (process.stderr.readline() if process.stderr else ""))
    process.send_signal(signal.SIGINT)
    _, told = process.communicate()
    assert process.returncode == 130
    assert "Traceback" not in told
    assert engines(own.folder) == []


def test_an_engine_whose_program_was_killed_ends_and_knows_what_was_under_way(own: World) -> None:
    process = own.start("up", STACK, "--yes")
    wait(lambda: own.seen.urns("Create"))
    process.kill()
    process.communicate()
    own.seen.go_on.set()
    wait(lambda: not engines(own.folder))
    state = json.loads(own.state.read_text())["checkpoint"]["latest"]
    under_way = {one["resource"]["urn"] for one in state.get("pending_operations") or ()}
    assert set(own.seen.urns("Create")) <= under_way | {row["urn"] for row in state["resources"]}
    assert list(own.locks.glob("*.json")) == []
    for left in Path(os.environ["TMPDIR"]).glob("trellis-*"):  # nobody is left who would remove it
        shutil.rmtree(left)
