"""Previews of the real stacks: stable, whole, the same in every format, and nothing written."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner

from tests.support.stacks import judged, recorded
from trellis.cli import main
from trellis.manifests import write
from trellis.paths import STACKS
from trellis.plan import Plan
from trellis.preview import plan_environment, stacks
from trellis.stackfile import StackFileError

ROOT = STACKS.parent
AS_OF = ["--as-of", "2026-11-01"]
PLANTED = "AKIAPLANTEDSECRET"


@pytest.fixture(scope="module")
def dev() -> Plan:
    return recorded("dev")


def run(*args: str) -> str:
    result = CliRunner().invoke(main, [*args])
    assert result.exit_code == 0, result.output
    return result.stdout


def test_two_processes_give_the_same_bytes() -> None:
    command = [sys.executable, "-m", "trellis.cli", "preview", "dev", "--format", "json", *AS_OF]
    # Different hash seeds: whatever depends on the order of a set would show.
    outputs = [
        subprocess.run(command, cwd=ROOT, env={"PYTHONHASHSEED": seed}, capture_output=True, check=True).stdout  # noqa: S603 - our own command
        for seed in ("1", "2")
    ]
    assert outputs[0] == outputs[1]


@pytest.mark.parametrize("stack", stacks())
def test_every_stack_passes_its_own_rules(stack: str) -> None:
    found = judged(stack)
    assert found.report.findings == ()
    assert found.verdict == "ok"
    assert found.plan.resources


@pytest.mark.parametrize("stack", stacks())
def test_no_workload_is_short_of_gpus(stack: str) -> None:
    for balance in judged(stack).gpus:
        assert balance.asked <= balance.offered, balance


def test_formats_tell_the_same_story() -> None:
    document = json.loads(run("preview", "dev", "--format", "json", *AS_OF))
    text = run("preview", "dev", *AS_OF)
    markdown = run("preview", "dev", "--format", "markdown", *AS_OF)
    worst = f"{document['cost']['total']['worst']:,.2f}"
    for form in (text, markdown):
        assert document["summary"] in form
        assert worst in form
        for balance in document["gpus"]:
            assert f"{balance['cluster']}/{balance['pool']}" in form
    for resource in document["plan"]["resources"]:
        assert f"{resource['type']} {resource['name']}" in text


def test_text_has_no_colour_off_a_terminal() -> None:
    assert "\x1b[" not in run("preview", "dev", *AS_OF)


def test_out_writes_a_file(tmp_path: Path) -> None:
    target = tmp_path / "dev.md"
    run("preview", "dev", "--format", "markdown", "--out", str(target), *AS_OF)
    assert target.read_text(encoding="utf-8").startswith("## Trellis preview: `dev`")


def test_commands_leave_the_tree_as_it_was(tmp_path: Path) -> None:
    def state() -> str:
        command = ["git", "status", "--porcelain", "stacks", "policies", "docs", "Pulumi.yaml"]
        return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout  # noqa: S603 - git

    before = state()
    run("preview", "dev", *AS_OF)
    run("render", "dev", "--out", str(tmp_path), *AS_OF)
    run("doctor")
    assert state() == before


def test_render_writes_objects_in_wave_order(dev: Plan, tmp_path: Path) -> None:
    count = write(dev, tmp_path)
    files = sorted(tmp_path.rglob("*.yaml"))
    releases = sorted(tmp_path.rglob("*.release"))
    assert len(files) + len(releases) == count
    assert len(releases) == len(list(dev.of_type("kubernetes:helm.sh/v3:Release")))
    waves = {
        document["kind"]: int(file.parent.name)
        for file in files
        if "kind" in (document := yaml.safe_load(file.read_text(encoding="utf-8")))
    }
    assert waves["Namespace"] < waves["NodePool"]
    assert waves["Namespace"] < waves["InferenceService"]


def test_render_leaves_nothing_stale_and_touches_nothing_foreign(dev: Plan, tmp_path: Path) -> None:
    write(recorded("local"), tmp_path)
    count = write(dev, tmp_path)
    assert len([*tmp_path.rglob("*.yaml"), *tmp_path.rglob("*.release")]) == count
    (tmp_path / "notes.md").write_text("mine", encoding="utf-8")
    with pytest.raises(FileExistsError, match="did not write"):
        write(dev, tmp_path)
    assert (tmp_path / "notes.md").read_text(encoding="utf-8") == "mine"


def test_an_environment_is_called_as_its_stack(tmp_path: Path) -> None:
    """A copied file that keeps its environment would take over the other's buckets, roles and clusters."""
    (tmp_path / "profiles").symlink_to(STACKS / "profiles")
    (tmp_path / "Pulumi.qa.yaml").write_bytes((STACKS / "Pulumi.dev.yaml").read_bytes())
    with pytest.raises(StackFileError, match="set `environment: qa`"):
        plan_environment("qa", folder=tmp_path)


