"""What is looked for, and what was found of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from trellis.engine.errors import EngineError


class IdentityError(EngineError):
    """Nobody could be asked whether a resource exists, so nothing is known of it."""


class Readiness(StrEnum):
    """How far something that exists has come."""

    READY = "ready"
    PASSING = "passing"
    """On its way to another state: ask again."""
    BROKEN = "broken"
    """It will never be ready; only deleting it helps."""


@dataclass(frozen=True, kw_only=True)
class Sought:
    """A resource of the state whose creation was begun."""

    stack: str
    type: str
    name: str
    inputs: Mapping[str, Any]
    """As they were sent to the provider, so all are known."""


@dataclass(frozen=True, kw_only=True)
class Found:
    """One thing that exists and is ours."""

    id: str
    """As the provider imports it."""
    known_as: str = ""
    """The id that a state has, where that is another one."""
    readiness: Readiness = Readiness.READY
    state: str = ""
    """What its service calls its state; empty where it has none."""


@dataclass(frozen=True, kw_only=True)
class Finding:
    """All that there is of one resource."""

    found: tuple[Found, ...] = ()
    """Sorted by id; more than one where creations were begun and forgotten before."""
    foreign: tuple[str, ...] = ()
    """Ids of what has the very name but not our tag: somebody else's."""
