"""The CustomResourceDefinitions that a chart would bring, for a rehearsal where the chart itself is not at hand.

The real ones are taken from the folder that TRELLIS_CRDS names: in it one folder for each project, with YAML files.
A definition that is not there is stood in for by one of ours that takes any field.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from components.catalogue.addon_install import Crd, Crds
from components.catalogue.addons import addons
from components.catalogue.yaml_rows import parse_all

VARIABLE = "TRELLIS_CRDS"


@cache
def of_chart(chart: str) -> Crds | None:
    """What the catalogue knows of the CRDs of a chart, by its name without repository; None for an unknown chart."""
    name = chart.rpartition("/")[2]
    return next((release.crds for row in addons().values() for release in row.releases if release.chart == name), None)


def definitions(crds: Iterable[Crd]) -> tuple[list[Mapping[str, Any]], list[str]]:
    """Manifests of CRDs, and the names of those that had to be stood in for."""
    folder = os.environ.get(VARIABLE)
    found: list[Mapping[str, Any]] = []
    missing: list[str] = []
    for crd in crds:
        real = _real(Path(folder), crd) if folder else None
        found.append(real or permissive(crd))
        if real is None:
            missing.append(crd.name)
    return found, missing


def permissive(crd: Crd) -> Mapping[str, Any]:
    """A definition that takes any field."""
    anything = {"openAPIV3Schema": {"type": "object", "x-kubernetes-preserve-unknown-fields": True}}
    plural = crd.name.partition(".")[0]
    versions = [
        {"name": name, "served": True, "storage": name == crd.versions[0], "schema": anything, "subresources": {}}
        for name in crd.versions
    ]
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        # Groups of Kubernetes' own want a word on who approved their kinds.
        "metadata": {"name": crd.name, "annotations": {"api-approved.kubernetes.io": "unapproved, a stand-in"}},
        "spec": {
            "group": crd.group,
            "scope": "Namespaced" if crd.scope == "Namespaced" else "Cluster",
            "names": {"plural": plural, "kind": crd.kind, "singular": crd.kind.lower(), "listKind": f"{crd.kind}List"},
            "versions": versions,
        },
    }


def _real(folder: Path, crd: Crd) -> Mapping[str, Any] | None:
    """The real definition, if it serves the version that the catalogue names first."""
    for path in _files(folder):
        if crd.name.encode() not in _bytes(path):
            continue
        for document in _documents(path):
            served = {version["name"] for version in document["spec"]["versions"] if version["served"]}
            if document["metadata"]["name"] == crd.name and crd.versions[0] in served:
                return _without_webhook(document)
    return None


def _without_webhook(document: Mapping[str, Any]) -> Mapping[str, Any]:
    """The definition without conversion by a webhook that nobody serves here, with the stored version alone."""
    conversion = document["spec"].get("conversion", {})
    if conversion.get("strategy") != "Webhook":
        return document
    return {**document, "spec": {key: value for key, value in document["spec"].items() if key != "conversion"}}


@cache
def _files(folder: Path) -> tuple[Path, ...]:
    return tuple(sorted(folder.glob("*/*.yaml")))


@cache
def _bytes(path: Path) -> bytes:
    return path.read_bytes()


@cache
def _documents(path: Path) -> tuple[Mapping[str, Any], ...]:
    return tuple(one for one in parse_all(_bytes(path)) if one and one.get("kind") == "CustomResourceDefinition")
