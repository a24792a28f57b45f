"""The Kubernetes provider of a rehearsal: real objects on a real API server, with the official provider's ways."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from pathlib import Path

from trellis.doubles.differences import Difference, by_the_table, differences
from trellis.doubles.kubernetes import applying, deleting, drift, objects
from trellis.doubles.kubernetes.releases import RELEASE, RecordedReleases, Releases
from trellis.doubles.kubernetes.session import Session, Surroundings, open_session
from trellis.doubles.kubernetes.waiting import Wait, await_ready
from trellis.doubles.provider import Ask, Bag, Double, Found, Hook
from trellis.doubles.wire import has_unknown, reveal
from trellis.kube.client import UnknownKindError


class KubernetesDouble(Double[Session]):
    """Objects of any kind, and Helm releases by way of `releases`. As a context manager it forgets all credentials."""

    def __init__(
        self,
        hook: Hook | None = None,
        releases: Releases | None = None,
        *,
        environment: Mapping[str, str] | None = None,
        kubeconfigs: Mapping[str, Path] | None = None,
        folder: Path | None = None,
    ) -> None:
        """`environment` is added to that of the programs that a kubeconfig asks for a credential.

        `kubeconfigs` gives the file to read in the place of one that a stack names by its path. Credentials are
        written below `folder` (default: where temporary files are), each in a folder of its own for the owner only.
        """
        super().__init__(hook)
        self.releases = releases or RecordedReleases()
        self._around = Surroundings(environment=environment or {}, kubeconfigs=kubeconfigs or {}, folder=folder)
        self._opened: list[Session] = []

    def close(self) -> None:
        """Close all connections and remove the credentials that were written for them."""
        while self._opened:
            opened = self._opened.pop()
            if opened.connection:
                opened.connection.close()

    def __enter__(self) -> KubernetesDouble:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def configure(self, inputs: Bag) -> Session:
        opened = open_session(inputs, self._around)
        self._opened.append(opened)
        return opened

    def check(self, session: Session | None, ask: Ask) -> tuple[Bag, Mapping[str, str]]:
        if ask.type == RELEASE:
            return self.releases.check(session, ask)
        wrong = {key: "must be given" for key in ("apiVersion", "kind") if not ask.inputs.get(key)}
        meta = reveal(ask.inputs).get("metadata") or {}
        if not isinstance(meta, Mapping):
            return ask.inputs, wrong  # known only after deployment
        if meta.get("generateName"):
            wrong["metadata.generateName"] = "is not supported with server-side apply; give a name"
        if str(ask.inputs.get("kind", "")).endswith("List") and not has_unknown(ask.inputs.get("items", [])):
            wrong["kind"] = "a list is no resource; create what it lists"
        return _named(ask), wrong

    def planned(self, session: Session | None, ask: Ask) -> Bag:
        reachable = session is not None and session.connection is not None
        if (
            session
            and reachable
            and ask.type != RELEASE
            and not has_unknown(ask.inputs)
            and not objects.is_patch(ask.type)
        ):
            manager = applying.manager_for(ask.inputs, ask.outputs)
            applying.rehearse(session, ask.type, objects.manifest(ask.inputs), manager, exists=bool(ask.id))
        return super().planned(session, ask)

    def replace_key(self, path: str) -> str:
        return path

    def create(self, session: Session, ask: Ask) -> Found:
        if ask.type == RELEASE:
            return self.releases.create(session, ask)
        manager = applying.manager_for(ask.inputs, {})
        live = applying.create(session, ask.type, objects.manifest(ask.inputs), manager, self.cancelled)
        return Found(objects.identifier(live), self._ready(session, ask, live, manager))

    def update(self, session: Session, ask: Ask) -> Bag:
        if ask.type == RELEASE:
            return self.releases.update(session, ask)
        manager = applying.manager_for(ask.inputs, ask.outputs)
        live = applying.update(session, ask.type, objects.manifest(ask.inputs), manager)
        return self._ready(session, ask, live, manager)

    def _ready(self, session: Session, ask: Ask, live: Bag, manager: str) -> Bag:
        """Wait until an object is ready; its outputs."""

        def kept(now: Bag) -> Bag:
            return objects.outputs(now, ask.inputs, manager)

        return kept(await_ready(Wait(session, ask, self.cancelled), live, kept))

    def read(self, session: Session, ask: Ask) -> Found | None:
        if ask.type == RELEASE:
            return self.releases.read(session, ask)
        namespace, name = objects.split(ask.id)
        known = ask.inputs if ask.inputs.get("kind") else ask.outputs
        api_version, kind = (
            (str(known["apiVersion"]), str(known["kind"])) if known.get("kind") else objects.kind_of(ask.type)
        )
        try:
            with session.told(f"{kind} {ask.id} was not read"):
                live = session.api.get(api_version, kind, name, namespace)
        except UnknownKindError:
            return None  # its CRD is gone, and all objects of the kind with it
        if live is None:
            return None
        manager = applying.manager_for(ask.inputs, ask.outputs)
        inputs = drift.inputs_now(ask.inputs, ask.outputs, live) if ask.inputs else objects.imported(live)
        return Found(ask.id, objects.outputs(live, ask.inputs, manager), inputs)

    def delete(self, session: Session, ask: Ask) -> None:
        if ask.type == RELEASE:
            self.releases.delete(session, ask)
        else:
            deleting.delete(session, ask, self.cancelled)

    def compare(self, session: Session | None, ask: Ask) -> list[Difference]:
        if ask.type == RELEASE:
            return self.releases.compare(session, ask)
        old, new = drift.comparable(ask.old_inputs), drift.comparable(ask.inputs)

        def classify(type_: str, path: str) -> bool:
            return _replaces(session, new, type_, path)

        return differences(ask.type, old, new, classify)

    def delete_first(self, ask: Ask, changed: list[Difference]) -> bool:
        if ask.type == RELEASE or not any(one.replaces for one in changed):
            return False
        name, was = objects.name_of(ask.inputs), objects.name_of(ask.outputs)
        if not name or objects.is_on(ask.inputs, "autonamed"):
            return False
        return name == was and not any(one.path == "metadata.namespace" for one in changed)


def _named(ask: Ask) -> Bag:
    """Inputs with a name, where they have none: that of before, or a new one."""
    meta = ask.inputs.get("metadata") or {}
    if not isinstance(meta, Mapping):
        return ask.inputs
    made = dict(meta)
    if not made.get("name"):
        old = objects.name_of(ask.old_inputs) if objects.is_on(ask.old_inputs, "autonamed") else ""
        made["name"] = old or f"{ask.name}-{secrets.token_hex(4)}"
        made["annotations"] = {**made.get("annotations", {}), "pulumi.com/autonamed": "true"}
    return {**ask.inputs, "metadata": made}


def _replaces(session: Session | None, new: Bag, type_: str, path: str) -> bool:
    """Whether a change replaces: by the table, by the provider's switches, and never more than its name for a patch."""
    if objects.is_patch(type_):
        return path in ("metadata.name", "metadata.namespace")
    top = path.partition(".")[0].partition("[")[0]
    immutable = reveal(new).get("immutable") is True
    if type_ == "kubernetes:core/v1:ConfigMap" and top in ("data", "binaryData"):
        return immutable or not (session and session.config_map_mutable)
    if type_ == "kubernetes:core/v1:Secret" and top in ("data", "stringData"):
        return immutable or not (session and session.secret_mutable)
    return by_the_table(type_, path)
