"""AWS Budgets: mails before and when a month costs more than was meant.

They see a cost only once its tags are active as cost allocation tags of the account (the preflight looks for that), and
hours late: the limits of pools, not these mails, are what holds cost down.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pulumi
import pulumi_aws as aws

from components.layout.budgets import BudgetSpec


class Budgets(pulumi.ComponentResource):
    """The environment's budgets."""

    def __init__(self, name: str, spec: Mapping[str, BudgetSpec], opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("trellis:aws:Budgets", name, None, opts)
        for key, budget in spec.items():
            aws.budgets.Budget(
                key,
                name=budget.name,
                budget_type="COST",
                time_unit="MONTHLY",
                limit_amount=f"{budget.monthly_usd:.2f}",
                limit_unit="USD",
                filter_expression=_tagged(budget.tags),
                notifications=[
                    {
                        "comparison_operator": "GREATER_THAN",
                        "notification_type": alert.kind,
                        "threshold": alert.percent,
                        "threshold_type": "PERCENTAGE",
                        "subscriber_email_addresses": list(budget.emails),
                    }
                    for alert in budget.alerts
                ],
                opts=pulumi.ResourceOptions(parent=self),
            )
        self.register_outputs({})


def _tagged(tags: Mapping[str, str]) -> Any:
    """A filter on all of these tags; AWS wants no `and` around a single one."""
    parts = [{"tags": {"key": key, "values": [value], "match_options": ["EQUALS"]}} for key, value in tags.items()]
    return parts[0] if len(parts) == 1 else {"ands": parts}
