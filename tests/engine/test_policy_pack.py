"""The policy pack under the real engine: it starts, reads its configuration, and finds what `evaluate` finds."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pulumi
import pulumi_aws as aws
import pulumi_kubernetes as k8s
import pytest
from pulumi import automation
from pulumi.automation import errors, events

from policies.config import config_for, to_json
from policies.evaluate import evaluate
from policies.model import Report
from policies.settings import UNSEEN
from tests.engine.conftest import Attached
from tests.policies.builders import GUARDRAILS, TAGS, UNKNOWN, Stack, happy, put
from trellis.engine.run import engine_stack
from trellis.recorder import ROOT_TYPE, record

pytestmark = pytest.mark.engine

PACK = Path(__file__).resolve().parent.parent.parent / "policies"
Found = set[tuple[str, str, str, str]]
"""(policy, URN, message, level) of each policy event."""


def program(stack: Stack) -> Callable[[], None]:
    """A program that registers the resources of a built stack; what is unknown there comes from an output here."""

    def run() -> None:
        cloud = aws.Provider("aws", region="us-east-1", default_tags={"tags": TAGS})
        cluster = k8s.Provider("main", kubeconfig="{}")
        topic = aws.sns.Topic("topic", name="t", opts=pulumi.ResourceOptions(provider=cloud))

        def live(value: Any) -> Any:
            if isinstance(value, Mapping):
                return topic.arn if value == UNKNOWN else {key: live(child) for key, child in value.items()}
            return [live(child) for child in value] if isinstance(value, list) else value

        made: dict[str, pulumi.CustomResource] = {}
        for row in stack.values():
            if not row["type"].startswith("pulumi:"):
                before = [made[urn] for urn in row["dependencies"]]
                provider = cloud if row["type"].startswith("aws:") else cluster
                options = pulumi.ResourceOptions(provider=provider, depends_on=before)
                made[row["urn"]] = pulumi.CustomResource(row["type"], row["name"], live(row["inputs"]), options)

    return run


@pytest.fixture
def analyzer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Stand in for the Python language host, which no registry has: run the pack's `__main__.py` with our Python.

    The engine looks for this name on PATH when it finds no language host, and starts it in the pack's folder.
    """
    shim = tmp_path / "bin" / "pulumi-analyzer-policy-python"
    shim.parent.mkdir()
    shim.write_text(f'#!/bin/sh\nexec "{sys.executable}" __main__.py\n')
    shim.chmod(0o755)
    monkeypatch.setenv("PATH", f"{shim.parent}{os.pathsep}{os.environ['PATH']}")


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project with an empty stack file."""
    (tmp_path / "Pulumi.yaml").write_text("name: trellis\nruntime: python\n")
    (tmp_path / "Pulumi.test.yaml").write_text("config: {}\n")
    return tmp_path


class Engine:
    """Previews a built stack with the pack, in the real engine."""

    def __init__(self, project: Path, pulumi_cli: Path, providers: Attached) -> None:
        self._project, self._pulumi, self._ports = project, pulumi_cli, providers.ports
        self.stopped = ""
        """What the engine said when it refused to go on."""

    def preview(self, stack: Stack, config: Mapping[str, Any]) -> Found:
        """The policy events of a preview."""
        seen: list[events.PolicyEvent] = []
        file = self._project / "pack.json"
        file.write_text(to_json(config))

        def listen(event: events.EngineEvent) -> None:
            if event.policy_event:
                seen.append(event.policy_event)

        with engine_stack(self._project, "test", program(stack), pulumi=self._pulumi, providers=self._ports) as opened:
            self._preview(opened, file, listen)
        return {(e.policy_name, place(e), told(e.message), str(e.enforcement_level)) for e in seen}

    def _preview(self, opened: automation.Stack, file: Path, listen: Callable[[events.EngineEvent], None]) -> None:
        try:
            opened.preview(policy_packs=[str(PACK)], policy_pack_configs=[str(file)], on_event=listen, color="never")
        except errors.CommandError as error:
            self.stopped = str(error)


@pytest.fixture
def engine(project: Path, pulumi_cli: Path, providers: Attached, analyzer: None) -> Iterator[Engine]:  # noqa: ARG001 - PATH
    """The engine; the pack's folder must be as it was afterwards."""
    before = sorted(path for path in PACK.rglob("*") if "__pycache__" not in path.parts)
    yield Engine(project, pulumi_cli, providers)
    assert sorted(path for path in PACK.rglob("*") if "__pycache__" not in path.parts) == before


def place(event: events.PolicyEvent) -> str:
    """The URN of a finding; the engine puts what concerns the stack as a whole on the stack's own resource."""
    return "" if f"::{ROOT_TYPE}::" in str(event.resource_urn) else str(event.resource_urn)


def told(message: str) -> str:
    """The finding's own words: without the title before them and the colours in them."""
    return re.sub(r"<\{%.*?%\}>", "", message).strip().partition("\n")[2].strip()


def expected(stack: Stack, config: Mapping[str, Any]) -> tuple[Report, Found]:
    """What the same program, recorded in process, is found to break."""
    plan = record(program(stack), project="trellis", stack="test", config={}, as_of="2026-11-01")
    report = evaluate([resource.document() for resource in plan.resources], config)
    found = {(f.rule, f.urn, f.message, f.level.value) for f in report.findings}
    return report, found | {(UNSEEN, u.urn, u.message, "advisory") for u in report.unknowns}


def test_a_right_stack_passes(engine: Engine) -> None:
    config = config_for(GUARDRAILS)
    report, found = expected(happy(), config)
    assert report.findings == ()
    assert engine.preview(happy(), config) == found
    assert engine.stopped == ""


def test_the_engine_finds_what_evaluate_finds_and_stops(engine: Engine) -> None:
    stack, config = happy(), config_for({**GUARDRAILS, "budget": {"monthlyUsd": 1000}})
    put(stack, "llm", "spec|predictor|nodeSelector", dict(UNKNOWN))
    put(stack, "llm", "spec|predictor|containers|0|image", "llm:latest")
    put(stack, "job", "spec|trainer|resourcesPerNode|requests|nvidia.com/gpu", 2)
    put(stack, "training", "spec|template|spec|requirements|0|values", ["on-demand"])
    put(stack, "cluster", "vpcConfig|publicAccessCidrs", ["0.0.0.0/0", dict(UNKNOWN)])
    put(stack, "node-class", "spec|tags", {})
    report, found = expected(stack, config)
    assert {f.rule for f in report.findings} == {
        "budget-worst-case",
        "cost-tags-present",
        "gpu-limit-equals-request",
        "images-pinned",
        "no-public-cluster-endpoint",
        "spot-for-interruptible-training",
    }
    assert report.unknowns
    assert engine.preview(stack, config) == found
    assert engine.stopped
