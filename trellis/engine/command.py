"""The Pulumi command line as a child that can be stopped in order, and that never outlives us unasked.

The Automation API starts the command line in our own process group, so that a Ctrl-C in a terminal reaches both at
once and a second one is never ours to give; and it waits for a child that nobody can reach. Here each child has a
session of its own: whoever handles the signal says what happens to it (`interrupt`, `kill`). Where our process is
killed, the kernel tells the child to end in order (Linux only; elsewhere it ends once it asks us for something).
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import IO

from pulumi.automation import CommandResult, PulumiCommand
from pulumi.automation.errors import create_command_error

OnOutput = Callable[[str], object]
_STARTER = Path(__file__).with_name("starter.py")


class Command(PulumiCommand):
    """The command line in one folder (`ROOT/bin/pulumi`), with a hold on what it runs."""

    def __init__(self, root: Path) -> None:
        super().__init__(str(root))
        self._running: set[subprocess.Popen[bytes]] = set()
        self._lock = threading.RLock()  # a signal may come while this very thread holds it

    def interrupt(self) -> None:
        """Ask what runs to cancel in order: it finishes the operations under way, saves its state and ends."""
        self._signal(signal.SIGINT)

    def kill(self) -> None:
        """End what runs at once, with its plugins. Operations under way stay in the state as pending."""
        self._signal(signal.SIGKILL)

    def _signal(self, number: signal.Signals) -> None:
        with self._lock:
            running = list(self._running)
        for process in running:
            with contextlib.suppress(ProcessLookupError):
                if number is signal.SIGKILL:
                    os.killpg(process.pid, number)  # the session's leader leads its group
                else:
                    process.send_signal(number)

    def run(
        self,
        args: list[str],
        cwd: str,
        additional_env: Mapping[str, str],
        on_output: OnOutput | None = None,
        on_error: OnOutput | None = None,
    ) -> CommandResult:
        """Run one command to its end. Raises the Automation API's `CommandError` when it fails.

        Its output goes to files without a name and is told when it has ended: a pipe would break when our process is
        killed, and the engine with it, before it has saved its state.
        """
        if "--non-interactive" not in args:
            args = ["--non-interactive", *args]
        environment = {**os.environ, **additional_env, "PULUMI_AUTOMATION_API": "true"}
        # Plugins that came with the command line lie beside it.
        environment["PATH"] = os.pathsep.join([os.path.dirname(self.command), environment.get("PATH", "")])  # noqa: PTH120 - the SDK keeps it as text
        with _text_file() as out, _text_file() as err:
            code = self._run(args, cwd, environment, (out, err))
            stdout, stderr = _read(out, on_output), _read(err, on_error)
        result = CommandResult(stdout=stdout, stderr=stderr, code=code)
        if result.code != 0:
            raise create_command_error(result)
        return result

    def _run(self, args: list[str], cwd: str, environment: Mapping[str, str], streams: tuple[IO[str], IO[str]]) -> int:
        process = subprocess.Popen(  # noqa: S603 - our own tool, without a shell
            [*_starter(), self.command, *args],
            stdin=subprocess.DEVNULL,
            stdout=streams[0],
            stderr=streams[1],
            cwd=cwd,
            env=environment,
            start_new_session=True,
        )
        with self._lock:
            self._running.add(process)
        try:
            return process.wait()
        except BaseException:
            self.kill()
            process.wait()
            raise
        finally:
            with self._lock:
                self._running.discard(process)


def _starter() -> list[str]:
    """What to start the command line through, so that the kernel tells it of our end."""
    return [sys.executable, "-I", "-S", str(_STARTER), str(os.getpid())] if sys.platform == "linux" else []


def _text_file() -> IO[str]:
    return tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace")


def _read(stream: IO[str], tell: OnOutput | None) -> str:
    """What was written to a stream; each line is told too."""
    stream.seek(0)
    lines = [line.rstrip() for line in stream]
    if tell:
        for line in lines:
            tell(line)
    return "\n".join(lines)
