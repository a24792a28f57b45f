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
from pydantic_core import PydanticCustomError

from components.spec import forms

Path = tuple[str | int, ...]
"""A place in the stack file below `trellis:platform`, outermost key first."""


class Model(BaseModel):
    """Base of all spec models: camelCase keys, unknown keys refused, frozen, defaults checked."""

    model_config = ConfigDict(
        alias_generator=to_camel,
        allow_inf_nan=False,
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
    """The places that the judgement rests on, where they are not `path`; a problem there may be the real cause."""
    rule: str = ""
    """Id of the check that found it, such as `unknown-key` or `weights-sum-to-100`."""


def refused(message: str, *, allowed: str, instead: str = "") -> PydanticCustomError:
    """An error for a validator to raise: what is wrong, what may stand there, and a value that would do."""
    context = {"message": message, "allowed": allowed, "instead": instead}
    return PydanticCustomError("refused", "{message}", context)


_VERSION = "MAJOR.MINOR.PATCH with or without a leading v, such as v1.2.0"


def _semantic(value: str) -> str:
    if not semver.Version.is_valid(value.removeprefix("v")):
        parts = re.findall(r"\d+", value)[:3]
        padded = ".".join([*(str(int(part)) for part in parts), "0", "0"][:3]) if parts else "1.0.0"
        raise refused(
            "not a semantic version",
            allowed=_VERSION,
            instead=f"v{padded}",
        )
    return value


_IMAGE = "name:tag with a tag that does not move, or name@sha256:digest"


def _pinned(value: str) -> str:
    """Accept `name:tag` and `name@sha256:...`; a registry port before the last slash is not a tag."""
    if "@sha256:" in value:
        return value
    tag = value.rsplit("/", 1)[-1].partition(":")[2]
    if not tag:
        raise refused("image has neither tag nor digest", allowed=_IMAGE, instead=f"{value.rstrip(':')}:v1.0.0")
    if tag == "latest":
        raise refused("image tag `latest` moves", allowed=_IMAGE, instead=f"{value.removesuffix('latest')}v1.0.0")
    return value


Name = Annotated[str, forms.NAME.field()]
SemanticVersion = Annotated[str, AfterValidator(_semantic), forms.described(_VERSION, "v1.0.0")]
Image = Annotated[str, AfterValidator(_pinned), forms.described(_IMAGE, "my-registry/llm-service:v1.0.0")]
KubernetesMinor = Annotated[str, forms.MINOR.field()]
S3Uri = Annotated[str, forms.S3_URI.field()]
ModelUri = Annotated[str, forms.MODEL_URI.field()]
PositiveInt = Annotated[int, Field(gt=0)]
Percent = Annotated[int, Field(ge=0, le=100)]
Usd = Annotated[float, Field(gt=0)]

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
