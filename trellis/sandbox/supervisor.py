"""Runs the processes of one sandbox and sees to it that none outlives it. A script of its own, standard library only.

    python -I -S supervisor.py FOLDER

`FOLDER/run.json` says what to start: phases of components, and an address that must answer before the next phase. The
processes end together: when one of them ends, on a signal, when `attached` is set and standard input closes (its other
end is held by the process that owns the sandbox, so the kernel closes it however that process ends), and when this
process itself is killed: a second process, the sentinel, then kills the group; on Linux the kernel does so first.

The lock on `FOLDER/lock` is held for as long as any of these processes can be there.
"""

from __future__ import annotations

import contextlib
import ctypes
import fcntl
import http.client
import json
import os
import select
import shutil
import signal
import ssl
import subprocess
import sys
import time
from pathlib import Path
from types import FrameType
from typing import Any

PAUSE_SECONDS = 0.1
LOG_LINES = 15
GROUP_SECONDS = 5
"""How long the sentinel waits for a killed group to be gone."""
PR_SET_PDEATHSIG = 1
MARKER = "run.json"


class Stopped(Exception):  # noqa: N818 - not an error: somebody wants the sandbox to end
    """The sandbox shall end; `gone` when nobody is left who would remove its folder."""

    def __init__(self, *, gone: bool) -> None:
        super().__init__()
        self.gone = gone


class Failed(Exception):  # noqa: N818 - its text goes to a file
    """A component ended by itself."""


class Supervisor:
    """The processes of one sandbox."""

    def __init__(self, folder: Path, lock: int) -> None:
        self.folder = folder
        self.lock = lock
        self.run: dict[str, Any] = json.loads((folder / MARKER).read_text())
        self.attached = bool(self.run["attached"])
        self.children: dict[str, subprocess.Popen[bytes]] = {}
        self.stopping = False
        self.sentinel = 0
        self.alive = -1  # write end of the pipe whose closing tells the sentinel that this process is gone

    def main(self) -> int:
        """Start everything, and wait for a reason to end. Returns the exit code."""
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(number, self._signalled)
        try:
            self._watch()
            for phase in self.run["phases"]:
                for component in phase["components"]:
                    self._start(component)
                self._await(phase.get("ready"))
            while True:
                self._pause()
        except Stopped as reason:
            self._kill()
            if reason.gone and self.attached:
                shutil.rmtree(self.folder, ignore_errors=True)
            return 0
        except (Failed, OSError) as error:
            self._kill()
            with contextlib.suppress(OSError):  # the disk may be full, which may be why
                (self.folder / "failure.txt").write_text(str(error))
            print(error, file=sys.stderr)
            return 1
        finally:
            self._kill()
            with contextlib.suppress(OSError):
                os.write(self.alive, b".")  # tells the sentinel that there is nothing left to kill

    def _signalled(self, _number: int, _frame: FrameType | None) -> None:
        self.stopping = True

    def _watch(self) -> None:
        """Start a sentinel: it waits for the end of this process and kills what is left of its group."""
        if self.alive >= 0:
            os.close(self.alive)
        told, self.alive = os.pipe()
        group = os.getpgid(0)
        self.sentinel = os.fork()
        if self.sentinel == 0:
            os.close(self.alive)
            os.setsid()
            for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
                signal.signal(number, signal.SIG_IGN)
            if os.read(told, 1) == b"":
                _kill_group(group)
                if self.attached:
                    shutil.rmtree(self.folder, ignore_errors=True)
            os._exit(0)
        os.close(told)

    def _start(self, component: dict[str, Any]) -> None:
        with (self.folder / "logs" / f"{component['name']}.log").open("ab") as log:
            self.children[component["name"]] = subprocess.Popen(  # noqa: S603 - what the library asks for, no shell
                component["argv"],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=self.folder,
                env={**os.environ, **component.get("env", {})},
                preexec_fn=_die_with_parent,  # noqa: PLW1509 - this process has one thread
            )

    def _await(self, ready: dict[str, Any] | None) -> None:
        """Wait until an address answers 200 over verified TLS."""
        if ready is None:
            return
        context = ssl.create_default_context(cafile=ready["ca"])
        while True:
            connection = http.client.HTTPSConnection("127.0.0.1", ready["port"], timeout=5, context=context)
            with contextlib.suppress(OSError, http.client.HTTPException), contextlib.closing(connection):
                connection.request("GET", ready["path"])
                if connection.getresponse().status == http.client.OK:
                    return
            self._pause()

    def _pause(self) -> None:
        """Wait a moment. Raises `Stopped` or `Failed` when there is a reason to end."""
        if self.attached:
            readable, _, _ = select.select([0], [], [], PAUSE_SECONDS)
            if readable and os.read(0, 1) == b"":
                raise Stopped(gone=True)
        else:
            time.sleep(PAUSE_SECONDS)
        if self.stopping:
            raise Stopped(gone=False)
        for name, child in self.children.items():
            status = child.poll()
            if status is not None:
                raise Failed(f"{name} ended with {status}:\n{_tail(self.folder / 'logs' / f'{name}.log')}")
        if os.waitpid(self.sentinel, os.WNOHANG)[0]:
            self._watch()

    def _kill(self) -> None:
        """End all components at once: what they hold is thrown away, so nothing is lost."""
        for child in self.children.values():
            if child.poll() is None:
                child.kill()
        for child in self.children.values():
            child.wait()


def _die_with_parent() -> None:
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def _kill_group(group: int) -> None:
    until = time.monotonic() + GROUP_SECONDS
    while time.monotonic() < until:
        try:
            os.killpg(group, signal.SIGKILL)
        except OSError:
            return
        time.sleep(PAUSE_SECONDS)


def _tail(log: Path) -> str:
    with contextlib.suppress(OSError):
        return "\n".join(log.read_text(errors="replace").splitlines()[-LOG_LINES:])
    return "(its log cannot be read)"


def main() -> int:
    """Take the lock and run. Exit code 75 when another supervisor has this folder."""
    folder = Path(sys.argv[1])
    with contextlib.suppress(OSError):  # refused to the leader of a session, which has a group of its own already
        os.setpgid(0, 0)
    lock = os.open(folder / "lock", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return os.EX_TEMPFAIL
    os.ftruncate(lock, 0)
    os.write(lock, str(os.getpid()).encode())
    return Supervisor(folder, lock).main()


if __name__ == "__main__":
    sys.exit(main())
