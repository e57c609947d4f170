"""EventRecorder: what was seen of a site while it was worked on, to reconstruct its ledger if that was lost."""

from __future__ import annotations

from collections.abc import Callable
from typing import assert_never

from msgspec import Struct

from reconciler.executor.events import (
    Corrected,
    EmitProgress,
    EntryResolved,
    Finished,
    Note,
    ProgressEvent,
    Skipped,
    Started,
    StillUnclear,
    StillWaiting,
    WaitingForLock,
)
from reconciler.executor.ledger import ActionResult, Entry, SiteLedger, unstopped
from reconciler.model.address import Address
from reconciler.model.diagnostics import Diagnostic
from reconciler.model.operations import Operation
from reconciler.model.outcomes import Trouble
from reconciler.planner.actions import Plan
from reconciler.planner.tally import in_doubt
from reconciler.planner.unstopped import still_going_out
from reconciler.state.packed import Packed

NOT_BEGUN = Diagnostic(Trouble.STOPPED, "the run was stopped")


class _Seen(Struct):
    """What was begun, and how actions ended."""

    begun: list[tuple[Address, Operation]] = []
    entries: list[Entry] = []


class EventRecorder:
    """Passes on the events of one site, and remembers what they say. `plan` reads the plan that is carried out."""

    def __init__(self, plan: Callable[[], Plan], emit: EmitProgress) -> None:
        self.plan = plan
        self._emit = emit
        self._seen = _Seen()
        self._before: list[Packed[_Seen]] = []
        """What was put aside. It is needed again only if the ledger is lost."""

    @property
    def saw_something(self) -> bool:
        """Whether any action was begun, or ended."""
        return bool(self._before or self._seen.begun or self._seen.entries)

    def put_aside(self) -> None:
        """Packs what was seen so far, because many sites may wait at once."""
        if self._seen.begun or self._seen.entries:
            self._before.append(Packed(_Seen, self._seen))
            self._before[-1].pack()
            self._seen = _Seen()

    def _all_seen(self) -> _Seen:
        parts = [*(packed.value for packed in self._before), self._seen]
        begun = [call for part in parts for call in part.begun]
        self._before, self._seen = [], _Seen(begun, [entry for part in parts for entry in part.entries])
        return self._seen

    def record(self, event: ProgressEvent) -> None:
        """Records an event of the executor."""
        match event:
            case Started(address=address, operation=operation):
                self._seen.begun.append((address, operation))
            case Finished(entry=entry) | Skipped(entry=entry):
                self._seen.entries.append(entry)
            case Corrected(entry=entry):
                named = (entry.address, entry.operation)
                seen = self._all_seen()
                seen.entries = [entry if (known.address, known.operation) == named else known for known in seen.entries]
            case StillWaiting() | StillUnclear() | WaitingForLock() | EntryResolved() | Note():
                pass
            case _:
                assert_never(event)
        self._emit(event)

    def ledger(self, why: Diagnostic, *, error: Diagnostic | None = None) -> SiteLedger:
        """What ended, as it ended. What was begun is unknown, for the given reason; the rest was not started."""
        plan, seen = self.plan(), self._all_seen()
        begun, ended_so_far = seen.begun, seen.entries
        ended = [(entry.address, entry.operation) for entry in ended_so_far]
        unknown = [call for at, call in enumerate(begun) if call not in ended and call not in begun[:at]]
        planned = [(action.address, action.operation) for action in plan.actions]
        untouched = [call for call in planned if call not in ended and call not in unknown]
        entries = (
            *ended_so_far,
            *(Entry.not_done(*call, ActionResult.UNKNOWN, why) for call in unknown),
            *(Entry.not_done(*call, ActionResult.NOT_STARTED, NOT_BEGUN) for call in untouched),
        )
        return SiteLedger(
            plan.site,
            entries,
            error=error,
            interrupted=error is None,
            still_going_out=still_going_out(plan, unstopped(plan, entries)),
            time_zone=plan.time_zone,
            in_doubt=in_doubt(plan),
        )
