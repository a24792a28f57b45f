"""What keeps the engine from its work, in words that say what to do. The rows stand in known_errors.yaml."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import yaml
from pulumi.automation.errors import CommandError

from trellis.engine.surroundings import BACKEND, backend_of


class EngineError(Exception):
    """The engine could not run the program; the message says why and, where it is known, what to do."""


class StackMissingError(EngineError):
    """The backend has no such stack."""

    def __init__(self, stack: str, variables: Mapping[str, str]) -> None:
        super().__init__(
            f"stack {stack!r} does not exist in {backend_of(variables)}: nothing was ever brought up there. "
            f"`trellis up {stack}` makes it; if it should be there, look at {BACKEND} and `pulumi whoami --verbose`"
        )


class UnknownTargetError(EngineError):
    """`--target` names what neither the program nor the state has."""

    def __init__(self, unknown: Sequence[tuple[str, str | None]]) -> None:
        told = [f"{given}\n  nearest: {near or 'nothing is like it'}" for given, near in unknown]
        super().__init__(
            "--target: neither the program nor the state has\n"
            + "\n".join(told)
            + "\nGive whole URNs, in single quotes because of the `$` in them; `trellis preview STACK --format json` "
            "lists them. Nothing was changed"
        )


@dataclass(frozen=True, kw_only=True)
class Holder:
    """Who holds the lock of a stack."""

    who: str
    """User and host, `ada@laptop`."""
    pid: int
    since: str
    """When it was taken, RFC 3339."""
    file: str


class StackLockedError(EngineError):
    """Another process works on the stack, or died while it did."""

    def __init__(self, stack: str, holders: tuple[Holder, ...]) -> None:
        self.holders = holders
        told = "".join(f"\n  {one.who}, process {one.pid}, since {one.since} ({one.file})" for one in holders)
        super().__init__(
            f"stack {stack!r} is locked by another update; nothing was changed.{told}\n"
            f"Wait for it to end. A lock of a process that died on this machine is cleared by `trellis up {stack}`; "
            "one of another machine that is known to be dead, by its option `--force-unlock`"
        )


@dataclass(frozen=True, kw_only=True)
class Known:
    """A message of the engine, a provider or the system, and what a person does about it: see known_errors.yaml."""

    pattern: str
    says: str


@cache
def known() -> tuple[Known, ...]:
    """All rows, in their order."""
    rows = yaml.safe_load(Path(__file__).with_name("known_errors.yaml").read_text(encoding="utf-8"))
    return tuple(Known(**row) for row in rows)


def hint(message: str, stack: str, backend: str = "its backend") -> str | None:
    """What to do about a message; None where we know nothing better than the message itself."""
    for row in known():
        found = re.search(row.pattern, message, re.IGNORECASE)
        if found:
            return row.says.format(**found.groupdict(), stack=stack, backend=backend)
    return None


def explained(error: CommandError, stack: str, variables: Mapping[str, str]) -> EngineError:
    """The error of a command of the engine, in words. What the engine said itself follows what to do about it."""
    said = _said(str(error))
    holders = _holders(said)
    if holders or "Another update is currently in progress" in said:
        return StackLockedError(stack, holders)
    told = hint(said, stack, backend_of(variables))
    return EngineError(f"{told}\nThe engine said: {said}" if told else said)


def _said(text: str) -> str:
    """What the engine said, without the Automation API's frame; what it wrote last and as an error comes first."""
    parts = re.split(r"^ (?:code|stdout|stderr): ?", text, flags=re.MULTILINE)
    stdout, stderr = (parts[2].strip(), parts[3].strip()) if len(parts) == 4 else ("", text.strip())
    errors = [line.strip() for line in stderr.splitlines() if line.strip()]
    if errors:
        return "\n".join(line.removeprefix("error: ") for line in errors)
    return stdout or "nothing, and ended with an error"


def _holders(said: str) -> tuple[Holder, ...]:
    row = r"(?P<file>[^\s?]+)\S*: created by (?P<who>\S+) \(pid (?P<pid>\d+)\) at (?P<since>\S+)"
    return tuple(
        Holder(who=one["who"], pid=int(one["pid"]), since=one["since"], file=one["file"])
        for one in re.finditer(row, said)
    )
