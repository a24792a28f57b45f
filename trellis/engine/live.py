"""Preview, up, refresh and destroy through the real engine, each with one plain `Result`."""

from __future__ import annotations

import json
import signal
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypedDict, Unpack

from pulumi import automation
from pulumi.automation import errors

from trellis.engine import space
from trellis.engine.command import Command
from trellis.engine.errors import EngineError, explained
from trellis.engine.heard import Heard, OnEvent
from trellis.engine.outcome import CommandName, Failure, Result
from trellis.engine.policy_pack import PolicyPack
from trellis.engine.preview_plan import plain, resources_from
from trellis.engine.state import protected
from trellis.plan import Plan

PROTECTED = "protected: it is not deleted, and nothing else was"
CANCELLING = "cancelling: waiting for operations under way; Ctrl-C again kills the engine, and they stay pending"
_LAST_EVENT_SECONDS = 5
"""How long to wait for events that are still on their way when the engine has ended."""


@dataclass
class Signals:
    """How often somebody asked an operation to end."""

    count: int = 0


class Options(TypedDict, total=False):
    """What every operation may be told."""

    on_event: OnEvent | Sequence[OnEvent]
    """Called with each event, in order, on a thread of the SDK. What it raises is raised when the engine has ended."""
    target: Sequence[str]
    """URNs; all others are left alone."""
    policy_pack: PolicyPack | None
    """Not for refresh and destroy, which judge nothing."""
    message: str | None
    """Kept in the stack's history."""
    on_cancel: Callable[[str], object]
    """Told what happens when a signal asks to end."""
    parallel: int | None
    """Operations at once at most; the engine's own limit where it is not given."""


def preview(stack: automation.Stack, *, as_of: str = "", strict: bool = True, **options: Unpack[Options]) -> Result:
    """Compare the program with the stack's state; `Result.plan` is what would exist.

    `as_of` is stamped on that plan. A failure of the program or of a resource raises `EngineError`, or with `strict`
    off is in the result, without a plan. Mandatory findings are always in the result.
    """
    heard = Heard(_listeners(options))
    # Beside the project's copy, so that it goes away with it: it holds the stack's secrets, encrypted.
    saved = _scratch(stack) / "plan.json"
    saved.unlink(missing_ok=True)
    told = {**_common(options), **_policies(stack, options), "plan": str(saved)}
    result = _run(stack, "preview", lambda: stack.preview(on_event=heard.listen, **told), heard, options)
    if result.failures and strict and not result.mandatory:
        raise EngineError("\n".join(failure.message for failure in result.failures))
    if not result.succeeded or not saved.is_file():
        return result
    return replace(result, plan=_plan(stack, as_of, heard, saved))


def up(stack: automation.Stack, **options: Unpack[Options]) -> Result:
    """Make the stack what the program says. Goes on where one resource fails, so that all failures are told at once.

    Raises `EngineError` where the engine could not begin, and `KeyboardInterrupt` after Ctrl-C, once the engine has
    ended.
    """
    heard = Heard(_listeners(options))
    told = {**_common(options), **_policies(stack, options), "continue_on_error": True, "show_secrets": False}
    return _run(stack, "up", lambda: stack.up(on_event=heard.listen, **told), heard, options)


def refresh(stack: automation.Stack, *, preview_only: bool = False, **options: Unpack[Options]) -> Result:
    """Read every resource and put what is really there into the state; with `preview_only` the state stays.

    `Result.operations` names exactly what had drifted: `update` or `delete`. Raises as `up` does.
    """
    heard = Heard(_listeners(options))
    run = stack.preview_refresh if preview_only else stack.refresh
    told = {**_common(options), **({} if preview_only else {"show_secrets": False})}
    return _run(stack, "refresh", lambda: run(on_event=heard.listen, **told), heard, options)


