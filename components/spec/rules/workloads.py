"""Rules about models and training jobs."""

from __future__ import annotations

from collections.abc import Iterator

from components.spec.base import Problem
from components.spec.platform import Platform


def weights_sum_to_100(platform: Platform) -> Iterator[Problem]:
    """The weights of a model's versions are percentages of one whole."""
    for name, model in sorted(platform.models.items()):
        weights = {version: v.weight for version, v in sorted(model.versions.items())}
        total = sum(weights.values())
        if total != 100:
            last = next(reversed(weights))
            yield Problem(
                path=("models", name, "versions"),
                value=weights,
                message=f"weights sum to {total}, not to 100",
                allowed="percentages that sum to exactly 100",
                consequence="Istio would refuse the route or split traffic otherwise than written",
                fix=f"for example set `models.{name}.versions.{last}.weight: {max(0, weights[last] + 100 - total)}`",
            )
