"""Reads a chart archive: what it calls itself, and the digest of its bytes."""

from __future__ import annotations

import hashlib
import tarfile
from dataclasses import dataclass
from pathlib import Path

import yaml

_MOST_METADATA_BYTES = 1_000_000
"""A Chart.yaml is a page of text; more is no chart, and is not read into memory."""


class BrokenArchiveError(Exception):
    """A file that is no whole chart archive."""


@dataclass(frozen=True)
class Archive:
    """What a chart archive is."""

    name: str
    version: str
    digest: str
    """SHA-256 of the file, in hexadecimal."""


def read(path: Path) -> Archive:
    """Read a whole archive, so that one that was cut short is found. Raises `BrokenArchiveError`."""
    try:
        with tarfile.open(path, "r:gz") as archive:
            metadata = _metadata(archive)
        digest = digest_of(path)
    except (OSError, EOFError, tarfile.TarError, yaml.YAMLError, ValueError) as error:
        raise BrokenArchiveError(f"{path.name} is no whole chart archive: {error}") from error
    if metadata is None:
        raise BrokenArchiveError(
            f"{path.name} is no chart archive: it holds no NAME/Chart.yaml with a name and a version"
        )
    return Archive(*metadata, digest)


def digest_of(path: Path) -> str:
    """SHA-256 of a file, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _metadata(archive: tarfile.TarFile) -> tuple[str, str] | None:
    """Name and version from the chart's own Chart.yaml (those of its subcharts lie deeper)."""
    found: tuple[str, str] | None = None
    for member in archive:  # to the end: only then is it known to be whole
        parts = member.name.removeprefix("./").split("/")
        if len(parts) == 2 and parts[1] == "Chart.yaml" and member.isfile() and member.size < _MOST_METADATA_BYTES:
            content = archive.extractfile(member)
            data = yaml.safe_load(content.read()) if content else None
            if isinstance(data, dict) and "name" in data and "version" in data:
                found = str(data["name"]), str(data["version"])
    return found
