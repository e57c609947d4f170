"""Messages that differ only in their numbers, as one message: `would throw away 3 to 12 approved drafts`."""

from __future__ import annotations

import re
from typing import Final

NUMBER: Final = re.compile(r"(?<![\[\w.,])\d[\d,]*")
"""A number of things; not the index of a rule (`posts[0]`)."""

PLURAL: Final = re.compile(r"\b(draft|post)s\b")


def without_numbers(text: str) -> str:
    """The common text of messages that differ only in their numbers."""
    return PLURAL.sub(r"\1", NUMBER.sub("N", text))


class Varied:
    """A message with the smallest and largest of each of its numbers."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._ranges = [(int(found.replace(",", "")),) * 2 for found in NUMBER.findall(text)]

    def add(self, other: Varied) -> None:
        """Adds another message that differs only in its numbers."""
        mine, theirs = self._ranges, other._ranges
        if sum(most for _, most in theirs) > sum(most for _, most in mine):
            self._text = other._text  # the larger numbers come with the plural
        self._ranges = [(min(a[0], b[0]), max(a[1], b[1])) for a, b in zip(mine, theirs, strict=True)]

    def __str__(self) -> str:
        ranges = iter(self._ranges)
        return NUMBER.sub(lambda found: _range(found[0], *next(ranges)), self._text)


def _range(written: str, least: int, most: int) -> str:
    """A number that does not vary stays as it is written: it may be part of a path or a title."""
    return written if least == most else f"{least:,} to {most:,}"
