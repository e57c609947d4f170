"""The terminal that a progress bar is drawn on, measured again for each draw: people resize terminals during a run."""

from __future__ import annotations

from typing import Final

from rich.console import Console, ConsoleDimensions

NARROWEST: Final = 20


class BarConsole(Console):
    """stderr, as wide as it is now, less the two columns that `^C` takes when Ctrl-C is pressed."""

    def __init__(self) -> None:
        super().__init__(stderr=True)

    @property  # type: ignore[misc]  # nobody sets it
    def size(self) -> ConsoleDimensions:
        """Columns and lines, now."""
        found = super().size
        return ConsoleDimensions(max(NARROWEST, found.width - len("^C")), found.height)
