"""All rules, in the order in which they are reported. A rule that is not in this tuple does not exist."""

from __future__ import annotations

from typing import Any

from policies.model import Rule
from policies.rules.budget import BUDGET_WORST_CASE
from policies.rules.capacity import FAMILIES_ALLOWED, IDLE_GPU_POOL_MINIMUM_ZERO, POOL_LIMITS_SET
from policies.rules.endpoints import MODEL_PULL_ENDPOINTS, NO_PUBLIC_CLUSTER_ENDPOINT
from policies.rules.gpu_pods import GPU_LIMIT_EQUALS_REQUEST, GPU_PODS_TOLERATE_AND_SELECT, GPUS_PER_POD_MAXIMUM
from policies.rules.gpu_pools import MIG_PROFILE_EXISTS, QUOTA_KEYS_VALID
from policies.rules.security import IMAGES_PINNED, NO_WILDCARD_IAM
from policies.rules.spot import SPOT_FOR_INTERRUPTIBLE_TRAINING
from policies.rules.tags import COST_TAGS_PRESENT

RULES: tuple[Rule[Any], ...] = (
    GPU_LIMIT_EQUALS_REQUEST,
    GPUS_PER_POD_MAXIMUM,
    GPU_PODS_TOLERATE_AND_SELECT,
    MIG_PROFILE_EXISTS,
    QUOTA_KEYS_VALID,
    POOL_LIMITS_SET,
    BUDGET_WORST_CASE,
    SPOT_FOR_INTERRUPTIBLE_TRAINING,
    FAMILIES_ALLOWED,
    IDLE_GPU_POOL_MINIMUM_ZERO,
    COST_TAGS_PRESENT,
    MODEL_PULL_ENDPOINTS,
    NO_PUBLIC_CLUSTER_ENDPOINT,
    IMAGES_PINNED,
    NO_WILDCARD_IAM,
)
