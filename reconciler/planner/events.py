"""Declared calendar events against the live ones -> actions, and which event is which.

A declared event is matched to a live one by name (if several have that name: the one the state remembers, else the one
whose date is nearest), then, in case it was renamed, by the id that the state remembers. Events of connected calendars
are never the site's own.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
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
    EventIs,
    NoEventNamed,
    UpdateEvent,
    holds,
    reach,
)
from reconciler.model.frozen import Instant, instant
from reconciler.model.sites import Inputs, RecordedSite
from reconciler.model.text import normal_text, printable
from reconciler.model.writes import FieldChange, Verb
from reconciler.planner.actions import ENOUGH, Action, BlockedBy, Reason, RefusedBy, blocked, not_shown, refusal
from reconciler.planner.changes import change
from reconciler.planner.kept import is_a_form_of, kept_notes, split_kept
from reconciler.planner.look_alikes import look_alike_notes
from reconciler.planner.options import Scope


class EventsPart(Struct, frozen=True):
    """What happens to the events; empty if the file manages none, or none were read.

    `live_facts` describe the declared events as they are on the site now, by name, as generation inputs.
    """

    actions: tuple[Action, ...] = ()
    event_ids: tuple[tuple[str, EventId], ...] = ()
    live_facts: tuple[tuple[str, JsonObject], ...] = ()
    pruned: frozenset[str] = frozenset()
    blocked: tuple[Diagnostic, ...] = ()
    refusals: tuple[Diagnostic, ...] = ()
    notes: tuple[Diagnostic, ...] = ()


def plan_events(
    desired: DesiredEvents, observed: tuple[CalendarEvent, ...], recorded: RecordedSite, scope: Scope
) -> EventsPart:
    """The creates, updates and, with `prune`, deletes that make the calendar match the file."""
    near = within_reach(desired.events, scope.now)
    own = own_events(observed, recorded)
    matched = match_live(near, observed, recorded)
    taken = {live.id for live in matched.values()}
    actions: list[Action] = []
    in_the_way: list[Diagnostic] = []
    refusals: list[Diagnostic] = []
    live_facts: list[tuple[str, JsonObject]] = []
    notes: list[Diagnostic] = []
    names = Counter(live.name for live in observed)

    def date(live: CalendarEvent) -> Instant | Absent:
        """The date, if another event has the same name."""
        return live.date if names[live.name] > 1 and live.date else ABSENT

    for event in sorted(near, key=lambda event: event.name):
        live = matched.get(event.name)
        if live is None:
            cut = next((live for live in own if live.id not in taken and may_be(event, live, recorded)), None)
            if cut is None:
                actions.append(_create(event, scope))
            else:
                refusals.append(_may_be_the_same(event, cut, scope))
                taken.add(cut.id)  # prune must not delete it either
            continue
        owner = key_of(Kind.EVENT, event.name)
        changes, kept = split_kept(owner, event_changes(event, live), recorded)
        notes += kept_notes(owner, kept)
        live_facts.append((event.name, _seen_as(event, live, changes)))
        if changes and live.id in recorded.foreign_events:
            in_the_way.append(_read_only(event, changes, scope))
        elif changes:
            actions.append(_update(event, live, changes, scope, date(live)))
    created = (event.name for event in near if event.name not in matched)
    notes += look_alike_notes(Kind.EVENT, created, (live.name for live in observed))
    unlisted: list[CalendarEvent] = []
    if desired.prune:
        unlisted = sorted((live for live in own if live.id not in taken), key=lambda live: (live.name, live.id))
        notes += [_not_pruned(live) for live in read_only_events(observed, recorded) if live.id not in taken]
        actions += [_delete(live, own, scope, date(live)) for live in unlisted]
    refusals += _not_shown(desired, observed, recorded, scope)
    return EventsPart(
        actions=tuple(actions),
        event_ids=tuple(sorted((name, live.id) for name, live in matched.items())),
        live_facts=tuple(live_facts),
        pruned=frozenset(live.name for live in unlisted),
        blocked=(
            *in_the_way,
            *(_too_far(event, scope) for event in desired.events if event not in near and _ahead(event, scope.now)),
        ),
        refusals=tuple(refusals),
        notes=tuple(notes),
    )


def _create(event: DesiredEvent, scope: Scope) -> Action:
    requires = (NoEventNamed(event.name, digest_of(event.facts())),)
    return Action(scope.address(Kind.EVENT, event.name), CreateEvent(event), Reason.DECLARED, requires=requires)


def _update(
    event: DesiredEvent, live: CalendarEvent, changes: tuple[FieldChange, ...], scope: Scope, date: Instant | Absent
) -> Action:
    write, requires = (
        UpdateEvent(_replacement(event, live), changes, date=date),
        (EventIs(live.id, digest_of(live.facts())),),
    )
    return Action(scope.address(Kind.EVENT, event.name), write, Reason.DIFFERS, requires=requires)


def _delete(live: CalendarEvent, own: tuple[CalendarEvent, ...], scope: Scope, date: Instant | Absent) -> Action:
    address, requires = scope.address(Kind.EVENT, event_key(live, own)), (EventIs(live.id, digest_of(live.facts())),)
    operation = DeleteEvent(live.id, live.name, date=date)
    return Action(address, operation, Reason.NOT_LISTED, requires=requires)


def _not_pruned(live: CalendarEvent) -> Diagnostic:
    what = f'"{printable(live.name)}" is read-only in the site\'s own calendar, so prune leaves it there'
    return Diagnostic.note("event-read-only", what)


def _ahead(event: DesiredEvent, now: datetime) -> bool:
    return event.date is not None and event.date > now


def _too_far(event: DesiredEvent, scope: Scope) -> Diagnostic:
    """Blocks an event that is too far ahead for any read to show: every run would create it again.

    An event that far in the past is silently left alone: no generation looks there.
    """
    return blocked(
        scope.address(Kind.EVENT, event.name),
        BlockedBy.OUT_OF_REACH,
        f"its date is more than {REACH_AHEAD.days} days ahead, further than this tool reads calendars",
        "declare it closer to its date",
    )


def _may_be_the_same(event: DesiredEvent, live: CalendarEvent, scope: Scope) -> Diagnostic:
    return refusal(
        scope.address(Kind.EVENT, event.name),
        RefusedBy.AMBIGUOUS,
        f'the calendar has "{printable(live.name)}" at the same time, which may be this event with its name cut short; '
        "creating it could make a duplicate",
        "give this event the name that the calendar shows, or declare the other event too if they are two events",
    )


def _read_only(event: DesiredEvent, changes: tuple[FieldChange, ...], scope: Scope) -> Diagnostic:
    paths = ", ".join(change.path for change in changes)
    return blocked(
        scope.address(Kind.EVENT, event.name),
        BlockedBy.READ_ONLY,
        f"the calendar has this event as read-only, with a different {paths}; no second one is created",
        "change or delete it where it was made, or write in the file what the calendar shows",
    )


def _replacement(event: DesiredEvent, live: CalendarEvent) -> CalendarEvent:
    """The whole event to send (D 8.2): the declared fields, and the live values of those that the file leaves alone."""
    description = live.description if isinstance(event.description, Absent) else event.description
    if event.recurring_rule is None:
        keep = live.recurring_rule is None and same_moment(event, live.date)
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
    """The live event in terms of the declared one: equal to its facts if nothing differs."""
    if not changes:
        return event.facts()
    facts: dict[str, Json] = {"name": live.name}
    if live.recurring_rule is not None:
        facts["recurringRule"] = live.recurring_rule
    elif live.date is not None:
        facts["date"] = shown_date(event, live.date)
    if not isinstance(event.description, Absent):
        facts["description"] = live.description or None
    return JsonObject(facts)


# --- answers that do not show what earlier runs made -------------------------------------------------


def _not_shown(
    desired: DesiredEvents, observed: tuple[CalendarEvent, ...], recorded: RecordedSite, scope: Scope
) -> Iterator[Diagnostic]:
    """Refuses a site whose calendar shows none of the events that earlier runs know (doubt.py)."""
    start, end = reach(scope.now)
    facts = dict(recorded.applied.events) | {event.name: event.facts() for event in desired.events}
    known = {
        event
        for name, event in recorded.event_ids
        if event and event not in recorded.foreign_events and _in_sight(facts.get(name), start, end)
    }
    if len(known) >= ENOUGH and not any(event.id in known for event in observed):
        yield not_shown(
            scope.address(Kind.SITE),
            f"earlier runs recorded {len(known):,} calendar events of this site, but its calendar shows none of them",
            scope.where,
        )


def _in_sight(facts: JsonObject | None, start: datetime, end: datetime) -> bool:
    """Whether a read of the calendar would show an event."""
    if facts is None:
        return False
    date = facts.get("date")
    if not isinstance(date, str):
        return facts.get("recurringRule") is not None
    return start.date().isoformat() <= date[:10] <= end.date().isoformat()


# --- events as inputs of a generation ----------------------------------------------------------------


def same_facts(declared: JsonObject, other: JsonObject | None) -> bool:
    """Whether an event is recorded as it is declared. A description that the file no longer manages is not a change."""
    if other is None:
        return False
    return all(same(declared.get(key), other.get(key)) for key in declared) and all(
        key in declared or key == "description" for key in other
    )


def maybe_created(recorded: RecordedSite) -> frozenset[str]:
    """The names of the events that an earlier run may have created: how its calls ended is not known."""
    creates = (entry.address for entry in recorded.open if entry.may_have(Verb.CREATE))
    return frozenset(address.key for address in creates if address.kind is Kind.EVENT)


def unproven_events(inputs: Inputs, recorded: RecordedSite, part: EventsPart) -> tuple[str, ...]:
    """The declared events that an earlier run may have created but the site does not show."""
    declared, live = dict(inputs.events), dict(part.live_facts)
    made = declared.keys() & maybe_created(recorded)
    # Another event with the same name, such as an occurrence listed separately, is not the one that was created.
    return tuple(sorted(name for name in made if not same_facts(declared[name], live.get(name))))


# --- which event is which ---------------------------------------------------------------------------


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
    """The calendars that hold an event which this tool created or manages.

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
    """The read-only events that are in the site's own calendars, or whose calendar is not known."""
    events = tuple(observed)
    own = own_calendars(events, recorded)
    return tuple(
        event
        for event in events
        if event.id in recorded.foreign_events and (event.calendar_id is None or event.calendar_id in own)
    )


