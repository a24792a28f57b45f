"""The rows of `tools/versions.yaml`: which tools there are, in which version, and where each comes from."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Literal

import semver
import yaml
from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

TOOLS = Path(__file__).resolve().parent.parent / "tools"


class _Row(BaseModel):
    model_config = ConfigDict(alias_generator=to_camel, extra="forbid", frozen=True, populate_by_name=True)


class GoSource(_Row):
    """What one `go build` makes a tool from."""

    folder: str
    """Folder below `tools/` with go.mod and go.sum."""
    module: str
    """The Go module whose version is the tool's."""
    package: str
    variables: dict[str, str] = Field(default={}, alias="set")
    """Go variables that hold the version; without them the tool calls itself a development build."""
    files: tuple[str, ...] = ()
    """Files of the module (patterns) that are laid beside the tool, which needs them where it runs."""

    @property
    def path(self) -> Path:
        """The folder with go.mod and go.sum."""
        return TOOLS / self.folder


class Download(_Row):
    """The publisher's file of a tool."""

    url: str
    checksums: str
    """A file with SHA-256 checksums: `<checksum>  <file name>` on each line, or one checksum alone."""
    platforms: tuple[str, ...] | None = None
    """Platforms as `linux/amd64` that the publisher builds for; None for all that Go has."""
    os: dict[str, str] = {}
    arch: dict[str, str] = {}
    members: str | None = None
    """Which files of an archive to take (a pattern); None where the file is the tool itself."""


class GoWheel(_Row):
    """Go itself, as a package of Python's registry."""

    version: str
    wheel: str


class Tool(_Row):
    """A tool that Trellis runs but does not carry."""

    name: str
    version: str
    fits: Literal["major", "minor", "skew"]
    says: tuple[str, ...]
    """Arguments that make the tool tell its version; none where it cannot: then its Go module's is read from it."""
    needed_for: str
    minutes: int
    """Time that a build takes on two idle cores."""
    without: str
    """Where a person gets the tool who can neither download nor build it."""
    go: GoSource | None = None
    download: Download | None = None

    @property
    def other(self) -> str:
        """Which other versions will do, in words."""
        return {
            "major": "or newer, same major version",
            "minor": "or newer, same minor version",
            "skew": "or one minor version up or down",
        }[self.fits]

    def accepts(self, version: str) -> bool:
        """Whether a version found on PATH will do."""
        have, need = semver.Version.parse(version), semver.Version.parse(self.version)
        if self.fits == "skew":
            return have.major == need.major and abs(have.minor - need.minor) <= 1
        same = have.major == need.major and (self.fits == "major" or have.minor == need.minor)
        return same and have >= need

    def fill(self, text: str, **words: str) -> str:
        """Fill a text of the row: `{name}`, `{version}`, `{major}`, `{minor}` and further words."""
        version = semver.Version.parse(self.version)
        known = {"name": self.name, "version": self.version, "major": version.major, "minor": version.minor}
        return text.format(**known, **words)


class UnknownToolError(ValueError):
    """A tool that `tools/versions.yaml` does not name."""

    def __init__(self, name: str) -> None:
        super().__init__(
            f"no tool {name!r} in tools/versions.yaml. Tools there: {', '.join(tools())}. Name one of them."
        )


@cache
def tools() -> Mapping[str, Tool]:
    """All tools by name, in the order of the file."""
    rows: Mapping[str, Mapping[str, object]] = _document()["tools"]
    return {name: Tool.model_validate({"name": name, **row}) for name, row in rows.items()}


def tool(name: str) -> Tool:
    """One tool. Raises `UnknownToolError`."""
    if name not in tools():
        raise UnknownToolError(name)
    return tools()[name]


@cache
def go_wheel() -> GoWheel:
    """The Go that is installed where PATH has none."""
    return GoWheel.model_validate(_document()["go"])


@cache
def _document() -> Mapping[str, Mapping[str, Mapping[str, object]]]:
    document: Mapping[str, Mapping[str, Mapping[str, object]]] = yaml.safe_load((TOOLS / "versions.yaml").read_text())
    return document
