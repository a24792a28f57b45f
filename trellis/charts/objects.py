"""Reads what Helm renders, with the values that Kubernetes' own YAML reader sees (Go's yaml.v2), not PyYAML's.

To Kubernetes `yes` and `on` are true and `12:30` is text. What differs between two renderings is marked unknown.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import yaml

from trellis.plan import UNKNOWN
from trellis.yaml_scalars import TIME, ScalarError, resolve

_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_PLAIN = "!plain"
_SOURCE = re.compile(r"^---\n# Source: (\S+)$", re.MULTILINE)
_HOOK = "helm.sh/hook"
_BOOLS: Mapping[str, bool] = {
    **dict.fromkeys(("y", "Y", "yes", "Yes", "YES", "on", "On", "ON"), True),
    **dict.fromkeys(("n", "N", "no", "No", "NO", "off", "Off", "OFF"), False),
}


class ObjectsError(Exception):
    """What Helm rendered is not a list of Kubernetes objects, or not the same list each time."""


@dataclass(frozen=True)
class Opened:
    """One object that a chart makes."""

    manifest: Mapping[str, Any]
    source: str
    """File of the chart that it comes from."""

    @property
    def hooks(self) -> tuple[str, ...]:
        """When Helm runs it (`pre-install`, `post-delete`), for a hook; empty for a part of the release."""
        stated = annotations_of(self.manifest).get(_HOOK)
        return tuple(part.strip() for part in stated.split(",")) if isinstance(stated, str) else ()

    @property
    def from_crds_folder(self) -> bool:
        """Whether it lies in `crds/`: Helm installs it once and neither changes nor removes it afterwards."""
        return "/crds/" in self.source and "/templates/" not in self.source

    @property
    def stays(self) -> bool:
        """Whether it is still there after the release was removed."""
        return self.from_crds_folder or annotations_of(self.manifest).get("helm.sh/resource-policy") == "keep"


def annotations_of(manifest: Mapping[str, Any]) -> Mapping[str, Any]:
    """The annotations of an object; empty where it has none."""
    meta = manifest.get("metadata")
    found = meta.get("annotations") if isinstance(meta, Mapping) else None
    return found if isinstance(found, Mapping) else {}


def parse(rendered: str) -> list[Opened]:
    """The objects of `helm template`'s output, in its order; lists taken apart. Raises `ObjectsError`."""
    marks = [(rendered.count("\n", 0, match.start()), match[1]) for match in _SOURCE.finditer(rendered)]
    lines = [line for line, _ in marks]
    found: list[Opened] = []
    loader = _Loader(rendered)
    try:
        while loader.check_node():
            node = loader.get_node()
            value = _plain_keys(loader.construct_document(node))
            at = bisect_right(lines, node.start_mark.line)
            found += [Opened(item, marks[at - 1][1] if at else "") for item in _objects(value)]
    except yaml.YAMLError as error:
        raise ObjectsError(f"what Helm rendered is no YAML: {' '.join(str(error).split())}") from error
    finally:
        loader.dispose()
    return found


def merge(one: list[Opened], other: list[Opened]) -> list[Opened]:
    """The objects with what differs between two renderings marked unknown. Raises `ObjectsError`."""
    if [_shape(item) for item in one] != [_shape(item) for item in other]:
        raise ObjectsError("which objects the chart makes depends on values that are known only after deployment")
    return [Opened(_merged(a.manifest, b.manifest), a.source) for a, b in zip(one, other, strict=True)]


def _shape(item: Opened) -> tuple[str, str, str]:
    return str(item.manifest.get("apiVersion")), str(item.manifest.get("kind")), item.source


def _merged(one: Any, other: Any) -> Any:
    if isinstance(one, dict) and isinstance(other, dict) and one.keys() == other.keys():
        return {key: _merged(one[key], other[key]) for key in one}
    if isinstance(one, list) and isinstance(other, list) and len(one) == len(other):
        return [_merged(a, b) for a, b in zip(one, other, strict=True)]
    return one if one == other and type(one) is type(other) else dict(UNKNOWN)


def _objects(value: Any) -> Iterator[Mapping[str, Any]]:
    if value is None:
        return
    if not isinstance(value, dict) or not isinstance(value.get("kind"), str) or "apiVersion" not in value:
        raise ObjectsError(f"the chart renders something that is no Kubernetes object: {str(value)[:80]}")
    if value["kind"].endswith("List") and isinstance(value.get("items"), list):
        for item in value["items"]:
            yield from _objects(item)
    else:
        yield value


class _Loader(_LOADER):  # type: ignore[misc]  # the C loader where libyaml is there, the Python one elsewhere
    """Resolves unquoted scalars as Kubernetes does."""

    def resolve(self, kind: Any, value: Any, implicit: Any) -> Any:
        if kind is yaml.ScalarNode and implicit[0] and value != "<<":
            return _PLAIN
        return super().resolve(kind, value, implicit)


def _construct_plain(_loader: Any, node: Any) -> Any:
    return _scalar(node.value)


_Loader.add_constructor(_PLAIN, _construct_plain)


@lru_cache(100_000)
def _scalar(text: str) -> Any:
    if text in _BOOLS:
        return _BOOLS[text]
    try:
        tag, value = resolve("", text)
    except ScalarError:  # a time with a zone: text to Kubernetes
        return text
    if tag == TIME:
        return text
    # JSON has one kind of number, and Go writes whole ones without a point.
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _plain_keys(value: Any) -> Any:
    """Keys as JSON has them: text."""
    if isinstance(value, dict):
        return {_key(key): _plain_keys(item) for key, item in value.items()}
    return [_plain_keys(item) for item in value] if isinstance(value, list) else value


def _key(key: Any) -> str:
    if isinstance(key, bool):
        return "true" if key else "false"
    return "null" if key is None else str(key)
