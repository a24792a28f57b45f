"""Every row that is on is installed as the catalogue says: version, place, values, order."""

from __future__ import annotations

from itertools import pairwise

import pytest

from components.catalogue.addon_model import Addon
from components.catalogue.addons import addon, addons, dependencies
from components.layout.values import has, values_of
from tests.components.aws.builders import waits_for
from tests.components.k8s.builders import ON_PREMISES, every_addon, plan, releases, view
from trellis.plan import Plan, Resource

HELM = [row for row in addons().values() if row.releases]
HELM_ROWS = pytest.mark.parametrize("row", HELM, ids=lambda row: row.id)


def full() -> Plan:
    """The plan of an EKS environment with every add-on on."""
    return plan(every_addon())


def component(recorded: Plan, row: str) -> Resource:
    """The component of a row in the cluster."""
    type_ = "trellis:k8s:" + "".join(part.capitalize() for part in row.split("-"))
    (found,) = recorded.of_type(type_)
    return found


@HELM_ROWS
def test_a_row_registers_its_releases_as_pinned(row: Addon) -> None:
    made = releases(full())
    for release in row.releases:
        inputs = made[release.release_name].inputs
        assert inputs["version"] == release.version
        assert inputs["namespace"] == release.namespace
        assert inputs["chart"] == (release.oci or release.chart)
        assert inputs.get("repositoryOpts", {}).get("repo") == release.repository
        assert inputs.get("skipCrds", False) == release.skip_crds
        assert inputs["createNamespace"] is False
        assert not inputs.get("skipAwait"), "Helm must wait, or what comes next meets a controller that is not there"


@HELM_ROWS
def test_values_of_the_row_and_of_the_environment_arrive(row: Addon) -> None:
    made, cluster = releases(full()), view(every_addon())
    for release in row.releases:
        wanted, given = values_of(row, release, cluster), made[release.release_name].inputs.get("values", {})
        for path in _leaves(wanted):
            assert has(given, path) or "\\" in path, f"{release.chart}: {path}"


def _leaves(values: dict[str, object], prefix: str = "") -> list[str]:
    found = []
    for key, value in values.items():
        path = f"{prefix}{key}"
        if "." in key:
            continue  # a key with a dot in it is a label, whose path cannot be written with dots
        found += _leaves(value, f"{path}.") if isinstance(value, dict) and value else [path]
    return found


@HELM_ROWS
def test_releases_of_a_row_come_one_after_the_other(row: Addon) -> None:
    recorded = full()
    made, before = releases(recorded), waits_for(recorded)
    for first, second in pairwise(row.releases):
        assert made[first.release_name].urn in before[made[second.release_name].urn]


@HELM_ROWS
def test_a_row_waits_for_what_the_catalogue_names(row: Addon) -> None:
    recorded = full()
    before, made = waits_for(recorded), releases(recorded)
    for earlier in dependencies(row.id, view(every_addon()).addons):
        for release in row.releases:
            waited = before[made[release.release_name].urn]
            for other in addon(earlier).releases:
                assert made[other.release_name].urn in waited, f"{release.chart} does not wait for {other.chart}"


@HELM_ROWS
def test_what_is_ready_is_installed_by_a_release_that_waits(row: Addon) -> None:
    """Helm waits for workloads; a row that names none would be taken for ready at once."""
    assert any(one.kind in ("Deployment", "DaemonSet", "StatefulSet") for one in row.ready)


def test_components_are_of_the_type_that_their_row_names() -> None:
    recorded = full()
    for row in HELM:
        assert component(recorded, row.id).name == f"main-{row.id}"


def test_on_premises_nothing_of_aws_is_installed() -> None:
    recorded = plan(ON_PREMISES)
    only_eks = {release.release_name for row in HELM if row.targets == ("eks",) for release in row.releases}
    assert not only_eks & set(releases(recorded))
    assert not [r for r in recorded.resources if r.type.startswith("aws:")]


def test_versions_of_before_would_be_seen() -> None:
    made = releases(full())
    assert made["cert-manager"].inputs["version"] != "v1.0.0"
