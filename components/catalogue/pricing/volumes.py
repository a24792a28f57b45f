"""EBS volumes: the arithmetic of gp3, gp2, io2 and st1, and where a node's root volume is written down."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from components.catalogue.prices import Confidence, Price, other_or_reference, weakest
from components.catalogue.pricing.model import Context, Cost, LineItem, Resource, Unpriceable
from components.catalogue.pricing.read import count, dig, gib, items, tag, text

GP3_FREE_IOPS = 3000
GP3_FREE_MIBPS = 125
MANAGED_NODE_GROUP_GIB = 20.0
"""Root volume that EKS gives a managed node group that says nothing (EKS API, CreateNodegroup diskSize)."""

NODE_CLASS = "kubernetes:karpenter.k8s.aws/v1:EC2NodeClass"
LAUNCH_TEMPLATE = "aws:ec2/launchTemplate:LaunchTemplate"


@dataclass(frozen=True, slots=True)
class Disk:
    """What one volume (or one node's volumes) costs a month."""

    usd_month: float
    label: str
    """Such as `100 GiB gp3`."""
    source: str
    as_of: str
    confidence: Confidence

    def item(self, what: str, number: int = 1) -> LineItem:
        """Return the line item of that many such volumes."""
        usd = self.usd_month * number
        times = f"{number} x " if number != 1 else ""
        return LineItem(
            what, Cost(usd, usd, usd), f"{times}{self.label} at {self.usd_month:g} USD/month",
            self.source, self.as_of, self.confidence,
        )  # fmt: skip


def volume(
    region: str, size_gib: float, kind: str = "gp3", iops: float | None = None, mibps: float | None = None
) -> Disk:
    """Price one EBS volume. gp3 includes 3000 IOPS and 125 MiB/s; io2 pays for each IOPS.

    Raises `Unpriceable` for a volume type without a price.
    """
    storage = other_or_reference("ebs", f"{kind} storage", region)
    if storage is None:
        raise Unpriceable(f"no price for EBS {kind} volumes in the table (it has gp3, gp2, io2 and st1)")
    parts: list[tuple[Price, float]] = [(storage, size_gib)]
    if kind == "gp3":
        parts += _extra("gp3 provisioned IOPS above 3000", region, (iops or 0) - GP3_FREE_IOPS)
        parts += _extra("gp3 throughput above 125", region, (mibps or 0) - GP3_FREE_MIBPS)
    if kind == "io2":
        parts += _extra("io2 IOPS tier 1", region, iops or 0)
    return Disk(
        usd_month=sum(price.usd * amount for price, amount in parts),
        label=f"{size_gib:g} GiB {kind}",
        source=storage.source,
        as_of=min(price.as_of for price, _ in parts),
        confidence=weakest([price.confidence for price, _ in parts]),
    )


def pool_disk(pool: Resource, context: Context, region: str) -> Disk | None:
    """Return the root volume of a Karpenter pool's nodes; None where the plan does not say.

    From the block devices of its EC2NodeClass, else from the pool's annotation `trellis.dev/disk-gib` (gp3).
    """
    name = dig(pool.inputs, "spec", "template", "spec", "nodeClassRef", "name")
    node_class = context.siblings.near(pool, NODE_CLASS, name)
    if node_class is not None:
        found = _block_devices(dig(node_class.inputs, "spec") or {}, region)
        if found is not None:
            return found
    stated = gib(dig(pool.inputs, "metadata", "annotations", "trellis.dev/disk-gib"))
    return None if stated is None else volume(region, stated)


def group_disk(group: Resource, context: Context, region: str) -> Disk | None:
    """Return the root volume of a managed node group's nodes; None where the plan does not say.

    From `diskSize`, else the launch template it depends on, else the tag `trellis:disk-gib`, else (without a
    launch template) EKS's own 20 GiB.
    """
    size = count(group.inputs, "diskSize")
    if size is not None:
        return volume(region, size)
    template = launch_template(group, context)
    if template is not None:
        found = _block_devices(template.inputs, region)
        if found is not None:
            return found
    stated = gib(tag(group.inputs, "trellis:disk-gib"))
    if stated is not None:
        return volume(region, stated)
    return None if "launchTemplate" in group.inputs else volume(region, MANAGED_NODE_GROUP_GIB)


def launch_template(group: Resource, context: Context) -> Resource | None:
    """Return the launch template that a node group depends on, as the plan's graph has it."""
    near = (context.siblings.by_urn.get(urn) for urn in group.dependencies)
    return next((found for found in near if found is not None and found.type == LAUNCH_TEMPLATE), None)


def _block_devices(holder: Mapping[str, Any], region: str) -> Disk | None:
    """Price `blockDeviceMappings`, which EC2NodeClass and launch template write alike; None where there are none."""
    disks = []
    for index in range(len(items(holder, "blockDeviceMappings"))):
        ebs = dig(holder, "blockDeviceMappings", index, "ebs")
        size = gib(dig(ebs, "volumeSize"))
        if size is None:
            return None
        kind = text(ebs, "volumeType", default="gp3") or "gp3"
        disks.append(volume(region, size, kind, count(ebs, "iops"), count(ebs, "throughput")))
    if not disks:
        return None
    return Disk(
        usd_month=sum(d.usd_month for d in disks),
        label=" + ".join(d.label for d in disks),
        source=disks[0].source,
        as_of=min(d.as_of for d in disks),
        confidence=weakest([d.confidence for d in disks]),
    )


def _extra(item: str, region: str, amount: float) -> list[tuple[Price, float]]:
    price = other_or_reference("ebs", item, region) if amount > 0 else None
    return [] if price is None else [(price, amount)]
