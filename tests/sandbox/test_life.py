"""A sandbox comes up, stands beside others, and is gone however it or its owner ends."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from requests import RequestException

from tests.sandbox.conftest import gone, processes
from trellis.kube.client import ApiError
from trellis.sandbox import Sandbox, SandboxError, control_plane, down, registry, status, statuses, supervisor
from trellis.sandbox import sandbox as module
from trellis.sandbox.ports import reserved

pytestmark = [pytest.mark.cluster, pytest.mark.usefixtures("tools")]

NAMESPACE = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "one"}}
OWNER = """
import sys, time
from pathlib import Path
from trellis.sandbox import Sandbox
with Sandbox.start("owned", Path(sys.argv[1])):
    print("up", flush=True)
    time.sleep(600)
"""


def component(folder: Path, name: str) -> int:
    """Process id of a component."""
    return next(pid for pid, command in processes(folder).items() if command.split()[0].endswith(f"/{name}"))


@contextlib.contextmanager
def owner(folder: Path, wait: bool = True) -> Iterator[subprocess.Popen[str]]:
    """A process that owns a sandbox in a folder."""
    command = [sys.executable, "-c", OWNER, str(folder)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:  # noqa: S603 - ours
        try:
            assert process.stdout is not None
            if wait:
                assert process.stdout.readline() == "up\n"
            yield process
        finally:
            process.kill()


def test_it_comes_up_and_leaves_nothing(tmp_path: Path) -> None:
    folder = tmp_path / "one"
    with Sandbox.start("one", folder) as sandbox:
        commands = [command.split()[0] for command in processes(folder).values()]
        assert {Path(command).name for command in commands} >= set(control_plane.BINARIES)
        assert sandbox.api.call("GET", "/version")["gitVersion"] == f"v{sandbox.kubernetes}"
        assert sandbox.kubeconfig.stat().st_mode & 0o077 == 0
        assert [key.name for key in (folder / "pki").glob("*.key") if key.stat().st_mode & 0o077] == []
    assert gone(folder) == {}
    assert not folder.exists()
    sandbox.stop()


def test_two_stand_side_by_side(tmp_path: Path) -> None:
    with Sandbox.start("a", tmp_path / "a") as a, Sandbox.start("b", tmp_path / "b") as b:
        a.api.create(NAMESPACE)
        assert a.layout.server != b.layout.server
        assert b.api.get("v1", "Namespace", "one") is None
        b.stop()
        assert a.api.get("v1", "Namespace", "one") is not None


def test_one_that_is_left_to_its_own_is_found_and_ended(state: Path) -> None:
    started = Sandbox.start("left", attached=False)
    started.release()
    found = status("left")
    assert found is not None
    assert [found] == statuses()
    assert (found.state, found.folder, found.pid) == ("running", state / "left", started.pid)
    with pytest.raises(SandboxError, match=r"runs already, in .*; `trellis sandbox down left` ends it"):
        Sandbox.start("left")
    assert down("left")
    assert gone(state) == {}
    assert statuses() == []
    assert not down("left")


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_it_ends_with_its_owner(tmp_path: Path, number: signal.Signals) -> None:
    folder = tmp_path / "owned"
    with owner(folder) as process:
        assert len(processes(folder)) > len(control_plane.BINARIES)
        process.send_signal(number)
        process.wait(30)
        assert gone(folder) == {}
    assert not folder.exists()


@pytest.mark.parametrize("seconds", [0.5, 1.5, 3])
def test_an_owner_killed_while_it_comes_up_leaves_nothing(tmp_path: Path, seconds: float) -> None:
    folder = tmp_path / "owned"
    with owner(folder, wait=False) as process:
        until = time.monotonic() + 60
        while not (folder / "run.json").exists() and time.monotonic() < until:
            time.sleep(0.02)
        time.sleep(seconds)
        process.kill()
        process.wait()
        assert gone(folder) == {}
    # Whatever files were there at that moment, the name can be used again.
    with Sandbox.start("owned", folder):
        pass
    assert not folder.exists()


def test_ctrl_c_while_it_comes_up_leaves_nothing(tmp_path: Path) -> None:
    folder = tmp_path / "owned"
    with owner(folder, wait=False) as process:
        until = time.monotonic() + 60
        while not processes(folder / "etcd") and time.monotonic() < until:
            time.sleep(0.02)
        process.send_signal(signal.SIGINT)
        process.wait(30)
    assert gone(folder) == {}
    assert not folder.exists()


def test_of_two_that_start_under_one_name_one_wins(tmp_path: Path) -> None:
    folder = tmp_path / "owned"
    with owner(folder, wait=False) as one, owner(folder, wait=False) as other:
        assert one.stdout is not None
        assert other.stdout is not None
        lines = {one.stdout.readline(): one, other.stdout.readline(): other}
        assert set(lines) == {"up\n", ""}
        loser = lines[""]
        assert loser.stderr is not None
        assert "runs already" in loser.stderr.read()
    assert gone(folder) == {}


@pytest.fixture
def portable(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A supervisor that has only what every system has: no parent-death signal."""
    script = tmp_path / "supervisor.py"
    text = Path(supervisor.__file__).read_text()
    assert text.count('sys.platform == "linux"') == 1
    script.write_text(text.replace('sys.platform == "linux"', "False"))
    monkeypatch.setattr(supervisor, "__file__", str(script))


