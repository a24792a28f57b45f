"""Reads amounts that carry a unit (`32Gi`, `500m`, `7d`, `$6,000`), to say the bare number that belongs in the file."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping

from components.spec.fields import unit

_AMOUNT = re.compile(r"^\s*[$]?\s*([+-]?\d[\d_, ]*(?:\.\d+)?)\s*([A-Za-z%$/]*)\s*(?:a month|per month)?\s*$")

_MEMORY = {"": 1.0, "g": 1, "gb": 1, "gi": 1, "gib": 1, "m": 1 / 1024, "mb": 1 / 1024, "mi": 1 / 1024, "mib": 1 / 1024}
_TERA = {"t": 1024.0, "tb": 1024.0, "ti": 1024.0, "tib": 1024.0}
_HOURS = {"": 1.0, "h": 1, "hr": 1, "hrs": 1, "hour": 1, "hours": 1, "d": 24, "day": 24, "days": 24, "m": 1 / 60}
_SECONDS = {"": 1.0, "s": 1, "sec": 1, "seconds": 1, "m": 60, "min": 60, "minutes": 60, "h": 3600, "hours": 3600}
_DAYS = {"": 1.0, "d": 1, "day": 1, "days": 1, "w": 7, "weeks": 7, "h": 1 / 24, "m": 30, "months": 30, "y": 365}
_MONEY = {"": 1.0, "$": 1, "usd": 1, "dollars": 1, "k": 1000}

FACTORS: Mapping[str, Mapping[str, float]] = {
    "GiB": {**_MEMORY, **_TERA},
    "hours": _HOURS,
    "hours a month": _HOURS,
    "seconds": _SECONDS,
    "days": _DAYS,
    "percent": {"": 1.0, "%": 1, "percent": 1},
    "USD": _MONEY,
    "MB/s per TiB": {"": 1.0, "mb/s": 1, "mbps": 1},
}
"""Unit of a key -> spelling after the number, in lower case -> how many of the key's unit one of it is.

Decimal and binary sizes count alike: who writes 100GB into a key in GiB means 100, and the message says the unit.
"""

PLAIN: Mapping[str, float] = {
    "": 1.0,
    "m": 0.001,
    "k": 1000,
    "x": 1,
    "cores": 1,
    "core": 1,
    "vcpu": 1,
    "gpu": 1,
    "gpus": 1,
    "%": 1,
}
"""Spellings after a number in a key without unit; `500m` of a CPU is 0.5."""


def amount(text: str, key: str | int, *, whole: bool) -> float | int | None:
    """The number that a text means in a key's unit; rounded up for a key of whole numbers; None for other texts."""
    match = _AMOUNT.match(text)
    factor = FACTORS.get(unit(key), PLAIN).get(match[2].lower()) if match else None
    if match is None or factor is None:
        return None
    number = float(re.sub(r"[_, ]", "", match[1])) * factor
    if whole:
        return math.ceil(number)
    return int(number) if number.is_integer() else round(number, 3)
