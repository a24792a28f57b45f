"""An add-on that EKS runs itself."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pulumi
import pulumi_aws as aws

from components.catalogue.addons import addon


@dataclass(frozen=True, kw_only=True)
class EksAddonArgs:
    """What it needs from other components."""

    cluster_name: pulumi.Input[str]
    configuration: Mapping[str, Any]
    depends_on: Sequence[pulumi.Resource] = ()


class EksAddon(pulumi.ComponentResource):
    """Installs one catalogue row of the kind `eks-addon`."""

    def __init__(self, name: str, row_id: str, args: EksAddonArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("trellis:aws:EksAddon", name, None, opts)
        row = addon(row_id).eks_addon
        if row is None:
            raise ValueError(f"add-on {row_id} is not one that EKS runs")
        aws.eks.Addon(
            name,
            cluster_name=args.cluster_name,
            addon_name=row.name,
            addon_version=row.version,
            configuration_values=json.dumps(args.configuration, sort_keys=True) if args.configuration else None,
            resolve_conflicts_on_create="OVERWRITE",
            resolve_conflicts_on_update="OVERWRITE",
            opts=pulumi.ResourceOptions(parent=self, depends_on=list(args.depends_on)),
        )
        self.register_outputs({})
