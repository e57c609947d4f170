"""Calendar events on the wire, both ways: what answers show of them (8.1), and the requests that write them (8.2)."""

from __future__ import annotations

from typing import Final, assert_never

from msgspec import Struct

from reconciler.api import routes, shapes
from reconciler.api.routes import WriteCall
from reconciler.api.shapes import page_of, refuse_more
from reconciler.api.values import Fields, Unreadable, id_of, kept_object, moment, text
from reconciler.model.canonical import Absent, Json, JsonObject
from reconciler.model.events import (
    CalendarEvent,
    CalendarId,
    CreateEvent,
    DeleteEvent,
    DesiredEvent,
    EventId,
    EventOperation,
    UpdateEvent,
)
from reconciler.model.frozen import instant

EVENT_KEYS: Final = ("event", "calendarEvent")
"""The body key of an event's update, never seen: the first fits its path (I 8.2), the second is that of create."""

# --- what answers show ------------------------------------------------------------------------------

_NOT_RESENT: Final = frozenset(
    {
        "id", "calendarId", "recurringOccurrences",  # D: read-only
        "name", "description", "date", "recurringRule",  # fields of their own
        "createdDate", "updatedDate", "createdAt", "updatedAt",  # I: as on the neighbouring objects
    }
)  # fmt: skip


def event(source: Fields, where: str) -> CalendarEvent:
    """A calendar event. One with a rule has no date of its own (D 8.1: ignored), whatever occurrence is shown."""
    rule = kept_object(source.get("recurringRule"), f"{where}.recurringRule")
    recurs = rule.get("frequency") not in (None, "", "UNKNOWN")
    return CalendarEvent(
        id=EventId(id_of(source, where, "id", "eventId")),
        name=text(source, where, "name"),
        description=text(source, where, "description") or None,
        date=None if recurs else moment(source, where, "date"),
        recurring_rule=rule if recurs else None,
        calendar_id=CalendarId(text(source, where, "calendarId")) or None,
        rest=kept_object({name: value for name, value in source.items() if name not in _NOT_RESENT}, where),
    )


class EventsPage(Struct, frozen=True):
    """The events of a query's answer, as often as they are in it. `full`: there may be more of them (D 8.2)."""

    events: tuple[CalendarEvent, ...]
    full: bool


EVENTS_AT_ONCE: Final = 100
"""The most events of one answer (D 8.2)."""


def events_page(body: object) -> EventsPage:
    """The events of a query's answer."""
    page = page_of(body, shapes.EVENTS)
    if not page.members:
        refuse_more(page.more, shapes.EVENTS.name)  # a narrower range would bring no more than this one
    found = tuple(event(member, where) for where, member in page.members)
    return EventsPage(found, full=len(found) >= EVENTS_AT_ONCE or bool(page.more))


def all_events(body: object, *, between: str) -> EventsPage:
    """The events of an answer that must hold them all, for its range cannot be narrowed. Raises Unreadable."""
    found = events_page(body)
    refuse_more(page_of(body, shapes.EVENTS).more, shapes.EVENTS.name)
    if found.full:
        raise Unreadable(
            f"expected fewer than {EVENTS_AT_ONCE} events between {between}, for more than {EVENTS_AT_ONCE} at once "
            "are never shown; there may be more of them",
            "keep fewer events at one time; nothing is concluded from a part of them",
        )
    return found


# --- what is sent -----------------------------------------------------------------------------------


def event_call(operation: EventOperation) -> WriteCall:
    """The request that carries out a write of an event.

    A delete is answered with 428 for an event of a connected calendar, and for one that is not there (D 8.2).
    """
    match operation:
        case CreateEvent(event=event):
            return routes.CREATE_EVENT.call(body={"calendarEvent": _new_event(event)})
        case UpdateEvent(event=event):
            return update_event(event)
        case DeleteEvent(id=id):
            return routes.DELETE_EVENT.call(id=id)
        case _:
            assert_never(operation)


def update_event(event: CalendarEvent, key: str = EVENT_KEYS[0]) -> WriteCall:
    """Replaces an event: the whole of it is sent, fields that this version does not know included (D 8.2)."""
    members: dict[str, Json] = {**event.rest, "id": event.id, "name": event.name}
    if event.description is not None:
        members["description"] = event.description
    if event.recurring_rule is not None:
        members["recurringRule"] = event.recurring_rule
    elif event.date is not None:
        members["date"] = instant(event.date)
    return routes.UPDATE_EVENT.call(id=event.id, body={key: JsonObject(members)})


def _new_event(event: DesiredEvent) -> JsonObject:
    members: dict[str, Json] = {"name": event.name}
    if not isinstance(event.description, Absent) and event.description is not None:
        members["description"] = event.description
    if event.recurring_rule is not None:
        members["recurringRule"] = event.recurring_rule
    elif event.date is not None:
        members["date"] = instant(event.date)
    return JsonObject(members)
