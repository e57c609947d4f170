"""The bodies of answers: bytes -> plain JSON values, without secrets and without halves of characters.

An answer may echo what it was sent. Whatever comes out of here has `***` in the place of a secret.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from typing import Any, Final

LARGEST: Final = 16 * 1024 * 1024
"""Bytes of an answer, decompressed. The largest honest one, a marketing plan with all its posts, stays far below."""

MASK: Final = "***"

_SHORTEST_IN_CONTENT: Final = 12
"""A shorter secret is masked in errors only: in content, a key like `test` would mask ordinary words."""

_HALVES: Final = re.compile("[\ud800-\udfff]")


class NotJson(ValueError):
    """A body that is no JSON; `text` is what it says, without secrets."""

    def __init__(self, text: str) -> None:
        super().__init__("no JSON")
        self.text = text


def masked(text: str, secrets: Sequence[str]) -> str:
    """The text without the secrets."""
    for secret in secrets:
        if secret:
            text = text.replace(secret, MASK)
    return text


def decode(raw: bytes, secrets: Sequence[str], *, content: bool) -> Any:
    """The JSON value of a body; an empty body is an empty object. Raises NotJson.

    `content`: the answer of a successful request, whose texts people wrote or read.
    """
    if not raw.strip():
        return {}
    hidden = tuple(one for one in secrets if len(one) >= (_SHORTEST_IN_CONTENT if content else 1))
    try:
        value = json.loads(raw, parse_constant=_refuse, parse_float=_finite)
        # Only an escape can hide a secret or half a character from the cheap look at the bytes.
        if b"\\" in raw or not content or any(one.encode() in raw for one in hidden):
            value = _cleaned(value, hidden)
    except (ValueError, RecursionError):
        raise NotJson(masked(raw[:65536].decode("utf-8", "replace"), hidden)) from None
    return value


def _refuse(constant: str) -> float:
    raise ValueError(f"{constant} is no JSON")


def _finite(text: str) -> float:
    number = float(text)
    if number in (float("inf"), float("-inf")):
        raise ValueError("a number beyond all bounds")
    return number


def _cleaned(value: Any, secrets: Sequence[str]) -> Any:
    if isinstance(value, str):
        text = masked(value, secrets)
        return text if text.isascii() else _HALVES.sub("\ufffd", text)
    if isinstance(value, dict):
        return {_cleaned(key, secrets): _cleaned(member, secrets) for key, member in value.items()}
    if isinstance(value, list):
        return [_cleaned(member, secrets) for member in value]
    return value
