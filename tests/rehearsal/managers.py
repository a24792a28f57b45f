"""Runs a real controller manager of an add-on against a sandbox, with its admission webhooks, while a test needs it."""

from __future__ import annotations

import base64
import os
import socket
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.support.shared import strict
from trellis.kube.client import wait_for
from trellis.sandbox import Sandbox
from trellis.sandbox.pki import Authority
from trellis.toolchain import ToolUnavailableError, ensure, find

SECONDS = 90
HOST = "127.0.0.1"
CERTIFICATES = Path("k8s-webhook-server/serving-certs")
"""Where controller-runtime looks for the certificate of its webhook server, below the folder for temporary files."""


@dataclass(frozen=True)
class Manager:
    """A manager that runs."""

    port: int
    """Port of its webhook server."""
    authority: str
    """The authority of its certificate, as webhook configurations want it."""
    log: Path

    def webhook(self, name: str, path: str, rules: Mapping[str, Sequence[str]], **more: Any) -> dict[str, Any]:
        """A configuration that calls one of its mutating webhooks."""
        url = f"https://{HOST}:{self.port}{path}"
        one = {
            "name": name,
            "clientConfig": {"url": url, "caBundle": self.authority},
            "rules": [dict(rules)],
            "admissionReviewVersions": ["v1"],
            "sideEffects": "None",
            **more,
        }
        return {
            "apiVersion": "admissionregistration.k8s.io/v1",
            "kind": "MutatingWebhookConfiguration",
            "metadata": {"name": name},
            "webhooks": [one],
        }


def tool_or_skip(name: str) -> Path:
    """A tool that is there; made only where TRELLIS_STRICT=1, since that takes minutes."""
    if find(name) is None and not strict():
        pytest.skip(f"{name} is not here; `trellis toolchain install {name}` brings it")
    try:
        return ensure(name)
    except ToolUnavailableError as error:
        pytest.fail(str(error))


def beside(tool: Path, pattern: str) -> list[dict[str, Any]]:
    """Objects in the files that lie beside a tool: its module's own CRDs and configuration."""
    files = sorted(tool.parent.glob(pattern))
    assert files, f"no {pattern} beside {tool}: a tool on PATH has none, so take it off PATH"
    return [one for file in files for one in yaml.safe_load_all(file.read_text()) if one]


def free_port() -> int:
    """A port that was free a moment ago."""
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])


@contextmanager
def running(tool: Path, sandbox: Sandbox, folder: Path, port: int, *arguments: str) -> Iterator[Manager]:
    """A manager as the sandbox's administrator, from when its webhook server answers until the block ends."""
    authority = Authority("webhooks")
    certificates = folder / CERTIFICATES
    certificates.mkdir(parents=True)
    authority.server("webhooks", (HOST,)).write(certificates, "tls")
    log = folder / "manager.log"
    env = {"PATH": os.environ["PATH"], "KUBECONFIG": str(sandbox.kubeconfig), "TMPDIR": str(folder)}
    with log.open("wb") as out:
        process = subprocess.Popen([str(tool), *arguments], cwd=folder, env=env, stdout=out, stderr=out)  # noqa: S603 - no shell

    def listening() -> bool:
        assert process.poll() is None, log.read_text(errors="replace")[-3000:]
        with suppress(OSError), socket.create_connection((HOST, port), 1):
            return True
        return False

    try:
        wait_for(listening, SECONDS, f"{tool.name} to listen")
        yield Manager(port, base64.b64encode(authority.certificate).decode(), log)
    finally:
        process.kill()
        process.wait()
