"""Declared calendar events against the live ones -> actions.

A declared event is matched to a live one by its name (if several have it: the one the state remembers,
else the one whose date is nearest), then by the id the state remembers, for one that was renamed. Events of
connected calendars are never the site's own.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from msgspec import Struct
from msgspec.structs import replace

from reconciler.model.address import Kind, key_of
from reconciler.model.canonical import ABSENT, Absent, Json, JsonObject, digest_of, same
from reconciler.model.diagnostics import Diagnostic
from reconciler.model.events import (
    REACH_AHEAD,
    CalendarEvent,
    CalendarId,
    CreateEvent,
    DeleteEvent,
    DesiredEvent,
    DesiredEvents,
    EventId,
    UpdateEvent,
    reach,
)
from reconciler.model.frozen import instant
from reconciler.model.sites import RecordedSite
from reconciler.model.text import normal_text, printable
from reconciler.model.writes import FieldChange
from reconciler.planner.actions import Action, BlockedBy, EventIs, NoEventNamed, Reason, RefusedBy, blocked, refusal
from reconciler.planner.changes import change
from reconciler.planner.kept import is_a_form_of, kept_notes, split_kept
from reconciler.planner.options import Scope


class EventsPart(Struct, frozen=True):
    """What becomes of the events; empty if the file manages none, or none were read.

    `live_facts` are what the declared events look like on the site now, by name, as generation inputs.
    """

    actions: tuple[Action, ...] = ()
    event_ids: tuple[tuple[str, EventId], ...] = ()
    live_facts: tuple[tuple[str, JsonObject], ...] = ()
    pruned: frozenset[str] = frozenset()
    blocked: tuple[Diagnostic, ...] = ()
    refusals: tuple[Diagnostic, ...] = ()
    notes: tuple[str, ...] = ()


def plan_events(
    desired: DesiredEvents, observed: tuple[CalendarEvent, ...], recorded: RecordedSite, scope: Scope
) -> EventsPart:
    """The creates, replacing updates and, with `prune`, deletes that make the calendar what the file says."""
    near = within_reach(desired.events, scope.now)
    own = own_events(observed, recorded)
    matched = match_live(near, observed, recorded)
    taken = {live.id for live in matched.values()}
    actions: list[Action] = []
    in_the_way: list[Diagnostic] = []
    refusals: list[Diagnostic] = []
    live_facts: list[tuple[str, JsonObject]] = []
    notes: list[str] = []
    for event in sorted(near, key=lambda one: one.name):
        live = matched.get(event.name)
        if live is None:
            cut = next((one for one in own if one.id not in taken and _may_be(event, one, recorded)), None)
            if cut is None:
                actions.append(_create(event, scope))
            else:
                refusals.append(_perhaps_the_same(event, cut, scope))
                taken.add(cut.id)  # nor is it one to prune
            continue
        owner = key_of(Kind.EVENT, event.name)
        changes, settled = split_kept(owner, event_changes(event, live), recorded)
        notes += kept_notes(owner, settled)
        live_facts.append((event.name, _seen_as(event, live, changes)))
        if changes and live.id in recorded.foreign_events:
            in_the_way.append(_read_only(event, changes, scope))
        elif changes:
            actions.append(_update(event, live, changes, scope))
    unlisted: list[CalendarEvent] = []
    if desired.prune:
        unlisted = sorted((one for one in own if one.id not in taken), key=lambda one: (one.name, one.id))
        notes += [
            f'"{printable(one.name)}" is read-only in the site\'s own calendar, so prune leaves it there'
            for one in _read_only_events(observed, recorded)
            if one.id not in taken
        ]
        actions += [_delete(live, own, scope) for live in unlisted]
    return EventsPart(
        actions=tuple(actions),
        event_ids=tuple(sorted((name, live.id) for name, live in matched.items())),
        live_facts=tuple(live_facts),
        pruned=frozenset(one.name for one in unlisted),
        blocked=(
            *in_the_way,
            *(_too_far(one, scope) for one in desired.events if one not in near and _ahead(one, scope.now)),
        ),
        refusals=tuple(refusals),
        notes=tuple(notes),
    )


def _create(event: DesiredEvent, scope: Scope) -> Action:
    requires = (NoEventNamed(event.name, digest_of(event.facts())),)
    return Action(scope.address(Kind.EVENT, event.name), CreateEvent(event), Reason.DECLARED, requires=requires)


def _update(event: DesiredEvent, live: CalendarEvent, changes: tuple[FieldChange, ...], scope: Scope) -> Action:
    write, requires = UpdateEvent(_replacement(event, live), changes), (EventIs(live.id, digest_of(live.facts())),)
    return Action(scope.address(Kind.EVENT, event.name), write, Reason.DIFFERS, requires=requires)


def _delete(live: CalendarEvent, own: tuple[CalendarEvent, ...], scope: Scope) -> Action:
    address, requires = scope.address(Kind.EVENT, event_key(live, own)), (EventIs(live.id, digest_of(live.facts())),)
    return Action(address, DeleteEvent(live.id, live.name), Reason.NOT_LISTED, requires=requires)


def within_reach(events: Iterable[DesiredEvent], now: datetime) -> tuple[DesiredEvent, ...]:
    """The declared events that a look at the calendar can show."""
    start, end = reach(now)
    return tuple(one for one in events if one.date is None or start <= one.date <= end)


def event_key(event: CalendarEvent, own: tuple[CalendarEvent, ...]) -> str:
    """What names an event in its address: its name, and its id too if another one has that name."""
    return event.name if sum(one.name == event.name for one in own) == 1 else f"{event.name} {event.id}"


def _ahead(event: DesiredEvent, now: datetime) -> bool:
    return event.date is not None and event.date > now


def _too_far(event: DesiredEvent, scope: Scope) -> Diagnostic:
    """An event that no read would show again, so that every run would create it once more.

    An event that far in the past is silently left alone: no generation looks there.
    """
    return blocked(
        scope.address(Kind.EVENT, event.name),
        BlockedBy.OUT_OF_REACH,
        f"its date is more than {REACH_AHEAD.days} days ahead, further than calendars are read",
        "declare it closer to its date",
    )


def own_events(observed: Iterable[CalendarEvent], recorded: RecordedSite) -> tuple[CalendarEvent, ...]:
    """The events that are not known to belong to a connected calendar (design.md 1.1)."""
    events = tuple(observed)
    foreign = recorded.foreign_calendars - own_calendars(events, recorded)
    return tuple(
        event for event in events if event.calendar_id not in foreign and event.id not in recorded.foreign_events
    )


def own_calendars(observed: Iterable[CalendarEvent], recorded: RecordedSite) -> frozenset[CalendarId]:
    """The calendars that hold an event which this tool made or keeps.

    They are the site's own, whatever the API says of another event in them.
    """
    known = {event for _, event in recorded.event_ids if event and event not in recorded.foreign_events}
    return frozenset(event.calendar_id for event in observed if event.calendar_id is not None and event.id in known)


def match_live(
    desired: Iterable[DesiredEvent], observed: Iterable[CalendarEvent], recorded: RecordedSite
) -> dict[str, CalendarEvent]:
    """Declared event's name -> live event, even if that is read-only or has the declared name cut short.

    Whatever the site's own calendar shows under the name is not created a second time.
    """
    declared, events, remembered = tuple(desired), tuple(observed), dict(recorded.event_ids)
    own = own_events(events, recorded)
    matched = match_events(declared, own, remembered)
    left = [event for event in declared if event.name not in matched]
    if not left:
        return matched
    matched |= match_events(left, _read_only_events(events, recorded), remembered)
    taken = {live.id for live in matched.values()}
    for event in sorted(left, key=lambda event: event.name):
        if event.name not in matched and isinstance(event.description, str) and event.description:
            found = next(
                (
                    live
                    for live in own
                    if live.id not in taken
                    and _may_be(event, live, recorded)
                    and is_a_form_of(event.description, live.description)
                ),
                None,
            )
            if found is not None:
                matched[event.name] = found
                taken.add(found.id)
    return matched


def _read_only_events(observed: Iterable[CalendarEvent], recorded: RecordedSite) -> tuple[CalendarEvent, ...]:
    """The events that are known to be read-only, and that no other calendar than the site's own is known to hold."""
    events = tuple(observed)
    own = own_calendars(events, recorded)
    return tuple(
        event
        for event in events
        if event.id in recorded.foreign_events and (event.calendar_id is None or event.calendar_id in own)
    )


