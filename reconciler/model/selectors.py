"""Match rules, and what they match."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from reconciler.model.frozen import Struct

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo

WEEKDAYS = ("MONDAY", "TUESDAY", "WEDNESDAY", "THURSDAY", "FRIDAY", "SATURDAY", "SUNDAY")


class Match(Struct, frozen=True):
    """The conditions on an activity. All that are given must hold; if none is given, everything matches.

    `title` is a glob that ignores case; `within` counts from now; `start` and `end` are days in the site's time zone,
    inclusive; `weekdays` are members of WEEKDAYS.
    """

    title: str | None = None
    within: timedelta | None = None
    start: date | None = None
    end: date | None = None
    type: str | None = None
    weekdays: frozenset[str] = frozenset()
    ids: frozenset[str] = frozenset()

    @property
    def needs_zone(self) -> bool:
        """Whether what it matches can depend on the site's time zone."""
        return bool(self.start or self.end or self.weekdays)

    def covers(self, *, id: str, title: str, at: datetime, type: str | None, now: datetime, zone: ZoneInfo) -> bool:
        """Whether an object with these facts matches. `at` and `now` are aware instants."""
        day = at.astimezone(zone).date()
        return (
            (not self.ids or id in self.ids)
            and (self.title is None or fnmatchcase(title.casefold(), self.title.casefold()))
            and (self.within is None or now <= at <= now + self.within)
            and (self.start is None or day >= self.start)
            and (self.end is None or day <= self.end)
            and (self.type is None or type == self.type)
            and (not self.weekdays or WEEKDAYS[day.weekday()] in self.weekdays)
        )
