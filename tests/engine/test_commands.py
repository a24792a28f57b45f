"""`trellis up`, `preview --engine`, `refresh` and `destroy` over a whole stack: what they do, print and leave alone."""

from __future__ import annotations

import json
import stat
from pathlib import Path

import pytest
from click.testing import CliRunner

from tests.engine.live import STACK, URN, World, brought_up
from trellis import cli_engine
from trellis.cli import main
from trellis.paths import ROOT
from trellis.preview import load_environment, plan_environment

pytestmark = pytest.mark.engine
__all__ = ["brought_up"]

PLATFORM = f"{URN}trellis:index:AiPlatform$trellis:index:"
LEAF = f"{PLATFORM}Foundation$trellis:aws:Registry$aws:ecr/lifecyclePolicy:LifecyclePolicy::training"
ROUTE = f"{PLATFORM}ClusterStack$trellis:k8s:Model$kubernetes:networking.istio.io/v1:VirtualService::llm-inference"


def test_up_makes_what_was_planned(brought_up: World) -> None:
    told = json.loads((brought_up.folder / "up.json").read_text())
    planned = {resource.urn for resource in plan_environment(STACK, as_of="2026-11-01").resources}
    made = {step["urn"] for step in told["operations"] if step["op"] == "create" and step["done"]}
    assert made == planned | {f"{URN}pulumi:pulumi:Stack::trellis-{STACK}"}
    assert told["changes"] == {"create": len(made)}
    assert told["failures"] == []
    assert told["outputs"]["environment"] == STACK


def test_the_event_log_has_one_event_a_line(brought_up: World) -> None:
    log = brought_up.folder / "events.json"
    rows = [json.loads(line) for line in log.read_text().splitlines()]
    assert {"preludeEvent", "resourcePreEvent", "resOutputsEvent", "summaryEvent"} <= {
        key for row in rows for key in row
    }
    assert [row["sequence"] for row in rows] == sorted(row["sequence"] for row in rows)
    assert stat.S_IMODE(log.stat().st_mode) == 0o600


def test_a_second_preview_changes_nothing(brought_up: World) -> None:
    told = brought_up.json("preview", STACK, "--engine")
    assert told["operations"] == []
    assert list(told["changes"]) == ["same"]


def test_progress_in_ci_is_a_start_and_an_end(brought_up: World) -> None:
    result = brought_up.trellis("refresh", STACK)
    assert result.exit_code == 0
    lines = result.stderr.splitlines()
    assert lines[0] == f"trellis: refresh {STACK}: started after 0 s"
    assert lines[-1].startswith(f"trellis: refresh {STACK}: ended after ")
    assert "\x1b" not in result.output


def test_a_target_leaves_all_else_alone(brought_up: World, tmp_path: Path) -> None:
    own = brought_up.copy(tmp_path)
    gone = own.json("destroy", STACK, "--yes", "--target", LEAF)
    assert [(step["op"], step["urn"]) for step in gone["operations"]] == [("delete", LEAF)]
    seen = own.json("preview", STACK, "--engine")
    assert [(step["op"], step["urn"]) for step in seen["operations"]] == [("create", LEAF)]
    back = own.json("up", STACK, "--yes", "--target", LEAF)
    assert [(step["op"], step["urn"]) for step in back["operations"]] == [("create", LEAF)]


def test_destroy_leaves_nothing(brought_up: World, tmp_path: Path) -> None:
    own = brought_up.copy(tmp_path)
    told = own.json("destroy", STACK, "--yes")
    assert {step["op"] for step in told["operations"]} == {"delete"}
    assert json.loads(own.state.read_text())["checkpoint"]["latest"].get("resources") is None
    # The stack itself stays, empty; a second destroy has nothing to do.
    assert own.json("destroy", STACK, "--yes")["operations"] == []


def test_an_unknown_target_names_the_nearest(brought_up: World) -> None:
    result = brought_up.trellis("up", STACK, "--yes", "--target", LEAF.replace("training", "trainign"))
    assert result.exit_code == 2
    assert f"nearest: {LEAF}" in result.stderr


