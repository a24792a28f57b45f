"""Whether a changed property updates a resource in place or replaces it, known without asking a provider.

Data: ``data/replacements/*.yaml``, with sources. A type or property that is not there is never called an update:
it *may replace*. The provider doubles of the tests answer from the same table.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from enum import StrEnum
from functools import cache
from importlib.resources import files
from types import MappingProxyType
from typing import Literal, NamedTuple

from pydantic import BaseModel, ConfigDict, Field

from components.catalogue import yaml_rows


class Effect(StrEnum):
    """What a change of one property does to the resource."""

    UPDATE = "update"
    REPLACE = "replace"
    MAY_REPLACE = "may replace"
    REFUSED = "refused"


class Change(NamedTuple):
    """The effect of a change, and a reason for all but plain updates."""

    effect: Effect
    reason: str


class Rule(BaseModel):
    """One resource type of the table. Paths are engine-side names, dotted; each covers what lies below it.

    `update` lists the inputs known to change in place; None means that all others do.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    confidence: Literal["read", "likely"]
    source: str | None = None
    replace: tuple[str, ...] = ()
    perhaps: dict[str, str] = Field(default_factory=dict)
    refused: tuple[str, ...] = ()
    update: tuple[str, ...] | None = None


class _Every(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)
    replace: tuple[str, ...]


class _Table(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)
    every: _Every | None = None
    types: dict[str, Rule]


def _read(name: str) -> _Table:
    text = (files("components.catalogue") / "data" / "replacements" / name).read_text(encoding="utf-8")
    data = yaml_rows.parse(text)
    return _Table.model_validate_json(json.dumps(data))


@cache
def rules() -> Mapping[str, Rule]:
    """All types of the table; Kubernetes types carry what holds for every object."""
    kubernetes, aws = _read("kubernetes.yaml"), _read("aws.yaml")
    common = kubernetes.every.replace if kubernetes.every else ()
    objects = {
        name: rule.model_copy(update={"replace": (*common, *rule.replace)}) if _is_object(name) else rule
        for name, rule in kubernetes.types.items()
    }
    return MappingProxyType({**aws.types, **objects})


@cache
def _any_object() -> Rule:
    every = _read("kubernetes.yaml").every
    return Rule(confidence="read", replace=every.replace if every else ())


def _is_object(type_: str) -> bool:
    """Whether the type stands for one Kubernetes object (a Release does not, nor a component of the provider)."""
    package, module, _ = type_.split(":", 2)
    return package == "kubernetes" and module not in ("helm.sh/v3", "helm.sh/v4", "yaml", "yaml/v2", "kustomize/v2")


def rule(type_: str) -> Rule | None:
    """The rule of a type, or None when the table has none. Any Kubernetes object has at least the common one."""
    found = rules().get(type_)
    if found is None and type_.count(":") == 2 and _is_object(type_):
        return _any_object()
    return found


def replacements(type_: str) -> frozenset[str] | None:
    """Paths of inputs whose change certainly replaces a resource of this type; None when the type is unknown."""
    found = rule(type_)
    return None if found is None else frozenset(found.replace)


def _segments(path: str) -> tuple[str, ...]:
    """``spec.template.containers[0].image`` as names; positions in lists do not matter here."""
    return tuple(part.partition("[")[0] for part in path.split(".") if part.partition("[")[0])


def _below(path: tuple[str, ...], listed: str) -> bool:
    """Whether `path` is the listed path or lies under it."""
    wanted = _segments(listed)
    return path[: len(wanted)] == wanted


def _above(path: tuple[str, ...], listed: str) -> bool:
    """Whether the listed path lies under `path`, so that the change may or may not touch it."""
    wanted = _segments(listed)
    return len(path) < len(wanted) and wanted[: len(path)] == path


def _doubt(found: Rule, names: tuple[str, ...]) -> str | None:
    """Why a change may replace the resource although it is not certain to, or None."""
    for one, why in found.perhaps.items():
        if _below(names, one) or _above(names, one):
            return why
    for one in (*found.replace, *found.refused):
        if _above(names, one):
            return f"it may change {one}, which can be set only at the start"
    if found.update is None or any(_below(names, one) for one in found.update):
        return None
    return f"the table of replacements does not know {'.'.join(names)}"


def effect(type_: str, path: str) -> Change:
    """What a change at `path` (dotted, list positions as ``[0]``) does to a resource of this type.

    Unknown types and properties may replace: the table never guesses towards harmless.
    """
    if type_.startswith("trellis:"):
        return Change(Effect.UPDATE, "a component owns nothing outside the state")
    found = rule(type_)
    if found is None:
        return Change(Effect.MAY_REPLACE, f"the table of replacements has no type {type_}")
    names = _segments(path)
    if any(_below(names, one) for one in found.replace):
        return Change(Effect.REPLACE, f"{path} can be set only when the resource is made")
    if any(_below(names, one) for one in found.refused):
        return Change(Effect.REFUSED, f"{path} cannot be changed once the object exists; remove it first")
    doubt = _doubt(found, names)
    return Change(Effect.UPDATE, "") if doubt is None else Change(Effect.MAY_REPLACE, doubt)
