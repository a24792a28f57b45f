"""Which charts the catalogue names, and where each comes from."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any

from components.catalogue.addons import addons


class UnknownChartError(ValueError):
    """Charts that the catalogue does not have."""

    def __init__(self, unknown: list[str], known: list[str]) -> None:
        lines = []
        for name in unknown:
            near = get_close_matches(name, known, n=1)
            lines.append(f"the catalogue has no chart {name!r}" + (f"; did you mean {near[0]!r}?" if near else ""))
        super().__init__("\n".join([*lines, f"Charts there: {', '.join(known)}."]))


@dataclass(frozen=True, order=True)
class Chart:
    """One version of a chart, at one origin."""

    name: str
    version: str
    origin: str
    """A Helm repository (`https://...`), or the whole OCI reference (`oci://.../name`)."""

    @property
    def is_oci(self) -> bool:
        """Whether it lies in an OCI registry."""
        return self.origin.startswith("oci://")

    @property
    def key(self) -> str:
        """Its name in the lock file: where it is and which version."""
        place = self.origin if self.is_oci else f"{self.origin.rstrip('/')}/{self.name}"
        return f"{place}@{self.version}"

    def __str__(self) -> str:
        return f"{self.name} {self.version} from {self.origin}"


def charts() -> list[Chart]:
    """Every chart of every row, sorted; one that two rows install stands once."""
    return sorted(
        {
            Chart(release.chart, release.version, release.oci or release.repository or "")
            for row in addons().values()
            for release in row.releases
        }
    )


def named(names: Iterable[str], among: Iterable[Chart]) -> list[Chart]:
    """Charts of these names; all where none is named. Raises `UnknownChartError` with every unknown name."""
    rows, wanted = list(among), set(names)
    known = sorted({chart.name for chart in rows})
    if unknown := sorted(wanted - set(known)):
        raise UnknownChartError(unknown, known)
    return [chart for chart in rows if not wanted or chart.name in wanted]


def of_release(inputs: Mapping[str, Any]) -> Chart:
    """The chart that a `helm.v3.Release` installs, from its inputs as a plan or the engine has them."""
    reference, version = str(inputs.get("chart", "")), str(inputs.get("version", ""))
    if reference.startswith("oci://"):
        return Chart(reference.rpartition("/")[2], version, reference)
    repository = inputs.get("repositoryOpts") or {}
    return Chart(reference, version, str(repository.get("repo", "")))
