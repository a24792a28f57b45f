"""Deleting an object and waiting until it is gone."""

from __future__ import annotations

import threading
import time

from trellis.doubles.errors import Refused
from trellis.doubles.kubernetes import objects
from trellis.doubles.kubernetes.applying import manager_for
from trellis.doubles.kubernetes.session import Session
from trellis.doubles.kubernetes.waiting import Wait, seconds_allowed
from trellis.doubles.provider import Ask
from trellis.kube.client import ApiError, UnknownKindError

_NOT_FOUND = 404
_SECONDS = 600.0
_FIRST_PAUSE, _LONGEST_PAUSE, _GROWTH = 0.1, 1.0, 1.4
_POLICIES = {"orphan": "Orphan", "background": "Background"}
_LEFT_BEHIND = frozenset({"DaemonSet", "Deployment", "Job", "Namespace", "Pod", "ReplicationController", "StatefulSet"})
"""Kinds whose deletion is not waited for where `pulumi.com/skipAwait` is set; all others always are."""


def delete(session: Session, ask: Ask, stop: threading.Event) -> None:
    """Delete an object, with what it owns first unless annotated otherwise. One that is gone is fine."""
    api_version, kind = str(ask.outputs.get("apiVersion") or ""), str(ask.outputs.get("kind") or "")
    if not kind:
        api_version, kind = objects.kind_of(ask.type)
    namespace, name = objects.split(ask.id)
    what = f"{kind} {ask.id} was not deleted"
    try:
        with session.told(what):
            path = session.api.resource(api_version, kind).path(namespace, name)
            if objects.is_patch(ask.type):
                _relinquish(session, ask, path)
                return
            policy = _POLICIES.get(objects.annotation(ask.inputs, "deletionPropagationPolicy").lower(), "Foreground")
            try:
                gone = session.api.call("DELETE", path, propagationPolicy=policy)
            except ApiError as error:
                if error.code == _NOT_FOUND:
                    return
                raise
    except UnknownKindError:
        return  # its CRD is gone, and all objects of the kind with it
    if objects.is_on(ask.inputs, "skipAwait") and kind in _LEFT_BEHIND:
        return
    uid = (gone.get("metadata") or {}).get("uid") or (gone.get("details") or {}).get("uid")
    _await_gone(Wait(session, ask, stop), path, what, uid)


def _await_gone(wait: Wait, path: str, what: str, uid: str | None) -> None:
    session, stop = wait.session, wait.stop
    allowed, pause = seconds_allowed(wait.ask, _SECONDS), _FIRST_PAUSE
    until = time.monotonic() + allowed
    while True:
        try:
            with session.told(what):
                live = session.api.call("GET", path)
        except Refused as error:
            if isinstance(error.__cause__, ApiError) and error.__cause__.code == _NOT_FOUND:
                return
            if isinstance(error.__cause__, ApiError) or time.monotonic() >= until:
                raise
            live = {}
        if uid and live and live["metadata"].get("uid") != uid:
            return  # another one of that name, which somebody else made meanwhile
        if time.monotonic() >= until or stop.is_set():
            raise Refused(_still_there(what, live, allowed, cancelled=stop.is_set()))
        stop.wait(pause)
        pause = min(pause * _GROWTH, _LONGEST_PAUSE)


def _still_there(what: str, live: objects.Manifest, allowed: float, *, cancelled: bool) -> str:
    waited = "the wait was cancelled" if cancelled else f"it is still there after {allowed:.0f} s"
    left = (live.get("metadata") or {}).get("finalizers") or []
    inside = (live.get("status") or {}).get("conditions") or []
    held = [row["message"] for row in inside if row.get("status") == "True" and "Remaining" in row.get("type", "")]
    held += [f"its finalizers {', '.join(left)} hold it until their controllers clear them"] if left else []
    return f"{what}: {waited}" + "".join(f"; {one}" for one in held)


def _relinquish(session: Session, ask: Ask, path: str) -> None:
    """A patch only gives its fields back: it applies an object that sets none."""
    namespace, name = objects.split(ask.id)
    meta = {"name": name, **({"namespace": namespace} if namespace else {})}
    api_version, kind = objects.kind_of(ask.type)
    body = {"apiVersion": api_version, "kind": kind, "metadata": meta}
    try:
        manager = manager_for(ask.inputs, ask.outputs)
        session.api.call("PATCH", path, body, "application/apply-patch+yaml", fieldManager=manager, force="true")
    except ApiError as error:
        if error.code != _NOT_FOUND:
            raise
