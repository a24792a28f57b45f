"""Brings a stack's state back to the truth after an update was killed: locks, and operations whose end nobody saw.

`settle` runs before each update. It finds what a begun creation became (`identity`), lets it enter the state
(`adoption`), and has the engine read what was being changed. It may itself be killed at any point: each step leaves a
state from which the next call goes on.
"""

from __future__ import annotations

import json
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from pulumi import automation
from pulumi.automation import errors

from components.catalogue.identities import tagged_types
from trellis.engine import live, locks
from trellis.engine.adoption import (
    Adoption,
    Deployment,
    Row,
    adopted,
    as_asked,
    current,
    half_adopted,
    is_provider,
    pending,
    unprotected,
)
from trellis.engine.errors import EngineError, explained
from trellis.engine.identity.finder import Finder, Surroundings, has_secret, reveal
from trellis.engine.identity.finding import Finding, Readiness

_CREATING = "creating"
_STATE_VERSION = 3
_LOOK_AGAIN_SECONDS = 2.0


@dataclass(frozen=True, kw_only=True)
class Settled:
    """One thing that was put right."""

    urn: str
    """Empty for a lock."""
    did: str
    """`unlocked`, `imported`, `cleared`, `deleted`, `to be deleted` or `read`."""
    told: str
    """In a sentence, for people."""


@dataclass(frozen=True, kw_only=True)
class Patience:
    """How long to wait for others."""

    lock_seconds: float = locks.LAST_BREATH_SECONDS
    ready_seconds: float = 3600.0
    """For something that is still being made: an EKS cluster takes a quarter of an hour, a database as long."""
    poll_seconds: float = 10.0
    unseen_seconds: float = 15.0
    """For AWS's lists to show what was just made, counted from the state's last change."""


@dataclass
class _Work:
    stack: automation.Stack
    around: Surroundings
    patience: Patience
    tell: Callable[[str], object]
    unseen_until: float = 0.0
    """Until when an empty answer of AWS says nothing, in seconds since 1970."""
    done: list[Settled] = field(default_factory=list)

    def note(self, row: Row, did: str, told: str) -> None:
        urn = str(row["urn"])
        self.done.append(Settled(urn=urn, did=did, told=f"{row['type']} {urn.rpartition('::')[2]}: {told}"))
        self.tell(self.done[-1].told)


def settle(
    stack: automation.Stack,
    *,
    around: Surroundings | None = None,
    force_unlock: bool = False,
    patience: Patience | None = None,
    tell: Callable[[str], object] = lambda _line: None,
) -> tuple[Settled, ...]:
    """Clear locks of dead processes and every pending operation; return what was done, in order. Idempotent.

    `tell` hears each step as it is done. Raises `StackLockedError` where somebody is at work, `IdentityError` where it
    cannot be known whether something was made (the state is then untouched), and `EngineError`.
    """
    patience = patience or Patience()
    work = _Work(stack, around or Surroundings(environment=stack.workspace.env_vars), patience, tell)
    held = locks.clear(stack, force=force_unlock, wait_seconds=patience.lock_seconds, tell=tell)
    for holder in held:
        told = f"lock of {holder.who}, process {holder.pid}, since {holder.since}: removed"
        work.done.append(Settled(urn="", did="unlocked", told=told))
        tell(told)
    deployment = _export(stack)
    if pending(deployment) or any(half_adopted(deployment)):
        with Finder(stack.name, _providers(stack, deployment), work.around) as finder:
            _settle_operations(work, finder, deployment)
    return tuple(work.done)


def _settle_operations(work: _Work, finder: Finder, deployment: Deployment) -> None:
    others = [(kind, row) for kind, row in pending(deployment) if kind != _CREATING]
    if others:
        _read_again(work, finder, deployment, others)
        deployment = _export(work.stack)
    work.unseen_until = _last_change(deployment) + work.patience.unseen_seconds
    decided = _Decided()
    for kind, row in pending(deployment):
        if kind == _CREATING:
            _decide(work, finder, deployment, row, decided)
    if pending(deployment):
        deployment = adopted(deployment, decided.adoptions)
        _import(work.stack, deployment)
    unread = list(half_adopted(deployment))
    if unread:
        _read_adopted(work, {str(row["urn"]): row for row in unread if not row.get("delete")})
    if decided.broken:
        _delete_broken(work, decided.broken)


