"""How GPUs are handed out, as the ConfigMap `gpu-scheduler-config` that people and tools read."""

from __future__ import annotations

import yaml

from components.spec.guardrails import GpuScheduling

NAME = "gpu-scheduler-config"
NAMESPACE = "gpu-operator"


def data(spec: GpuScheduling) -> dict[str, str]:
    """Data of the ConfigMap. What enforces it: sharing profiles of pools, the quotas of teams, and the policy pack."""
    scheduler = {
        "gpuAllocationPolicy": spec.allocation_policy,
        "gpuSharingStrategy": spec.sharing_strategy,
        "maxGPUsPerPod": spec.max_gpus_per_pod,
    }
    return {"config.yaml": yaml.safe_dump({"scheduler": scheduler}, sort_keys=False)}
