"""EventRecorder: what was seen of a site while it was worked on, to make up its ledger if its own was lost."""

from __future__ import annotations

from typing import assert_never

from reconciler.executor.events import (
    Corrected,
    EmitProgress,
    EntryResolved,
    Finished,
    Note,
    ProgressEvent,
    Skipped,
    Started,
    StillWaiting,
)
from reconciler.executor.going_out import still_going_out
from reconciler.executor.ledger import ActionResult, Entry, SiteLedger, unstopped
from reconciler.model.address import Address
from reconciler.model.diagnostics import Diagnostic
from reconciler.model.operations import Operation
from reconciler.model.outcomes import Trouble
from reconciler.planner.actions import Plan

NOT_BEGUN = Diagnostic(Trouble.STOPPED, "the run was stopped")


class EventRecorder:
    """Passes on the events of one site, and remembers what they say."""

    def __init__(self, plan: Plan, emit: EmitProgress) -> None:
        self._plan = plan
        self._emit = emit
        self._begun: list[tuple[Address, Operation]] = []
        self._entries: list[Entry] = []

    @property
    def plan(self) -> Plan:
        """The plan that is being carried out."""
        return self._plan

    @property
    def saw_something(self) -> bool:
        """Whether any action was begun, or ended."""
        return bool(self._begun or self._entries)

    def record(self, event: ProgressEvent) -> None:
        """Records an event of the executor."""
        match event:
            case Started(address=address, operation=operation):
                self._begun.append((address, operation))
            case Finished(entry=entry) | Skipped(entry=entry):
                self._entries.append(entry)
            case Corrected(entry=entry):
                named = (entry.address, entry.operation)
                self._entries = [
                    entry if (known.address, known.operation) == named else known for known in self._entries
                ]
            case StillWaiting() | EntryResolved() | Note():
                pass
            case _:
                assert_never(event)
        self._emit(event)

    def ledger(self, why: Diagnostic, *, error: Diagnostic | None = None) -> SiteLedger:
        """What ended, as it ended. What was begun is unknown, for the given reason; the rest was not started."""
        ended = [(entry.address, entry.operation) for entry in self._entries]
        begun = self._begun
        unknown = [call for at, call in enumerate(begun) if call not in ended and call not in begun[:at]]
        planned = [(action.address, action.operation) for action in self._plan.actions]
        untouched = [call for call in planned if call not in ended and call not in unknown]
        entries = (
            *self._entries,
            *(Entry.undone(*call, ActionResult.UNKNOWN, why) for call in unknown),
            *(Entry.undone(*call, ActionResult.NOT_STARTED, NOT_BEGUN) for call in untouched),
        )
        return SiteLedger(
            self._plan.site,
            entries,
            error=error,
            interrupted=error is None,
            still_going_out=still_going_out(self._plan, unstopped(self._plan, entries)),
            time_zone=self._plan.time_zone,
        )
