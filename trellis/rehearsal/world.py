"""What a rehearsal takes place in: a control plane for each cluster, providers, an engine with a state of its own."""

from __future__ import annotations

import base64
import contextlib
import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from pulumi import automation

from components.layout.clusters import ClusterView, views
from components.spec.clusters import ExistingCluster
from components.spec.platform import Platform
from trellis.doubles.aws.double import AwsDouble
from trellis.doubles.aws.double import fidelity as aws_fidelity
from trellis.doubles.aws.server import AwsServer
from trellis.doubles.kubernetes import KubernetesDouble
from trellis.doubles.kubernetes.fake_aws import aws_command
from trellis.doubles.provider import Double
from trellis.doubles.serve import serve
from trellis.engine.run import Engine, open_stack, own_backend
from trellis.kube.client import Api
from trellis.paths import ROOT
from trellis.plan import Plan
from trellis.preview import preview_environment, stack_file
from trellis.program import run
from trellis.rehearsal.account import furnish
from trellis.rehearsal.controllers import acting
from trellis.rehearsal.inventory import Entry, inventory
from trellis.rehearsal.releases import DefiningReleases
from trellis.rehearsal.result import Fidelity
from trellis.sandbox import Sandbox
from trellis.sandbox.nodes import nodes_from
from trellis.toolchain import ensure

Progress = Callable[[str], None]


class RehearsalError(Exception):
    """A rehearsal cannot begin; the message says why and what to do."""


@dataclass
class World:
    """Everything that the acts of one rehearsal share."""

    stack: str
    as_of: str
    folder: Path
    """Its own temporary folder; `project` below it is a copy of the stack files."""
    engine: Engine
    clusters: Mapping[str, Sandbox]
    releases: DefiningReleases
    aws: AwsServer | None
    """What stands for AWS; None for a stack without it."""
    untouched_aws: frozenset[str]
    """What the account had before anything was deployed."""
    untouched: Mapping[str, frozenset[Entry]]
    """What each cluster had before anything was deployed."""
    progress: Progress
    refused: Sequence[set[str]]
    """What the API server of each cluster refused the stand-ins for controllers; fills as they go."""
    last_read: tuple[bytes, tuple[Plan, Platform]]
    """The stack file as it was read last, and what came of it: to record a large stack takes seconds."""

    @property
    def file(self) -> Path:
        """The copy of the stack's file, which an act may edit."""
        return stack_file(self.stack, self.project / "stacks")

    @property
    def project(self) -> Path:
        """Folder with the copy of `Pulumi.yaml` and of the stack files."""
        return self.folder / "project"

    def read(self) -> tuple[Plan, Platform]:
        """The plan as recorded from the copy of the stack files as they are now, and the platform behind it."""
        text = self.file.read_bytes()
        if text != self.last_read[0]:
            seen = preview_environment(self.stack, folder=self.file.parent, as_of=self.as_of)
            self.last_read = (text, seen)
        return self.last_read[1]

    def views(self) -> Mapping[str, ClusterView]:
        """The clusters as the stack files have them now."""
        return views(self.read()[1])

    def api(self, cluster: str) -> Api:
        """The API server of a cluster, seen as its administrator."""
        return self.clusters[cluster].api

    @contextlib.contextmanager
    def opened(self) -> Iterator[automation.Stack]:
        """The stack in the engine, over the stack files as they are now; its state stays."""
        with open_stack(self.project, self.stack, run, self.engine) as stack:
            yield stack

    def fidelity(self) -> list[Fidelity]:
        """How near to the real thing the providers were."""
        near = aws_fidelity() if self.aws else ()
        aws = [Fidelity(subject=row.subject, level=row.level, detail=row.detail) for row in near]
        return [*self.releases.fidelity(), *aws]

    def left_in_aws(self) -> list[str]:
        """What exists in AWS and was not there before, a line each."""
        return sorted({*_in_aws(self.aws, self.read()[1])} - self.untouched_aws)


