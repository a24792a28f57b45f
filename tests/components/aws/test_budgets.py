"""AWS Budgets: for the environment and for each team that has one."""

from __future__ import annotations

from components.layout.budgets import MOST_ALERTS
from tests.components.aws.builders import aws_of, plan

MAIL = {"guardrails": {"budget": {"alertEmails": ["ml@example.com"]}}}
TEAM = {"teams": {"research": {"monthlyUsd": 400}}}


def test_no_budget_without_somebody_to_tell() -> None:
    assert not aws_of(plan(TEAM), "Budget")


def test_the_environment_and_each_team_with_money_get_one() -> None:
    budgets = aws_of(plan(MAIL, TEAM, {"teams": {"other": {}}}), "Budget")
    assert budgets.keys() == {"environment", "team-research"}
    assert budgets["environment"].inputs["limitAmount"] == "1000.00"
    assert budgets["team-research"].inputs["limitAmount"] == "400.00"


def test_costs_are_told_apart_by_tags() -> None:
    budgets = aws_of(plan(MAIL, TEAM), "Budget")
    environment = {"tags": {"key": "trellis:environment", "values": ["trial"], "matchOptions": ["EQUALS"]}}
    team = {"tags": {"key": "trellis:team", "values": ["research"], "matchOptions": ["EQUALS"]}}
    assert budgets["environment"].inputs["filterExpression"] == environment
    assert budgets["team-research"].inputs["filterExpression"] == {"ands": [environment, team]}


def test_alerts_are_on_cost_and_on_the_forecast() -> None:
    notifications = aws_of(plan(MAIL), "Budget")["environment"].inputs["notifications"]
    kinds = [(one["notificationType"], one["threshold"]) for one in notifications]
    assert kinds == [("ACTUAL", 50), ("ACTUAL", 80), ("ACTUAL", 100), ("FORECASTED", 100)]
    assert {tuple(one["subscriberEmailAddresses"]) for one in notifications} == {("ml@example.com",)}


def test_too_many_alerts_keep_the_highest() -> None:
    many = {"guardrails": {"budget": {"alertPercents": [10, 20, 40, 60, 80, 100]}}}
    notifications = aws_of(plan(MAIL, many), "Budget")["environment"].inputs["notifications"]
    assert len(notifications) == MOST_ALERTS
    assert [one["threshold"] for one in notifications] == [40, 60, 80, 100, 100]
