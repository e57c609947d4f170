"""How far a run got, for the event that ends a run cut short by a signal."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconciler.engine.results import Event, Interrupted, Phase, PhaseStarted, RunStarted, SiteEvent
from reconciler.engine.site_results import Progressed

if TYPE_CHECKING:  # `validate` plans nothing
    from reconciler.executor.events import ProgressEvent
    from reconciler.planner.actions import GoingOut


class HowFar:
    """Counts the sites of the current phase, and the generations of earlier runs that were found to have ended."""

    def __init__(self) -> None:
        self._phase: Phase | None = None
        self._done = self._sites = 0
        self._still_going_out: tuple[GoingOut, ...] = ()
        self._unstopped = 0
        self._ended = self._discarded = 0

    def leave(self, still_going_out: tuple[GoingOut, ...], unstopped: int) -> None:
        """Remembers the posts that go out because the run ends here, and how many go out in any case."""
        self._still_going_out, self._unstopped = still_going_out, unstopped

    def handle(self, event: Event) -> None:
        """Handles an event of the run."""
        match event:
            case RunStarted(sites=sites):
                self._sites = sites
            case PhaseStarted(phase=phase, sites=sites):
                self._phase, self._done, self._sites = phase, 0, sites
            case Progressed(event=found):
                self._find(found)
            case _:
                self._done += isinstance(event, SiteEvent)

    def interrupted(self) -> Interrupted:
        """The closing event of a run that ends here."""
        left, ended = (self._still_going_out, self._unstopped), (self._ended, self._discarded)
        return Interrupted(self._phase, self._done, self._sites, *left, *ended)

    def _find(self, event: ProgressEvent) -> None:
        from reconciler.executor.events import EntryResolved
        from reconciler.model.outcomes import Done

        if isinstance(event, EntryResolved) and isinstance(event.outcome, Done) and event.entry.operation.takes_time:
            self._ended += 1
            self._discarded += len(set(event.entry.operation.throws_away))
