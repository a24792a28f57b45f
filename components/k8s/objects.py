"""Small constructors that every Kubernetes component uses."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

import pulumi
from pulumi_kubernetes.apiextensions import CustomResource
from pydantic.alias_generators import to_snake

R = TypeVar("R", bound=pulumi.CustomResource)

MANAGED = {"app.kubernetes.io/managed-by": "trellis"}


def metadata(
    name: str,
    namespace: str | None = None,
    *,
    labels: Mapping[str, str] | None = None,
    annotations: Mapping[str, str] | None = None,
) -> dict[str, Any]:
    """Explicit metadata: a name, the namespace where the kind has one, the managed-by label."""
    meta: dict[str, Any] = {"name": name, "labels": {**MANAGED, **(labels or {})}}
    if namespace is not None:
        meta["namespace"] = namespace
    if annotations:
        meta["annotations"] = dict(annotations)
    return meta


def custom(
    logical: str, kind: str, meta: Mapping[str, Any], spec: Mapping[str, Any], opts: pulumi.ResourceOptions
) -> CustomResource:
    """A custom resource; `kind` is `group/version/Kind`. The spec goes to the API server as it is: write camelCase."""
    api_version, _, name = kind.rpartition("/")
    return CustomResource(logical, api_version=api_version, kind=name, metadata=meta, spec=spec, opts=opts)


def bare(
    logical: str, kind: str, meta: Mapping[str, Any], opts: pulumi.ResourceOptions, **fields: Any
) -> pulumi.CustomResource:
    """A custom resource with its content beside `metadata`, not in a `spec`; the SDK's class knows only the latter."""
    api_version, _, name = kind.rpartition("/")
    body = {"apiVersion": api_version, "kind": name, "metadata": meta, **fields}
    return pulumi.CustomResource(f"kubernetes:{api_version}:{name}", logical, body, opts)


def built_in(make: Callable[..., R], logical: str, opts: pulumi.ResourceOptions, **body: Any) -> R:
    """A built-in kind from a plain manifest body.

    The SDK's constructors want snake_case typed dictionaries; layout makes manifests as the API server reads them, and
    tests hold every one of them against the API's own schema, which is stricter than the constructor's types.
    """
    return make(logical, opts=opts, **{to_snake(key): value for key, value in body.items()})
