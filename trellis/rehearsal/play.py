"""Plays the acts of a rehearsal in order, each timed; what cannot follow a failed act is not played."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

from trellis.engine.run import EngineError
from trellis.kube.client import ApiError
from trellis.rehearsal import change, life, placement
from trellis.rehearsal.autoscale import run as autoscale
from trellis.rehearsal.evidence import Evidence
from trellis.rehearsal.result import Act, Fidelity, Verdict
from trellis.rehearsal.world import Progress, World, world
from trellis.sandbox.registry import SandboxError
from trellis.toolchain import ToolUnavailableError

Played = Callable[[World], Iterator[Act]]


@dataclass(frozen=True)
class Entry:
    """One act: how it is played, and what must have passed before it."""

    play: Played
    after: str | None = None
    apart: bool = False
    """Slow: played only when it is asked for by name or with `all`."""


def _once(act: Callable[[World], Act]) -> Played:
    def play(stage: World) -> Iterator[Act]:
        yield act(stage)

    return play


def _placement(stage: World) -> Iterator[Act]:
    plan, _ = stage.read()
    for name, view in stage.views().items():
        act = placement.run(plan, view, stage.api(name), progress=stage.progress)
        yield replace(act, name=_named("placement", stage, name))


def _autoscale(stage: World) -> Iterator[Act]:
    plan, _ = stage.read()
    for name, view in stage.views().items():
        act = autoscale(plan, view, stage.folder / "autoscale" / name, progress=stage.progress)
        yield replace(act, name=_named("autoscale", stage, name))


def _named(act: str, stage: World, cluster: str) -> str:
    return act if len(stage.clusters) == 1 else f"{act} ({cluster})"


ACTS: dict[str, Entry] = {
    "agree": Entry(_once(life.agree)),
    "up": Entry(_once(life.come_up), after="agree"),
    "no-op": Entry(_once(life.no_op), after="up"),
    "placement": Entry(_placement, after="up"),
    "drift": Entry(_once(life.drifted), after="no-op"),
    "change": Entry(_once(change.changed), after="no-op"),
    "autoscale": Entry(_autoscale, apart=True),
    "destroy": Entry(_once(life.gone), after="up"),
}
"""All acts in the order in which they are played."""


def chosen(names: Sequence[str]) -> list[str]:
    """The acts to play for what was asked; nothing asked means all but the slow ones."""
    if "all" in names:
        return list(ACTS)
    wanted = set(names) or {name for name, entry in ACTS.items() if not entry.apart}
    for name in reversed(ACTS):  # each act comes after what it needs, so one walk back finds all
        before = ACTS[name].after
        wanted |= {before} if name in wanted and before else set()
    return [name for name in ACTS if name in wanted]


@dataclass(frozen=True, kw_only=True)
class Tell:
    """Who is told while a rehearsal goes on."""

    progress: Progress
    done: Callable[[Act], None]
    """Called after each act."""


def rehearse(stack: str, *, acts: Sequence[str], as_of: str, commit: str, tell: Tell) -> Evidence:
    """Play the acts of a stack. Raises what `world` raises."""
    started = time.monotonic()
    with world(stack, as_of=as_of, progress=tell.progress) as stage:
        began = Act(
            name="set-up",
            verdict=Verdict.PASSED,
            summary=f"{len(stage.clusters)} control planes (TLS, RBAC, Pod Security), an engine with its own state",
            seconds=time.monotonic() - started,
        )
        played = [began]
        tell.done(began)
        passed: set[str] = set()
        for name in chosen(acts):
            for act in _play(stage, name, passed):
                played.append(act)
                tell.done(act)
        versions = sorted({sandbox.kubernetes for sandbox in stage.clusters.values()})
        return Evidence(
            stack=stack,
            as_of=as_of,
            commit=commit,
            kubernetes=", ".join(versions),
            acts=tuple(played),
            fidelity=(*stage.fidelity(), *_skew(stage, versions)),
        )


def _play(stage: World, name: str, passed: set[str]) -> Iterator[Act]:
    entry = ACTS[name]
    if entry.after is not None and entry.after not in passed:
        yield Act(name=name, verdict=Verdict.FAILED, summary=f"not played, because `{entry.after}` did not pass")
        return
    stage.progress(f"act: {name}")
    started, good = time.monotonic(), True
    try:
        for act in entry.play(stage):
            now = time.monotonic()
            good = good and act.verdict is not Verdict.FAILED
            yield replace(act, seconds=now - started)
            started = now
    except (ApiError, EngineError, OSError, SandboxError, TimeoutError, ToolUnavailableError) as error:
        good = False
        yield Act(name=name, verdict=Verdict.FAILED, summary=str(error), seconds=time.monotonic() - started)
    if good:
        passed.add(name)


def _skew(stage: World, versions: Sequence[str]) -> Iterator[Fidelity]:
    """Where a stack's Kubernetes minor is not the one that the control plane was built at."""
    for name, view in stage.views().items():
        minor = view.cluster.kubernetes_version
        if not any(version.startswith(f"{minor}.") for version in versions):
            yield Fidelity(
                subject=f"cluster {name}",
                level="stand-in",
                detail=f"the stack says Kubernetes {minor}, the control plane here is {', '.join(versions)}",
            )
