"""Kubernetes quantities (`500m`, `32Gi`, `8`) as exact numbers."""

from __future__ import annotations

import re
from decimal import Decimal

# The grammar of k8s.io/apimachinery/pkg/api/resource: a number, then a binary suffix, a decimal one or an exponent.
_QUANTITY = re.compile(r"^([+-]?(?:\d+\.?\d*|\.\d+))(?:([KMGTPE]i)|([numkMGTPE])|[eE]([+-]?\d+))?$")
_BINARY = {f"{letter}i": Decimal(1024) ** power for power, letter in enumerate("KMGTPE", start=1)}
_DECIMAL = {"n": -9, "u": -6, "m": -3, "k": 3, "M": 6, "G": 9, "T": 12, "P": 15, "E": 18}


def quantity(text: str) -> Decimal | None:
    """The number that a quantity means, in its base unit (cores, bytes, devices); None when it is none."""
    match = _QUANTITY.match(text.strip())
    if match is None:
        return None
    number, binary, decimal, exponent = match.groups()
    if binary:
        return Decimal(number) * _BINARY[binary]
    return Decimal(number).scaleb(_DECIMAL[decimal] if decimal else int(exponent or 0))
