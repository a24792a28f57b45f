"""Errors on demand: whom they hit, that a client that retries gets through, and that nothing else changes."""

from __future__ import annotations

from collections.abc import Callable
from io import BytesIO
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.doubles.aws.lives import make
from trellis.doubles.aws.faults import Fault, Faults, asked, no_capacity, rows, throttling, unavailable
from trellis.doubles.aws.server import AwsServer
from trellis.doubles.aws.session import AwsSession
from trellis.doubles.errors import Refused


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Retries without the pause between them."""
    monkeypatch.setattr("botocore.endpoint.time.sleep", lambda _seconds: None)


CALLS: dict[str, tuple[str, Callable[[Any], Any]]] = {
    "ec2:DescribeVpcs": ("ec2", lambda ec2: ec2.describe_vpcs()),
    "iam:ListRoles": ("iam", lambda iam: iam.list_roles()),
    "sqs:ListQueues": ("sqs", lambda sqs: sqs.list_queues()),
    "kms:ListKeys": ("kms", lambda kms: kms.list_keys()),
    "eks:ListClusters": ("eks", lambda eks: eks.list_clusters()),
    "eks:DescribeCluster": ("eks", lambda eks: eks.describe_cluster(name="none")),
    "efs:DescribeFileSystems": ("efs", lambda efs: efs.describe_file_systems()),
    "s3:GetBucketVersioning": ("s3", lambda s3: s3.get_bucket_versioning(Bucket="none")),
    "s3:ListBuckets": ("s3", lambda s3: s3.list_buckets()),
    "budgets:DescribeBudgets": ("budgets", lambda budgets: budgets.describe_budgets(AccountId="123456789012")),
}


@pytest.mark.parametrize("operation", sorted(CALLS))
def test_each_operation_is_known_and_told_in_its_own_way(aws: AwsSession, server: AwsServer, operation: str) -> None:
    service, call = CALLS[operation]
    server.inject([Fault(code="MadeUp", message="for a test")])
    with pytest.raises(ClientError, match=r"\(MadeUp\).*for a test"):
        call(aws.client(service))
    assert dict(server.given()) == {f"{operation} MadeUp": 1}


@pytest.mark.parametrize("fault", [throttling(times=3), unavailable(times=3)])
def test_a_client_that_retries_gets_through(aws: AwsSession, server: AwsServer, fault: Fault) -> None:
    server.inject([fault])
    thing = make(aws, "ec2/vpc:Vpc", "vpc", cidrBlock="10.0.0.0/16")
    assert sum(server.given().values()) == 3
    assert server.inventory([aws.region]) == {"aws:ec2/vpc:Vpc": (thing.id,)}


def test_a_request_for_heads_only_is_retried_too(aws: AwsSession, server: AwsServer) -> None:
    server.inject([throttling(times=2, service="s3", operation="HeadBucket")])
    with pytest.raises(ClientError, match="404"):
        aws.client("s3").head_bucket(Bucket="none")
    assert sum(server.given().values()) == 2


def test_nobody_retries_where_there_is_no_capacity(aws: AwsSession, server: AwsServer) -> None:
    server.inject([no_capacity("p5.48xlarge", service="ec2", operation="CreateVpc")])
    with pytest.raises(Refused, match=r"InsufficientInstanceCapacity.*p5\.48xlarge"):
        make(aws, "ec2/vpc:Vpc", "vpc", cidrBlock="10.0.0.0/16")
    assert sum(server.given().values()) == 1


def test_a_fault_hits_only_what_it_names(aws: AwsSession, server: AwsServer) -> None:
    server.inject([throttling(service="sqs"), throttling(service="ec2", operation="CreateSubnet")])
    make(aws, "ec2/vpc:Vpc", "vpc", cidrBlock="10.0.0.0/16")
    assert dict(server.given()) == {}


def test_the_same_seed_hits_the_same_requests() -> None:
    def hits(seed: int) -> list[bool]:
        seen: list[bool] = []

        def app(_environ: dict[str, Any], _start: Any) -> list[bytes]:
            seen.append(False)
            return []

        faults = Faults(app)
        faults.replace(rows([throttling(fraction=0.3, seed=seed)]))
        for _ in range(200):
            faults({"wsgi.input": BytesIO()}, lambda *_: seen.append(True))
        return seen

    assert hits(1) == hits(1)
    assert hits(1) != hits(2)
    assert 40 < sum(hits(1)) < 80


def test_a_request_without_a_service_is_nobodys() -> None:
    assert asked({"REQUEST_METHOD": "GET", "PATH_INFO": "/", "wsgi.input": BytesIO()}) == ("", "")
