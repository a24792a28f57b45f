"""The same resources through the SDK's own analyzer service and through `evaluate` give the same findings."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import grpc
import pulumi_policy as sdk
import pytest
from google.protobuf import empty_pb2, json_format, struct_pb2
from pulumi.runtime import proto
from pulumi.runtime.proto import analyzer_pb2_grpc
from pulumi_policy.policy import _PolicyAnalyzerServicer  # the service that the engine talks to; nothing public is
from pulumi_policy.proxy import UNKNOWN_NUMBER_VALUE, UNKNOWN_STRING_VALUE

from policies import pack
from policies.config import config_for
from policies.evaluate import evaluate
from policies.model import Report, Scope
from policies.rules import RULES
from policies.settings import ENFORCEMENT, UNSEEN
from tests.policies.builders import GUARDRAILS, UNKNOWN, Row, Stack, happy, put, rows
from tests.policies.cases import Case
from tests.policies.cases_gpu import GPU_CASES
from tests.policies.cases_other import OTHER_CASES

CASES = [*GPU_CASES, *OTHER_CASES]
LEVELS = {"mandatory": proto.MANDATORY, "advisory": proto.ADVISORY, "disabled": proto.DISABLED}
Found = set[tuple[str, str, str, int]]
"""(policy, URN, message, level) of each diagnostic."""


def wire(value: Any) -> Any:
    """Plan data as the engine sends it: unknowns as the engine's own sentinels."""
    if isinstance(value, Mapping):
        return UNKNOWN_STRING_VALUE if value == UNKNOWN else {key: wire(child) for key, child in value.items()}
    return [wire(child) for child in value] if isinstance(value, list | tuple) else value


def struct(inputs: Row) -> struct_pb2.Struct:
    """Inputs as a wire message."""
    message = struct_pb2.Struct()
    message.update(wire(inputs))
    return message


def analyzer() -> Any:
    """The SDK's service with our policies; its methods carry no types."""
    return _PolicyAnalyzerServicer(pack.NAME, "0.1.0", pack.policies(), sdk.EnforcementLevel.ADVISORY)


def provider(resource: Row, stack: Mapping[str, Row]) -> proto.AnalyzerProviderResource | None:
    """The provider of a resource, as the engine attaches it."""
    found = stack.get(resource["provider"] or "")
    if found is None:
        return None
    return proto.AnalyzerProviderResource(
        type=found["type"], urn=found["urn"], name=found["name"], properties=struct(found["inputs"])
    )


def common(resource: Row, by_urn: Mapping[str, Row]) -> dict[str, Any]:
    """What both requests say of a resource."""
    return {
        "type": resource["type"],
        "urn": resource["urn"],
        "name": resource["name"],
        "properties": struct(resource["inputs"]),
        "options": proto.AnalyzerResourceOptions(parent=resource["parent"] or ""),
        "provider": provider(resource, by_urn),
    }


def analyze(stack: Stack, config: Mapping[str, Mapping[str, Any]]) -> Found:
    """All diagnostics of the SDK's service: each resource alone, then the stack."""
    service = analyzer()
    request = proto.ConfigureAnalyzerRequest()
    for rule_id, properties in config.items():
        given = {key: value for key, value in properties.items() if key != ENFORCEMENT}
        level = LEVELS[properties[ENFORCEMENT]]
        request.policyConfig[rule_id].CopyFrom(proto.PolicyConfig(enforcementLevel=level, properties=struct(given)))
    service.Configure(request, None)
    by_urn = {row["urn"]: row for row in stack.values()}
    found: Found = set()
    for row in rows(stack):
        answer = service.Analyze(proto.AnalyzeRequest(**common(row, by_urn)), None)
        assert {d.urn for d in answer.diagnostics} <= {row["urn"]}
        found |= plain(answer)
    listed = [
        proto.AnalyzerResource(**common(row, by_urn), parent=row["parent"] or "", dependencies=row["dependencies"])
        for row in rows(stack)
    ]
    return found | plain(service.AnalyzeStack(proto.AnalyzeStackRequest(resources=listed), None))


def plain(answer: proto.AnalyzeResponse) -> Found:
    """Diagnostics without the title that the SDK puts before each message."""
    return {
        (d.policyName, d.urn, d.message.removeprefix(f"{d.description}\n"), d.enforcementLevel)
        for d in answer.diagnostics
    }


def expected(report: Report) -> Found:
    """What the service must say, from what `evaluate` says."""
    findings = {(f.rule, f.urn, f.message, LEVELS[f.level]) for f in report.findings}
    return findings | {(UNSEEN, u.urn, u.message, LEVELS["advisory"]) for u in report.unknowns}


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.id)
def test_service_and_process_find_the_same(case: Case) -> None:
    stack, config = happy(), config_for(case.all_guardrails)
    case.break_(stack)
    report = evaluate(rows(stack), config)
    assert report.findings
    assert analyze(stack, config) == expected(report)


@pytest.mark.parametrize(
    ("name", "path"),
    [
        ("llm", "spec|predictor|containers|0|resources|limits|nvidia.com/gpu"),
        ("llm", "spec|predictor|containers|0|resources"),
        ("llm", "spec|predictor|nodeSelector"),
        ("job", "metadata"),
        ("job", "spec|runtimePatches|0"),
        ("inference", "spec|limits"),
        ("inference", "spec|template|spec|requirements|1|values|0"),
        ("gpu-group", "scalingConfig|minSize"),
        ("quota", "spec|hard"),
        ("policy", "policy"),
        ("cluster", "vpcConfig|publicAccessCidrs|0"),
        ("aws", "defaultTags"),
        ("endpoint-s3", "serviceName"),
    ],
)
def test_service_and_process_see_the_same_unknowns(name: str, path: str) -> None:
    """One leaf is unknown and elsewhere something is wrong: the note is there, and so is the finding."""
    stack, config = happy(), config_for(GUARDRAILS)
    put(stack, name, path, dict(UNKNOWN))
    put(stack, "web", "spec|template|spec|containers|0|image", "web:latest")
    report = evaluate(rows(stack), config)
    assert "images-pinned" in {f.rule for f in report.findings}
    assert report.unknowns
    assert analyze(stack, config) == expected(report)


