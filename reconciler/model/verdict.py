"""How a run ends, in one word, and the exit code of each (docs/design.md 2.1)."""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum
from signal import SIGINT, SIGTERM
from typing import Final


class Verdict(StrEnum):
    """How a run ended."""

    SUCCEEDED = "succeeded"
    CHANGES = "changes"
    """Nothing failed, but something differs: drift, or changes that a plan with `--detailed-exitcode` found."""
    INCOMPLETE = "incomplete"
    REFUSED = "refused"
    FAILED = "failed"
    INTERRUPTED = "interrupted"
    TERMINATED = "terminated"
    """Also interrupted, but by SIGTERM."""

    @property
    def exit_code(self) -> int:
        """The exit code for the shell."""
        return _CODES[self]

    @property
    def is_success(self) -> bool:
        """Whether the run did all that it was asked to do."""
        return self in (Verdict.SUCCEEDED, Verdict.CHANGES)

    @property
    def is_cut_short(self) -> bool:
        """Whether an error or a signal ended the run early: what is not in its report may still have happened."""
        return self in (Verdict.FAILED, Verdict.INTERRUPTED, Verdict.TERMINATED)


_CODES: Final[dict[Verdict, int]] = {
    Verdict.TERMINATED: 128 + SIGTERM,
    Verdict.INTERRUPTED: 128 + SIGINT,
    Verdict.FAILED: 1,
    Verdict.REFUSED: 4,
    Verdict.INCOMPLETE: 3,
    Verdict.CHANGES: 2,
    Verdict.SUCCEEDED: 0,
}
"""The exit code of each verdict, worst first: the verdict over many sites, or over all shards, is the worst."""


def worst(verdicts: Iterable[Verdict]) -> Verdict:
    """The worst of these verdicts; SUCCEEDED if there are none."""
    found = set(verdicts)
    return next((verdict for verdict in _CODES if verdict in found), Verdict.SUCCEEDED)


def verdict_with(exit_code: object) -> Verdict:
    """The verdict with this exit code. An unknown code counts as a failure."""
    if isinstance(exit_code, bool) or not isinstance(exit_code, int):
        return Verdict.FAILED
    return next((verdict for verdict, code in _CODES.items() if code == exit_code), Verdict.FAILED)


def interrupted_by(signal: int | None) -> Verdict:
    """The verdict of a run that a signal ended. `signal` None: it is not known which one."""
    return Verdict.TERMINATED if signal == SIGTERM else Verdict.INTERRUPTED
