"""The pack's configuration from a stack file: budgets, families and limits are written there and nowhere else."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from components.layout.clusters import views
from components.layout.gpu import TAINT
from components.layout.karpenter import node_labels
from components.spec.platform import Platform
from components.spec.pools import ExistingPool
from policies.config import config_for


def guardrails(platform: Platform, as_of: str | None = None) -> dict[str, Any]:
    """What rules may be told about an environment. `as_of` is left out of checked-in configuration."""
    rails = platform.guardrails
    given: dict[str, Any] = {
        "environment": platform.environment,
        "production": rails.production,
        "budget": {"monthlyUsd": rails.budget.monthly_usd},
        "allowedFamilies": sorted(rails.allowed_families),
        "maxGpusPerPod": rails.gpu_scheduling.max_gpus_per_pod,
    }
    if platform.aws:
        given["region"] = platform.aws.region
    if as_of:
        given["asOf"] = as_of
    existing = [row for view in views(platform).values() for row in _existing_pools(view.existing_pools)]
    return {**given, "existingPools": existing} if existing else given


def _existing_pools(pools: Mapping[str, ExistingPool]) -> list[dict[str, Any]]:
    return [
        {
            "name": name,
            "labels": node_labels(name, pool),
            "taints": [dict(TAINT)] if pool.gpu else [],
            "gpusPerNode": pool.gpus_per_node,
            **({"gpuModel": pool.gpu_model} if pool.gpu_model else {}),
            **({"sharing": pool.gpu.sharing} if pool.gpu else {}),
        }
        for name, pool in pools.items()
    ]


def config_for_platform(platform: Platform, as_of: str | None = None) -> dict[str, dict[str, Any]]:
    """The pack's configuration for an environment."""
    return config_for(guardrails(platform, as_of))
