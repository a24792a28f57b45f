"""Helm releases: what a rehearsal must provide for them, and the least that does."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from typing import Any, Protocol

from trellis.doubles.differences import Difference, differences
from trellis.doubles.errors import Refused
from trellis.doubles.kubernetes.session import Session
from trellis.doubles.provider import Ask, Bag, Found
from trellis.doubles.wire import reveal
from trellis.kube.client import ApiError

RELEASE = "kubernetes:helm.sh/v3:Release"
_CONFLICT = 409


class Releases(Protocol):
    """What the resources of type `kubernetes:helm.sh/v3:Release` do, on the cluster of a session."""

    def check(self, session: Session | None, ask: Ask) -> tuple[Bag, Mapping[str, str]]:
        """Inputs with defaults filled in, and what is wrong with them: property -> reason."""

    def create(self, session: Session, ask: Ask) -> Found:
        """Install a release. Raises `Refused` (an existing one of that name too) or `NotReady`."""

    def read(self, session: Session, ask: Ask) -> Found | None:
        """A release as it is; None when it is gone."""

    def update(self, session: Session, ask: Ask) -> Bag:
        """Upgrade a release; its outputs."""

    def delete(self, session: Session, ask: Ask) -> None:
        """Uninstall a release; one that is gone already is fine."""

    def compare(self, session: Session | None, ask: Ask) -> list[Difference]:
        """What changed between the old inputs and the wanted ones."""


class RecordedReleases:
    """Installs nothing: a release is only the Secret in which Helm keeps it, so that its presence is real."""

    def check(self, _session: Session | None, ask: Ask) -> tuple[Bag, Mapping[str, str]]:
        wrong = {} if ask.inputs.get("chart") else {"chart": "must be given"}
        return {**ask.inputs, "name": ask.inputs.get("name") or ask.name}, wrong

    def create(self, session: Session, ask: Ask) -> Found:
        wanted = reveal(ask.inputs)
        namespace, name = str(wanted.get("namespace") or "default"), str(wanted["name"])
        what = f"Release {name} was not installed"
        with session.told(what):
            if wanted.get("createNamespace"):
                _ensure_namespace(session, namespace)
            try:
                session.api.create(_secret(name, namespace, wanted, revision=1))
            except ApiError as error:
                if error.code == _CONFLICT:
                    raise Refused(f"{what}: cannot re-use a name that is still in use in {namespace}") from error
                raise
        return Found(f"{namespace}/{name}", _outputs(wanted, revision=1))

    def read(self, session: Session, ask: Ask) -> Found | None:
        namespace, _, name = ask.id.rpartition("/")
        with session.told(f"Release {ask.id} was not read"):
            secret = session.api.get("v1", "Secret", _secret_name(name), namespace)
        if secret is None:
            return None
        kept = json.loads(base64.b64decode(secret["data"]["release"]))
        return Found(ask.id, _outputs(kept["inputs"], kept["revision"]))

    def update(self, session: Session, ask: Ask) -> Bag:
        wanted = reveal(ask.inputs)
        namespace, _, name = ask.id.rpartition("/")
        revision = int((ask.outputs.get("status") or {}).get("revision") or 1) + 1
        with session.told(f"Release {name} was not upgraded"):
            if session.api.get("v1", "Secret", _secret_name(name), namespace) is None:
                raise Refused(f"Release {name} has no deployed releases in {namespace}; run a refresh")
            session.api.apply(_secret(name, namespace, wanted, revision))
        return _outputs(wanted, revision)

    def delete(self, session: Session, ask: Ask) -> None:
        namespace, _, name = ask.id.rpartition("/")
        with session.told(f"Release {name} was not uninstalled"):
            session.api.delete("v1", "Secret", _secret_name(name), namespace)

    def compare(self, _session: Session | None, ask: Ask) -> list[Difference]:
        return differences(ask.type, ask.old_inputs, ask.inputs)


def _secret_name(name: str) -> str:
    return f"sh.helm.release.v1.{name}.v1"


def _secret(name: str, namespace: str, wanted: Bag, revision: int) -> dict[str, Any]:
    labels = {"owner": "helm", "name": name, "status": "deployed", "version": str(revision)}
    # Values may hold secrets, and so does Helm's own; that is why it is a Secret.
    held = json.dumps({"inputs": wanted, "revision": revision}, sort_keys=True).encode()
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "type": "helm.sh/release.v1",
        "metadata": {"name": _secret_name(name), "namespace": namespace, "labels": labels},
        "data": {"release": base64.b64encode(held).decode()},
    }


def _ensure_namespace(session: Session, name: str) -> None:
    try:
        session.api.create({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}})
    except ApiError as error:
        if error.code != _CONFLICT:
            raise


def _outputs(wanted: Mapping[str, Any], revision: int) -> Bag:
    status = {
        "name": wanted["name"],
        "namespace": wanted.get("namespace") or "default",
        "chart": wanted.get("chart"),
        "version": wanted.get("version"),
        "revision": revision,
        "status": "deployed",
    }
    return {**wanted, "status": status}
