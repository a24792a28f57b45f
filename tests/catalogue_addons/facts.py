"""Readers for what the charts really hold, from the shared folder."""

from __future__ import annotations

import json
from functools import cache
from typing import Any

from components.catalogue.addon_install import Release
from components.catalogue.addon_model import Addon
from components.catalogue.addons import addons
from tests.support.shared import require_shared

CSI_CHARTS = {
    "ebs-csi": "aws-ebs-csi-driver",
    "efs-csi": "aws-efs-csi-driver",
    "fsx-csi": "aws-fsx-csi-driver",
}
"""EKS add-ons whose pods are those of a chart that was rendered."""


def chart_index() -> dict[str, Any]:
    """What is known of each chart: version, app version, origin, CRDs."""
    charts: dict[str, Any] = _read("charts/index.json")["charts"]
    return charts


def chart_objects() -> dict[str, Any]:
    """What each chart renders to, with values fit for a platform."""
    charts: dict[str, Any] = _read("facts/chart-objects.json")["charts"]
    return charts


def kustomize_trees() -> dict[tuple[str, str, str], dict[str, Any]]:
    """What kustomize makes of each tree, by repository, tag and path."""
    entries = _read("charts/kubeflow-kustomize.json")["entries"]
    return {(one["repo"], one["ref"], one["path"]): one for one in entries}


def _read(name: str) -> Any:
    return _parsed(str(require_shared() / name))


@cache
def _parsed(path: str) -> Any:
    with open(path, encoding="utf-8") as file:  # noqa: PTH123 - cached by text, not by Path
        return json.load(file)


def releases() -> list[tuple[Addon, Release]]:
    """Every Helm release of the catalogue with its row."""
    return [(row, release) for row in addons().values() for release in row.releases]


def release_ids() -> list[str]:
    """Names for parametrised tests, in the order of `releases`."""
    return [f"{row.id}/{release.chart}" for row, release in releases()]


def rendered(row: Addon) -> list[dict[str, Any]]:
    """The rendered charts of a row (for EKS storage drivers the chart of the same driver)."""
    charts = chart_objects()
    names = [release.chart for release in row.releases] or [CSI_CHARTS[row.id]] * (row.id in CSI_CHARTS)
    return [charts[name] for name in names]
