"""AWS regions that the catalogue has prices for, and their availability zones by zone id."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from types import MappingProxyType

from components.catalogue.tables import CatalogueError, nearest, rows


class UnknownRegion(CatalogueError):  # noqa: N818 - the name reads as what it says where it is caught
    """A region that the catalogue has no prices for; `nearest` holds those that look like it."""

    def __init__(self, name: str, nearest: list[str]) -> None:
        self.name = name
        self.nearest = nearest
        super().__init__(f"no prices for region {name!r}; the catalogue has {', '.join(regions())}")


@dataclass(frozen=True, slots=True)
class Region:
    """A region, its zones in the order Trellis takes them."""

    name: str
    title: str
    geography: str
    """`us`, `eu` or `ap`."""
    zone_ids: tuple[str, ...]
    """Zone ids that may hold EKS cluster subnets: the same in every account, unlike zone names."""
    confidence: str

    @property
    def default_zone_ids(self) -> tuple[str, ...]:
        """The three zones taken where the stack file names none."""
        return self.zone_ids[:3]


def region(name: str) -> Region:
    """Return a region. Raises `UnknownRegion`."""
    known = regions()
    if name not in known:
        raise UnknownRegion(name, nearest(name, known))
    return known[name]


@cache
def regions() -> Mapping[str, Region]:
    """Return all regions by name."""
    return MappingProxyType(
        {
            row["region"]: Region(
                name=row["region"],
                title=row["title"],
                geography=row["geography"],
                zone_ids=tuple(row["zone_ids"].split()),
                confidence=row["confidence"],
            )
            for row in rows("regions.csv")
        }
    )
