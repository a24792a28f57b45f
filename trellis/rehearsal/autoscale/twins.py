"""Twins of the stack's NodePools: as they stand, but for the class of their nodes, which is KWOK's here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from components.layout.clusters import ClusterView
from components.layout.zones import pool_zone
from trellis.rehearsal.autoscale.instances import ZONE
from trellis.rehearsal.expand.objects import Objects

KARPENTER = "karpenter.sh"
GROUP = "karpenter.kwok.sh"
Manifest = Mapping[str, Any]
AT_ONCE = "2s"


@dataclass(frozen=True)
class Twins:
    """What is put into the sandbox for Karpenter to work by."""

    pools: Mapping[str, dict[str, Any]]
    overlays: tuple[dict[str, Any], ...]
    classes: tuple[dict[str, Any], ...]
    confined: tuple[str, ...]
    """Pools whose EC2NodeClass keeps them in one zone; here their NodePool does."""
    unknown: tuple[str, ...]
    """Objects of Karpenter in the plan that are not twinned."""

    def manifests(self) -> list[dict[str, Any]]:
        """All of them, in the order of making."""
        return [*self.classes, *self.overlays, *self.pools.values()]


def twins(objects: Objects) -> Twins:
    """The twins of one cluster's NodePools and NodeOverlays."""
    pools: dict[str, dict[str, Any]] = {}
    confined: list[str] = []
    for item in objects.of(KARPENTER, "NodePool"):
        zone = _zone(objects.view, item.name)
        pools[item.name] = _twin(item.manifest, zone)
        if zone:
            confined.append(item.name)
    classes = sorted({str(pool["spec"]["template"]["spec"]["nodeClassRef"]["name"]) for pool in pools.values()})
    others = {item.kind for item in objects.items if item.group == KARPENTER} - {"NodePool", "NodeOverlay"}
    return Twins(
        pools=dict(sorted(pools.items())),
        overlays=tuple(dict(item.manifest) for item in objects.of(KARPENTER, "NodeOverlay")),
        classes=tuple(
            {"apiVersion": f"{GROUP}/v1alpha1", "kind": "KWOKNodeClass", "metadata": {"name": name}, "spec": {}}
            for name in classes
        ),
        confined=tuple(sorted(confined)),
        unknown=tuple(sorted(others)),
    )


def _twin(manifest: Manifest, zone: str | None) -> dict[str, Any]:
    spec = manifest["spec"]
    template = spec["template"]
    inner = template["spec"]
    requirements = list(inner.get("requirements") or ())
    if zone:
        requirements.append({"key": ZONE, "operator": "In", "values": [zone]})
    ref = {"group": GROUP, "kind": "KWOKNodeClass", "name": inner["nodeClassRef"]["name"]}
    changed = {**template, "spec": {**inner, "nodeClassRef": ref, "requirements": requirements}}
    return {**manifest, "spec": {**spec, "template": changed}}


def _zone(view: ClusterView, name: str) -> str | None:
    """The zone that the subnets of a pool's EC2NodeClass lie in, where it is one; its NodePool does not say it."""
    pool = view.karpenter_pools.get(name)
    return pool_zone(view.platform, pool) if pool else None


def hurried(pool: Manifest) -> dict[str, Any]:
    """A twin that removes nodes as soon as it may: what is removed is the question here, not after how long."""
    spec = pool["spec"]
    return {**pool, "spec": {**spec, "disruption": {**(spec.get("disruption") or {}), "consolidateAfter": AT_ONCE}}}


def requirements(pool: Manifest) -> list[Manifest]:
    """The requirements of a NodePool."""
    return list(pool["spec"]["template"]["spec"].get("requirements") or ())


def settings(values: Manifest) -> dict[str, str]:
    """Karpenter's environment as its chart makes it from `settings`: feature gates, batching, preferences."""
    said = values.get("settings") or {}
    gates = said.get("featureGates") or {}
    found = {
        env: str(said[key])
        for key, env in (
            ("batchMaxDuration", "BATCH_MAX_DURATION"),
            ("batchIdleDuration", "BATCH_IDLE_DURATION"),
            ("preferencePolicy", "PREFERENCE_POLICY"),
            ("minValuesPolicy", "MIN_VALUES_POLICY"),
        )
        if key in said
    }
    if gates:
        listed = (f"{key[0].upper()}{key[1:]}={str(bool(on)).lower()}" for key, on in sorted(gates.items()))
        found["FEATURE_GATES"] = ",".join(listed)
    return found
