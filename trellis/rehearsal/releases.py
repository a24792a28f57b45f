"""Helm releases whose charts are not at hand: their CRDs are real, what runs in them is not."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from typing import Any

from components.catalogue.addon_install import Crds
from trellis.doubles.errors import Refused
from trellis.doubles.kubernetes.releases import RecordedReleases
from trellis.doubles.kubernetes.session import Session
from trellis.doubles.provider import Ask, Found
from trellis.doubles.wire import reveal
from trellis.kube.client import Api, wait_for
from trellis.rehearsal.crds import definitions, of_chart
from trellis.rehearsal.result import Fidelity

_SECONDS = 60
"""How long a CRD may take to be served, or to go with all objects of its kind."""
_API = "apiextensions.k8s.io/v1"
_KIND = "CustomResourceDefinition"


class DefiningReleases(RecordedReleases):
    """Installs the CRDs that the catalogue says a chart brings and keeps Helm's record; removes what Helm would."""

    def __init__(self) -> None:
        self._levels: dict[str, Fidelity] = {}
        self._lock = threading.Lock()

    def fidelity(self) -> list[Fidelity]:
        """How near to the real thing each release was, sorted."""
        return sorted(self._levels.values())

    def create(self, session: Session, ask: Ask) -> Found:
        """CRDs first, as Helm does; a release of that name that is there already is refused before anything is made."""
        crds = _crds(ask)
        if crds is not None and crds.provides:
            found, missing = definitions(crds.provides)
            with session.told(f"Release {ask.name}: its CRDs were not installed"):
                session.api.install_crds(found, _SECONDS)
            self._note(ask, len(found), missing)
        else:
            self._note(ask, 0, [])
        return super().create(session, ask)

    def delete(self, session: Session, ask: Ask) -> None:
        """Remove the record and the CRDs that are part of the chart's templates; Helm leaves all others."""
        super().delete(session, ask)
        crds = _crds(ask)
        if crds is None or crds.how != "templates" or crds.keep:
            return
        for crd in crds.provides:
            with session.told(f"Release {ask.name} was not uninstalled"):
                session.api.delete(_API, _KIND, crd.name)
        self._gone(session.api, ask, crds)

    def _gone(self, api: Api, ask: Ask, crds: Crds) -> None:
        names = {crd.name for crd in crds.provides}

        def left() -> set[str]:
            return names & {row["metadata"]["name"] for row in api.list(_API, _KIND)}

        try:
            wait_for(lambda: not left(), _SECONDS, "CRDs to go")
        except TimeoutError as error:
            raise Refused(
                f"Release {ask.name} was not uninstalled: {', '.join(sorted(left()))} still there after {_SECONDS} s: "
                "objects of these kinds hold a finalizer that nobody clears any more"
            ) from error

    def _note(self, ask: Ask, count: int, missing: list[str]) -> None:
        detail = f"{count} CRDs, no pods" if count else "no CRDs, no pods"
        if missing:
            detail += f"; stood in for, any field is taken: {', '.join(sorted(missing))}"
        level = "crds only" if count and not missing else "stand-in"
        with self._lock:
            self._levels[ask.urn] = Fidelity(subject=f"Release {ask.name}", level=level, detail=detail)


def _crds(ask: Ask) -> Crds | None:
    inputs: Mapping[str, Any] = reveal(ask.inputs) or ask.outputs
    return of_chart(str(inputs.get("chart", "")))
