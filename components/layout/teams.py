"""What a team's namespace holds besides its network policies: a quota, defaults, and accounts for its pods."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from components.layout.clusters import ClusterView
from components.layout.gpu import GPU_RESOURCE
from components.layout.identities import MODEL_ACCOUNT, TRAINING_ACCOUNT
from components.layout.inventory import offers
from components.spec.workloads import Team

DEFAULTS: Mapping[str, Mapping[str, str]] = {
    "defaultRequest": {"cpu": "100m", "memory": "256Mi"},
    "default": {"memory": "1Gi"},
}
"""For containers that say nothing: the quota admits no pod without requests. GPUs are never given by default."""


def quota(view: ClusterView, team: Team) -> Mapping[str, str]:
    """Hard limits of a team's namespace.

    Each name under which the cluster's pools offer GPUs has a key, capped by what they can give: a name without a key
    would be without limit. A quota counts each name by itself, so whole GPUs, slices and shares do not add up.
    """
    hard = {"requests.cpu": str(team.cpu), "requests.memory": f"{team.memory_gib}Gi"}
    gpus = {GPU_RESOURCE: 0, **offers(view)}
    return hard | {f"requests.{name}": str(min(team.gpus, most)) for name, most in sorted(gpus.items())}


def limit_range() -> dict[str, Any]:
    """Spec of the LimitRange."""
    return {"limits": [{"type": "Container", **{key: dict(value) for key, value in DEFAULTS.items()}}]}


def service_accounts(view: ClusterView) -> tuple[str, ...]:
    """Accounts of a team's pods in this cluster. On EKS each has a role in AWS (see `identities`)."""
    accounts = {"inference": MODEL_ACCOUNT, "training": TRAINING_ACCOUNT}
    return tuple(account for role, account in accounts.items() if role in view.cluster.roles)
