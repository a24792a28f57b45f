"""Generated files are current."""

from __future__ import annotations

import pytest

from trellis.generated import contents
from trellis.paths import ROOT


@pytest.mark.parametrize("path", list(contents()))
def test_checked_in_file_is_current(path: str) -> None:
    assert (ROOT / path).is_file(), f"run `make generate`: {path} is missing"
    assert (ROOT / path).read_text(encoding="utf-8") == contents()[path](), f"run `make generate`: {path} is stale"
