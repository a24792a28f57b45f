"""How a resource is known in AWS besides its id: by the tag that we put on it, or by its natural key.

Data: ``data/identities.yaml``. Whoever asks AWS lives elsewhere; here are only the rows and the tag's text.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from types import MappingProxyType
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from components.catalogue import yaml_rows

TAG = "trellis:resource"
LONGEST_VALUE = 256
"""Characters of a tag's value. Source: AWS General Reference, "Tag naming limits and requirements"."""
_REFUSED = re.compile(r"[^\w .:/=+\-@]")


class Question(BaseModel):
    """One call of a boto3 client and where its answer has what is asked for."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    service: str
    call: str
    send: dict[str, Any] = Field(default_factory=dict)
    """Arguments; texts in them may hold placeholders."""
    items: str
    """JMESPath over an answer, or over each page of it."""
    match: dict[str, str] = Field(default_factory=dict)
    """Field of an item -> what it must be. Not compared where it stands for an input that was not given."""
    missing: tuple[str, ...] = ()
    """Error codes that mean that there is none."""


class State(BaseModel):
    """What the state of a found item means. Lower case; a state in none of the lists is one that passes."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    field: str
    ready: tuple[str, ...]
    gone: tuple[str, ...] = ()
    broken: tuple[str, ...] = ()


class Identity(BaseModel):
    """One resource type."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    id: str
    """The import id, with placeholders."""
    known_as: str | None = None
    """The id that a state has, where that is another one and a tag is what tells two apart."""
    look: Question
    each: Question | None = None
    untagged: bool = False
    tags: str | Question | None = None
    """Where the tags of a found item are; None where its name has to do."""
    created_without_tags: bool = False
    state: State | None = None


class _Table(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)
    types: dict[str, Identity]


@cache
def identities() -> Mapping[str, Identity]:
    """All types of the table."""
    text = (files("components.catalogue") / "data" / "identities.yaml").read_text(encoding="utf-8")
    return MappingProxyType(_Table.model_validate_json(json.dumps(yaml_rows.parse(text))).types)


@cache
def tagged_types() -> frozenset[str]:
    """Types that carry the tag."""
    return frozenset(type_ for type_, row in identities().items() if not row.untagged)


def tag(stack: str, type_: str, name: str) -> str:
    """Value of the tag `trellis:resource`. Raises `ValueError` where AWS would refuse it."""
    value = f"{stack}/{type_}/{name}"
    refused = sorted(set(_REFUSED.findall(value)))
    if refused:
        raise ValueError(
            f"{value!r} cannot be the value of the tag {TAG}: AWS allows letters, digits, spaces and _ . : / = + - @, "
            f"but it has {' '.join(refused)}. Give the resource another name"
        )
    if len(value) > LONGEST_VALUE:
        raise ValueError(
            f"{value!r} cannot be the value of the tag {TAG}: it has {len(value)} characters, AWS takes "
            f"{LONGEST_VALUE}. Give the stack or the resource a shorter name"
        )
    return value
