"""Operations of AWS Budgets which moto lacks."""

from __future__ import annotations

from typing import Any

from trellis.doubles.aws.gaps.fill import Bag, Call, Refusal, serves

_WHY = "moto does not have it"


@serves("budgets", "CreateBudget", reason="moto drops the tags")
def create(call: Call) -> Bag:
    """A budget with its notifications and tags."""
    call.moto()
    tags = {one["Key"]: one["Value"] for one in call.params.get("ResourceTags", [])}
    call.store("tags")[call.params["Budget"]["BudgetName"]] = tags
    return {}


@serves("budgets", "UpdateBudget", reason=_WHY)
def change(call: Call) -> Bag:
    """Another limit or filter."""
    new = call.params["NewBudget"]
    found = _budget(call, new["BudgetName"])
    found.budget = {**new, "TimePeriod": new.get("TimePeriod", found.budget["TimePeriod"])}
    return {}


@serves("budgets", "DescribeSubscribersForNotification", reason=_WHY)
def subscribers(call: Call) -> Bag:
    """Who is told."""
    found = _budget(call, call.params["BudgetName"])
    for one in found.notifications:
        if _same(one.details, call.params["Notification"]):
            return {"Subscribers": one.subscribers}
    raise Refusal("NotFoundException", "Unable to get subscribers - the notification doesn't exist.")


@serves("budgets", "ListTagsForResource", "TagResource", "UntagResource", reason=_WHY)
def tags(call: Call) -> Bag:
    """Tags of a budget."""
    name = call.params["ResourceARN"].rpartition("budget/")[2]
    _budget(call, name)
    held = call.store("tags").setdefault(name, {})
    held.update({one["Key"]: one["Value"] for one in call.params.get("ResourceTags", [])})
    for key in call.params.get("ResourceTagKeys", []):
        held.pop(key, None)
    return {"ResourceTags": [{"Key": key, "Value": value} for key, value in sorted(held.items())]}


def _budget(call: Call, name: str) -> Any:
    found = call.backend.budgets[call.account].get(name)
    if found is None:
        raise Refusal("NotFoundException", f"Unable to get budget: {name} - the budget doesn't exist.")
    return found


def _same(one: Bag, other: Bag) -> bool:
    keys = ("NotificationType", "ComparisonOperator", "ThresholdType")
    same = all(one.get(key) == other.get(key) for key in keys)
    return same and float(one["Threshold"]) == float(other["Threshold"])
