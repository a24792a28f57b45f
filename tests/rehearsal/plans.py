"""Plans made of a few manifests, as the recorder would write them down."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from components.layout.clusters import ClusterView, views
from trellis.plan import Plan, Resource
from trellis.preview import load_environment

PROVIDER = "urn:pulumi:s::p::pulumi:providers:kubernetes::main"
RELEASE = "urn:pulumi:s::p::kubernetes:helm.sh/v3:Release::some-release"
_EMPTY = Resource(
    urn="",
    type="",
    name="",
    custom=True,
    parent=None,
    dependencies=(),
    provider=None,
    protect=False,
    retain_on_delete=False,
    deleted_with=None,
    aliases=(),
    ignore_changes=(),
    inputs={},
)


def view() -> ClusterView:
    """The cluster of the smallest stack."""
    return views(load_environment("local")[1])["main"]


def plan(*manifests: Mapping[str, Any], opened: Sequence[Mapping[str, Any]] = (), release: bool = False) -> Plan:
    """A plan with these objects; those that are `opened` come from a release."""
    rows = [replace(_EMPTY, urn=PROVIDER, type="pulumi:providers:kubernetes", name="main")]
    if opened or release:
        chart = {"chart": "some-chart", "values": {}}
        helm = "kubernetes:helm.sh/v3:Release"
        rows.append(replace(_EMPTY, urn=RELEASE, type=helm, name="some-release", provider=PROVIDER, inputs=chart))
    rows += [resource(one) for one in manifests]
    rows += [replace(resource(one), opened_from=RELEASE) for one in opened]
    return Plan(project="p", stack="s", environment="e", as_of="2026-11-23", resources=tuple(rows))


def resource(manifest: Mapping[str, Any]) -> Resource:
    """One object of the cluster `main`."""
    kind = f"kubernetes:{manifest['apiVersion']}:{manifest['kind']}"
    name = manifest["metadata"]["name"]
    return replace(_EMPTY, urn=f"{kind}::{name}", type=kind, name=name, provider=PROVIDER, inputs=manifest)


def obj(api_version: str, kind: str, name: str = "one", space: str = "here", **more: Any) -> dict[str, Any]:
    """A manifest."""
    return {"apiVersion": api_version, "kind": kind, "metadata": {"name": name, "namespace": space}, **more}


def pod_template(labels: Mapping[str, str] | None = None, **spec: Any) -> dict[str, Any]:
    """A pod template with one container."""
    return {"metadata": {"labels": dict(labels or {})}, "spec": {"containers": [CONTAINER], **spec}}


CONTAINER = {"name": "main", "image": "a/b:1", "resources": {"requests": {"cpu": "1"}}}
