"""Which value a YAML scalar stands for, by the rules of the Pulumi engine (Go's yaml.v3), not by PyYAML's.

The two differ where it hurts: to the engine `on` and `12:30` are text, `0755` is 493, `1e3` is the integer 1000 and
`2026-01-01` is the text `2026-01-01 00:00:00 +0000 UTC`. `tests/engine/test_yaml_values.py` holds this module against
the real engine.
"""

from __future__ import annotations

import base64
import calendar
import math
import re
from dataclasses import dataclass
from decimal import Decimal

NULL, BOOL, STR, INT, FLOAT, TIME, BINARY, MERGE = (
    f"!!{name}" for name in ("null", "bool", "str", "int", "float", "timestamp", "binary", "merge")
)
_TAG_PREFIX = "tag:yaml.org,2002:"
_RESOLVED_TAGS = frozenset({STR, BOOL, INT, FLOAT, NULL, TIME})

_NAMED: dict[str, tuple[str, bool | float | None]] = {
    **dict.fromkeys(("true", "True", "TRUE"), (BOOL, True)),
    **dict.fromkeys(("false", "False", "FALSE"), (BOOL, False)),
    **dict.fromkeys(("", "~", "null", "Null", "NULL"), (NULL, None)),
    **dict.fromkeys((".nan", ".NaN", ".NAN"), (FLOAT, math.nan)),
    **dict.fromkeys((".inf", ".Inf", ".INF", "+.inf", "+.Inf", "+.INF"), (FLOAT, math.inf)),
    **dict.fromkeys(("-.inf", "-.Inf", "-.INF"), (FLOAT, -math.inf)),
}
_INTEGER = re.compile(
    r"([-+]?)(?:0[xX]([0-9a-fA-F]+)|0[bB]([01]+)|0[oO]?([0-7]+)|(0|[1-9][0-9]*))\Z"
    r"|0b([-+][01]+)\Z|0o([-+][0-7]+)\Z",  # a sign after the mark: yaml.v3's second try accepts it
    re.ASCII,
)
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?\Z", re.ASCII)
_POINT_FLOAT = re.compile(r"\.[0-9]+(_[0-9]+)*([eE][-+]?[0-9]+(_[0-9]+)*)?\Z", re.ASCII)
_TIME = re.compile(
    r"(\d{4})-(\d{1,2})-(\d{1,2})"
    r"(?:(?:[Tt](\d{1,2}):(\d{1,2}):(\d{1,2})(?:[.,](\d+))?(Z|[-+]\d{2}:\d{2}))"
    r"|(?: (\d{1,2}):(\d{1,2}):(\d{1,2})(?:[.,](\d+))?))?\Z",
    re.ASCII,
)
_INT64 = range(-(2**63), 2**63)
_UINT64_END = 2**64


class ScalarError(ValueError):
    """A scalar that the engine refuses, or makes something else of by accident; `fix` is the edit that repairs it."""

    def __init__(self, message: str, fix: str) -> None:
        super().__init__(message)
        self.fix = fix


@dataclass(frozen=True)
class Timestamp:
    """A date or time as the engine prints it, for it has no such type in configuration and passes on this text."""

    text: str


Scalar = str | bool | int | float | Timestamp | None


def short_tag(tag: str | None) -> str:
    """Shorten a YAML core tag (`tag:yaml.org,2002:int`) to `!!int`; other tags stay. No tag is the empty string."""
    if not tag or tag == "!":
        return ""
    return f"!!{tag.removeprefix(_TAG_PREFIX)}" if tag.startswith(_TAG_PREFIX) else tag


def resolve(tag: str, text: str) -> tuple[str, Scalar]:
    """Return the tag and value of an unquoted scalar, or of one with an explicit tag.

    Raises `ScalarError` when the text is no such thing (`!!int abc`).
    """
    if tag == BINARY:
        return BINARY, _binary(text)
    if tag and tag not in _RESOLVED_TAGS:
        return tag, text
    if tag == STR:
        return STR, text
    found, value = _implicit(tag, text)
    if tag in ("", found):
        return found, value
    if tag == FLOAT and found == INT and isinstance(value, int) and value in _INT64:
        return FLOAT, float(value)
    raise ScalarError(f"`{text}` is no {tag}, but {found}", "delete the tag, or write what it says")


