"""`trellis charts`: the local cache of Helm charts, so that a preview can show what a release installs."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from trellis.cli_common import TOOL_FAILED, WRONG_INPUT, Codes, known_errors

if TYPE_CHECKING:
    from trellis.charts.pull import Outcome


def _codes() -> Codes:
    from trellis.charts.lock import LockError
    from trellis.charts.rows import UnknownChartError
    from trellis.toolchain import ToolUnavailableError

    return {UnknownChartError: WRONG_INPUT, LockError: TOOL_FAILED, ToolUnavailableError: TOOL_FAILED}


@click.group()
def charts() -> None:
    """Helm charts of the catalogue: a local cache, locked by digest, that previews open releases from."""


@charts.command()
@click.argument("names", nargs=-1, metavar="[CHART]...")
@click.option(
    "--from",
    "folder",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="Take the archives (.tgz) from this folder and leave the network alone.",
)
@known_errors(_codes)
def pull(names: tuple[str, ...], folder: Path | None) -> None:
    """Bring each CHART (default: all) into the cache; what is there already is not fetched again.

    A chart that was never pulled is locked now; one whose bytes differ from what is locked is refused.
    """
    from trellis.charts.pull import pull as fetch
    from trellis.charts.rows import charts as rows
    from trellis.charts.rows import named
    from trellis.toolchain import to_stderr

    _tell(fetch(named(names, rows()), to_stderr, folder))


@charts.command()
@click.argument("names", nargs=-1, metavar="[CHART]...")
@known_errors(_codes)
def lock(names: tuple[str, ...]) -> None:
    """Lock each CHART as its origin serves it now, whatever was locked before.

    Without a name: lock what is not locked yet, and drop versions that the catalogue no longer has.
    """
    from trellis.charts.pull import relock
    from trellis.charts.rows import charts as rows
    from trellis.charts.rows import named
    from trellis.toolchain import to_stderr

    _tell(relock(named(names, rows()), rows(), to_stderr, again=bool(names)))


def _tell(outcomes: list[Outcome]) -> None:
    """What is there, then all that is not, one line for each chart."""
    wrong = [one for one in outcomes if one.problem]
    for one in outcomes:
        if not one.problem:
            click.echo(f"{one.chart.name} {one.chart.version}: sha256:{one.digest} {one.how}")
    for one in wrong:
        click.echo(f"{one.chart}: {one.problem}", err=True)
    if wrong:
        click.echo(
            f"{len(wrong)} of {len(outcomes)} charts could not be had. On a machine without internet, fetch the "
            "archives elsewhere (`helm pull`) and give their folder with `trellis charts pull --from DIR`.",
            err=True,
        )
        sys.exit(1)


@charts.command("list")
@click.option("--format", "form", type=click.Choice(["text", "json", "markdown"]), default="text", show_default=True)
@known_errors(_codes)
def list_(form: str) -> None:
    """Say for each chart of the catalogue whether it is locked and in the cache, and if not, why."""
    from tabulate import tabulate

    from trellis.charts.listing import listing

    found = listing()
    if form == "json":
        click.echo(json.dumps([row.document() for row in found], indent=2))
        return
    rows = [
        [row.chart.name, row.chart.version, row.digest[:12] or "-", row.problem or "yes", row.chart.origin]
        for row in found
    ]
    head = ["chart", "version", "locked", "in the cache", "origin"]
    style = "github" if form == "markdown" else "simple"
    click.echo(tabulate(rows, headers=head, tablefmt=style, disable_numparse=True))
