"""What was seen of a site while it was worked on: its ledger, where a run is cut short or stumbles over a bug."""

from __future__ import annotations

from reconciler.executor.events import Corrected, Emit, Event, Finished, Skipped, Started
from reconciler.executor.ledger import Entry, Result, SiteLedger
from reconciler.model.address import Address
from reconciler.model.operations import Operation
from reconciler.planner.actions import Plan

NOT_BEGUN = "the run was stopped"


class Witness:
    """Hands on the events of one site, and remembers what they say."""

    def __init__(self, plan: Plan, emit: Emit) -> None:
        self._plan = plan
        self._emit = emit
        self._begun: list[tuple[Address, Operation]] = []
        self._entries: list[Entry] = []

    def see(self, event: Event) -> None:
        """An event of the executor."""
        match event:
            case Started(address=address, operation=operation):
                self._begun.append((address, operation))
            case Finished(entry=entry) | Skipped(entry=entry):
                self._entries.append(entry)
            case Corrected(entry=entry):
                named = (entry.address, entry.operation)
                self._entries = [entry if (one.address, one.operation) == named else one for one in self._entries]
            case _:
                pass
        self._emit(event)

    def ledger(self, why: str, *, error: str | None = None) -> SiteLedger:
        """What ended is told as it ended. What was begun is unknown, for the reason given; the rest was not started."""
        ended = [(one.address, one.operation) for one in self._entries]
        begun = self._begun
        unknown = [one for at, one in enumerate(begun) if one not in ended and one not in begun[:at]]
        planned = [(one.address, one.operation) for one in self._plan.actions]
        untouched = [one for one in planned if one not in ended and one not in unknown]
        return SiteLedger(
            self._plan.site,
            (
                *self._entries,
                *(Entry(*one, Result.UNKNOWN, why) for one in unknown),
                *(Entry(*one, Result.NOT_STARTED, NOT_BEGUN) for one in untouched),
            ),
            error=error,
            interrupted=error is None,
        )
