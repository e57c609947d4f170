"""The bodies of answers: bytes -> plain JSON values, without secrets or lone surrogates.

An answer may echo what it was sent. In everything that leaves this module, `***` replaces secrets.
"""

from __future__ import annotations

import json
import re
import zlib
from collections.abc import AsyncIterable, Sequence
from typing import Any, Final

from msgspec.json import decode as from_json

from reconciler.model.echoes import masked, may_echo
from reconciler.model.text import in_quotes, printable

LARGEST: Final = 16 * 1024 * 1024
"""The limit for an answer, in bytes after decompression.

Real ones, even a marketing plan with all posts, are far smaller.
"""

TOO_LARGE: Final = f"it is longer than {LARGEST // 2**20} MiB"

_SHORTEST_IN_CONTENT: Final = 8
"""Secrets with fewer characters are not masked in content: they may be ordinary words. No API key is that short."""

_LARGEST_ERROR: Final = 64 * 1024
"""The largest error body that is parsed, in bytes; a longer one is cut, and treated as text."""

_TELLING_ESCAPE: Final = re.compile(rb'\\[^nrtbf"]')
_LONG_NUMBER: Final = re.compile(rb"[0-9]{16}|[0-9][eE]")

_HALVES: Final = "[\ud800-\udfff]"


class NotJson(ValueError):
    """A body that is not JSON. `text` is what it says, without secrets."""

    def __init__(self, text: str) -> None:
        super().__init__("not JSON")
        self.text = text

    @property
    def kind(self) -> str:
        """What it is instead, for people."""
        text = self.text.lstrip()
        if not text:
            return "an empty body"
        return "an HTML page" if text.startswith("<") else "text that is not valid JSON"


class BadBody(Exception):
    """A body that is incomplete or too large. The message says which."""

    def __init__(self, why: str, *, lasting: bool) -> None:
        super().__init__(why)
        self.lasting = lasting
        """Whether trying again at once would have the same result."""


async def received(encoding: str, chunks: AsyncIterable[bytes]) -> bytes:
    """The bytes of a body, decompressed, and never more than LARGEST. Raises BadBody.

    `encoding` is its Content-Encoding: gzip, which is what was requested, or none.
    """
    packed = _is_packed(encoding)
    parts: list[bytes] = []
    size = 0
    async for chunk in chunks:
        size += len(chunk)
        if size > LARGEST:
            raise BadBody(TOO_LARGE, lasting=True)
        parts.append(chunk)
    raw = b"".join(parts)
    return _unpacked(raw) if packed else raw


def received_at_once(encoding: str, raw: bytes) -> bytes:
    """`received` for a body that is already there."""
    packed = _is_packed(encoding)
    if len(raw) > LARGEST:
        raise BadBody(TOO_LARGE, lasting=True)
    return _unpacked(raw) if packed else raw


def _is_packed(encoding: str) -> bool:
    if not encoding:
        return False
    codings = [coding for part in encoding.lower().split(",") if (coding := part.strip()) not in ("", "identity")]
    if codings not in ([], ["gzip"]):
        raise BadBody(
            f"its content encoding is {in_quotes(printable(encoding)[:100])}, but gzip was requested", lasting=True
        )
    return bool(codings)


def _unpacked(raw: bytes) -> bytes:
    unpacking = zlib.decompressobj(wbits=31)  # only gzip
    try:
        body = unpacking.decompress(raw, LARGEST + 1)
    except zlib.error:
        raise BadBody("its compressed data is corrupt", lasting=False) from None
    if len(body) > LARGEST:
        raise BadBody(TOO_LARGE, lasting=True)
    if not unpacking.eof or unpacking.unused_data:
        raise BadBody("its compressed data is corrupt", lasting=False)
    return body


def decode(raw: bytes, secrets: Sequence[str], *, content: bool) -> Any:
    """The JSON value of a body. Raises NotJson, even for an empty one: every success has a body (S-sdk, section 1).

    `content`: this is the answer to a successful request, whose texts people wrote or read.
    """
    if not raw.strip():
        raise NotJson("")
    if content:
        secrets = tuple(secret for secret in secrets if len(secret) >= _SHORTEST_IN_CONTENT)
    try:
        if not content and len(raw) > _LARGEST_ERROR:
            raise ValueError("longer than any error")
        value = _parsed(raw)
        if not content or may_echo(raw, secrets):
            return _cleaned(value, secrets)
        return _cleaned(value, secrets, only_likely=True) if _may_hide_a_secret(raw, secrets) else value
    except (ValueError, RecursionError):
        raise NotJson(masked(raw[:_LARGEST_ERROR].decode("utf-8", "replace"), secrets)) from None


def _may_hide_a_secret(raw: bytes, secrets: Sequence[str]) -> bool:
    """Whether an escape may hide a secret, or a lone surrogate, from a search of the bytes.

    A line break, which nearly every caption contains, hides nothing, because no secret contains one.
    """
    if b"\\" not in raw:
        return False
    return _TELLING_ESCAPE.search(raw) is not None or any('"' in secret for secret in secrets)


def _parsed(raw: bytes) -> Any:
    """The JSON value of the bytes, by the fast parser except where parsers disagree. Raises ValueError."""
    if b"\\u" not in raw and _LONG_NUMBER.search(raw) is None:
        try:
            return from_json(raw)
        except ValueError:
            pass  # the other parser says what is wrong, and accepts what is odd but harmless
    return json.loads(raw, parse_constant=_refuse, parse_float=_finite, parse_int=_bounded)


def _refuse(constant: str) -> float:
    raise ValueError(f"{constant} is not JSON")


def _bounded(text: str) -> int:
    number = int(text) if len(text) <= 20 else None
    if number is None or not -(2**63) <= number < 2**64:
        raise ValueError("a number beyond 64 bits")
    return number


def _finite(text: str) -> float:
    number = float(text)
    if number in (float("inf"), float("-inf")):
        raise ValueError("a number that is too large")
    return number


def _cleaned(value: Any, secrets: Sequence[str], only_likely: bool = False) -> Any:
    """A value without secrets or lone surrogates. `only_likely`: checks closely only suspicious texts."""
    if isinstance(value, str):
        if not only_likely or may_echo(value.encode("utf-8", "surrogatepass"), secrets):
            value = masked(value, secrets)
        return value if value.isascii() else re.sub(_HALVES, "\ufffd", value)
    if isinstance(value, dict):
        return {
            _cleaned(key, secrets, only_likely): _cleaned(member, secrets, only_likely) for key, member in value.items()
        }
    if isinstance(value, list):
        return [_cleaned(member, secrets, only_likely) for member in value]
    return value
