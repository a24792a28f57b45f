"""Tags that state volumes, by which things are priced whose bill no other input tells."""

from __future__ import annotations

from components.catalogue.pricing.network import TRAFFIC_TAG
from components.catalogue.pricing.services import INGEST_TAG, STORED_TAG


def carried(gib_per_month: int, among: int = 1) -> dict[str, str]:
    """Tag of one of `among` gateways or endpoints that together carry this much in a month, in GiB."""
    return {TRAFFIC_TAG: _share(gib_per_month, among)}


def logged(gib_per_month: int) -> dict[str, str]:
    """Tag of a log group that takes in this much in a month, in GiB."""
    return {INGEST_TAG: _share(gib_per_month, 1)}


def held(gib: int, among: int = 1) -> dict[str, str]:
    """Tag of one of `among` stores that together hold this much, in GiB."""
    return {STORED_TAG: _share(gib, among)}


def _share(total: int, among: int) -> str:
    return f"{round(total / among, 4):.15g}"
