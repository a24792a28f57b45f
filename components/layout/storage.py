"""Storage classes and shared volumes as plain manifests."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from components.layout.clusters import ClusterView
from components.layout.names import tags
from components.spec.clusters import ExistingCluster

Spec = dict[str, Any]
BLOCK_CLASS = "gp3-encrypted"
SHARED_CLASS = "efs"
LUSTRE_CLAIM = "lustre"
"""Name of the claim of the Lustre file system in each team's namespace."""
DEFAULT_ANNOTATION: Mapping[str, str] = {"storageclass.kubernetes.io/is-default-class": "true"}


def block_class(view: ClusterView) -> str | None:
    """Class of volumes that belong to one pod; None leaves it to the cluster's default."""
    if isinstance(view.cluster, ExistingCluster):
        return view.cluster.storage_class
    return BLOCK_CLASS if "ebs-csi" in view.addons else None


def gp3(view: ClusterView) -> Spec:
    """The default class: encrypted gp3 in the zone of the pod. Volumes carry the tags by which costs are told apart."""
    marked = {
        f"tagSpecification_{n}": f"{key}={value}"
        for n, (key, value) in enumerate(sorted(tags(view.platform).items()), 1)
    }
    return {
        "provisioner": "ebs.csi.aws.com",
        "parameters": {"type": "gp3", "encrypted": "true", "csi.storage.k8s.io/fstype": "ext4", **marked},
        "volumeBindingMode": "WaitForFirstConsumer",
        "allowVolumeExpansion": True,
        "reclaimPolicy": "Retain" if view.platform.protection.retain else "Delete",
    }


def efs(view: ClusterView, file_system: Any) -> Spec:
    """Class of volumes that many pods write to: a directory of the file system for each claim, by access point."""
    return {
        "provisioner": "efs.csi.aws.com",
        "parameters": {"provisioningMode": "efs-ap", "fileSystemId": file_system, "directoryPerms": "700"},
        "volumeBindingMode": "Immediate",
        "reclaimPolicy": "Retain" if view.platform.protection.retain else "Delete",
    }


def lustre_volume(view: ClusterView, team: str, file_system: Any, dns_name: Any, mount_name: Any) -> Spec:
    """The Lustre file system as a volume that only one team's claim binds."""
    return {
        "capacity": {"storage": lustre_size(view)},
        "accessModes": ["ReadWriteMany"],
        "mountOptions": ["flock"],
        "persistentVolumeReclaimPolicy": "Retain",
        "storageClassName": "",
        "claimRef": {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "name": LUSTRE_CLAIM, "namespace": team},
        "csi": {
            "driver": "fsx.csi.aws.com",
            "volumeHandle": file_system,
            "volumeAttributes": {"dnsname": dns_name, "mountname": mount_name},
        },
    }


def lustre_claim(view: ClusterView, team: str) -> Spec:
    """The claim of a team; an empty class keeps every provisioner away."""
    return {
        "accessModes": ["ReadWriteMany"],
        "storageClassName": "",
        "volumeName": lustre_volume_name(team),
        "resources": {"requests": {"storage": lustre_size(view)}},
    }


def lustre_volume_name(team: str) -> str:
    """Name of a team's volume."""
    return f"lustre-{team}"


def lustre_size(view: ClusterView) -> str:
    """Size of the Lustre file system."""
    lustre = view.platform.storage.lustre
    return f"{lustre.storage_gib}Gi" if lustre else "0"
