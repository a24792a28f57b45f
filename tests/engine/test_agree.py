"""The unchanged program in the real engine registers what the recorder says it registers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.engine.conftest import Attached
from trellis.engine.run import engine_stack, preview
from trellis.plan import Plan
from trellis.preview import plan_environment, stacks
from trellis.program import ROOT, run

pytestmark = pytest.mark.engine

AS_OF = "2026-11-01"
# The engine has resolved aliases against its (empty) state by the time that it tells of a resource.
NOT_TOLD = "aliases"


def rows(plan: Plan) -> dict[str, dict[str, Any]]:
    """Resources by URN, without what the engine does not tell."""
    found = {resource.urn: resource.document() for resource in plan.resources}
    return {urn: {key: value for key, value in row.items() if key != NOT_TOLD} for urn, row in found.items()}


@pytest.mark.parametrize("stack", stacks())
def test_engine_and_recorder_agree(stack: str, pulumi_cli: Path, providers: Attached) -> None:
    before = _files(stack)
    recorded = plan_environment(stack, as_of=AS_OF)
    with engine_stack(ROOT, stack, run, pulumi=pulumi_cli, providers=providers.ports) as opened:
        seen = preview(opened, as_of=AS_OF)

    theirs, ours = rows(seen.plan), rows(recorded)
    assert sorted(theirs) == sorted(ours)
    different = {
        f"{urn} {key}": (value, ours[urn][key])
        for urn, row in theirs.items()
        for key, value in row.items()
        if value != ours[urn][key]
    }
    assert different == {}, "engine's value first, recorder's second"
    assert seen.plan.outputs == recorded.outputs
    assert seen.changes == {"create": len(recorded.resources) + 1}  # and the stack itself
    assert seen.warnings == ()
    assert _files(stack) == before, "a preview rewrote the user's files"


def _files(stack: str) -> list[bytes]:
    return [(ROOT / file).read_bytes() for file in ("Pulumi.yaml", f"stacks/Pulumi.{stack}.yaml")]
