"""Reading the catalogue's own packaged tables. Nothing else in the catalogue touches a file."""

from __future__ import annotations

import csv
import difflib
from collections.abc import Iterable, Mapping
from pathlib import Path

Row = Mapping[str, str]

# Not importlib.resources: it costs more to import than all tables cost to read, and a wheel is always unpacked.
DATA = Path(__file__).parent / "data"


class CatalogueError(LookupError):
    """A name that the catalogue does not hold. The message says which, and what is near it."""


def rows(name: str) -> list[Row]:
    """Return the rows of `data/<name>`, a CSV file with `#` comment lines above its header.

    Quoted fields may not span lines: a table is one fact per line.
    """
    text = (DATA / name).read_text(encoding="utf-8")
    return list(csv.DictReader(line for line in text.splitlines() if line and not line.startswith("#")))


def number(text: str) -> float | None:
    """A figure, or None where the cell is empty: empty means not known, never zero."""
    return float(text) if text else None


def whole(text: str) -> int:
    """A count; an empty cell is none of them."""
    return int(text) if text else 0


def flag(text: str) -> bool:
    """`true` or `false`; anything else is a broken table."""
    return {"true": True, "false": False}[text]


def nearest(name: str, known: Iterable[str], at_most: int = 5) -> list[str]:
    """Return the known names that look most like `name`, best first."""
    return difflib.get_close_matches(name, sorted(known), n=at_most, cutoff=0.5)
