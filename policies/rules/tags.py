"""Tags by which a bill is split."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from importlib.resources import files

from policies import names
from policies.model import Breach, Concern, Level, Outcome, Rule, Scope, Setting, Severity, Unknown
from policies.settings import Settings
from policies.stack import Stack
from policies.values import Node, Resource

LAUNCH_TEMPLATE = "aws:ec2/launchTemplate:LaunchTemplate"


@cache
def taggable() -> frozenset[str]:
    """AWS types that take tags, as the provider SDK declares them (see tools/list_taggable.py)."""
    text = files("policies").joinpath("data", "taggable.txt").read_text(encoding="utf-8")
    return frozenset(line for line in text.splitlines() if line and not line.startswith("#"))


def _tagged(stack: Stack, _settings: Settings) -> Sequence[Resource]:
    return [r for r in stack.resources if r.type == names.NODE_CLASS or r.type in taggable()]


def _tags_present(resource: Resource, stack: Stack, settings: Settings) -> Iterator[Outcome]:
    required = settings.texts("requiredTags")
    if resource.type == names.NODE_CLASS:
        # Karpenter's nodes are started by Karpenter: the provider's default tags do not reach them.
        yield from _compare(resource, resource.inputs.get("spec", "tags"), None, required, "Nodes of this class")
        return
    provider = stack.by_urn.get(resource.provider or "")
    defaults = _default_tags(provider)
    if isinstance(defaults, Unknown):
        yield defaults
    else:
        yield from _compare(resource, resource.inputs.get("tags"), defaults, required, "It")
    if resource.type == LAUNCH_TEMPLATE:
        # Neither the template's own tags nor the default tags reach the instances that are started from it.
        yield from _instances(resource, required)


def _instances(template: Resource, required: Sequence[str]) -> Iterator[Outcome]:
    specifications = template.inputs.get("tagSpecifications")
    for item in specifications.items():
        kind = item.text("resourceType")
        if isinstance(kind, Unknown):
            yield kind
            return
        if kind == "instance":
            yield from _compare(template, item.get("tags"), None, required, "Each instance started from it")
            return
    yield from _compare(template, specifications, None, required, "Each instance started from it")


def _compare(
    resource: Resource, node: Node, defaults: Mapping[str, str] | None, required: Sequence[str], who: str
) -> Iterator[Outcome]:
    """Compare tags with the required ones. `defaults` is None where the provider's default tags do not reach."""
    tags = _tags(node)
    if isinstance(tags, Unknown):
        yield tags
        return
    found = {**(defaults or {}), **tags}
    unseen = [node.get(key).unknown for key in required if key in tags and node.get(key).hidden]
    yield from (unknown for unknown in unseen if unknown is not None)
    missing = [key for key in required if not found.get(key)]
    hint = "" if defaults is None else ", or set them once as default tags of the AWS provider"
    if missing:
        yield Breach(
            resource=resource,
            path=node.path,
            value=sorted(found) or None,
            allowed=f"at least the tags {', '.join(required)}",
            consequence=f"{who} appears on the bill without {', '.join(missing)}: nobody can say who pays.",
            fix=f"add {', '.join(missing)} to {node.path}{hint}.",
        )


def _tags(node: Node) -> dict[str, str] | Unknown:
    """Tags by key. A value that is not known yet is a value; auto-scaling groups write tags as a list."""
    if isinstance(node.raw, list | tuple):
        keys = [item.text("key") for item in node.items()]
        return next((k for k in keys if isinstance(k, Unknown)), {k: "listed" for k in keys if isinstance(k, str)})
    entries = node.entries()
    if isinstance(entries, Unknown):
        return entries
    return {key: "not known yet" if child.hidden else str(child.raw or "") for key, child in entries}


def _default_tags(provider: Resource | None) -> dict[str, str] | Unknown:
    """The provider's default tags. Nested provider settings reach the engine as JSON text."""
    if provider is None or provider.type != names.AWS_PROVIDER:
        return {}
    node = provider.inputs.get("defaultTags")
    if isinstance(node.raw, str):
        try:
            node = Node(provider, node.path, json.loads(node.raw))
        except json.JSONDecodeError:
            return provider.unknown(node.path, "it is text that is no JSON")
    return _tags(node.get("tags"))


COST_TAGS_PRESENT = Rule[Resource](
    id="cost-tags-present",
    title="What costs money carries the tags environment, team and cost centre",
    severity=Severity.MEDIUM,
    level=Level.MANDATORY,
    concern=Concern.COST,
    scope=Scope.RESOURCE,
    reason=(
        "A bill can only be split by tags that were there when the money was spent. Default tags of the provider do "
        "not reach instances that Karpenter or a launch template starts, and those are most of the bill."
    ),
    remediation=(
        "Set default tags on the AWS provider; repeat them in spec.tags of each EC2NodeClass and in the instance tag "
        "specification of each launch template."
    ),
    subjects=_tagged,
    check=_tags_present,
    settings=(
        Setting(
            name="requiredTags",
            schema={"type": "array", "items": {"type": "string"}},
            meaning="Tag keys that everything taggable must carry with a value.",
            guardrail="requiredTags",
            default=(names.TAG_ENVIRONMENT, names.TAG_TEAM, names.TAG_COST_CENTRE),
        ),
    ),
)
