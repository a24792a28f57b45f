"""The lock file: which bytes each chart of the catalogue had when it was first pulled. It is checked in."""

from __future__ import annotations

import fcntl
import os
import re
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import yaml

from trellis.paths import ROOT

LOCK = ROOT / "components" / "catalogue" / "data" / "charts.lock.yaml"
_HEAD = """\
# SHA-256 of each chart archive, written by `trellis charts pull` (a chart's first time) and `trellis charts lock`.
# A chart whose bytes differ from this file is refused.
"""
_PREFIX = "sha256:"
_DIGEST = re.compile(_PREFIX + r"[0-9a-f]{64}\Z")


class LockError(Exception):
    """The lock file cannot be read or written."""


def load(path: Path | None = None) -> Mapping[str, str]:
    """Digests (hexadecimal) by `Chart.key`; none where there is no file. Raises `LockError`."""
    path = path or LOCK
    try:
        data = yaml.safe_load(path.read_text(encoding="utf-8")) or {}
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, yaml.YAMLError) as error:
        raise LockError(f"{path} cannot be read: {error}") from error
    rows = data if isinstance(data, dict) else {str(data): None}
    wrong = [str(key) for key, value in rows.items() if not _DIGEST.match(str(value))]
    if wrong:
        raise LockError(
            f"{path}: no `sha256:` and 64 hexadecimal digits at {', '.join(wrong)}. Restore the file from version "
            "control, or delete these lines and run `trellis charts pull`: the charts count as never pulled then."
        )
    return {str(key): str(value).removeprefix(_PREFIX) for key, value in rows.items()}


def change(add: Mapping[str, str], drop: Iterable[str] = (), path: Path | None = None) -> bool:
    """Add and drop lines; return whether the file changed. Two at once are safe. Raises `LockError`."""
    path = path or LOCK
    try:
        with _held(path.parent):
            before = load(path)
            after = {key: value for key, value in before.items() if key not in set(drop)} | dict(add)
            if after != before:
                _write(path, after)
            return after != before
    except OSError as error:
        raise LockError(f"{path} cannot be written: {error.strerror}") from error


@contextmanager
def _held(folder: Path) -> Iterator[None]:
    """One process at a time. The folder itself is locked: a lock file would lie about among checked-in files."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def _write(path: Path, rows: Mapping[str, str]) -> None:
    """Replace the file at once: whoever reads meanwhile sees the old one or the new one."""
    body = "".join(f"{key}: {_PREFIX}{rows[key]}\n" for key in sorted(rows)) or "{}\n"
    with tempfile.NamedTemporaryFile("w", dir=path.parent, prefix=".lock-", delete=False, encoding="utf-8") as file:
        file.write(_HEAD + body)
    made = Path(file.name)
    made.chmod(0o644)
    made.replace(path)
