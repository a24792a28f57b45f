"""Rows of the tables of wrong stack files."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from tests.spec.edits import drop, put
from tests.spec.stack_files import good

HERE = Path(__file__).parent
Told = list[tuple[str, str]]
"""Rule and place of each problem, sorted."""


@dataclass(frozen=True)
class Row:
    """One wrong stack file and what must be said about it."""

    table: str
    name: str
    finds: list[dict[str, Any]]
    base: str = "cloud"
    set: dict[str, Any] = field(default_factory=dict)
    unset: list[str] = field(default_factory=list)
    words_only: str = ""
    """Why the fix is no single edit that a test could carry out; empty where it is one."""

    @property
    def wanted(self) -> Told:
        """What must be told."""
        return sorted((one["rule"], one["at"]) for one in self.finds)

    @property
    def places(self) -> list[tuple[str | int, ...]]:
        """Where the file is changed."""
        return [path_of(text) for text in (*self.set, *self.unset)]

    def values(self) -> dict[str, Any]:
        """The values of the wrong file."""
        return broken(self.base, [self])


def broken(base: str, rows: Iterable[Row]) -> dict[str, Any]:
    """The values of a right file, changed as some rows say. Their paths have slashes, since keys have dots."""
    values = good(base)
    for row in rows:
        for text in row.unset:
            drop(values, path_of(text))
        for text, value in row.set.items():
            put(values, path_of(text), value)
    return values


def path_of(text: str) -> tuple[str | int, ...]:
    """A path as the tables write it: `clusters/main/pools/gpu/instanceTypes/0`."""
    return tuple(int(part) if part.isdigit() else part for part in text.split("/"))


def rows() -> list[Row]:
    """All rows of all tables."""
    tables = sorted((HERE / "bad_input").glob("*.yaml"))
    return [
        Row(table=table.stem, **row) for table in tables for row in yaml.safe_load(table.read_text(encoding="utf-8"))
    ]


def ten_mistakes() -> Row:
    """The file with ten mistakes."""
    text = (HERE / "ten_mistakes.yaml").read_text(encoding="utf-8")
    return Row(table="ten_mistakes", name="ten", **yaml.safe_load(text))