def test_a_disabled_rule_is_disabled_both_ways() -> None:
    stack, config = happy(), config_for({**GUARDRAILS, "levels": {"images-pinned": "disabled"}})
    put(stack, "web", "spec|template|spec|containers|0|image", "web:latest")
    assert evaluate(rows(stack), config).findings == ()
    assert analyze(stack, config) == set()


def test_without_configuration_the_defaults_hold_both_ways() -> None:
    stack = happy()
    put(stack, "job", "spec|trainer|resourcesPerNode|limits|nvidia.com/gpu", 9)
    put(stack, "job", "spec|trainer|resourcesPerNode|requests|nvidia.com/gpu", 9)
    del stack["by-runtime"]  # runs on a pool that only the configuration tells of
    report = evaluate(rows(stack))
    assert {f.rule for f in report.findings} == {"gpus-per-pod-maximum"}
    assert analyze(stack, {}) == expected(report)


def test_an_unknown_of_any_type_is_a_marker() -> None:
    service = analyzer()
    inputs = struct({"vpcConfig": {"endpointPublicAccess": True, "publicAccessCidrs": ["0.0.0.0/0"]}})
    inputs.update({"version": UNKNOWN_NUMBER_VALUE})
    request = proto.AnalyzeRequest(type="aws:eks/cluster:Cluster", urn="u", name="c", properties=inputs)
    answer = service.Analyze(request, None)
    assert [
        d.policyName for d in answer.diagnostics if d.enforcementLevel == proto.MANDATORY and "Cidrs" in d.message
    ] == ["no-public-cluster-endpoint"]
    assert not [d.message for d in answer.diagnostics if "can't run policy" in d.message]


def test_secrets_reach_rules_but_a_rule_reads_only_its_own() -> None:
    """The SDK unwraps secrets before a rule sees them; a plan masks them. Messages must quote neither."""
    stack, config = happy(), config_for(GUARDRAILS)
    put(stack, "web", "spec|template|spec|containers|0|env", [{"name": "TOKEN", "value": "s3cr3t"}])
    put(stack, "web", "spec|template|spec|containers|0|image", "web:latest")
    assert not [message for _, _, message, _ in analyze(stack, config) if "s3cr3t" in message]


def test_a_provider_that_is_only_referred_to_is_judged_with_the_rest() -> None:
    """The engine attaches a provider to its resources; rules that need its default tags find it among them."""
    options = sdk.PolicyResourceOptions(False, [], None, [], sdk.PolicyCustomTimeouts(0, 0, 0), [])
    cloud = sdk.PolicyProviderResource("pulumi:providers:aws", {"defaultTags": '{"tags": {"a": "b"}}'}, "p", "aws")
    key = sdk.PolicyResource("aws:kms/key:Key", {}, "k", "key", options, cloud, None, [], {})
    resources = list(pack.plain_resources([key]))
    assert [resource["urn"] for resource in resources] == ["k", "p"]
    config = {"cost-tags-present": {"requiredTags": ["a"]}}
    assert evaluate(resources, config).findings == ()


def info(service: Any) -> dict[str, proto.PolicyInfo]:
    """What the engine is told of each policy."""
    return {policy.name: policy for policy in service.policies}


def check_info(told: Mapping[str, proto.PolicyInfo]) -> None:
    """Every rule is told with all that it knows of itself."""
    assert list(told) == [*(rule.id for rule in RULES), UNSEEN]
    for rule in RULES:
        policy = told[rule.id]
        stack_type, resource_type = proto.PolicyType.POLICY_TYPE_STACK, proto.PolicyType.POLICY_TYPE_RESOURCE
        assert policy.policy_type == (stack_type if rule.scope is Scope.STACK else resource_type)
        assert policy.description == rule.title
        assert policy.remediation_steps == rule.remediation
        assert policy.url == f"docs/policies.md#{rule.id}"
        assert policy.enforcementLevel == LEVELS[rule.level]
        assert policy.severity == proto.PolicySeverity.Value(f"POLICY_SEVERITY_{rule.severity.name}")
        schema = json_format.MessageToDict(policy.configSchema.properties)
        for setting in rule.settings:
            assert schema[setting.name]["description"] == setting.meaning
            default = None if setting.default is None else json.loads(json.dumps(setting.default))
            assert schema[setting.name].get("default") == default


def test_the_engine_is_told_everything_about_a_rule() -> None:
    service = analyzer()
    check_info(info(service.GetAnalyzerInfo(empty_pb2.Empty(), None)))


@pytest.fixture
def running_pack() -> Iterator[int]:
    """The pack as the engine starts it: `__main__.py`, in its own folder. Gives the port that it prints."""
    folder = Path(pack.__file__).parent
    command = [sys.executable, "__main__.py"]
    with subprocess.Popen(command, cwd=folder, stdout=subprocess.PIPE) as process:  # noqa: S603 - our own file
        try:
            assert process.stdout is not None
            yield int(process.stdout.readline())
        finally:
            process.kill()


def test_the_pack_starts_from_its_own_folder(running_pack: int) -> None:
    with grpc.insecure_channel(f"127.0.0.1:{running_pack}") as channel:
        stub = analyzer_pb2_grpc.AnalyzerStub(channel)
        check_info(info(stub.GetAnalyzerInfo(empty_pb2.Empty(), timeout=20)))
