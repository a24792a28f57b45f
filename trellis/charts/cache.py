"""The user's store of chart archives: `NAME/VERSION/DIGEST.tgz`, so that a file is what its name says or is not used.

It lies beside the toolchain's cache; `TRELLIS_CHARTS` names another folder.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from trellis.charts.archive import Archive, digest_of

FOLDER = "TRELLIS_CHARTS"


def folder() -> Path:
    """Where archives lie."""
    named = os.environ.get(FOLDER)
    if named:
        return Path(named)
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "trellis" / "charts"


def find(name: str, version: str, digest: str | None = None) -> Path | None:
    """The archive of a chart, or None where there is no whole one.

    Without a digest (SHA-256, hexadecimal) it is the only one of that version; of several none is taken.
    """
    home = folder() / name / version
    if digest is not None:
        path = home / f"{digest}.tgz"
        return path if path.is_file() and digest_of(path) == digest else None
    whole = [path for path in sorted(home.glob("*.tgz")) if digest_of(path) == path.stem]
    return whole[0] if len(whole) == 1 else None


def digests(name: str, version: str) -> list[str]:
    """Digests that archives of a chart claim by their names; `find` says whether one is whole."""
    return sorted(path.stem for path in (folder() / name / version).glob("*.tgz"))


@contextmanager
def workplace(name: str) -> Iterator[Path]:
    """A folder to fetch a chart into. One process at a time has it; the next one finds what this one stored.

    The kernel takes the lock back from a process that dies; what that left is cleared here.
    """
    home = folder() / name
    home.mkdir(parents=True, exist_ok=True)
    with (home / ".lock").open("w") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        for stale in home.glob("fetch-*"):
            shutil.rmtree(stale, ignore_errors=True)
        with tempfile.TemporaryDirectory(prefix="fetch-", dir=home) as temporary:
            yield Path(temporary)


def store(file: Path, archive: Archive, name: str, version: str) -> Path:
    """Move a fetched archive to its place, at once or not at all. Call within `workplace`."""
    target = folder() / name / version / f"{archive.digest}.tgz"
    target.parent.mkdir(parents=True, exist_ok=True)
    file.replace(target)
    return target


def dropped() -> list[Path]:
    """Archives that a person put into the folder by hand; `trellis charts pull` checks and takes them."""
    return sorted(folder().glob("*.tgz"))
