"""The act `change`: what the recorded plans say of an edit is what the engine does, no more and no less."""

from __future__ import annotations

from collections.abc import Mapping

from trellis.doubles.differences import differences
from trellis.engine.run import preview, up
from trellis.plan import Plan
from trellis.rehearsal.edits import apply, edits
from trellis.rehearsal.life import failed, lines_of, moved, unlike
from trellis.rehearsal.result import Act, Verdict
from trellis.rehearsal.world import World

_NO_VERSION = (
    "a chart version was not changed: it stands in the catalogue, not in a stack file; edit the row and rehearse again"
)


def changed(world: World) -> Act:
    """Each edit of the stack file: planned, deployed, taken back."""
    file = world.file
    text = file.read_text(encoding="utf-8")
    plan, platform = world.read()
    deployed = plan.recorded
    found = list(edits(platform, text))
    wrong: list[str] = []
    facts: dict[str, Mapping[str, str]] = {}
    for edit in found:
        try:
            file.write_text(apply(text, edit), encoding="utf-8")
            wanted = world.read()[0].recorded
            said = expected(deployed, wanted)
            lines = _done(world, said)
        finally:
            file.write_text(text, encoding="utf-8")
        deployed, facts[edit.what] = wanted, said
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


def _done(world: World, wanted: Mapping[str, str]) -> list[str]:
    """Deploy the stack file as it is now; return where the engine does otherwise than the plans say."""
    with world.opened() as stack:
        planned, done = preview(stack, as_of=world.as_of), up(stack)
    lines = [*unlike("preview", wanted, planned.operations), *unlike("up", wanted, done.operations)]
    if not wanted:
        lines.append("the plan does not change at all")
    return [*lines, *lines_of(done.failures)]


def expected(before: Plan, after: Plan) -> dict[str, str]:
    """What a plan's change means for each resource: create, update, replace or delete, by URN."""
    found: dict[str, str] = {}
    for urn in sorted(before.by_urn.keys() | after.by_urn.keys()):
        old, new = before.by_urn.get(urn), after.by_urn.get(urn)
        if old is None or new is None:
            found[urn] = "create" if old is None else "delete"
            continue
        paths = differences(new.type, old.inputs, new.inputs)
        if paths and new.custom:
            found[urn] = "replace" if any(one.replaces for one in paths) else "update"
    return found
