"""Unquoted scalars by the core schema of YAML 1.2: `no`, `on`, `12:30` and dates are text."""

from __future__ import annotations

import re
from typing import Final

MAX_NUMBER: Final = 2**53
"""Above this, JSON readers disagree about the value of a number."""

_MAX_DIGITS: Final = 24
"""A number with more digits is too large in any case, and not worth converting."""


NOT_ALWAYS_TEXT: Final = frozenset({"", *"0123456789+-.~nNtTfF"})
"""What an unquoted scalar begins with if it may be something other than text."""


class NotInJson(ValueError):
    """A number that JSON cannot express, with what is wrong with it."""


def plain_value(text: str) -> str | int | float | bool | None:
    """The value of an unquoted scalar. Raises NotInJson."""
    if not text or text in _WORDS:
        return _WORDS.get(text)
    if text[0] not in _NUMBER_STARTS:
        return text
    if _INTEGER.match(text):
        base = {"0o": 8, "0x": 16}.get(text[:2], 10)
        digits = text[2:] if base != 10 else text
        return _bounded(int(digits, base) if len(text) <= _MAX_DIGITS else MAX_NUMBER + 1)
    if re.match(_FLOAT, text):
        number = _bounded(float(text))
        return int(number) if number.is_integer() else number  # as in the canonical form of values
    if re.match(_NO_NUMBER, text):
        raise NotInJson("is not a number in JSON")
    return text


def _bounded(number: float) -> float:
    if abs(number) > MAX_NUMBER:
        raise NotInJson("is too large a number")
    return number


_WORDS: dict[str, bool | None] = {
    **dict.fromkeys(("null", "Null", "NULL", "~"), None),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}
_NUMBER_STARTS = frozenset("0123456789+-.")
_INTEGER = re.compile(r"(?:[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+)\Z")
_FLOAT = r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?\Z"
_NO_NUMBER = r"(?:[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN))\Z"
