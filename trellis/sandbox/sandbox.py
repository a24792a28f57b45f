"""Starts and ends a sandbox."""

from __future__ import annotations

import contextlib
import fcntl
import ipaddress
import json
import os
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from requests import RequestException

from trellis.kube.client import Access, Api, ApiError
from trellis.sandbox import supervisor
from trellis.sandbox.control_plane import BINARIES, Layout, phases, write_files
from trellis.sandbox.ports import reserved
from trellis.sandbox.registry import SandboxError, failure_of, holder, home, read, remove, text_of
from trellis.sandbox.supervised import end, supervise
from trellis.toolchain import ensure_all
from trellis.toolchain_rows import tool

READY_SECONDS = 90
"""A control plane that is not up by then will not be; an idle machine needs five seconds."""
FREE_MIB = 512
"""etcd sets 64 MiB aside at a time, and logs, snapshots and indexes want as much again."""
SERVICE_CIDR = "172.20.0.0/16"
_POLL_SECONDS = 0.1

Progress = Callable[[str], None]


@dataclass
class Sandbox:
    """A running control plane. As a context manager it is gone at the end."""

    name: str
    folder: Path
    kubernetes: str
    """Version of the control plane, such as 1.35.4."""
    layout: Layout
    api: Api
    """Its API server, seen as its administrator."""
    _process: subprocess.Popen[bytes]

    @classmethod
    def start(  # noqa: PLR0913 - one place where everything about a sandbox is chosen, by name
        cls,
        name: str,
        folder: Path | None = None,
        *,
        kubernetes_version: str | None = None,
        port: int | None = None,
        service_cidr: str = SERVICE_CIDR,
        attached: bool = True,
        progress: Progress | None = None,
    ) -> Self:
        """Start a control plane and return when it can be used.

        `folder` must not exist or be empty; default: below the user's state folder, where `statuses` finds it.
        `kubernetes_version` is a minor such as 1.35; default: the one that tools/versions.yaml names, and no other
        can be had. `port` is the API server's; default: a free one. An `attached` sandbox ends with this process,
        however this process ends. Raises `SandboxError`, and `ToolUnavailableError` where a tool cannot be had.
        """
        version = _version(kubernetes_version)
        target = home(name) if folder is None else folder
        tools = ensure_all(BINARIES, progress)
        about = {"name": name, "kubernetes": version, "attached": attached}
        try:
            with reserved(port, None) as (api_port, etcd_port):
                layout = Layout(target, api_port, etcd_port, service_cidr)
                process = _begin(layout, about, tools)
                pki = target / "pki"
                api = Api(Access(layout.server, pki / "ca.crt", pki / "admin.crt", pki / "admin.key"))
                try:
                    _await_ready(process, api, target)
                except BaseException:  # Ctrl-C too: what was begun is taken back
                    api.close()
                    _take_back(process, target)
                    raise
        except (_NotReadyError, ValueError, OSError) as error:
            raise SandboxError(f"sandbox {name!r} did not start: {error}") from error
        return cls(name, target, version, layout, api, process)

    @property
    def kubeconfig(self) -> Path:
        """Kubeconfig of its administrator."""
        return self.layout.kubeconfig()

    @property
    def pid(self) -> int:
        """Process id of its supervisor."""
        return self._process.pid

    def as_nobody(self) -> Api:
        """Its API server without any credential."""
        return Api(Access(self.layout.server, self.folder / "pki/ca.crt"))

    def stop(self) -> None:
        """End it and remove its folder. A second time does nothing."""
        self.api.close()
        end(self._process)
        remove(self.folder)

    def release(self) -> None:
        """Leave a sandbox that is not attached to its own."""
        self.api.close()
        self._process.returncode = 0  # keeps Python from warning of a child that still runs, as it shall

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()


class _NotReadyError(Exception):
    """The control plane did not come up."""


def _version(minor: str | None) -> str:
    version = tool("kube-apiserver").version
    ours = version.rpartition(".")[0]
    if minor not in (None, ours):
        raise SandboxError(
            f"Kubernetes {minor} cannot be had: tools/versions.yaml names {version}. Ask for {ours}, or change the "
            "version there and in tools/kubernetes/go.mod"
        )
    return version


def _prepare(name: str, folder: Path) -> None:
    """Make the folder. Raises `SandboxError` when a sandbox or anything else is in it, or when the disk is full."""
    there = read(folder)
    if there is not None and there.state == "running":
        raise SandboxError(f"sandbox {name!r} runs already, in {folder}; `trellis sandbox down {name}` ends it")
    if there is not None:
        remove(folder)  # what a sandbox left that was killed together with its supervisor
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        if any(folder.iterdir()):
            raise SandboxError(f"{folder} is not empty and no sandbox's; name a folder that does not exist")
        free = shutil.disk_usage(folder).free >> 20
    except OSError as error:
        raise SandboxError(f"{folder} cannot be used: {error}") from error
    if free < FREE_MIB:
        folder.rmdir()
        raise SandboxError(
            f"{folder} has {free} MiB free and a sandbox needs {FREE_MIB}; make room, or name another folder"
        )


def _begin(layout: Layout, about: Mapping[str, Any], tools: Mapping[str, Path]) -> subprocess.Popen[bytes]:
    """Make the folder, fill it and start the supervisor; return when that one has the folder's lock."""
    folder = layout.folder
    first_service_ip = str(ipaddress.ip_network(layout.service_cidr)[1])
    with _claimed(folder):
        _prepare(about["name"], folder)
        process: subprocess.Popen[bytes] | None = None
        try:
            run = {**about, "server": layout.server, "phases": phases(layout, tools)}
            # First, so that the folder is known for a sandbox's even if this process is killed next.
            (folder / supervisor.MARKER).write_text(json.dumps(run, indent=1))
            write_files(layout, first_service_ip)
            process = supervise(folder, attached=about["attached"])
            until = time.monotonic() + READY_SECONDS
            while process.poll() is None and holder(folder) is None and time.monotonic() < until:
                time.sleep(_POLL_SECONDS)
        except BaseException:
            _take_back(process, folder)
            raise
    return process


@contextlib.contextmanager
def _claimed(folder: Path) -> Iterator[None]:
    """Keep others from making a sandbox here until ours has its own lock, which it cannot have without a folder."""
    folder.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    parent = os.open(folder.parent, os.O_RDONLY)
    try:
        fcntl.flock(parent, fcntl.LOCK_EX)
        yield
    finally:
        os.close(parent)


def _await_ready(process: subprocess.Popen[bytes], api: Api, folder: Path) -> None:
    """Wait until the controllers work, which is seen by what the first of them made."""
    until = time.monotonic() + READY_SECONDS
    while True:
        if process.poll() is not None:
            said = failure_of(folder) or text_of(folder / "logs" / "supervisor.log")
            raise _NotReadyError(f"its control plane ended while it came up\n{said}")
        with contextlib.suppress(ApiError, RequestException):
            if api.get("v1", "ServiceAccount", "default", "default") and _runs(folder, "kwok"):
                return
        if time.monotonic() > until:
            raise _NotReadyError(f"its control plane was not ready within {READY_SECONDS} s")
        time.sleep(_POLL_SECONDS)


def _runs(folder: Path, component: str) -> bool:
    return (folder / "logs" / f"{component}.log").exists()


def _take_back(process: subprocess.Popen[bytes] | None, folder: Path) -> None:
    """End what was started and remove the folder."""
    if process is not None:
        end(process)
    remove(folder)