def _may_be(event: DesiredEvent, live: CalendarEvent, recorded: RecordedSite) -> bool:
    """Whether a live event may be a declared one whose name the server cut short.

    Only if the state does not know the declared one: a lost state would otherwise have it created again.
    """
    if dict(recorded.event_ids).get(event.name):
        return False
    name, shown = normal_text(event.name).casefold(), normal_text(live.name).casefold().rstrip(" .…")
    return bool(shown) and name.startswith(shown) and not any(one.path != "name" for one in _differences(event, live))


def _differences(event: DesiredEvent, live: CalendarEvent) -> tuple[FieldChange, ...]:
    """Which fields of a live event differ from the declared ones, the description aside."""
    return event_changes(replace(event, description=ABSENT), live)


def _perhaps_the_same(event: DesiredEvent, live: CalendarEvent, scope: Scope) -> Diagnostic:
    return refusal(
        scope.address(Kind.EVENT, event.name),
        RefusedBy.AMBIGUOUS,
        f'the calendar has "{printable(live.name)}" at the same time, which may be this event with its name cut short; '
        "creating it could make it twice",
        "give this event the name that the calendar shows, or declare the other event too if they are two",
    )


def _read_only(event: DesiredEvent, changes: tuple[FieldChange, ...], scope: Scope) -> Diagnostic:
    paths = ", ".join(change.path for change in changes)
    return blocked(
        scope.address(Kind.EVENT, event.name),
        BlockedBy.READ_ONLY,
        f"the calendar has this event as read-only, with a different {paths}; no second one is created",
        "change or delete it where it was made, or write in the file what the calendar shows",
    )


