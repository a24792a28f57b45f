"""Which component installs which catalogue row. A row that needs charts only is installed by `Addon` itself."""

from __future__ import annotations

from collections.abc import Mapping

from components.k8s.addon import Addon
from components.k8s.karpenter import Karpenter

COMPONENTS: Mapping[str, type[Addon]] = {component.row_id: component for component in (Karpenter,)}


def component_for(row_id: str) -> type[Addon]:
    """The component of a row."""
    return COMPONENTS.get(row_id, Addon)
