"""What is ours of the stand-in for AWS: each operation is AWS's, says why, and refuses in AWS's own words."""

from __future__ import annotations

import importlib

import boto3
import pytest
from botocore import xform_name
from botocore.exceptions import ClientError

from tests.doubles.aws import places
from tests.doubles.aws.lives import make
from trellis.doubles.aws import gaps
from trellis.doubles.aws.gaps.fill import Served
from trellis.doubles.aws.session import AwsSession


@pytest.mark.parametrize("one", gaps.served(), ids=lambda one: f"{one.service}-{one.operation}")
def test_each_operation_is_one_of_aws_and_says_why(one: Served) -> None:
    model = boto3.session.Session()._session.get_service_model(one.service)
    assert one.operation in model.operation_names
    assert one.reason


def test_what_moto_learns_is_noticed() -> None:
    """An operation that we call lacking is lacking: a newer moto that has it makes ours superfluous."""
    for one in gaps.served():
        module = importlib.import_module(f"moto.{one.service}.responses")
        theirs = any(
            xform_name(one.operation) in vars(found) and not hasattr(vars(found)[xform_name(one.operation)], "ours")
            for found in vars(module).values()
            if isinstance(found, type)
        )
        assert theirs is not one.lacking, f"moto has {one.service} {one.operation} by now: look at what ours adds"


def test_a_refusal_is_one_that_aws_publishes(aws: AwsSession) -> None:
    eks = aws.client("eks")
    with pytest.raises(eks.exceptions.ResourceNotFoundException, match="No cluster found for name: none"):
        eks.describe_addon(clusterName="none", addonName="coredns")


def test_tags_of_every_part_of_a_cluster(aws: AwsSession) -> None:
    home = places.cluster(aws, places.network(aws))
    where = {"clusterName": "main", "namespace": "a", "serviceAccount": "b"}
    role = places.role(aws, "some")
    part = make(aws, "eks/podIdentityAssociation:PodIdentityAssociation", "one", roleArn=role, **where)
    eks = aws.client("eks")
    for arn in (home.outputs["arn"], part.outputs["associationArn"]):
        eks.tag_resource(resourceArn=arn, tags={"x": "y"})
        assert eks.list_tags_for_resource(resourceArn=arn)["tags"]["x"] == "y"
        eks.untag_resource(resourceArn=arn, tagKeys=["x"])
        assert "x" not in eks.list_tags_for_resource(resourceArn=arn)["tags"]
    with pytest.raises(ClientError, match="NotFound"):
        eks.list_tags_for_resource(resourceArn=home.outputs["arn"] + "x")
