"""Volumes of a node: which device holds what depends on its image."""

from __future__ import annotations

from dataclasses import dataclass

from components.catalogue.ami import node_image


@dataclass(frozen=True)
class Disk:
    """One encrypted gp3 volume."""

    device: str
    gib: int


def disks(image: str, data_gib: int) -> tuple[Disk, ...]:
    """A node's volumes: the system's own, where the image keeps it apart, and the one for images and pods."""
    facts = node_image(image)
    if facts.data_device is None:
        raise ValueError(f"nodes with image '{image}' are not started by Trellis, so they get no volumes")
    system = (Disk(facts.os_device, facts.os_gib),) if facts.os_device else ()
    return (*system, Disk(facts.data_device, data_gib))
