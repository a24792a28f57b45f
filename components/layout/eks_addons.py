"""Configuration of the add-ons that EKS runs: the catalogue's, and what depends on the environment."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from components.catalogue.addons import addon
from components.layout.clusters import ClusterView
from components.layout.names import tags
from components.layout.values import overlay


def configuration(row: str, view: ClusterView) -> Mapping[str, Any]:
    """Configuration values of an add-on; empty leaves EKS its defaults."""
    managed = addon(row).eks_addon
    return overlay(managed.configuration if managed else {}, _own(row, view))


def _own(row: str, view: ClusterView) -> dict[str, Any]:
    if row == "ebs-csi":
        # Volumes are made by the driver: the provider's default tags do not reach them.
        return {"controller": {"extraVolumeTags": dict(tags(view.platform))}}
    if row == "efs-csi":
        return {"controller": {"tags": dict(tags(view.platform))}}
    return {}
