"""Runs a Pulumi program in the real engine, without an account, on a throw-away copy of the project.

The engine writes into the folder that it runs in: a mere preview adds an encryption salt to the stack file, expands its
anchors and turns `0755` into 493. So it gets a copy of `Pulumi.yaml` and of the one stack file, a state folder and a
home of its own, all in one temporary folder that is removed at the end.
"""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePath
from typing import Any

from pulumi import automation
from pulumi.automation import errors, events

from trellis.engine.preview_plan import plain, resources_from
from trellis.plan import Plan
from trellis.recorder import ROOT_TYPE
from trellis.yaml_values import read_mapping


class EngineError(Exception):
    """The engine could not run the program; the message is what the engine or the program said."""


@dataclass(frozen=True, kw_only=True)
class EnginePreview:
    """What a preview by the real engine came to."""

    plan: Plan
    changes: Mapping[str, int]
    """Number of resources by operation (`create`, `update`, `replace`, `delete`, `same`)."""
    warnings: tuple[str, ...]


@contextmanager
def engine_stack(
    project: Path,
    stack: str,
    program: Callable[[], Any],
    *,
    pulumi: Path,
    providers: Mapping[str, int],
) -> Iterator[automation.Stack]:
    """Open a fresh stack over a copy of the project; whatever was written is removed at the end.

    `project` is the folder with `Pulumi.yaml`. `providers` gives the loopback port of each provider that runs already,
    by package; the engine attaches to these and fetches no plugin. The passphrase for `secure:` values is the user's
    `PULUMI_CONFIG_PASSPHRASE`, or empty. Raises `EngineError`.
    """
    with tempfile.TemporaryDirectory(prefix="trellis-engine-") as folder:
        root = Path(folder)
        _copy_project(project, stack, root / "project")
        (root / "state").mkdir()
        workspace = automation.LocalWorkspace(
            work_dir=str(root / "project"),
            pulumi_home=str(root / "home"),
            program=program,
            env_vars=_environment(root, providers),
            secrets_provider="passphrase",
            pulumi_command=_command(pulumi, root / "tool"),
        )
        try:
            opened = automation.Stack.create(stack, workspace)
        except errors.CommandError as error:
            raise EngineError(str(error)) from error
        yield opened


def preview(stack: automation.Stack, *, as_of: str) -> EnginePreview:
    """Preview a stack from `engine_stack`. Raises `EngineError` with what the engine or the program said."""
    heard = _Heard()
    # Beside the project's copy, so that it goes away with it: it holds the stack's secrets, encrypted.
    saved = Path(stack.workspace.work_dir).with_name("plan.json")
    try:
        result = stack.preview(color="never", on_event=heard.listen, plan=str(saved))
    except errors.CommandError as error:
        raise EngineError("\n".join(heard.said["error"]) or str(error)) from error
    plan = Plan(
        project=stack.workspace.project_settings().name,
        stack=stack.name,
        environment=stack.name,
        as_of=as_of,
        resources=resources_from(heard.states, json.loads(saved.read_text())),
        outputs=plain(heard.outputs),
    )
    changes = {str(operation): count for operation, count in sorted(result.change_summary.items())}
    return EnginePreview(plan=plan, changes=changes, warnings=tuple(heard.said["warning"]))


class _Heard:
    """What the engine's events tell of a preview."""

    def __init__(self) -> None:
        self.said: dict[str, list[str]] = {"error": [], "warning": []}
        self.states: dict[str, events.StepEventStateMetadata] = {}
        self.outputs: Mapping[str, Any] = {}

    def listen(self, event: events.EngineEvent) -> None:
        """Take note of one event."""
        told = event.diagnostic_event
        if told and told.severity in self.said:
            self.said[told.severity].append(told.message.strip())
        before = event.resource_pre_event.metadata if event.resource_pre_event else None
        if before and before.new:
            self.states[before.urn] = before.new
        after = event.res_outputs_event.metadata if event.res_outputs_event else None
        if after and after.type == ROOT_TYPE and after.new:
            self.outputs = after.new.outputs or {}


def _copy_project(project: Path, stack: str, target: Path) -> None:
    """Copy `Pulumi.yaml` and the stack's file to the same places below `target`."""
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


def _environment(root: Path, providers: Mapping[str, int]) -> dict[str, str]:
    return {
        "PULUMI_BACKEND_URL": (root / "state").as_uri(),
        "PULUMI_CONFIG_PASSPHRASE": os.environ.get("PULUMI_CONFIG_PASSPHRASE", ""),
        "PULUMI_DEBUG_PROVIDERS": ",".join(f"{package}:{port}" for package, port in sorted(providers.items())),
        "PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION": "true",
        "PULUMI_SKIP_UPDATE_CHECK": "true",
    }


def _command(pulumi: Path, root: Path) -> automation.PulumiCommand:
    """The Automation API takes no path of a CLI, but a folder with `bin/pulumi` in it."""
    (root / "bin").mkdir(parents=True)
    (root / "bin" / "pulumi").symlink_to(pulumi.resolve())
    return automation.PulumiCommand(str(root))
