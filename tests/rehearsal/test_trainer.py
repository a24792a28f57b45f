"""The JobSet that we make of a TrainJob asks for the pods that the JobSet of Trainer's own manager asks for."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any, Literal

import pytest
import yaml

from components.layout import training
from components.layout.clusters import views
from components.spec.workloads import Resources, TrainingJob
from tests.rehearsal.managers import SECONDS, beside, free_port, running, tool_or_skip
from tests.rehearsal.projections import template
from trellis.kube.client import Api, wait_for
from trellis.preview import preview_environment, stacks
from trellis.rehearsal.expand import PodSet, Workload
from trellis.rehearsal.expand.model import Item
from trellis.rehearsal.expand.objects import Objects
from trellis.rehearsal.expand.trainer import GROUP, job_set_pods, train_job
from trellis.sandbox import Sandbox

pytestmark = pytest.mark.cluster
TOOL = "trainer-manager"
VERSION = f"{GROUP}/v1alpha1"
Framework = Literal["torch", "jax", "mpi"]
FRAMEWORKS: list[tuple[Framework, int]] = [("jax", 2), ("mpi", 1), ("mpi", 3)]
"""Frameworks and numbers of nodes that no stack has."""


def object_of(kind: str, name: str, space: str | None, spec: dict[str, Any]) -> Item:
    within = {"namespace": space} if space else {}
    manifest = {"apiVersion": VERSION, "kind": kind, "metadata": {"name": name, **within}, "spec": spec}
    return Item(urn=f"{kind}-{name}", manifest=manifest)


def with_items(objects: Objects, *items: Item) -> Objects:
    """The objects of a cluster, and some more."""
    more = Objects(objects.plan, objects.view)
    more.__dict__["items"] = (*objects.items, *items)  # what is computed once is there already
    return more


def by_hand(framework: Framework, nodes: int) -> tuple[list[Item], Item, Objects]:
    """A training job as the stack file could declare it, made by the very code that makes the stacks' own."""
    plan, platform = preview_environment("staging")
    view = views(platform)["main"]
    asked = Resources.model_validate({"gpus": 4, "cpu": 40, "memoryGib": 160, "sharedMemoryGib": 16})
    job = TrainingJob(
        team="research",
        pool="gpu-training",
        framework=framework,
        image="a/b:1",
        command=("run",),
        nodes=nodes,
        resources=asked,
    )
    name = f"{framework}-{nodes}"
    own = training.own_runtime(view, job)
    runtimes = [object_of("TrainingRuntime", name, "by-hand", own)] if own else []
    item = object_of("TrainJob", name, "by-hand", training.train_job(view, name, job))
    return runtimes, item, with_items(Objects(plan, view), *runtimes)


def of_stacks() -> Iterator[tuple[list[Item], Item, Objects]]:
    for stack in stacks():
        plan, platform = preview_environment(stack)
        for view in views(platform).values():
            objects = Objects(plan, view)
            for item in objects.of(GROUP, "TrainJob"):
                metadata = {"name": item.name, "namespace": f"{stack}-{item.namespace}"}
                moved = replace(item, manifest={**item.manifest, "metadata": metadata})
                yield list(objects.of(GROUP, "ClusterTrainingRuntime")), moved, objects


Made = list[tuple[list[Item], Item, tuple[PodSet, ...]]]


@pytest.fixture(scope="module")
def jobs() -> Made:
    """TrainJobs of all stacks and those by hand, with their runtimes and the pods that we make of each."""
    found: Made = []
    for runtimes, item, objects in [*of_stacks(), *(by_hand(*one) for one in FRAMEWORKS)]:
        made = train_job(item, objects)
        assert isinstance(made, Workload), made
        found.append((runtimes, item, made.pods))
    return found


@pytest.fixture(scope="module")
def trainer(
    tools: None,  # noqa: ARG001 - a fixture asks for another this way
    jobs: Made,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Api]:
    """A control plane with Trainer's manager on it, and all TrainJobs applied."""
    tool = tool_or_skip(TOOL)
    folder = tmp_path_factory.mktemp("trainer")
    port = free_port()
    with Sandbox.start("trainer", folder / "sandbox") as sandbox:
        api = sandbox.api
        api.install_crds([*beside(tool, "trainer.kubeflow.org_*.yaml"), permissive_job_set()])
        spaces = {item.namespace for _, item, _ in jobs}
        for space in sorted(spaces):
            api.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": space}})
        config = folder / "config.yaml"
        config.write_text(yaml.safe_dump(configuration(port)))
        with running(tool, sandbox, folder / "run", port, "--config", str(config)):
            for runtimes, item, _ in jobs:
                for one in (*runtimes, item):
                    api.apply(one.manifest)
            yield api


def configuration(port: int) -> dict[str, Any]:
    """The manager's configuration: everything on loopback or off, certificates from us."""
    return {
        "apiVersion": "config.trainer.kubeflow.org/v1alpha1",
        "kind": "Configuration",
        "webhook": {"port": port, "host": "127.0.0.1"},
        "metrics": {"bindAddress": "0"},
        "health": {"healthProbeBindAddress": "0"},
        "leaderElection": {"leaderElect": False},
        "certManagement": {"enable": False},
    }


def permissive_job_set() -> dict[str, Any]:
    """A stand-in for JobSet's CRD: it takes whatever the manager writes, which is what is compared."""
    anything = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
    version = {
        "name": "v1alpha2",
        "served": True,
        "storage": True,
        "schema": {"openAPIV3Schema": anything},
        "subresources": {"status": {}},
    }
    names = {"kind": "JobSet", "listKind": "JobSetList", "plural": "jobsets", "singular": "jobset"}
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": "jobsets.jobset.x-k8s.io"},
        "spec": {"group": "jobset.x-k8s.io", "names": names, "scope": "Namespaced", "versions": [version]},
    }


def job_set_of(api: Api, item: Item) -> dict[str, Any]:
    """Spec of the JobSet that the manager made of a TrainJob."""
    found: dict[str, Any] = {}

    def there() -> bool:
        found.update(api.get("jobset.x-k8s.io/v1alpha2", "JobSet", item.name, item.namespace) or {})
        return bool(found)

    wait_for(there, SECONDS, f"the JobSet of {item.label}")
    return dict(found["spec"])


def test_every_part_is_the_one_that_trainer_makes(trainer: Api, jobs: Made) -> None:
    assert len(jobs) == len(FRAMEWORKS) + 4  # dev, prod, split and staging train
    real: dict[str, Any] = {}
    ours: dict[str, Any] = {}
    for _, item, pods in jobs:
        for made, sets in ((real, job_set_pods(item.name, job_set_of(trainer, item))), (ours, pods)):
            made |= {f"{item.namespace}/{one.name}": (one.limit, template(one.template)) for one in sets}
    assert real == ours


@pytest.mark.parametrize(("framework", "nodes"), FRAMEWORKS)
def test_a_gang_has_as_many_pods_as_the_job_has_nodes(framework: Framework, nodes: int) -> None:
    _, item, objects = by_hand(framework, nodes)
    made = train_job(item, objects)
    assert isinstance(made, Workload)
    assert sum(pods.limit for pods in made.pods) == nodes
