"""Calendar events: those a file declares, and those a site has."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Final, NewType

from msgspec import field

from reconciler.model.canonical import ABSENT, Absent, Json, JsonObject
from reconciler.model.frozen import Instant, Struct

EventId = NewType("EventId", str)
CalendarId = NewType("CalendarId", str)


class DesiredEvent(Struct, frozen=True):
    """An event as declared: a one-time `date` (an instant, UTC) or a `recurring_rule`, never both.

    `whole_day` says that the file named a bare day: it is compared by its day (D 8.1 knows only instants).
    """

    name: str
    description: str | None | Absent = ABSENT
    date: Instant | None = None
    whole_day: bool = False
    recurring_rule: JsonObject | None = None

    def facts(self) -> JsonObject:
        """The declared event as a value: what counts as a generation input, and what is recorded."""
        members: dict[str, Json] = {}
        if self.date is not None:
            members["date"] = self.date.date().isoformat() if self.whole_day else instant(self.date)
        if self.recurring_rule is not None:
            members["recurringRule"] = self.recurring_rule
        if not isinstance(self.description, Absent):
            members["description"] = self.description or None
        return JsonObject(members)


class DesiredEvents(Struct, frozen=True):
    """The `calendarEvents` of a file. Names are unique."""

    events: tuple[DesiredEvent, ...]
    prune: bool = False


class CalendarEvent(Struct, frozen=True):
    """An event of a live site (D 8.1).

    `rest` holds writable fields this version does not know, so that a replacing write (D 8.2) does not lose them.
    """

    id: EventId
    name: str
    description: str | None = None
    date: Instant | None = None
    recurring_rule: JsonObject | None = None
    calendar_id: CalendarId | None = None
    rest: JsonObject = field(default_factory=JsonObject)

    def facts(self) -> JsonObject:
        """The live event as a value, for preconditions."""
        return JsonObject(
            {
                "name": self.name,
                "description": self.description or None,
                "date": instant(self.date) if self.date else None,
                "recurringRule": self.recurring_rule,
            }
        )


def input_path(name: str) -> str:
    """How a declared event is called among the generation inputs: `calendarEvents.Sale`."""
    return f"{_INPUT}{name}"


def name_of_input(path: str) -> str | None:
    """The name of the event that a generation input is; None if it is something else."""
    return path.removeprefix(_INPUT) if path.startswith(_INPUT) else None


_INPUT: Final = "calendarEvents."

REACH_BACK: Final = timedelta(days=366)
REACH_AHEAD: Final = timedelta(days=731)


def reach(now: datetime) -> tuple[datetime, datetime]:
    """From when to when a calendar is looked at: both ends are asked for, because the API wants them (D 8.2).

    Whole days, so that the same day's runs ask the same.
    """
    midnight = now.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    return midnight - REACH_BACK, midnight + REACH_AHEAD


def instant(moment: datetime) -> str:
    """An instant as the API writes it: `2026-07-08T09:00:00.000Z` (D section 1)."""
    utc = moment.astimezone(UTC)
    return utc.strftime("%Y-%m-%dT%H:%M:%S.") + f"{utc.microsecond // 1000:03d}Z"
