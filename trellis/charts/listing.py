"""What the cache and the lock file hold of each chart of the catalogue."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from trellis.charts import lock
from trellis.charts.render import NotOpenedError, archive
from trellis.charts.rows import Chart, charts


@dataclass(frozen=True)
class Row:
    """One chart."""

    chart: Chart
    digest: str
    """Locked SHA-256; empty where it was never pulled."""
    problem: str
    """Why it is not in the cache; empty where it is."""

    def document(self) -> dict[str, Any]:
        """The row as JSON-ready data."""
        return {
            "chart": self.chart.name,
            "version": self.chart.version,
            "origin": self.chart.origin,
            "locked": f"sha256:{self.digest}" if self.digest else None,
            "inCache": not self.problem,
            "whyNot": self.problem or None,
        }


def listing() -> list[Row]:
    """Every chart of the catalogue, sorted. Raises `lock.LockError`."""
    locked = lock.load()
    return [Row(chart, locked.get(chart.key, ""), _problem(chart, locked)) for chart in charts()]


def _problem(chart: Chart, locked: Mapping[str, str]) -> str:
    try:
        archive(chart, locked)
    except NotOpenedError as error:
        return str(error)
    return ""
