"""Every object and every Helm value that the stacks register, against the real schemas and the real charts."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import pytest

from tests.schemas.test_examples import mutated
from tests.support.shared import require_shared
from tests.support.stack_schemas import (
    environments,
    kubernetes_minor,
    object_verdict,
    objects,
    release_problems,
    releases,
)
from tests.support.stacks import platform, recorded

ENVIRONMENTS = environments()

# Ids and names that AWS makes up, each a whole string in its object: no schema says more of them than that.
KNOWN_LATER = {
    ("Secret", "stringData"),  # Argo CD's other cluster, by the address of its API server
    ("ExternalSecret", "spec.data[0].remoteRef.key"),  # the secret that RDS makes
    ("ExternalSecret", "spec.data[1].remoteRef.key"),
    ("StorageClass", "parameters.fileSystemId"),
    ("PersistentVolume", "spec.csi.volumeHandle"),
    ("PersistentVolume", "spec.csi.volumeAttributes.dnsname"),
    ("PersistentVolume", "spec.csi.volumeAttributes.mountname"),
}


def test_there_are_environments() -> None:
    assert "dev" in ENVIRONMENTS, "an empty list would make every test below pass by running never"


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_every_kubernetes_object_fits_its_real_schema(environment: str) -> None:
    require_shared()
    plan, clusters = recorded(environment), platform(environment).clusters
    refused = [
        f"{resource.type} {resource.name}: {problem}"
        for resource in objects(plan)
        for problem in object_verdict(plan, resource, clusters).problems
    ]
    assert not refused, "the API server would refuse:\n" + "\n".join(refused)


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_every_helm_value_exists_in_its_chart(environment: str) -> None:
    shared = require_shared()
    wrong = [
        f"{resource.name} ({resource.inputs['chart']}): {problem}"
        for resource in releases(recorded(environment))
        for problem in release_problems(resource, shared)
    ]
    assert not wrong, "the charts would ignore or refuse:\n" + "\n".join(wrong)


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_nothing_hides_objects_from_these_checks(environment: str) -> None:
    """Components of the provider (ConfigGroup, Directory, Chart) make objects that no plan shows."""
    opaque = [r.urn for r in recorded(environment).resources if r.type.startswith("kubernetes:") and not r.custom]
    assert not opaque, "register these objects one by one, or as a Release"


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_every_object_is_registered_once(environment: str) -> None:
    plan = recorded(environment)
    owners = Counter(
        (
            resource.provider,
            resource.inputs["apiVersion"].rpartition("/")[0],  # two versions of one object are the same object
            resource.inputs["kind"],
            resource.inputs["metadata"].get("namespace"),
            resource.inputs["metadata"]["name"],
        )
        for resource in objects(plan)
    )
    assert not [identity for identity, count in owners.items() if count > 1], "one object, two owners"


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_every_object_is_judged_whole(environment: str) -> None:
    """What a plan cannot know hides from the schemas; only what AWS makes up may be unknown."""
    require_shared()
    plan, clusters = recorded(environment), platform(environment).clusters
    hidden = [
        f"{resource.type} {resource.name}: {gap}"
        for resource in objects(plan)
        for verdict in [object_verdict(plan, resource, clusters)]
        for gap in (*verdict.unknown_paths, *verdict.undecided_rules)
        if (resource.kind, gap) not in KNOWN_LATER
    ]
    assert not hidden, "not judged, since unknown until deployment:\n" + "\n".join(hidden)


def test_a_field_misspelt_in_any_object_of_dev_is_seen() -> None:
    require_shared()
    plan, clusters = recorded("dev"), platform("dev").clusters
    for resource in objects(plan):
        broken = replace(resource, inputs=mutated(resource.inputs, ("spce",), {}))
        assert object_verdict(plan, broken, clusters).problems, resource.urn


def test_a_key_misspelt_in_any_release_of_dev_is_seen() -> None:
    shared = require_shared()
    for resource in releases(recorded("dev")):
        broken = replace(resource, inputs=mutated(resource.inputs, ("values", "enabeld"), True))
        assert release_problems(broken, shared), resource.urn


def test_another_chart_version_than_the_compared_one_is_seen() -> None:
    shared = require_shared()
    resource = releases(recorded("dev"))[0]
    broken = replace(resource, inputs=mutated(resource.inputs, ("version",), "0.0.1"))
    assert "'0.0.1' is installed" in "\n".join(release_problems(broken, shared))


def test_an_object_without_a_cluster_is_seen() -> None:
    plan, clusters = recorded("dev"), platform("dev").clusters
    with pytest.raises(LookupError, match="is none of the clusters main"):
        kubernetes_minor(plan, replace(objects(plan)[0], provider=None), clusters)
