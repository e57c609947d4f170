"""Exit codes, as functions of what was planned and done (design.md 2.1)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from enum import IntEnum
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from reconciler.executor.ledger import SiteLedger


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

_OF_RESULT: Final = {
    "done": ExitCode.DONE,
    "failed": ExitCode.ERROR,
    "skipped": ExitCode.INCOMPLETE,
    "withheld": ExitCode.INCOMPLETE,
    "pending": ExitCode.INCOMPLETE,
    "unknown": ExitCode.INCOMPLETE,
    "not started": ExitCode.INCOMPLETE,
}
"""By the words of `executor.ledger.Result`, which is not imported here: this file is loaded at every start."""


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


def of_drift(*, failed: int, refused: int, drifted: int) -> ExitCode:
    """The code of a `drift`: sites that could not be read, guards that would refuse, objects that drifted."""
    return of_plans(failed=failed, refused=refused, changes=drifted, detailed=True)


def of_apply(ledgers: Sequence[SiteLedger], *, failed: int, refused: int, interrupted: ExitCode | None) -> ExitCode:
    """The code of an `apply`: sites that could not be planned, those a guard refused, and how all actions ended."""
    codes = {ExitCode.DONE} if interrupted is None else {interrupted}
    if failed:
        codes.add(ExitCode.ERROR)
    if refused:
        codes.add(ExitCode.REFUSED)
    return worst(codes.union(*(of_ledger(ledger) for ledger in ledgers)))


def of_ledger(ledger: SiteLedger) -> frozenset[ExitCode]:
    """What one site adds to the code of a run."""
    found = {_OF_RESULT[entry.result] for entry in ledger.entries}
    return frozenset(found | {ExitCode.ERROR} if ledger.error else found)


class Interrupted(Exception):
    """A run that a signal ended before it had anything to say."""

    def __init__(self, code: ExitCode) -> None:
        super().__init__("interrupted")
        self.code = code
