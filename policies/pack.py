"""The rules as a real Pulumi policy pack: one Pulumi policy for each rule, plus one that reports what was not seen.

Pulumi turns the first unknown value that a policy touches into "can't run" for the whole policy. Here every unknown
leaf becomes the plan's marker before a rule looks, so a rule judges all it can see. What it could not see is reported
by the advisory policy `unknown-values`: reported under a mandatory rule it would stop the deployment.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import pulumi_policy as sdk
from pulumi_policy.proxy import UnknownValueError

from policies.evaluate import evaluate, judge
from policies.model import Level, Rule, Scope
from policies.rules import RULES
from policies.settings import UNSEEN, Settings
from policies.stack import Stack
from policies.values import UNKNOWN

NAME = "trellis"


def policies(rules: Sequence[Rule[Any]] = RULES) -> list[sdk.Policy]:
    """All policies of the pack, in the order of the rules."""
    return [*(_policy(rule) for rule in rules), _unseen_policy(rules)]


def _policy(rule: Rule[Any]) -> sdk.Policy:
    about: dict[str, Any] = {
        "name": rule.id,
        "description": rule.title,
        "display_name": rule.title,
        "enforcement_level": sdk.EnforcementLevel(rule.level.value),
        "config_schema": _schema(rule),
        "severity": sdk.Severity(rule.severity.value),
        "tags": [rule.concern.value],
        "remediation_steps": rule.remediation,
        "url": rule.url,
    }
    if rule.scope is Scope.RESOURCE:

        def validate(args: sdk.ResourceValidationArgs, report: sdk.ReportViolation) -> None:
            _report(rule, Stack(_alone(args)), args.get_config(), report)

        return sdk.ResourceValidationPolicy(validate=validate, **about)

    def validate_stack(args: sdk.StackValidationArgs, report: sdk.ReportViolation) -> None:
        _report(rule, Stack(plain_resources(args.resources)), args.get_config(), report)

    return sdk.StackValidationPolicy(validate=validate_stack, **about)


def _report(rule: Rule[Any], stack: Stack, config: Mapping[str, Any], report: sdk.ReportViolation) -> None:
    findings, _, _ = judge(rule, stack, Settings(rule, config))
    for finding in findings:
        report(finding.message, finding.urn or None)


def _unseen_policy(rules: Sequence[Rule[Any]]) -> sdk.StackValidationPolicy:
    def validate(args: sdk.StackValidationArgs, report: sdk.ReportViolation) -> None:
        settings = args.get_config().get("settings") or {}
        for note in evaluate(plain_resources(args.resources), settings, rules).unknowns:
            report(note.message, note.urn or None)

    return sdk.StackValidationPolicy(
        name=UNSEEN,
        description="Values that the rules could not see",
        display_name="Values that the rules could not see",
        validate=validate,
        enforcement_level=sdk.EnforcementLevel(Level.ADVISORY.value),
        config_schema=sdk.PolicyConfigSchema(
            {"settings": {"type": "object", "description": "Configuration of all rules, as they are given it."}}
        ),
        severity=sdk.Severity.LOW,
        remediation_steps="Build the value from names that the stack file fixes, or check it after deployment.",
        url="docs/policies.md#unknown-values",
    )


def _schema(rule: Rule[Any]) -> sdk.PolicyConfigSchema | None:
    if not rule.settings:
        return None
    properties = {s.name: {**s.schema, "description": s.meaning} for s in rule.settings}
    for setting in rule.settings:
        if setting.default is not None:
            default = setting.default
            properties[setting.name]["default"] = list(default) if isinstance(default, tuple) else default
    return sdk.PolicyConfigSchema(properties)


def _alone(args: sdk.ResourceValidationArgs) -> Iterator[dict[str, Any]]:
    """The resource being judged, with its provider: what rules of scope `resource` are promised."""
    yield {
        "urn": args.urn,
        "type": args.resource_type,
        "name": args.name,
        "parent": args.opts.parent,
        "provider": args.provider.urn if args.provider else None,
        "inputs": plain(args.props),
    }
    if args.provider:
        yield _provider(args.provider)


def plain_resources(resources: Iterable[sdk.PolicyResource]) -> Iterator[dict[str, Any]]:
    """The resources of a stack in the plan's mapping form; providers that are only referred to are added."""
    seen: set[str] = set()
    providers: dict[str, sdk.PolicyProviderResource] = {}
    for resource in resources:
        seen.add(resource.urn)
        if resource.provider:
            providers[resource.provider.urn] = resource.provider
        yield {
            "urn": resource.urn,
            "type": resource.resource_type,
            "name": resource.name,
            "parent": resource.parent.urn if resource.parent else None,
            "dependencies": [dependency.urn for dependency in resource.dependencies],
            "provider": resource.provider.urn if resource.provider else None,
            "protect": resource.opts.protect,
            "inputs": plain(resource.props),
        }
    yield from (_provider(providers[urn]) for urn in sorted(set(providers) - seen))


def _provider(provider: sdk.PolicyProviderResource) -> dict[str, Any]:
    return {
        "urn": provider.urn,
        "type": provider.resource_type,
        "name": provider.name,
        "inputs": plain(provider.props),
    }


def plain(value: Any) -> Any:
    """A value of the SDK as plan data: unknown leaves as markers, whole numbers as integers.

    The SDK's proxies raise on an unknown wherever it is touched, also in `in`, `get` and iteration over a list; only
    reading one key or index at a time keeps the others.
    """
    if isinstance(value, Mapping):
        return {str(key): _leaf(value, key) for key in value}
    if isinstance(value, Sequence) and not isinstance(value, str | bytes):
        return [_leaf(value, index) for index in range(len(value))]
    if isinstance(value, float) and math.isfinite(value) and value.is_integer():
        return int(value)
    return value


def _leaf(container: Any, key: Any) -> Any:
    try:
        value = container[key]
    except UnknownValueError:
        return dict(UNKNOWN)
    return plain(value)
