"""Lines that wait until the end of a run, in a temporary file, so that memory does not grow with their number."""

from __future__ import annotations

import weakref
from collections.abc import Iterator, Sequence
from tempfile import SpooledTemporaryFile
from typing import Final

from reconciler.reporters.layout import Line, Screen

IN_MEMORY: Final = 256 * 1024
"""How many bytes of text are kept in memory before they go to a file."""

KeptText = tuple[int, int]
"""Where a text starts in the file, and how many lines it has."""

_CAUSE_END: Final = "\x1f"
"""What follows the cause of a line in the file. No line has it: control characters are made visible."""


class LineFile:
    """Keeps lines as they are on a screen, each with its cause."""

    def __init__(self, screen: Screen) -> None:
        self._screen = screen
        self._text: SpooledTemporaryFile[str] | None = None

    def keep(self, lines: Sequence[Line]) -> KeptText:
        """Adds a text, and returns where it is."""
        if self._text is None:
            self._text = SpooledTemporaryFile(  # noqa: SIM115 - open until all lines are shown
                IN_MEMORY, "w+", encoding="utf-8", errors="surrogatepass", newline="\n"
            )
            weakref.finalize(self, self._text.close)
        self._text.seek(0, 2)
        start, count = self._text.tell(), 0
        for line in lines:
            for text in line.on(self._screen):
                self._text.write(f"{line.cause}{_CAUSE_END if line.cause else ''}{text.rstrip()}\n")
                count += 1
        return start, count

    def read(self, kept: KeptText) -> Iterator[tuple[str, str]]:
        """The lines of a text, each after its cause, which may be empty."""
        assert self._text is not None
        self._text.seek(kept[0])
        for _ in range(kept[1]):
            cause, _, text = self._text.readline().rstrip("\n").rpartition(_CAUSE_END)
            yield cause, text
