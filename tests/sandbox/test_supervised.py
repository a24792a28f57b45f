"""One program under a supervisor of its own: it has its environment, tells why it ended, and never stays behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.sandbox.conftest import gone, processes
from trellis.sandbox.supervised import child

SECONDS = 15


def test_a_program_runs_with_its_environment_and_is_gone_at_the_end(tmp_path: Path) -> None:
    folder, told = tmp_path / "child", tmp_path / "told"
    script = f'echo "$GREETING $HOME" >"{told}.new"; mv "{told}.new" "{told}"; while :; do sleep 0.2; done'
    with child(folder, "greeter", ["/bin/sh", "-c", script, str(folder)], {"GREETING": "hello"}) as running:
        until = time.monotonic() + SECONDS
        while not told.exists() and time.monotonic() < until:
            time.sleep(0.05)
        assert told.read_text() == f"hello {os.environ['HOME']}\n"
        assert running.failure() is None
        assert processes(folder)
    assert gone(folder) == {}
    assert not folder.exists()


def test_a_program_that_ends_by_itself_is_told_with_its_log(tmp_path: Path) -> None:
    with child(tmp_path / "child", "quitter", ["/bin/sh", "-c", "echo no disk; exit 3"], {}) as running:
        until = time.monotonic() + SECONDS
        while running.failure() is None and time.monotonic() < until:
            time.sleep(0.05)
        assert running.failure() == "quitter ended with 3:\nno disk"


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT])
def test_a_program_ends_with_its_owner(tmp_path: Path, number: int) -> None:
    folder, marker = tmp_path / "child", tmp_path / "marker"
    argv = ["/bin/sh", "-c", f"touch {marker}; while :; do sleep 0.2; done", str(folder)]
    program = (
        "import sys, time, pathlib; from trellis.sandbox.supervised import child\n"
        f"with child(pathlib.Path({str(folder)!r}), 'sleeper', {argv!r}, {{}}): time.sleep(60)"
    )
    with subprocess.Popen([sys.executable, "-c", program], stderr=subprocess.DEVNULL) as owner:  # noqa: S603 - no shell
        until = time.monotonic() + SECONDS
        while not marker.exists() and time.monotonic() < until:
            time.sleep(0.05)
        assert any("while" in arguments for arguments in processes(folder).values())
        owner.send_signal(number)
        assert owner.wait(SECONDS) != 0
    assert gone(folder) == {}
    until = time.monotonic() + SECONDS
    while folder.exists() and time.monotonic() < until:
        time.sleep(0.05)
    assert not folder.exists()
