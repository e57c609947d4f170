"""Lines as git counts them. YAML recognises more line breaks, so the two may count differently (design.md 1.3)."""

from __future__ import annotations

import re
from bisect import bisect_right
from typing import Final

_BREAK: Final = "\r\n|[\n\r\x85\u2028\u2029]"


class GitLines:
    """The lines of a text, found by the positions that a YAML parser reports."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._begins = [0, *(found.end() for found in re.finditer(_BREAK, text))]
        self._newlines = [at for at in (begin - 1 for begin in self._begins[1:]) if text[at] == "\n"]

    def number(self, line: int) -> int:
        """The number, as git counts, of the line in which a YAML parser's line begins; both count from 1."""
        return bisect_right(self._newlines, self._begins[line - 1] - 1) + 1

    def holds(self, line: int, value: str) -> bool:
        """Whether the line that `number` finds contains a value exactly as it is."""
        before = self.number(line) - 2
        begin = self._newlines[before] + 1 if before >= 0 else 0
        end = self._newlines[before + 1] if before + 1 < len(self._newlines) else len(self._text)
        return value in self._text[begin:end]
