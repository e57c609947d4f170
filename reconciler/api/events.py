"""Calendar events on the wire, in both directions: what answers show (8.1), and the requests that write them (8.2)."""

from __future__ import annotations

from datetime import datetime, timedelta
from functools import partial
from typing import Final, assert_never

from msgspec import Struct

from reconciler.api import routes
from reconciler.api.endpoints import Endpoints
from reconciler.api.errors import ApiError
from reconciler.api.routes import ReadCall, WriteCall
from reconciler.api.shapes import ListShape, page_of, refuse_more
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
    reach,
)
from reconciler.model.frozen import instant
from reconciler.model.sites import SiteRef

EVENTS: Final = ListShape("calendar events", ("events", "calendarEvents"))  # I 8.2

# --- what answers show -----------------------------------------------------------------------------

_NOT_RESENT: Final = frozenset(
    {
        "id", "calendarId", "recurringOccurrences",  # D: read-only
        "name", "description", "date", "recurringRule",  # fields of their own
        "createdDate", "updatedDate", "createdAt", "updatedAt",  # I: as on the neighbouring objects
    }
)  # fmt: skip


def event(source: Fields, where: str) -> CalendarEvent:
    """A calendar event.

    The date of a recurring event is dropped: the API ignores it (D 8.1), and may show that of any occurrence.
    """
    rule = kept_object(source.get("recurringRule"), f"{where}.recurringRule")
    recurs = rule.get("frequency") not in (None, "", "UNKNOWN")
    return CalendarEvent(
        id=EventId(id_of(source, where, "id", "eventId")),
        name=text(source, where, "name"),
        description=text(source, where, "description") or None,
        date=None if recurs else moment(source, where, "date", may_be_day=True),
        recurring_rule=rule if recurs else None,
        calendar_id=CalendarId(text(source, where, "calendarId")) or None,
        rest=kept_object({name: value for name, value in source.items() if name not in _NOT_RESENT}, where),
    )


class EventsPage(Struct, frozen=True):
    """The events in a query's answer, including duplicates. `full`: there may be more of them (D 8.2)."""

    events: tuple[CalendarEvent, ...]
    full: bool


EVENTS_AT_ONCE: Final = 100
"""The most events in one answer (D 8.2)."""


def events_page(body: object) -> EventsPage:
    """The events of a query's answer."""
    page = page_of(body, EVENTS)
    if not page.members:
        refuse_more(page.more, EVENTS.name)  # a narrower range would show no more than this one
    found = tuple(event(member, where) for where, member in page.members)
    return EventsPage(found, full=len(found) >= EVENTS_AT_ONCE or bool(page.more))


def all_events(body: object, *, between: str) -> EventsPage:
    """The events of an answer that must contain all of them, because its range cannot be narrowed.

    Raises Unreadable.
    """
    found = events_page(body)
    refuse_more(page_of(body, EVENTS).more, EVENTS.name)
    if found.full:
        raise Unreadable(
            f"expected fewer than {EVENTS_AT_ONCE} events between {between}, because the API never shows more than "
            f"{EVENTS_AT_ONCE} at once; there may be others",
            "move some of these events to other times; an incomplete list is not used",
        )
    return found


# --- asking for them -------------------------------------------------------------------------------

MOST_QUERIES: Final = 128
SHORTEST_RANGE: Final = timedelta(seconds=1)
"""The shortest range that is asked for.

The range of a full answer is halved, because there is no paging (D 8.2), down to this. A burst of events within a
minute takes some 60 queries to separate.
"""


class EventReads:
    """The reads of events. Every method may raise ApiError."""

    def __init__(self, endpoints: Endpoints) -> None:
        self._endpoints = endpoints
        self._route = routes.QUERY_EVENTS[0]

    async def within_reach(self, site: SiteRef, now: datetime) -> tuple[CalendarEvent, ...]:
        """The events within reach, each once.

        Raises ApiError if there are more than the API shows: if some were not seen, an event could be created a second
        time.
        """
        ranges = [reach(now)]
        found: dict[EventId, CalendarEvent] = {}
        left = MOST_QUERIES
        while ranges:
            start, end = ranges.pop()
            left -= 1
            narrowest = end - start <= SHORTEST_RANGE or left < len(ranges) + 2
            page = await self.page(site, start, end, narrowest=narrowest)
            for event in page.events:
                found.setdefault(event.id, event)
            if page.full:
                middle = start + timedelta(seconds=(end - start) // timedelta(seconds=2))
                ranges += [(middle, end), (start, middle)]  # both ends are inclusive (D 8.2), so there is no gap
        return tuple(found.values())

    async def page(self, site: SiteRef, start: datetime, end: datetime, *, narrowest: bool = False) -> EventsPage:
        """The events from one instant to another, both included; at most 100, however many there are (D 8.2).

        `narrowest`: no narrower range will be asked for, so an answer that may be incomplete is an error.

        The path is inferred: if the remote side does not know the first of QUERY_EVENTS, the second is tried. The one
        that answers is kept for the run.
        """
        days = JsonObject({"$gte": instant(start), "$lte": instant(end)})
        body = {"query": JsonObject({"filter": JsonObject({"date": days})})}
        decode = partial(all_events, between=f"{days['$gte']} and {days['$lte']}") if narrowest else events_page
        first: ApiError | None = None
        for route in sorted(routes.QUERY_EVENTS, key=lambda route: route is not self._route):
            try:
                found = await self._endpoints.read(site, route.call(body=body), decode)
            except ApiError as error:
                if not error.no_such_route:
                    raise
                first = first or error
            else:
                self._route = route
                return found
        assert first is not None
        raise _inferred(first)


def _inferred(error: ApiError) -> ApiError:
    tried = " or ".join(route.template for route in routes.QUERY_EVENTS)
    message = f"the path that lists events is not documented; tried {tried}"
    return ApiError(
        error.kind,
        ReadCall(error.method, error.path),
        f"{error.message} ({message})" if error.message else message,
        status=error.status,
        code=error.code,
        request_id=error.request_id,
        site=error.site,
    )


# --- what is sent ----------------------------------------------------------------------------------


def event_call(operation: EventOperation) -> WriteCall:
    """The request that carries out a write of an event.

    A delete is answered with 428 for an event of a connected calendar, and for one that does not exist (D 8.2).
    """
    match operation:
        case CreateEvent(event=event):
            return routes.CREATE_EVENT.call(body={"calendarEvent": _new_event(event)})
        case UpdateEvent(event=event):
            return _replacing(event)
        case DeleteEvent(id=id):
            return routes.DELETE_EVENT.call(id=id)
        case _:
            assert_never(operation)


def _replacing(event: CalendarEvent) -> WriteCall:
    """Sends the whole event, including fields that this version does not know (D 8.2)."""
    members: dict[str, Json] = {**event.rest, "id": event.id, "name": event.name}
    if event.description is not None:
        members["description"] = event.description
    if event.recurring_rule is not None:
        members["recurringRule"] = event.recurring_rule
    elif event.date is not None:
        members["date"] = instant(event.date)
    return routes.UPDATE_EVENT.call(id=event.id, body={routes.UPDATE_EVENT.keys[0]: JsonObject(members)})


def _new_event(event: DesiredEvent) -> JsonObject:
    members: dict[str, Json] = {"name": event.name}
    if not isinstance(event.description, Absent) and event.description is not None:
        members["description"] = event.description
    if event.recurring_rule is not None:
        members["recurringRule"] = event.recurring_rule
    elif event.date is not None:
        members["date"] = instant(event.date)
    return JsonObject(members)
