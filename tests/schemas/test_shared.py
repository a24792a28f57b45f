"""Without the shared folder the checks say so and skip; where main is guarded they fail."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.shared import require_shared, shared_folder


def test_named_folder_counts_before_the_neighbour(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("crds", "charts"):
        (tmp_path / name).mkdir()
    monkeypatch.setenv("TRELLIS_SHARED", str(tmp_path))
    assert shared_folder() == tmp_path
    assert require_shared() == tmp_path


def test_a_folder_without_facts_is_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRELLIS_SHARED", str(tmp_path))
    assert shared_folder() is None


def test_absent_folder_skips_with_a_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRELLIS_SHARED", str(tmp_path / "nowhere"))
    monkeypatch.delenv("TRELLIS_STRICT", raising=False)
    with pytest.raises(pytest.skip.Exception, match="set TRELLIS_SHARED to it"):
        require_shared()


def test_absent_folder_fails_where_main_is_guarded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRELLIS_SHARED", str(tmp_path / "nowhere"))
    monkeypatch.setenv("TRELLIS_STRICT", "1")
    with pytest.raises(pytest.fail.Exception, match="turns this skip into a failure"):
        require_shared()
