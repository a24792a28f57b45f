"""Finds and ends sandboxes.

Each has a folder with all that it writes. Its processes are kept by a supervisor (`supervisor.py`), which holds the
lock in the folder for as long as one of them is there: so the lock, not a process id, tells whether a sandbox runs.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import re
import shutil
import signal
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from trellis.sandbox.supervisor import MARKER

STOP_SECONDS = 20
_POLL_SECONDS = 0.1
_NAME = re.compile(r"[a-z0-9]([a-z0-9-]{0,38}[a-z0-9])?")

State = Literal["running", "failed", "stopped"]


class SandboxError(Exception):
    """A sandbox could not be started or found; the message says why and what to do."""


@dataclass(frozen=True)
class Status:
    """What is known of a sandbox from its folder."""

    name: str
    folder: Path
    state: State
    kubernetes: str
    server: str
    attached: bool
    """Whether it ends with the process that started it."""
    pid: int | None
    """Process id of its supervisor while it runs."""
    failure: str = ""


def root() -> Path:
    """The folder with the folders of all sandboxes of this user."""
    base = os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state"
    return Path(base) / "trellis" / "sandboxes"


def home(name: str) -> Path:
    """The folder of a sandbox by its name. Raises `SandboxError` for a name that is none."""
    if not _NAME.fullmatch(name):
        raise SandboxError(
            f"{name!r} cannot name a sandbox: lower-case letters, digits and inner hyphens, 40 at most; such as `dev`"
        )
    return root() / name


def status(name: str) -> Status | None:
    """What is known of a sandbox; None where there is none."""
    return read(home(name))


def statuses() -> list[Status]:
    """All sandboxes of this user, by name."""
    found = (read(folder) for folder in sorted(root().glob("*")))
    return [one for one in found if one is not None]


def down(name: str) -> bool:
    """End a sandbox and remove its folder; False where there was none. Raises `SandboxError` if it will not end."""
    found = status(name)
    if found is None:
        return False
    if found.pid is not None:
        for number in (signal.SIGTERM, signal.SIGKILL):
            with contextlib.suppress(ProcessLookupError):
                os.kill(found.pid, number)
            if _wait_unlocked(found.folder):
                break
        else:
            raise SandboxError(
                f"sandbox {name!r} does not end: look at process {found.pid} and {found.folder / 'logs'}"
            )
    remove(found.folder)
    return True


def remove(folder: Path) -> None:
    """Remove a sandbox's folder once no process writes there any more."""
    _wait_unlocked(folder)
    shutil.rmtree(folder, ignore_errors=True)


def read(folder: Path) -> Status | None:
    """What is known of the sandbox in a folder; None where there is none."""
    try:
        run: dict[str, Any] = json.loads((folder / MARKER).read_text())
        pid = holder(folder)
        failure = failure_of(folder)
        state: State = "running" if pid is not None else "failed" if failure else "stopped"
        return Status(run["name"], folder, state, run["kubernetes"], run["server"], bool(run["attached"]), pid, failure)
    except (OSError, ValueError, KeyError):
        return None


def failure_of(folder: Path) -> str:
    """Why a sandbox ended by itself; empty when it did not."""
    return text_of(folder / "failure.txt")


def text_of(file: Path) -> str:
    """The text of a file; empty where there is none."""
    try:
        return file.read_text(errors="replace").strip()
    except OSError:
        return ""


def holder(folder: Path) -> int | None:
    """Process id of the supervisor that holds the lock; None when nobody does."""
    try:
        with (folder / "lock").open("r") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                return int(lock.read() or "0") or None
            return None
    except (OSError, ValueError):
        return None


def _wait_unlocked(folder: Path) -> bool:
    until = time.monotonic() + STOP_SECONDS
    while holder(folder) is not None:
        if time.monotonic() > until:
            return False
        time.sleep(_POLL_SECONDS)
    return True
