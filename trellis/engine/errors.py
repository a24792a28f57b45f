"""What keeps the engine from its work, in words that say what to do. One row for each thing that a person can mend."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from pulumi.automation.errors import CommandError

from trellis.engine.surroundings import BACKEND


class EngineError(Exception):
    """The engine could not run the program; the message says why and, where it is known, what to do."""


class StackMissingError(EngineError):
    """The backend has no such stack."""

    def __init__(self, stack: str, variables: Mapping[str, str]) -> None:
        where = variables.get(BACKEND) or "the backend that `pulumi login` chose"
        super().__init__(
            f"stack {stack!r} does not exist in {where}: nothing was ever brought up there. "
            f"`trellis up {stack}` makes it; if it should be there, look at {BACKEND} and `pulumi whoami --verbose`"
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
            f"one of another machine that is known to be dead, by `pulumi cancel --stack {stack}`"
        )


@dataclass(frozen=True, kw_only=True)
class Known:
    """A message of the engine, a provider or the system, and what a person does about it."""

    pattern: str
    says: str
    """Filled in with the pattern's named groups, `{stack}` and `{backend}`."""


KNOWN = (
    Known(
        pattern=r"incorrect passphrase",
        says="the passphrase is not the one that the secrets of stack {stack!r} were encrypted with; nothing was "
        "changed. Set PULUMI_CONFIG_PASSPHRASE, or PULUMI_CONFIG_PASSPHRASE_FILE, to the one that was used before",
    ),
    Known(
        pattern=r"passphrase must be set",
        says="stack {stack!r} encrypts its secrets with a passphrase, and none is given. Set "
        "PULUMI_CONFIG_PASSPHRASE, or PULUMI_CONFIG_PASSPHRASE_FILE with the path of a file that holds it",
    ),
    Known(
        pattern=r"PULUMI_ACCESS_TOKEN must be set|not logged in|\[401\]|invalid access token",
        says="nobody is logged in to {backend}. Run `pulumi login`, set PULUMI_ACCESS_TOKEN, or keep the state "
        "elsewhere: `pulumi login file://~` or PULUMI_BACKEND_URL=s3://bucket",
    ),
    Known(
        pattern=r"is newer than what this version|uses features that are not supported by this version",
        says="the state of stack {stack!r} was written by a newer Pulumi than this one; nothing was changed. Put "
        "that newer Pulumi on PATH (`trellis toolchain list` shows which one is used), or restore a state of this one",
    ),
    Known(
        pattern=r"is too old to be used by this version",
        says="the state of stack {stack!r} was written by a Pulumi that is too old for this one. Run `pulumi up` once "
        "with a version between the two; nothing was changed",
    ),
    Known(
        pattern=r"no space left on device|disk quota exceeded|file too large|not enough space",
        says="there is no space left where the state ({backend}) or temporary files are written. Free some space and "
        "run the same command again: it goes on from the last state that was saved",
    ),
    Known(
        pattern=r"(?:open|mkdir|unlink|rename|remove|create)[^\n]*?"
        r"(?P<path>/[^\s:]+): (?:permission denied|read-only file)",
        says="{path} cannot be written. Give yourself the right to write there, or name another backend with "
        "PULUMI_BACKEND_URL (now {backend}); nothing was changed there",
    ),
    Known(
        pattern=r"no resource plugin 'pulumi-resource-(?P<plugin>[\w-]+)|"
        r"install (?:resource )?plugin:? '?(?:pulumi-resource-)?(?P<other>[\w-]+)|"
        r"resource plugin '?(?P<third>[\w-]+)'? (?:is missing|not found)",
        says="the provider plugin {plugin} is missing and could not be downloaded. With internet: "
        "`pulumi plugin install resource {plugin}`. Without: fetch its archive from its publisher on another machine, "
        "then `pulumi plugin install resource {plugin} VERSION --file ARCHIVE`",
    ),
    Known(
        pattern=r"could not (?:connect|attach) to (?:the )?(?:debug )?provider|PULUMI_DEBUG_PROVIDERS",
        says="a provider that PULUMI_DEBUG_PROVIDERS names does not answer. Start it, or unset that variable",
    ),
    Known(
        pattern=r"cluster is unreachable|unable to load schema information from the API server",
        says="a Kubernetes cluster cannot be reached. See that its endpoint is open to this machine "
        "(`aws eks describe-cluster`), that `aws` is on PATH and that your identity is in its access list; then run "
        "the same command again",
    ),
    Known(
        pattern=r"no such host|dial tcp|connection refused|i/o timeout|unable to open bucket|could not list bucket|"
        r"NoSuchBucket|bucket does not exist|no such file or directory.*\.pulumi",
        says="the backend {backend} cannot be reached. See that the address is right (PULUMI_BACKEND_URL, or "
        "`pulumi whoami --verbose`) and that this machine may reach it; nothing was changed",
    ),
)


def hint(message: str, stack: str, backend: str = "its backend") -> str | None:
    """What to do about a message; None where we know nothing better than the message itself."""
    for known in KNOWN:
        found = re.search(known.pattern, message, re.IGNORECASE)
        if found:
            groups = {key: value for key, value in found.groupdict().items() if value}
            plugin = next((groups[key] for key in ("plugin", "other", "third") if key in groups), "")
            return known.says.format(**{**groups, "plugin": plugin, "stack": stack, "backend": backend})
    return None


def explained(error: CommandError, stack: str, variables: Mapping[str, str]) -> EngineError:
    """The error of a command of the engine, in words. What the engine said itself follows what to do about it."""
    said = _said(str(error))
    holders = _holders(said)
    if holders or "Another update is currently in progress" in said:
        return StackLockedError(stack, holders)
    backend = variables.get(BACKEND) or "the backend that `pulumi login` chose"
    told = hint(said, stack, backend)
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
    row = r"(?P<file>\S+): created by (?P<who>\S+) \(pid (?P<pid>\d+)\) at (?P<since>\S+)"
    return tuple(
        Holder(who=one["who"], pid=int(one["pid"]), since=one["since"], file=one["file"])
        for one in re.finditer(row, said)
    )
