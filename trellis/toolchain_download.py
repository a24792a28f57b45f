"""Fetches a publisher's file, and takes it only when its checksum is the one that the publisher states."""

from __future__ import annotations

import fnmatch
import hashlib
import platform
import re
import shutil
import tarfile
import urllib.error
import urllib.request
import urllib.response
from collections.abc import Callable
from pathlib import Path, PurePosixPath
from urllib.parse import urlsplit

from trellis.toolchain_rows import Download, Tool

CONNECT_SECONDS = 10
"""A machine without internet must not wait long; a silent server in mid-transfer is given up after the same time."""
_CHUNK = 1 << 20
_ARCHES = {"x86_64": "amd64", "amd64": "amd64", "aarch64": "arm64", "arm64": "arm64"}


class DownloadError(Exception):
    """What went wrong, in one line."""


def here() -> tuple[str, str]:
    """Operating system and architecture of this machine in Go's words."""
    machine = platform.machine().lower()
    return platform.system().lower(), _ARCHES.get(machine, machine)


def download(tool: Tool, folder: Path, progress: Callable[[str], None]) -> Path:
    """Fetch a tool into an empty folder and return its path there. Raises `DownloadError`."""
    source = tool.download
    if source is None:
        raise DownloadError("its publisher's files have no known checksum")
    system, arch = here()
    if source.platforms is not None and f"{system}/{arch}" not in source.platforms:
        raise DownloadError(f"its publisher has none for {system}/{arch}")
    words = {"os": source.os.get(system, system), "arch": source.arch.get(arch, arch)}
    url = tool.fill(source.url, **words)
    name = urlsplit(url).path.rpartition("/")[2]
    wanted = _checksum(tool.fill(source.checksums, **words), name)
    progress(f"downloading {tool.name} {tool.version} from {urlsplit(url).hostname}")
    file = folder / f"{name}.download"
    got = _fetch(url, file)
    if got != wanted:
        raise DownloadError(f"{url} has the checksum {got}, its publisher states {wanted}")
    binary = folder / tool.name
    _unpack(source, tool.fill(source.members or "", **words), file, binary)
    binary.chmod(0o755)
    return binary


def _checksum(url: str, name: str) -> str:
    try:
        with _open(url) as answer:
            text = str(answer.read(_CHUNK), "utf-8", "replace")
    except (OSError, ValueError) as error:
        raise DownloadError(f"{url}: {_reason(error)}") from error
    for line in text.splitlines():
        words = line.split()
        alone = len(words) == 1 and len(text.split()) == 1
        if words and re.fullmatch(r"[0-9a-f]{64}", words[0]) and (alone or words[-1].lstrip("*") == name):
            return words[0]
    raise DownloadError(f"{url} names no SHA-256 checksum of {name}")


def _fetch(url: str, file: Path) -> str:
    digest = hashlib.sha256()
    try:
        with _open(url) as answer, file.open("wb") as target:
            while chunk := answer.read(_CHUNK):
                digest.update(chunk)
                target.write(chunk)
    except (OSError, ValueError) as error:
        raise DownloadError(f"{url}: {_reason(error)}") from error
    return digest.hexdigest()


def _open(url: str) -> urllib.response.addinfourl:
    # The addresses stand in tools/versions.yaml, which is part of the program.
    answer: urllib.response.addinfourl = urllib.request.urlopen(url, timeout=CONNECT_SECONDS)  # noqa: S310
    return answer


def _reason(error: Exception) -> str:
    if isinstance(error, urllib.error.URLError) and not isinstance(error, urllib.error.HTTPError):
        return str(error.reason)  # without the words around it
    return str(error) or type(error).__name__


def _unpack(source: Download, members: str, file: Path, binary: Path) -> None:
    """Put the wanted files of an archive beside `binary`, flat: paths in an archive lead nowhere."""
    if source.members is None:
        file.rename(binary)
        return
    try:
        with tarfile.open(file) as archive:
            for member in archive:
                content = archive.extractfile(member) if member.isfile() else None
                if content is not None and fnmatch.fnmatch(member.name.removeprefix("./"), members):
                    target = binary.parent / PurePosixPath(member.name).name
                    with target.open("wb") as out:
                        shutil.copyfileobj(content, out)
                    target.chmod(0o755)
    except (OSError, tarfile.TarError) as error:
        raise DownloadError(f"{file.name.removesuffix('.download')} cannot be unpacked: {error}") from error
    if not binary.is_file():
        raise DownloadError(f"there is no {members} in {file.name.removesuffix('.download')}")
    file.unlink()
