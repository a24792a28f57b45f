"""Values that a plan cannot know: computed by the cloud later, or secret. They fit every schema, and are counted."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

Path = tuple[str | int, ...]


def is_marker(value: object) -> bool:
    """Whether a value is the plan's marker for something unknown or secret."""
    return isinstance(value, dict) and set(value) == {"$trellis"}


def marker_paths(value: Any, path: Path = ()) -> Iterator[Path]:
    """The path of every marker below a value, depth first."""
    if is_marker(value):
        yield path
    elif isinstance(value, dict):
        for key, child in value.items():
            yield from marker_paths(child, (*path, key))
    elif isinstance(value, list):
        for index, child in enumerate(value):
            yield from marker_paths(child, (*path, index))


def has_marker(value: Any) -> bool:
    """Whether any part of a value is unknown."""
    return next(marker_paths(value), None) is not None


def dotted(path: Path) -> str:
    """A path as people write it: `spec.http[0].route`; the object itself is `(root)`."""
    text = ""
    for part in path:
        if isinstance(part, int):
            text += f"[{part}]"
        elif "." in part or "/" in part:
            text += f'["{part}"]'
        else:
            text += f".{part}" if text else part
    return text or "(root)"
