"""How long a text is, in characters as people see them, or as X counts."""

from __future__ import annotations

import re
import unicodedata
from functools import cache
from typing import Any, Final

_URL: Final = r"(?i)https?://[^\s<>\"]*[^\s<>\".,;:!?'()\[\]]"
"""A link in a text, without a full stop or bracket that follows it."""

URL_ON_X: Final = 23
"""How much a link counts on X, however long it is (I: X's own documentation of counting characters)."""

_LIGHT: Final = ((0, 4351), (8192, 8205), (8208, 8223), (8242, 8247))
"""Code points that count 1 on X; all others, including emoji and Chinese, count 2 (I: as URL_ON_X)."""

_KEYCAP: Final = "\u20e3"

_BLANK: Final = frozenset("\u115f\u1160\u2800\u3164\uffa0\ufffc\U0001d159")
"""Letters and symbols that show nothing: Hangul fillers, the blank Braille cell, object replacement, null notehead."""


def letters(text: str) -> int:
    """How many characters a person counts: grapheme clusters, so that a family emoji is one."""
    if text.isascii() and "\r\n" not in text:
        return len(text)
    return len(_clusters().findall(text))


def x_length(text: str) -> int:
    """The length of a text as X counts it."""
    found = re.findall(_URL, text)
    rest = unicodedata.normalize("NFC", re.sub(_URL, "", text))
    return URL_ON_X * len(found) + sum(_weight(cluster) for cluster in _clusters().findall(rest))


def shows_anything(text: str) -> bool:
    """Whether a person sees anything in a text: zero-width characters, whitespace and lone accents do not show."""
    return any(unicodedata.category(character)[0] in "LNPS" and character not in _BLANK for character in text)


def _weight(cluster: str) -> int:
    # An emoji counts 2 however many code points it has; other clusters are the sum of theirs.
    if len(cluster) > 1 and any(unicodedata.category(each) == "So" or each == _KEYCAP for each in cluster):
        return 2
    return sum(1 if any(low <= ord(each) <= high for low, high in _LIGHT) else 2 for each in cluster)


@cache
def _clusters() -> Any:
    """The pattern of a grapheme cluster. Its library is loaded only when a text needs it."""
    import regex  # type: ignore[import-untyped]  # its stubs are a package of their own

    return regex.compile(r"\X")
