"""What the clusters of one environment share in AWS: network, buckets, registry, files, database, budgets.

Composition only. Everything here stands before the first cluster and is still there when the last one is gone.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pulumi

from components.aws.budgets import Budgets
from components.aws.database import Database, DatabaseArgs
from components.aws.files import FilesArgs, LustreFiles, SharedFiles
from components.aws.network import Network, NetworkArgs
from components.aws.registry import Registry, RegistryArgs
from components.aws.storage import Buckets, BucketsArgs
from components.layout.budgets import budgets
from components.layout.clusters import views
from components.layout.names import Names
from components.layout.s3 import buckets
from components.layout.subnets import divide
from components.layout.zones import training_zone, zone_ids
from components.spec.network import CreatedNetwork
from components.spec.platform import Platform


class Foundation(pulumi.ComponentResource):
    """The shared ground of an environment in AWS."""

    vpc_id: pulumi.Input[str]
    subnet_ids: Mapping[str, pulumi.Input[str]]
    """Private subnets by zone id."""
    ways_out: Sequence[pulumi.Resource]
    """Routes, NAT and endpoints, without which nodes reach neither AWS nor a registry; empty in an existing VPC."""

    def __init__(self, name: str, spec: Platform, names: Names, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("trellis:index:Foundation", name, None, opts)
        self._spec, self._names = spec, names
        self._child = pulumi.ResourceOptions(parent=self)
        self._network()
        self.buckets = Buckets(
            "buckets", spec.storage, BucketsArgs(names=names, protection=spec.protection), self._child
        )
        self.registry = Registry(
            "registry", spec.storage, RegistryArgs(names=names, protection=spec.protection), self._child
        )
        self.shared_files = self._shared_files()
        self.lustre = self._lustre()
        self.database = self._database()
        planned = budgets(spec, names)
        if planned:
            Budgets("budgets", planned, self._child)
        self.register_outputs({})

    @property
    def outputs(self) -> Mapping[str, Any]:
        """Stack outputs."""
        names, storage = self._names, self._spec.storage
        host = f"{names.registry}/{names.prefix}"
        found: dict[str, Any] = {
            "buckets": {one.purpose: names.bucket(one.purpose) for one in buckets(storage)},
            "registry": {one: f"{host}/{one}" for one in sorted(storage.repositories)},
        }
        if self.database is not None:
            found["databaseHost"] = self.database.host
        if self.shared_files is not None:
            found["sharedFiles"] = self.shared_files.id_
        if self.lustre is not None:
            found["lustre"] = {"dnsName": self.lustre.dns_name, "mountName": self.lustre.mount_name}
        return found

    def _network(self) -> None:
        """The VPC and its private subnets, made or given."""
        network = self._spec.network
        if not isinstance(network, CreatedNetwork):
            self.vpc_id, self.subnet_ids, self.ways_out = network.vpc_id, dict(network.private_subnet_ids), []
            return
        zones = divide(network, zone_ids(self._spec))
        made = Network("network", network, NetworkArgs(names=self._names, zones=zones), self._child)
        self.vpc_id, self.subnet_ids, self.ways_out = made.vpc_id, made.private_subnet_ids, [made]

    def _files(self, subnet_ids: Mapping[str, pulumi.Input[str]]) -> FilesArgs:
        return FilesArgs(names=self._names, protection=self._spec.protection, vpc_id=self.vpc_id, subnet_ids=subnet_ids)

    def _shared_files(self) -> SharedFiles | None:
        expected = self._spec.storage.shared_filesystem_gib
        return SharedFiles("shared", expected, self._files(self.subnet_ids), self._child) if expected else None

    def _lustre(self) -> LustreFiles | None:
        """In the zone where training runs: reads across zones cost money and time."""
        lustre, zone = self._spec.storage.lustre, training_zone(self._spec)
        if lustre is None:
            return None
        args = self._files({zone: self.subnet_ids[zone]})
        return LustreFiles("lustre", lustre, args, pulumi.ResourceOptions(parent=self, depends_on=[self.buckets]))

    def _database(self) -> Database | None:
        """Only where MLflow runs in a cluster of this environment."""
        if not any(view.is_eks and "mlflow" in view.addons for view in views(self._spec).values()):
            return None
        args = DatabaseArgs(
            names=self._names, protection=self._spec.protection, vpc_id=self.vpc_id, subnet_ids=self.subnet_ids
        )
        return Database("mlflow", self._spec.mlflow.database, args, self._child)