def may_be(event: DesiredEvent, live: CalendarEvent, recorded: RecordedSite) -> bool:
    """Whether a live event may be a declared one whose name the server cut short.

    It prevents a second creation after the state was lost, so it is False if the state knows the declared event.
    """
    if dict(recorded.event_ids).get(event.name):
        return False
    name, shown = normal_text(event.name).casefold(), normal_text(live.name).casefold().rstrip(" .…")
    return (
        bool(shown)
        and name.startswith(shown)
        and not any(change.path != "name" for change in identity_changes(event, live))
    )


def identity_changes(event: DesiredEvent, live: CalendarEvent) -> tuple[FieldChange, ...]:
    """How a live event differs from the declared one in its identity: name, and day, instant or recurring rule."""
    return event_changes(replace(event, description=ABSENT), live)


def match_events(
    desired: Iterable[DesiredEvent], own: tuple[CalendarEvent, ...], remembered: dict[str, EventId]
) -> dict[str, CalendarEvent]:
    """Declared event's name -> live event. Each live event is used once, whatever the order of either side."""
    declared = sorted(desired, key=lambda event: event.name)
    by_name: dict[str, list[CalendarEvent]] = {}
    for live in own:
        by_name.setdefault(normal_text(live.name), []).append(live)
    matched: dict[str, CalendarEvent] = {}
    for event in declared:
        if namesakes := by_name.get(normal_text(event.name)):
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
        if not holds(live.recurring_rule, event.recurring_rule):
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
    return live is not None and shown_date(event, live) == shown_date(event, event.date)


def shown_date(event: DesiredEvent, moment: datetime | None) -> str | None:
    """A date in the form of the declared one: a bare day, or an instant."""
    if moment is None:
        return None
    return moment.date().isoformat() if event.whole_day else instant(moment)
