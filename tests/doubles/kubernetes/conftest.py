"""The real engine over the Kubernetes double over a real control plane, with a program that a test may change."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pulumi
import pulumi_kubernetes as kubernetes
import pytest
from pulumi import automation
from pulumi.automation.events import EngineEvent

from tests.sandbox.conftest import shared_sandbox
from trellis.doubles.kubernetes import KubernetesDouble
from trellis.doubles.serve import serve
from trellis.engine.run import engine_stack
from trellis.sandbox import Sandbox

__all__ = ["shared_sandbox"]

Program = Callable[[pulumi.ResourceOptions], Any]
"""Makes resources with the options that it is given: those name the provider."""


def make(class_: Callable[..., Any], name: str, options: pulumi.ResourceOptions, /, **inputs: Any) -> Any:
    """A resource of an SDK's class; plain dictionaries are taken as they are, whatever its overloads say."""
    return class_(name, opts=options, **inputs)


@dataclass
class Running:
    """A stack over one cluster."""

    stack: automation.Stack
    kubeconfig: str
    settings: dict[str, Any] = field(default_factory=dict)
    heard: list[EngineEvent] = field(default_factory=list)

    def runs(self, program: Program, **settings: Any) -> Running:
        """Take another program, and more settings of its provider."""
        self.settings |= settings

        def whole() -> None:
            provider = kubernetes.Provider("cluster", kubeconfig=self.kubeconfig, **self.settings)
            program(pulumi.ResourceOptions(provider=provider))

        self.stack.workspace.program = whole
        return self

    def up(self, **rest: Any) -> dict[str, int]:
        """Bring it up; what changed, without what stays the same."""
        self.heard = []
        changes = self.stack.up(color="never", on_event=self.heard.append, **rest).summary.resource_changes or {}
        return {str(operation): count for operation, count in changes.items() if operation != "same"}

    def preview(self, **rest: Any) -> dict[str, int]:
        """What an `up` would change."""
        self.heard = []
        changes = self.stack.preview(color="never", on_event=self.heard.append, **rest).change_summary
        return {str(operation): count for operation, count in changes.items() if operation != "same"}

    def steps(self) -> dict[str, list[str]]:
        """Steps that the engine took last, by the resource's name, in order; those that change nothing left out."""
        found: dict[str, list[str]] = {}
        for event in self.heard:
            if event.resource_pre_event and event.resource_pre_event.metadata.op != "same":
                meta = event.resource_pre_event.metadata
                found.setdefault(meta.urn.rpartition("::")[2], []).append(str(meta.op.value))
        return found

    def keys(self, name: str) -> list[str]:
        """Properties that the engine says a resource is replaced for."""
        metas = [event.resource_pre_event.metadata for event in self.heard if event.resource_pre_event]
        return sorted({key for meta in metas if meta.urn.endswith(f"::{name}") for key in meta.keys or []})

    def changed(self, name: str) -> dict[str, str]:
        """Properties that the engine saw differ in a resource, with how."""
        for event in self.heard:
            meta = event.resource_pre_event.metadata if event.resource_pre_event else None
            if meta and meta.urn.endswith(f"::{name}") and meta.detailed_diff:
                return {path: str(one.diff_kind.value) for path, one in meta.detailed_diff.items()}
        return {}

    def state(self, name: str) -> dict[str, Any]:
        """A resource as the state holds it."""
        rows = (self.stack.export_stack().deployment or {})["resources"]
        found: dict[str, Any] = next(row for row in rows if row["urn"].endswith(f"::{name}"))
        return found


@pytest.fixture
def cluster(shared_sandbox: Sandbox) -> Sandbox:
    """A control plane that all tests of a worker share, each in a namespace of its own."""
    return shared_sandbox


@pytest.fixture
def namespace(cluster: Sandbox, request: pytest.FixtureRequest) -> Iterator[str]:
    """A namespace for one test, gone with all that is in it."""
    name = re.sub("[^a-z0-9]+", "-", request.node.name)[:60].strip("-")
    cluster.api.create({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}})
    yield name
    cluster.api.delete("v1", "Namespace", name)


@contextlib.contextmanager
def running(folder: Path, pulumi_cli: Path, kubeconfig: str, **rest: Any) -> Iterator[Running]:
    """Serve a double and open a fresh stack."""
    folder.mkdir(exist_ok=True)
    (folder / "Pulumi.yaml").write_text("name: objects\nruntime: python\n")
    (folder / "Pulumi.dev.yaml").write_text("config: {}\n")
    with (
        KubernetesDouble(**rest) as double,
        serve({"kubernetes": double}) as ports,
        engine_stack(folder, "dev", lambda: None, pulumi=pulumi_cli, providers=ports) as stack,
    ):
        yield Running(stack, kubeconfig)


@pytest.fixture
def engine(tmp_path: Path, pulumi_cli: Path, cluster: Sandbox) -> Iterator[Running]:
    """A stack over the shared cluster."""
    with running(tmp_path / "project", pulumi_cli, cluster.kubeconfig.read_text()) as it:
        yield it
