"""The engine itself, stub providers for it to attach to, and a check that nothing stays behind."""

from __future__ import annotations

import os
import socket
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.engine.stub_provider import Seen, serve
from tests.support.shared import strict
from trellis.toolchain import ToolUnavailableError, ensure_pulumi

PACKAGES = ("aws", "kubernetes")


@dataclass(frozen=True)
class Attached:
    """Providers that run, for the engine to attach to."""

    ports: Mapping[str, int]
    seen: Seen


@pytest.fixture(scope="session")
def pulumi_cli() -> Path:
    """The real engine, built once where it is not there."""
    try:
        return ensure_pulumi()
    except ToolUnavailableError as error:
        if strict():
            pytest.fail(f"{error} (TRELLIS_STRICT=1 turns this skip into a failure)")
        pytest.skip(str(error))


@pytest.fixture
def providers() -> Iterator[Attached]:
    """A stub for each package; both are gone when the test ends, and so are their ports."""
    with serve(*PACKAGES) as (ports, seen):
        yield Attached(ports, seen)
    for package, port in ports.items():
        with socket.socket() as probe:
            assert probe.connect_ex(("127.0.0.1", port)) != 0, f"the stub for {package} still listens on {port}"


@pytest.fixture(autouse=True)
def nothing_left_behind() -> Iterator[None]:
    """Every test here ends without child processes and without temporary folders of ours or of the Automation API."""
    before = _leftovers()
    yield
    assert _leftovers() <= before


def _leftovers() -> set[str]:
    own = str(os.getpid())
    children = {
        f"process {stat.parent.name}"
        for stat in Path("/proc").glob("[0-9]*/stat")
        if _fields(stat)[1:2] == [own]  # the state comes first, then the parent
    }
    folders = Path(tempfile.gettempdir()).glob("trellis-*"), Path(tempfile.gettempdir()).glob("automation-*")
    return children | {str(folder) for found in folders for folder in found}


def _fields(stat: Path) -> list[str]:
    """What follows the name in a process's stat file; empty when the process ended meanwhile."""
    try:
        return stat.read_text().rpartition(")")[2].split()
    except OSError:
        return []
