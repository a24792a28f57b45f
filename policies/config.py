"""From plain guardrails to the pack's configuration: one home for thresholds (the stack file), one form for the pack.

`policies/config/<environment>.json` is the result, written by the command line and read by `--policy-pack-config`.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from difflib import get_close_matches
from typing import Any

from jsonschema import Draft202012Validator

from policies.model import Level, Rule
from policies.rules import RULES
from policies.settings import ENFORCEMENT, UNSEEN, SettingsError

LEVELS = "levels"
"""Guardrail that sets the level of single rules: {"images-pinned": "advisory"}."""
PLAIN = frozenset({"environment"})
"""Guardrails that name the environment and fill no threshold."""


def config_for(guardrails: Mapping[str, Any], rules: Sequence[Rule[Any]] = RULES) -> dict[str, dict[str, Any]]:
    """The pack's configuration, rule id -> {enforcementLevel, properties}, from plain guardrails.

    Guardrails are the ones that rules name (`Setting.guardrail`), nested at dots, such as:
    {"environment": "dev", "production": False, "region": "eu-west-1", "asOf": "2026-11-01", "budget": {"monthlyUsd":
    9000}, "maxGpusPerPod": 8, "allowedFamilies": ["g6", "m7i"], "existingPools": [...], "levels": {...}}.
    A guardrail that is absent leaves the rule its default. Raises `SettingsError` naming every mistake at once.
    """
    problems = [*_unknown_keys(guardrails, rules), *_bad_levels(guardrails, rules)]
    config: dict[str, dict[str, Any]] = {}
    for rule in rules:
        given = {s.name: value for s in rule.settings if (value := _dig(guardrails, s.guardrail)) is not None}
        schema = {"properties": {s.name: dict(s.schema) for s in rule.settings}}
        places = {s.name: s.guardrail for s in rule.settings}
        plain = json.loads(json.dumps(given))  # tuples are lists in JSON, and in its schemas
        for error in Draft202012Validator(schema).iter_errors(plain):
            where = places[str(error.absolute_path[0])]
            problems.append(f"guardrail {where} is {error.instance!r}: {error.message}")
        level = _dig(guardrails, f"{LEVELS}.{rule.id}")
        config[rule.id] = {ENFORCEMENT: str(level or rule.level.value), **plain}
    if problems:
        raise SettingsError("\n".join(dict.fromkeys(problems)))
    settings = {rule_id: dict(properties) for rule_id, properties in config.items()}
    config[UNSEEN] = {ENFORCEMENT: Level.ADVISORY.value, "settings": settings}
    return config


def to_json(config: Mapping[str, Any]) -> str:
    """The configuration as stable bytes, for `policies/config/<environment>.json`."""
    return json.dumps(config, indent=2, sort_keys=True) + "\n"


def _dig(guardrails: Mapping[str, Any], path: str) -> Any:
    value: Any = guardrails
    for part in path.split("."):
        value = value.get(part) if isinstance(value, Mapping) else None
    return value


def _unknown_keys(guardrails: Mapping[str, Any], rules: Sequence[Rule[Any]]) -> Iterator[str]:
    known = {s.guardrail for rule in rules for s in rule.settings}
    tops = {path.partition(".")[0] for path in known} | PLAIN | {LEVELS}
    for key, value in sorted(guardrails.items()):
        if key not in tops:
            yield _no_such("guardrail", key, tops)
        elif key not in known | PLAIN | {LEVELS}:
            inner = {path.partition(".")[2] for path in known if path.startswith(f"{key}.")}
            if not isinstance(value, Mapping):
                yield f"guardrail {key} is {value!r}; it holds {', '.join(sorted(inner))}"
            else:
                yield from (_no_such(f"guardrail {key}", part, inner) for part in sorted(set(value) - inner))


def _bad_levels(guardrails: Mapping[str, Any], rules: Sequence[Rule[Any]]) -> Iterator[str]:
    ids = {rule.id for rule in rules}
    levels = guardrails.get(LEVELS) or {}
    if not isinstance(levels, Mapping):
        yield f"guardrail levels is {levels!r}; it holds rule ids, each with a level"
        return
    allowed = [level.value for level in Level]
    for rule_id, level in sorted(levels.items()):
        if rule_id not in ids:
            yield _no_such("rule", rule_id, ids)
        if level not in allowed:
            yield f"guardrail levels.{rule_id} is {level!r}; it must be one of {', '.join(allowed)}"


def _no_such(what: str, key: str, known: set[str]) -> str:
    near = get_close_matches(key, sorted(known), n=3)
    return (
        f"{what} has no {key!r}; {'did you mean ' + ', '.join(near) if near else 'known: ' + ', '.join(sorted(known))}"
    )
