"""From plain settings to a `Platform`, or every problem that stands in the way.

The schema speaks first. What it finds is mended or taken out (see `draft`), so that the rest is judged as well; then
the cross-field rules say what they see: a person gets all mistakes in one go, each once.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from pydantic import ValidationError

from components.spec import edits
from components.spec.base import Path, Problem, dotted
from components.spec.draft import Draft, each_text
from components.spec.explain import explain
from components.spec.platform import Platform
from components.spec.rules import RULES, rule_id
from components.spec.secrets import HIDDEN, is_credential

MAX_ROUNDS = 50
"""Rounds of mending before giving up on judging the rest; a file with more broken layers says enough already."""


def validate(values: Mapping[str, Any]) -> tuple[Platform | None, list[Problem]]:
    """Return the platform and no problem, or all problems (and the platform only if it could be judged)."""
    draft = Draft(values)
    problems = [_broken_text(path) if isinstance(value, str) else _encrypted(path) for path, value in draft.foreign]
    problems += _credentials(values)
    told: dict[Path, Problem] = {}
    platform = _judge_shape(draft, told)
    problems += told.values()
    if platform is not None:
        problems += _judge_rules(draft, platform)
    seen: dict[tuple[Path, str], Problem] = {}
    for problem in problems:
        seen.setdefault((problem.path, problem.message), problem)
    return platform, list(seen.values())


def _judge_shape(draft: Draft, told: dict[Path, Problem]) -> Platform | None:
    """Validate until nothing is wrong any more; note what was wrong, by its place."""
    for _ in range(MAX_ROUNDS):
        plain = draft.plain()
        try:
            return Platform.model_validate_json(json.dumps(plain))
        except ValidationError as error:
            faults = explain(error, plain)
            for fault in faults:
                _tell(told, replace(fault.problem, path=draft.original(fault.problem.path)), draft)
            # From the last place to the first: a later entry of a list goes before an earlier one moves its index.
            for fault in sorted(faults, key=lambda fault: _order(fault.at), reverse=True):
                draft.mend(fault)
    return None


def _tell(told: dict[Path, Problem], problem: Problem, draft: Draft) -> None:
    """Add a problem, unless it rests on a doubt. Of one value one thing is said: what is wrong, and the last edit."""
    if draft.in_doubt(problem):
        return
    earlier = told.get(problem.path, problem)
    told[problem.path] = replace(earlier, allowed=problem.allowed, fix=problem.fix)


def _order(path: Path) -> list[tuple[int, str]]:
    return [(part, "") if isinstance(part, int) else (-1, part) for part in path]


def _judge_rules(draft: Draft, platform: Platform) -> list[Problem]:
    """What the cross-field rules say, without what rests on a value that is in doubt."""
    found = [
        replace(
            problem,
            rule=rule_id(rule),
            path=draft.original(problem.path),
            related=tuple(draft.original(place) for place in problem.related),
        )
        for rule in RULES
        for problem in rule(platform)
    ]
    return [problem for problem in found if not draft.in_doubt(problem)]


def _encrypted(path: Path) -> Problem:
    return Problem(
        path=path,
        value=HIDDEN,
        message="an encrypted value",
        allowed="plain values; a secret stands here by its name in AWS Secrets Manager",
        consequence="the secret would end in plain text in cluster objects and in the state",
        fix=f"{edits.remove(path)}, keep the secret in AWS Secrets Manager, and name it where a key asks for a name",
        rule="no-secrets",
    )


def _broken_text(path: Path) -> Problem:
    return Problem(
        path=path,
        value=HIDDEN,
        message="text with half a character in it",
        allowed="text that a file can hold",
        consequence="no cluster object could hold it",
        fix=f"type the text at `{dotted(path)}` anew",
        rule="wrong-value",
    )


def _credentials(values: Mapping[str, Any]) -> list[Problem]:
    """Credentials that were written into the file; none of them is ever shown."""
    return [
        Problem(
            path=path,
            value=HIDDEN,
            message="this looks like a credential",
            allowed="no secret of any kind",
            consequence="it would be readable in the repository, in cluster objects and in the state",
            fix=f"{edits.remove(path)}, revoke the credential, and keep its successor in AWS Secrets Manager",
            rule="no-secrets",
        )
        for path, text in each_text(values)
        if is_credential(text)
    ]
