"""Small programs in the real engine: what a preview tells, and that it leaves nothing behind."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path

import pulumi
import pulumi_aws as aws
import pulumi_kubernetes as k8s
import pytest
from pulumi import automation

from tests.engine.conftest import Attached
from trellis.engine.run import EngineError, Result, engine_stack, preview
from trellis.plan import SECRET, UNKNOWN

pytestmark = pytest.mark.engine

Open = Callable[[Callable[[], None]], AbstractContextManager[automation.Stack]]
PREFIX = "urn:pulumi:dev::trellis::"
STACK_FILE = """\
# A comment, an anchor and an octal number: the engine would rewrite all three.
config:
  pulumi:disable-default-providers: [aws, kubernetes]
  trellis:platform:
    base: &base {mode: 0755}
    copy: *base
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project under git, all committed."""
    (tmp_path / "stacks").mkdir()
    (tmp_path / "stacks" / "Pulumi.dev.yaml").write_text(STACK_FILE)
    (tmp_path / "Pulumi.yaml").write_text("name: trellis\nruntime: python\nstackConfigDir: stacks\n")
    git(tmp_path, "init", "--quiet")
    git(tmp_path, "add", ".")
    git(tmp_path, "-c", "user.name=t", "-c", "user.email=t@example.com", "commit", "--quiet", "-m", "start")
    return tmp_path


def git(folder: Path, *arguments: str) -> str:
    command = ["git", "-C", str(folder), *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout  # noqa: S603 - no shell


@pytest.fixture
def open_stack(project: Path, pulumi_cli: Path, providers: Attached) -> Iterator[Open]:
    """Open the project's `dev` in the engine; afterwards git must see no change, whatever happened in between."""

    def opened(program: Callable[[], None]) -> AbstractContextManager[automation.Stack]:
        return engine_stack(project, "dev", program, pulumi=pulumi_cli, providers=providers.ports)

    yield opened
    assert git(project, "status", "--porcelain") == ""


def run_preview(open_stack: Open, program: Callable[[], None]) -> Result:
    with open_stack(program) as stack:
        return preview(stack, as_of="2026-11-01")


class Box(pulumi.ComponentResource):
    """A bucket, and a cluster's objects that need it."""

    def __init__(self, name: str, opts: pulumi.ResourceOptions) -> None:
        super().__init__("trellis:test:Box", name, None, opts)
        self.topic = aws.sns.Topic("topic", name="t", opts=pulumi.ResourceOptions(parent=self, protect=True))
        cluster = k8s.Provider("cluster", kubeconfig=self.topic.arn)
        within = pulumi.ResourceOptions(parent=self, provider=cluster)
        k8s.apiextensions.CustomResource(
            "pool",
            api_version="karpenter.sh/v1",
            kind="NodePool",
            metadata={"name": "gpu"},
            # The last was too much for `pulumi preview --json`: a secret that is unknown while its provider is.
            spec={
                "topic": self.topic.arn,
                "token": pulumi.Output.secret("hunter2"),
                "key": pulumi.Output.secret(self.topic.arn),
            },
            opts=within,
        )
        k8s.helm.v3.Release("chart", chart="kueue", version="0.19.2", namespace="kueue-system", opts=within)
        self.register_outputs({})


def boxed() -> None:
    provider = aws.Provider("aws", region="us-east-1")
    Box("box", pulumi.ResourceOptions(providers=[provider]))
    pulumi.export("mode", pulumi.Config("trellis").require_object("platform")["copy"]["mode"])
    pulumi.export("password", pulumi.Output.secret("hunter2"))


