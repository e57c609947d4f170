"""What a run may do, according to the project file."""

from __future__ import annotations

from datetime import date, time, timedelta

from reconciler.model.diagnostics import Place
from reconciler.model.frozen import Struct
from reconciler.model.schedule import Pause


class QuietHours(Struct, frozen=True):
    """From one wall time to another in the site's zone, possibly past midnight. The end is exclusive."""

    start: time
    end: time

    def covers(self, moment: time) -> bool:
        """Whether a time of day is in the window, which may extend past midnight."""
        if self.start <= self.end:
            return self.start <= moment < self.end
        return moment >= self.start or moment < self.end


class Policy(Struct, frozen=True):
    """The `policy` of the project file. None means no limit. `place` is where it is, for messages."""

    max_publish: int | None = None
    max_publish_per_site_per_day: int | None = None
    max_delete: int | None = None
    max_discard: int | None = None
    min_lead: timedelta = timedelta(0)
    quiet_hours: QuietHours | None = None
    blackout_dates: frozenset[date] = frozenset()
    banned_words: tuple[str, ...] = ()
    require_media: bool = False
    checks: tuple[str, ...] = ()
    """Policy as code: names of entry points in the group `reconciler.policy`."""
    paused: Pause = Pause.NONE
    place: Place = Place("reconciler.yaml")
    places: tuple[tuple[str, Place], ...] = ()
    """Where each rule is, by its key in the file."""

    def place_of(self, rule: str) -> Place:
        """Where a rule is; where the policy is, if only that is known."""
        return dict(self.places).get(rule, self.place)
