"""The command line over the whole `local` stack, in a backend of a test's own, with stub providers."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from tests.engine.stub_provider import Seen, serve
from trellis.cli import main
from trellis.paths import ROOT

STACK = "local"
URN = f"urn:pulumi:{STACK}::trellis::"


@dataclass(frozen=True, kw_only=True)
class World:
    """A backend, a home for the engine, and stub providers that serve in this process."""

    folder: Path
    seen: Seen
    environment: dict[str, str] = field(default_factory=dict)

    @property
    def state(self) -> Path:
        """The file with the stack's state."""
        return self.folder / "backend" / ".pulumi" / "stacks" / "trellis" / f"{STACK}.json"

    @property
    def locks(self) -> Path:
        """The folder with the stack's locks."""
        return self.folder / "backend" / ".pulumi" / "locks" / "organization" / "trellis" / STACK

    def trellis(self, *arguments: str, **environment: str) -> Result:
        """Run a command in this process. What git sees of the user's files must not change."""
        before = files()
        result = CliRunner().invoke(main, arguments, env={**self.environment, **environment})
        assert files() == before
        if result.exception and not isinstance(result.exception, SystemExit):
            raise result.exception
        return result

    def json(self, *arguments: str) -> Any:
        """What a command that must succeed prints with `--format json`."""
        result = self.trellis(*arguments, "--format", "json")
        assert result.exit_code == 0, result.output
        return json.loads(result.stdout)

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        """Start a command as a process of its own."""
        return subprocess.Popen(  # noqa: S603 - our own command, without a shell
            [sys.executable, "-m", "trellis.cli", *arguments],
            cwd=ROOT,
            env={**os.environ, **self.environment},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def copy(self, folder: Path) -> World:
        """The same world with a copy of its backend, for a test that changes it."""
        shutil.copytree(self.folder / "backend", folder / "backend")
        return replace(self, folder=folder, environment={**self.environment, **_places(folder)})


@contextmanager
def world(folder: Path) -> Iterator[World]:
    """An empty world below `folder`."""
    (folder / "backend").mkdir(parents=True)
    with serve("aws", "kubernetes") as (ports, seen):
        environment = {
            **_places(folder),
            "CI": "1",
            "PULUMI_CONFIG_PASSPHRASE": "correct horse",
            "PULUMI_DEBUG_PROVIDERS": ",".join(f"{package}:{port}" for package, port in ports.items()),
        }
        yield World(folder=folder, seen=seen, environment=environment)


def _places(folder: Path) -> dict[str, str]:
    return {"PULUMI_BACKEND_URL": (folder / "backend").as_uri(), "PULUMI_HOME": str(folder / "home")}


def files() -> str:
    """What git sees changed or new where the user's files are, and what they hold."""
    kept = ("Pulumi.yaml", "stacks", "policies")
    command = ["git", "-C", str(ROOT), "status", "--porcelain", "--", *kept]
    status = subprocess.run(command, capture_output=True, text=True, check=True)  # noqa: S603 - no shell
    held = [path.read_text() for path in (ROOT / "Pulumi.yaml", ROOT / "stacks" / f"Pulumi.{STACK}.yaml")]
    return "\n".join([status.stdout, *held])


@pytest.fixture(scope="module")
def brought_up(tmp_path_factory: pytest.TempPathFactory, pulumi_cli: Path) -> Iterator[World]:  # noqa: ARG001 - built first
    """A world where `local` was brought up. Tests that change it take a copy."""
    with world(tmp_path_factory.mktemp("world")) as made:
        result = made.trellis("up", STACK, "--yes", "--format", "json", "--event-log", str(made.folder / "events.json"))
        assert result.exit_code == 0, result.output
        (made.folder / "up.json").write_text(result.stdout)
        yield made
