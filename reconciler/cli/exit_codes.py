"""Exit codes, as functions of what was planned and done (product.md 2.1)."""

from __future__ import annotations

from collections.abc import Iterable
from enum import IntEnum
from typing import Final


class ExitCode(IntEnum):
    """What a run says to the shell."""

    DONE = 0
    ERROR = 1
    CHANGES = 2
    INCOMPLETE = 3
    REFUSED = 4
    INTERRUPTED = 130
    TERMINATED = 143


_WORST_FIRST: Final = (
    ExitCode.TERMINATED,
    ExitCode.INTERRUPTED,
    ExitCode.ERROR,
    ExitCode.REFUSED,
    ExitCode.INCOMPLETE,
    ExitCode.CHANGES,
    ExitCode.DONE,
)


def worst(codes: Iterable[ExitCode]) -> ExitCode:
    """The code of a run over many sites: 1 wins, then 4, 3, 2, 0."""
    found = set(codes)
    return next((code for code in _WORST_FIRST if code in found), ExitCode.DONE)


def of_plans(*, failed: int, refused: int, changes: int, detailed: bool) -> ExitCode:
    """The code of a `plan`: sites that failed, guards that refuse, objects that would change."""
    if failed:
        return ExitCode.ERROR
    if refused:
        return ExitCode.REFUSED
    return ExitCode.CHANGES if changes and detailed else ExitCode.DONE


class Interrupted(Exception):
    """A run that a signal ended before it had anything to say."""

    def __init__(self, code: ExitCode) -> None:
        super().__init__("interrupted")
        self.code = code