def test_a_planted_secret_reaches_neither_plan_nor_report(tmp_path: Path) -> None:
    """A `secure:` value is never decrypted offline, and its ciphertext is nobody's business either."""
    stack = yaml.safe_load((STACKS / "Pulumi.dev.yaml").read_text(encoding="utf-8"))
    stack["config"]["trellis:token"] = {"secure": PLANTED}
    (tmp_path / "profiles").symlink_to(STACKS / "profiles")
    (tmp_path / "Pulumi.dev.yaml").write_text(yaml.safe_dump(stack), encoding="utf-8")
    assert PLANTED not in plan_environment("dev", folder=tmp_path, as_of="2026-11-01").to_json()


def test_no_stored_secret_stands_in_any_plan() -> None:
    """No password, key or token is an input of anything: RDS and External Secrets make and carry them."""
    suspicious = {"password", "masterpassword", "secretstring", "token", "privatekey", "accesskey", "secretkey"}
    for stack in stacks():
        for resource in recorded(stack).resources:
            # In an ExternalSecret `secretKey` is the name of a key, and Pipelines' `accesskey` that of a user.
            named = {"secretKey", "accesskey"} if resource.kind == "ExternalSecret" else set()
            found = suspicious & {key.lower() for key in set(_texts(resource.inputs)) - named}
            assert not found, f"{resource.urn}: {sorted(found)}"


def _texts(value: Any) -> Iterator[str]:
    """Every key whose value is text, at any depth.

    A reference to a secret is a mapping, ends in `Name`, or is a template that External Secrets fills in.
    """
    if isinstance(value, Mapping):
        for key, item in value.items():
            if isinstance(item, str) and not re.fullmatch(r"\{\{ \.\w+ \}\}", item):
                yield key
            yield from _texts(item)
    elif isinstance(value, list):
        for item in value:
            yield from _texts(item)


def test_an_unknown_stack_names_those_that_exist() -> None:
    result = CliRunner().invoke(main, ["preview", "nosuch"])
    assert result.exit_code == 2
    assert "dev" in result.stderr


def test_a_wrong_stack_file_exits_2_without_traceback(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "profiles").symlink_to(STACKS / "profiles")
    wrong = (STACKS / "Pulumi.dev.yaml").read_text(encoding="utf-8").replace("weight: 90", "weight: 80")
    (tmp_path / "Pulumi.dev.yaml").write_text(wrong, encoding="utf-8")
    monkeypatch.setattr("trellis.preview.load_environment.__defaults__", (tmp_path,))
    monkeypatch.setattr("trellis.preview.preview_environment.__kwdefaults__", {"folder": tmp_path, "as_of": ""})
    result = CliRunner().invoke(main, ["preview", "dev"])
    assert result.exit_code == 2
    assert "stacks/Pulumi.dev.yaml:" in result.stderr
    assert "weights sum to 90" in result.stderr
    assert "Traceback" not in result.stderr


def test_a_mandatory_finding_exits_3(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "profiles").symlink_to(STACKS / "profiles")
    poor = (STACKS / "Pulumi.dev.yaml").read_text(encoding="utf-8").replace("monthlyUsd: 8000", "monthlyUsd: 5000")
    (tmp_path / "Pulumi.dev.yaml").write_text(poor, encoding="utf-8")
    monkeypatch.setattr("trellis.preview.preview_environment.__kwdefaults__", {"folder": tmp_path, "as_of": ""})
    result = CliRunner().invoke(main, ["preview", "dev", *AS_OF])
    assert result.exit_code == 3
    assert "budget-worst-case" in result.stdout
