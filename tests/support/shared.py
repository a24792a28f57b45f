"""Where the facts live that the project checks itself against but does not carry: real CRDs, real chart values."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]


def shared_folder() -> Path | None:
    """The shared folder (`TRELLIS_SHARED`, else `shared` beside the repository), or None where there is none."""
    named = os.environ.get("TRELLIS_SHARED")
    folder = Path(named) if named else REPOSITORY.parent / "shared"
    return folder if (folder / "crds").is_dir() and (folder / "charts").is_dir() else None


def strict() -> bool:
    """Whether a check that cannot run is a failure (`TRELLIS_STRICT=1`, set where main is guarded)."""
    return os.environ.get("TRELLIS_STRICT") == "1"


def require_shared() -> Path:
    """The shared folder; without it the calling test is skipped, and fails where `TRELLIS_STRICT=1`."""
    folder = shared_folder()
    if folder is not None:
        return folder
    reason = (
        "the shared folder with crds/ and charts/ is not here, so nothing can be checked against real schemas; "
        "set TRELLIS_SHARED to it or put it beside the repository as 'shared'"
    )
    if strict():
        pytest.fail(f"{reason} (TRELLIS_STRICT=1 turns this skip into a failure)")
    pytest.skip(reason)