@pytest.mark.parametrize("command", ["up", "destroy"])
def test_nobody_is_asked_where_nobody_sits(command: str) -> None:
    result = CliRunner().invoke(main, [command, STACK])
    assert result.exit_code == 2
    assert "give --yes" in result.stderr


def test_mistakes_in_the_stack_file_are_told_with_their_lines(
    brought_up: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = (ROOT / "stacks" / f"Pulumi.{STACK}.yaml").read_text()
    (tmp_path / f"Pulumi.{STACK}.yaml").write_text(text.replace("weight: 90", "weight: 91"))
    (tmp_path / "profiles").symlink_to(ROOT / "stacks" / "profiles")
    monkeypatch.setattr(cli_engine, "load_environment", lambda stack: load_environment(stack, tmp_path))
    result = brought_up.trellis("up", STACK, "--yes")
    assert result.exit_code == 2
    assert f"stacks/Pulumi.{STACK}.yaml:" in result.stderr
    assert "1 mistake; nothing was changed" in result.stderr


def test_options_of_the_engine_need_the_engine() -> None:
    result = CliRunner().invoke(main, ["preview", STACK, "--target", LEAF])
    assert result.exit_code == 2
    assert "--engine" in result.stderr


def test_a_log_that_cannot_be_written_stops_before_anything_happens(brought_up: World, tmp_path: Path) -> None:
    before = brought_up.state.read_bytes()
    result = brought_up.trellis("up", STACK, "--yes", "--event-log", str(tmp_path / "nowhere" / "log"))
    assert result.exit_code == 2
    assert "--event-log" in result.stderr
    assert brought_up.state.read_bytes() == before


PACK = """
from pulumi_policy import EnforcementLevel, PolicyPack, ResourceValidationPolicy


def refuse(args, report):
    # Of two that are refused the engine names whichever comes first.
    if args.resource_type == "aws:ecr/lifecyclePolicy:LifecyclePolicy" and args.name == "training":
        report("no policies here")


PolicyPack("strict", enforcement_level=EnforcementLevel.MANDATORY, policies=[
    ResourceValidationPolicy("no-lifecycle", "No lifecycle.", refuse)])
"""


@pytest.fixture
def strict_pack(tmp_path: Path) -> Path:
    """A policy pack that the stack breaks."""
    folder = tmp_path / "pack"
    folder.mkdir()
    (folder / "PulumiPolicy.yaml").write_text("runtime: python\nversion: 0.0.1\n")
    (folder / "__main__.py").write_text(PACK)
    return folder


def test_a_mandatory_finding_stops_an_up(brought_up: World, tmp_path: Path, strict_pack: Path) -> None:
    own = brought_up.copy(tmp_path)
    own.json("destroy", STACK, "--yes", "--target", LEAF)
    result = own.trellis("up", STACK, "--yes", "--policy-pack", str(strict_pack))
    assert result.exit_code == 3
    assert "no-lifecycle" in result.stdout
    assert LEAF in result.stdout
    assert LEAF not in own.state.read_text()
    assert own.trellis("preview", STACK, "--engine", "--policy-pack", str(strict_pack)).exit_code == 3
    assert own.trellis("preview", STACK, "--engine", "--no-policy-pack").exit_code == 0


def test_all_failures_are_told_at_once_with_their_places(brought_up: World, tmp_path: Path) -> None:
    own = brought_up.copy(tmp_path)
    wrong = [LEAF, ROUTE]
    own.json("destroy", STACK, "--yes", "--target", LEAF, "--target", ROUTE)
    own.seen.refuse |= {urn.rpartition("::")[2] for urn in wrong}
    try:
        result = own.trellis("up", STACK, "--yes", "--format", "json")
    finally:
        own.seen.refuse.clear()
    assert result.exit_code == 1
    failures = {row["urn"]: row for row in json.loads(result.stdout)["failures"]}
    assert sorted(failures) == sorted(wrong)
    told = failures[ROUTE]
    assert "the cloud does not want llm-inference" in told["message"]
    assert told["component"] == "AiPlatform > ClusterStack > Model"
    assert told["stackFile"].endswith(": models.llm-inference")
    assert own.json("up", STACK, "--yes")["changes"]["create"] == 2
