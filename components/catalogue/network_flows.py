"""Who may talk to whom inside a cluster (`data/network_flows.csv`); whatever has no row is denied."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Final

from components.catalogue.tables import rows

TEAMS: Final = "teams"
"""Stands for the namespaces of all teams."""
POD_IDENTITY: Final = "pod-identity"
VPC: Final = "vpc"
INTERNET: Final = "internet"
LOAD_BALANCER: Final = "load-balancer"
OUTSIDE: Final = frozenset({POD_IDENTITY, VPC, INTERNET, LOAD_BALANCER})
"""Ends that are addresses, not namespaces."""


@dataclass(frozen=True)
class Flow:
    """Permission to open connections from one end to the other."""

    source: str
    target: str
    ports: tuple[int, ...]
    """TCP ports of the pods that are reached; empty means any."""
    why: str


@cache
def network_flows() -> tuple[Flow, ...]:
    """All rows, in the order of the file."""
    return tuple(Flow(row["from"], row["to"], _ports(row["ports"]), row["why"]) for row in rows("network_flows.csv"))


def _ports(text: str) -> tuple[int, ...]:
    return () if text == "any" else tuple(int(port) for port in text.split(";"))
