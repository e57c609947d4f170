"""A value that never prints itself, and how an echo of it is found in what the remote side says."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache
from typing import Final

MASK: Final = "***"

_TELLING: Final = 12
"""Characters at the beginning of a secret that give it away: a message that was cut short may hold no more of it."""


class Secret:
    """A key or token. `str`, `repr` and formatting give `***`; pickling and copying into JSON fail."""

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value

    def reveal(self) -> str:
        """The value itself. Called by the transport alone, at the moment a header or body is made."""
        return self._value

    def __repr__(self) -> str:
        return MASK

    __str__ = __repr__

    def __format__(self, spec: str) -> str:
        return format(MASK, spec)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and self._value == other._value

    def __hash__(self) -> int:
        return hash(("Secret", self._value))

    def __reduce__(self) -> tuple[object, ...]:
        raise TypeError("a secret cannot be pickled")


def masked(text: str, secrets: Sequence[str]) -> str:
    """The text with `***` for each echo of a secret: in any case, URL-encoded, escaped, in hex or base64, cut short."""
    for secret in secrets:
        if secret:
            text = _echo(secret).sub(MASK, text)
    return text


def may_echo(raw: bytes, secrets: Sequence[str]) -> bool:
    """Whether bytes may hold an echo of a secret: a cheap look, which is right whenever it says no."""
    folded = raw.lower()
    return any(
        any(sign in folded for sign in _signs(secret)) or _has_escaped(folded, _codes(secret))
        for secret in secrets
        if secret
    )


@lru_cache(maxsize=256)
def _echo(secret: str) -> re.Pattern[str]:
    head = secret[:_TELLING]
    plain = "".join(rf"(?:{re.escape(mark)}|%{ord(mark):02x}|\\u{ord(mark):04x})" for mark in head)
    forms = [plain + r"[\w.~%+/=\\-]*", re.escape(head.encode().hex()) + "[0-9a-f]*"]
    forms += [re.escape(form) + r"[\w+/=-]*" for form in _in_base64(head)]
    return re.compile("|".join(forms), re.IGNORECASE)


@lru_cache(maxsize=256)
def _signs(secret: str) -> tuple[bytes, ...]:
    head = secret[:_TELLING]
    return tuple(form.lower().encode() for form in (head, head.encode().hex(), *_in_base64(head)))


@lru_cache(maxsize=256)
def _codes(secret: str) -> frozenset[bytes]:
    return frozenset(b"%02x" % ord(mark) for mark in secret[:_TELLING])


def _has_escaped(folded: bytes, codes: frozenset[bytes]) -> bool:
    r"""Whether a character of a secret is there as `%2f` or `\u002f`."""
    return any(
        part[:2] in codes for escape in (b"%", b"\\u00") if escape in folded for part in folded.split(escape)[1:]
    )


def _in_base64(text: str) -> list[str]:
    """What of the base64 of any text with this one in it depends on this one alone, in both alphabets."""
    from base64 import b64encode, urlsafe_b64encode

    forms = set()
    for before in range(3):
        for encode in (b64encode, urlsafe_b64encode):
            encoded = encode(bytes(before) + text.encode()).decode()
            forms.add(encoded[-(-before * 8 // 6) : (before + len(text.encode())) * 8 // 6])
    return sorted(forms)
