"""Text streams whose errors name the stream, just as an error from opening a file names the file."""

from __future__ import annotations

from io import TextIOWrapper
from typing import IO, Final

STANDARD_OUTPUT: Final = "standard output"


class NamedStream(TextIOWrapper):
    """A stream of text that raises OSError with the name that people know it by."""

    def __init__(
        self,
        out: IO[bytes],
        known_as: str,
        encoding: str = "utf-8",
        newline: str | None = None,
        *,
        at_once: bool = False,
    ) -> None:
        super().__init__(out, encoding=encoding, newline=newline, write_through=at_once)
        self._known_as = known_as

    def write(self, text: str, /) -> int:
        """Writes a text. Raises OSError."""
        try:
            return super().write(text)
        except OSError as error:
            error.filename = self._known_as
            raise

    def flush(self) -> None:
        """Writes what is buffered. Raises OSError."""
        try:
            super().flush()
        except OSError as error:
            error.filename = self._known_as
            raise
