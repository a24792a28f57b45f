"""The unchanged program in the real engine registers what the recorder says it registers."""

from __future__ import annotations

from pathlib import Path

import pulumi
import pulumi_aws as aws
import pytest

from tests.engine.conftest import Attached
from trellis.engine.run import engine_stack, preview
from trellis.paths import ROOT
from trellis.preview import plan_environment, stacks
from trellis.program import run
from trellis.recorder import record
from trellis.rehearsal.agreement import disagreements

pytestmark = pytest.mark.engine

AS_OF = "2026-11-01"


@pytest.mark.parametrize("stack", stacks())
def test_engine_and_recorder_agree(stack: str, pulumi_cli: Path, providers: Attached) -> None:
    before = _files(stack)
    recorded = plan_environment(stack, as_of=AS_OF)
    with engine_stack(ROOT, stack, run, pulumi=pulumi_cli, providers=providers.ports) as opened:
        seen = preview(opened, as_of=AS_OF)

    assert seen.plan
    # Without `deletedWith`; `test_inherited_options_reach_the_state` compares it on a stack that came up.
    assert list(disagreements(seen.plan, recorded)) == []
    assert seen.changes == {"create": len(recorded.resources) + 1}  # and the stack itself
    assert seen.warnings == ()
    assert _files(stack) == before, "a preview rewrote the user's files"


def _files(stack: str) -> list[bytes]:
    return [(ROOT / file).read_bytes() for file in ("Pulumi.yaml", f"stacks/Pulumi.{stack}.yaml")]


class Owner(pulumi.ComponentResource):
    """A component whose children say nothing of their options, and one that says all."""

    def __init__(self, name: str, opts: pulumi.ResourceOptions) -> None:
        super().__init__("trellis:test:Owner", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        quiet = aws.sqs.Queue("quiet", delay_seconds=1, opts=child)
        own = pulumi.ResourceOptions(
            protect=False, retain_on_delete=False, ignore_changes=["delaySeconds"], depends_on=[quiet]
        )
        aws.sqs.Queue("loud", delay_seconds=2, opts=pulumi.ResourceOptions.merge(child, own))
        self.register_outputs({})


def options() -> None:
    """Options on a component, on children that inherit them, and on one that overrides them."""
    provider = aws.Provider("aws", region="us-east-1")
    cluster = aws.sqs.Queue("cluster", opts=pulumi.ResourceOptions(provider=provider))
    Owner(
        "owner",
        pulumi.ResourceOptions(providers=[provider], protect=True, retain_on_delete=True, deleted_with=cluster),
    )


def test_inherited_options_reach_the_state(tmp_path: Path, pulumi_cli: Path, providers: Attached) -> None:
    recorded = record(options, project="trellis", stack="dev", config={}, as_of=AS_OF)
    (tmp_path / "Pulumi.yaml").write_text("name: trellis\nruntime: python\n")
    (tmp_path / "Pulumi.dev.yaml").write_text("config: {}\n")
    with engine_stack(tmp_path, "dev", options, pulumi=pulumi_cli, providers=providers.ports) as opened:
        opened.up(color="never")
        deployment = opened.export_stack().deployment or {}
    states = {state["urn"]: state for state in deployment["resources"]}

    told = {
        resource.urn: {
            "parent": states[resource.urn].get("parent"),
            "dependencies": sorted(states[resource.urn].get("dependencies", [])),
            "provider": states[resource.urn].get("provider", "").rpartition("::")[0] or None,
            "protect": states[resource.urn].get("protect", False),
            "retainOnDelete": states[resource.urn].get("retainOnDelete", False),
            "deletedWith": states[resource.urn].get("deletedWith"),
            "ignoreChanges": states[resource.urn].get("ignoreChanges", []),
        }
        for resource in recorded.resources
    }
    documents = {resource.urn: resource.document() for resource in recorded.resources}
    assert told == {urn: {key: documents[urn][key] for key in row} for urn, row in told.items()}
    assert len(states) == len(recorded.resources) + 1  # and the stack itself
