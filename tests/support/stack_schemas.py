"""What a recorded plan registers in Kubernetes, with the Kubernetes minor that will receive each object."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tests.support.chart_values import load_chart
from tests.support.helm_keys import unknown_keys
from tests.support.schemas import Verdict, judge
from tests.support.shared import REPOSITORY
from trellis.plan import Plan, Resource

STACKS = REPOSITORY / "stacks"
RELEASE = "kubernetes:helm.sh/v3:Release"


def environments(folder: Path = STACKS) -> list[str]:
    """Every environment that has a stack file."""
    return sorted(path.name.removeprefix("Pulumi.").removesuffix(".yaml") for path in folder.glob("Pulumi.*.yaml"))


def kubernetes_minor(plan: Plan, resource: Resource, clusters: Mapping[str, Any]) -> str:
    """The Kubernetes minor of the cluster that a resource goes to; its provider carries the cluster's name."""
    provider = plan.by_urn.get(resource.provider or "")
    if provider is None or provider.name not in clusters:
        known = ", ".join(sorted(clusters))
        raise LookupError(f"{resource.urn}: its provider {resource.provider!r} is none of the clusters {known}")
    return str(clusters[provider.name].kubernetes_version)


def objects(plan: Plan) -> list[Resource]:
    """Every object that goes to a cluster as a manifest."""
    return [resource for resource in plan.resources if resource.is_kubernetes and resource.custom]


def releases(plan: Plan) -> list[Resource]:
    """Every Helm release."""
    return list(plan.of_type(RELEASE))


def object_verdict(plan: Plan, resource: Resource, clusters: Mapping[str, Any]) -> Verdict:
    """The verdict on one object of a plan."""
    return judge(resource.inputs, kubernetes_minor(plan, resource, clusters))


def release_problems(resource: Resource, shared: Path) -> list[str]:
    """What is wrong with a release: keys that the chart lacks, or a version whose keys were not the ones compared."""
    reference = resource.inputs["chart"]
    chart = load_chart(shared, reference)
    found = unknown_keys(reference, resource.inputs.get("values") or {})
    given = str(resource.inputs.get("version", ""))
    if given.removeprefix("v") != chart.version.removeprefix("v"):
        found.append(
            f"version: {given!r} is installed, but the values compared are those of {chart.name} {chart.version}"
        )
    return found
