"""GPUs that a cluster holds at its limit and its declared pods leave idle, pool by pool."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from components.layout.clusters import ClusterView
from components.layout.gpu import offer
from trellis.rehearsal.placing.demand import Amounts, asks, gives, short_of
from trellis.rehearsal.placing.nodes import pool_of

Manifest = Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class Row:
    """One kind of GPU unit in one pool: whole GPUs, slices of one profile, or shares."""

    pool: str
    resource: str
    nodes: int
    offered: int
    """Units on all nodes of the pool at its limit."""
    used: int
    """Units that pods with a node hold."""
    idle: int
    """Units on nodes without any pod that uses one: nodes that need not be bought."""
    fragments: int
    """Units left on nodes that are in use."""
    stranded: int
    """Those fragments that no declared GPU pod of the pool could use: CPU, memory or units beside them are too few."""

    def document(self) -> dict[str, Any]:
        """The row as data."""
        return {
            "pool": self.pool,
            "resource": self.resource,
            "nodes": self.nodes,
            "offered": self.offered,
            "used": self.used,
            "idle": self.idle,
            "fragments": self.fragments,
            "stranded": self.stranded,
        }


def rows(
    view: ClusterView, nodes: Sequence[Manifest], placed: Mapping[str, Sequence[Manifest]], rest: Mapping[str, Amounts]
) -> list[Row]:
    """One row for each resource that a pool's GPUs give; `placed` are specs of pods by node, `rest` what is left."""
    found: list[Row] = []
    for name, pool in view.pools.items():
        offered = offer(pool)
        if offered is None:
            continue
        own = [node for node in nodes if pool_of(node) == name]
        here = {node["metadata"]["name"]: [asks(s) for s in placed.get(node["metadata"]["name"], ())] for node in own}
        held = _Pool(name, tuple(sorted(offered.units)), own, here, rest)
        found += [held.row(resource) for resource in held.units]
    return found


@dataclass(frozen=True)
class _Pool:
    """Nodes of one pool, what their pods ask for and what they have left, by node."""

    name: str
    units: tuple[str, ...]
    nodes: Sequence[Manifest]
    asked: Mapping[str, Sequence[Amounts]]
    rest: Mapping[str, Amounts]

    def row(self, resource: str) -> Row:
        """The figures of one resource."""
        wants = [wanted for pods in self.asked.values() for wanted in pods if wanted[resource]]
        idle = fragments = stranded = used = 0
        for node in self.nodes:
            name = node["metadata"]["name"]
            taken = sum(wanted[resource] for wanted in self.asked[name])
            free = gives(node)[resource] - taken
            used += taken
            if not any(wanted[unit] for wanted in self.asked[name] for unit in self.units):
                idle += free
                continue
            fragments += free
            if not any(short_of(self.rest[name], wanted) == [] for wanted in wants):
                stranded += free
        return Row(
            pool=self.name,
            resource=resource,
            nodes=len(self.nodes),
            offered=sum(gives(node)[resource] for node in self.nodes),
            used=used,
            idle=idle,
            fragments=fragments,
            stranded=stranded,
        )
