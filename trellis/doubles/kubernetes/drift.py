"""What others changed about an object, told as the inputs that would make it as it is now."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import Any

from trellis.doubles.provider import Bag
from trellis.doubles.wire import reveal

_MISSING = object()


def inputs_now(inputs: Bag, recorded: Bag, live: Mapping[str, Any]) -> Bag:
    """The known inputs, with exactly those fields changed that differ from what the server last told us.

    `recorded` is the object as the server gave it after the last operation: a value that it wrote in another way
    (`1000m` as `1`), or that a webhook added, is no drift as long as it stays the same. Fields that we do not set are
    not ours to watch.
    """
    before = reveal(recorded)
    plain = reveal(inputs)
    merged: Bag = {}
    for key, value in plain.items():
        if key == "stringData" and plain.get("kind") == "Secret":  # the server keeps it as data
            now = _now(value, _decoded(before.get("data")), _decoded(live.get("data")))
        else:
            now = _now(value, before.get(key, _MISSING), live.get(key, _MISSING))
        if now is not _MISSING:
            merged[key] = inputs[key] if now == value else now
    return merged


def _decoded(data: Any) -> dict[str, Any]:
    """Text of a Secret's data; what is no text is no word of ours, so it stands as it is."""
    found: dict[str, Any] = {}
    for key, value in (data or {}).items():
        try:
            found[key] = base64.b64decode(value).decode()
        except ValueError:
            found[key] = value
    return found


def _now(wanted: Any, before: Any, live: Any) -> Any:
    if live is _MISSING:
        # What the server never kept, such as an empty list, was not taken away either.
        return wanted if before is _MISSING else _MISSING
    if before == live:
        return wanted
    if isinstance(wanted, Mapping) and isinstance(live, Mapping):
        known = before if isinstance(before, Mapping) else {}
        found = {key: _now(item, known.get(key, _MISSING), live.get(key, _MISSING)) for key, item in wanted.items()}
        return {key: item for key, item in found.items() if item is not _MISSING}
    if isinstance(wanted, list) and isinstance(live, list):
        known_items = before if isinstance(before, list) else []
        return _list_now(wanted, known_items, live)
    return live


def _list_now(wanted: list[Any], before: list[Any], live: list[Any]) -> list[Any]:
    """Items are matched by position where the three lists agree on it; else the list is as it is now."""
    if len(wanted) != len(before) or len(live) < len(wanted):
        return live
    kept = [_now(*three) for three in zip(wanted, before, live, strict=False)]
    return [item for item in kept if item is not _MISSING] + live[len(wanted) :]


def comparable(inputs: Bag) -> Bag:
    """Inputs without what the server alone writes, and with the namespace that no namespace stands for."""
    meta = inputs.get("metadata")
    if not isinstance(meta, Mapping):
        return inputs
    kept = {key: value for key, value in meta.items() if key not in ("creationTimestamp", "managedFields", "uid")}
    kept = {key: value for key, value in kept.items() if key not in ("resourceVersion", "generation")}
    if kept.get("namespace") == "default":
        del kept["namespace"]
    return {**inputs, "metadata": kept}
