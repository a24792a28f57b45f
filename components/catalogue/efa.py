"""Network interfaces of an EFA node: an ordinary one for addresses, and one EFA-only interface on each card with EFA.

An EFA-only interface takes no address of the subnet: a node with 32 full ones would take 32.
Source: EC2 user guide, "Maximize network bandwidth on instances with multiple network cards".
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from types import MappingProxyType
from typing import Literal

from components.catalogue.hardware import instance_type
from components.catalogue.tables import rows


@dataclass(frozen=True, slots=True)
class Interface:
    """One network interface of a node, where it sits and what it is."""

    card: int
    device: int
    kind: Literal["interface", "efa-only"]


def interfaces(instance_types: Iterable[str]) -> tuple[Interface, ...]:
    """Interfaces that every one of these instance types can have; empty where one of them has no EFA.

    Raises `UnknownInstanceType`.
    """
    types = [instance_type(name) for name in instance_types]
    count = min((one.efa_interfaces for one in types), default=0)
    if count == 0:
        return ()
    first = max(_first_cards().get(one.family, 0) for one in types)
    # Card 0 carries the primary interface at device 0, so an EFA on that card is device 1.
    efa = [Interface(card, 1 if card == 0 else 0, "efa-only") for card in range(first, first + count)]
    return (Interface(0, 0, "interface"), *efa)


@cache
def _first_cards() -> Mapping[str, int]:
    return MappingProxyType({row["family"]: int(row["first_card"]) for row in rows("efa_cards.csv")})
