"""Reads what the stack's state has, without decrypting it, and finds targets in it."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from difflib import get_close_matches
from fnmatch import fnmatchcase
from typing import Any

from pulumi import automation
from pulumi.automation import errors

from trellis.engine.errors import UnknownTargetError, explained


def rows(stack: automation.Stack) -> tuple[Mapping[str, Any], ...]:
    """The resources of the state, in its order, as the engine writes them; secrets stay encrypted."""
    workspace = stack.workspace
    try:
        told = workspace.pulumi_command.run(
            ["stack", "export", "--stack", stack.name], workspace.work_dir, workspace.env_vars
        )
    except errors.CommandError as error:
        raise explained(error, stack.name, workspace.env_vars) from error
    return tuple((json.loads(told.stdout).get("deployment") or {}).get("resources") or ())


def protected(stack: automation.Stack, target: Sequence[str] = ()) -> tuple[str, ...]:
    """URNs of what is protected against deletion, of the targets where there are some; sorted."""
    urns = [str(row["urn"]) for row in rows(stack) if row.get("protect") and not row.get("delete")]
    return tuple(sorted(urn for urn in urns if not target or any(_meant(one, urn) for one in target)))


def check_targets(target: Sequence[str], known: Collection[str]) -> None:
    """Raise `UnknownTargetError` when a target, which may have `*` in it, is no resource; all such at once."""
    unknown = [one for one in target if not any(_meant(one, urn) for urn in known)]
    if unknown:
        raise UnknownTargetError([(one, _nearest(one, known)) for one in unknown])


def _nearest(given: str, known: Collection[str]) -> str | None:
    """The URN that was probably meant: by name where only that was given, else by all of it."""
    by_name = {urn.rpartition("::")[2]: urn for urn in sorted(known)}
    name = given.rpartition("::")[2]
    near = get_close_matches(given, sorted(known), n=1, cutoff=0.85) or [
        by_name[one] for one in get_close_matches(name, by_name, n=1)
    ]
    return near[0] if near else None


def _meant(target: str, urn: str) -> bool:
    return target == urn or ("*" in target and fnmatchcase(urn, target))