@pytest.mark.usefixtures("portable")
def test_without_the_kernels_help_the_sentinel_ends_all(tmp_path: Path) -> None:
    folder = tmp_path / "one"
    sandbox = Sandbox.start("one", folder)
    try:
        sentinel = next(pid for pid, command in processes(folder).items() if _is_sentinel(command, pid, sandbox))
        os.kill(sentinel, signal.SIGKILL)
        time.sleep(1)  # another takes its place
        os.kill(sandbox.pid, signal.SIGKILL)
        assert set(gone(folder)) <= {sandbox.pid}
    finally:
        sandbox.stop()


def _is_sentinel(command: str, pid: int, sandbox: Sandbox) -> bool:
    return "supervisor.py" in command and pid != sandbox.pid


@pytest.mark.parametrize("attached", [True, False])
def test_a_killed_supervisor_takes_all_with_it(tmp_path: Path, attached: bool) -> None:
    folder = tmp_path / "one"
    sandbox = Sandbox.start("one", folder, attached=attached)
    os.kill(sandbox.pid, signal.SIGKILL)
    assert set(gone(folder)) <= {sandbox.pid}
    sandbox.stop()
    assert not folder.exists()


def test_the_end_of_a_component_ends_all_and_is_told(state: Path) -> None:
    sandbox = Sandbox.start("one", attached=False)
    os.kill(component(sandbox.folder, "etcd"), signal.SIGKILL)
    assert gone(state) == {}
    found = status("one")
    assert found is not None
    assert found.state == "failed"
    assert found.failure.startswith("etcd ended with -9")
    sandbox.stop()
    assert statuses() == []


def test_what_a_killed_sandbox_left_is_no_obstacle(state: Path) -> None:
    first = Sandbox.start("one", attached=False)
    os.kill(first.pid, signal.SIGKILL)
    assert set(gone(state)) <= {first.pid}
    first._process.wait()
    found = status("one")
    assert found is not None
    assert found.state == "stopped"
    with Sandbox.start("one") as second:
        assert second.api.get("v1", "Namespace", "default") is not None


def test_a_taken_port_is_an_error_and_a_free_one_is_used(tmp_path: Path) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        with pytest.raises(SandboxError, match=f"port {port} on 127.0.0.1 is taken; name another"):
            Sandbox.start("one", tmp_path / "one", port=port)
    assert not (tmp_path / "one").exists()
    with Sandbox.start("one", tmp_path / "one", port=port) as sandbox:
        assert sandbox.layout.server == f"https://127.0.0.1:{port}"


def test_nobody_else_is_given_a_reserved_port() -> None:
    with reserved(None, None) as ports, socket.socket() as other:
        assert len(set(ports)) == 2
        with pytest.raises(OSError, match="in use"):
            other.bind(("127.0.0.1", ports[0]))


def test_another_kubernetes_is_an_error_that_names_ours(tmp_path: Path) -> None:
    with pytest.raises(SandboxError, match=r"Kubernetes 1\.29 cannot be had: tools/versions\.yaml names 1\.\d+\.\d+"):
        Sandbox.start("one", tmp_path / "one", kubernetes_version="1.29")