def match_events(
    desired: Iterable[DesiredEvent], own: tuple[CalendarEvent, ...], remembered: dict[str, EventId]
) -> dict[str, CalendarEvent]:
    """Declared event's name -> live event; each live event is taken once, whatever the order of either."""
    declared = sorted(desired, key=lambda one: one.name)
    matched: dict[str, CalendarEvent] = {}
    for event in declared:
        namesakes = [one for one in own if normal_text(one.name) == normal_text(event.name)]
        if namesakes:
            matched[event.name] = min(
                namesakes, key=lambda one: (one.id != remembered.get(event.name), *_distance(event, one), one.id)
            )
    taken = {one.id for one in matched.values()}
    by_id = {one.id: one for one in own if one.id not in taken and one.name not in matched}
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
    """What of a live event is not as declared. A description left out is left alone."""
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
        if live.recurring_rule is not None or not _same_moment(event, live.date):
            changes += change("date", _shown(event, live.date), _shown(event, event.date))
    return changes


def _same_moment(event: DesiredEvent, live: datetime | None) -> bool:
    if live is None or event.date is None:
        return False
    return live.date() == event.date.date() if event.whole_day else live == event.date


def _shown(event: DesiredEvent, moment: datetime | None) -> str | None:
    if moment is None:
        return None
    return moment.date().isoformat() if event.whole_day else instant(moment)


def _within(declared: Json, live: Json) -> bool:
    """Whether all that is declared is there; what the API adds to a rule is ignored."""
    if isinstance(declared, JsonObject):
        return isinstance(live, JsonObject) and all(_within(declared[key], live.get(key)) for key in declared)
    return same(declared, live)


def _replacement(event: DesiredEvent, live: CalendarEvent) -> CalendarEvent:
    """The whole event to send (D 8.2): the declared fields, and the live ones that the file leaves alone."""
    description = live.description if isinstance(event.description, Absent) else event.description
    if event.recurring_rule is None:
        keep = live.recurring_rule is None and _same_moment(event, live.date)
        return replace(
            live,
            name=event.name,
            description=description,
            date=live.date if keep else event.date,
            recurring_rule=None,
        )
    rule = event.recurring_rule
    if live.recurring_rule is not None and same(rule.get("frequency"), live.recurring_rule.get("frequency")):
        rule = JsonObject({**live.recurring_rule, **rule})
    return replace(live, name=event.name, description=description, date=None, recurring_rule=rule)


def _seen_as(event: DesiredEvent, live: CalendarEvent, changes: tuple[FieldChange, ...]) -> JsonObject:
    """The live event in the terms of the declared one: equal to its facts if nothing differs."""
    if not changes:
        return event.facts()
    facts: dict[str, Json] = {"name": live.name}
    if live.recurring_rule is not None:
        facts["recurringRule"] = live.recurring_rule
    elif live.date is not None:
        facts["date"] = _shown(event, live.date)
    if not isinstance(event.description, Absent):
        facts["description"] = live.description or None
    return JsonObject(facts)
