"""Making and changing objects as the official provider does: made by a create, then changed by server-side apply."""

from __future__ import annotations

import copy
import secrets
import threading
from typing import Any

from trellis.doubles.errors import Refused
from trellis.doubles.kubernetes import objects
from trellis.doubles.kubernetes.objects import Manifest
from trellis.doubles.kubernetes.session import Session
from trellis.doubles.provider import Bag
from trellis.kube.client import ApiError, UnknownKindError

CREATOR = "pulumi-kubernetes"
"""Field manager of a create."""
_TAKEN_OVER = {(CREATOR, "Update"), ("kubectl", "Update"), ("kubectl", "Apply"), ("before-first-apply", "Update")}
"""Field managers, with their operations, whose fields an update takes over."""
_RETRIES = 7
_FIRST_PAUSE_SECONDS = 0.25
"""Doubled each time: 32 s in all, as the official provider's 1, 2, 4, 8 and 16 s, but a sandbox is quicker."""
_CERTAIN = ("Invalid", "Conflict")
"""Reasons of a refusal in a preview that the real thing would meet too."""
_NOT_FOUND, _CONFLICT, _EXISTS = 404, 409, "AlreadyExists"
_APPLY = "application/apply-patch+yaml"
_EXISTS_ALREADY = (
    "it exists already. Where it shall be taken over, import it; where a resource of the program was renamed, give it "
    "an alias; where only some fields of it shall be set, use a Patch resource; `upsertExistingObjects` on the "
    "provider overwrites whatever is there"
)


def path(session: Session, made: Manifest) -> str:
    """Path of an object. Raises `UnknownKindError`."""
    return session.api.resource(made["apiVersion"], made["kind"]).path(
        _namespace(session, made), made["metadata"]["name"]
    )


def _namespace(session: Session, made: Manifest) -> str:
    return str(made["metadata"].get("namespace") or session.namespace or "default")


def manager_for(inputs: Bag, outputs: Bag) -> str:
    """The name under which an object's fields are applied: as annotated, as it was, or a new one."""
    known = outputs.get(objects.FIELD_MANAGER)
    return objects.annotation(inputs, "patchFieldManager") or known or f"{CREATOR}-{secrets.token_hex(4)}"


def create(session: Session, type_: str, made: Manifest, manager: str, stop: threading.Event) -> Manifest:
    """Make an object. A namespace or a kind that is not there yet is waited for a while. Raises `Refused`."""
    what = f"{made['kind']} {made['metadata']['name']} was not created"
    pause, tries = _FIRST_PAUSE_SECONDS, 0
    while True:
        try:
            with session.told(what):
                return _create_once(session, type_, made, manager)
        except UnknownKindError as error:
            if tries == _RETRIES or stop.is_set():
                raise Refused(f"{what}: {error}, and let this resource depend on it") from error
        except Refused as error:
            cause = error.__cause__
            missing = isinstance(cause, ApiError) and cause.code == _NOT_FOUND
            if isinstance(cause, ApiError) and cause.reason == _EXISTS:
                raise Refused(f"{what}: {_EXISTS_ALREADY}") from cause
            if not missing or tries == _RETRIES or stop.is_set():
                raise
        stop.wait(pause)
        pause, tries = pause * 2, tries + 1


def _create_once(session: Session, type_: str, made: Manifest, manager: str, *, dry_run: bool = False) -> Manifest:
    where = path(session, made)
    if objects.is_patch(type_) or session.upsert:
        return _apply(session, made, where, manager, dry_run=dry_run)
    if session.api.resource(made["apiVersion"], made["kind"]).namespaced:
        made["metadata"]["namespace"] = _namespace(session, made)
    query = {"fieldManager": CREATOR, "fieldValidation": "Strict", **_dry(dry_run)}
    found: Manifest = session.api.call("POST", where.rpartition("/")[0], made, **query)
    return found


