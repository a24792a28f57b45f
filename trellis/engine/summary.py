"""What an operation came to, for people and for machines. Outputs are shown without secrets."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from trellis.engine.errors import hint
from trellis.engine.outcome import Failure, Operation, Result
from trellis.engine.places import component, stack_file_place
from trellis.plan import SECRET, UNKNOWN

SCHEMA_VERSION = 1
ROWS = 40
"""Operations that people are shown; machines get all."""
Sections = tuple[tuple[str, tuple[str, ...]], ...]


def headline(result: Result) -> str:
    """One line that says it all."""
    changes = ", ".join(f"{count} {op}" for op, count in result.changes.items()) or "no change"
    counts = [(len(result.failures), "failure"), (len(result.mandatory), "mandatory finding")]
    wrong = " and ".join(f"{count} {what}{'s' if count > 1 else ''}" for count, what in counts if count)
    verdict = f"STOPPED by {wrong}" if result.mandatory else f"FAILED with {wrong}" if wrong else "done"
    return f"{result.command} {result.stack}: {verdict} after {result.seconds:.1f} s: {changes}"


def to_text(result: Result, file: Path) -> str:
    """For a terminal; `file` is the stack file."""
    parts = [headline(result)]
    for title, rows in _sections(result, file):
        parts += ["", f"{title} ({len(rows)})", *("\n".join(f"  {line}" for line in row.splitlines()) for row in rows)]
    return "\n".join(parts) + "\n"


def to_markdown(result: Result, file: Path) -> str:
    """For a pull request or a run's summary page."""
    parts = [f"**{headline(result)}**"]
    for title, rows in _sections(result, file):
        parts += ["", f"### {title} ({len(rows)})", ""]
        parts += [f"- {row}".replace("\n", "\n  ") for row in rows]
    return "\n".join(parts) + "\n"


def to_json(result: Result, file: Path) -> str:
    """For machines: everything, in a stable order."""
    document: dict[str, Any] = {
        "schemaVersion": SCHEMA_VERSION,
        "command": result.command,
        "stack": result.stack,
        "succeeded": result.succeeded,
        "seconds": round(result.seconds, 3),
        "changes": dict(result.changes),
        "operations": [{**asdict(step), "type": step.type, "name": step.name} for step in result.operations],
        "failures": [
            {
                **asdict(failure),
                "component": component(failure.urn),
                "stackFile": stack_file_place(failure.urn, file) if failure.urn else None,
                "fix": hint(failure.message, result.stack),
            }
            for failure in result.failures
        ],
        "findings": [asdict(finding) for finding in result.findings],
        "outputs": dict(result.outputs),
        "warnings": list(result.warnings),
    }
    return json.dumps(document, indent=2, sort_keys=True, ensure_ascii=False) + "\n"


def _sections(result: Result, file: Path) -> Sections:
    advisory = tuple(finding for finding in result.findings if finding not in result.mandatory)
    parts = (
        ("Changes", _operations(result)),
        ("Failures", tuple(_failure(failure, result.stack, file) for failure in result.failures)),
        ("Mandatory findings", tuple(_finding(one.policy, one.urn, one.message) for one in result.mandatory)),
        ("Advisory findings", tuple(_finding(one.policy, one.urn, one.message) for one in advisory)),
        ("Warnings", _counted(result.warnings)),
        ("Outputs", tuple(f"{name}: {_shown(value)}" for name, value in sorted(result.outputs.items()))),
    )
    return tuple(part for part in parts if part[1])


def _operations(result: Result) -> tuple[str, ...]:
    """What differs first: in a first `up` everything is created, and the list is cut."""
    steps = sorted(result.operations, key=lambda step: (step.done, step.op == "create", step.urn, step.op))
    rows = [_operation(step) for step in steps[:ROWS]]
    left = len(steps) - ROWS
    return (*rows, *([f"and {left} more; --format json has them all"] if left > 0 else []))


def _operation(step: Operation) -> str:
    changed = f" [{', '.join(step.changed)}]" if step.changed else ""
    forced = f" (replaced because of {', '.join(step.replacing)})" if step.replacing else ""
    return f"{step.op} {step.type} {step.name}{changed}{forced}{'' if step.done else ' NOT FINISHED'}"


def _failure(failure: Failure, stack: str, file: Path) -> str:
    owner = component(failure.urn)
    place = stack_file_place(failure.urn, file) if failure.urn else None
    told = [failure.urn or "the program", failure.message]
    told += [f"made by: {owner}"] if owner else []
    told += [f"stack file: {place}"] if place else []
    fix = hint(failure.message, stack)
    return "\n".join([*told, *([f"fix: {fix}"] if fix else [])])


def _counted(warnings: tuple[str, ...]) -> tuple[str, ...]:
    """Each warning once: the engine tells some for every resource."""
    times = Counter(warnings)
    return tuple(f"{one} ({count} times)" if count > 1 else one for one, count in times.items())


def _finding(policy: str, urn: str, message: str) -> str:
    return "\n".join([f"{policy}: {urn or 'the stack as a whole'}", message])


def _shown(value: Any) -> str:
    if value == SECRET:
        return "(secret)"
    if value == UNKNOWN:
        return "(known after deployment)"
    if isinstance(value, Mapping | list):
        return json.dumps(value, sort_keys=True, ensure_ascii=False)
    return str(value)
