"""What every part of the spec is made of: the strict model, names, and one way to report a wrong value.

The spec is what a stack file says, typed. It never imports Pulumi and does no I/O.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Annotated, Any

import semver
from pydantic import AfterValidator, BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

Path = tuple[str | int, ...]
"""A place in the stack file below `trellis:platform`, outermost key first."""


class Model(BaseModel):
    """Base of all spec models: camelCase keys, unknown keys refused, frozen, defaults checked."""

    model_config = ConfigDict(
        alias_generator=to_camel,
        extra="forbid",
        frozen=True,
        populate_by_name=False,
        strict=True,
        use_attribute_docstrings=True,
        validate_default=True,
    )


@dataclass(frozen=True, kw_only=True)
class Problem:
    """One mistake in a stack file, with everything a person needs to repair it."""

    path: Path
    """Where the wrong value stands."""
    value: Any
    """The value as it was given."""
    message: str
    """What is wrong with it."""
    allowed: str
    """What may stand there."""
    consequence: str
    """What would have happened had it been accepted."""
    fix: str
    """The edit that repairs it."""
    related: tuple[Path, ...] = field(default=())
    """Other places that the judgement rests on; a problem there may be the real cause."""


def _semantic(value: str) -> str:
    if not semver.Version.is_valid(value.removeprefix("v")):
        raise ValueError("not a semantic version (MAJOR.MINOR.PATCH)")
    return value


def _pinned(value: str) -> str:
    """Accept `name:tag` and `name@sha256:...`; a registry port before the last slash is not a tag."""
    if "@sha256:" in value:
        return value
    tag = value.rsplit("/", 1)[-1].partition(":")[2]
    if not tag:
        raise ValueError("image has neither tag nor digest")
    if tag == "latest":
        raise ValueError("image tag 'latest' moves")
    return value


NAME_PATTERN = r"^[a-z]([a-z0-9-]{0,38}[a-z0-9])?$"

Name = Annotated[str, Field(pattern=NAME_PATTERN, description="DNS label: lower case, digits, dashes")]
SemanticVersion = Annotated[str, AfterValidator(_semantic)]
Image = Annotated[str, AfterValidator(_pinned)]
KubernetesMinor = Annotated[str, Field(pattern=r"^1\.\d{2}$")]
S3Uri = Annotated[str, Field(pattern=r"^s3://[a-z0-9][a-z0-9.-]{1,61}[a-z0-9](/.*)?$")]
ModelUri = Annotated[str, Field(pattern=r"^(s3|gs|https|hf|pvc|oci)://.+$")]
PositiveInt = Annotated[int, Field(gt=0)]
Percent = Annotated[int, Field(ge=0, le=100)]
Usd = Annotated[float, Field(gt=0, strict=False)]

KEY = re.compile(r"^[A-Za-z0-9_-]+$")


def dotted(path: Path) -> str:
    """Write a path as people do: `clusters.main.pools.gpu.instanceTypes[1]`."""
    text = ""
    for part in path:
        if isinstance(part, int):
            text += f"[{part}]"
        elif KEY.match(part):
            text += f".{part}" if text else part
        else:
            text += f'["{part}"]'
    return text or "(the whole platform)"
