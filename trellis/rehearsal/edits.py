"""Edits of a stack file, as a person would make them: one value changed, all else byte for byte as it was."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import yaml

from components.spec.platform import Platform

ROOT = ("config", "trellis:platform")
_SHIFT = 5
"""Percentage points of traffic that go from one version to another."""


@dataclass(frozen=True, kw_only=True)
class Edit:
    """New values by their path below the platform."""

    what: str
    values: Mapping[tuple[str, ...], int]


class NotInFileError(LookupError):
    """A value is not written in the stack file itself (it comes from a profile or a default)."""


def edits(platform: Platform, text: str) -> Iterator[Edit]:
    """What can be edited in a stack file: a canary's weight, and the limit of a pool."""
    for edit in (*_weights(platform), *_limits(platform)):
        try:
            apply(text, edit)
        except NotInFileError:
            continue
        yield edit


def apply(text: str, edit: Edit) -> str:
    """The text with the edit made. Raises `NotInFileError`."""
    spans = []
    for path, value in edit.values.items():
        node = _scalar(yaml.compose(text), (*ROOT, *path))
        spans.append((node.start_mark.index, node.end_mark.index, str(value)))
    for start, end, new in sorted(spans, reverse=True):
        text = text[:start] + new + text[end:]
    return text


def _weights(platform: Platform) -> Iterator[Edit]:
    for name, model in platform.models.items():
        carrying = [(version, row.weight) for version, row in model.versions.items() if row.weight > _SHIFT]
        if len(carrying) > 1:
            (first, most), (second, least) = carrying[:2]
            at = ("models", name, "versions")
            values: dict[tuple[str, ...], int] = {
                (*at, first, "weight"): most - _SHIFT,
                (*at, second, "weight"): least + _SHIFT,
            }
            yield Edit(what=f"weight of {name} {second} from {least} to {least + _SHIFT}", values=values)
            return


def _limits(platform: Platform) -> Iterator[Edit]:
    for cluster, row in platform.clusters.items():
        for pool, settings in row.pools.items():
            limits = getattr(settings, "limits", None)
            if limits is not None and limits.gpus:
                path: tuple[str, ...] = ("clusters", cluster, "pools", pool, "limits", "gpus")
                yield Edit(
                    what=f"GPUs of pool {pool} from {limits.gpus} to {limits.gpus * 2}", values={path: limits.gpus * 2}
                )
                return


def _scalar(node: Any, path: tuple[str, ...]) -> Any:
    for key in path:
        pairs = node.value if isinstance(node, yaml.MappingNode) else []
        node = next((value for name, value in pairs if name.value == key), None)
        if node is None:
            raise NotInFileError(".".join(path))
    return node
