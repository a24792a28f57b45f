"""Kubernetes' own kinds: schemas from the package kubernetes-validate, scope from a table."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from functools import cache
from typing import Any

from kubernetes_validate import utils as kubernetes_validate  # type: ignore[import-untyped]  # ships no types

from tests.support.builtin_enums import ENUMS
from tests.support.strict_schema import validator

_PREFIX = "io.k8s.apimachinery.pkg"
_QUANTITY = f"{_PREFIX}.api.resource.Quantity"
_OBJECT_META = f"{_PREFIX}.apis.meta.v1.ObjectMeta"

# The package accepts any string as a quantity; the API server does not. Same pattern as controller-gen puts into CRDs.
_QUANTITY_PATTERN = (
    r"^(\+|-)?(([0-9]+(\.[0-9]*)?)|(\.[0-9]+))(([KMGTPE]i)|[numkMGTPE]|([eE](\+|-)?(([0-9]+(\.[0-9]*)?)|(\.[0-9]+))))?$"
)

# Every kind that lives outside namespaces; the package does not say. Compared on 2026-11-23 with the create calls of
# the official client 37.0.2 (`create_x` against `create_namespaced_x`).
CLUSTER_SCOPED = frozenset(
    {
        *(("", kind) for kind in ("ComponentStatus", "Namespace", "Node", "PersistentVolume")),
        *(
            ("admissionregistration.k8s.io", kind)
            for kind in (
                "MutatingAdmissionPolicy",
                "MutatingAdmissionPolicyBinding",
                "MutatingWebhookConfiguration",
                "ValidatingAdmissionPolicy",
                "ValidatingAdmissionPolicyBinding",
                "ValidatingWebhookConfiguration",
            )
        ),
        ("apiextensions.k8s.io", "CustomResourceDefinition"),
        ("apiregistration.k8s.io", "APIService"),
        *(("authentication.k8s.io", kind) for kind in ("SelfSubjectReview", "TokenReview")),
        *(
            ("authorization.k8s.io", kind)
            for kind in ("SelfSubjectAccessReview", "SelfSubjectRulesReview", "SubjectAccessReview")
        ),
        *(("certificates.k8s.io", kind) for kind in ("CertificateSigningRequest", "ClusterTrustBundle")),
        *(("flowcontrol.apiserver.k8s.io", kind) for kind in ("FlowSchema", "PriorityLevelConfiguration")),
        ("internal.apiserver.k8s.io", "StorageVersion"),
        *(("networking.k8s.io", kind) for kind in ("IPAddress", "IngressClass", "ServiceCIDR")),
        ("node.k8s.io", "RuntimeClass"),
        *(("rbac.authorization.k8s.io", kind) for kind in ("ClusterRole", "ClusterRoleBinding")),
        *(
            ("resource.k8s.io", kind)
            for kind in ("DeviceClass", "DeviceTaintRule", "ResourcePoolStatusRequest", "ResourceSlice")
        ),
        ("scheduling.k8s.io", "PriorityClass"),
        *(
            ("storage.k8s.io", kind)
            for kind in ("CSIDriver", "CSINode", "StorageClass", "VolumeAttachment", "VolumeAttributesClass")
        ),
        ("storagemigration.k8s.io", "StorageVersionMigration"),
    }
)


class UnknownMinor(LookupError):  # noqa: N818 - says what is unknown, as UnknownKind does
    """The package has no schemas for a Kubernetes minor; it would fall back to an older one without a word."""


@cache
def _definitions(minor: str) -> Mapping[str, Any]:
    versions = [v for v in kubernetes_validate.all_versions() if kubernetes_validate.major_minor(v) == minor]
    if not versions:
        known = sorted({kubernetes_validate.major_minor(v) for v in kubernetes_validate.all_versions()})
        raise UnknownMinor(f"no schemas for Kubernetes {minor}; kubernetes-validate has {', '.join(known)}")
    name = f"kubernetes-json-schema/v{versions[-1]}-local-strict/_definitions.json"
    document = copy.deepcopy(kubernetes_validate.schema_contents(name, versions[-1]))
    document["$defs"][_QUANTITY] = {"type": ["string", "number", "null"], "pattern": _QUANTITY_PATTERN}
    kinds: dict[str, Any] = document["$defs"]
    for name, fields in ENUMS.items():
        for field, values in fields.items():
            _close(kinds[name]["properties"][field], values)
    return kinds


def _close(schema: dict[str, Any], values: tuple[str, ...]) -> None:
    """Let a field (or the items of a list) take only these values; null means unset in the package's schemas."""
    schema.get("items", schema)["enum"] = [*values, None]


@cache
def _index(minor: str) -> dict[tuple[str, str, str], str]:
    return {
        (gvk["group"], gvk["version"], gvk["kind"]): name
        for name, schema in _definitions(minor).items()
        # A type that serves many groups (DeleteOptions) is no object that anyone registers.
        if len(schema.get("x-kubernetes-group-version-kind", ())) == 1
        for gvk in schema["x-kubernetes-group-version-kind"]
    }


def served_versions(minor: str, group: str, kind: str) -> list[str]:
    """The versions of a built-in kind in a Kubernetes minor; empty when the kind is not built in."""
    return sorted(version for g, version, k in _index(minor) if (g, k) == (group, kind))


def definition_name(minor: str, group: str, version: str, kind: str) -> str | None:
    """The name of a kind's definition, or None."""
    return _index(minor).get((group, version, kind))


@cache
def definition_validator(minor: str, name: str) -> Any:
    """A strict validator of one definition, e.g. `io.k8s.api.core.v1.Toleration`."""
    return validator({"$ref": f"#/$defs/{name}", "$defs": _definitions(minor)})


def metadata_validator(minor: str) -> Any:
    """A strict validator of ObjectMeta, which built-in and custom kinds share."""
    return definition_validator(minor, _OBJECT_META)
