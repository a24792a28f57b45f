"""Starts and ends a supervisor (`supervisor.py`), for whoever runs processes that must not stay behind."""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from trellis.sandbox import supervisor
from trellis.sandbox.registry import STOP_SECONDS, failure_of, remove


def supervise(folder: Path, *, attached: bool) -> subprocess.Popen[bytes]:
    """Start a supervisor of what `run.json` in a folder names. An attached one ends with this process."""
    script = Path(supervisor.__file__)
    with (folder / "logs" / "supervisor.log").open("wb") as log:
        return subprocess.Popen(  # noqa: S603 - our own script under our own Python, no shell
            [sys.executable, "-I", "-S", str(script), str(folder)],
            stdin=subprocess.PIPE if attached else subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,  # a Ctrl-C on the terminal is for us; we end it in order
        )


def end(process: subprocess.Popen[bytes]) -> None:
    """End a supervisor and with it all that it runs. A second time does nothing."""
    if process.poll() is None:
        process.terminate()
        try:
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
    if process.stdin is not None:
        process.stdin.close()


class Child:
    """One program under a supervisor of its own."""

    def __init__(self, folder: Path, process: subprocess.Popen[bytes]) -> None:
        self.folder = folder
        self._process = process

    @property
    def pid(self) -> int:
        """Process id of its supervisor."""
        return self._process.pid

    def failure(self) -> str | None:
        """Why it ended by itself, with the end of its log; None while it runs."""
        if self._process.poll() is None:
            return None
        return failure_of(self.folder) or f"its supervisor ended with {self._process.returncode}"


@contextlib.contextmanager
def child(folder: Path, name: str, argv: Sequence[str], env: Mapping[str, str]) -> Iterator[Child]:
    """Run one program, with `env` on top of this process's, for as long as the context lasts and this process lives.

    `folder` must not exist; it holds the program's log and is gone at the end.
    """
    folder.mkdir(mode=0o700, parents=True)
    (folder / "logs").mkdir()
    component = {"name": name, "argv": list(argv), "env": dict(env)}
    run = {"name": name, "attached": True, "phases": [{"components": [component]}]}
    (folder / supervisor.MARKER).write_text(json.dumps(run, indent=1))
    process = supervise(folder, attached=True)
    try:
        yield Child(folder, process)
    finally:
        end(process)
        remove(folder)
