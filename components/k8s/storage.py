"""What the drivers that EKS runs need inside the cluster: storage classes, and volumes of file systems that exist."""

from __future__ import annotations

import pulumi
from pulumi_kubernetes.core.v1 import PersistentVolume, PersistentVolumeClaim
from pulumi_kubernetes.storage.v1 import StorageClass

from components.k8s.addon import Addon
from components.k8s.objects import built_in, metadata
from components.layout import storage as layout
from components.layout.facts import Fact


class EbsCsi(Addon):
    """The default class of block volumes."""

    row_id = "ebs-csi"

    def extras(self) -> None:
        meta = metadata(layout.BLOCK_CLASS, annotations=layout.DEFAULT_ANNOTATION)
        built_in(StorageClass, self._name, self.child(), metadata=meta, **layout.gp3(self.view))


class EfsCsi(Addon):
    """The class of volumes that many pods write to, where the environment has such a file system."""

    row_id = "efs-csi"

    def extras(self) -> None:
        file_system = self.args.facts.get(Fact.SHARED_FILES_ID)
        if file_system is not None:
            body = layout.efs(self.view, file_system)
            built_in(StorageClass, self._name, self.child(), metadata=metadata(layout.SHARED_CLASS), **body)


class FsxCsi(Addon):
    """The Lustre file system of the environment, as a volume and a claim for each team."""

    row_id = "fsx-csi"

    def extras(self) -> None:
        facts = [self.args.facts.get(one) for one in (Fact.LUSTRE_ID, Fact.LUSTRE_DNS_NAME, Fact.LUSTRE_MOUNT_NAME)]
        file_system, dns_name, mount_name = facts
        if file_system is None:
            return
        for team in sorted(self.view.platform.teams):
            logical = f"{self._name}-{team}"
            volume = built_in(
                PersistentVolume,
                logical,
                self.child(),
                metadata=metadata(layout.lustre_volume_name(team)),
                spec=layout.lustre_volume(self.view, team, file_system, dns_name, mount_name),
            )
            built_in(
                PersistentVolumeClaim,
                logical,
                pulumi.ResourceOptions(parent=self, depends_on=[volume]),
                metadata=metadata(layout.LUSTRE_CLAIM, team),
                spec=layout.lustre_claim(self.view, team),
            )
