"""Reads the edits that messages offer and carries them out, so that a test can see whether they repair anything."""

from __future__ import annotations

import copy
import re
from typing import Any

import yaml

Path = tuple[str | int, ...]

_STEP = re.compile(r'\["(?P<quoted>[^"]*)"\]|\[(?P<index>\d+)\]|\.?(?P<name>[A-Za-z0-9_-]+)')
_VERB = re.compile(
    r"(?P<verb>set|add|remove|rename it to|rename the key to|move it: set) `(?P<what>[^`]+)`"
    r"|write `(?P<entry>[^`]+)` at `(?P<at>[^`]+)`"
)


def parse_path(text: str) -> Path:
    """A path as messages write it: `clusters.main.pools.gpu.instanceTypes[1]`."""
    steps: list[str | int] = []
    for match in _STEP.finditer(text):
        quoted, index, name = match["quoted"], match["index"], match["name"]
        steps.append(int(index) if index is not None else quoted if quoted is not None else name)
    return tuple(steps)


def find(values: Any, path: Path) -> Any:
    """The value at a path; None where there is none."""
    for part in path:
        if isinstance(values, list):
            values = values[part] if isinstance(part, int) and part < len(values) else None
        else:
            values = values.get(part) if isinstance(values, dict) else None
    return values


def put(values: Any, path: Path, value: Any) -> None:
    """Set a value, making the mappings on the way."""
    *above, last = path
    for part in above:
        values = values.setdefault(part, {}) if isinstance(values, dict) else values[part]
    values[last] = value


def drop(values: Any, path: Path) -> None:
    """Remove a value; fine if it is not there."""
    parent = find(values, path[:-1])
    if isinstance(parent, dict):
        parent.pop(path[-1], None)
    elif isinstance(parent, list):
        del parent[int(path[-1])]


def carry_out(values: dict[str, Any], fix: str, where: Path) -> dict[str, Any]:
    """The values after the edit that a message offers first. Raises `ValueError` where it offers none."""
    first = re.split(r", or |; or ", fix)[0]
    found = list(_VERB.finditer(first))
    if not found:
        raise ValueError(f"no edit in: {fix}")
    result = copy.deepcopy(values)
    for match in found:
        _one(result, match, where)
    return result


def _one(values: dict[str, Any], match: re.Match[str], where: Path) -> None:
    verb, what = match["verb"], match["what"]
    if verb == "remove":
        drop(values, parse_path(what))
    elif verb is not None and verb.startswith("rename"):
        target = parse_path(what) if verb == "rename it to" else (*where[:-1], what)
        value = find(values, where)
        drop(values, where)
        put(values, target, value)
    elif verb is None:
        put(values, parse_path(match["at"]), yaml.safe_load(match["entry"]))
    else:
        path, _, text = what.partition(": ")
        if verb == "move it: set":
            drop(values, where)
        put(values, parse_path(path), yaml.safe_load(text))
