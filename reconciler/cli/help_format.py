"""How help is laid out: no line is wider than the terminal."""

from __future__ import annotations

import shutil
from collections.abc import Iterable

import click


class HelpFormatter(click.HelpFormatter):
    """Help that fits a narrow terminal, too; click's own is at least 50 columns wide."""

    def __init__(self, indent_increment: int = 2, width: int | None = None, max_width: int | None = None) -> None:
        if width is None:
            width = max(min(shutil.get_terminal_size().columns, max_width or 80) - 2, 28)
        super().__init__(indent_increment, width, max_width)

    def write_dl(self, rows: Iterable[tuple[str, str]], col_max: int = 30, col_spacing: int = 2) -> None:
        """Writes each option or command with its text beside it, or below it if the text has more room there."""
        rows = list(rows)
        longest = max(len(term) for term, _ in rows)
        if self.current_indent + longest + col_spacing <= self.width / 2:
            super().write_dl(rows, col_max, col_spacing)
            return
        for term, text in rows:
            self.write_text(term)
            with self.indentation(), self.indentation():
                self.write_text(text)
