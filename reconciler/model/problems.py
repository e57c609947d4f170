"""Problem and Place: what is wrong, and in which file, line and column."""

from __future__ import annotations

from msgspec import Struct


class Place(Struct, frozen=True, order=True):
    """Where something stands. Lines and columns count from 1; 0 means the file as a whole."""

    file: str
    line: int = 0
    column: int = 0

    def __str__(self) -> str:
        if not self.line:
            return self.file
        return f"{self.file}:{self.line}:{self.column}"


class Problem(Struct, frozen=True, order=True):
    """One thing that is wrong: where, what (with its path in the document), and what would be right."""

    place: Place
    message: str
    hint: str = ""

    def __str__(self) -> str:
        return f"{self.place}: {self.message}" + (f"; {self.hint}" if self.hint else "")


class InvalidFiles(Exception):
    """Files that cannot be used; carries every problem of every file."""

    def __init__(self, problems: tuple[Problem, ...]) -> None:
        super().__init__("\n".join(str(problem) for problem in problems))
        self.problems = problems


class UsageError(Exception):
    """Something on the command line or in the environment that the user can put right (exit code 1)."""
