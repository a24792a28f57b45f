"""Alerts and dashboards as data (`data/alerts.yaml`, `data/dashboards/`): what is watched, not how it is stored."""

from __future__ import annotations

import json
from functools import cache
from typing import Annotated, Any, Literal

import yaml
from pydantic import Field, TypeAdapter, ValidationError

from components.catalogue import yaml_rows
from components.catalogue.addon_install import Row
from components.catalogue.addon_model import AddonId
from components.catalogue.tables import DATA


class BadBoardError(ValueError):
    """A file of alerts or panels is wrong: a mistake of ours, never of a user."""


class Alert(Row):
    """One alert. `for_` is how long the expression must hold; `action` says what to do about it."""

    alert: str = Field(pattern=r"^[A-Z][A-Za-z]+$")
    needs: tuple[AddonId, ...]
    expr: str
    for_: Annotated[str, Field(alias="for", pattern=r"^[0-9]+[mh]$")]
    severity: Literal["warning", "critical"]
    summary: str
    action: str


class Query(Row):
    """One line of a panel: PromQL, and the legend of its series."""

    expr: str
    legend: str = ""


class Panel(Row):
    """One panel. `unit` is Grafana's id of a unit; `width` is in twenty-fourths of the page."""

    title: str
    kind: Literal["timeseries", "stat", "gauge"] = "timeseries"
    unit: str = "short"
    width: int = Field(default=12, ge=1, le=24)
    queries: tuple[Query, ...] = Field(min_length=1)


class Variable(Row):
    """A choice at the top of a dashboard, filled by a label query; all values are chosen at first."""

    name: str
    query: str


class Dashboard(Row):
    """One dashboard. `uid` is part of its address, so it never changes."""

    title: str
    uid: str
    needs: tuple[AddonId, ...] = ()
    variables: tuple[Variable, ...] = ()
    panels: tuple[Panel, ...] = Field(min_length=1)


@cache
def alerts() -> tuple[Alert, ...]:
    """All alerts, in the order of the file."""
    return TypeAdapter(tuple[Alert, ...]).validate_json(_json("alerts.yaml"))


@cache
def dashboards() -> dict[str, Dashboard]:
    """All dashboards by file name, sorted."""
    names = sorted(path.stem for path in (DATA / "dashboards").glob("*.yaml"))
    return {name: Dashboard.model_validate_json(_json(f"dashboards/{name}.yaml")) for name in names}


def _json(name: str) -> str:
    try:
        found: Any = yaml_rows.parse((DATA / name).read_text(encoding="utf-8"))
    except (yaml.YAMLError, ValidationError) as error:
        raise BadBoardError(f"{name}: {error}") from error
    return json.dumps(found)
