"""The edits that messages offer: paths and values written the way a person types them into a stack file."""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Iterable, Mapping
from typing import Any

from components.spec.base import Path, dotted

_PLAIN = re.compile(r"^[A-Za-z/~][A-Za-z0-9_./+-]*$|^\d+\.\d+\.\d+\.\d+/\d+$|^\d+g\.\d+gb(\+me)?$")
CLOSE = 0.65
"""How alike two names must be, from 0 to 1, for one to be offered instead of the other."""

_WORDS = frozenset({"true", "false", "yes", "no", "on", "off", "null", "y", "n", "~"})
"""Plain words that some reader of YAML takes for something else than text."""


def flow(value: Any) -> str:
    """A value on one line of YAML, quoted only where it must be."""
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{flow(key)}: {flow(entry)}" for key, entry in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(flow(entry) for entry in value) + "]"
    if isinstance(value, str) and _PLAIN.fullmatch(value) and value.lower() not in _WORDS:
        return value
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    text = json.dumps(value, ensure_ascii=False, default=str)
    return "".join(one if one.isprintable() else f"\\U{ord(one):08x}" for one in text)


def put(path: Path, value: Any) -> str:
    """`set ...`: write this value there."""
    if path and isinstance(path[-1], int):
        return f"write `{flow(value)}` at `{dotted(path)}`"
    return f"set `{dotted(path)}: {flow(value)}`"


def add(path: Path, value: Any) -> str:
    """`add ...`: the key is not there yet."""
    return f"add `{dotted(path)}: {flow(value)}`"


def remove(path: Path) -> str:
    """`remove ...`: take the key away; where a profile sets it, `null` does that."""
    return f"remove `{dotted(path)}` (write `null` where a profile sets it)"


def listed(names: Iterable[object], at_most: int = 12) -> str:
    """Names in one line; where they are many, the first ones and how many more there are."""
    shown = [str(name) for name in names]
    more = len(shown) - at_most
    return ", ".join(shown[:at_most]) + (f" and {more} more" if more > 0 else "")


def counted(number: float, noun: str) -> str:
    """A number with its noun: `1 GPU`, `2 GPUs`, `0.5 GPUs`."""
    return f"{number:g} {noun}{'' if number == 1 else 's'}"


def nearest(given: object, known: Iterable[str], at_most: int = 3) -> list[str]:
    """The known names most like a given one, best first. Case, dashes and underscores count for nothing."""
    text = _plain(str(given))
    ranked = sorted((-difflib.SequenceMatcher(None, _plain(name), text).ratio(), name) for name in known)
    close = [name for score, name in ranked if -score >= CLOSE]
    within = [name for _, name in ranked if len(text) > 2 and (text in _plain(name) or _plain(name) in text)]
    return list(dict.fromkeys([*close, *within]))[:at_most]


def _plain(name: str) -> str:
    return re.sub(r"[-_ ]", "", name).lower()


def slug(text: str, longest: int = 40) -> str:
    """A text made into a name: lower case, dashes for whatever else, beginning with a letter."""
    words = re.sub(r"[^a-z0-9]+", "-", re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "-", text).lower()).strip("-")
    return re.sub(r"^[^a-z]+", "", words)[:longest].strip("-") or "name"
