"""The acts that follow one deployment from nothing to nothing: agree, preview, up, no-op, drift, destroy."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from trellis.engine.run import Failure, Operation, Result, destroy, preview, refresh, up
from trellis.rehearsal.agreement import NOT_COMPARED, disagreements
from trellis.rehearsal.crds import of_chart
from trellis.rehearsal.drifting import Drift, drift
from trellis.rehearsal.inventory import Entry, inventory, told
from trellis.rehearsal.result import Act, Verdict
from trellis.rehearsal.world import World

_SHOWN = 20
"""Lines of a failure that an act shows; the rest is counted."""


def agree(world: World) -> Act:
    """The recorded plan against the engine's preview; and that preview is one from nothing."""
    recorded, _ = world.read()
    with world.opened() as stack:
        seen = preview(stack, as_of=world.as_of)
    if seen.plan is None:
        return failed("agree", "a policy stopped the engine's preview", [row.message for row in seen.mandatory])
    different = list(disagreements(seen.plan, recorded))
    count = len(seen.plan.resources)
    if different:
        return failed("agree", f"{len(different)} differences between recorder and engine", different)
    return Act(
        name="agree",
        verdict=Verdict.PASSED,
        summary=f"{count} resources, recorded and in the engine's preview from nothing, are the same",
        facts={"resources": count, "notCompared": dict(NOT_COMPARED), "changes": dict(seen.changes)},
    )


def come_up(world: World) -> Act:
    """`up` from nothing: everything is created, in order, and becomes ready."""
    with world.opened() as stack:
        result = up(stack)
    if result.failures:
        return failed("up", f"{len(result.failures)} resources failed", lines_of(result.failures))
    refused = sorted(line for lines in world.refused for line in lines)
    if refused:
        return failed("up", "what stands in for a controller was refused", refused)
    made = result.changes.get("create", 0)
    return Act(
        name="up",
        verdict=Verdict.PASSED,
        summary=f"{made} resources created",
        facts={"changes": dict(result.changes), "outputs": sorted(result.outputs)},
        fidelity=tuple(world.fidelity()),
    )


def no_op(world: World) -> Act:
    """A second preview is empty, and so is a refresh."""
    with world.opened() as stack:
        again = preview(stack, as_of=world.as_of)
        looked = refresh(stack, preview_only=True)
    steps = [*moved(again), *moved(looked)]
    if steps:
        return failed("no-op", f"{len(steps)} resources would change although nothing did", steps)
    same = again.changes.get("same", 0)
    return Act(
        name="no-op",
        verdict=Verdict.PASSED,
        summary=f"a second preview and a refresh change none of {same} resources",
        facts={"same": same},
    )


def drifted(world: World) -> Act:
    """Objects are changed and deleted behind its back: refresh and preview name exactly these, `up` mends them."""
    recorded, _ = world.read()
    done = drift(world.clusters, recorded)
    with world.opened() as stack:
        looked = refresh(stack)
        planned = preview(stack, as_of=world.as_of)
        repaired = up(stack)
        after = preview(stack, as_of=world.as_of)
    wrong = [
        *unlike("refresh", {row.urn: row.seen_as for row in done}, looked.operations),
        *unlike("preview", {row.urn: row.mended_by for row in done}, planned.operations),
        *(f"up: {line}" for line in lines_of(repaired.failures)),
        *(f"after the repair: {line}" for line in moved(after)),
    ]
    if wrong:
        return failed("drift", "drift was not seen as it was made", [*map(_drift_line, done), *wrong])
    return Act(
        name="drift",
        verdict=Verdict.PASSED,
        summary=f"{len(done)} objects changed or deleted behind its back: exactly these were named, and brought back",
        facts={"drift": [_drift_line(row) for row in done]},
    )


def gone(world: World) -> Act:
    """Destroy leaves nothing: in each cluster there is what was there before, and the CRDs that Helm leaves."""
    recorded, _ = world.read()
    protected = [row.urn for row in recorded.resources if row.protect]
    notes: list[str] = []
    with world.opened() as stack:
        if protected:
            refused = destroy(stack)
            named = sorted(failure.urn for failure in refused.failures)
            if named != sorted(protected):
                return failed("destroy", "protected resources were not named exactly", lines_of(refused.failures))
            notes.append(f"refused at first, naming exactly the {len(protected)} protected resources")
            stack.workspace.pulumi_command.run(
                ["state", "unprotect", "--all", "--yes", "--stack", stack.name],
                stack.workspace.work_dir,
                stack.workspace.env_vars,
            )
        result = destroy(stack)
    if result.failures:
        return failed("destroy", f"{len(result.failures)} resources failed", lines_of(result.failures))
    kept = {name for row in recorded.of_type("kubernetes:helm.sh/v3:Release") for name in _left_by_helm(row.inputs)}
    left = {name: sorted(_left(world, name, kept)) for name in world.clusters}
    lines = [f"{cluster}: {told(entry)} is left" for cluster, entries in left.items() for entry in entries]
    lines += [f"AWS: {line} is left" for line in world.left_in_aws()]
    if lines:
        return failed("destroy", f"{len(lines)} objects are left", lines)
    deleted = result.changes.get("delete", 0)
    return Act(
        name="destroy",
        verdict=Verdict.PASSED,
        summary=f"{deleted} resources deleted; nothing is left but {len(kept)} CRDs that Helm leaves",
        notes=tuple(notes),
        facts={"deleted": deleted, "leftByHelm": sorted(kept)},
    )


def _left(world: World, cluster: str, kept: set[str]) -> Iterable[Entry]:
    now = inventory(world.api(cluster))
    return (
        entry
        for entry in now - world.untouched[cluster]
        if not (entry[1] == "CustomResourceDefinition" and entry[3] in kept) and entry[1] != "APIService"
    )


def _left_by_helm(inputs: Mapping[str, object]) -> list[str]:
    """CRDs of a release that its uninstall leaves."""
    crds = of_chart(str(inputs.get("chart", "")))
    if crds is None or (crds.how == "templates" and not crds.keep):
        return []
    return [crd.name for crd in crds.provides]


def unlike(what: str, wanted: Mapping[str, str], operations: Iterable[Operation]) -> list[str]:
    """Where the operations are not exactly those that were wanted, by URN; all steps of a replacement are one."""
    seen: dict[str, str] = {}
    for row in operations:
        seen[row.urn] = "replace" if "replace" in row.op or seen.get(row.urn) == "replace" else row.op
    return [
        f"{what}: {urn} was to {wanted.get(urn, 'stay')}, the engine's word is {seen.get(urn, 'same')}"
        for urn in sorted(wanted.keys() | seen.keys())
        if wanted.get(urn) != seen.get(urn)
    ]


def _drift_line(row: Drift) -> str:
    return f"{row.what} ({row.urn.rpartition('::')[2]})"


def moved(result: Result) -> list[str]:
    """The steps of an operation, a line each."""
    return [f"{result.command}: {row.op} {row.urn} {', '.join(row.changed)}" for row in result.operations]


def lines_of(failures: Iterable[Failure]) -> list[str]:
    """Failures, a line each."""
    return [f"{row.urn.rpartition('::')[2] or 'the stack'}: {row.message}" for row in failures]


def failed(name: str, summary: str, lines: list[str]) -> Act:
    """An act that failed, with the first of its lines and the number of the others."""
    more = [f"and {len(lines) - _SHOWN} more"] if len(lines) > _SHOWN else []
    return Act(name=name, verdict=Verdict.FAILED, summary=summary, notes=(*lines[:_SHOWN], *more))
