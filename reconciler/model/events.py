"""Calendar events: those a file declares, and those a site has."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import ClassVar, Final, NewType, TypeAlias

from msgspec import field

from reconciler.model.address import Kind
from reconciler.model.canonical import ABSENT, Absent, Digest, Json, JsonObject, same
from reconciler.model.frozen import Instant, Struct, instant
from reconciler.model.settings import same_setting
from reconciler.model.writes import Condition, FieldChange, ToldApart, Verb, Write

EventId = NewType("EventId", str)
CalendarId = NewType("CalendarId", str)


class DesiredEvent(Struct, frozen=True):
    """An event as declared: a one-time `date` (an instant, UTC) or a recurring rule, never both.

    `whole_day` means that the file gave a bare day: it is compared by day (D 8.1 knows only instants).
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

    @classmethod
    def from_facts(cls, name: str, facts: JsonObject) -> DesiredEvent:
        """The declaration that has these facts.

        `name` is the file's. A name among the facts takes its place: it is the one that the server kept instead.
        """
        date, rule, description = facts.get("date"), facts.get("recurringRule"), facts.get("description", ABSENT)
        moment = datetime.fromisoformat(date) if isinstance(date, str) else None
        kept = facts.get("name")
        return cls(
            kept if isinstance(kept, str) else name,
            description if isinstance(description, str | Absent) else None,
            moment.replace(tzinfo=moment.tzinfo or UTC) if moment else None,
            whole_day=isinstance(date, str) and "T" not in date,
            recurring_rule=rule if isinstance(rule, JsonObject) else None,
        )


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


def holds(live: Json, declared: Json) -> bool:
    """Whether everything declared of a recurring rule is in the live one. What the API adds to a rule is ignored."""
    if isinstance(declared, JsonObject):
        return isinstance(live, JsonObject) and all(holds(live.get(key), declared[key]) for key in declared)
    return same(declared, live)


def is_as_applied(path: str, applied: Json, live: Json) -> bool:
    """Whether a field of a live event is as it was last applied. A bare day stands for any moment of that day."""
    match path, applied, live:
        case "recurringRule", JsonObject(), _:
            return holds(live, applied)
        case "date", str(), str() if ("T" in applied) != ("T" in live):
            return applied[:10] == live[:10]
        case _:
            return same_setting(path, applied, live)


REACH_BACK: Final = timedelta(days=366)
REACH_AHEAD: Final = timedelta(days=731)


def reach(now: datetime) -> tuple[datetime, datetime]:
    """The period for which a calendar is read. The API requires both ends (D 8.2).

    They are whole days, so that all runs of a day ask for the same period.
    """
    midnight = now.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    return midnight - REACH_BACK, midnight + REACH_AHEAD


# --- writes -----------------------------------------------------------------------------------------


class EventWrite(Write, frozen=True):
    """Any write of an event, for code that treats all kinds of object alike and needs only one case for events."""

    kind: ClassVar[Kind] = Kind.EVENT
    rules: ClassVar[str] = "events"
    feeds_generation: ClassVar[bool] = True


class CreateEvent(EventWrite, frozen=True):
    """A new event. Not repeatable: if it is sent twice, there are two."""

    verb: ClassVar[Verb] = Verb.CREATE

    event: DesiredEvent


class UpdateEvent(ToldApart, EventWrite, frozen=True):
    """Replaces an event (D 8.2): `event` is the whole event to send, including fields that stay as they are."""

    verb: ClassVar[Verb] = Verb.UPDATE
    repeatable: ClassVar[bool] = True
    may_be_gone: ClassVar[bool] = True

    event: CalendarEvent
    changes: tuple[FieldChange, ...]


class DeleteEvent(ToldApart, EventWrite, frozen=True):
    """Removes an event from the site's calendar."""

    verb: ClassVar[Verb] = Verb.DELETE
    destroys: ClassVar[bool] = True
    may_be_gone: ClassVar[bool] = True

    id: EventId
    name: str

    @property
    def object_id(self) -> str:
        """The event's id: events may share a name, and so an address."""
        return self.id


EventOperation: TypeAlias = CreateEvent | UpdateEvent | DeleteEvent


# --- what must still hold just before them ----------------------------------------------------------


class EventIs(Condition, frozen=True):
    """A live event still has these facts."""

    kind: ClassVar[Kind] = Kind.EVENT
    about: ClassVar[str] = "{0.id}"

    id: EventId
    facts: Digest


class NoEventNamed(Condition, frozen=True):
    """None of the site's own events has this name and this day or rule (`facts` of the event to create)."""

    kind: ClassVar[Kind] = Kind.EVENT
    about: ClassVar[str] = "event {0.name}"

    name: str
    facts: Digest


EventCondition: TypeAlias = EventIs | NoEventNamed
