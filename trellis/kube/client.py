"""A small client of a real API server: any kind by discovery, server-side apply, errors that say what was refused."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import requests

Manifest = Mapping[str, Any]
_TIMEOUT_SECONDS = 30
_POLL_SECONDS = 0.1
_PATIENCE = 10
"""How often a server that is busy is asked again; it says itself when."""
FIELD_MANAGER = "trellis-sandbox"


class ApiError(Exception):
    """The API server refused a request; `status` is its Status object."""

    def __init__(self, code: int, status: Mapping[str, Any], what: str) -> None:
        self.code = code
        self.status = status
        self.reason = str(status.get("reason", ""))
        self.message = str(status.get("message", ""))
        super().__init__(f"{what}: {code} {self.reason}: {self.message}")


class UnknownKindError(LookupError):
    """The API server does not serve a kind: its CustomResourceDefinition is not installed."""

    def __init__(self, api_version: str, kind: str) -> None:
        super().__init__(f"the API server does not serve {kind} of {api_version}; install its CRD first")


@dataclass(frozen=True)
class Resource:
    """How a kind is addressed."""

    api_version: str
    plural: str
    namespaced: bool

    def path(self, namespace: str | None = None, name: str | None = None) -> str:
        """The path of one object, or of all (in a namespace, or in all of them)."""
        root = f"/apis/{self.api_version}" if "/" in self.api_version else f"/api/{self.api_version}"
        within = f"/namespaces/{namespace}" if self.namespaced and namespace else ""
        return f"{root}{within}/{self.plural}{f'/{name}' if name else ''}"


@dataclass(frozen=True)
class Identity:
    """As whom to speak, where that changes with time: by a token, by a certificate and its key, or by both."""

    token: str | None = field(default=None, repr=False)
    certificate: Path | None = None
    key: Path | None = None


@dataclass(frozen=True)
class Access:
    """Where an API server is, and as whom to speak; without certificate and key as nobody.

    Without `ca` the authorities that this machine trusts are asked. `identity`, called before each request and again
    with True when the server does not know us, says who we are instead of `certificate` and `key`.
    """

    server: str
    ca: Path | None = None
    certificate: Path | None = None
    key: Path | None = None
    identity: Callable[[bool], Identity] | None = None


class Api:
    """An API server, seen as one user. For any number of threads."""

    def __init__(self, access: Access) -> None:
        self.access = access
        self._mine = threading.local()
        self._sessions: list[requests.Session] = []
        self._served: dict[str, dict[str, Resource]] = {}

    def close(self) -> None:
        """Close its connections."""
        while self._sessions:
            self._sessions.pop().close()

    def _session(self) -> requests.Session:
        """This thread's connections: `requests` promises nothing to two threads that share some."""
        found: requests.Session | None = getattr(self._mine, "session", None)
        if found is None:
            found = requests.Session()
            found.trust_env = False  # neither a proxy nor a .netrc has a say
            found.verify = str(self.access.ca) if self.access.ca else True
            if self.access.certificate and self.access.key:
                found.cert = (str(self.access.certificate), str(self.access.key))
            self._mine.session = found
            self._sessions.append(found)
        return found

    def _send(self, method: str, path: str, *, anew: bool = False, **rest: Any) -> requests.Response:
        session = self._session()
        headers = rest.pop("headers")
        if self.access.identity:
            who = self.access.identity(anew)
            session.cert = (str(who.certificate), str(who.key)) if who.certificate and who.key else None
            headers = {**headers, "Authorization": f"Bearer {who.token}"} if who.token else headers
        answer = session.request(method, self.access.server + path, headers=headers, timeout=_TIMEOUT_SECONDS, **rest)
        if answer.status_code == requests.codes.unauthorized and self.access.identity and not anew:
            return self._send(method, path, anew=True, headers=headers, **rest)
        return answer

    def call(self, method: str, path: str, body: Any = None, content: str = "application/json", **query: str) -> Any:
        """One request; returns the answer as data (or text). Raises `ApiError`, and OSError where nobody answers."""
        sent = None if body is None else json.dumps(body)
        headers = {"Content-Type": content, "Accept": "application/json"}
        for tries in range(_PATIENCE):
            answer = self._send(method, path, params=query, data=sent, headers=headers)
            wait = answer.headers.get("Retry-After", "")
            if not wait.isdigit() or answer.ok or tries == _PATIENCE - 1:
                break
            time.sleep(int(wait))
        try:
            data = answer.json()
        except ValueError:
            data = answer.text
        if not answer.ok:
            status = data if isinstance(data, dict) else {"message": str(data)}
            raise ApiError(answer.status_code, status, f"{method} {path}")
        return data

    def resource(self, api_version: str, kind: str) -> Resource:
        """How a kind is addressed. Raises `UnknownKindError`."""
        if kind not in self._served.get(api_version, {}):
            self._served[api_version] = self._discover(api_version)
        found = self._served[api_version].get(kind)
        if found is None:
            raise UnknownKindError(api_version, kind)
        return found

    def _discover(self, api_version: str) -> dict[str, Resource]:
        try:
            rows = self.call("GET", Resource(api_version, "", namespaced=False).path().rstrip("/"))["resources"]
        except ApiError as error:
            if error.code == requests.codes.not_found:
                return {}
            raise
        return {
            row["kind"]: Resource(api_version, row["name"], namespaced=row["namespaced"])
            for row in rows
            if "/" not in row["name"]
        }

    def apply(self, manifest: Manifest, *, dry_run: bool = False, validate: bool = True) -> dict[str, Any]:
        """Apply an object server-side; fields that its schema lacks are an error unless `validate` is off."""
        query = {"fieldManager": FIELD_MANAGER, "force": "true"}
        query["fieldValidation"] = "Strict" if validate else "Ignore"
        if dry_run:
            query["dryRun"] = "All"
        path = self._path(manifest)
        found: dict[str, Any] = self.call("PATCH", path, manifest, "application/apply-patch+yaml", **query)
        return found

    def create(self, manifest: Manifest) -> dict[str, Any]:
        """Create an object."""
        path = self._path(manifest).rpartition("/")[0]
        found: dict[str, Any] = self.call("POST", path, manifest, fieldValidation="Strict")
        return found

    def get(self, api_version: str, kind: str, name: str, namespace: str | None = None) -> dict[str, Any] | None:
        """One object, or None."""
        try:
            found: dict[str, Any] = self.call("GET", self.resource(api_version, kind).path(namespace, name))
        except ApiError as error:
            if error.code == requests.codes.not_found:
                return None
            raise
        return found

    def list(self, api_version: str, kind: str, namespace: str | None = None, **query: str) -> list[dict[str, Any]]:
        """All objects of a kind, in a namespace or in all."""
        found: list[dict[str, Any]] = self.call("GET", self.resource(api_version, kind).path(namespace), **query)[
            "items"
        ]
        return found

    def delete(self, api_version: str, kind: str, name: str, namespace: str | None = None) -> None:
        """Delete an object and, in the background, what it owns. One that is not there is fine."""
        try:
            path = self.resource(api_version, kind).path(namespace, name)
            self.call("DELETE", path, propagationPolicy="Background")
        except ApiError as error:
            if error.code != requests.codes.not_found:
                raise

    def install_crds(self, crds: Iterable[Manifest], seconds: float = 60) -> None:
        """Apply CustomResourceDefinitions and wait until they are served. Raises `TimeoutError`."""
        names = {str(self.apply(crd, validate=False)["metadata"]["name"]) for crd in crds}

        def served() -> bool:
            found = self.list("apiextensions.k8s.io/v1", "CustomResourceDefinition")
            return names <= {crd["metadata"]["name"] for crd in found if _is_true(crd, "Established")}

        wait_for(served, seconds, f"{len(names)} CRDs to be served")

    def _path(self, manifest: Manifest) -> str:
        meta = manifest["metadata"]
        resource = self.resource(manifest["apiVersion"], manifest["kind"])
        return resource.path(meta.get("namespace", "default"), meta["name"])


def wait_for(done: Callable[[], bool], seconds: float, what: str) -> None:
    """Ask again and again. Raises `TimeoutError` that names `what` was waited for."""
    until = time.monotonic() + seconds
    while not done():
        if time.monotonic() > until:
            raise TimeoutError(f"waited {seconds:.0f} s in vain for {what}")
        time.sleep(_POLL_SECONDS)


def _is_true(item: Manifest, condition: str) -> bool:
    conditions = item.get("status", {}).get("conditions") or []  # null at first
    return any(one["type"] == condition and one["status"] == "True" for one in conditions)
