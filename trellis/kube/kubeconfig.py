"""Who one is to a cluster, by a kubeconfig: its server, its authority, and a user by certificate, token or program."""

from __future__ import annotations

import base64
import binascii
import itertools
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import yaml

from trellis.kube.client import Access, Api, Identity
from trellis.kube.exec_plugin import ExecPlugin

_KNOWN_TO_CLUSTERS = {"server", "certificate-authority", "certificate-authority-data", "extensions"}
_BY_CERTIFICATE = {"client-certificate", "client-certificate-data", "client-key", "client-key-data"}
_KNOWN_TO_USERS = {*_BY_CERTIFICATE, "token", "tokenFile", "exec"}


class KubeconfigError(ValueError):
    """A kubeconfig that cannot be used; the message names the field and the edit."""


class Connection:
    """A cluster that a kubeconfig leads to. Nothing is asked before `api` is used; `close` removes what was written."""

    def __init__(
        self,
        text: str,
        *,
        context: str | None = None,
        beside: Path | None = None,
        environment: Mapping[str, str] | None = None,
        folder: Path | None = None,
    ) -> None:
        """Read a kubeconfig's text (YAML or JSON).

        `context` is used instead of its current one. Relative paths in it start at `beside`, and are refused without.
        `environment` is added to that of the programs it asks for a credential. What OpenSSL must read is written
        below `folder`, or where temporary files are. Raises `KubeconfigError`.
        """
        document = _parse(text)
        chosen = _entry(document, "context", context or document.get("current-context"))
        self.cluster = _entry(document, "cluster", chosen.get("cluster"))
        self.namespace: str | None = chosen.get("namespace")
        self._user = _entry(document, "user", chosen.get("user")) if chosen.get("user") else {}
        _refuse_unknown("cluster", self.cluster, _KNOWN_TO_CLUSTERS)
        _refuse_unknown("user", self._user, _KNOWN_TO_USERS)
        self._beside = beside
        self._names = itertools.count()
        # Made with mode 0700: certificates and keys are only files because OpenSSL reads nothing else.
        self._folder = tempfile.TemporaryDirectory(prefix="trellis-kube-", dir=folder)
        try:
            self.api = Api(self._access(dict(environment or {})))
        except BaseException:
            self._folder.cleanup()
            raise

    def close(self) -> None:
        """Close its connections and remove the files."""
        self.api.close()
        self._folder.cleanup()

    @property
    def server(self) -> str:
        """Address of the API server."""
        return str(self.cluster["server"])

    def _access(self, environment: Mapping[str, str]) -> Access:
        if not str(self.cluster.get("server", "")).startswith("https://"):
            raise KubeconfigError(
                f"kubeconfig: cluster.server: {self.cluster.get('server')!r} is no https address; "
                "write https://HOST:PORT, for credentials travel on it"
            )
        authority = self._file(self.cluster, "certificate-authority")
        return Access(self.server.rstrip("/"), authority, identity=self._identity(environment))

    def _identity(self, environment: Mapping[str, str]) -> Callable[[bool], Identity]:
        if "exec" in self._user:
            plugin = ExecPlugin(self._user["exec"], self.cluster, environment, self._write)
            return plugin.identity
        certificate, key = self._file(self._user, "client-certificate"), self._file(self._user, "client-key")
        token, token_file = self._user.get("token"), self._user.get("tokenFile")

        def identity(_anew: bool) -> Identity:
            read = self._path("tokenFile", token_file).read_text(encoding="utf-8").strip() if token_file else token
            return Identity(read, certificate, key)

        return identity

    def _file(self, entry: Mapping[str, Any], name: str) -> Path | None:
        """The file that an entry names, or one with the data that stands in it."""
        data = entry.get(f"{name}-data")
        if data:
            try:
                return self._write(base64.b64decode(data, validate=True))
            except (binascii.Error, TypeError) as error:
                raise KubeconfigError(f"kubeconfig: {name}-data is no base64 ({error}); encode the PEM once") from error
        return self._path(name, entry[name]) if entry.get(name) else None

    def _path(self, name: str, value: str) -> Path:
        path = Path(value).expanduser()
        if not path.is_absolute() and self._beside is None:
            raise KubeconfigError(f"kubeconfig: {name}: {value!r} is relative to no file; write {name}-data instead")
        return (self._beside or Path()) / path

    def _write(self, content: bytes) -> Path:
        path = Path(self._folder.name) / f"{next(self._names)}.pem"
        path.touch(mode=0o600)
        path.write_bytes(content)
        return path


def _parse(text: str) -> dict[str, Any]:
    try:
        document = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise KubeconfigError(f"the kubeconfig is no YAML: {error}") from error
    if not isinstance(document, dict) or "clusters" not in document:
        raise KubeconfigError("the kubeconfig has no clusters; give the content of a kubeconfig, or the path of one")
    return document


def _entry(document: Mapping[str, Any], kind: str, name: Any) -> dict[str, Any]:
    entries = {entry["name"]: entry.get(kind) or {} for entry in document.get(f"{kind}s") or []}
    if name not in entries:
        there = ", ".join(sorted(entries)) or "none"
        raise KubeconfigError(f"the kubeconfig has no {kind} {name!r}; there are: {there}")
    found: dict[str, Any] = entries[name]
    return found


def _refuse_unknown(kind: str, entry: Mapping[str, Any], known: set[str]) -> None:
    unknown = sorted(set(entry) - known)
    if unknown:
        raise KubeconfigError(
            f"kubeconfig: {kind}: {', '.join(unknown)}: not supported here; use {', '.join(sorted(known))}"
        )
