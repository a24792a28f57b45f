"""A creation that AWS breaks off half way is not lost, and an input that a kind forgets does not pass as kept."""

from __future__ import annotations

from typing import Any

import pytest

from tests.doubles.aws.lives import Thing, make, untouched
from trellis.doubles.aws.faults import Fault
from trellis.doubles.aws.server import AwsServer
from trellis.doubles.aws.session import AwsSession
from trellis.doubles.errors import NotReady

CASES: dict[str, tuple[str, str, dict[str, Any]]] = {
    "kms/key:Key": ("kms", "EnableKeyRotation", {"enableKeyRotation": True, "deletionWindowInDays": 7}),
    "cloudwatch/logGroup:LogGroup": ("logs", "PutRetentionPolicy", {"retentionInDays": 30}),
    "rds/parameterGroup:ParameterGroup": (
        "rds",
        "ModifyDBParameterGroup",
        {"family": "postgres17", "parameters": [{"name": "rds.force_ssl", "value": "1"}]},
    ),
    "cloudwatch/eventRule:EventRule": ("events", "DescribeRule", {"eventPattern": '{"source": ["aws.ec2"]}'}),
}


@pytest.mark.parametrize("type_", sorted(CASES))
def test_what_was_made_is_kept_and_finished_by_the_next_update(aws: AwsSession, server: AwsServer, type_: str) -> None:
    service, operation, inputs = CASES[type_]
    server.inject([Fault(code="AccessDenied", status=400, service=service, operation=operation)])
    with pytest.raises(NotReady, match="AccessDenied") as broken:
        make(aws, type_, "half", **inputs)
    server.inject([])
    thing = Thing(aws, f"aws:{type_}", "half", inputs, broken.value.id, dict(broken.value.outputs))
    untouched(thing.update())


def test_an_input_that_is_not_taken_is_told(aws: AwsSession) -> None:
    aws.client("events").put_rule(Name="spot", EventPattern='{"source": ["aws.ec2"]}')
    inputs = {"rule": "spot", "arn": f"arn:aws:sqs:{aws.region}:{aws.account}:spot"}
    with pytest.raises(NotReady, match="did not take appsyncTarget") as told:
        make(aws, "cloudwatch/eventTarget:EventTarget", "spot", appsyncTarget={"graphqlOperation": "x"}, **inputs)
    assert told.value.id.startswith("spot/"), "it was made all the same, and the state must know it"
