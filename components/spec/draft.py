"""A stack file's values while they are judged: faults are mended or taken out, and places keep their address.

A person wants every mistake in one go, but a model can only be judged once it is whole. So each fault is repaired with
what was evidently meant, or taken out, or filled in with an example; where that is more than a matter of spelling the
place is in doubt, and nothing is said about what rests on it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from components.spec.base import Path, Problem
from components.spec.explain import Fault


class _Gone:
    """Stands where an entry of a list was, so that those behind it keep their index."""


_GONE = _Gone()


class Draft:
    """Values that change while they are judged. Paths given and returned are those of the file."""

    def __init__(self, values: Mapping[str, Any]) -> None:
        self.foreign: list[tuple[Path, Any]] = []
        """Values that are no plain data, which JSON cannot carry; they are taken out."""
        self._doubts: set[Path] = set()
        self._holding_doubts: set[Path] = set()
        self._names: dict[Path, str | int] = {}
        self._tree: Any = self._copy(values, ())

    def _copy(self, value: Any, path: Path) -> Any:
        """A deep copy without keys that are null: null means "not set", wherever it stands."""
        if isinstance(value, Mapping):
            return {
                key: copied
                for key, entry in value.items()
                if entry is not None and (copied := self._copy(entry, (*path, key))) is not _GONE
            }
        if isinstance(value, list | tuple):
            return [self._copy(entry, (*path, index)) for index, entry in enumerate(value)]
        if value is None or isinstance(value, int | float) or (isinstance(value, str) and _is_text(value)):
            return value
        self.foreign.append((path, value))
        self._doubt(path)
        return _GONE

    def plain(self) -> Any:
        """The values as they are now, as data that JSON can carry."""
        return _plain(self._tree)

    def original(self, path: Path) -> Path:
        """The place in the file of a place in `plain()`."""
        inner = self._inner(path)
        return tuple(self._names.get(inner[: index + 1], part) for index, part in enumerate(inner))

    def in_doubt(self, problem: Problem) -> bool:
        """Whether a problem (with places in the file) rests on something that is in doubt itself.

        It does where a place stands inside a doubtful part, or holds one directly: a sum of weights, a set of names.
        """
        holds = problem.related or (problem.path,)
        within = any(
            place[:length] in self._doubts for place in (problem.path, *holds) for length in range(len(place) + 1)
        )
        return within or any(place in self._holding_doubts for place in holds)

    def _doubt(self, path: Path) -> None:
        self._doubts.add(path)
        self._holding_doubts.add(path[:-1])

    def mend(self, fault: Fault) -> None:
        """Repair a fault of `plain()`, or take the faulty value out."""
        if not fault.at:
            return
        inner = self._inner(fault.at)
        where = self.original(fault.at)
        if fault.rename is not None:
            self._rename(inner, fault.rename)
        elif fault.problem.rule == "required":
            self._put(inner, fault.guess.value)
            self._doubt(where)
        elif fault.guess.known and where not in self._doubts:
            self._put(inner, fault.guess.value)
            if not fault.guess.sure:
                self._doubt(where)
        else:
            self._drop(inner)
            self._doubt(where)

    def _inner(self, path: Path) -> Path:
        """A place in the tree for a place in `plain()`: entries taken out of lists count again."""
        inner: list[str | int] = []
        here = self._tree
        for part in path:
            index = part
            if isinstance(here, list) and isinstance(part, int):
                kept = [position for position, entry in enumerate(here) if entry is not _GONE]
                index = kept[part] if part < len(kept) else part
            inner.append(index)
            here = _below(here, index)
        return tuple(inner)

    def _parent(self, inner: Path) -> Any:
        here = self._tree
        for part in inner[:-1]:
            here = _below(here, part)
        return here

    def _put(self, inner: Path, value: Any) -> None:
        parent = self._parent(inner)
        if isinstance(parent, dict | list):
            parent[inner[-1]] = value  # type: ignore[index]  # an index for a list, a key for a mapping: `_inner` says so

    def _drop(self, inner: Path) -> None:
        parent = self._parent(inner)
        if isinstance(parent, dict):
            parent.pop(inner[-1], None)
        elif isinstance(parent, list):
            self._put(inner, _GONE)

    def _rename(self, inner: Path, key: str) -> None:
        parent = self._parent(inner)
        if not isinstance(parent, dict):
            return
        value = parent.pop(inner[-1], None)
        if key not in parent:
            parent[key] = value
            self._names[(*inner[:-1], key)] = inner[-1]


def _is_text(value: str) -> bool:
    """Whether a text can be written; half of a surrogate pair cannot."""
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _plain(entry) for key, entry in value.items()}
    if isinstance(value, list):
        return [_plain(entry) for entry in value if entry is not _GONE]
    return value


def _below(here: Any, part: str | int) -> Any:
    if isinstance(here, list):
        return here[part] if isinstance(part, int) and part < len(here) else None
    return here.get(part) if isinstance(here, dict) else None


def each_text(value: Any, path: Path = ()) -> Iterator[tuple[Path, str]]:
    """Every text in some values, with its place."""
    if isinstance(value, Mapping):
        for key, entry in value.items():
            yield from each_text(entry, (*path, key))
    elif isinstance(value, list | tuple):
        for index, entry in enumerate(value):
            yield from each_text(entry, (*path, index))
    elif isinstance(value, str):
        yield path, value
