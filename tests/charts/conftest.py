"""A cache and a lock file of each test's own, Helm, and a check that nothing stays behind."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.charts.origins import Origin, origin
from tests.support.shared import strict
from trellis.charts import lock
from trellis.toolchain import ToolUnavailableError, ensure


@pytest.fixture(scope="session")
def helm() -> Path:
    """The real Helm, built once where it is not there."""
    try:
        return ensure("helm")
    except ToolUnavailableError as error:
        if strict():
            pytest.fail(f"{error} (TRELLIS_STRICT=1 turns this skip into a failure)")
        pytest.skip(str(error))


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache; what lies there when the test ends is archives, not half a download."""
    folder = tmp_path / "cache"
    monkeypatch.setenv("TRELLIS_CHARTS", str(folder))
    return folder


@pytest.fixture(autouse=True)
def lock_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A lock file that does not exist yet, in a folder of its own."""
    path = tmp_path / "lock" / "charts.lock.yaml"
    path.parent.mkdir()
    monkeypatch.setattr(lock, "LOCK", path)
    return path


@pytest.fixture(autouse=True)
def nothing_left_behind(
    cache: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> Iterator[None]:
    """Neither a temporary folder nor half a download."""
    temporary = tmp_path_factory.mktemp("temporary")
    monkeypatch.setenv("TMPDIR", str(temporary))
    monkeypatch.setattr(tempfile, "tempdir", str(temporary))
    yield
    assert list(temporary.iterdir()) == []
    assert list(cache.rglob("fetch-*")) == []


@pytest.fixture
def served() -> Iterator[Origin]:
    """A server on loopback whose pages a test fills in."""
    with origin() as found:
        yield found
