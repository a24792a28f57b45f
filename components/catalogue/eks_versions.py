"""Kubernetes versions on EKS: until when each is supported, and what that does to the bill.

After standard support ends a cluster goes on in extended support, at six times the price, for another twelve
months. Nothing here reads a clock: the caller says which day it is.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from functools import cache
from types import MappingProxyType
from typing import Literal

from components.catalogue.tables import CatalogueError, nearest, rows

Support = Literal["not-released", "standard", "extended", "ended", "unknown"]


class UnknownEksVersion(CatalogueError):  # noqa: N818 - the name reads as what it says where it is caught
    """A Kubernetes version that the release calendar does not list; `nearest` holds those that look like it."""

    def __init__(self, version: str, nearest: list[str]) -> None:
        self.version = version
        self.nearest = nearest
        super().__init__(f"no Kubernetes {version!r} in the EKS calendar; it has {', '.join(eks_versions())}")


@dataclass(frozen=True, slots=True)
class EksVersion:
    """One Kubernetes minor on EKS. A date is None where none was published in the sources."""

    version: str
    released: date | None
    standard_until: date | None
    """First day on which extended support is billed (UTC)."""
    extended_until: date | None
    """Day from which EKS upgrades the control plane by itself."""
    confidence: str

    def support(self, on: date) -> Support:
        """Return what support the version has on a day; `unknown` where the calendar has no dates."""
        if self.released is None or self.standard_until is None or self.extended_until is None:
            return "unknown"
        if on < self.released:
            return "not-released"
        if on < self.standard_until:
            return "standard"
        return "extended" if on < self.extended_until else "ended"

    def days_to_extended(self, on: date) -> int | None:
        """Return the days left until extended support is billed; negative once it is, None if not known."""
        return None if self.standard_until is None else (self.standard_until - on).days


def eks_version(version: str) -> EksVersion:
    """Return the calendar of a minor such as `1.35`. Raises `UnknownEksVersion`."""
    known = eks_versions()
    if version not in known:
        raise UnknownEksVersion(version, nearest(version, known))
    return known[version]


@cache
def eks_versions() -> Mapping[str, EksVersion]:
    """Return all versions in the calendar, oldest first."""
    return MappingProxyType(
        {
            row["version"]: EksVersion(
                version=row["version"],
                released=_day(row["released"]),
                standard_until=_day(row["standard_until"]),
                extended_until=_day(row["extended_until"]),
                confidence=row["confidence"],
            )
            for row in rows("eks_versions.csv")
        }
    )


def _day(text: str) -> date | None:
    return date.fromisoformat(text) if text else None
