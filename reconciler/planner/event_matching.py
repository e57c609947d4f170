"""Which live event a declared event is, which live events are the site's own, and how a live event differs.

A declared event is matched to a live one by name (if several have that name: the one the state remembers, else the one
whose date is nearest), then, in case it was renamed, by the id that the state remembers. Events of connected calendars
are never the site's own.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from msgspec.structs import replace

from reconciler.model.canonical import ABSENT, Absent, Json, JsonObject, same
from reconciler.model.events import CalendarEvent, CalendarId, DesiredEvent, EventId, reach
from reconciler.model.frozen import instant
from reconciler.model.sites import RecordedSite
from reconciler.model.text import normal_text
from reconciler.model.writes import FieldChange
from reconciler.planner.changes import change
from reconciler.planner.kept import is_a_form_of


def within_reach(events: Iterable[DesiredEvent], now: datetime) -> tuple[DesiredEvent, ...]:
    """The declared events that a read of the calendar can show."""
    start, end = reach(now)
    return tuple(event for event in events if event.date is None or start <= event.date <= end)


def event_key(event: CalendarEvent, own: tuple[CalendarEvent, ...]) -> str:
    """What names an event in its address: its name, plus its id if another event has the same name."""
    return event.name if sum(other.name == event.name for other in own) == 1 else f"{event.name} {event.id}"


def own_events(observed: Iterable[CalendarEvent], recorded: RecordedSite) -> tuple[CalendarEvent, ...]:
    """The events that are not known to belong to a connected calendar (design.md 1.1)."""
    events = tuple(observed)
    foreign = recorded.foreign_calendars - own_calendars(events, recorded)
    return tuple(
        event for event in events if event.calendar_id not in foreign and event.id not in recorded.foreign_events
    )


def own_calendars(observed: Iterable[CalendarEvent], recorded: RecordedSite) -> frozenset[CalendarId]:
    """The calendars that hold an event which this tool made or keeps.

    They are the site's own, whatever the API says about another event in them.
    """
    known = {event for _, event in recorded.event_ids if event and event not in recorded.foreign_events}
    return frozenset(event.calendar_id for event in observed if event.calendar_id is not None and event.id in known)


def match_live(
    desired: Iterable[DesiredEvent], observed: Iterable[CalendarEvent], recorded: RecordedSite
) -> dict[str, CalendarEvent]:
    """Declared event's name -> live event, even one that is read-only or shows the declared name cut short.

    Nothing that the site's own calendar already shows under the name is created a second time.
    """
    declared, events, remembered = tuple(desired), tuple(observed), dict(recorded.event_ids)
    own = own_events(events, recorded)
    matched = match_events(declared, own, remembered)
    left = [event for event in declared if event.name not in matched]
    if not left:
        return matched
    matched |= match_events(left, read_only_events(events, recorded), remembered)
    taken = {live.id for live in matched.values()}
    for event in sorted(left, key=lambda event: event.name):
        if event.name not in matched and isinstance(event.description, str) and event.description:
            found = next(
                (
                    live
                    for live in own
                    if live.id not in taken
                    and may_be(event, live, recorded)
                    and is_a_form_of(event.description, live.description)
                ),
                None,
            )
            if found is not None:
                matched[event.name] = found
                taken.add(found.id)
    return matched


def read_only_events(observed: Iterable[CalendarEvent], recorded: RecordedSite) -> tuple[CalendarEvent, ...]:
    """The read-only events that no calendar other than the site's own is known to hold."""
    events = tuple(observed)
    own = own_calendars(events, recorded)
    return tuple(
        event
        for event in events
        if event.id in recorded.foreign_events and (event.calendar_id is None or event.calendar_id in own)
    )


def may_be(event: DesiredEvent, live: CalendarEvent, recorded: RecordedSite) -> bool:
    """Whether a live event may be a declared one whose name the server cut short.

    Only asked if the state does not know the declared event: if the state was lost, it would otherwise be created
    again.
    """
    if dict(recorded.event_ids).get(event.name):
        return False
    name, shown = normal_text(event.name).casefold(), normal_text(live.name).casefold().rstrip(" .…")
    return (
        bool(shown)
        and name.startswith(shown)
        and not any(change.path != "name" for change in _differences(event, live))
    )


def _differences(event: DesiredEvent, live: CalendarEvent) -> tuple[FieldChange, ...]:
    """The fields of a live event that differ from the declared ones, except the description."""
    return event_changes(replace(event, description=ABSENT), live)


def match_events(
    desired: Iterable[DesiredEvent], own: tuple[CalendarEvent, ...], remembered: dict[str, EventId]
) -> dict[str, CalendarEvent]:
    """Declared event's name -> live event. Each live event is used once, whatever the order of either side."""
    declared = sorted(desired, key=lambda event: event.name)
    matched: dict[str, CalendarEvent] = {}
    for event in declared:
        namesakes = [live for live in own if normal_text(live.name) == normal_text(event.name)]
        if namesakes:
            matched[event.name] = min(
                namesakes, key=lambda live: (live.id != remembered.get(event.name), *_distance(event, live), live.id)
            )
    taken = {live.id for live in matched.values()}
    by_id = {live.id: live for live in own if live.id not in taken and live.name not in matched}
    for event in declared:
        if event.name not in matched and (found := by_id.pop(remembered.get(event.name, EventId("")), None)):
            matched[event.name] = found
    return matched


def _distance(event: DesiredEvent, live: CalendarEvent) -> tuple[bool, float]:
    other_kind = (event.recurring_rule is None) != (live.recurring_rule is None)
    if event.date is None or live.date is None:
        return other_kind, 0.0
    return other_kind, abs((live.date - event.date).total_seconds())


def event_changes(event: DesiredEvent, live: CalendarEvent) -> tuple[FieldChange, ...]:
    """How a live event differs from the declared one. A description that is not declared is left alone."""
    changes = change("name", live.name, event.name)
    if not isinstance(event.description, Absent):
        changes += change("description", live.description, event.description)
    if event.recurring_rule is not None:
        if not _within(event.recurring_rule, live.recurring_rule):
            changes += (FieldChange("recurringRule", live.recurring_rule, event.recurring_rule),)
            if live.recurring_rule is None and live.date is not None:
                changes += (FieldChange("date", instant(live.date), None),)
    elif event.date is not None:
        if live.recurring_rule is not None:
            changes += (FieldChange("recurringRule", live.recurring_rule, None),)
        if live.recurring_rule is not None or not same_moment(event, live.date):
            changes += change("date", shown_date(event, live.date), shown_date(event, event.date))
    return changes


def same_moment(event: DesiredEvent, live: datetime | None) -> bool:
    """Whether a live date matches the declared one: on the same day, if the file gives a bare day."""
    if live is None or event.date is None:
        return False
    return live.date() == event.date.date() if event.whole_day else live == event.date


def shown_date(event: DesiredEvent, moment: datetime | None) -> str | None:
    """A date in the form of the declared one: a bare day, or an instant."""
    if moment is None:
        return None
    return moment.date().isoformat() if event.whole_day else instant(moment)


def _within(declared: Json, live: Json) -> bool:
    """Whether everything declared is there. What the API adds to a rule is ignored."""
    if isinstance(declared, JsonObject):
        return isinstance(live, JsonObject) and all(_within(declared[key], live.get(key)) for key in declared)
    return same(declared, live)
