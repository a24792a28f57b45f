"""Opens the Helm releases of a plan: their objects join it, marked with their release; what stays shut is listed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from trellis.charts import api_versions, lock, scopes
from trellis.charts.objects import Opened
from trellis.charts.render import NotOpenedError, archive_of, open_release
from trellis.charts.rows import of_release
from trellis.plan import SECRET, NotOpened, Plan, Resource
from trellis.toolchain import find

RELEASE = "kubernetes:helm.sh/v3:Release"
_AT_ONCE = 4


def with_opened_charts(plan: Plan, kubernetes: Mapping[str, str]) -> Plan:
    """The plan with the objects of every release whose chart is in the cache, and a list of the other releases.

    `kubernetes` is the Kubernetes minor (`1.35`) of each cluster, by the name of its provider. Asks no network and
    builds no tool: where Helm is missing, nothing is opened, and that is the reason listed.
    """
    releases = list(plan.of_type(RELEASE))
    if not releases:
        return plan
    opener = _Opener(plan, kubernetes)
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        found = list(pool.map(opener.open, releases))
    shut = tuple(sorted(one for one in found if isinstance(one, NotOpened)))
    opened = [row for one in found if not isinstance(one, NotOpened) for row in one]
    resources = (*plan.resources, *opened)
    return replace(plan, resources=tuple(sorted(resources, key=lambda r: r.urn)), not_opened=shut)


@dataclass(frozen=True)
class _Opener:
    """Opens one release after another; what they share is asked once."""

    plan: Plan
    kubernetes: Mapping[str, str]

    def open(self, release: Resource) -> list[Resource] | NotOpened:
        """The resources of one release, or why there are none."""
        chart = of_release(release.inputs)
        try:
            return resources_of(release, self._objects(release))
        except (NotOpenedError, lock.LockError) as error:
            where = chart.origin if chart.is_oci else chart.name
            return NotOpened(reason=str(error), name=release.name, urn=release.urn, chart=where, version=chart.version)

    def _objects(self, release: Resource) -> list[Opened]:
        archive = archive_of(release.inputs, self._locked)
        provider = self.plan.by_urn.get(release.provider or "")
        version = self.kubernetes.get(provider.name) if provider else None
        if version is None:
            raise NotOpenedError("the Kubernetes version of its cluster is not known")
        if self._helm is None:
            raise NotOpenedError("Helm is not here; `trellis toolchain install helm` brings it")
        return open_release(
            release.inputs,
            archive=archive,
            helm_path=self._helm,
            kube_version=version,
            api_versions=api_versions.before(self.plan, release),
        )

    @cached_property
    def _locked(self) -> Mapping[str, str]:
        return lock.load()

    @cached_property
    def _helm(self) -> Path | None:
        return find("helm")


def resources_of(release: Resource, opened: Sequence[Opened]) -> list[Resource]:
    """Objects of a chart as resources below their release."""
    crds = scopes.scopes_in(one.manifest for one in opened)
    names: Counter[str] = Counter()
    return [_resource(release, one, names, crds) for one in opened]


def _resource(release: Resource, one: Opened, names: Counter[str], crds: Mapping[tuple[str, str], bool]) -> Resource:
    inputs = _placed(one.manifest, str(release.inputs.get("namespace") or "default"), crds)
    api_version, kind = str(inputs["apiVersion"]), str(inputs["kind"])
    type_ = f"kubernetes:{api_version if '/' in api_version else f'core/{api_version}'}:{kind}"
    name = "/".join(_name_parts(release, inputs))
    names[type_ + name] += 1
    if names[type_ + name] > 1:  # such as a hook that comes before installing and, another one, before upgrading
        name = f"{name}#{names[type_ + name]}"
    head, qualified = release.urn.split("::")[:2], release.urn.split("::")[2]
    return Resource(
        urn="::".join([*head, f"{qualified}${type_}", name]),
        type=type_,
        name=name,
        custom=True,
        parent=release.urn,
        dependencies=(),
        provider=release.provider,
        protect=False,
        retain_on_delete=release.retain_on_delete or one.stays,
        deleted_with=release.deleted_with,
        aliases=(),
        ignore_changes=(),
        inputs=inputs,
        opened_from=release.urn,
        hooks=one.hooks,
    )


def _name_parts(release: Resource, inputs: Mapping[str, Any]) -> Iterator[str]:
    meta = inputs["metadata"]
    yield release.name
    for key in ("namespace", "name"):
        if key in meta:
            yield meta[key] if isinstance(meta[key], str) else "unknown"


def _placed(manifest: Mapping[str, Any], namespace: str, crds: Mapping[tuple[str, str], bool]) -> dict[str, Any]:
    """The object with the namespace that Helm puts it into, and without what a Secret holds."""
    placed = dict(manifest)
    meta = dict(placed.get("metadata") or {})
    if not {"namespace", "$trellis"} & meta.keys() and scopes.namespaced(
        str(placed["apiVersion"]), str(placed["kind"]), crds
    ):
        meta["namespace"] = namespace
    placed["metadata"] = meta
    if (placed["apiVersion"], placed["kind"]) == ("v1", "Secret"):
        for key in ("data", "stringData"):
            if isinstance(placed.get(key), Mapping):
                placed[key] = {name: dict(SECRET) for name in placed[key]}
    return placed
