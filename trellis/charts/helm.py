"""Runs Helm: with the user's credentials where it fetches, shut off from everything where it renders."""

from __future__ import annotations

import os
import re
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from urllib.parse import urlsplit

from trellis.charts.rows import Chart

_FETCH_SECONDS = 300
_RENDER_SECONDS = 120
_NOWHERE = "http://127.0.0.1:9"
"""A proxy that nobody answers at: whatever a chart would ask the network for while it is rendered fails at once."""


class HelmError(Exception):
    """Helm refused; the text is its own reason, on one line."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.missing = "not found" in message.lower()
        """Whether the origin was reached and has no such chart or version."""


def pull(helm: Path, chart: Chart, target: Path) -> Path:
    """Fetch a chart into an empty folder. Raises `HelmError`."""
    _fetching(helm, ["pull", *_address(chart), "--version", chart.version, "--destination", str(target)])
    found = sorted(target.glob("*.tgz"))
    if len(found) != 1:
        raise HelmError(f"Helm wrote {len(found)} archives where one was expected")
    return found[0]


def best(helm: Path, chart: Chart, constraint: str) -> str | None:
    """The highest version at the chart's origin within a constraint such as `<1.2.0`; None where there is none."""
    try:
        shown = _fetching(helm, ["show", "chart", *_address(chart), "--version", constraint])
    except HelmError:
        return None
    version = re.search(r"^version: *['\"]?([^'\"\s]+)", shown, re.MULTILINE)
    return version[1] if version else None


def template(helm: Path, arguments: Sequence[str], values: str) -> str:
    """Render an archive with values (JSON). Asks no cluster and no network. Raises `HelmError`."""
    with tempfile.TemporaryDirectory(prefix="trellis-helm-") as home:
        env = {name: str(Path(home, name)) for name in ("HOME", *_HELM_FOLDERS)}
        env |= dict.fromkeys(("HTTP_PROXY", "HTTPS_PROXY"), _NOWHERE) | {"KUBECONFIG": os.devnull}
        return _run([str(helm), "template", *arguments, "--values", "-"], env, _RENDER_SECONDS, values)


_HELM_FOLDERS = ("HELM_CACHE_HOME", "HELM_CONFIG_HOME", "HELM_DATA_HOME")


def _fetching(helm: Path, arguments: Sequence[str]) -> str:
    """Run with the user's own configuration (logins, proxies), but leave no index or chart in the user's caches."""
    with tempfile.TemporaryDirectory(prefix="trellis-helm-") as home:
        caches = {name: str(Path(home, name)) for name in _HELM_CACHES}
        return _run([str(helm), *arguments], {**os.environ, **caches}, _FETCH_SECONDS)


_HELM_CACHES = ("HELM_CACHE_HOME", "HELM_REPOSITORY_CACHE", "HELM_CONTENT_CACHE")


def _run(command: Sequence[str], env: Mapping[str, str], seconds: int, stdin: str = "") -> str:
    try:
        done = subprocess.run(  # noqa: S603 - the toolchain's Helm, without a shell
            command, env=dict(env), input=stdin, capture_output=True, text=True, timeout=seconds, check=False
        )
    except subprocess.TimeoutExpired as error:
        raise HelmError(f"Helm did not end within {seconds} s") from error
    if done.returncode != 0:
        raise HelmError(_reason(done.stderr))
    return done.stdout


def _address(chart: Chart) -> list[str]:
    """Where a chart is, in Helm's words. As with container tools, a registry on loopback needs no TLS."""
    if not chart.is_oci:
        return [chart.name, "--repo", chart.origin]
    host = urlsplit(chart.origin).hostname
    return [chart.origin, *(["--plain-http"] if host in {"localhost", "127.0.0.1", "::1"} else [])]


def _reason(stderr: str) -> str:
    """What follows Helm's `Error:`, on one line."""
    _, _, said = stderr.rpartition("Error: ")
    return " ".join((said or stderr).split()) or "Helm failed and did not say why"
