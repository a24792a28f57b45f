"""What pods ask for and what nodes give, as exact numbers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any

from policies.quantity import quantity

Manifest = Mapping[str, Any]
Amounts = Counter[str]
"""Resource name -> millis (CPU) or whole units (all else): integers, so that sums are exact."""
CPU = "cpu"


def amount(resource: str, text: Any) -> int:
    """A quantity as an integer: CPU in thousandths, everything else in its own unit, rounded up."""
    value = quantity(str(text)) or Decimal(0)
    scaled = value * 1000 if resource.endswith(CPU) else value
    return int(scaled.to_integral_value(rounding="ROUND_CEILING"))


def shown(resource: str, value: int) -> str:
    """An amount for people: `1.5`, `32Gi`, `2`."""
    if resource.endswith(CPU):
        return f"{Decimal(value) / 1000:f}"
    if resource.endswith(("memory", "ephemeral-storage")):
        return f"{value / 2**30:.10g}Gi"
    return str(value)


def asks(spec: Manifest) -> Amounts:
    """Requests of one pod as the scheduler counts them; a limit without a request stands for it.

    Containers and native sidecars run together; each other init container runs beside the sidecars before it.
    """
    staying: Amounts = Counter()
    starting: Amounts = Counter()
    for one in spec.get("initContainers") or ():
        if one.get("restartPolicy") == "Always":
            staying.update(_container(one))
        else:
            starting |= staying + _container(one)
    for one in spec.get("containers") or ():
        staying.update(_container(one))
    overhead = {name: amount(name, value) for name, value in (spec.get("overhead") or {}).items()}
    return (staying | starting) + Counter(overhead)


def _container(one: Manifest) -> Amounts:
    resources = one.get("resources") or {}
    said = {**(resources.get("limits") or {}), **(resources.get("requests") or {})}
    return Counter({name: amount(name, value) for name, value in said.items()})


def gives(node: Manifest) -> Amounts:
    """What a node hands out."""
    return Counter({name: amount(name, value) for name, value in node["status"]["allocatable"].items()})


def left(node: Manifest, pods: Iterable[Manifest]) -> Amounts:
    """What a node has left beside pods; nothing is below zero."""
    rest = gives(node)
    for pod in pods:
        rest.subtract(asks(pod["spec"]) + Counter({"pods": 1}))
    return +rest


def short_of(rest: Mapping[str, int], wanted: Mapping[str, int]) -> list[str]:
    """Resources of which there is too little, sorted."""
    return sorted(name for name, value in wanted.items() if value > rest.get(name, 0))
