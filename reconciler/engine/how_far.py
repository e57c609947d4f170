"""How far a run got, for the event that ends a run cut short by a signal."""

from __future__ import annotations

from reconciler.engine.results import Event, Interrupted, Phase, PhaseStarted, RunStarted, SiteEvent


class HowFar:
    """Counts the sites of the current phase."""

    def __init__(self) -> None:
        self._phase: Phase | None = None
        self._done = self._sites = 0

    def handle(self, event: Event) -> None:
        """Handles an event of the run."""
        match event:
            case RunStarted(sites=sites):
                self._sites = sites
            case PhaseStarted(phase=phase, sites=sites):
                self._phase, self._done, self._sites = phase, 0, sites
            case _:
                self._done += isinstance(event, SiteEvent)

    def interrupted(self) -> Interrupted:
        """The closing event of a run that ends here."""
        return Interrupted(self._phase, self._done, self._sites)
