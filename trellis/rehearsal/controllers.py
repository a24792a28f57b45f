"""Stands in for controllers that others wait for: finalizers and statuses, only while their release is installed.

A finalizer that nobody clears any more keeps its object, so a teardown in the wrong order hangs here as on EKS.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache
from importlib.resources import files
from typing import Any

from requests import RequestException

from components.catalogue import yaml_rows
from trellis.kube.client import Api, ApiError, UnknownKindError

_PERIOD_SECONDS = 0.4
_MERGE = "application/merge-patch+json"
_NOT_FOUND = 404
_CONFLICT = 409
_RECORD = "sh.helm.release.v1."


@dataclass(frozen=True, kw_only=True)
class Habit:
    """What one controller does to one kind."""

    api_version: str
    kind: str
    chart: str
    holds: str
    status: Mapping[str, Any] = field(default_factory=dict)


@cache
def habits() -> tuple[Habit, ...]:
    """All rows of controllers.yaml."""
    rows = yaml_rows.parse((files("trellis.rehearsal") / "controllers.yaml").read_text(encoding="utf-8"))
    found: list[Habit] = []
    for row in rows:
        api_version, _, kind = row["kind"].partition(" ")
        found.append(
            Habit(api_version=api_version, kind=kind, chart=row["chart"], holds=row["holds"], status=row["status"])
        )
    return tuple(found)


@contextlib.contextmanager
def acting(api: Api, charts: Mapping[str, str]) -> Iterator[set[str]]:
    """Let the stand-ins act on a cluster; yield what the API server refused them, which fills as they go.

    `charts` gives the chart of each Helm release by the release's name.
    """
    stop, refused = threading.Event(), set[str]()
    thread = threading.Thread(target=_act, args=(api, charts, stop, refused), name="controllers", daemon=True)
    thread.start()
    try:
        yield refused
    finally:
        stop.set()
        thread.join()


def _act(api: Api, charts: Mapping[str, str], stop: threading.Event, refused: set[str]) -> None:
    while not stop.wait(_PERIOD_SECONDS):
        # An API server that restarts is asked again at the next turn.
        with contextlib.suppress(RequestException, ApiError):
            alive = {charts.get(name, "") for name in _releases(api)}
            for row in habits():
                if row.chart in alive:
                    _tend(api, row, refused)


def _tend(api: Api, row: Habit, refused: set[str]) -> None:
    """Tend one kind; what is refused keeps no other kind waiting."""
    try:
        tend(api, row)
    except ApiError as error:
        # What went away or changed meanwhile is looked at again at the next turn.
        if error.code not in (_NOT_FOUND, _CONFLICT):
            refused.add(f"stand-in for the controller of {row.kind}: {error}")


def _releases(api: Api) -> set[str]:
    secrets = api.list("v1", "Secret", labelSelector="owner=helm")
    return {row["metadata"]["labels"]["name"] for row in secrets if row["metadata"]["name"].startswith(_RECORD)}


def tend(api: Api, row: Habit) -> None:
    """Do to each object of a kind what its controller would do now."""
    try:
        kind = api.resource(row.api_version, row.kind)
    except UnknownKindError:
        return
    for item in api.list(row.api_version, row.kind):
        meta = item["metadata"]
        path = kind.path(meta.get("namespace"), meta["name"])
        held = list(meta.get("finalizers", []))
        if meta.get("deletionTimestamp"):
            kept = [one for one in held if one != row.holds]
            if kept != held:
                _patch(
                    api, path, {"metadata": {"finalizers": kept or None, "resourceVersion": meta["resourceVersion"]}}
                )
        else:
            if row.holds not in held:
                added = [*held, row.holds]
                _patch(api, path, {"metadata": {"finalizers": added, "resourceVersion": meta["resourceVersion"]}})
            _report(api, path, row, item)


def _report(api: Api, path: str, row: Habit, item: Mapping[str, Any]) -> None:
    """Write the status; where the kind has none of its own (a stand-in of ours) it is part of the object."""
    now = item.get("status") or {}
    if not row.status or all(now.get(key) for key in row.status):
        return
    status = {**row.status, **_dated(row.status)}
    try:
        _patch(api, f"{path}/status", {"status": status})
    except ApiError as error:
        if error.code != _NOT_FOUND:
            raise
        _patch(api, path, {"status": status})


def _dated(status: Mapping[str, Any]) -> dict[str, Any]:
    """The conditions of a status with what Kubernetes' own type of a condition requires."""
    whole = {"reason": "Rehearsed", "message": "", "lastTransitionTime": f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}"}
    return {"conditions": [{**whole, **one} for one in status["conditions"]]} if "conditions" in status else {}


def _patch(api: Api, path: str, body: Mapping[str, Any]) -> None:
    api.call("PATCH", path, body, _MERGE, fieldManager="controller-stand-in")
