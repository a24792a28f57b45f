"""A real control plane for the tests here, and a way to see whether processes stay behind."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from trellis.sandbox import Sandbox


@pytest.fixture(scope="session")
def shared_sandbox(tools: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:  # noqa: ARG001 - a fixture asks for another this way
    """One control plane for all tests that leave it as it was."""
    with Sandbox.start("shared", tmp_path_factory.mktemp("sandbox") / "shared") as running:
        yield running


@pytest.fixture
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty state folder of the user's."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    return tmp_path / "state" / "trellis" / "sandboxes"


def processes(folder: Path) -> dict[int, str]:
    """Processes that were started with a path below a folder: command lines by process id."""
    command = ["ps", "-A", "-ww", "-o", "pid=,stat=,args="]
    listed = subprocess.run(command, capture_output=True, text=True, check=True)  # noqa: S603 - no shell
    found: dict[int, str] = {}
    for line in listed.stdout.splitlines():
        pid, stat, arguments = line.split(maxsplit=2)
        if f"{folder}" in arguments and not stat.startswith("Z"):
            found[int(pid)] = arguments
    return found


def gone(folder: Path, seconds: float = 15) -> dict[int, str]:
    """Wait until no process of a folder is left; return those that are left all the same."""
    until = time.monotonic() + seconds
    while (left := processes(folder)) and time.monotonic() < until:
        time.sleep(0.1)
    return left
