"""Every object that the stacks register, put before a real API server: defaults, validation, CEL rules, strict fields.

Namespaces are created, since what lives in them is refused without; everything else is a dry run. CRDs are the real
ones of the shared folder, without their conversion webhooks, whose servers do not run here; those that the folder lacks
are our excerpts of them (`tests/support/excerpts`).
"""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import Any

import pytest

from components.catalogue.yaml_rows import parse_all
from tests.support.crds import find_crd
from tests.support.shared import require_shared
from tests.support.stack_schemas import environments, objects
from tests.support.stacks import recorded
from tests.support.unknowns import is_marker
from trellis.kube.client import ApiError, UnknownKindError
from trellis.manifests import manifest
from trellis.sandbox import Sandbox

pytestmark = pytest.mark.cluster
ENVIRONMENTS = environments()
KNOWN_LATER = "known-later"


@pytest.fixture(scope="module")
def cluster(tools: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:  # noqa: ARG001 - a fixture asks so
    """A control plane with every CRD that any stack needs."""
    shared = require_shared()
    kinds = {(api.rpartition("/")[0], kind) for env in ENVIRONMENTS for api, kind in _kinds(env)}
    found = {crd.source for group, kind in sorted(kinds) if (crd := find_crd(shared, group, kind))}
    with Sandbox.start("objects", tmp_path_factory.mktemp("sandbox") / "objects") as running:
        running.api.install_crds(_crds(sorted(found), kinds), seconds=120)
        yield running


def _kinds(environment: str) -> set[tuple[str, str]]:
    return {(resource.inputs["apiVersion"], resource.inputs["kind"]) for resource in objects(recorded(environment))}


def _crds(files: list[Any], kinds: set[tuple[str, str]]) -> Iterator[dict[str, Any]]:
    """The CRDs of the kinds that are used; a file may hold many more."""
    for file in files:
        for crd in parse_all(file.read_bytes()):
            if crd and (crd["spec"]["group"], crd["spec"]["names"]["kind"]) in kinds:
                yield _installable(crd)


def _installable(crd: dict[str, Any]) -> dict[str, Any]:
    """A CRD that needs no webhook; an excerpt gets the names that it leaves out."""
    made = copy.deepcopy(crd)
    spec = made["spec"]
    spec["conversion"] = {"strategy": "None"}
    spec["names"].setdefault("plural", spec["names"]["kind"].lower() + "s")
    for version in spec["versions"]:
        version.setdefault("storage", len(spec["versions"]) == 1)
    return made


def _settled(value: Any) -> Any:
    """A manifest with something in place of what only a deployment will tell."""
    if is_marker(value):
        return KNOWN_LATER
    if isinstance(value, dict):
        return {key: _settled(child) for key, child in value.items()}
    return [_settled(child) for child in value] if isinstance(value, list) else value


def _manifests(environment: str) -> list[dict[str, Any]]:
    made = []
    for resource in objects(recorded(environment)):
        one = manifest(resource)
        if one["kind"] == "Secret" and is_marker(one.get("stringData")):
            one["stringData"] = {}
        made.append(_settled(one))
    return made


def _refused(cluster: Sandbox, one: dict[str, Any]) -> str | None:
    try:
        cluster.api.apply(one, dry_run=one["kind"] != "Namespace")
    except (ApiError, UnknownKindError) as error:
        meta = one["metadata"]
        return f"{one['kind']} {meta.get('namespace', '')}/{meta['name']}: {error}"
    return None


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_the_api_server_takes_every_object(cluster: Sandbox, environment: str) -> None:
    manifests = _manifests(environment)
    manifests.sort(key=lambda one: one["kind"] != "Namespace")
    assert len(manifests) > 10
    refused = [problem for problem in (_refused(cluster, one) for one in manifests) if problem]
    assert not refused, "the API server refuses:\n" + "\n".join(refused)


def _broken(one: dict[str, Any]) -> tuple[dict[str, Any], str]:
    """An object with a mistake, and what the answer must tell."""
    wrong = copy.deepcopy(one)
    if one["kind"] == "ResourceQuota":
        wrong["spec"]["hard"] = {"cpu": "many"}
        return wrong, "quantities must match"
    if one["kind"] == "NetworkPolicy":
        wrong["spec"]["policyTypes"] = ["Sideways"]
        return wrong, 'Unsupported value: "Sideways"'
    wrong["spec"]["speck"] = 1
    return wrong, "speck"


@pytest.mark.parametrize("kind", ["ResourceQuota", "NetworkPolicy", "NodePool", "InferenceService", "ClusterQueue"])
def test_it_refuses_a_wrong_one(cluster: Sandbox, kind: str) -> None:
    manifests = _manifests("dev")
    for one in manifests:
        if one["kind"] == "Namespace":
            cluster.api.apply(one)
    wrong, told = _broken(next(one for one in manifests if one["kind"] == kind))
    refused = _refused(cluster, wrong)
    assert refused is not None
    assert told in refused
