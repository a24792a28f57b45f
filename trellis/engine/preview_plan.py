"""Puts together, from what the engine tells of a preview, the same plan that the recorder makes without an engine.

Two sources, because neither tells all: the events have each resource's inputs as its provider accepted them, and the
update plan that a preview can save (`--save-plan`) has dependencies, aliases and ignored changes. No source has
`deletedWith`; it is None in the result. `pulumi preview --json` would have everything, but CLI 3.250.0 panics there
("attempt to encrypt value") on a secret that is unknown while its provider is, which is every first preview of a stack
that hands one cluster's credentials to another.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pulumi.automation.events import StepEventStateMetadata
from pulumi.runtime import rpc

from trellis.plan import SECRET, UNKNOWN, Resource
from trellis.recorder import ROOT_TYPE

_PROVIDER_TYPE = "pulumi:providers:"
_ENGINE_INPUTS = frozenset({"__internal", "version"})
"""What the engine adds to a provider's inputs by itself, with the plugin's version."""


def resources_from(states: Mapping[str, StepEventStateMetadata], saved: Mapping[str, Any]) -> tuple[Resource, ...]:
    """The resources that will exist after a preview, sorted by URN.

    `states` are the new states that the engine's events tell, by URN; `saved` is the update plan that it saved.
    """
    goals = {urn: row["goal"] for urn, row in saved.get("resourcePlans", {}).items() if row.get("goal")}
    return tuple(_resource(urn, states[urn], goals[urn]) for urn in sorted(goals) if goals[urn]["type"] != ROOT_TYPE)


def _resource(urn: str, state: StepEventStateMetadata, goal: Mapping[str, Any]) -> Resource:
    inputs = plain(state.inputs or {})
    if goal["type"].startswith(_PROVIDER_TYPE):
        inputs = {key: value for key, value in inputs.items() if key not in _ENGINE_INPUTS}
    return Resource(
        urn=urn,
        type=goal["type"],
        name=goal["name"],
        custom=goal["custom"],
        parent=goal.get("parent"),
        dependencies=tuple(sorted(set(goal.get("dependencies", ())))),
        # The engine names a provider by URN and id; the id is unknown in a preview.
        provider=goal["provider"].rpartition("::")[0] if goal.get("provider") else None,
        protect=bool(state.protect),
        retain_on_delete=bool(state.retain_on_delete),
        deleted_with=None,
        aliases=tuple(sorted(_alias(alias) for alias in goal.get("structuredAliases", ()))),
        ignore_changes=tuple(sorted(goal.get("ignoreChanges", ()))),
        inputs=inputs,
    )


def _alias(alias: Mapping[str, str]) -> str:
    return alias["URN"] or f"{alias['Type']}::{alias['Name']}"


def plain(value: Any) -> Any:
    """Replace the engine's marks for unknown and secret values by the plan's; keys in order."""
    if isinstance(value, Mapping):
        signature = value.get(rpc._special_sig_key)
        if signature == rpc._special_secret_sig:
            return dict(SECRET)
        if signature == rpc._special_resource_sig:
            return value["urn"]
        return {key: plain(value[key]) for key in sorted(value)}
    if isinstance(value, list):
        return [plain(item) for item in value]
    return dict(UNKNOWN) if value == rpc.UNKNOWN else value
