"""Finds out which version a tool is: it is asked, or, where it has no answer, what Go wrote into it is read."""

from __future__ import annotations

import mmap
import os
import re
import subprocess
import tempfile
from pathlib import Path

from trellis.toolchain_rows import Tool

_ANSWER_SECONDS = 60
"""A tool that does not tell its version in this time is taken for broken."""
_VERSION = r"v?(\d+\.\d+\.\d+(?:-[0-9A-Za-z.-]+)?)"


def version_of(wanted: Tool, binary: Path) -> str | None:
    """The version of a tool; None when it is absent, broken or has none."""
    if not binary.is_file():
        return None
    return _told(wanted, binary) if wanted.says else _built_from(wanted, binary)


def _told(wanted: Tool, binary: Path) -> str | None:
    # Even `pulumi version` writes a log into its home folder; that folder is the user's and stays as it is.
    with tempfile.TemporaryDirectory(prefix="trellis-") as home:
        env = {**os.environ, "PULUMI_HOME": home, "PULUMI_SKIP_UPDATE_CHECK": "true"}
        try:
            answer = subprocess.run(  # noqa: S603 - the path is one that we found or made, without a shell
                [str(binary), *wanted.says],
                env=env,
                capture_output=True,
                text=True,
                timeout=_ANSWER_SECONDS,
                check=True,
            )
        except (OSError, subprocess.SubprocessError):
            return None
    match = re.search(rf"(?<![\w.]){_VERSION}", answer.stdout)
    return match.group(1) if match else None


def _built_from(wanted: Tool, binary: Path) -> str | None:
    """The version of the tool's module as every Go program carries it, in lines as `go version -m` shows them."""
    if wanted.go is None or not os.access(binary, os.X_OK):
        return None
    line = rf"\n(?:mod|dep)\t{re.escape(wanted.go.module)}\t{_VERSION}[\t\n]"
    try:
        with binary.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
            match = re.search(line.encode(), content)
            return match.group(1).decode() if match else None
    except (OSError, ValueError):  # an empty file cannot be mapped
        return None
