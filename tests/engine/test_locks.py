"""A lock is cleared when its process is dead on this machine, and only then."""

from __future__ import annotations

import getpass
import json
import os
import socket
import subprocess
import sys
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from pulumi import automation

from trellis.engine import locks
from trellis.engine.errors import Holder, StackLockedError


@dataclass
class Locked:
    """A stack in a backend that is a folder, as far as locks see it."""

    root: Path
    url: str = ""
    name: str = "dev"
    cancelled: list[str] = field(default_factory=list)

    @property
    def workspace(self) -> Any:
        url = self.url or self.root.as_uri()
        return SimpleNamespace(
            who_am_i=lambda: SimpleNamespace(url=url),
            project_settings=lambda: SimpleNamespace(name="trellis"),
            env_vars={},
        )

    def cancel(self) -> None:
        """What `pulumi cancel` does: every lock goes."""
        self.cancelled.append(self.name)
        for file in self.files():
            file.unlink()

    def files(self) -> list[Path]:
        return sorted((self.root / ".pulumi" / "locks").rglob("*.json"))

    def lock(self, pid: int, *, host: str = "", since: datetime | None = None, stack: str = "dev") -> Path:
        """Write what the engine writes."""
        told = {
            "pid": pid,
            "username": getpass.getuser(),
            "hostname": host or socket.gethostname(),
            "timestamp": (since or datetime.now(UTC)).isoformat(),
        }
        folder = self.root / ".pulumi" / "locks" / "organization" / "trellis" / stack
        folder.mkdir(parents=True, exist_ok=True)
        file = folder / f"{pid}-{host}.json"
        file.write_text(json.dumps(told))
        return file


@pytest.fixture
def stack(tmp_path: Path) -> Locked:
    return Locked(tmp_path / "a folder")


def clear(stack: Locked, **options: Any) -> tuple[Holder, ...]:
    return locks.clear(cast("automation.Stack", stack), **{"wait_seconds": 0, **options})


def dead() -> int:
    """The number of a process that has ended."""
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    return ended.pid


def test_a_dead_processs_lock_is_cleared(stack: Locked) -> None:
    file = stack.lock(dead())
    [holder] = clear(stack)
    assert holder.who == f"{getpass.getuser()}@{socket.gethostname()}"
    assert not file.exists()
    assert clear(stack) == ()


def test_a_living_processs_lock_stays_and_is_told(stack: Locked) -> None:
    file = stack.lock(os.getpid())
    with pytest.raises(StackLockedError, match=f"process {os.getpid()}, since 20"):
        clear(stack)
    assert file.exists()


def test_a_living_process_is_waited_for(stack: Locked) -> None:
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as child:
        stack.lock(child.pid)
        told: list[str] = []

        def tell(line: str) -> None:
            told.append(line)
            child.communicate(b"\n")

        assert [one.pid for one in clear(stack, wait_seconds=60, tell=tell)] == [child.pid]
    assert told == [f"waiting for process {child.pid} to let go of the stack"]


@pytest.mark.skipif(not Path("/proc/self/stat").is_file(), reason="this system does not tell when a process began")
def test_a_process_that_only_has_the_number_holds_nothing(stack: Locked) -> None:
    stack.lock(os.getpid(), since=datetime.now(UTC) - timedelta(days=400))
    assert [one.pid for one in clear(stack)] == [os.getpid()]


def test_another_machines_lock_stays(stack: Locked) -> None:
    file = stack.lock(dead(), host="elsewhere")
    with pytest.raises(StackLockedError, match="@elsewhere, process"):
        clear(stack, wait_seconds=3600)  # and nobody waits: whether it lives cannot be seen from here
    assert file.exists()


def test_another_stacks_lock_stays(stack: Locked) -> None:
    file = stack.lock(dead(), stack="prod")
    assert clear(stack) == ()
    assert file.exists()


def test_a_lock_that_was_not_written_to_its_end_is_nobodys(stack: Locked) -> None:
    file = stack.lock(os.getpid())
    file.write_text('{"pid": 1')
    assert [one.pid for one in clear(stack)] == [0]


def test_by_force_every_lock_goes(stack: Locked) -> None:
    stack.lock(os.getpid(), host="elsewhere")
    assert [one.pid for one in clear(stack, force=True)] == [os.getpid()]
    assert (stack.cancelled, stack.files()) == (["dev"], [])


def test_a_backend_that_is_no_folder_keeps_its_own_locks(tmp_path: Path) -> None:
    stack = Locked(tmp_path, url="s3://states")
    stack.lock(dead())
    assert clear(stack) == ()
    assert len(stack.files()) == 1
