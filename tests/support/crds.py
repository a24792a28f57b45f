"""The real CustomResourceDefinitions of the shared folder, found by group and kind, each file parsed at most once."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from components.catalogue.yaml_rows import parse_all

# Two versions of the Gateway API lie side by side; Istio 1.30 and KServe 0.20 pin 1.5.1 (crds/SOURCES.md).
IGNORED_FOLDERS = frozenset({"gateway-api-standard-v1.6.1"})


# Kinds that we create and whose CRD the shared folder lacks: the fields that we set, looked up upstream by hand.
EXCERPTS = Path(__file__).parent / "excerpts"


@dataclass(frozen=True)
class Crd:
    """One CustomResourceDefinition, reduced to what validation asks of it."""

    group: str
    kind: str
    namespaced: bool
    schemas: Mapping[str, Mapping[str, Any]]  # served version -> openAPIV3Schema
    unserved: tuple[str, ...]
    source: Path


def crd_files(shared: Path) -> list[Path]:
    """Every CRD file that counts, in a stable order: the real ones, then our excerpts of those that are missing."""
    real = [path for path in (shared / "crds").glob("*/*.yaml") if path.parent.name not in IGNORED_FOLDERS]
    return sorted(real) + sorted(EXCERPTS.glob("*.yaml"))


@cache
def _names(path: Path) -> frozenset[bytes]:
    """Every group and kind that stands in a file, and other words in such places: enough to pass a file over."""
    return frozenset(re.findall(rb"^ +(?:group|kind): *[\"']?([\w.-]+)", path.read_bytes(), re.MULTILINE))


@cache
def _parse(path: Path) -> tuple[Crd, ...]:
    return tuple(_crd(document, path) for document in parse_all(path.read_bytes()) if document)


def _crd(document: Mapping[str, Any], path: Path) -> Crd:
    spec = document["spec"]
    versions = spec["versions"]
    return Crd(
        group=spec["group"],
        kind=spec["names"]["kind"],
        namespaced=spec["scope"] == "Namespaced",
        schemas={v["name"]: v["schema"]["openAPIV3Schema"] for v in versions if v["served"]},
        unserved=tuple(v["name"] for v in versions if not v["served"]),
        source=path,
    )


@cache
def find_crd(shared: Path, group: str, kind: str) -> Crd | None:
    """The CRD of a kind, or None.

    Only files that name both are parsed: parsing all of them takes seconds.
    Raises LookupError when two files define the same kind, since one of them would be ignored unseen.
    """
    wanted = {group.encode(), kind.encode()}
    found = [
        crd
        for path in crd_files(shared)
        if wanted <= _names(path)
        for crd in _parse(path)
        if (crd.group, crd.kind) == (group, kind)
    ]
    if len(found) > 1:
        places = ", ".join(f"{crd.source.parent.name}/{crd.source.name}" for crd in found)
        raise LookupError(f"{group}/{kind} is defined more than once: {places}; ignore a folder or drop the excerpt")
    return found[0] if found else None


def all_crds(shared: Path) -> Iterator[Crd]:
    """Every CRD of the shared folder (slow: parses all files)."""
    for path in crd_files(shared):
        yield from _parse(path)