def _read_again(work: _Work, finder: Finder, deployment: Deployment, others: Sequence[tuple[str, Row]]) -> None:
    """Read what was being changed, deleted or read; the engine then drops these operations by itself."""
    for _, row in others:
        _forget_unfinished(work, finder, row)
    known = {str(row["urn"]) for row in deployment.get("resources") or ()}
    there = sorted({str(row["urn"]) for _, row in others} & known)
    if there:
        _refresh(work.stack, there)
    for kind, row in others:
        work.note(row, "read", f"was interrupted while {kind}; its state is what there really is")


def _forget_unfinished(work: _Work, finder: Finder, row: Row) -> bool:
    """Free a release from an operation that Helm did not finish; whether there was one."""
    forgotten = finder.forget_unfinished(row)
    for record in forgotten:
        work.note(row, "deleted", f"Helm's record {record} of an operation that it did not finish")
    return bool(forgotten)


@dataclass
class _Decided:
    """What becomes of pending creations."""

    adoptions: list[Adoption] = field(default_factory=list)
    broken: dict[str, str] = field(default_factory=dict)
    """URN -> what is told of it once it is deleted."""


def _decide(work: _Work, finder: Finder, deployment: Deployment, row: Row, decided: _Decided) -> None:
    """Decide what becomes of one pending creation."""
    if is_provider(row):
        work.note(row, "cleared", "exists only in the state, and is made anew")
        return
    urn = str(row["urn"])
    finding = _wait(work, finder, row)
    if any(one.readiness is Readiness.BROKEN for one in finding.found) and _forget_unfinished(work, finder, row):
        finding = finder.find(row)
    now = current(deployment, urn)
    known = _known(finder, deployment, now)
    new = [one for one in finding.found if known.isdisjoint({one.id, one.known_as})]
    if not new:
        foreign = f"; {', '.join(finding.foreign)} has its name but not our tag" if finding.foreign else ""
        work.note(row, "cleared", "is in the state already" if finding.found else f"was not made{foreign}")
        return
    if now is None:
        first = new.pop(0)
        decided.adoptions.append(Adoption(row=row, id=first.id))
        if first.readiness is Readiness.BROKEN:
            decided.broken[urn] = f"was made but is {first.state}: {first.id}"
        else:
            work.note(row, "imported", f"was made: {first.id}")
    for one in new:
        decided.adoptions.append(Adoption(row=row, id=one.id, surplus=True))
        work.note(row, "to be deleted", f"{one.id} carries its tag too; the next update deletes it")


def _wait(work: _Work, finder: Finder, row: Row) -> Finding:
    """Look, and go on looking while something is on its way to another state."""
    until = time.monotonic() + work.patience.ready_seconds
    told = ""
    while True:
        finding = finder.find(row)
        passing = [one for one in finding.found if one.readiness is Readiness.PASSING]
        unseen = finding == Finding() and row["type"] in tagged_types() and time.time() < work.unseen_until
        if not passing and not unseen:
            return finding
        if passing and time.monotonic() > until:
            raise EngineError(
                f"{row['type']} {passing[0].id} has been {passing[0].state} for {work.patience.ready_seconds:.0f} s. "
                "Nothing was changed; see in its console what keeps it, then run it again"
            )
        name = str(row["urn"]).rpartition("::")[2]
        says = f"{passing[0].id}, which is {passing[0].state}" if passing else f"{name}, which AWS may not list yet"
        if says != told:
            work.tell(f"waiting for {row['type']} {says}")
            told = says
        time.sleep(work.patience.poll_seconds if passing else min(_LOOK_AGAIN_SECONDS, work.patience.poll_seconds))


def _last_change(deployment: Deployment) -> float:
    """When the state was written last, in seconds since 1970: no pending operation began later."""
    told = str((deployment.get("manifest") or {}).get("time") or "")
    try:
        return datetime.fromisoformat(told).timestamp()
    except ValueError:
        return time.time()


