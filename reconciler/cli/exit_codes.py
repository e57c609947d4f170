"""Exit codes, as a function of how a run ended (docs/design.md 2.1). Decided here and nowhere else."""

from __future__ import annotations

from collections.abc import Iterable
from enum import IntEnum
from typing import TYPE_CHECKING, Final, assert_never

if TYPE_CHECKING:  # this file is loaded at every start
    from reconciler.engine.results import ApplyCompleted, ClosingEvent


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


def exit_code(event: ClosingEvent, *, detailed: bool = False, signal: ExitCode | None = None) -> ExitCode:
    """The code of a run that ended like this. `detailed` is `--detailed-exitcode`, `signal` what interrupted it."""
    from reconciler.engine import adoption_results, results, state_results

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
            return ExitCode.ERROR if failed else ExitCode.REFUSED
        case results.ReviewCompleted(failed=failed) | results.HistoryListed(failed=failed):
            return ExitCode.ERROR if failed else ExitCode.DONE
        case adoption_results.ImportCompleted():
            return ExitCode.ERROR if event.failed or event.unsettled_new else ExitCode.DONE
        case adoption_results.DoctorCompleted():
            return _of_sites(event.errors, event.warnings if event.strict else 0, 0)
        case adoption_results.FilesChecked():
            return ExitCode.ERROR if event.errors else ExitCode.DONE
        case state_results.StateListed(sites=sites):
            return ExitCode.ERROR if any(site.problem for site in sites) else ExitCode.DONE
        case (
            results.Validated()
            | results.Decided()
            | state_results.StateShown()
            | state_results.LockRemoved()
            | state_results.CallResolved()
            | state_results.RecordChanged()
        ):
            return ExitCode.DONE
        case results.PartsMerged(exit_code=code):
            return ExitCode(code) if code in ExitCode.__members__.values() else ExitCode.ERROR
        case results.FilesInvalid() | results.RunFailed():
            return ExitCode.ERROR
        case results.Interrupted():
            return signal or ExitCode.INTERRUPTED
        case _:
            assert_never(event)


def _of_sites(failed: int, refused: int, changes: int) -> ExitCode:
    if failed:
        return ExitCode.ERROR
    if refused:
        return ExitCode.REFUSED
    return ExitCode.CHANGES if changes else ExitCode.DONE


def _of_apply(event: ApplyCompleted, signal: ExitCode | None) -> ExitCode:
    """How all actions ended, and the sites that could not be planned or worked on, or that were refused."""
    from reconciler.executor.ledger import Result

    of_result: dict[Result, ExitCode] = {
        Result.DONE: ExitCode.DONE,
        Result.FAILED: ExitCode.ERROR,
        Result.SKIPPED: ExitCode.INCOMPLETE,
        Result.WITHHELD: ExitCode.INCOMPLETE,
        Result.PENDING: ExitCode.INCOMPLETE,
        Result.UNKNOWN: ExitCode.INCOMPLETE,
        Result.NOT_STARTED: ExitCode.INCOMPLETE,
    }
    codes = {of_result[result] for result in event.results}
    if event.tally.still_going_out or event.plan.unstoppable:
        codes.add(ExitCode.INCOMPLETE)
    if event.failed or event.plan.failed:
        codes.add(ExitCode.ERROR)
    if event.refused or event.plan.refused:
        codes.add(ExitCode.REFUSED)
    if event.interrupted:
        codes.add(signal or ExitCode.INTERRUPTED)
    return worst(codes)


class Stopped(Exception):
    """A run that a signal ended before it had anything to say."""

    def __init__(self, code: ExitCode) -> None:
        super().__init__("interrupted")
        self.code = code


class Terminated(BaseException):
    """SIGTERM while no run is in progress that could be finished cleanly."""
