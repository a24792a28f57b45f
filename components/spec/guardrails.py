"""Limits that people set: money, families, GPUs per pod."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from components.spec import forms
from components.spec.base import Model, Percent, PositiveInt


class Budget(Model):
    """What the environment may cost."""

    monthly_usd: Annotated[float, Field(ge=0)]
    """Budget a month in USD. The worst case (every pool at its limit, on demand) is held against it."""
    alert_percents: tuple[Percent, ...] = (50, 80, 100)
    """AWS Budgets sends a mail at these percentages of actual cost."""
    alert_emails: tuple[Annotated[str, forms.EMAIL.field()], ...] = ()
    """Who gets the mail; empty creates no AWS Budget."""


class GpuScheduling(Model):
    """How GPUs are handed out; becomes the ConfigMap `gpu-scheduler-config`."""

    allocation_policy: Literal["shared", "exclusive", "dynamic"] = "shared"
    """`exclusive`: a pod owns a GPU; `shared`: several on one; `dynamic`: by load."""
    sharing_strategy: Literal["time-slicing", "mps"] = "time-slicing"
    """How several pods share one GPU that has no MIG."""
    max_gpus_per_pod: PositiveInt = 8
    """Most GPUs that one pod may ask for."""


class Guardrails(Model):
    """What policies hold every resource against."""

    budget: Budget
    """Money."""
    allowed_families: tuple[str, ...] = Field(default=(), examples=[["g6", "m7i"]])
    """EC2 instance families that may be used here; none where nothing may be bought."""
    gpu_scheduling: GpuScheduling = GpuScheduling()
    """How GPUs are handed out."""
    production: bool = False
    """Rules that only bind production (spot is not asked for, two zones are)."""