def test_a_folder_with_something_else_in_it_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("mine")
    with pytest.raises(SandboxError, match="is not empty and no sandbox's"):
        Sandbox.start("one", tmp_path)
    assert (tmp_path / "thesis.txt").read_text() == "mine"


@pytest.mark.parametrize("name", ["", "Dev", "../up", "a/b", "-a", "a" * 41])
def test_a_name_that_is_no_folder_name_is_an_error(name: str) -> None:
    with pytest.raises(SandboxError, match="cannot name a sandbox"):
        registry.home(name)


def test_a_control_plane_that_does_not_come_up_is_told_with_its_log(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    good = control_plane.phases

    def broken(layout: control_plane.Layout, tools: Mapping[str, Path]) -> list[dict[str, Any]]:
        made = good(layout, tools)
        made[0]["components"][1]["argv"].append("--no-such-flag")
        return made

    monkeypatch.setattr(module, "phases", broken)
    with pytest.raises(SandboxError, match=r"(?s)ended while it came up.*kube-apiserver ended with 1.*no-such-flag"):
        Sandbox.start("one", tmp_path / "one")
    assert gone(tmp_path / "one") == {}
    assert not (tmp_path / "one").exists()


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of 700 MiB."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = shutil.which("mount")
    made = mount and subprocess.run([mount, "-t", "tmpfs", "-o", "size=700m", "tmpfs", str(folder)], check=False)  # noqa: S603
    if not made or made.returncode != 0:
        pytest.skip("only root may mount the small disk that this test fills")
    yield folder
    subprocess.run(["umount", "--lazy", str(folder)], check=True)  # noqa: S603, S607 - ours


def test_a_full_disk_is_an_error_at_the_start(small_disk: Path) -> None:
    (small_disk / "ballast").write_bytes(bytes(300 << 20))
    with pytest.raises(SandboxError, match=r"has \d+ MiB free and a sandbox needs 512; make room"):
        Sandbox.start("one", small_disk / "one")
    assert [path.name for path in small_disk.iterdir()] == ["ballast"]


def test_a_disk_that_fills_up_leaves_no_process(small_disk: Path) -> None:
    folder = small_disk / "one"
    with Sandbox.start("one", folder) as sandbox:
        with (small_disk / "ballast").open("wb") as ballast, contextlib.suppress(OSError):
            while True:
                ballast.write(bytes(1 << 20))
        data = {"blob": "x" * 900_000}
        with pytest.raises((ApiError, RequestException)):  # noqa: PT012 - which of the writes fails depends on the disk
            for number in range(300):
                meta = {"name": f"blob-{number}", "namespace": "default"}
                sandbox.api.create({"apiVersion": "v1", "kind": "ConfigMap", "metadata": meta, "data": data})
    assert gone(folder) == {}
    assert [path.name for path in small_disk.iterdir()] == ["ballast"]


def test_the_command_starts_lists_and_ends(state: Path) -> None:
    def trellis(*arguments: str) -> subprocess.CompletedProcess[str]:
        command = [str(Path(sys.executable).with_name("trellis")), "sandbox", *arguments]
        return subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 - ours

    started = trellis("up", "mine", "--stack", "local", "--at", "limit")
    assert started.returncode == 0, started.stderr
    assert started.stdout == f"export KUBECONFIG={state}/mine/admin.kubeconfig\n"
    listed = json.loads(trellis("status", "--format", "json").stdout)
    assert [(row["name"], row["state"]) for row in listed] == [("mine", "running")]
    assert trellis("up", "mine").returncode == 0
    assert trellis("kubeconfig", "mine").stdout == f"{state}/mine/admin.kubeconfig\n"
    assert trellis("down", "mine").stderr == "sandbox mine: gone\n"
    assert gone(state) == {}
    assert trellis("down", "mine").stderr == "sandbox mine: there was none\n"
    missing = trellis("kubeconfig", "mine")
    assert (missing.returncode, missing.stderr) == (
        1,
        "sandbox 'mine' does not run; `trellis sandbox up mine` starts it\n",
    )