def _known(finder: Finder, deployment: Deployment, now: Row | None) -> set[str]:
    """Ids by which the state knows resources, and those that its own entry is found by where no tag tells two apart."""
    ids = {str(one["id"]) for one in deployment.get("resources") or () if one.get("id")}
    if now is None or now["type"] in tagged_types():
        return ids
    return ids | {one.id for one in finder.find(now).found}


def _read_adopted(work: _Work, asked: Mapping[str, Row]) -> None:
    """Have the engine read what was adopted, and keep what only its creation could set."""
    _refresh(work.stack, sorted({str(row["urn"]) for row in half_adopted(_export(work.stack))}))
    deployment = _export(work.stack)
    lost = [row for urn, row in sorted(asked.items()) if current(deployment, urn) is None]
    if lost:
        _import(work.stack, adopted(deployment, [Adoption(row=row, id=str(row["id"])) for row in lost]))
        names = "\n".join(f"  {row['urn']}: {row['id']}" for row in lost)
        raise EngineError(
            f"an interrupted update made these, but their provider does not see them yet:\n{names}\n"
            "They stay in the state; run it again in a minute. Where one is gone by now: `pulumi state delete URN`"
        )
    whole = as_asked(deployment, asked)
    if whole != deployment:
        _import(work.stack, whole)


def _delete_broken(work: _Work, broken: Mapping[str, str]) -> None:
    """Have the engine delete what can never be used, so that the next update makes it anew."""
    _import(work.stack, unprotected(_export(work.stack), list(broken)))
    result = live.destroy(work.stack, target=sorted(broken))
    if result.failures:
        raise EngineError("\n".join(f"{one.urn}: {one.message}" for one in result.failures))
    for urn, told in sorted(broken.items()):
        work.note({"urn": urn, "type": urn.split("::")[2].rpartition("$")[2]}, "deleted", told)


def _refresh(stack: automation.Stack, urns: Sequence[str]) -> None:
    result = live.refresh(stack, target=urns)
    if result.failures:
        told = "\n".join(f"  {one.urn}: {one.message}" for one in result.failures)
        raise EngineError(
            f"an interrupted update changed these, and they cannot be read:\n{told}\nNothing is lost; run it again "
            "once their service answers"
        )


def _export(stack: automation.Stack, *more: str) -> dict[str, Any]:
    """The state as the engine writes it, without the frame around it."""
    workspace = stack.workspace
    arguments = ["stack", "export", "--stack", stack.name, *more]
    try:
        told = workspace.pulumi_command.run(arguments, workspace.work_dir, workspace.env_vars)
    except errors.CommandError as error:
        raise explained(error, stack.name, workspace.env_vars) from error
    return dict(json.loads(told.stdout).get("deployment") or {})


def _import(stack: automation.Stack, deployment: Mapping[str, Any]) -> None:
    """Put a state in the place of the old one, in one step.

    The Automation API's own call leaves the state in a temporary file where this fails.
    """
    workspace = stack.workspace
    with tempfile.TemporaryDirectory(prefix="trellis-state-") as folder:
        file = Path(folder) / "state.json"
        file.write_text(json.dumps({"version": _STATE_VERSION, "deployment": deployment}), encoding="utf-8")
        arguments = ["stack", "import", "--stack", stack.name, "--file", str(file)]
        try:
            workspace.pulumi_command.run(arguments, workspace.work_dir, workspace.env_vars)
        except errors.CommandError as error:
            raise explained(error, stack.name, workspace.env_vars) from error


def _providers(stack: automation.Stack, deployment: Deployment) -> dict[str, Row]:
    """Providers by URN. Only where one has a secret, such as a kubeconfig, the state is decrypted, in memory."""

    def of(state: Deployment) -> dict[str, Row]:
        return {str(row["urn"]): row for row in state.get("resources") or () if is_provider(row)}

    found = of(deployment)
    if any(has_secret(row.get("inputs")) for row in found.values()):
        found = of(_export(stack, "--show-secrets"))
    return {urn: {**row, "inputs": reveal(row.get("inputs") or {})} for urn, row in found.items()}
