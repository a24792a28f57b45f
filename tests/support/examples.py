"""The example manifests of the shared pages, read where they stand (never copied)."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path
from typing import Any

import yaml

_FENCE = re.compile(r"^```yaml\n(.*?)^```", re.MULTILINE | re.DOTALL)


def _documents(text: str) -> list[dict[str, Any]]:
    return [document for block in _FENCE.findall(text) for document in yaml.safe_load_all(block) if document]


@cache
def facts_examples(shared: Path) -> list[dict[str, Any]]:
    """The custom resources of facts/addons.md, section 18."""
    page = (shared / "facts" / "addons.md").read_text()
    section = re.search(r"^## 18\..*?(?=^## )", page, re.MULTILINE | re.DOTALL)
    if section is None:
        raise LookupError("facts/addons.md has no section 18 any more; say here where its examples went")
    return _documents(section.group(0))


@cache
def mission_examples(shared: Path) -> dict[str, dict[str, Any]]:
    """The manifests that the mission prints, by kind."""
    return {document["kind"]: document for document in _documents((shared / "mission.md").read_text())}
