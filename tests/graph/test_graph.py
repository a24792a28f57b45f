"""The graph of every stack: order of creation, and so of destruction."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from functools import cache
from graphlib import TopologicalSorter

import pytest

from components.catalogue.addons import addons
from tests.support.stacks import recorded as plan
from trellis.plan import Resource
from trellis.preview import stacks

RELEASE = "kubernetes:helm.sh/v3:Release"


@cache
def before(stack: str) -> Mapping[str, frozenset[str]]:
    """URN -> all that it waits for, directly or not.

    As in the engine (`DependenciesOf` in its dependency graph), a resource waits for its parent, and so for all
    that the parent waits for; deletes run the same graph backwards.
    """
    found: dict[str, frozenset[str]] = {}
    graph = {r.urn: {*r.dependencies, *([r.parent] if r.parent else [])} for r in plan(stack).resources}
    for urn in TopologicalSorter(graph).static_order():
        direct = graph.get(urn, set())
        found[urn] = frozenset(direct).union(*(found.get(one, frozenset()) for one in direct))
    return found


every_stack = pytest.mark.parametrize("stack", stacks())


def kubernetes(stack: str) -> list[Resource]:
    return [r for r in plan(stack).resources if r.is_kubernetes]


def group_kind(resource: Resource) -> tuple[str, str]:
    api = str(resource.inputs.get("apiVersion", ""))
    return (api.rpartition("/")[0], str(resource.inputs.get("kind", "")))


@cache
def crd_owners() -> Mapping[tuple[str, str], tuple[str, ...]]:
    """(group, kind) -> release names of the add-on that brings the CRD and the controller."""
    return {
        (crd.group, crd.kind): tuple(release.release_name for release in row.releases)
        for row in addons().values()
        for crd in row.crds
        if row.releases
    }


@every_stack
def test_there_is_no_cycle(stack: str) -> None:
    graph = {r.urn: {*r.dependencies, *([r.parent] if r.parent else [])} for r in plan(stack).resources}
    assert list(TopologicalSorter(graph).static_order())


@every_stack
def test_dependencies_exist(stack: str) -> None:
    known = plan(stack).by_urn
    assert {d for r in plan(stack).resources for d in r.dependencies} <= set(known)


@every_stack
def test_custom_resources_wait_for_controller_and_crd(stack: str) -> None:
    releases = {(r.provider, r.inputs["name"]): r.urn for r in plan(stack).of_type(RELEASE)}
    judged = 0
    for resource in kubernetes(stack):
        owners = crd_owners().get(group_kind(resource))
        if owners is None:
            continue
        judged += 1
        wanted = {releases[resource.provider, owner] for owner in owners if (resource.provider, owner) in releases}
        assert wanted, f"{resource.urn}: no release brings its CRD"
        assert wanted <= before(stack)[resource.urn], f"{resource.urn} does not wait for {sorted(wanted)}"
    assert judged


@every_stack
def test_namespaced_objects_wait_for_their_namespace(stack: str) -> None:
    spaces = {(r.provider, r.inputs["metadata"]["name"]): r.urn for r in kubernetes(stack) if r.kind == "Namespace"}
    for resource in [*kubernetes(stack), *plan(stack).of_type(RELEASE)]:
        meta = resource.inputs if resource.type == RELEASE else resource.inputs.get("metadata", {})
        space = spaces.get((resource.provider, meta.get("namespace")))
        if space is not None:
            assert space in before(stack)[resource.urn], f"{resource.urn} does not wait for its namespace"


@every_stack
def test_nothing_uses_a_default_provider(stack: str) -> None:
    providers = {
        r.urn: r.type.rpartition(":")[2] for r in plan(stack).resources if r.type.startswith("pulumi:providers:")
    }
    for resource in plan(stack).resources:
        if resource.custom and resource.urn not in providers:
            assert resource.provider is not None, resource.urn
            assert providers[resource.provider] == resource.type.partition(":")[0], resource.urn


@every_stack
def test_one_provider_for_each_region_and_cluster(stack: str) -> None:
    kinds = Counter(r.type for r in plan(stack).resources if r.type.startswith("pulumi:providers:"))
    outputs = plan(stack).outputs
    assert kinds["pulumi:providers:kubernetes"] == len(outputs["clusters"])
    assert kinds["pulumi:providers:aws"] <= 1


@every_stack
def test_logical_names_hold_no_environment_no_index_no_clock(stack: str) -> None:
    for resource in plan(stack).resources:
        assert not re.search(rf"(^|-){stack}(-|$)", resource.name), f"{resource.name}: the stack's name is in the URN"
        assert not re.search(r"[-_]\d$|\[\d+\]", resource.name), f"{resource.name}: a list index"
        assert not re.search(r"20\d{2}[-_]?\d{2}", resource.name), f"{resource.name}: a date"


@every_stack
def test_physical_names_hold_the_environment_once(stack: str) -> None:
    for resource in plan(stack).resources:
        name = resource.inputs.get("name")
        if isinstance(name, str) and not resource.type.startswith("kubernetes:"):
            assert len(re.findall(rf"(?:^|[-/]){stack}(?=[-/]|$)", name)) <= 1, name


@every_stack
def test_every_object_has_one_owner(stack: str) -> None:
    keys = Counter(
        (r.provider, *group_kind(r), r.inputs["metadata"].get("namespace"), r.inputs["metadata"]["name"])
        for r in kubernetes(stack)
    )
    assert {key for key, count in keys.items() if count > 1} == set()


@every_stack
def test_state_is_protected_where_the_stack_says_so(stack: str) -> None:
    stateful = ("aws:eks/cluster:Cluster", "aws:kms/key:Key", "aws:s3/bucket:Bucket", "aws:rds/instance:Instance")
    for type_ in stateful:
        for resource in plan(stack).of_type(type_):
            assert resource.protect == (stack == "prod"), resource.urn
