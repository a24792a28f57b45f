"""Karpenter objects as plain manifests: one NodePool and one EC2NodeClass for each pool, overlays for GPU shares."""

from __future__ import annotations

from typing import Any

from components.catalogue.ami import node_image
from components.catalogue.efa import interfaces
from components.catalogue.hardware import instance_type
from components.layout.clusters import ClusterView
from components.layout.disks import Disk, disks
from components.layout.gpu import GPU_RESOURCE, POOL_LABEL, TAINT, offer
from components.layout.karpenter_iam import karpenter_node_role
from components.layout.names import Names, pool_tags
from components.layout.zones import pool_zone
from components.spec.network import ExistingNetwork
from components.spec.pools import KarpenterPool, PoolBase

PURPOSE_LABEL = "trellis.dev/purpose"
SHARING_LABEL = "trellis.dev/gpu-sharing"
UTILISATION = "trellis.dev/expected-utilisation"


def node_labels(name: str, pool: PoolBase) -> dict[str, str]:
    """Labels of a pool's nodes, whoever starts them."""
    offered = offer(pool)
    sharing = {SHARING_LABEL: pool.gpu.sharing, **offered.labels} if pool.gpu and offered else {}
    return dict(sorted({**pool.labels, POOL_LABEL: name, PURPOSE_LABEL: pool.purpose, **sharing}.items()))


def node_pool(name: str, pool: KarpenterPool) -> dict[str, Any]:
    """Spec of the NodePool."""
    capacity: list[str] = [pool.capacity_type]
    if pool.on_demand_fallback and pool.capacity_type != "on-demand":
        capacity.append("on-demand")
    template: dict[str, Any] = {
        "nodeClassRef": {"group": "karpenter.k8s.aws", "kind": "EC2NodeClass", "name": name},
        "requirements": [
            _in("karpenter.sh/capacity-type", capacity),
            _in("kubernetes.io/os", ["linux"]),
            _in("node.kubernetes.io/instance-type", sorted(pool.instance_types)),
        ],
        "expireAfter": f"{pool.expire_after_hours}h",
    }
    if pool.gpu is not None:
        template["taints"] = [dict(TAINT)]
    return {
        "template": {"metadata": {"labels": node_labels(name, pool)}, "spec": template},
        "limits": limits(pool),
        "disruption": {
            # Training pods must run to their end; a node that serves may be emptied into others.
            "consolidationPolicy": "WhenEmpty" if pool.purpose == "training" else "WhenEmptyOrUnderutilized",
            "consolidateAfter": f"{pool.consolidate_after_seconds}s",
        },
    }


def limits(pool: KarpenterPool) -> dict[str, str]:
    """The pool's limits under Karpenter's names. `nvidia.com/gpu` is physical here, whatever the sharing.

    Slices and shares have a limit of their own: once a node is initialised Karpenter counts what it reports, and a node
    that shares or cuts its GPUs reports none as `nvidia.com/gpu` (`StateNode.Capacity` of sigs.k8s.io/karpenter).
    """
    offered = offer(pool)
    units = offered.units_for(pool.limits.gpus) if offered and pool.limits.gpus else {}
    given = {
        "cpu": pool.limits.cpu,
        "memory": f"{pool.limits.memory_gib}Gi" if pool.limits.memory_gib else None,
        "nodes": pool.limits.nodes,
        **units,
        GPU_RESOURCE: pool.limits.gpus,
    }
    return {key: str(value) for key, value in given.items() if value is not None}


def node_class(view: ClusterView, names: Names, name: str, pool: KarpenterPool) -> dict[str, Any]:
    """Spec of the EC2NodeClass. Selectors go by tags and names that the spec fixes, so nothing here is unknown."""
    spec: dict[str, Any] = {
        "role": karpenter_node_role(names, view.name),
        "amiSelectorTerms": [{"alias": node_image(pool.image).karpenter_alias}],
        "subnetSelectorTerms": _subnets(view, pool),
        "securityGroupSelectorTerms": [{"tags": {"aws:eks:cluster-name": view.full_name}}],
        "blockDeviceMappings": [_block_device(disk) for disk in disks(pool.image, pool.disk_gib)],
        "metadataOptions": {"httpTokens": "required", "httpPutResponseHopLimit": 1},
        "tags": dict(sorted(pool_tags(view.platform, pool.team).items())),
    }
    if pool.reservation is not None:
        spec["capacityReservationSelectorTerms"] = [{"id": pool.reservation.id}]
    if pool.multi_node is not None and pool.multi_node.placement_group:
        spec["placementGroupSelector"] = {"name": names.placement_group(view.name, name)}
    if pool.multi_node is not None and pool.multi_node.efa:
        spec["securityGroupSelectorTerms"].append({"name": names.fabric_group(view.name)})
        spec["networkInterfaces"] = [
            {"networkCardIndex": one.card, "deviceIndex": one.device, "interfaceType": one.kind}
            for one in interfaces(pool.instance_types)
        ]
    return spec


def _block_device(disk: Disk) -> dict[str, Any]:
    volume = {"volumeSize": f"{disk.gib}Gi", "volumeType": "gp3", "encrypted": True, "deleteOnTermination": True}
    return {"deviceName": disk.device, "ebs": volume}


def _subnets(view: ClusterView, pool: KarpenterPool) -> list[dict[str, Any]]:
    network, zone = view.platform.network, pool_zone(view.platform, pool)
    if isinstance(network, ExistingNetwork):
        known = network.private_subnet_ids.items()
        return [{"id": subnet} for where, subnet in sorted(known) if zone in (None, where)]
    tags = {"trellis:environment": view.platform.environment, "trellis:tier": "private"}
    return [{"tags": {**tags, **({"trellis:zone-id": zone} if zone else {})}}]


def overlay(name: str, pool: KarpenterPool) -> dict[str, Any] | None:
    """Spec of the NodeOverlay that tells Karpenter of slices and shares; it knows whole GPUs by itself.

    One overlay for each pool is right only where all its instance types have the same number of GPUs (a spec rule).
    """
    offered = offer(pool)
    if offered is None or offered.profile.sharing == "exclusive":
        return None
    count = _gpus_per_node(pool)
    return {
        "requirements": [_in("karpenter.sh/nodepool", [name])],
        "capacity": {resource: str(units) for resource, units in sorted(offered.units_for(count).items())},
    }


def _gpus_per_node(pool: KarpenterPool) -> int:
    return instance_type(pool.instance_types[0]).gpu_count


def _in(key: str, values: list[str]) -> dict[str, Any]:
    return {"key": key, "operator": "In", "values": list(values)}
