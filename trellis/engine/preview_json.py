"""Reads what `pulumi preview --json` prints, by whomever it was run, as a plan."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pulumi.runtime import rpc

from trellis.plan import SECRET, UNKNOWN, Plan, Resource
from trellis.recorder import ROOT_TYPE

_PROVIDER_TYPE = "pulumi:providers:"
_MASK = "[secret]"
"""What the engine prints in the place of a secret."""
_ENGINE_INPUTS = frozenset({"__internal", "version"})
"""What the engine adds to a provider's inputs by itself, with the plugin's version."""


def plan_from_preview(
    document: Mapping[str, Any], *, project: str, stack: str, as_of: str, outputs: Mapping[str, Any] | None = None
) -> Plan:
    """Turn a preview into a plan: what will exist after it. Resources that it deletes are left out.

    The document holds neither the stack's outputs, which `outputs` may give as the engine's events tell them, nor
    aliases, which the engine has resolved against its state by then.
    """
    states = [step["newState"] for step in document.get("steps", []) if step.get("newState")]
    resources = {state["urn"]: _resource(state) for state in states if state["type"] != ROOT_TYPE}
    return Plan(
        project=project,
        stack=stack,
        environment=stack,
        as_of=as_of,
        resources=tuple(resources[urn] for urn in sorted(resources)),
        outputs=_plain(outputs or {}),
    )


def _resource(state: Mapping[str, Any]) -> Resource:
    inputs = _plain(state.get("inputs", {}))
    if state["type"].startswith(_PROVIDER_TYPE):
        inputs = {key: value for key, value in inputs.items() if key not in _ENGINE_INPUTS}
    return Resource(
        urn=state["urn"],
        type=state["type"],
        name=state["urn"].rpartition("::")[2],
        custom=state["custom"],
        parent=state.get("parent"),
        dependencies=tuple(sorted(set(state.get("dependencies", ())))),
        # The engine names a provider by URN and id; the id is unknown in a preview.
        provider=state["provider"].rpartition("::")[0] if state.get("provider") else None,
        protect=state.get("protect", False),
        retain_on_delete=state.get("retainOnDelete", False),
        deleted_with=state.get("deletedWith"),
        aliases=(),
        ignore_changes=tuple(sorted(state.get("ignoreChanges", ()))),
        inputs=inputs,
    )


def _plain(value: Any) -> Any:
    """Replace the engine's marks for unknown and secret values by the plan's; keys in order."""
    if isinstance(value, Mapping):
        signature = value.get(rpc._special_sig_key)
        if signature == rpc._special_secret_sig:
            return dict(SECRET)
        if signature == rpc._special_resource_sig:
            return value["urn"]
        return {key: _plain(value[key]) for key in sorted(value)}
    if isinstance(value, list):
        return [_plain(item) for item in value]
    if value == rpc.UNKNOWN:
        return dict(UNKNOWN)
    return dict(SECRET) if value == _MASK else value
