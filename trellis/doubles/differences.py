"""What changed between two property bags, path by path, and what each change does, by the catalogue's table."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from components.catalogue.replacements import Effect, effect
from trellis.doubles.wire import reveal

How = Literal["add", "delete", "update"]
Classify = Callable[[str, str], bool]
"""Type and path -> whether a change there replaces the resource."""


@dataclass(frozen=True, order=True)
class Difference:
    """One changed property. `path` is as the engine writes it: `spec.ports[0].port`, `metadata.labels["a/b"]`."""

    path: str
    how: How
    replaces: bool = False


def differences(
    type_: str, old: Mapping[str, Any], new: Mapping[str, Any], replaces: Classify | None = None
) -> list[Difference]:
    """All changed properties, sorted. Secrets are compared by what they hold; an unknown differs from everything."""
    classify = replaces or by_the_table
    return sorted(Difference(path, how, classify(type_, path)) for path, how in _walk(reveal(old), reveal(new), ""))


def by_the_table(type_: str, path: str) -> bool:
    """Whether the catalogue's table is certain that a change at a path replaces a resource."""
    return effect(type_, path).effect is Effect.REPLACE


def _walk(old: Any, new: Any, path: str) -> Iterator[tuple[str, How]]:
    if isinstance(old, Mapping) and isinstance(new, Mapping):
        for key in {**old, **new}:
            here = join(path, key)
            if key not in old or key not in new:
                yield here, "add" if key not in old else "delete"
            else:
                yield from _walk(old[key], new[key], here)
    elif isinstance(old, list) and isinstance(new, list):
        for index in range(max(len(old), len(new))):
            here = f"{path}[{index}]"
            if index >= len(old) or index >= len(new):
                yield here, "add" if index >= len(old) else "delete"
            else:
                yield from _walk(old[index], new[index], here)
    elif type(old) is not type(new) or old != new:
        yield path, "update"


def join(path: str, key: str) -> str:
    """A path one key deeper, quoted where the key is no plain word."""
    plain = key.replace("_", "").replace("-", "").replace("$", "").isalnum()
    if not plain:
        return f'{path}["{key}"]'
    return f"{path}.{key}" if path else key