def rehearse(session: Session, type_: str, made: Manifest, manager: str, *, exists: bool) -> None:
    """Let the API server judge what a preview shows. Raises `Refused` for what would certainly be refused.

    As the official provider: what is not there yet, may not be done or exists already is no reason to fail a preview.
    """
    try:
        if exists:
            update(session, type_, made, manager, dry_run=True)
        else:
            with session.told(f"{made['kind']} {made['metadata']['name']} could not be created"):
                _create_once(session, type_, made, manager, dry_run=True)
    except UnknownKindError:
        return
    except Refused as error:
        cause = error.__cause__
        strict = isinstance(cause, ApiError) and "strict decoding error" in cause.message
        if isinstance(cause, ApiError) and (strict or cause.reason in _CERTAIN):
            raise


def update(session: Session, type_: str, made: Manifest, manager: str, *, dry_run: bool = False) -> Manifest:
    """Change an object; fields that are no longer wanted go, for they are owned. Raises `Refused`."""
    what = f"{made['kind']} {made['metadata']['name']} was not changed"
    try:
        with session.told(what):
            where = path(session, made)
            live: Manifest = session.api.call("GET", where)
            if made["kind"] == "CustomResourceDefinition":
                # Replaced as a whole, as the official provider does: no owner may keep an old version in it.
                made["metadata"]["resourceVersion"] = live["metadata"]["resourceVersion"]
                changed: Manifest = session.api.call("PUT", where, made, fieldManager=manager, **_dry(dry_run))
                return changed
            if dry_run:  # fields change hands only in earnest, so a preview takes them by force
                ours = any(row["manager"] == CREATOR for row in _owners(live))
                return _apply(session, made, where, manager, dry_run=True, force=ours)
            if not objects.is_patch(type_):
                _take_over(session, live, where, manager)
            return _apply(session, made, where, manager)
    except UnknownKindError as error:
        raise Refused(f"{what}: {error}") from error


def _dry(dry_run: bool) -> dict[str, str]:
    return {"dryRun": "All"} if dry_run else {}


def _owners(live: Manifest) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = live["metadata"].get("managedFields", [])
    return found


def _apply(  # noqa: PLR0913 - each one is a word of the request
    session: Session, made: Manifest, where: str, manager: str, *, dry_run: bool = False, force: bool = False
) -> Manifest:
    force = force or session.patch_force or objects.is_on(made, "patchForce")
    query = {"fieldManager": manager, "fieldValidation": "Strict", "force": "true" if force else "false"}
    query |= _dry(dry_run)
    try:
        found: Manifest = session.api.call("PATCH", where, made, _APPLY, **query)
    except ApiError as error:
        if error.code == _CONFLICT and error.reason == "Conflict":
            raise Refused(_conflict(made, manager, error)) from error
        raise
    return found


def _conflict(made: Manifest, manager: str, error: ApiError) -> str:
    causes = error.status.get("details", {}).get("causes") or []
    fields = "; ".join(f"{cause.get('field')}: {cause.get('message')}" for cause in causes)
    return (
        f"{made['kind']} {made['metadata']['name']}: field manager {manager!r} had an apply conflict: "
        f"{fields or error.message}. Take the field out of the program, or set the annotation "
        'pulumi.com/patchForce: "true" to take it from the other manager'
    )


def _take_over(session: Session, live: Manifest, where: str, manager: str) -> None:
    """Give the fields of our own create, and of `kubectl apply`, to the manager that applies from now on."""
    rows = _owners(live)
    ours = [row for row in rows if not row.get("subresource") and (row["manager"], row["operation"]) in _TAKEN_OVER]
    if not ours:
        return
    mine = [row for row in rows if (row["manager"], row["operation"]) == (manager, "Apply")]
    merged = {**copy.deepcopy((mine or ours)[0]), "manager": manager, "operation": "Apply", "fieldsV1": {}}
    for row in (*mine, *ours):
        _merge(merged["fieldsV1"], row.get("fieldsV1", {}))
    kept = [row for row in rows if row not in ours and row not in mine]
    patch = [
        {"op": "test", "path": "/metadata/resourceVersion", "value": live["metadata"]["resourceVersion"]},
        {"op": "replace", "path": "/metadata/managedFields", "value": [*kept, merged]},
    ]
    session.api.call("PATCH", where, patch, "application/json-patch+json")


def _merge(into: dict[str, Any], more: dict[str, Any]) -> None:
    for key, value in more.items():
        _merge(into.setdefault(key, {}), value)
