"""Keys that are not known where they stand: which key was meant, or where it belongs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

from components.spec import edits
from components.spec.base import Path, dotted
from components.spec.fields import ROOT, Shape, aliases, below, keys_at, shape_at, step


@dataclass(frozen=True)
class Stray:
    """What to say about a key that is not known where it stands."""

    known: tuple[str, ...]
    message: str
    fix: str
    rename: str | None = None
    """The key that was meant, where a key of nearly that name is known and not set."""


def stray(path: Path, value: Any, values: Any) -> Stray:
    """Judge an unknown key: a misspelt one, one of another variant, one that stands elsewhere, or a foreign one."""
    parent, name = path[:-1], str(path[-1])
    known = tuple(keys_at(parent, values))
    siblings = _at(values, parent)
    here = Stray(known, "unknown key", edits.remove(path))
    variant = _other_variant(parent, name, values)
    if variant is not None:
        other, chosen = variant
        message = f"unknown key; it belongs to `{other}`, and this is `{chosen}`"
        return replace(here, message=message, fix=f"{edits.remove(path)}, or set `{other}`")
    near = edits.nearest(name, known)
    if near:
        best = near[0]
        if isinstance(siblings, Mapping) and best in siblings:
            return replace(here, message=f"unknown key; the nearest, `{best}`, is set already")
        fix = f"rename it to `{dotted((*parent, best))}`"
        return replace(here, message=f"unknown key; the nearest is `{best}`", fix=fix, rename=best)
    homes = _homes().get(name, ())
    if len(homes) == 1:
        message = f"unknown key here; it stands at `{dotted(homes[0])}`"
        return replace(here, message=message, fix=f"move it: {edits.put(homes[0], value)}")
    return here


def _at(values: Any, path: Path) -> Any:
    for part in path:
        values = step(values, part)
    return values


def _other_variant(parent: Path, name: str, values: Any) -> tuple[str, str] | None:
    """Which variant knows a key and which one is chosen, as `provisioner: karpenter` and `provisioner: managed`."""
    above = shape_at(parent[:-1], values) if parent else None
    union = below(above, parent[-1]) if above is not None else None
    if union is None or union.tag is None:
        return None
    tags = [tag for tag, model in union.variants().items() if name in aliases(model)]
    given = step(_at(values, parent), union.tag)
    return (f"{union.tag}: {tags[0]}", f"{union.tag}: {given}") if tags and given not in tags else None


@cache
def _homes() -> Mapping[str, tuple[Path, ...]]:
    """Key -> the places where it stands that hold no name of the user's: `network.nat`, but no key of a pool."""
    found: dict[str, list[Path]] = {}
    todo: list[tuple[Path, Shape]] = [((), ROOT)]
    while todo:
        path, shape = todo.pop()
        for key in {key: None for model in shape.models for key in aliases(model)}:
            here = below(shape, key)
            found.setdefault(key, []).append((*path, key))
            if here is not None and here.kind == "model":
                todo.append(((*path, key), here))
    return {key: tuple(places) for key, places in found.items()}
