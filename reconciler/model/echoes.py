"""Finds a secret, or a recognisable part of one, in what the remote side sends, even if it is escaped or encoded.

`may_echo` is the cheap check that every answer gets, for whole secrets and for the parts between their dots. `masked`
looks closely: at every part of twelve characters, beneath escapes and whitespace, and inside hex and base64.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import Final

from msgspec import Struct

MASK: Final = "***"

RECOGNISABLE: Final = 12
"""How many characters of a secret in a row give it away."""

_ESCAPE: Final = (
    r"(?i)%(?:25)*(?P<url>[0-9a-f]{2})|\\+u\{?0*(?P<unicode>[0-9a-f]{2})(?![0-9a-f])\}?|\\+x(?P<hex>[0-9a-f]{2})"
    r"|\\+(?P<octal>[01][0-7]{2})|&(?:amp;)*#x0*(?P<html>[0-9a-f]{2});|&(?:amp;)*#0*(?P<decimal>\d{2,3});"
    r"|&(?:amp;)*(?P<name>amp|lt|gt|quot|apos);|\\+(?P<same>[\"'/\\])"
)
_NAMED: Final = {"amp": "&", "lt": "<", "gt": ">", "quot": '"', "apos": "'"}

_HEX: Final = r"(?i)(?:(?:0x)?[0-9a-f]{2}[:,;._-]?){8,}"
_BASE64: Final = r"[A-Za-z0-9+/_-]{11,}"
_TAIL: Final = re.compile(r"[\w.~%+/=\\-]*")

_DEEPEST: Final = 2
"""How many levels of nested encodings are searched."""


def may_echo(raw: bytes, secrets: Sequence[str]) -> bool:
    """Whether bytes may contain a secret, or a part of one between dots: as it is, escaped, in hex or in base64."""
    folded = raw.lower()
    for secret in filter(None, secrets):
        for sign in _signs(secret):  # runs for every answer, and a generator takes twice as long
            if sign in folded:
                return True
        if _has_escaped(folded, secret):
            return True
    return False


def masked(text: str, secrets: Sequence[str]) -> str:
    """The text with `***` in place of each secret or recognisable part of one."""
    spans: list[tuple[int, int]] = []
    bare = _Bare.of(text)
    for secret in filter(None, secrets):
        for form in {secret, _Bare.of(secret).text}:  # a secret may itself look escaped
            spans += ((bare.at[begin], bare.at[end]) for begin, end in _echoes(bare.text, form))
    if not spans:
        return text
    parts: list[str] = []
    done = 0
    for begin, end in sorted(spans):
        if begin >= done:
            parts += (text[done:begin], MASK)
        done = max(done, end)
    return "".join((*parts, text[done:]))


class _Bare(Struct, frozen=True):
    """A text without escapes, whitespace and invisible characters.

    `at` has each character's original position, and the end.
    """

    text: str
    at: list[int]

    @classmethod
    def of(cls, text: str) -> _Bare:
        import unicodedata

        kept: list[str] = []
        at: list[int] = []

        def keep(character: str, place: int) -> None:
            if not character.isascii():
                character = unicodedata.normalize("NFKC", character)
            if len(character) == 1 and "!" <= character <= "~":
                kept.append(character)
                at.append(place)
            elif len(character) != 1 or (character.isprintable() and character != " "):
                kept.append("\N{REPLACEMENT CHARACTER}")  # not part of any secret
                at.append(place)

        done = 0
        for found in re.finditer(_ESCAPE, text):
            for place in range(done, found.start()):
                keep(text[place], place)
            keep(_unescaped(found), found.start())
            done = found.end()
        for place in range(done, len(text)):
            keep(text[place], place)
        return cls("".join(kept), [*at, len(text)])


def _unescaped(found: re.Match[str]) -> str:
    kind, written = found.lastgroup, found[found.lastgroup or 0]
    if kind == "name":
        return _NAMED[written.lower()]
    if kind == "same":
        return written
    return chr(int(written, {"octal": 8, "decimal": 10}.get(kind or "", 16)))


def _echoes(text: str, secret: str, depth: int = 0) -> Iterator[tuple[int, int]]:
    """Where a text without whitespace contains a recognisable part of a secret, plain or encoded."""
    wanted, parts = _parts(secret)
    folded = text.lower()
    size = min(RECOGNISABLE, len(wanted))
    at = 0 if size else len(folded) + 1  # a secret of whitespace cannot be found
    while at + size <= len(folded):
        known = parts.get(folded[at : at + size])
        if known is None:
            at += 1
            continue
        end, last = at + size, known + size
        while end < len(folded) and last < len(wanted) and folded[end] == wanted[last]:
            end, last = end + 1, last + 1
        if found := _TAIL.match(text, end):
            end = found.end()
        yield at, end
        at = end
    if depth == _DEEPEST:
        return
    for found in re.finditer(_HEX, text):
        digits = re.sub("0x|[^0-9a-f]", "", found[0].lower())
        for shift in (0, 1):
            even = digits[shift : shift + (len(digits) - shift) // 2 * 2]
            if _inside(bytes.fromhex(even), secret, depth) is not None:
                yield found.span()
    for found in re.finditer(_BASE64, text):
        begin = min(_in_base64(found[0], secret, depth), default=None)
        if begin is not None:
            yield found.start() + begin, found.end()


def _in_base64(run: str, secret: str, depth: int) -> Iterator[int]:
    """Roughly where in a run of base64 an encoded secret begins."""
    from binascii import a2b_base64

    plain = run.translate({ord("-"): "+", ord("_"): "/"})
    for shift in range(4):
        whole = plain[shift : shift + (len(plain) - shift) // 4 * 4]
        rest = plain[shift + len(whole) :]
        whole += rest + "=" * (4 - len(rest)) if len(rest) > 1 else ""
        place = _inside(a2b_base64(whole), secret, depth)
        if place is not None:
            yield shift + place * 4 // 3


def _inside(data: bytes, secret: str, depth: int) -> int | None:
    found = next(_echoes(data.decode("latin-1"), secret, depth + 1), None)
    return None if found is None else found[0]


@lru_cache(maxsize=256)
def _parts(secret: str) -> tuple[str, dict[str, int]]:
    """A secret in lower case and without whitespace, and each recognisable part of it with its position."""
    wanted = "".join(secret.split()).lower()
    size = min(RECOGNISABLE, len(wanted))
    return wanted, {wanted[at : at + size]: at for at in range(len(wanted) - size, -1, -1)}


@lru_cache(maxsize=256)
def _signs(secret: str) -> tuple[bytes, ...]:
    head = secret[:RECOGNISABLE]
    later = [secret[at + 1 : at + 1 + RECOGNISABLE] for at, mark in enumerate(secret) if mark == "."]
    forms = [head, secret[-RECOGNISABLE:], *(part for part in later if len(part) == RECOGNISABLE), head.encode().hex()]
    return tuple(form.lower().encode() for form in (*forms, *_base64_forms(head)))


@lru_cache(maxsize=256)
def _codes(secret: str) -> frozenset[bytes]:
    return frozenset(b"%02x" % ord(mark) for mark in secret[:RECOGNISABLE])


def _has_escaped(folded: bytes, secret: str) -> bool:
    r"""Whether a character of a secret occurs as `%2f` or `\u002f`."""
    codes: frozenset[bytes] | None = None
    for escape in (b"%", b"\\u00"):
        if escape in folded:
            codes = codes or _codes(secret)
            if any(part[:2] in codes for part in folded.split(escape)[1:]):
                return True
    return False


def _base64_forms(text: str) -> list[str]:
    """The part of a base64 encoding that depends on this text alone, whatever surrounds it, in both alphabets."""
    from base64 import b64encode, urlsafe_b64encode

    forms = set()
    for before in range(3):
        for encode in (b64encode, urlsafe_b64encode):
            encoded = encode(bytes(before) + text.encode()).decode()
            forms.add(encoded[-(-before * 8 // 6) : (before + len(text.encode())) * 8 // 6])
    return sorted(forms)
