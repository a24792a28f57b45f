"""Which kinds live outside namespaces: Helm puts an object that names no namespace into its release's."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cache
from typing import Any

from components.catalogue.addons import addons

_BUILT_IN: Mapping[str, tuple[str, ...]] = {
    "": ("ComponentStatus", "Namespace", "Node", "PersistentVolume"),
    "admissionregistration.k8s.io": (
        "MutatingAdmissionPolicy",
        "MutatingAdmissionPolicyBinding",
        "MutatingWebhookConfiguration",
        "ValidatingAdmissionPolicy",
        "ValidatingAdmissionPolicyBinding",
        "ValidatingWebhookConfiguration",
    ),
    "apiextensions.k8s.io": ("CustomResourceDefinition",),
    "apiregistration.k8s.io": ("APIService",),
    "certificates.k8s.io": ("CertificateSigningRequest", "ClusterTrustBundle"),
    "flowcontrol.apiserver.k8s.io": ("FlowSchema", "PriorityLevelConfiguration"),
    "networking.k8s.io": ("IPAddress", "IngressClass", "ServiceCIDR"),
    "node.k8s.io": ("RuntimeClass",),
    "rbac.authorization.k8s.io": ("ClusterRole", "ClusterRoleBinding"),
    "resource.k8s.io": ("DeviceClass", "DeviceTaintRule", "ResourcePoolStatusRequest", "ResourceSlice"),
    "scheduling.k8s.io": ("PriorityClass",),
    "storage.k8s.io": ("CSIDriver", "CSINode", "StorageClass", "VolumeAttachment", "VolumeAttributesClass"),
    "storagemigration.k8s.io": ("StorageVersionMigration",),
}
"""Kubernetes' own kinds that a chart can hold (reviews are answered, never stored)."""
CLUSTER_SCOPED = frozenset((group, kind) for group, kinds in _BUILT_IN.items() for kind in kinds)


def namespaced(api_version: str, kind: str, crds: Mapping[tuple[str, str], bool]) -> bool | None:
    """Whether objects of a kind live in a namespace; None for a custom kind that neither `crds` nor the catalogue has.

    `crds` is what CRDs say that lie beside the object (`scopes_in`).
    """
    group = api_version.rpartition("/")[0]
    if (group, kind) in crds:
        return crds[group, kind]
    if (group, kind) in _custom():
        return _custom()[group, kind]
    if "." not in group or group.endswith(".k8s.io"):
        return (group, kind) not in CLUSTER_SCOPED
    return None


def scopes_in(manifests: Iterable[Mapping[str, Any]]) -> dict[tuple[str, str], bool]:
    """(group, kind) -> namespaced, for each CRD among some objects."""
    specs = [one.get("spec") for one in manifests if one.get("kind") == "CustomResourceDefinition"]
    return {
        (str(spec.get("group")), str(spec["names"].get("kind"))): spec.get("scope") == "Namespaced"
        for spec in specs
        if isinstance(spec, Mapping) and isinstance(spec.get("names"), Mapping)
    }


@cache
def _custom() -> Mapping[tuple[str, str], bool]:
    """What the catalogue's rows say of the CRDs that their charts bring."""
    return {(crd.group, crd.kind): crd.scope == "Namespaced" for row in addons().values() for crd in row.crds}
