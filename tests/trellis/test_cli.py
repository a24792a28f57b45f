"""The command line's promises beyond its reports: exit codes, files that cannot be written, narrow terminals."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from rich.console import Console

from tests.support.stacks import judged
from trellis import cli
from trellis.cli_common import WRONG_INPUT
from trellis.report.text import render

AS_OF = ["--as-of", "2026-11-01"]


def test_an_interrupted_command_exits_with_130(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(*_args: Any, **_kwargs: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(cli, "preview_environment", interrupt)
    result = CliRunner().invoke(cli.main, ["preview", "dev"])
    assert (result.exit_code, result.stderr) == (130, "interrupted\n")


@pytest.mark.parametrize("command", ["preview", "render"])
def test_what_cannot_be_written_is_said_in_one_line(command: str, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    result = CliRunner().invoke(cli.main, [command, "local", "--out", str(tmp_path / "file" / "x"), *AS_OF])
    assert result.exit_code == WRONG_INPUT
    assert "cannot be written" in result.stderr
    assert "Traceback" not in result.stderr


def test_out_makes_the_folders_that_are_missing(tmp_path: Path) -> None:
    target = tmp_path / "reports" / "local.json"
    assert CliRunner().invoke(cli.main, ["preview", "local", "--format", "json", "--out", str(target)]).exit_code == 0
    assert target.exists()


@pytest.mark.parametrize("width", [60, 80, 140])
def test_no_width_cuts_anything_off(width: int) -> None:
    buffer = io.StringIO()
    render(judged("prod"), Console(file=buffer, width=width, color_system=None, highlight=False))
    assert "\N{HORIZONTAL ELLIPSIS}" not in buffer.getvalue()
