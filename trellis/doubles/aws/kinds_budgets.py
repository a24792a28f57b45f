"""AWS Budgets."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from trellis.doubles.aws.shape import Aws, Shape, Tagging, capital, changed, mapping, pairs, small
from trellis.doubles.provider import Bag

_MANY = {"ands": "And", "ors": "Or"}
"""Lists of a filter, which the provider names in the plural."""
_TOLD = ("NotificationType", "ComparisonOperator", "Threshold", "ThresholdType")
_MAILS, _TOPICS = "subscriberEmailAddresses", "subscriberSnsTopicArns"


class Budget(Shape):
    """`aws:budgets/budget:Budget`; its id is `account:name`."""

    tagging = Tagging("budgets", id="ResourceARN", tags="ResourceTags", keys="ResourceTagKeys")
    gone = ("NotFoundException",)

    def make(self, aws: Aws, name: str, inputs: Bag, tags: dict[str, str]) -> str:
        chosen: str = inputs.get("name", name)
        aws.client("budgets").create_budget(
            AccountId=aws.account,
            Budget=_budget(chosen, inputs),
            NotificationsWithSubscribers=[
                {"Notification": _notification(one), "Subscribers": _subscribers(one)}
                for one in inputs.get("notifications", [])
            ],
            ResourceTags=pairs(tags),
        )
        return f"{aws.account}:{chosen}"

    def show(self, aws: Aws, id_: str, known: Bag) -> Bag | None:
        budgets, where = aws.client("budgets"), _where(id_)
        found = budgets.describe_budget(**where)["Budget"]
        notifications = budgets.describe_notifications_for_budget(**where).get("Notifications", [])
        arn = f"arn:aws:budgets::{where['AccountId']}:budget/{where['BudgetName']}"
        filters = found.get("FilterExpression")
        return {
            "accountId": where["AccountId"],
            "name": found["BudgetName"],
            "arn": arn,
            "budgetType": found["BudgetType"],
            "timeUnit": found["TimeUnit"],
            "limitAmount": _amount(known.get("limitAmount"), found["BudgetLimit"]["Amount"]),
            "limitUnit": found["BudgetLimit"]["Unit"],
            "notifications": [_told(budgets, where, one) for one in notifications],
            **({"filterExpression": _shown_filter(filters)} if filters else {}),
            "tagsAll": mapping(budgets.list_tags_for_resource(ResourceARN=arn).get("ResourceTags")),
        }

    def change(self, aws: Aws, id_: str, old: Bag, new: Bag) -> None:
        budgets, where = aws.client("budgets"), _where(id_)
        if changed(old, new, "budgetType", "timeUnit", "limitAmount", "limitUnit", "filterExpression"):
            new_budget = _budget(where["BudgetName"], new)
            budgets.update_budget(AccountId=where["AccountId"], NewBudget=new_budget)
        if changed(old, new, "notifications"):
            # As the provider does it: all of them anew.
            for one in budgets.describe_notifications_for_budget(**where).get("Notifications", []):
                budgets.delete_notification(**where, Notification={key: one[key] for key in _TOLD if key in one})
            for one in new.get("notifications", []):
                budgets.create_notification(**where, Notification=_notification(one), Subscribers=_subscribers(one))

    def drop(self, aws: Aws, id_: str, known: Bag) -> None:
        aws.client("budgets").delete_budget(**_where(id_))


def _amount(known: str | None, found: str) -> str:
    """The amount in the writing of the program: AWS tells `5.0` where it was given `5.00`."""
    return known if known and float(known) == float(found) else found


def _where(id_: str) -> dict[str, str]:
    account, _, name = id_.partition(":")
    return {"AccountId": account, "BudgetName": name}


def _budget(name: str, inputs: Mapping[str, Any]) -> Bag:
    found: Bag = {
        "BudgetName": name,
        "BudgetType": inputs["budgetType"],
        "TimeUnit": inputs["timeUnit"],
        "BudgetLimit": {"Amount": str(inputs["limitAmount"]), "Unit": inputs["limitUnit"]},
    }
    if "filterExpression" in inputs:
        found["FilterExpression"] = _sent_filter(inputs["filterExpression"])
    return found


def _sent_filter(given: Mapping[str, Any]) -> Bag:
    plain = {key: value for key, value in given.items() if key not in _MANY}
    many = {_MANY[key]: [_sent_filter(one) for one in given[key]] for key in _MANY if key in given}
    sent_: Bag = {**capital(plain), **many}
    return sent_


def _shown_filter(found: Mapping[str, Any]) -> Bag:
    names = {theirs: ours for ours, theirs in _MANY.items()}
    plain = {key: value for key, value in found.items() if key not in names}
    many = {names[key]: [_shown_filter(one) for one in found[key]] for key in names if key in found}
    shown: Bag = {**small(plain), **many}
    return shown


def _notification(given: Mapping[str, Any]) -> Bag:
    told: Bag = capital({key: value for key, value in given.items() if key not in (_MAILS, _TOPICS)})
    return {**told, "Threshold": float(told["Threshold"])}


def _subscribers(given: Mapping[str, Any]) -> list[dict[str, str]]:
    mails = [{"SubscriptionType": "EMAIL", "Address": one} for one in given.get(_MAILS, [])]
    return mails + [{"SubscriptionType": "SNS", "Address": one} for one in given.get(_TOPICS, [])]


def _told(budgets: Any, where: dict[str, str], found: Mapping[str, Any]) -> Bag:
    key = {name: found[name] for name in _TOLD if name in found}
    rows = budgets.describe_subscribers_for_notification(**where, Notification=key).get("Subscribers", [])
    of = {kind: [one["Address"] for one in rows if one["SubscriptionType"] == kind] for kind in ("EMAIL", "SNS")}
    told: Bag = {**small(key), _MAILS: of["EMAIL"], _TOPICS: of["SNS"]}
    return told


KINDS: Final[Mapping[str, Shape]] = {"aws:budgets/budget:Budget": Budget()}
