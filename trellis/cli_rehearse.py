"""`trellis rehearse`: the whole life of a stack on this machine."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import click

from trellis.cli_common import ACT_FAILED, TOOL_FAILED, Codes, as_of_option, known_errors, writing
from trellis.paths import ROOT


def _codes() -> Codes:
    from trellis.rehearsal.world import RehearsalError
    from trellis.sandbox.registry import SandboxError
    from trellis.toolchain import ToolUnavailableError

    return dict.fromkeys((RehearsalError, SandboxError, ToolUnavailableError), TOOL_FAILED)


@click.command()
@click.argument("stack")
@click.option(
    "--acts", default="", help="Acts to play, with commas between them, or `all` (default: all but slow ones)."
)
@click.option(
    "--out",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path("rehearsals"),
    show_default=True,
    help="Folder for rehearsal.json and rehearsal.md, in one of its own for each stack.",
)
@as_of_option
@known_errors(_codes, nothing="rehearsed")
def rehearse(stack: str, acts: str, out: Path, as_of: str) -> None:
    """Bring STACK up and down again on this machine: real engine, real control plane, no cloud, no account."""
    from trellis.rehearsal import play
    from trellis.rehearsal.result import Act

    names = [name.strip() for name in acts.split(",") if name.strip()]
    unknown = sorted(set(names) - {*play.ACTS, "all"})
    if unknown:
        raise click.BadParameter(
            f"no act {', '.join(unknown)}; there are: {', '.join(play.ACTS)}, all", param_hint="--acts"
        )

    def done(act: Act) -> None:
        click.echo(f"{act.name:<12} {act.verdict:<18} {act.seconds:6.1f} s  {act.summary}")
        for note in act.notes:
            click.echo(f"{'':<12} {note}")

    tell = play.Tell(progress=lambda line: click.echo(f"... {line}", err=True), done=done)
    evidence = play.rehearse(stack, acts=names, as_of=as_of, commit=_commit(), tell=tell)
    folder = out / stack
    with writing(folder):
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "rehearsal.json").write_text(evidence.to_json(), encoding="utf-8")
        (folder / "rehearsal.md").write_text(evidence.to_markdown(), encoding="utf-8")
    click.echo(f"{stack}: {evidence.verdict}; evidence in {folder}", err=True)
    sys.exit(ACT_FAILED if evidence.verdict == "failed" else 0)


def _commit() -> str:
    """The project's commit; empty where it is no repository or there is no git."""
    try:
        head = _git("rev-parse", "--short=12", "HEAD")
        return f"{head}+" if _git("status", "--porcelain") else head
    except (OSError, subprocess.SubprocessError):
        return ""


def _git(*arguments: str) -> str:
    command = ["git", "-C", str(ROOT), *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()  # noqa: S603 - no shell
