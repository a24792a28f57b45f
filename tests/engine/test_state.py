"""What the real engine keeps of the real program once it has come up."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from pulumi.automation import ConfigValue

from tests.engine.conftest import Attached
from trellis.engine.run import engine_stack
from trellis.paths import ROOT
from trellis.preview import plan_environment, stacks
from trellis.program import run

pytestmark = pytest.mark.engine

PLANTED = "AKIAPLANTEDSECRET"


@pytest.mark.parametrize("stack", stacks())
def test_a_stack_comes_up_and_its_state_holds_no_secret(stack: str, pulumi_cli: Path, providers: Attached) -> None:
    """Outputs are known now, so whatever the program does with them runs. The planted secret is a user's own."""
    recorded = plan_environment(stack, as_of="2026-11-01")
    with engine_stack(ROOT, stack, run, pulumi=pulumi_cli, providers=providers.ports) as opened:
        opened.set_config("trellis:token", ConfigValue(PLANTED, secret=True))
        result = opened.up(color="never")
        deployment = opened.export_stack().deployment or {}
        told = result.stdout + result.stderr
    state = json.dumps(deployment)

    assert len(deployment["resources"]) == len(recorded.resources) + 1  # and the stack itself
    assert PLANTED not in state
    assert PLANTED not in told
    # Argo CD reaches another cluster by a role, never by a token.
    assert "bearerToken" not in state
