"""How this platform runs what a chart installs (`data/chart_settings/<chart>.yaml`).

A chart's row says what the chart is; its settings say which value paths place its pods, how many replicas stand by,
and what its containers request where the chart leaves that open. Sizes are choices of this platform, not upstream's.
"""

from __future__ import annotations

import json
from functools import cache
from typing import Annotated, Any

import yaml
from pydantic import Field, StringConstraints, ValidationError

from components.catalogue import yaml_rows
from components.catalogue.addon_install import Row
from components.catalogue.tables import DATA

_QUANTITY = r"^[0-9]+(m|Mi|Gi)?$"
Quantity = Annotated[str, StringConstraints(pattern=_QUANTITY)]


class BadSettingsError(ValueError):
    """A settings file of the catalogue itself is wrong: a mistake of ours, never of a user."""


class Requests(Row):
    """What one container asks for. There is no CPU limit: throttled controllers miss leases and webhook deadlines."""

    cpu: Quantity
    memory: Quantity
    memory_limit: Quantity
    """Above this the container is killed, before it starves its node."""
    cpu_limit: Quantity | None = None
    """Only where the chart sets one, which a value can raise but not remove."""

    @property
    def resources(self) -> dict[str, Any]:
        """The value as Kubernetes and charts want it."""
        limits = {"memory": self.memory_limit, **({"cpu": self.cpu_limit} if self.cpu_limit else {})}
        return {"requests": {"cpu": self.cpu, "memory": self.memory}, "limits": limits}


class ChartSettings(Row):
    """Settings of one chart; all empty for a chart without pods.

    `node_selectors`: value paths of node selectors of controllers (not of DaemonSets that belong on every node).
    `values`: replicas and disruption budgets. `requests`: sizes by value path, for containers without any in the
    chart or with too small ones. `metrics_ports`: ports that the chart's own monitors scrape.
    """

    chart: str
    node_selectors: tuple[str, ...] = ()
    values: dict[str, Any] = Field(default_factory=dict)
    requests: dict[str, Requests] = Field(default_factory=dict)
    metrics_ports: tuple[int, ...] = ()
    because: dict[str, str] = Field(default_factory=dict)


@cache
def chart_settings(chart: str) -> ChartSettings:
    """Settings of a chart; empty ones where it has no file."""
    path = DATA / "chart_settings" / f"{chart}.yaml"
    if not path.is_file():
        return ChartSettings(chart=chart)
    try:
        found = ChartSettings.model_validate_json(json.dumps(yaml_rows.parse(path.read_text(encoding="utf-8"))))
    except (yaml.YAMLError, ValidationError, TypeError) as error:
        raise BadSettingsError(f"{path.name}: {error}") from error
    if found.chart != chart:
        raise BadSettingsError(
            f"{path.name}: the file is of the chart '{found.chart}', so it must be {found.chart}.yaml"
        )
    return found


def settled_charts() -> tuple[str, ...]:
    """Charts that have a file."""
    return tuple(sorted(path.stem for path in (DATA / "chart_settings").glob("*.yaml")))
