"""Everything a preview says about a plan: verdict, GPUs, money, findings, and what could not be known."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from typing import Any, Literal

from components.catalogue.pricing import Total, total
from components.spec.platform import Platform
from policies.evaluate import evaluate
from policies.model import Report
from policies.stack import Stack
from trellis.gpus import Balance, balances
from trellis.plan import Plan, Resource, unknown_paths
from trellis.policy_config import config_for_platform

Verdict = Literal["ok", "warnings", "blocked"]


@dataclass(frozen=True, kw_only=True)
class Judgement:
    """A plan with all that is known about it."""

    plan: Plan
    platform: Platform
    report: Report
    cost: Total
    gpus: tuple[Balance, ...]

    @property
    def verdict(self) -> Verdict:
        """`blocked` when a mandatory rule is broken, `warnings` when an advisory one is or a pool falls short."""
        if self.report.mandatory:
            return "blocked"
        short = any(balance.asked > balance.offered for balance in self.gpus)
        return "warnings" if self.report.findings or short else "ok"

    @property
    def budget(self) -> float:
        """Monthly budget in USD."""
        return self.platform.guardrails.budget.monthly_usd

    @cached_property
    def counts(self) -> Mapping[str, int]:
        """Resources by origin: AWS, Kubernetes objects, Helm releases, objects of charts, components, providers."""
        return dict(sorted(Counter(_origin(r) for r in self.plan.resources).items()))

    @cached_property
    def unknowns(self) -> Mapping[str, int]:
        """Values known only after deployment, by the property that holds them."""
        found: Counter[str] = Counter()
        for resource in self.plan.resources:
            found.update(f"{resource.type} {path}" for path in unknown_paths(dict(resource.inputs)))
        return dict(sorted(found.items()))


def _origin(resource: Resource) -> str:
    type_ = resource.type
    if resource.opened_from:
        return "opened from charts"
    if type_.startswith("pulumi:providers:"):
        return "providers"
    if type_.startswith("trellis:"):
        return "components"
    if "helm.sh" in type_:
        return "Helm releases"
    return "AWS" if type_.startswith("aws:") else "Kubernetes"


def judge(plan: Plan, platform: Platform) -> Judgement:
    """Judge a plan by rules, prices and the GPUs that it offers."""
    rows: list[Mapping[str, Any]] = [resource.document() for resource in plan.resources]
    config = config_for_platform(platform, plan.as_of)
    region = platform.aws.region if platform.aws else None
    return Judgement(
        plan=plan,
        platform=platform,
        report=evaluate(rows, config),
        cost=total(rows, region, date.fromisoformat(plan.as_of)),
        gpus=balances(plan, Stack(rows)),
    )
