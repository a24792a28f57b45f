"""The command line. It reads arguments and prints; what it does stands in the modules that it calls.

Exit codes: 0 fine, 1 a tool failed or a bug of ours, 2 wrong input, 3 a mandatory finding, 4 a failed act,
130 interrupted.
"""

from __future__ import annotations

import gc
import sys
from pathlib import Path
from typing import Any

import click
from rich.console import Console

from trellis.cli_charts import charts
from trellis.cli_common import (
    BLOCKED,
    INTERRUPTED,
    TOOL_FAILED,
    WRONG_INPUT,
    Codes,
    as_of_option,
    known_errors,
    writing,
)
from trellis.cli_engine import Asked, destroy, engine_options, policy_options, refresh, run_engine, up, with_options
from trellis.cli_rehearse import rehearse
from trellis.cli_sandbox import sandbox
from trellis.preview import preview_environment, stacks


class _Commands(click.Group):
    """Ctrl-C ends with the exit code that shells give it; click alone would say 1, as if a tool had failed."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt:
            click.echo("interrupted", err=True)
            sys.exit(INTERRUPTED)


def _short_lived() -> None:
    """Leave garbage to the end of the process.

    A preview makes a million small objects and ends in seconds; each full collection would walk all modules of the SDK,
    which takes a fifth of the time.
    """
    gc.disable()


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="trellis-platform", prog_name="trellis")
def main() -> None:
    """Trellis: an AI/ML platform as one typed stack that proves itself before anyone pays."""


@main.command()
@click.argument("stack")
@click.option("--format", "form", type=click.Choice(["text", "json", "markdown"]), default="text", show_default=True)
@click.option("--out", type=click.Path(dir_okay=False, path_type=Path), help="Write to a file instead of the screen.")
@as_of_option
@click.option("--engine", is_flag=True, help="Compare with the live state, in the real engine.")
@with_options(*engine_options, *policy_options)
@known_errors()
def preview(stack: str, form: Any, out: Path | None, as_of: str, engine: bool, **asked: Any) -> None:
    """Show what `pulumi up` would create for STACK, what it costs and which rules it breaks. Asks no cloud.

    With --engine it shows how that differs from what is there, as the state of STACK has it. The options from --target
    on are only for that.
    """
    no_pack, pack = asked.pop("no_policy_pack"), asked.pop("policy_pack")
    if engine:
        run_engine(
            "preview",
            Asked(stack=stack, form=form, out=out, as_of=as_of, policy_pack=None if no_pack else pack, **asked),
        )
    if any(asked.values()) or no_pack:
        raise click.UsageError("--target, --event-log, --parallel and --no-policy-pack are for --engine: add it")
    _short_lived()
    # These pull in rules, prices and the SDK; --help must not wait for them.
    from trellis.judge import judge
    from trellis.report import machine, markdown, text

    judged = judge(*preview_environment(stack, as_of=as_of))
    writers = {"text": text.to_text, "json": machine.to_json, "markdown": markdown.to_markdown}
    if out is not None:
        with writing(out):
            out.parent.mkdir(parents=True, exist_ok=True)
            out.write_text(writers[form](judged), encoding="utf-8")
        click.echo(f"{stack}: {judged.verdict}; written to {out}", err=True)
    elif form == "text" and sys.stdout.isatty():
        text.render(judged, Console(highlight=False))
    else:
        click.echo(writers[form](judged), nl=False)
    sys.exit(BLOCKED if judged.report.mandatory else 0)


@main.command()
@click.argument("stack")
@click.option("--out", type=click.Path(file_okay=False, path_type=Path), required=True, help="Folder to write to.")
@as_of_option
@known_errors()
def render(stack: str, out: Path, as_of: str) -> None:
    """Write the Kubernetes objects of STACK as YAML files, one folder for each wave of each cluster.

    Files that end in .release tell what Helm would install; they are no Kubernetes objects.
    """
    from trellis.manifests import write

    _short_lived()
    plan, _ = preview_environment(stack, as_of=as_of)
    with writing(out):
        count = write(plan, out)
    click.echo(f"{stack}: {count} files below {out}", err=True)


@main.command()
def doctor() -> None:
    """Say what this machine lacks, and what works without it."""
    from trellis.doctor import report

    click.echo(report())


@main.command("list")
def list_() -> None:
    """List the stacks."""
    for stack in stacks():
        click.echo(stack)


@main.command()
@click.option("--check", is_flag=True, help="Write nothing; exit 1 when a file is stale.")
def generate(check: bool) -> None:
    """Write the generated files anew: JSON Schema, references, policy configuration."""
    from trellis.generated import stale, write_all

    changed = stale() if check else write_all()
    for path in changed:
        click.echo(f"{'stale' if check else 'written'}: {path}")
    sys.exit(1 if check and changed else 0)


@main.group()
def toolchain() -> None:
    """Tools beyond Python: the Pulumi engine, Helm, Kubernetes' control plane."""


def _codes() -> Codes:
    from trellis.toolchain import ToolUnavailableError
    from trellis.toolchain_rows import UnknownToolError

    return {UnknownToolError: WRONG_INPUT, ToolUnavailableError: TOOL_FAILED}


@toolchain.command()
@click.argument("names", nargs=-1, metavar="[TOOL]...")
@known_errors(_codes)
def install(names: tuple[str, ...]) -> None:
    """Find, download or build each TOOL (default: all): minutes for each where it must be built."""
    from trellis.toolchain import ensure
    from trellis.toolchain_rows import tool, tools

    for name in [tool(name).name for name in names] or tools():
        click.echo(f"{name}: {ensure(name)}")


@toolchain.command("list")
def list_tools() -> None:
    """Say which tools there are, in which version, and where each is."""
    from tabulate import tabulate

    from trellis.toolchain import listing

    rows = [[row.name, row.version, str(path or "missing"), row.needed_for] for row, path in listing()]
    click.echo(
        tabulate(rows, headers=["tool", "version", "here", "needed for"], tablefmt="simple", disable_numparse=True)
    )


for command in (charts, sandbox, up, refresh, destroy, rehearse):
    main.add_command(command)

if __name__ == "__main__":
    main()