def destroy(stack: automation.Stack, **options: Unpack[Options]) -> Result:
    """Delete all that the state has, in reverse order; the empty stack itself stays. Raises as `up` does.

    Where something is protected nothing is deleted, and `Result.failures` names each such resource: the engine alone
    would delete all others first.
    """
    kept = protected(stack, options.get("target", ()))
    if kept:
        failures = tuple(Failure(urn=urn, message=PROTECTED) for urn in kept)
        return Result(command="destroy", stack=stack.name, changes={}, failures=failures)
    heard = Heard(_listeners(options))
    told = {**_common(options), "show_secrets": False}
    return _run(stack, "destroy", lambda: stack.destroy(on_event=heard.listen, **told), heard, options)


def _listeners(options: Options) -> Sequence[OnEvent]:
    given = options.get("on_event", ())
    return (given,) if callable(given) else given


def _common(options: Options) -> dict[str, Any]:
    return {
        "color": "never",
        "target": list(options.get("target", ())) or None,
        "message": options.get("message"),
        "parallel": options.get("parallel"),
    }


def _policies(stack: automation.Stack, options: Options) -> dict[str, Any]:
    pack = options.get("policy_pack")
    return dict(pack.arguments(_scratch(stack))) if pack else {}


def _scratch(stack: automation.Stack) -> Path:
    """The temporary folder around the project's copy."""
    return Path(stack.workspace.work_dir).parent


def _run(
    stack: automation.Stack, command: CommandName, call: Callable[[], object], heard: Heard, options: Options
) -> Result:
    """Run one operation to its end, whatever that is."""
    started = time.monotonic()
    failed: errors.CommandError | None = None
    with ExitStack() as held:
        signals = held.enter_context(_cancelling(stack, options.get("on_cancel")))
        folders = space.places(stack.workspace.env_vars, stack.workspace.work_dir)
        held.enter_context(space.watched(folders, lambda: _interrupt(stack)))
        try:
            call()
        except errors.CommandError as error:
            failed = error
    if heard.begun and signals.count < 2:  # one that is killed tells no more
        heard.ended.wait(_LAST_EVENT_SECONDS)
    if signals.count and failed:
        raise KeyboardInterrupt
    if heard.error:
        raise heard.error
    result = Result(
        command=command,
        stack=stack.name,
        changes=heard.changes,
        operations=heard.operations(),
        failures=tuple(heard.failures),
        findings=tuple(sorted(heard.findings)),
        outputs=plain(heard.outputs),
        warnings=tuple(heard.warnings),
        seconds=time.monotonic() - started,
    )
    if failed and result.succeeded:
        raise explained(failed, stack.name, stack.workspace.env_vars) from failed
    return result


def _interrupt(stack: automation.Stack) -> None:
    command = stack.workspace.pulumi_command
    if isinstance(command, Command):
        command.interrupt()


@contextmanager
def _cancelling(stack: automation.Stack, tell: Callable[[str], object] | None) -> Iterator[Signals]:
    """Let the first Ctrl-C cancel the engine in order and the second end it at once. Yields how many there were.

    Only the main thread hears signals; elsewhere whoever owns that thread calls `Command.interrupt`.
    """
    signals = Signals()
    command = stack.workspace.pulumi_command
    if threading.current_thread() is not threading.main_thread() or not isinstance(command, Command):
        yield signals
        return

    def handle(_number: int, _frame: object) -> None:
        signals.count += 1
        if signals.count == 1:
            command.interrupt()
        else:
            command.kill()
        if tell:
            tell(CANCELLING if signals.count == 1 else "killing the engine")

    before = {number: signal.signal(number, handle) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield signals
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _plan(stack: automation.Stack, as_of: str, heard: Heard, saved: Path) -> Plan:
    return Plan(
        project=stack.workspace.project_settings().name,
        stack=stack.name,
        environment=stack.name,
        as_of=as_of,
        resources=resources_from(heard.states, json.loads(saved.read_text())),
        outputs=plain(heard.outputs),
    )
