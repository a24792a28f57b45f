"""SQS, EventBridge and CloudWatch Logs."""

from __future__ import annotations

import json

import pytest

from tests.doubles.aws.lives import Thing, drifted, live, make
from trellis.doubles.aws.session import AwsSession
from trellis.doubles.errors import Refused

SEND = {"Effect": "Allow", "Principal": "*", "Action": "sqs:SendMessage", "Resource": "*"}
POLICY = json.dumps({"Version": "2012-10-17", "Statement": [SEND]})
PATTERN = json.dumps({"source": ["aws.ec2"]})


def queue(aws: AwsSession, **inputs: object) -> Thing:
    settings = {"name": "spot", "messageRetentionSeconds": 300, "sqsManagedSseEnabled": True}
    return make(aws, "sqs/queue:Queue", "spot", **{**settings, **inputs})


def rule(aws: AwsSession) -> Thing:
    return make(aws, "cloudwatch/eventRule:EventRule", "spot", name="spot", eventPattern=PATTERN)


def test_queue(aws: AwsSession) -> None:
    thing = queue(aws, tags={"a": "b"})
    assert thing.outputs["arn"] == f"arn:aws:sqs:{aws.region}:{aws.account}:spot"
    live(thing, messageRetentionSeconds=600, tags={"c": "d"})


def test_a_taken_queue_name_with_other_attributes_is_refused(aws: AwsSession) -> None:
    queue(aws)
    with pytest.raises(Refused, match="QueueAlreadyExists"):
        queue(aws, messageRetentionSeconds=60)


def test_queue_policy(aws: AwsSession) -> None:
    url = queue(aws).outputs["url"]
    thing = make(aws, "sqs/queuePolicy:QueuePolicy", "spot", queueUrl=url, policy=POLICY)
    live(thing, policy=POLICY.replace("Allow", "Deny"))


def test_a_policy_is_gone_with_its_queue(aws: AwsSession) -> None:
    home = queue(aws)
    policy = make(aws, "sqs/queuePolicy:QueuePolicy", "spot", queueUrl=home.id, policy=POLICY)
    home.delete()
    assert policy.read() is None
    policy.delete()


def test_rule_and_target(aws: AwsSession) -> None:
    first, second = queue(aws).outputs["arn"], queue(aws, name="other").outputs["arn"]
    home = rule(aws)
    live(make(aws, "cloudwatch/eventTarget:EventTarget", "spot", rule="spot", arn=first), arn=second)
    live(home, eventPattern=json.dumps({"source": ["aws.health"]}), tags={"a": "b"})


def test_a_rule_with_targets_is_not_deleted(aws: AwsSession) -> None:
    home = rule(aws)
    make(aws, "cloudwatch/eventTarget:EventTarget", "spot", rule="spot", arn=queue(aws).outputs["arn"])
    with pytest.raises(Refused, match="since it has targets"):
        home.delete()


def test_a_target_of_a_rule_that_is_not_there_is_refused(aws: AwsSession) -> None:
    with pytest.raises(Refused, match="ResourceNotFound"):
        make(aws, "cloudwatch/eventTarget:EventTarget", "spot", rule="none", arn="arn:aws:sqs:us-east-1:1:q")


def test_log_group(aws: AwsSession) -> None:
    thing = make(aws, "cloudwatch/logGroup:LogGroup", "logs", name="/aws/eks/a", retentionInDays=30)
    live(thing, retentionInDays=7, tags={"a": "b"})


def test_a_taken_log_group_is_refused(aws: AwsSession) -> None:
    group = make(aws, "cloudwatch/logGroup:LogGroup", "logs", name="/aws/eks/a")
    with pytest.raises(Refused, match="ResourceAlreadyExists"):
        make(aws, "cloudwatch/logGroup:LogGroup", "again", name="/aws/eks/a")
    group.update(retentionInDays=3)
    aws.client("logs").put_retention_policy(logGroupName="/aws/eks/a", retentionInDays=5)
    assert drifted(group) == {"retentionInDays"}
