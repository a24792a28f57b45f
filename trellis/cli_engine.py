"""`trellis up|refresh|destroy` and `trellis preview --engine`: the user's own stack, through the real engine."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import click

from trellis.cli_common import BLOCKED, TOOL_FAILED, WRONG_INPUT, Codes, Command, known_errors, writing
from trellis.paths import ROOT
from trellis.preview import load_environment, stack_file, today

if TYPE_CHECKING:
    from pulumi import automation

    from components.spec.platform import Platform
    from trellis.engine.run import Options, PolicyPack, Result

PACK = ROOT / "policies"
Form = Literal["text", "json", "markdown"]


@dataclass(frozen=True, kw_only=True)
class Asked:
    """What the user asked for."""

    stack: str
    form: Form = "text"
    out: Path | None = None
    target: tuple[str, ...] = ()
    event_log: Path | None = None
    policy_pack: Path | None = None
    parallel: int | None = None
    message: str | None = None
    yes: bool = True
    as_of: str = ""
    force_unlock: bool = False


_FORM = click.option(
    "--format", "form", type=click.Choice(["text", "json", "markdown"]), default="text", show_default=True
)
_YES = click.option("--yes", "-y", is_flag=True, help="Do not ask. Needed where nobody sits at a terminal.")
_UNLOCK = click.option(
    "--force-unlock",
    is_flag=True,
    help="Break the stack's lock, whoever holds it: only where that update is known to be dead on another machine.",
)
_MESSAGE = click.option("--message", "-m", help="Kept with this update in the stack's history.")
engine_options = (
    click.option("--target", multiple=True, metavar="URN", help="Only this resource; may be repeated."),
    click.option(
        "--event-log",
        type=click.Path(dir_okay=False, path_type=Path),
        help="Write each event of the engine to a file, one JSON document a line.",
    ),
    click.option("--parallel", type=click.IntRange(min=1), help="At most so many operations at once."),
)
policy_options = (
    click.option(
        "--policy-pack",
        type=click.Path(exists=True, file_okay=False, path_type=Path),
        default=PACK,
        help="Policies to keep (default: the project's).",
    ),
    click.option("--no-policy-pack", is_flag=True, help="Judge nothing."),
)


def with_options(*options: Callable[[Command], Command]) -> Callable[[Command], Command]:
    """Give a command several options at once."""

    def decorate(command: Command) -> Command:
        for option in reversed(options):
            command = option(command)
        return command

    return decorate


@click.command()
@click.argument("stack")
@with_options(_YES, _UNLOCK, _MESSAGE, *engine_options, *policy_options, _FORM)
def up(no_policy_pack: bool, policy_pack: Path, **asked: Any) -> None:
    """Make STACK what its file says, in the backend that Pulumi is logged in to.

    On a terminal it shows the changes and asks first. Where one resource fails the others go on, and all failures are
    told at the end.
    """
    run_engine("up", Asked(policy_pack=None if no_policy_pack else policy_pack, **asked))


@click.command()
@click.argument("stack")
@with_options(_UNLOCK, _MESSAGE, *engine_options, _FORM)
def refresh(**asked: Any) -> None:
    """Read every resource of STACK and bring its state up to date with what is really there. Changes no resource."""
    run_engine("refresh", Asked(**asked))


@click.command()
@click.argument("stack")
@with_options(_YES, _UNLOCK, _MESSAGE, *engine_options, _FORM)
def destroy(**asked: Any) -> None:
    """Delete all that STACK has, in reverse order. Refuses while anything of it is protected."""
    run_engine("destroy", Asked(**asked))


def _codes() -> Codes:
    from trellis.engine.errors import EngineError, StackMissingError, UnknownTargetError
    from trellis.toolchain import ToolUnavailableError

    wrong: Codes = {UnknownTargetError: WRONG_INPUT, StackMissingError: WRONG_INPUT}
    return {**wrong, EngineError: TOOL_FAILED, ToolUnavailableError: TOOL_FAILED, OSError: TOOL_FAILED}


@known_errors(_codes, nothing="changed")
def run_engine(command: Literal["preview", "up", "refresh", "destroy"], asked: Asked) -> None:
    """Run one operation, print what it came to, and exit."""
    result = _run(command, asked)
    _print(result, asked)
    sys.exit(BLOCKED if result.mandatory else TOOL_FAILED if result.failures else 0)


def _run(command: Literal["preview", "up", "refresh", "destroy"], asked: Asked) -> Result:
    """Whatever can be wrong is looked at before the engine starts."""
    if command in ("up", "destroy") and not asked.yes and not _at_terminal():
        raise click.UsageError(
            f"nobody sits at a terminal who could be asked whether to {_MEANING[command]} {asked.stack}: "
            f"give --yes once you have seen what `trellis preview {asked.stack} --engine` says"
        )
    _, platform = load_environment(asked.stack)
    # The SDK takes seconds to import; a wrong stack file must not wait for it.
    from trellis.engine.run import Engine, open_stack
    from trellis.program import run as program
    from trellis.toolchain import ensure_pulumi

    _quiet_aborted_programs()
    with ExitStack() as held:
        listeners = [held.enter_context(_event_log(asked.event_log))] if asked.event_log else []
        engine = Engine(pulumi=ensure_pulumi(), create=command == "up")
        stack = held.enter_context(open_stack(ROOT, asked.stack, program, engine))
        if command != "preview":
            _settle(stack, force_unlock=asked.force_unlock)
        _check_targets(stack, asked)
        options: Options = {"target": asked.target, "message": asked.message, "parallel": asked.parallel}
        if not asked.yes and command in ("up", "destroy"):
            _confirm(command, stack, asked, {**options, **_policies(asked, platform)})
        return _operate(command, stack, asked, {**options, **_policies(asked, platform), "on_event": listeners})


_MEANING = {"up": "change", "destroy": "destroy"}


def _at_terminal() -> bool:
    return sys.stdin.isatty() and sys.stderr.isatty()


def _operate(command: str, stack: automation.Stack, asked: Asked, options: Options) -> Result:
    from trellis.engine import run
    from trellis.engine.progress import Progress

    with Progress(f"{command} {asked.stack}") as progress:
        told = options.get("on_event", ())
        listeners = [progress.listen, *([told] if callable(told) else told)]
        options = {**options, "on_event": listeners, "on_cancel": progress.say}
        if command == "preview":
            return run.preview(stack, as_of=asked.as_of, strict=False, **options)
        operations = {"up": run.up, "refresh": run.refresh, "destroy": run.destroy}
        return operations[command](stack, **options)


def _confirm(command: str, stack: automation.Stack, asked: Asked, options: Options) -> None:
    """Show what would happen and ask. Raises `click.Abort` when the answer is no."""
    from trellis.engine import state
    from trellis.engine.summary import to_text

    if command == "up":
        seen = _operate("preview", stack, asked, options)
        click.echo(to_text(seen, stack_file(asked.stack)), err=True)
    else:
        click.echo(f"{asked.stack} has {len(state.rows(stack))} resources.", err=True)
    click.confirm(f"{_MEANING[command]} {asked.stack}?", abort=True, err=True)


def _settle(stack: automation.Stack, *, force_unlock: bool) -> None:
    """Put right what an update left behind that was killed: a lock, operations whose end nobody saw."""
    from trellis.engine.recovery import settle

    settle(stack, force_unlock=force_unlock, tell=lambda line: click.echo(f"trellis: {line}", err=True))


def _check_targets(stack: automation.Stack, asked: Asked) -> None:
    from trellis.engine import state
    from trellis.preview import plan_environment

    if asked.target:
        planned = {resource.urn for resource in plan_environment(asked.stack, as_of=asked.as_of).resources}
        state.check_targets(asked.target, planned | {str(row["urn"]) for row in state.rows(stack)})


def _policies(asked: Asked, platform: Platform) -> Options:
    """The pack, with configuration from the stack file itself: a file generated from it could be stale."""
    from trellis.engine.run import PolicyPack
    from trellis.policy_config import config_for_platform

    if asked.policy_pack is None:
        return {}
    ours = asked.policy_pack.resolve() == PACK
    config = config_for_platform(platform, asked.as_of or today()) if ours else {}
    pack: PolicyPack = PolicyPack(folder=asked.policy_pack.resolve(), config=config)
    return {"policy_pack": pack}


@contextmanager
def _event_log(path: Path) -> Iterator[Callable[[Any], None]]:
    from trellis.engine.eventlog import EventLog

    with writing(path, "--event-log"):
        log = EventLog(path)
    with log:
        yield log.listen
    if log.failure:
        click.echo(f"{path} is not complete: {log.failure.strerror}; the update itself went on", err=True)


def _print(result: Result, asked: Asked) -> None:
    from trellis.engine import summary

    writers = {"text": summary.to_text, "json": summary.to_json, "markdown": summary.to_markdown}
    written = writers[asked.form](result, stack_file(asked.stack))
    if asked.out is None:
        click.echo(written, nl=False)
        return
    with writing(asked.out):
        asked.out.parent.mkdir(parents=True, exist_ok=True)
        asked.out.write_text(written, encoding="utf-8")
    click.echo(f"{summary.headline(result)}; written to {asked.out}", err=True)


def _quiet_aborted_programs() -> None:
    """Say nothing of a program that the engine left half-way, which it does on the first error and on Ctrl-C.

    The SDK's coroutines are then collected after their loop is closed, also at the very end of the process, and Python
    would print a traceback for each. A killed engine breaks off its events, of which the SDK warns.
    """
    warnings.filterwarnings("ignore", message="Error in event stream", module="pulumi.automation")
    told = sys.unraisablehook

    def hook(about: Any) -> None:
        if not getattr(about.object, "__qualname__", "").startswith(("run_in_stack", "run_pulumi_func")):
            told(about)

    sys.unraisablehook = hook
