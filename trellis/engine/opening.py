"""Opens a stack in the real engine, over a copy of the project: the user's own stack, or one in a backend of ours.

The engine writes into the folder that it runs in: a mere preview adds an encryption salt to the stack file, expands its
anchors and turns `0755` into 493. So it gets a copy of `Pulumi.yaml` and of the one stack file in a temporary folder.
What the user's secrets need stands in those two files and is copied with them; where the stack file names no secrets
provider, the engine goes on with the one that the stack's state names, so a lost salt loses nothing
(docs/decisions/0018).
"""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path, PurePath
from typing import Any

from pulumi import automation
from pulumi.automation import errors

from trellis.engine.command import Command
from trellis.engine.errors import EngineError, StackMissingError, explained
from trellis.engine.policy_pack import write_analyzer
from trellis.engine.surroundings import own_backend, surroundings
from trellis.yaml_values import StackYamlError, read_mapping


@dataclass(frozen=True, kw_only=True)
class Engine:
    """Which engine a stack is opened in, and what it sees."""

    pulumi: Path
    environment: Mapping[str, str] = field(default_factory=dict)
    """Variables laid over the user's. Empty means the user's own backend, login, secrets provider and plugins;
    `own_backend` gives those of a backend in a folder."""
    create: bool = False
    """Make the stack where the backend does not have it; else that is an error (`StackMissingError`)."""


@contextmanager
def open_stack(
    project: Path,
    stack: str,
    program: Callable[[], Any],
    engine: Engine,
) -> Iterator[automation.Stack]:
    """Open a stack over a copy of the project (the folder with `Pulumi.yaml`); the copy is removed at the end.

    Raises `EngineError`.
    """
    with tempfile.TemporaryDirectory(prefix="trellis-engine-") as folder:
        root = Path(folder)
        file = _copy_project(project, stack, root / "project")
        variables = {**surroundings(project), **engine.environment}
        workspace = _Workspace(
            work_dir=str(root / "project"),
            program=program,
            env_vars=variables,
            secrets_provider=_secrets_provider(file),
            pulumi_command=_command(engine.pulumi, root / "tool"),
        )
        try:
            opened = _opened(stack, workspace, create=engine.create)
        except errors.CommandError as error:
            raise explained(error, stack, variables) from error
        yield opened


@contextmanager
def engine_stack(
    project: Path,
    stack: str,
    program: Callable[[], Any],
    *,
    pulumi: Path,
    providers: Mapping[str, int],
) -> Iterator[automation.Stack]:
    """Open a fresh stack in a backend of its own, without an account; all is removed at the end. Raises `EngineError`.

    `providers` gives the loopback port of each provider that runs already, by package; the engine attaches to these and
    fetches no plugin. The passphrase for `secure:` values is the user's `PULUMI_CONFIG_PASSPHRASE`, or empty.
    For a stack that stays, call `open_stack` with `Engine(environment=own_backend(folder, providers), create=True)`.
    """
    with tempfile.TemporaryDirectory(prefix="trellis-engine-") as folder:
        engine = Engine(pulumi=pulumi, environment=own_backend(Path(folder), providers), create=True)
        with open_stack(project, stack, program, engine) as opened:
            yield opened


class _Workspace(automation.LocalWorkspace):
    """A workspace that leaves alone which stack the user has selected, and writes no note for a folder of ours."""

    def create_stack(self, stack_name: str) -> None:
        provider = ["--secrets-provider", self.secrets_provider] if self.secrets_provider else []
        self._run("stack", "init", stack_name, "--no-select", *provider)

    def select_stack(self, stack_name: str) -> None:
        self._run("stack", "--stack", stack_name, "--show-name")

    def _run(self, *arguments: str) -> None:
        self.pulumi_command.run(list(arguments), self.work_dir, self.env_vars)


def _opened(stack: str, workspace: automation.LocalWorkspace, *, create: bool) -> automation.Stack:
    try:
        return automation.Stack.select(stack, workspace)
    except errors.StackNotFoundError as error:
        if not create:
            raise StackMissingError(stack, workspace.env_vars) from error
        return automation.Stack.create(stack, workspace)


def _copy_project(project: Path, stack: str, target: Path) -> Path:
    """Copy `Pulumi.yaml` and the stack's file to the same places below `target`; return the copy of the latter."""
    settings = read_mapping(project / "Pulumi.yaml")
    folder = PurePath(str(settings.get("stackConfigDir") or ""))
    if folder.is_absolute() or ".." in folder.parts:
        raise EngineError(
            f"{project / 'Pulumi.yaml'}: stackConfigDir: {folder} lies outside the project; its copy would be the "
            "original. Write a folder below the project, such as `stacks`"
        )
    (target / folder).mkdir(parents=True)
    shutil.copyfile(project / "Pulumi.yaml", target / "Pulumi.yaml")
    file = folder / f"Pulumi.{stack}.yaml"
    if not (project / file).is_file():
        known = ", ".join(sorted(p.name for p in (project / folder).glob("Pulumi.*.yaml"))) or "none"
        raise EngineError(f"{project / file}: no such stack file; there are: {known}")
    shutil.copyfile(project / file, target / file)
    return target / file


def _secrets_provider(file: Path) -> str | None:
    """The provider that a new stack starts with; None for the backend's own. The engine refuses what is no YAML."""
    try:
        return str(read_mapping(file).get("secretsprovider") or "") or None
    except StackYamlError:
        return None


def _command(pulumi: Path, root: Path) -> Command:
    """The Automation API takes no path of a command line, but a folder with `bin/pulumi` in it."""
    (root / "bin").mkdir(parents=True)
    (root / "bin" / "pulumi").symlink_to(pulumi.resolve())
    write_analyzer(root / "bin")
    try:
        return Command(root)
    except (errors.InvalidVersionError, OSError, subprocess.SubprocessError) as error:
        raise EngineError(
            f"{pulumi}: this Pulumi does not fit: {error}. `trellis toolchain install pulumi` brings one that does"
        ) from error
