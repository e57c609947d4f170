"""Problems that differ only in their numbers, as one: `would throw away 1 to 12 approved drafts`."""

from __future__ import annotations

import re
from typing import Final

NUMBER: Final = re.compile(r"(?<![\[\w.,])(?:\d+(?:,\d{3})*|nothing)\b")
"""A number of things; not the index of a rule (`posts[0]`)."""

SINGULAR: Final = {
    "drafts": "draft",
    "posts": "post",
    "objects": "object",
    "them": "it",
    "they": "it",
    "have": "has",
    "were": "was",
}
"""The words of these problems that depend on a number."""

_PLURAL: Final = re.compile(rf"\b({'|'.join(SINGULAR)})\b")
_FIX: Final = "\n"


class Varied:
    """A problem with the smallest and largest of each of its numbers. `kind` is what such problems have in common."""

    def __init__(self, message: str, fix: str = "") -> None:
        self._text = f"{message}{_FIX}{fix}"
        self._ranges = [(_number(found),) * 2 for found in NUMBER.findall(self._text)]
        self.kind: Final = _PLURAL.sub(lambda found: SINGULAR[found[0]], NUMBER.sub("N", self._text))

    def add(self, other: Varied) -> None:
        """Adds another problem that differs only in its numbers."""
        words = zip(self._text.split(" "), other._text.split(" "), strict=True)
        self._text = " ".join(max(forms, key=len) for forms in words)  # a plural is longer than its singular
        ranges = zip(self._ranges, other._ranges, strict=True)
        self._ranges = [(min(mine[0], theirs[0]), max(mine[1], theirs[1])) for mine, theirs in ranges]

    @property
    def numbers(self) -> tuple[int, ...]:
        """The smallest of each number."""
        return tuple(least for least, _ in self._ranges)

    @property
    def message(self) -> str:
        """What is wrong."""
        return self._shown().partition(_FIX)[0]

    @property
    def fix(self) -> str:
        """What to do."""
        return self._shown().partition(_FIX)[2]

    def _shown(self) -> str:
        ranges = iter(self._ranges)
        return NUMBER.sub(lambda found: _range(found[0], *next(ranges)), self._text)


def _number(written: str) -> int:
    return 0 if written == "nothing" else int(written.replace(",", ""))


def _range(written: str, least: int, most: int) -> str:
    """A number that does not vary stays as it is written: it may be part of a path or a title."""
    return written if least == most else f"{least:,} to {most:,}"
