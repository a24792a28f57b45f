"""Finding and building a tool, with a stand-in for Go and for the tool. The real build is what `make engine` runs."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from trellis import toolchain_rows
from trellis.toolchain import ToolUnavailableError, ensure_pulumi, find_pulumi

GO_MOD = (
    "go 1.25.11\n\nrequire (\n\tgithub.com/other/module v1.0.0 // indirect\n"
    "\tgithub.com/pulumi/pulumi/pkg/v3 v3.250.0\n)\n"
)
PYTHON = sys.executable
VERSION_VARIABLE = "github.com/pulumi/pulumi/sdk/v3/go/common/version.Version"
GO_SAYS = 'case "$1" in version) echo "go version go1.26.6 linux/amd64"; exit;; esac\n'
Write = Callable[[str, str], Path]


@pytest.fixture
def tools(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Write:
    """An empty cache and a PATH with nothing but `sh`'s own folder; write an executable there by name."""
    folder = tmp_path / "bin"
    folder.mkdir()
    (tmp_path / "tools" / "pulumi").mkdir(parents=True)
    (tmp_path / "tools" / "pulumi" / "go.mod").write_text(GO_MOD)
    toolchain_rows.tool("pulumi")  # read the real rows before TOOLS leads elsewhere
    monkeypatch.setattr(toolchain_rows, "TOOLS", tmp_path / "tools")
    monkeypatch.setenv("TRELLIS_NO_DOWNLOAD", "1")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("PATH", str(folder))
    monkeypatch.setattr(sys, "executable", str(tmp_path / "python"))

    def write(name: str, script: str) -> Path:
        file = folder / name
        file.write_text(f"#!/bin/sh\nPATH=/usr/bin:/bin\n{script}\n")
        file.chmod(0o755)
        return file

    return write


def building(version: str = "3.250.0", before: str = "") -> str:
    """A `go` that writes a tool of some version, and counts how often it built."""
    return (
        f'{GO_SAYS}echo called >>"$(dirname "$0")/calls"\n{before}\n'
        f'out=$(echo "$@" | sed "s/.* -o \\([^ ]*\\) .*/\\1/")\n'
        f'printf "#!/bin/sh\\necho v{version}\\n" >"$out"\nchmod +x "$out"'
    )


def cache(tmp_path: Path) -> list[str]:
    """Every file below the cache but the lock."""
    files = (tmp_path / "cache").rglob("*")
    return sorted(
        str(file.relative_to(tmp_path / "cache")) for file in files if file.is_file() and file.name != ".lock"
    )


BUILT = ["trellis/tools/pulumi/3.250.0/pulumi"]


@pytest.mark.parametrize("version", ["v3.250.0", "3.272.1"])
def test_a_tool_on_the_path_that_is_new_enough_is_taken(tools: Write, version: str) -> None:
    tool = tools("pulumi", f"echo {version}")
    assert ensure_pulumi() == tool


@pytest.mark.parametrize("answer", ["echo v3.249.9", "echo v4.0.0", "echo none", "exit 1"])
def test_a_tool_on_the_path_that_does_not_fit_is_not_taken(tools: Write, tmp_path: Path, answer: str) -> None:
    tools("pulumi", answer)
    tools("go", building())
    assert ensure_pulumi() == tmp_path / "cache" / BUILT[0]


def test_a_tool_is_built_once_and_then_found(tools: Write, tmp_path: Path) -> None:
    go = tools("go", building())
    told: list[str] = []
    assert find_pulumi() is None
    built = ensure_pulumi(told.append)
    assert [built, find_pulumi(), ensure_pulumi(told.append)] == [tmp_path / "cache" / BUILT[0]] * 3
    assert (go.parent / "calls").read_text() == "called\n"
    assert [line.split()[0] for line in told] == ["building", "built"]


def test_go_is_told_the_pinned_version_and_module(tools: Write, tmp_path: Path) -> None:
    go = tools("go", building(before='echo "$CGO_ENABLED $GOWORK $PWD $@" >"$(dirname "$0")/arguments"'))
    ensure_pulumi()
    said = (go.parent / "arguments").read_text()
    assert said.startswith(f"0 off {tmp_path}/tools/pulumi build -mod=readonly")
    assert f"-X {VERSION_VARIABLE}=3.250.0" in said
    assert said.endswith("github.com/pulumi/pulumi/pkg/v3/cmd/pulumi\n")


