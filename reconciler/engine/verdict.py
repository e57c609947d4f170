"""How a run ended, in one word, and its exit code (docs/design.md 2.1). Decided here and nowhere else.

The command line, every format and `merge` use this, so a report cannot contradict the exit code.
"""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum
from signal import SIGINT, SIGTERM
from typing import TYPE_CHECKING, Final, assert_never

if TYPE_CHECKING:  # this file is loaded at every start
    from reconciler.engine.results import ApplyCompleted, ClosingEvent


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
    """The verdict of a whole with these parts."""
    found = set(verdicts)
    return next((verdict for verdict in _CODES if verdict in found), Verdict.SUCCEEDED)


def verdict_with(exit_code: object) -> Verdict:
    """The verdict with this exit code. An unknown code counts as a failure."""
    if isinstance(exit_code, bool) or not isinstance(exit_code, int):
        return Verdict.FAILED
    return next((verdict for verdict, code in _CODES.items() if code == exit_code), Verdict.FAILED)


def interrupted_by(signal: int | None) -> Verdict:
    """The verdict of a run that a signal ended; None if it is not known which one."""
    return Verdict.TERMINATED if signal == SIGTERM else Verdict.INTERRUPTED


def verdict_of(event: ClosingEvent, *, detailed: bool = False, signal: int | None = None) -> Verdict:
    """The verdict of a run with this closing event.

    `detailed` is `--detailed-exitcode`, `signal` what interrupted it.
    """
    from reconciler.engine import adoption_results, results, state_results, tool_results

    match event:
        case results.PlanCompleted():
            refused = event.refused + len(event.refusals)
            changes = event.changes + event.tally.still_going_out  # what no action can stop is not as wanted either
            return _of_sites(event.failed, refused, changes if detailed else 0)
        case results.DriftCompleted():
            return _of_sites(event.failed, 0, event.tally.drifted + event.tally.refused)
        case results.ApplyCompleted():
            return _of_apply(event, signal)
        case results.Refused(failed=failed):
            return Verdict.FAILED if failed else Verdict.REFUSED
        case results.ReviewCompleted(failed=failed) | results.HistoryListed(failed=failed):
            return Verdict.FAILED if failed else Verdict.SUCCEEDED
        case adoption_results.ImportCompleted():
            return Verdict.FAILED if event.failed or event.unsettled_new else Verdict.SUCCEEDED
        case adoption_results.DoctorCompleted():
            return _of_sites(event.errors, event.warnings if event.strict else 0, 0)
        case adoption_results.FilesChecked():
            return Verdict.FAILED if event.errors else Verdict.SUCCEEDED
        case state_results.StateListed(sites=sites):
            return Verdict.FAILED if any(site.problem for site in sites) else Verdict.SUCCEEDED
        case (
            results.Validated()
            | results.Decided()
            | state_results.StateShown()
            | state_results.LockRemoved()
            | state_results.CallResolved()
            | state_results.RecordChanged()
            | tool_results.VersionTold()
            | tool_results.SchemaTold()
            | tool_results.ScriptTold()
            | tool_results.StarterWritten()
            | tool_results.SandboxStopped()
            | tool_results.SandboxReset()
            | tool_results.SandboxShown()
        ):
            return Verdict.SUCCEEDED
        case results.PartsMerged(verdict=verdict):
            return verdict
        case results.FilesInvalid() | results.RunFailed():
            return Verdict.FAILED
        case results.Interrupted():
            return interrupted_by(signal)
        case _:
            assert_never(event)


def _of_sites(failed: int, refused: int, changes: int) -> Verdict:
    if failed:
        return Verdict.FAILED
    if refused:
        return Verdict.REFUSED
    return Verdict.CHANGES if changes else Verdict.SUCCEEDED


def _of_apply(event: ApplyCompleted, signal: int | None) -> Verdict:
    """How all actions ended, and the sites that could not be planned or worked on, or that were refused."""
    from reconciler.executor.ledger import Result

    of_result: dict[Result, Verdict] = {
        Result.DONE: Verdict.SUCCEEDED,
        Result.FAILED: Verdict.FAILED,
        Result.SKIPPED: Verdict.INCOMPLETE,
        Result.WITHHELD: Verdict.INCOMPLETE,
        Result.PENDING: Verdict.INCOMPLETE,
        Result.UNKNOWN: Verdict.INCOMPLETE,
        Result.NOT_STARTED: Verdict.INCOMPLETE,
    }
    found = {of_result[result] for result in event.results}
    if event.tally.still_going_out or event.plan.unstoppable:
        found.add(Verdict.INCOMPLETE)
    if event.failed or event.plan.failed:
        found.add(Verdict.FAILED)
    if event.refused or event.plan.refused:
        found.add(Verdict.REFUSED)
    if event.interrupted:
        found.add(interrupted_by(signal))
    return worst(found)