def _implicit(tag: str, text: str) -> tuple[str, Scalar]:
    if text in _NAMED:
        return _NAMED[text]
    if text[0] == "." and _POINT_FLOAT.match(text):
        return _finite(text)
    if text[0] not in "+-0123456789":
        return STR, text
    if tag in ("", TIME) and (time := _timestamp(text)) is not None:
        return TIME, time
    plain = text.replace("_", "")
    number = _integer(plain)
    if number is not None:
        return INT, number
    return _finite(plain, text) if _FLOAT.match(plain) else (STR, text)


def _integer(text: str) -> int | None:
    """Go's integer literals: 0x, 0b, 0o and a leading 0 for octal. What no 64 bits hold is none."""
    match = _INTEGER.match(text)
    if match is None:
        return None
    sign, *parts = match.groups()
    number = next(int(digits, base) for digits, base in zip(parts, (16, 2, 8, 10, 2, 8), strict=True) if digits)
    if sign == "-":
        number = -number
    # Go's unsigned parser takes no sign, so a signed number ends where 63 bits do.
    return number if number in _INT64 or (not sign and number < _UINT64_END) else None


def _finite(plain: str, text: str | None = None) -> tuple[str, Scalar]:
    """A float; text where Go finds it out of range."""
    number = float(plain)
    return (FLOAT, number) if math.isfinite(number) else (STR, text or plain)


def _timestamp(text: str) -> Timestamp | None:
    match = _TIME.match(text)
    if match is None:
        return None
    year, month, day = (int(part) for part in match.group(1, 2, 3))
    first = 4 if match.group(4) else 9
    hour, minute, second = (int(part or 0) for part in match.group(first, first + 1, first + 2))
    if not 1 <= month <= 12 or not 1 <= day <= calendar.monthrange(year, month)[1]:
        return None
    if hour > 23 or minute > 59 or second > 59:
        return None
    if match.group(8) not in (None, "Z", "+00:00", "-00:00"):
        message = f"`{text}` is a time whose text depends on the time zone of the machine that runs the engine"
        raise ScalarError(message, "write it in quotes")
    fraction = (match.group(first + 3) or "")[:9].rstrip("0")
    point = f".{fraction}" if fraction else ""
    return Timestamp(f"{year:04}-{month:02}-{day:02} {hour:02}:{minute:02}:{second:02}{point} +0000 UTC")


def _binary(text: str) -> str:
    try:
        return base64.b64decode(text.replace("\r", "").replace("\n", ""), validate=True).decode()
    except ValueError as error:  # not base64, or bytes that are not UTF-8
        raise ScalarError(f"`{text}` is not the base64 form of UTF-8 text", "write the text itself") from error


def in_object(scalar: Scalar) -> str | bool | int | float | None:
    """The value that a program gets for a scalar inside an object, which travels as JSON.

    Raises `ScalarError` for what does not arrive: infinities, NaN, and the first line break of some texts.
    """
    if isinstance(scalar, bool) or scalar is None:
        return scalar
    if isinstance(scalar, int):
        return scalar if scalar in _INT64 else in_object(float(scalar))
    if isinstance(scalar, float):
        if not math.isfinite(scalar):
            raise ScalarError("infinity and NaN cannot be configuration values", "write a finite number")
        # Go writes a float below 1e21 without an exponent, from its shortest digits: an integer to who reads the JSON.
        return int(Decimal(repr(scalar))) if scalar.is_integer() and abs(scalar) < 1e21 else scalar
    return _arriving(scalar.text if isinstance(scalar, Timestamp) else scalar)


def as_text(scalar: Scalar) -> str:
    """The text that a program gets for a scalar directly below `config:`, where the engine knows nothing but text."""
    if isinstance(scalar, bool):
        return "true" if scalar else "false"
    if scalar is None:
        return ""
    if isinstance(scalar, int):
        return str(scalar)
    arriving = in_object(scalar)
    return arriving if isinstance(arriving, str) else _float_text(float(arriving or 0))


def _arriving(text: str) -> str:
    if "\n" in text and text[0] in "\n\t\r\x85\u2028\u2029":
        # yaml.v3 writes such a text as a block without an indentation mark and then misreads its own output.
        message = (
            "the engine loses the first line break of a text that starts with an empty line, and refuses a tab there"
        )
        raise ScalarError(message, "start the text with something visible")
    return text


def _float_text(number: float) -> str:
    """Go's JSON form of a float: plain digits from 1e-6 up to 1e21, else `1e-7` and `1e+21`."""
    shortest = Decimal(repr(number)).normalize()
    if not number or 1e-6 <= abs(number) < 1e21:
        return f"{shortest:f}"
    mantissa, _, exponent = f"{shortest:e}".partition("e")
    return f"{mantissa}e{int(exponent):+}"
