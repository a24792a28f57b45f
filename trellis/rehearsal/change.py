"""The act `change`: what the recorded plans say of an edit is what the engine does, no more and no less."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

from trellis.doubles.differences import differences
from trellis.engine.run import Operation, preview, up
from trellis.plan import Plan
from trellis.rehearsal.edits import Edit, apply, edits
from trellis.rehearsal.life import failed, lines_of, moved
from trellis.rehearsal.result import Act, Verdict
from trellis.rehearsal.world import World

_NO_VERSION = (
    "a chart version was not changed: it stands in the catalogue, not in a stack file; edit the row and rehearse again"
)


def changed(world: World) -> Act:
    """Each edit of the stack file: planned, deployed, taken back."""
    file = world.project / "stacks" / f"Pulumi.{world.stack}.yaml"
    text = file.read_text(encoding="utf-8")
    before, platform = world.read()
    found = list(edits(platform, text))
    wrong: list[str] = []
    facts: dict[str, Mapping[str, str]] = {}
    for edit in found:
        try:
            said, lines = _tried(world, file, before, edit)
        finally:
            file.write_text(text, encoding="utf-8")
        facts[edit.what] = said
        wrong += [f"{edit.what}: {line}" for line in lines]
    with world.opened() as stack:
        back = up(stack)
        again = preview(stack, as_of=world.as_of)
    wrong += [f"taken back: {line}" for line in [*lines_of(back.failures), *moved(again)]]
    if wrong:
        return failed("change", "the plan's difference is not what the engine did", wrong)
    return Act(
        name="change",
        verdict=Verdict.LIMITED,
        summary=f"{len(found)} edits: plan and engine change the same: {'; '.join(edit.what for edit in found)}",
        notes=(_NO_VERSION,),
        facts={"edits": facts},
    )


def _tried(world: World, file: Path, before: Plan, edit: Edit) -> tuple[Mapping[str, str], list[str]]:
    """Make one edit; return what the plans say of it, and where the engine does otherwise."""
    file.write_text(apply(file.read_text(encoding="utf-8"), edit), encoding="utf-8")
    wanted = expected(before, world.read()[0])
    with world.opened() as stack:
        planned, done = preview(stack, as_of=world.as_of), up(stack)
    lines = [*_unlike("preview", wanted, planned.operations), *_unlike("up", wanted, done.operations)]
    if not wanted:
        lines.append("the plan does not change at all")
    return wanted, [*lines, *lines_of(done.failures)]


def expected(before: Plan, after: Plan) -> dict[str, str]:
    """What a plan's change means for each resource: create, update, replace or delete, by URN."""
    found: dict[str, str] = {}
    for urn in sorted(before.by_urn.keys() | after.by_urn.keys()):
        old, new = before.by_urn.get(urn), after.by_urn.get(urn)
        if old is None or new is None:
            found[urn] = "create" if old is None else "delete"
            continue
        paths = differences(new.type, old.inputs, new.inputs)
        if paths and new.custom and not new.opened_from:
            found[urn] = "replace" if any(one.replaces for one in paths) else "update"
    return found


def _unlike(what: str, wanted: Mapping[str, str], operations: Iterable[Operation]) -> list[str]:
    seen: dict[str, str] = {}
    for row in operations:
        seen[row.urn] = "replace" if "replace" in row.op or seen.get(row.urn) == "replace" else row.op
    every = sorted(wanted.keys() | seen.keys())
    return [
        f"{what}: {urn} was to {wanted.get(urn, 'stay')}, the engine's word is {seen.get(urn, 'same')}"
        for urn in every
        if wanted.get(urn) != seen.get(urn)
    ]
