"""From plain settings to a `Platform`, or every problem that stands in the way.

The schema speaks first. Where it finds faults, the faulty parts are cut out and the rest is judged again, so that the
cross-field rules can also say what they see: a person gets all mistakes in one go.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError

from components.spec.base import Path, Problem
from components.spec.explain import explain, value_at
from components.spec.platform import Platform
from components.spec.rules import RULES

MAX_CUTS = 50
"""Rounds of cutting before giving up on judging the rest; a file with more broken parts says enough already."""


def validate(values: Mapping[str, Any]) -> tuple[Platform | None, list[Problem]]:
    """Return the platform and no problem, or all problems (and the platform only if it could be judged)."""
    problems: list[Problem] = []
    cut: list[Path] = []
    rest: Any = copy.deepcopy(dict(values))
    platform: Platform | None = None
    for _ in range(MAX_CUTS):
        try:
            platform = Platform.model_validate_json(json.dumps(rest, default=str))
            break
        except ValidationError as error:
            found = explain(error, rest)
            known = {p.path for p in problems}
            problems += [p for p in found if p.path not in known and not _touches(p.path, cut)]
            if not _cut(rest, found, cut):
                break
    if platform is not None:
        for rule in RULES:
            problems += [p for p in rule(platform) if not any(_touches(q, cut) for q in (p.path, *p.related))]
    return platform, problems


def _touches(path: Path, cut: list[Path]) -> bool:
    """Whether a path stands inside a part that was cut out, or holds one directly."""
    return any(path[: len(c)] == c or (len(c) == len(path) + 1 and c[: len(path)] == path) for c in cut)


def _cut(rest: Any, found: list[Problem], cut: list[Path]) -> bool:
    """Remove the faulty parts; a required one takes its parent with it. False when the root itself would go."""
    for problem in sorted(found, key=lambda p: len(p.path), reverse=True):
        path = problem.path if problem.path not in cut else problem.path[:-1]
        while path and not _remove(rest, path):
            path = path[:-1]
        if not path:
            return False
        cut.append(path)
    return True


def _remove(rest: Any, path: Path) -> bool:
    parent = value_at(rest, path[:-1])
    if value_at(rest, path) is None or not isinstance(parent, dict | list):
        return False
    del parent[path[-1]]  # type: ignore[arg-type]  # value_at found it: an index into a list, a key into a mapping
    return True
