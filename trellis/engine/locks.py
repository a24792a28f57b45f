"""Clears the lock that a dead update left on a stack.

A backend in a folder keeps locks as files that say which process on which host took them, and nothing ever removes one
whose process was killed. Other backends tell less: their locks are only broken where a person says so.
"""

from __future__ import annotations

import getpass
import json
import os
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import unquote, urlsplit

from pulumi import automation
from pulumi.automation import errors

from trellis.engine.errors import Holder, StackLockedError, explained

_FILE = "file"
_POLL_SECONDS = 0.2
LAST_BREATH_SECONDS = 15.0
"""How long an engine that lost its program may take to save its state and end."""


def clear(
    stack: automation.Stack,
    *,
    force: bool = False,
    wait_seconds: float = LAST_BREATH_SECONDS,
    tell: Callable[[str], object] = lambda _line: None,
) -> tuple[Holder, ...]:
    """Remove the locks whose process is dead, and return who held them; with `force` remove every lock.

    A living holder on this machine is waited for, as one that lost its program ends by itself. Raises
    `StackLockedError` where a lock stays.
    """
    if force:
        return _cancel(stack)
    until = time.monotonic() + wait_seconds
    cleared: list[Holder] = []
    waiting = False
    while True:
        held = list(_locks(stack))
        dead = [(file, holder) for file, holder in held if _is_dead(holder)]
        for file, holder in dead:
            file.unlink(missing_ok=True)
            cleared.append(holder)
        alive = [holder for _, holder in held if not _is_dead(holder)]
        if not alive:
            return tuple(cleared)
        if time.monotonic() > until or any(not _is_here(holder) for holder in alive):
            raise StackLockedError(stack.name, tuple(alive))
        if not waiting:
            tell(f"waiting for process {alive[0].pid} to let go of the stack")
            waiting = True
        time.sleep(_POLL_SECONDS)


def _cancel(stack: automation.Stack) -> tuple[Holder, ...]:
    held = tuple(holder for _, holder in _locks(stack))
    try:
        stack.cancel()
    except errors.CommandError as error:
        raise explained(error, stack.name, stack.workspace.env_vars) from error
    return held


def _locks(stack: automation.Stack) -> Iterator[tuple[Path, Holder]]:
    """Lock files of the stack with their holders; none where the backend is no folder of this machine."""
    root = _folder(stack)
    if root is None:
        return
    project = stack.workspace.project_settings().name
    # Older backends have no project in the path.
    for below in (Path("organization", project, stack.name), Path(stack.name)):
        for file in sorted((root / ".pulumi" / "locks" / below).glob("*.json")):
            with suppress(FileNotFoundError):  # its holder just let go
                yield file, _holder(file)


def _folder(stack: automation.Stack) -> Path | None:
    try:
        url = stack.workspace.who_am_i().url or ""
    except errors.CommandError as error:
        raise explained(error, stack.name, stack.workspace.env_vars) from error
    parts = urlsplit(url)
    if parts.scheme != _FILE:
        return None
    return Path(unquote(f"{parts.netloc}{parts.path}")).expanduser()


def _holder(file: Path) -> Holder:
    """Who wrote a lock file. One that was not written to its end has nobody's process."""
    try:
        told = json.loads(file.read_text(encoding="utf-8"))
        who = f"{told['username']}@{told['hostname']}"
        return Holder(who=who, pid=int(told["pid"]), since=str(told["timestamp"]), file=str(file))
    except (ValueError, KeyError, TypeError):
        since = datetime.fromtimestamp(file.stat().st_mtime, UTC).isoformat(timespec="seconds")
        return Holder(who=f"{getpass.getuser()}@{socket.gethostname()}", pid=0, since=since, file=str(file))


def _is_here(holder: Holder) -> bool:
    return holder.who.rpartition("@")[2] == socket.gethostname()


def _is_dead(holder: Holder) -> bool:
    """Whether the process is known to have ended. One that began after the lock was taken only has its number."""
    if not _is_here(holder):
        return False
    if holder.pid <= 0:
        return True
    try:
        os.kill(holder.pid, 0)
    except ProcessLookupError:
        return True
    except PermissionError:
        return False
    started = _started(holder.pid)
    return started is not None and started > _seconds(holder.since) + 1


def _started(pid: int) -> float | None:
    """When a process began, in seconds since 1970; None where the system does not tell."""
    with suppress(OSError, ValueError, IndexError, StopIteration):
        ticks = int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[19])
        booted = next(line for line in Path("/proc/stat").read_text().splitlines() if line.startswith("btime"))
        return int(booted.split()[1]) + ticks / os.sysconf("SC_CLK_TCK")
    return None


def _seconds(since: str) -> float:
    try:
        return datetime.fromisoformat(since).timestamp()
    except ValueError:
        return float("inf")
