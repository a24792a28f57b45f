"""What all commands share: exit codes, errors that a person can mend, files to write, the day to judge for."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import wraps
from pathlib import Path
from typing import Any

import click

from trellis.preview import UnknownStackError, today
from trellis.stackfile import StackFileError

TOOL_FAILED = 1
WRONG_INPUT = 2
BLOCKED = 3
ACT_FAILED = 4
INTERRUPTED = 130
Command = Callable[..., None]
Codes = Mapping[type[Exception], int]


def known_errors(codes: Callable[[], Codes] = dict, *, nothing: str = "previewed") -> Callable[[Command], Command]:
    """Print what a person can mend without a traceback, and exit with its code.

    `codes` gives a command's own errors, narrow ones first; it is asked only when something went wrong, because to
    import them may take seconds. `nothing` says what was not done because of a wrong stack file.
    """

    def decorate(command: Command) -> Command:
        @wraps(command)
        def run(*args: Any, **kwargs: Any) -> None:
            try:
                command(*args, **kwargs)
            except BrokenPipeError:
                raise  # whoever read us went away; click ends quietly
            except Exception as error:
                known: Codes = {StackFileError: WRONG_INPUT, UnknownStackError: WRONG_INPUT, **codes()}
                code = next((code for kind, code in known.items() if isinstance(error, kind)), None)
                if code is None:
                    raise
                click.echo(_told(error, nothing), err=True)
                sys.exit(code)

        return run

    return decorate


def _told(error: Exception, nothing: str) -> str:
    if not isinstance(error, StackFileError):
        return str(error)
    count = len(error.problems)
    return f"{error}\n\n{count} mistake{'s' if count != 1 else ''}; nothing was {nothing}."


@contextmanager
def writing(path: Path, option: str = "--out") -> Iterator[None]:
    """Say in one line why the file or folder that an option names cannot be written."""
    try:
        yield
    except OSError as error:
        message = f"{path} cannot be written: {error.strerror}"
        raise click.BadParameter(message, param_hint=option) from error


def _date(_context: click.Context, _parameter: click.Parameter, value: Any) -> str:
    return value.date().isoformat() if value else today()


as_of_option = click.option(
    "--as-of",
    type=click.DateTime(["%Y-%m-%d"]),
    callback=_date,
    help="Day that prices and support ends are judged for (default: today).",
)
