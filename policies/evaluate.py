"""Runs the rules in process over plain resources: what `trellis preview` and the tests use."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from policies.model import Breach, Finding, Level, Report, Rule, Unjudged, Unknown
from policies.rules import RULES
from policies.settings import UNSEEN, Settings, SettingsError
from policies.stack import Stack

NOBODY: Mapping[str, Mapping[str, Any]] = {}
"""No configuration: every rule takes its defaults."""


def evaluate(
    resources: Iterable[Mapping[str, Any]],
    settings: Mapping[str, Mapping[str, Any]] = NOBODY,
    rules: Sequence[Rule[Any]] = RULES,
) -> Report:
    """Judge the resources of a plan (its mapping form).

    `settings` is the pack's configuration, rule id -> properties, as `policies.config.config_for` makes it; a rule
    that it does not name takes its defaults. Raises `SettingsError` on a value of the wrong type
    and on a rule that does not exist.
    """
    if strangers := sorted(set(settings) - {rule.id for rule in RULES} - {UNSEEN}):
        raise SettingsError(f"policy configuration names rules that do not exist: {', '.join(strangers)}.")
    stack = Stack(resources)
    findings: list[Finding] = []
    unknowns: list[Unjudged] = []
    evaluated: dict[str, int] = {}
    for rule in rules:
        own = Settings(rule, settings.get(rule.id) or {})
        if own.level is Level.DISABLED:
            continue
        found, unseen, evaluated[rule.id] = judge(rule, stack, own)
        findings += found
        unknowns += unseen
    return Report(findings=tuple(findings), unknowns=tuple(unknowns), evaluated=evaluated)


def judge(rule: Rule[Any], stack: Stack, settings: Settings) -> tuple[list[Finding], list[Unjudged], int]:
    """Run one rule; the same place is reported once, in order of URN and path. The number counts what it judged."""
    findings: dict[tuple[str, str, str], Finding] = {}
    unknowns: dict[tuple[str, str, str], Unjudged] = {}
    subjects = rule.subjects(stack, settings)
    for subject in subjects:
        for outcome in rule.check(subject, stack, settings):
            if isinstance(outcome, Unknown):
                note = Unjudged(
                    rule=rule.id, urn=outcome.urn, resource=outcome.resource, path=outcome.path, why=outcome.why
                )
                unknowns.setdefault((note.urn, note.path, note.why), note)
            else:
                finding = _finding(rule, settings.level, outcome)
                findings.setdefault((finding.urn, finding.path, finding.message), finding)
    return [findings[key] for key in sorted(findings)], [unknowns[key] for key in sorted(unknowns)], len(subjects)


def _finding(rule: Rule[Any], level: Level, breach: Breach) -> Finding:
    return Finding(
        rule=rule.id,
        severity=rule.severity,
        level=level,
        urn=breach.resource.urn if breach.resource else "",
        resource=breach.resource.label if breach.resource else "The stack",
        path=breach.path,
        value=breach.value,
        allowed=breach.allowed,
        consequence=breach.consequence,
        fix=breach.fix,
        url=rule.url,
    )


__all__ = ["SettingsError", "evaluate", "judge"]
