"""Values of the GPU Operator chart: who owns the driver, and the sharing configurations of all pools."""

from __future__ import annotations

from typing import Any

import yaml

from components.catalogue.ami import NodeImage, node_image
from components.layout.clusters import ClusterView
from components.layout.gpu import GPU_RESOURCE, TOLERATION, config_key
from components.spec.pools import Ec2Pool, ExistingPool, Mig, Mps, PoolBase, TimeSlicing


def image_of(pool: PoolBase) -> NodeImage | None:
    """The node image of a GPU pool."""
    if isinstance(pool, Ec2Pool):
        return node_image(pool.image)
    if isinstance(pool, ExistingPool):
        return node_image(f"existing-{pool.driver}")
    return None


def values(view: ClusterView) -> dict[str, Any]:
    """Ownership by node image (one for all GPU pools of a cluster, a spec rule), sharing and MIG configurations."""
    gpu_pools = {name: pool for name, pool in view.pools.items() if pool.gpu is not None}
    image = next((found for pool in gpu_pools.values() if (found := image_of(pool))), None)
    result: dict[str, Any] = {
        "daemonsets": {"tolerations": [dict(TOLERATION)]},
        "mig": {"strategy": mig_strategy(gpu_pools)},
    }
    if image is not None:
        owned = image.operator
        sharing = _sharing(gpu_pools) if owned.device_plugin else {}
        layouts = _layouts(gpu_pools, on_ec2=image.platform == "eks") if owned.mig_manager else {}
        result |= {
            "driver": {"enabled": owned.driver},
            "toolkit": {"enabled": owned.toolkit},
            "devicePlugin": {"enabled": owned.device_plugin, **sharing},
            "migManager": {"enabled": owned.mig_manager, **layouts},
        }
    return result


def mig_strategy(pools: dict[str, PoolBase]) -> str:
    """The one strategy of a cluster: `single` where all its MIG pools say so.

    The operator hands it to every device plugin by environment, which goes before any configuration of a node.
    """
    asked = {pool.gpu.strategy for pool in pools.values() if isinstance(pool.gpu, Mig)}
    return "single" if asked == {"single"} else "mixed"


def _sharing(pools: dict[str, PoolBase]) -> dict[str, Any]:
    """Device-plugin configurations by key; `exclusive` is the default of nodes that name none."""
    data = {"exclusive": {"version": "v1"}}
    for pool in pools.values():
        if isinstance(pool.gpu, TimeSlicing | Mps):
            data[config_key(pool.gpu)] = _device_plugin(pool.gpu)
    if len(data) == 1:
        return {}
    text = {key: _yaml(config) for key, config in sorted(data.items())}
    return {"config": {"create": True, "name": "trellis-gpu-sharing", "default": "exclusive", "data": text}}


def _device_plugin(profile: TimeSlicing | Mps) -> dict[str, Any]:
    share: dict[str, Any] = {
        "renameByDefault": True,
        "resources": [{"name": GPU_RESOURCE, "replicas": profile.replicas}],
    }
    if isinstance(profile, TimeSlicing):
        share["failRequestsGreaterThanOne"] = True
        return {"version": "v1", "sharing": {"timeSlicing": share}}
    return {"version": "v1", "sharing": {"mps": share}}


def _layouts(pools: dict[str, PoolBase], *, on_ec2: bool) -> dict[str, Any]:
    """MIG layouts by key, as the MIG manager reads them.

    On EC2 it may reboot a node: a GPU handed to a virtual machine may not enter MIG mode without (NVIDIA's GPU Operator
    guide asks for WITH_REBOOT at cloud providers). Machines on premises are not ours to reboot.
    """
    layouts = {config_key(pool.gpu): pool.gpu.layout for pool in pools.values() if isinstance(pool.gpu, Mig)}
    if not layouts:
        return {}
    configs: dict[str, Any] = {"all-disabled": [{"devices": "all", "mig-enabled": False}]}
    for key, layout in layouts.items():
        configs[key] = [{"devices": "all", "mig-enabled": True, "mig-devices": dict(sorted(layout.items()))}]
    text = _yaml({"version": "v1", "mig-configs": dict(sorted(configs.items()))})
    config = {"create": True, "name": "trellis-mig-layouts", "default": "all-disabled", "data": {"config.yaml": text}}
    return {"config": config, **({"env": [{"name": "WITH_REBOOT", "value": "true"}]} if on_ec2 else {})}


def _yaml(value: Any) -> str:
    return yaml.safe_dump(value, sort_keys=True)
