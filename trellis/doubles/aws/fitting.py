"""Tells what AWS changed from what AWS only writes otherwise: documents by meaning, sets in any order, numbers as text.

A refresh must show drift and nothing else. So what is found is fitted to the inputs that the program gave: what means
the same keeps the program's own writing; of an object only the given parts are compared, as the provider does.
"""

from __future__ import annotations

import json
import operator
from collections.abc import Callable, Mapping, Sequence
from typing import Any


def fit(given: Any, found: Any, *, whole: frozenset[str] = frozenset(), ordered: frozenset[str] = frozenset()) -> Any:
    """What was found, in the writing of what was given.

    `whole` names the properties that are maps: of them all keys count. `ordered` names lists whose order matters.
    """
    if isinstance(given, Mapping) and isinstance(found, Mapping):
        return {
            key: _property(key, value, found[key], whole, ordered)
            for key, value in given.items()
            if found.get(key) is not None
        }
    if isinstance(given, list) and isinstance(found, list):
        return _set(given, found, lambda one, other: fit(one, other, whole=whole, ordered=ordered))
    return given if alike(given, found) else found


def _property(key: str, given: Any, found: Any, whole: frozenset[str], ordered: frozenset[str]) -> Any:
    if key in whole and isinstance(found, Mapping):
        return {name: given[name] if alike(given.get(name), value) else value for name, value in found.items()}
    if key in ordered and isinstance(given, list) and isinstance(found, list):
        pairs = [fit(one, other, whole=whole, ordered=ordered) for one, other in zip(given, found, strict=False)]
        return [*pairs, *found[len(pairs) :]]
    return fit(given, found, whole=whole, ordered=ordered)


def _set(given: Sequence[Any], found: Sequence[Any], fitted: Callable[[Any, Any], Any]) -> list[Any]:
    """Members that were given, in that order, where they are found; then whatever else is there."""
    left, kept = list(found), set[int]()
    fits: Callable[[Any, Any], bool]
    for fits in (operator.eq, lambda one, other: bool(fitted(one, other) == one)):
        # What says more chooses first, or a shorter one may take its partner.
        for index in sorted(range(len(given)), key=lambda at: -_size(given[at])):
            at = None if index in kept else next((i for i, one in enumerate(left) if fits(given[index], one)), None)
            if at is not None:
                left.pop(at)
                kept.add(index)
    return [*(one for index, one in enumerate(given) if index in kept), *left]


def _size(value: Any) -> int:
    if isinstance(value, Mapping):
        return 1 + sum(_size(item) for item in value.values())
    return 1 + sum(_size(item) for item in value) if isinstance(value, list) else 1


def alike(one: Any, other: Any) -> bool:
    """Whether two plain values mean the same: JSON text by content, numbers and truth values also where one is text."""
    if one == other and type(one) is type(other):
        return True
    if isinstance(one, str) and isinstance(other, str):
        # Text never counts as a number beside text: 1.3 and 1.30 are two versions.
        meaning = document(one)
        return meaning is not None and bool(meaning == document(other))
    if isinstance(one, bool) or isinstance(other, bool):
        return str(one).lower() == str(other).lower()
    return _number(one) is not None and _number(one) == _number(other)


def document(text: str) -> Any:
    """What a JSON object means as a policy: order in lists and a list of one say nothing. None for any other text."""
    if not text.lstrip().startswith("{"):
        return None
    try:
        return _meaning(json.loads(text))
    except ValueError:
        return None


def _meaning(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _meaning(item) for key, item in value.items()}
    if isinstance(value, list):
        items = [_meaning(item) for item in value]
        return items[0] if len(items) == 1 else sorted(items, key=lambda item: json.dumps(item, sort_keys=True))
    return value


def _number(value: Any) -> float | None:
    try:
        return None if isinstance(value, bool) else float(value)
    except (TypeError, ValueError):
        return None
