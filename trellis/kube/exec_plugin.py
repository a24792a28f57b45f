"""A program that a kubeconfig asks for a credential, such as `aws eks get-token`; run when the last one has expired."""

from __future__ import annotations

import json
import os
import subprocess
import threading
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from trellis.kube.client import Identity

_VERSIONS = ("client.authentication.k8s.io/v1beta1", "client.authentication.k8s.io/v1")
_SECONDS = 60
"""A program that asks a cloud needs a second or two; none here may ask a person."""


class CredentialError(OSError):
    """A program gave no credential; the message says which, and why."""


class ExecPlugin:
    """The program of one kubeconfig user. For any number of threads, which share its credential."""

    def __init__(
        self,
        spec: Mapping[str, Any],
        cluster: Mapping[str, Any],
        environment: Mapping[str, str],
        write: Callable[[bytes], Path],
    ) -> None:
        """`environment` is added to ours and yields to what the kubeconfig sets; `write` keeps a secret in a file."""
        self._spec = spec
        self._cluster = cluster
        self._environment = environment
        self._write = write
        self._lock = threading.Lock()
        self._known: Identity | None = None
        self._until: datetime | None = None

    def identity(self, anew: bool = False) -> Identity:
        """The credential, asked for when there is none, when it has expired, or `anew`. Raises `CredentialError`."""
        with self._lock:
            expired = self._until is not None and datetime.now(UTC) >= self._until
            if self._known is None or expired or anew:
                self._known, self._until = self._ask()
            return self._known

    def _ask(self) -> tuple[Identity, datetime | None]:
        version = self._spec.get("apiVersion")
        if version not in _VERSIONS:
            raise CredentialError(f"kubeconfig: exec.apiVersion: {version!r}; known are {' and '.join(_VERSIONS)}")
        said = self._run(str(version))
        try:
            answer = json.loads(said)
            status = answer["status"]
            until = status.get("expirationTimestamp")
            if answer["kind"] != "ExecCredential" or answer["apiVersion"] != version:
                raise ValueError(f"it is {answer['kind']} of {answer['apiVersion']}")
            return self._identity(status), datetime.fromisoformat(until) if until else None
        except (ValueError, KeyError, TypeError) as error:
            raise CredentialError(f"{self._command}: its answer is no ExecCredential of {version}: {error}") from error

    def _identity(self, status: Mapping[str, Any]) -> Identity:
        certificate, key = status.get("clientCertificateData"), status.get("clientKeyData")
        if certificate and key:
            return Identity(status.get("token"), self._write(certificate.encode()), self._write(key.encode()))
        if not status.get("token"):
            raise ValueError("it holds neither a token nor a certificate with its key")
        return Identity(status["token"])

    @property
    def _command(self) -> str:
        return " ".join(map(str, [self._spec.get("command"), *self._spec.get("args", [])]))

    def _run(self, version: str) -> str:
        about: dict[str, Any] = {"interactive": False}
        if self._spec.get("provideClusterInfo"):
            about["cluster"] = dict(self._cluster)
        told = {"apiVersion": version, "kind": "ExecCredential", "spec": about}
        own = {row["name"]: row["value"] for row in self._spec.get("env") or []}
        environment = {**os.environ, **self._environment, **own, "KUBERNETES_EXEC_INFO": json.dumps(told)}
        argv = [str(self._spec.get("command")), *map(str, self._spec.get("args") or [])]
        try:
            done = subprocess.run(  # noqa: S603 - the kubeconfig's own program, as every client runs it
                argv, env=environment, capture_output=True, text=True, timeout=_SECONDS, check=False
            )
        except (FileNotFoundError, PermissionError) as error:
            hint = str(self._spec.get("installHint") or "put it on PATH")
            raise CredentialError(
                f"the kubeconfig asks {argv[0]!r} for a credential: {error.strerror}; {hint}"
            ) from error
        except subprocess.TimeoutExpired as error:
            raise CredentialError(f"{self._command}: gave no credential within {_SECONDS} s") from error
        if done.returncode:
            raise CredentialError(f"{self._command}: exit code {done.returncode}: {done.stderr.strip()[-500:]}")
        return done.stdout
