"""What a chart lets us set: its real values.yaml with its subcharts' laid under their keys (charts/SOURCES.md)."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from components.catalogue.yaml_rows import parse

# Istio's charts keep their defaults under a key of their own; the keys are set at top level without it, and a key under
# `defaults` makes the chart fail.
_ISTIO = "_internal_defaults_do_not_set"
_ISTIO_EXTRA = frozenset({"profile", "platform", "compatibilityVersion"})
_ISTIO_FORBIDDEN = frozenset({_ISTIO, "defaults", "_original"})


class UnknownChart(LookupError):  # noqa: N818 - says what is unknown, as UnknownKind does
    """The shared folder holds no values of this chart, so nothing about it can be checked."""


@dataclass(frozen=True)
class Chart:
    """The keys of one chart."""

    name: str
    version: str  # as published
    defaults: Mapping[str, Any]  # what may be set, with its default; subcharts' under their keys
    raw: Mapping[str, Any]  # values.yaml as Helm merges it
    template_keys: frozenset[str]  # dotted keys that only the templates know
    unchecked: frozenset[str]  # keys of subcharts whose values are not in the shared folder
    schemas: Mapping[str, Mapping[str, Any]]  # key of a subchart ("" = the chart itself) -> values.schema.json


@cache
def _index(charts: Path) -> Mapping[str, Any]:
    index: Mapping[str, Any] = json.loads((charts / "index.json").read_text())["charts"]
    return index


@cache
def _template_keys(charts: Path) -> Mapping[str, list[str]]:
    keys: Mapping[str, list[str]] = json.loads((charts / "template-keys.json").read_text())["charts"]
    return keys


def chart_name(reference: str) -> str:
    """The name of a chart that a Release names, `oci://registry/path/name` included."""
    return reference.rstrip("/").rpartition("/")[2]


def load_chart(shared: Path, reference: str) -> Chart:
    """The keys of a chart. Raises UnknownChart when the shared folder does not hold it."""
    name = chart_name(reference)
    folders = [
        folder for folder, entry in _index(shared / "charts").items() if entry["name"] == name and "/" not in folder
    ]
    if not folders:
        raise UnknownChart(f"chart {name!r} is not in the shared folder; its values cannot be checked")
    return _load(shared / "charts", folders[0])


@cache
def _load(charts: Path, folder: str) -> Chart:
    entry = _index(charts).get(folder, {"name": folder, "chart_version": "", "dependencies": []})
    raw = _read_values(charts / folder / "values.yaml", entry["chart_version"])
    defaults: dict[str, Any] = dict(raw)
    keys = set(_template_keys(charts).get(folder, ()))
    if _ISTIO in raw:
        defaults = {**{key: raw[key] for key in raw if key != _ISTIO}, **raw[_ISTIO]}
        keys = {key for key in keys | _ISTIO_EXTRA if key.partition(".")[0] not in _ISTIO_FORBIDDEN}
    unchecked = set()
    schemas = dict(_schema(charts / folder))
    for dependency in entry["dependencies"]:
        key = dependency.get("alias") or dependency["name"]
        keys.update(path for path in (dependency.get("condition") or "").split(",") if path)
        sub = _subchart(charts, folder, dependency)
        if sub is None:
            unchecked.add(key)
            continue
        # A parent that nulls a subchart's default does not make its key unknown.
        defaults[key] = merged(sub.defaults, defaults.get(key) or {}, null_removes=False)
        raw = {**raw, key: merged(sub.raw, raw.get(key) or {})}
        keys.update(f"{key}.{path}" for path in sub.template_keys)
        if "" in sub.schemas:
            schemas[key] = sub.schemas[""]
    return Chart(entry["name"], entry["chart_version"], defaults, raw, frozenset(keys), frozenset(unchecked), schemas)


def _subchart(charts: Path, folder: str, dependency: Mapping[str, Any]) -> Chart | None:
    inside = f"{folder}/charts/{dependency['name']}"
    if (charts / inside / "values.yaml").is_file():
        return _load(charts, inside)
    # nvidia-device-plugin and kata-deploy depend on a chart that lies beside them, in the version they name.
    beside = _index(charts).get(dependency["name"])
    if beside and beside["chart_version"].lstrip("v") == str(dependency.get("version", "")).lstrip("v"):
        return _load(charts, dependency["name"])
    return None


def _read_values(path: Path, version: str) -> dict[str, Any]:
    text = path.read_text()
    # knative-operator's release script fills these in; they are no YAML before.
    text = text.replace("{{ version }}", version).replace("{{ tag }}", f"v{version}")
    return parse(text) or {}


def _schema(folder: Path) -> Iterator[tuple[str, Mapping[str, Any]]]:
    path = folder / "values.schema.json"
    if path.is_file():
        yield "", json.loads(path.read_text())


def merged(base: Mapping[str, Any], over: Mapping[str, Any], *, null_removes: bool = True) -> dict[str, Any]:
    """Two value trees as Helm merges them: maps deeply, all else replaced, null removes a default."""
    result = dict(base)
    for key, value in over.items():
        if value is None and null_removes:
            result.pop(key, None)
        elif isinstance(value, Mapping) and isinstance(result.get(key), Mapping):
            result[key] = merged(result[key], value, null_removes=null_removes)
        else:
            result[key] = value
    return result
