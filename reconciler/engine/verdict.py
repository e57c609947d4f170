"""How a run ended (docs/design.md 2.1). Decided here and nowhere else.

The command line, every format and `merge` use this, so a report cannot contradict the exit code.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, assert_never

from reconciler.model.verdict import Verdict, interrupted_by, worst

if TYPE_CHECKING:  # this file is loaded at every start
    from reconciler.engine.results import ApplyCompleted, ClosingEvent


def verdict_of(
    end: ClosingEvent | Exception | SystemExit | None, *, detailed: bool = False, signal: int | None = None
) -> Verdict:
    """The verdict of a command that ended with an event, with an error, or without either (None), as after `--help`.

    `detailed` is `--detailed-exitcode`, `signal` what interrupted a run.
    """
    if end is None:
        return Verdict.SUCCEEDED
    if isinstance(end, Exception | SystemExit):  # a wrong command line, a full disk, a closed pipe, a bug
        return Verdict.FAILED
    return _of_event(end, detailed, signal)


def _of_event(event: ClosingEvent, detailed: bool, signal: int | None) -> Verdict:
    from reconciler.engine import adoption_results, results, state_results, tool_results

    match event:
        case results.PlanCompleted():
            refused = event.refused + len(event.refusals)
            changes = event.changes + event.tally.still_going_out  # unwanted posts count, though no action stops them
            return _of_sites(event.failed, refused, changes if detailed else 0)
        case results.DriftCompleted():
            return _of_sites(event.failed, 0, event.tally.drifted + event.tally.refused + len(event.refusals))
        case results.ApplyCompleted():
            return _of_apply(event, signal)
        case results.Refused():
            return Verdict.FAILED if event.failed or event.unwritable else Verdict.REFUSED
        case results.ReviewCompleted(failed=failed) | results.HistoryListed(failed=failed):
            return Verdict.FAILED if failed else Verdict.SUCCEEDED
        case adoption_results.ImportCompleted():
            return Verdict.FAILED if event.failed or event.not_empty_new else Verdict.SUCCEEDED
        case adoption_results.DoctorCompleted():
            return _of_sites(event.errors, event.warnings if event.strict else 0, 0)
        case adoption_results.FilesChecked():
            return Verdict.FAILED if event.errors else Verdict.SUCCEEDED
        case state_results.StateListed(sites=sites):
            return Verdict.FAILED if any(site.problem for site in sites) else Verdict.SUCCEEDED
        case results.Validated() | results.Decided() | state_results.StateEvent() | tool_results.ToolEvent():
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
    from reconciler.executor.ledger import ActionResult

    of_result: dict[ActionResult, Verdict] = {
        ActionResult.DONE: Verdict.SUCCEEDED,
        ActionResult.FAILED: Verdict.FAILED,
        ActionResult.SKIPPED: Verdict.INCOMPLETE,
        ActionResult.WITHHELD: Verdict.INCOMPLETE,
        ActionResult.PENDING: Verdict.INCOMPLETE,
        ActionResult.UNKNOWN: Verdict.INCOMPLETE,
        ActionResult.NOT_STARTED: Verdict.INCOMPLETE,
    }
    found = {of_result[result] for result in event.results}
    if event.tally.still_going_out or event.plan.unstoppable or event.plan.tally.in_doubt:
        found.add(Verdict.INCOMPLETE)
    if event.failed or event.plan.failed:
        found.add(Verdict.FAILED)
    if event.refused or event.plan.refused:
        found.add(Verdict.REFUSED)
    if event.interrupted:
        found.add(interrupted_by(signal))
    return worst(found)
