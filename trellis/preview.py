"""Previews an environment without an engine, a cloud or a cluster."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from components.spec.platform import Platform
from trellis.paths import STACKS
from trellis.plan import Plan
from trellis.stackfile import check, read, wire

PROJECT = "trellis"


class UnknownStackError(Exception):
    """There is no file for a stack."""

    def __init__(self, stack: str, known: list[str]) -> None:
        near = get_close_matches(stack, known, n=1)
        super().__init__(
            f"no stack {stack!r}: stacks/Pulumi.{stack}.yaml does not exist. "
            + (f"The nearest is {near[0]!r}. " if near else "")
            + f"Stacks here: {', '.join(known) or 'none'}. Name one of them, or copy one of their files."
        )


def today() -> str:
    """Today's date, the default of `--as-of`; nothing else reads a clock."""
    return datetime.now(UTC).date().isoformat()


def stack_file(stack: str, folder: Path = STACKS) -> Path:
    """The file of a stack."""
    return folder / f"Pulumi.{stack}.yaml"


def load_environment(stack: str, folder: Path = STACKS) -> tuple[Mapping[str, Any], Platform]:
    """The configuration and the platform of a stack. Raises `StackFileError` with every mistake in its file."""
    file = stack_file(stack, folder)
    if not file.is_file():
        raise UnknownStackError(stack, stacks(folder))
    config, source = read(file)
    return config, check(source, folder / "profiles", stack)[0]


def stacks(folder: Path = STACKS) -> list[str]:
    """Names of all stacks that have a file, sorted."""
    return sorted(path.name.removeprefix("Pulumi.").removesuffix(".yaml") for path in folder.glob("Pulumi.*.yaml"))


def plan_environment(stack: str, *, folder: Path = STACKS, as_of: str = "") -> Plan:
    """Record the program for a stack. Raises `StackFileError` with every mistake in its file."""
    return _record(stack, folder, as_of)[0]


def preview_environment(stack: str, *, folder: Path = STACKS, as_of: str = "") -> tuple[Plan, Platform]:
    """Record the program for a stack and open its charts; return the plan with the platform that it was made from."""
    plan, platform = _record(stack, folder, as_of)
    from trellis.charts.opening import with_opened_charts

    return with_opened_charts(plan, {name: one.kubernetes_version for name, one in platform.clusters.items()}), platform


def _record(stack: str, folder: Path, as_of: str) -> tuple[Plan, Platform]:
    config, platform = load_environment(stack, folder)
    # The SDK takes seconds to import; a wrong stack file, `--help` and `trellis list` must not wait for it.
    from trellis.program import run
    from trellis.recorder import record

    plan = record(run, project=PROJECT, stack=stack, config=wire(config), as_of=as_of or today())
    return replace(plan, environment=platform.environment), platform
