"""What the recorder sees, on small programs."""

from __future__ import annotations

import json
from collections.abc import Callable

import pulumi
import pulumi_aws as aws
import pytest

from trellis.plan import SECRET, UNKNOWN, Plan
from trellis.recorder import InvokeInProgramError, record

PLANTED = "hunter2-planted"


def plan(program: Callable[[], None], **config: str) -> Plan:
    return record(program, project="trellis", stack="test", config=config, as_of="2026-11-01")


class Box(pulumi.ComponentResource):
    def __init__(self, name: str, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("trellis:test:Box", name, None, opts)
        self.queue = aws.sqs.Queue("queue", name="q", opts=pulumi.ResourceOptions(parent=self))
        self.register_outputs({})


def boxed() -> None:
    provider = aws.Provider("aws", region="us-east-1")
    box = Box("box", pulumi.ResourceOptions(providers=[provider], protect=True, retain_on_delete=True))
    aws.sqs.QueuePolicy(
        "policy",
        queue_url=box.queue.url,
        policy=pulumi.Output.secret(PLANTED),
        opts=pulumi.ResourceOptions(provider=provider, depends_on=[box]),
    )
    pulumi.export("url", box.queue.url)
    pulumi.export("name", box.queue.name)


def test_urns_are_the_engines() -> None:
    urns = {r.urn for r in plan(boxed).resources}
    assert "urn:pulumi:test::trellis::trellis:test:Box$aws:sqs/queue:Queue::queue" in urns
    assert "urn:pulumi:test::trellis::aws:sqs/queuePolicy:QueuePolicy::policy" in urns


def test_computed_values_are_unknown_and_given_ones_are_known() -> None:
    outputs = plan(boxed).outputs
    assert outputs["url"] == UNKNOWN
    assert outputs["name"] == "q"


def test_secrets_never_enter_the_plan() -> None:
    recorded = plan(boxed)
    policy = next(recorded.of_type("aws:sqs/queuePolicy:QueuePolicy"))
    assert policy.inputs["policy"] == SECRET
    assert PLANTED not in recorded.to_json()


def test_dependencies_reach_into_components() -> None:
    recorded = plan(boxed)
    queue = next(recorded.of_type("aws:sqs/queue:Queue"))
    assert queue.urn in next(recorded.of_type("aws:sqs/queuePolicy:QueuePolicy")).dependencies


def test_children_inherit_provider_protection_and_retention() -> None:
    queue = next(plan(boxed).of_type("aws:sqs/queue:Queue"))
    assert queue.protect
    assert queue.retain_on_delete
    assert queue.provider is not None
    assert queue.provider.endswith("::aws")


def test_two_records_give_the_same_bytes() -> None:
    assert plan(boxed).to_json() == plan(boxed).to_json()


def test_an_invoke_is_refused_by_name() -> None:
    def asks() -> None:
        provider = aws.Provider("aws", region="us-east-1")
        zones = aws.get_availability_zones_output(opts=pulumi.InvokeOptions(provider=provider))
        pulumi.export("zones", zones.names)

    with pytest.raises(InvokeInProgramError, match="getAvailabilityZones"):
        plan(asks)


def test_a_read_is_refused() -> None:
    def reads() -> None:
        provider = aws.Provider("aws", region="us-east-1")
        aws.ec2.Vpc.get("vpc", "vpc-1", opts=pulumi.ResourceOptions(provider=provider))

    with pytest.raises(InvokeInProgramError, match="read of vpc"):
        plan(reads)


def test_two_resources_of_one_name_are_refused() -> None:
    def twice() -> None:
        provider = aws.Provider("aws", region="us-east-1")
        for _ in range(2):
            aws.sqs.Queue("queue", opts=pulumi.ResourceOptions(provider=provider))

    with pytest.raises(RuntimeError, match="queue"):
        plan(twice)


def test_a_failing_program_fails_the_record() -> None:
    def breaks() -> None:
        raise ValueError("broken on purpose")

    with pytest.raises(ValueError, match="broken on purpose"):
        plan(breaks)


def test_configuration_arrives_as_under_the_engine() -> None:
    def reads() -> None:
        pulumi.export("size", pulumi.Config("trellis").require_object("platform")["size"])

    assert plan(reads, **{"trellis:platform": json.dumps({"size": 3})}).outputs["size"] == 3
