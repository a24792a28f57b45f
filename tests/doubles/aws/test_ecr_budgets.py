"""ECR repositories and budgets."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.doubles.aws.lives import Thing, drifted, live, make
from trellis.doubles.aws.session import AwsSession
from trellis.doubles.errors import Refused

RULE = {
    "rulePriority": 1,
    "description": "drop",
    "selection": {"tagStatus": "untagged", "countType": "sinceImagePushed", "countUnit": "days", "countNumber": 14},
    "action": {"type": "expire"},
}
MANIFEST = {"schemaVersion": 2, "mediaType": "application/vnd.docker.distribution.manifest.v2+json", "layers": []}


def repository(aws: AwsSession, **more: object) -> Thing:
    return make(
        aws,
        "ecr/repository:Repository",
        "models",
        name="prod/models",
        imageTagMutability="IMMUTABLE",
        imageScanningConfiguration={"scanOnPush": True},
        encryptionConfigurations=[{"encryptionType": "AES256"}],
        **more,
    )


def push(aws: AwsSession) -> None:
    aws.client("ecr").put_image(repositoryName="prod/models", imageManifest=json.dumps(MANIFEST), imageTag="v1")


def test_repository(aws: AwsSession) -> None:
    thing = repository(aws, forceDelete=False, tags={"a": "b"})
    assert thing.outputs["repositoryUrl"] == f"{aws.account}.dkr.ecr.{aws.region}.amazonaws.com/prod/models"
    live(thing, imageTagMutability="MUTABLE", tags=None)


def test_lifecycle_policy(aws: AwsSession) -> None:
    repository(aws)
    policy = json.dumps({"rules": [RULE]})
    thing = make(aws, "ecr/lifecyclePolicy:LifecyclePolicy", "models", repository="prod/models", policy=policy)
    live(thing, policy=policy.replace("14", "15"))


def test_a_taken_repository_is_refused(aws: AwsSession) -> None:
    repository(aws)
    with pytest.raises(Refused, match="RepositoryAlreadyExists"):
        repository(aws)


@pytest.mark.parametrize("force", [False, True])
def test_images_go_only_by_force(aws: AwsSession, *, force: bool) -> None:
    thing = repository(aws, forceDelete=force)
    push(aws)
    if not force:
        with pytest.raises(Refused, match="RepositoryNotEmpty"):
            thing.delete()
    else:
        thing.delete()
    assert (thing.read() is None) is force


def alert(percent: int, kind: str = "ACTUAL") -> dict[str, Any]:
    return {
        "comparisonOperator": "GREATER_THAN",
        "notificationType": kind,
        "threshold": percent,
        "thresholdType": "PERCENTAGE",
        "subscriberEmailAddresses": ["b@example.com", "a@example.com"],
    }


def budget(aws: AwsSession, **more: object) -> Thing:
    tagged = {"key": "trellis:environment", "values": ["prod"], "matchOptions": ["EQUALS"]}
    team = {"key": "trellis:team", "values": ["one"], "matchOptions": ["EQUALS"]}
    inputs = {
        "name": "prod",
        "budgetType": "COST",
        "timeUnit": "MONTHLY",
        "limitAmount": "110000.00",
        "limitUnit": "USD",
        "filterExpression": {"ands": [{"tags": tagged}, {"tags": team}]},
        "notifications": [alert(80), alert(50), alert(100, "FORECASTED")],
    }
    return make(aws, "budgets/budget:Budget", "prod", **{**inputs, **more})


def test_budget(aws: AwsSession) -> None:
    thing = budget(aws, tags={"a": "b"})
    assert thing.id == f"{aws.account}:prod"
    live(thing, limitAmount="5.00", notifications=[alert(80)], tags={"c": "d"})


def test_a_taken_budget_is_refused(aws: AwsSession) -> None:
    budget(aws)
    with pytest.raises(Refused, match="DuplicateRecord"):
        budget(aws)


def test_a_notification_taken_away_is_drift(aws: AwsSession) -> None:
    thing = budget(aws)
    gone = {
        "NotificationType": "ACTUAL",
        "ComparisonOperator": "GREATER_THAN",
        "Threshold": 50.0,
        "ThresholdType": "PERCENTAGE",
    }
    client = aws.client("budgets")
    client.delete_notification(AccountId=aws.account, BudgetName="prod", Notification=gone)
    assert drifted(thing) == {"notifications"}
