"""Which API versions a cluster has when Helm comes to a release: what the releases and objects before it brought.

Charts ask for them (`.Capabilities.APIVersions`) and leave objects out. What comes later in the same `up` is not there
yet.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache

from components.catalogue.addon_install import Release
from components.catalogue.addons import addons
from trellis.charts.rows import Chart, of_release
from trellis.plan import Plan, Resource

_RELEASE = "kubernetes:helm.sh/v3:Release"
_CRD = "kubernetes:apiextensions.k8s.io/v1:CustomResourceDefinition"


def before(plan: Plan, release: Resource) -> list[str]:
    """`group/version` and `group/version/Kind` of every custom kind that is there before a release, sorted."""
    found = {one for urn in _earlier(plan, release) for one in _brought(plan.by_urn[urn])}
    row = _row(release)
    # Helm installs `crds/` of a chart before it renders the templates.
    if row is not None and row.crds.how == "crds-folder" and not release.inputs.get("skipCrds"):
        found |= set(_of_row(row))
    return sorted(found)


def _earlier(plan: Plan, release: Resource) -> set[str]:
    """All that a release waits for, however far away; a resource also waits for what its parent waits for."""
    seen: set[str] = set()
    todo = [*release.dependencies, release.parent]
    while todo:
        urn = todo.pop()
        if urn is not None and urn in plan.by_urn and urn not in seen and urn != release.urn:
            seen.add(urn)
            todo += [*plan.by_urn[urn].dependencies, plan.by_urn[urn].parent]
    return {urn for urn in seen if plan.by_urn[urn].provider == release.provider}


def _brought(resource: Resource) -> Iterator[str]:
    if resource.type == _RELEASE:
        row = _row(resource)
        if row is not None and not resource.inputs.get("skipCrds"):
            yield from _of_row(row)
    elif resource.type == _CRD:
        spec = resource.inputs.get("spec", {})
        for version in spec.get("versions", []):
            yield from _named(str(spec.get("group")), str(version.get("name")), str(spec.get("names", {}).get("kind")))


def _of_row(row: Release) -> Iterator[str]:
    for crd in row.crds.provides:
        for version in crd.versions:
            yield from _named(crd.group, version, crd.kind)


def _named(group: str, version: str, kind: str) -> Iterator[str]:
    yield f"{group}/{version}"
    yield f"{group}/{version}/{kind}"


def _row(release: Resource) -> Release | None:
    return _rows().get(of_release(release.inputs))


@cache
def _rows() -> Mapping[Chart, Release]:
    return {
        Chart(one.chart, one.version, one.oci or one.repository or ""): one
        for row in addons().values()
        for one in row.releases
    }
