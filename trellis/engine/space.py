"""Keeps an update from running out of disk space: the engine must be able to save its state after every step.

Seen with CLI 3.250.0 and a state kept in files: on a full disk it replaces the state by the part that still fits, the
one copy beside it too, and tries again for half a minute at each step instead of stopping. So an update does not begin
with little space, and is cancelled in order while there is still enough for what is under way.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import unquote, urlsplit

from trellis.engine.errors import EngineError
from trellis.engine.surroundings import BACKEND

RESERVE_BYTES = 16 * 2**20
"""What must be free: a state of a thousand resources takes 3 MiB, and is written twice."""
_POLL_SECONDS = 0.5


class NoSpaceError(EngineError):
    """Too little space is left on a disk that the engine writes to."""


def free(folder: Path) -> int:
    """Bytes that this user may still write below a folder."""
    told = os.statvfs(folder)
    return told.f_bavail * told.f_frsize


def places(variables: Mapping[str, str], work_dir: str) -> dict[str, Path]:
    """The folders that the engine writes to, by what they are for."""
    found = {"temporary files": Path(work_dir)}
    parts = urlsplit(variables.get(BACKEND) or os.environ.get(BACKEND) or "")
    folder = Path(unquote(parts.path)) if parts.scheme == "file" and not parts.netloc else None
    return {**found, "the state": folder} if folder and folder.is_dir() else found


@contextmanager
def watched(folders: Mapping[str, Path], stop: Callable[[], object]) -> Iterator[None]:
    """Raise `NoSpaceError` when there is too little space, before or in between; then `stop` is called first."""
    _raise(_short(folders), "nothing was changed")
    over = threading.Event()
    short: list[str] = []

    def watch() -> None:
        while not over.wait(_POLL_SECONDS):
            told = _short(folders)
            if told:
                short.append(told)
                stop()
                return

    watcher = threading.Thread(target=watch, daemon=True)
    watcher.start()
    try:
        yield
    finally:
        over.set()
        watcher.join()
    _raise(short[0] if short else None, "the update was cancelled in order and its state saved")


def _short(folders: Mapping[str, Path]) -> str | None:
    for what, folder in folders.items():
        left = free(folder)
        if left < RESERVE_BYTES:
            return (
                f"no space left on device: {left / 2**20:.1f} MiB are free in {folder}, where {what} is written, and "
                f"{RESERVE_BYTES / 2**20:.0f} MiB are needed to be sure that the state can always be saved"
            )
    return None


def _raise(short: str | None, so: str) -> None:
    if short:
        raise NoSpaceError(f"{short}; {so}. Free some space, then run the same command again")
