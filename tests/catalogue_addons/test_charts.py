"""Rows against the charts' own files: versions, origins, CRDs, hooks, value keys."""

from __future__ import annotations

import re
from typing import Any

import pytest

from components.catalogue.addon_install import Release
from components.catalogue.addon_model import Addon
from components.catalogue.addons import addon, addons
from tests.catalogue_addons.facts import chart_index, chart_objects, kustomize_trees, release_ids, releases
from tests.support.crds import find_crd
from tests.support.helm_keys import unknown_keys
from tests.support.shared import require_shared

RELEASES = pytest.mark.parametrize(("row", "release"), releases(), ids=release_ids())
TREES = [(row, tree) for row in addons().values() for tree in row.kustomize]


@RELEASES
def test_version_and_app_version_are_those_of_the_chart(row: Addon, release: Release) -> None:
    chart = chart_index()[release.chart]
    assert (release.version, release.app_version) == (chart["chart_version"], chart["app_version"]), row.id


@RELEASES
def test_the_origin_is_one_that_upstream_names(row: Addon, release: Release) -> None:
    origins = re.split(r"[\s()]+|also", chart_index()[release.chart]["install_from"])
    assert (release.repository or release.oci) in origins, row.id


@RELEASES
def test_the_lowest_minor_is_not_below_the_charts_own(row: Addon, release: Release) -> None:
    stated = chart_index()[release.chart]["kube_version"]
    if stated and row.kubernetes.low:
        match = re.search(r"([0-9]+)\.([0-9]+)", stated)
        assert match is not None
        assert [int(part) for part in row.kubernetes.low.split(".")] >= [int(part) for part in match.groups()]


def _rendered_crds(chart: str) -> dict[str, dict[str, Any]]:
    objects = chart_objects()[chart]["objects"]
    return {one["name"]: one for one in objects if one["kind"] == "CustomResourceDefinition"}


@RELEASES
def test_crds_are_those_that_the_chart_renders(row: Addon, release: Release) -> None:
    rendered = _rendered_crds(release.chart)
    assert {crd.name for crd in release.crds.provides} == set(rendered), row.id
    for crd in release.crds.provides:
        fact = rendered[crd.name]
        served = {text.partition("(")[0] for text in fact["versions"] if "not served" not in text}
        assert (crd.kind, crd.scope, set(crd.versions)) == (fact["crdKind"], fact["scope"], served), crd.name
        assert f"{crd.versions[0]}(storage)" in fact["versions"]


@RELEASES
def test_where_crds_lie_decides_whether_helm_upgrades_them(row: Addon, release: Release) -> None:
    rendered = _rendered_crds(release.chart).values()
    own = [crd for crd in rendered if "subchart" not in crd or release.chart != "kubeflow-trainer"]
    if release.crds.provides:
        how = "crds-folder" if all(crd.get("from") == "crds/" for crd in own) else "templates"
        assert release.crds.how == how, row.id
        assert release.crds.keep == all(crd.get("resourcePolicy") == "keep" for crd in own)


@RELEASES
def test_hooks_are_those_of_the_chart(row: Addon, release: Release) -> None:
    kinds = chart_objects()[release.chart]["summary"]["hookKinds"]
    assert sorted(release.hooks.kinds if release.hooks else ()) == sorted(kinds), row.id


@RELEASES
def test_release_name_and_namespace_are_those_that_were_rendered(row: Addon, release: Release) -> None:
    chart = chart_objects()[release.chart]
    assert (release.release_name, release.namespace) == (chart["release"], chart["namespace"]), row.id


@RELEASES
def test_value_keys_exist_in_the_chart(row: Addon, release: Release) -> None:
    assert unknown_keys(release.chart, release.values) == [], row.id


@RELEASES
def test_request_paths_and_metric_switches_exist_in_the_chart(row: Addon, release: Release) -> None:
    paths = [one.path for one in release.missing_requests if one.path]
    assert [found for path in paths for found in unknown_keys(release.chart, _nested(path, {}))] == []
    if len(row.releases) == 1:
        found = [one for path in row.metrics.switches for one in unknown_keys(release.chart, _nested(path, True))]
        assert found == []


def _nested(path: str, value: object) -> dict[str, Any]:
    first, _, rest = path.partition(".")
    return {first: _nested(rest, value) if rest else value}


def test_a_misspelt_path_would_be_found() -> None:
    assert unknown_keys("cert-manager", _nested("webhook.resourcess", {})) != []


def test_crds_agree_with_their_real_definitions() -> None:
    shared = require_shared()
    pairs = [(crd, find_crd(shared, crd.group, crd.kind)) for row in addons().values() for crd in row.crds]
    checked = [(crd, real) for crd, real in pairs if real is not None]
    for crd, real in checked:
        assert (crd.scope == "Namespaced") == real.namespaced, crd.name
        assert set(crd.versions) <= set(real.schemas), crd.name
    assert len(checked) > 60


@pytest.mark.parametrize(("row", "tree"), TREES, ids=[f"{row.id}/{tree.path}" for row, tree in TREES])
def test_kustomize_trees_are_those_that_were_built(row: Addon, tree: Any) -> None:
    built = kustomize_trees()[tree.repository, tree.tag, tree.path]
    assert tree.commit == built["commit"]
    cluster = built["cluster_scoped"]
    assert {crd.name for crd in tree.crds} == set(cluster.get("CustomResourceDefinition", [])), row.id
    assert set(tree.omit) == {f"Namespace/{name}" for name in cluster.get("Namespace", [])}, row.id
    assert {space for kinds in built["namespaced"].values() for space in kinds} <= {tree.namespace}


@pytest.mark.parametrize("row", [row for row in addons().values() if row.kustomize], ids=lambda row: row.id)
def test_workloads_and_pages_of_kustomize_trees_exist(row: Addon) -> None:
    built = [kustomize_trees()[tree.repository, tree.tag, tree.path]["namespaced"] for tree in row.kustomize]
    deployments = {name for kinds in built for names in kinds.get("Deployment", {}).values() for name in names}
    services = {name for kinds in built for names in kinds.get("Service", {}).values() for name in names}
    assert {one.name for one in row.ready if one.kind == "Deployment"} <= deployments
    assert {ui.service for ui in row.uis} | {port.service for port in row.api_server_ports} <= services


def test_versions_follow_each_charts_habit_of_a_leading_v() -> None:
    with_v = {release.chart for row in addons().values() for release in row.releases if release.version[0] == "v"}
    assert with_v == {
        *("cert-manager", "gpu-operator", "kserve-crd", "kserve-resources", "kserve-runtime-configs"),
        "aws-efa-k8s-device-plugin",
    }


def test_managed_addons_have_a_build_or_a_reason() -> None:
    builds = {one: addon(one).eks_addon for one in addons() if addon(one).kind == "eks-addon"}
    for one, build in builds.items():
        assert build is not None, one
        assert (build.version and re.fullmatch(r"v[0-9.]+-eksbuild\.[0-9]+", build.version)) or build.version_reason
