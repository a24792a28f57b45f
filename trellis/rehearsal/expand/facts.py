"""Reads `facts.yaml`."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Any

import yaml


@cache
def fact(name: str) -> Mapping[str, Any]:
    """One row of the file."""
    rows: Mapping[str, Mapping[str, Any]] = yaml.safe_load(
        files("trellis.rehearsal.expand").joinpath("facts.yaml").read_text(encoding="utf-8")
    )
    return rows[name]
