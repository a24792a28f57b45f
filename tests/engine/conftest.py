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

PACKAGES = ("aws", "kubernetes")


@dataclass(frozen=True)
class Attached:
    """Providers that run, for the engine to attach to."""

    ports: Mapping[str, int]
    seen: Seen


@pytest.fixture
def providers() -> Iterator[Attached]:
    """A stub for each package; both are gone when the test ends, and so are their ports."""
    with serve(*PACKAGES) as (ports, seen):
        yield Attached(ports, seen)
    for package, port in ports.items():
        with socket.socket() as probe:
            assert probe.connect_ex(("127.0.0.1", port)) != 0, f"the stub for {package} still listens on {port}"


@pytest.fixture(autouse=True)
def nothing_left_behind(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Every test here ends without child processes and without temporary files: ours, the SDK's or the engine's."""
    temporary = tmp_path_factory.mktemp("temporary")
    monkeypatch.setenv("TMPDIR", str(temporary))
    monkeypatch.setattr(tempfile, "tempdir", str(temporary))
    before = _children()
    yield
    assert sorted(path.name for path in temporary.iterdir()) == []
    assert _children() <= before


def _children() -> set[str]:
    own = str(os.getpid())
    # After the name come the state and the parent.
    return {stat.parent.name for stat in Path("/proc").glob("[0-9]*/stat") if _fields(stat)[1:2] == [own]}


def _fields(stat: Path) -> list[str]:
    """What follows the name in a process's stat file; empty when the process ended meanwhile."""
    try:
        return stat.read_text().rpartition(")")[2].split()
    except OSError:
        return []