def test_a_broken_tool_in_the_cache_is_built_anew(tools: Write, tmp_path: Path) -> None:
    tools("go", building())
    ensure_pulumi().write_text("cut off")
    assert ensure_pulumi().read_text() == "#!/bin/sh\necho v3.250.0\n"
    assert cache(tmp_path) == BUILT


def test_two_at_once_build_once(tools: Write, tmp_path: Path) -> None:
    go = tools("go", building(before="sleep 1"))
    told: list[str] = []
    with ThreadPoolExecutor(2) as pool:
        results = [future.result() for future in [pool.submit(ensure_pulumi, told.append) for _ in range(2)]]
    assert results == [tmp_path / "cache" / BUILT[0]] * 2
    assert (go.parent / "calls").read_text() == "called\n"
    assert "waiting for another build of pulumi to end" in told


def test_what_a_killed_build_left_is_swept_away(tools: Write, tmp_path: Path) -> None:
    stale = tmp_path / "cache/trellis/tools/pulumi/build-killed"
    stale.mkdir(parents=True)
    (stale / "pulumi").write_text("half")
    tools("go", building())
    ensure_pulumi()
    assert cache(tmp_path) == BUILT


@pytest.mark.parametrize(
    ("script", "reason"),
    [
        (GO_SAYS + "echo 'go: no such module' >&2; exit 1", "go: no such module"),
        (building(version="3.251.0"), "what was built says it is version 3.251.0"),
        (GO_SAYS + "exit 0", "what was built says it is version None"),
    ],
)
def test_a_build_that_fails_leaves_nothing_and_says_why(tools: Write, tmp_path: Path, script: str, reason: str) -> None:
    tools("go", script)
    tools("pulumi", "echo v3.1.0")
    with pytest.raises(ToolUnavailableError) as unavailable:
        ensure_pulumi()
    said = str(unavailable.value)
    assert reason in said
    assert "PATH:" in said
    assert "is version 3.1.0" in said
    assert "To repair it: install Go and run this again, or install the Pulumi CLI" in said
    assert cache(tmp_path) == []


def test_without_go_the_error_says_so(tools: Write) -> None:
    assert callable(tools)  # the fixture empties PATH
    with pytest.raises(ToolUnavailableError) as unavailable:
        ensure_pulumi()
    assert unavailable.value.tried[0] == "PATH: no `pulumi`"
    assert unavailable.value.tried[-2:] == (
        "build: no `go` on PATH",
        "Go's wheel: switched off by TRELLIS_NO_DOWNLOAD=1",
    )


def test_go_beside_python_is_found(tools: Write, tmp_path: Path) -> None:
    tools("go", building()).rename(tmp_path / "go")
    assert ensure_pulumi() == tmp_path / "cache" / BUILT[0]


def test_without_the_pinned_module_the_error_names_the_file(tools: Write, tmp_path: Path) -> None:
    tools("go", building())
    (tmp_path / "tools" / "pulumi" / "go.mod").write_text("module other\n")
    with pytest.raises(ToolUnavailableError, match=r"go\.mod: not there, or it does not name"):
        ensure_pulumi()


def test_an_interrupted_build_leaves_no_process_and_no_folder(tools: Write, tmp_path: Path) -> None:
    marker = tools(
        "go",
        GO_SAYS
        + 'echo $$ >"$(dirname "$0")/pid.new"; mv "$(dirname "$0")/pid.new" "$(dirname "$0")/pid"; exec sleep 60',
    )
    program = (
        "import pathlib, sys; from trellis import toolchain, toolchain_rows as rows; rows.tools(); "
        "rows.TOOLS = pathlib.Path(sys.argv[1]); toolchain.ensure_pulumi()"
    )
    with subprocess.Popen([PYTHON, "-c", program, str(toolchain_rows.TOOLS)], stderr=subprocess.DEVNULL) as process:  # noqa: S603 - no shell
        pid = marker.with_name("pid")
        for _ in range(300):
            if pid.exists():
                break
            time.sleep(0.1)
        process.send_signal(signal.SIGINT)
        assert process.wait(30) != 0
    with pytest.raises(ProcessLookupError):
        os.kill(int(pid.read_text()), 0)
    assert cache(tmp_path) == []
    assert list((tmp_path / "cache").rglob("build-*")) == []