def test_a_preview_tells_what_the_program_registers(open_stack: Open, providers: Attached) -> None:
    result = run_preview(open_stack, boxed)
    assert result.plan
    found = result.plan.by_urn
    topic = f"{PREFIX}trellis:test:Box$aws:sns/topic:Topic::topic"
    pool = found[f"{PREFIX}trellis:test:Box$kubernetes:karpenter.sh/v1:NodePool::pool"]
    assert {r.type for r in found.values()} == {
        "aws:sns/topic:Topic",
        "kubernetes:helm.sh/v3:Release",
        "kubernetes:karpenter.sh/v1:NodePool",
        "pulumi:providers:aws",
        "pulumi:providers:kubernetes",
        "trellis:test:Box",
    }
    assert (found[topic].protect, found[topic].custom, pool.protect) == (True, True, False)
    assert found[topic].provider == f"{PREFIX}pulumi:providers:aws::aws"
    assert (pool.parent, pool.dependencies) == (f"{PREFIX}trellis:test:Box::box", (topic,))
    assert pool.inputs["spec"] == {"topic": UNKNOWN, "token": SECRET, "key": UNKNOWN}
    assert result.plan.outputs == {"mode": 493, "password": SECRET}
    assert result.changes == {"create": 7}
    assert result.warnings == ()
    assert "hunter2" not in result.plan.to_json()
    # The cluster's provider cannot be configured yet, so the engine asks it nothing.
    assert providers.seen.urns("Create (preview)") == [topic]


def test_a_stack_comes_up_changes_and_goes_away(open_stack: Open, providers: Attached) -> None:
    size = 1

    def program() -> None:
        provider = aws.Provider("aws", region="us-east-1")
        queue = aws.sqs.Queue("queue", delay_seconds=size, opts=pulumi.ResourceOptions(provider=provider))
        pulumi.export("id", queue.id)

    with open_stack(program) as stack:
        assert stack.up(color="never").outputs["id"].value.startswith("stub-")
        assert preview(stack, as_of="2026-11-01").changes == {"same": 3}
        size = 2
        assert preview(stack, as_of="2026-11-01").changes == {"same": 2, "update": 1}
        stack.up(color="never")
        stack.refresh(color="never")
        stack.destroy(color="never")
    queue = f"{PREFIX}aws:sqs/queue:Queue::queue"
    assert [name for name, urn in providers.seen.calls if urn == queue and name in ("Create", "Update", "Delete")] == [
        "Create",
        "Update",
        "Delete",
    ]


def test_what_the_program_says_when_it_stops_is_the_error(open_stack: Open) -> None:
    def program() -> None:
        raise pulumi.RunError("stacks/Pulumi.dev.yaml:5: base: no such mode")

    with pytest.raises(EngineError) as stopped:
        run_preview(open_stack, program)
    assert "stacks/Pulumi.dev.yaml:5: base: no such mode" in str(stopped.value)
    assert "Traceback" not in str(stopped.value)


def test_an_invoke_stops_the_preview(open_stack: Open, providers: Attached) -> None:
    def program() -> None:
        provider = aws.Provider("aws", region="us-east-1")
        aws.get_caller_identity(opts=pulumi.InvokeOptions(provider=provider))

    with pytest.raises(EngineError, match="the program may ask nothing"):
        run_preview(open_stack, program)
    assert providers.seen.urns("Invoke") == ["aws:index/getCallerIdentity:getCallerIdentity"]


def test_a_forgotten_provider_stops_the_preview(open_stack: Open) -> None:
    def program() -> None:
        aws.sqs.Queue("queue")

    with pytest.raises(EngineError, match="Default provider for 'aws' disabled"):
        run_preview(open_stack, program)


def test_a_failure_in_the_middle_leaves_nothing(open_stack: Open) -> None:
    folders: list[Path] = []

    def fail() -> None:
        with open_stack(boxed) as stack:
            folders.append(Path(stack.workspace.work_dir))
            assert folders[0].is_dir()
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert not folders[0].exists()


def test_a_stack_without_a_file_is_an_error(project: Path, pulumi_cli: Path) -> None:
    with (
        pytest.raises(EngineError, match=r"no such stack file; there are: Pulumi\.dev\.yaml"),
        engine_stack(project, "nowhere", boxed, pulumi=pulumi_cli, providers={}),
    ):
        pass


def test_stack_files_outside_the_project_are_an_error(project: Path, pulumi_cli: Path) -> None:
    (project / "Pulumi.yaml").write_text("name: trellis\nruntime: python\nstackConfigDir: ../stacks\n")
    with (
        pytest.raises(EngineError, match="lies outside the project"),
        engine_stack(project, "dev", boxed, pulumi=pulumi_cli, providers={}),
    ):
        pass