@contextlib.contextmanager
def world(stack: str, *, as_of: str, progress: Progress) -> Iterator[World]:
    """Start all that a rehearsal of a stack needs; nothing of it is left at the end, however it ends.

    Raises `StackFileError`, `UnknownStackError`, `RehearsalError`, and what the sandbox and the toolchain raise.
    """
    plan, platform = preview_environment(stack, as_of=as_of)
    pulumi = ensure("pulumi", progress)
    with contextlib.ExitStack() as held:
        folder = Path(held.enter_context(tempfile.TemporaryDirectory(prefix="trellis-rehearsal-")))
        _copy(folder / "project")
        clusters = {
            name: held.enter_context(_cluster(view, folder / "clusters" / name, progress))
            for name, view in views(platform).items()
        }
        refused = [held.enter_context(acting(sandbox.api, _charts(plan))) for sandbox in clusters.values()]
        releases = DefiningReleases()
        kubernetes = held.enter_context(
            KubernetesDouble(
                releases=releases,
                environment=_credentials(platform, clusters, folder / "bin"),
                kubeconfigs=_kubeconfigs(platform, clusters, folder),
            )
        )
        doubles: dict[str, Double[Any]] = {"kubernetes": kubernetes}
        aws = None
        if platform.aws is not None:
            progress("starting a stand-in for AWS")
            aws = held.enter_context(AwsServer.start(folder / "aws", platform.aws.account_id))
            furnish(aws, platform.aws.region, plan)
            doubles["aws"] = AwsDouble(aws.url, aws.account, clusters=_endpoints(platform, clusters))
        ports = held.enter_context(serve(doubles))
        yield World(
            stack=stack,
            as_of=as_of,
            folder=folder,
            engine=Engine(pulumi=pulumi, environment=own_backend(folder / "backend", ports), create=True),
            clusters=clusters,
            releases=releases,
            aws=aws,
            untouched_aws=frozenset(_in_aws(aws, platform)),
            untouched={name: inventory(sandbox.api) for name, sandbox in clusters.items()},
            progress=progress,
            refused=refused,
            last_read=(stack_file(stack, folder / "project" / "stacks").read_bytes(), (plan, platform)),
        )


def _copy(target: Path) -> None:
    """The stack files; a rehearsal never touches the user's own."""
    target.mkdir()
    shutil.copyfile(ROOT / "Pulumi.yaml", target / "Pulumi.yaml")
    shutil.copytree(ROOT / "stacks", target / "stacks")


@contextlib.contextmanager
def _cluster(view: ClusterView, folder: Path, progress: Progress) -> Iterator[Sandbox]:
    """A control plane with what a cluster has before Trellis comes: its nodes, and its own storage class."""
    progress(f"starting a control plane for {view.name}")
    with Sandbox.start(f"rehearsal-{view.name}", folder) as sandbox:
        for node in nodes_from(view, "floor"):
            sandbox.api.create(node)
        if isinstance(view.cluster, ExistingCluster):
            sandbox.api.create(
                {
                    "apiVersion": "storage.k8s.io/v1",
                    "kind": "StorageClass",
                    "metadata": {"name": view.cluster.storage_class},
                    "provisioner": "stand-in.invalid/none",
                    "volumeBindingMode": "WaitForFirstConsumer",
                }
            )
        yield sandbox


def _charts(plan: Plan) -> Mapping[str, str]:
    """Chart of each release of a plan, without its repository, by the release's name."""
    releases = plan.of_type("kubernetes:helm.sh/v3:Release")
    return {str(row.inputs.get("name") or row.name): str(row.inputs["chart"]).rpartition("/")[2] for row in releases}


def _in_aws(aws: AwsServer | None, platform: Platform) -> list[str]:
    if aws is None or platform.aws is None:
        return []
    return [f"{type_} {id_}" for type_, ids in aws.inventory([platform.aws.region]).items() for id_ in ids]


def _names(platform: Platform) -> Mapping[str, str]:
    """Name in AWS of each EKS cluster, by its name in the stack file."""
    return {name: view.full_name for name, view in views(platform).items() if view.is_eks}


def _endpoints(platform: Platform, clusters: Mapping[str, Sandbox]) -> dict[str, tuple[str, str]]:
    """Endpoint and certificate authority of what stands for each EKS cluster, by its name in AWS."""
    found: dict[str, tuple[str, str]] = {}
    for name, full in _names(platform).items():
        layout = clusters[name].layout
        found[full] = (layout.server, base64.b64encode((layout.folder / "pki" / "ca.crt").read_bytes()).decode())
    return found


def _credentials(platform: Platform, clusters: Mapping[str, Sandbox], folder: Path) -> Mapping[str, str]:
    """Environment in which the kubeconfigs of EKS clusters find an `aws` command."""
    names = _names(platform)
    return aws_command(folder, {full: clusters[name].api.access for name, full in names.items()}) if names else {}


def _kubeconfigs(platform: Platform, clusters: Mapping[str, Sandbox], folder: Path) -> dict[str, Path]:
    """For each kubeconfig that a stack names by path, one with the same contexts that lead to the sandboxes."""

    found: dict[str, Path] = {}
    for name, view in views(platform).items():
        if not isinstance(view.cluster, ExistingCluster):
            continue
        document = yaml.safe_load(clusters[name].kubeconfig.read_text())
        context = document["contexts"][0]
        context["name"] = document["current-context"] = view.cluster.context
        file = folder / f"kubeconfig-{name}.yaml"
        file.touch(mode=0o600)
        file.write_text(yaml.safe_dump(document))
        if view.cluster.kubeconfig in found:
            raise RehearsalError(
                f"clusters.{name}.kubeconfig: {view.cluster.kubeconfig} is also another cluster's; give each a file "
                "of its own, or rehearse them one by one"
            )
        found[view.cluster.kubeconfig] = file
    return found
