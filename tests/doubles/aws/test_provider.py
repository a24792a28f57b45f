"""The AWS double under the real engine: the same small program gives the events that the official plugin documents."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pulumi
import pulumi_aws as aws
import pytest
from pulumi import automation

from tests.doubles.aws.conftest import ACCOUNT, REGION
from trellis.doubles.aws.double import AwsDouble, fidelity
from trellis.doubles.aws.faults import throttling
from trellis.doubles.aws.server import AwsServer
from trellis.doubles.serve import serve
from trellis.engine.run import destroy, engine_stack, preview, refresh, up

pytestmark = pytest.mark.engine

WORD = "wordofmouth"
Program = Callable[[], None]


@pytest.fixture
def stack(server: AwsServer, tmp_path: Path, pulumi_cli: Path) -> Iterator[automation.Stack]:
    """A stack without a program yet; each test gives it its own."""
    (tmp_path / "Pulumi.yaml").write_text("name: small\nruntime: python\n")
    (tmp_path / "Pulumi.dev.yaml").write_text("config: {}\n")
    with ExitStack() as held:
        ports = held.enter_context(serve({"aws": AwsDouble(server.url, server.account, patience=1)}))
        yield held.enter_context(engine_stack(tmp_path, "dev", lambda: None, pulumi=pulumi_cli, providers=ports))


def small(  # noqa: PLR0913 - what a test changes, by name
    *,
    cidr: str = "10.0.0.0/16",
    vpc_tags: dict[str, str] | None = None,
    default: str = "ml",
    strategy: str = "cluster",
    buckets: int = 1,
    account: str = ACCOUNT,
    zones: tuple[str, ...] = ("use1-az1", "use1-az2"),
) -> Program:
    """A network, a bucket, a named group and a secret word."""

    def program() -> None:
        tags = aws.ProviderDefaultTagsArgs(tags={"team": default})
        provider = aws.Provider("aws", region=REGION, allowed_account_ids=[account], default_tags=tags)
        here = pulumi.ResourceOptions(provider=provider)
        vpc = aws.ec2.Vpc("vpc", cidr_block=cidr, tags=vpc_tags, opts=here)
        for index, zone in enumerate(zones):
            block = f"{cidr.partition('.0.0/')[0]}.{index}.0/24"
            aws.ec2.Subnet(zone, vpc_id=vpc.id, cidr_block=block, availability_zone_id=zone, opts=here)
        group = aws.ec2.SecurityGroup("nodes", vpc_id=vpc.id, description="nodes", opts=here)
        aws.ec2.PlacementGroup("fabric", name="fabric", strategy=strategy, opts=here)
        word = pulumi.Output.secret(WORD)
        for index in range(buckets):
            aws.s3.Bucket(f"bucket-{index}", bucket=f"small-{index}", tags={"word": word}, opts=here)
        pulumi.export("group", group.arn)

    return program


def steps(result: Any) -> set[tuple[str, str]]:
    """Operation and name of each step, without those on the stack itself."""
    return {(one.op, one.name) for one in result.operations if not one.name.startswith("small-dev")}


def replacing(result: Any) -> set[tuple[str, ...]]:
    """Properties that make the engine replace something."""
    return {one.replacing for one in result.operations if one.replacing}


def test_life(stack: automation.Stack, server: AwsServer) -> None:
    stack.workspace.program = small()
    first = preview(stack)
    assert first.plan is not None
    assert first.plan.outputs["group"] == {"$trellis": "unknown"}, "what AWS will say is unknown before"
    made = up(stack)
    assert made.failures == ()
    assert made.outputs["group"].startswith(f"arn:aws:ec2:{REGION}:{ACCOUNT}:security-group/sg-")
    assert steps(preview(stack)) == set()
    assert steps(refresh(stack)) == set()
    state = Path(stack.workspace.work_dir).with_name("state")
    held = [file for file in state.rglob("*.json*") if WORD in file.read_text()]
    assert held == [], "a secret stands in the state"
    assert destroy(stack).failures == ()
    assert server.inventory([REGION]) == {}


def test_changes_update_or_replace_as_aws_documents(stack: automation.Stack) -> None:
    stack.workspace.program = small()
    up(stack)
    stack.workspace.program = small(vpc_tags={"Name": "main"})
    assert steps(up(stack)) == {("update", "vpc")}

    stack.workspace.program = small(vpc_tags={"Name": "main"}, strategy="spread")
    changed = up(stack)
    order = [one for one in ("create-replacement", "delete-replaced", "replace") if (one, "fabric") in steps(changed)]
    assert "replace" in order
    assert ("strategy",) in replacing(changed)
    assert changed.failures == (), "a named resource is deleted before its replacement"

    stack.workspace.program = small(vpc_tags={"Name": "main"}, strategy="spread", cidr="10.1.0.0/16")
    moved = preview(stack)
    assert ("cidrBlock",) in replacing(moved)
    assert ("replace", "use1-az1") in steps(moved), "what lies in the VPC goes with it"
    assert up(stack).failures == ()


def test_another_default_tag_changes_everything_that_has_tags(stack: automation.Stack, server: AwsServer) -> None:
    stack.workspace.program = small()
    up(stack)
    stack.workspace.program = small(default="research")
    changed = up(stack)
    names = {"vpc", "use1-az1", "use1-az2", "nodes", "fabric", "bucket-0"}
    assert {name for op, name in steps(changed) if op == "update"} - {"aws"} == names
    vpc = server.clients(REGION).client("ec2").describe_vpcs(Filters=[{"Name": "tag:team", "Values": ["research"]}])
    assert len(vpc["Vpcs"]) == 1
    assert steps(preview(stack)) == set()


def test_refresh_names_exactly_what_changed_behind_our_back(stack: automation.Stack, server: AwsServer) -> None:
    stack.workspace.program = small()
    up(stack)
    clients = server.clients(REGION)
    clients.client("s3").delete_bucket(Bucket="small-0")
    ids = server.inventory([REGION])["aws:ec2/vpc:Vpc"]
    clients.client("ec2").create_tags(Resources=list(ids), Tags=[{"Key": "who", "Value": "somebody"}])
    assert steps(refresh(stack)) == {("delete", "bucket-0"), ("update", "vpc")}
    assert steps(up(stack)) == {("create", "bucket-0"), ("update", "vpc")}


def test_a_dependency_that_keeps_a_vpc_is_told(stack: automation.Stack, server: AwsServer) -> None:
    stack.workspace.program = small()
    up(stack)
    vpc = server.inventory([REGION])["aws:ec2/vpc:Vpc"][0]
    foreign = server.clients(REGION).client("ec2").create_security_group(GroupName="x", Description="x", VpcId=vpc)
    failed = destroy(stack)
    told = {one.urn.rpartition("::")[2]: one.message for one in failed.failures}
    assert f"DependencyViolation: The vpc '{vpc}' has dependencies" in told["vpc"]
    assert foreign["GroupId"] in told["vpc"]


def test_a_taken_name_is_refused_and_the_rest_is_made(stack: automation.Stack, server: AwsServer) -> None:
    server.clients(REGION).client("s3").create_bucket(Bucket="small-0")
    stack.workspace.program = small(buckets=2)
    failed = up(stack)
    assert [one.urn.rpartition("::")[2] for one in failed.failures] == ["bucket-0"]
    assert "BucketAlreadyExists" in failed.failures[0].message
    assert "small-1" in server.inventory([REGION])["aws:s3/bucket:Bucket"]


def test_throttling_is_survived(stack: automation.Stack, server: AwsServer) -> None:
    server.inject([throttling(fraction=0.2, seed=1)])
    stack.workspace.program = small()
    assert up(stack).failures == ()
    assert sum(server.given().values()) > 5


def test_an_import_takes_over_what_is_there(stack: automation.Stack, server: AwsServer) -> None:
    server.clients(REGION).client("s3").create_bucket(Bucket="old")

    def program() -> None:
        provider = aws.Provider("aws", region=REGION)
        opts = pulumi.ResourceOptions(provider=provider, import_="old")
        aws.s3.Bucket("kept", bucket="old", opts=opts)

    stack.workspace.program = program
    assert ("import", "kept") in steps(up(stack))
    assert steps(preview(stack)) == set()


def test_the_wrong_account_is_refused(stack: automation.Stack) -> None:
    stack.workspace.program = small(account="111111111111")
    assert any("111111111111 only" in one.message for one in up(stack).failures)


def test_what_is_simulated_is_listed() -> None:
    rows = {row.subject: row.level for row in fidelity()}
    assert rows["aws:ec2/placementGroup:PlacementGroup"] == "simulated"
    assert rows["aws:eks/addon:Addon"] == "simulated"
    assert "aws:ec2/vpc:Vpc" not in rows
