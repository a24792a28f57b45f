"""Previews an environment without an engine, a cloud or a cluster."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from trellis import program
from trellis.plan import Plan
from trellis.recorder import record
from trellis.stackfile import check, read

STACKS = program.ROOT / "stacks"
PROJECT = "trellis"


def today() -> str:
    """Today's date, the default of `--as-of`; nothing else reads a clock."""
    return datetime.now(UTC).date().isoformat()


def stack_file(stack: str, folder: Path = STACKS) -> Path:
    """The file of a stack."""
    return folder / f"Pulumi.{stack}.yaml"


def plan_environment(stack: str, *, folder: Path = STACKS, as_of: str = "") -> Plan:
    """Record the program for a stack. Raises `StackFileError` with every mistake in its file."""
    config, source = read(stack_file(stack, folder))
    platform, _ = check(source, folder / "profiles")
    wire = {key: value if isinstance(value, str) else json.dumps(value) for key, value in config.items()}
    plan = record(program.run, project=PROJECT, stack=stack, config=wire, as_of=as_of or today())
    return replace(plan, environment=platform.environment)
