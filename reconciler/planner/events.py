"""Declared calendar events against the live ones -> actions and drift. event_matching.py says which is which."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

from msgspec import Struct
from msgspec.structs import replace

from reconciler.model.address import Kind, key_of
from reconciler.model.canonical import ABSENT, Absent, Json, JsonObject, digest_of, same
from reconciler.model.diagnostics import Diagnostic
from reconciler.model.events import (
    REACH_AHEAD,
    CalendarEvent,
    CreateEvent,
    DeleteEvent,
    DesiredEvent,
    DesiredEvents,
    EventId,
    EventIs,
    NoEventNamed,
    UpdateEvent,
    reach,
)
from reconciler.model.sites import RecordedSite
from reconciler.model.text import printable
from reconciler.model.writes import FieldChange
from reconciler.planner.actions import ENOUGH, Action, BlockedBy, Plan, Reason, RefusedBy, blocked, not_shown, refusal
from reconciler.planner.baseline import RULE_OF_EVENTS, rule_of_events
from reconciler.planner.drift_report import DriftItem, DriftState, FieldDrift, Finding, Moved, of_fields, who_moved
from reconciler.planner.event_matching import (
    event_changes,
    event_key,
    match_live,
    may_be,
    own_events,
    read_only_events,
    same_moment,
    shown_date,
    within_reach,
)
from reconciler.planner.kept import kept_notes, split_kept
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
    """The creates, replacing updates and, with `prune`, deletes that make the calendar match the file."""
    near = within_reach(desired.events, scope.now)
    own = own_events(observed, recorded)
    matched = match_live(near, observed, recorded)
    taken = {live.id for live in matched.values()}
    actions: list[Action] = []
    in_the_way: list[Diagnostic] = []
    refusals: list[Diagnostic] = []
    live_facts: list[tuple[str, JsonObject]] = []
    notes: list[Diagnostic] = []
    for event in sorted(near, key=lambda one: one.name):
        live = matched.get(event.name)
        if live is None:
            cut = next((live for live in own if live.id not in taken and may_be(event, live, recorded)), None)
            if cut is None:
                actions.append(_create(event, scope))
            else:
                refusals.append(_perhaps_the_same(event, cut, scope))
                taken.add(cut.id)  # nor is it an event to prune
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
        unlisted = sorted((live for live in own if live.id not in taken), key=lambda live: (live.name, live.id))
        notes += [
            Diagnostic.note(
                "event-read-only",
                f'"{printable(live.name)}" is read-only in the site\'s own calendar, so prune leaves it there',
            )
            for live in read_only_events(observed, recorded)
            if live.id not in taken
        ]
        actions += [_delete(live, own, scope) for live in unlisted]
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


def _update(event: DesiredEvent, live: CalendarEvent, changes: tuple[FieldChange, ...], scope: Scope) -> Action:
    write, requires = UpdateEvent(_replacement(event, live), changes), (EventIs(live.id, digest_of(live.facts())),)
    return Action(scope.address(Kind.EVENT, event.name), write, Reason.DIFFERS, requires=requires)


def _delete(live: CalendarEvent, own: tuple[CalendarEvent, ...], scope: Scope) -> Action:
    address, requires = scope.address(Kind.EVENT, event_key(live, own)), (EventIs(live.id, digest_of(live.facts())),)
    return Action(address, DeleteEvent(live.id, live.name), Reason.NOT_LISTED, requires=requires)


def _ahead(event: DesiredEvent, now: datetime) -> bool:
    return event.date is not None and event.date > now


def _too_far(event: DesiredEvent, scope: Scope) -> Diagnostic:
    """Blocks an event that is too far ahead for any read to show, so that every run would create it again.

    An event that far in the past is silently left alone: no generation looks there.
    """
    return blocked(
        scope.address(Kind.EVENT, event.name),
        BlockedBy.OUT_OF_REACH,
        f"its date is more than {REACH_AHEAD.days} days ahead, further than calendars are read",
        "declare it closer to its date",
    )


def _perhaps_the_same(event: DesiredEvent, live: CalendarEvent, scope: Scope) -> Diagnostic:
    return refusal(
        scope.address(Kind.EVENT, event.name),
        RefusedBy.AMBIGUOUS,
        f'the calendar has "{printable(live.name)}" at the same time, which may be this event with its name cut short; '
        "creating it could create it twice",
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
            f"earlier runs recorded {len(known)} calendar events of this site, but its calendar shows none of them",
        )


def _in_sight(facts: JsonObject | None, start: datetime, end: datetime) -> bool:
    """Whether a read of the calendar would show an event."""
    if facts is None:
        return False
    date = facts.get("date")
    if not isinstance(date, str):
        return facts.get("recurringRule") is not None
    return start.date().isoformat() <= date[:10] <= end.date().isoformat()


# --- drift -------------------------------------------------------------------------------------------


def event_drift(
    desired: DesiredEvents, live: tuple[CalendarEvent, ...], recorded: RecordedSite, plan: Plan, scope: Scope
) -> Iterator[DriftItem]:
    """The declared events, and with `prune` those that are not listed: how each differs, and which side moved."""
    matched = match_live(desired.events, live, recorded)
    for event in sorted(desired.events, key=lambda one: one.name):
        yield _drifted(event, matched.get(event.name), recorded, scope)
    pruned_before = recorded.object(RULE_OF_EVENTS) == rule_of_events(desired.prune)
    names = {name for name, _ in (*recorded.applied.events, *recorded.event_ids)}
    for action in plan.actions:
        if isinstance(action.operation, DeleteEvent):
            # An event that was listed before has left the file. Any other is new on the site, unless `prune` itself is
            # new.
            moved = Moved.GIT if action.operation.name in names or not pruned_before else Moved.REMOTE
            yield DriftItem(action.address, DriftState.DRIFTED, Finding.NOT_LISTED, moved)


def _drifted(event: DesiredEvent, live: CalendarEvent | None, recorded: RecordedSite, scope: Scope) -> DriftItem:
    address, last = scope.address(Kind.EVENT, event.name), recorded.applied.event(event.name)
    if live is None:
        known = last is not None or event.name in dict(recorded.event_ids)
        in_git = not known if last is None else not same(event.facts(), last)
        finding = Finding.DELETED if known else Finding.MISSING
        return DriftItem(address, DriftState.DRIFTED, finding, who_moved(in_git, known))
    before = _declared_again(event.name, last) if last is not None else None
    moved_there = {change.path for change in event_changes(before, live)} if before else set()
    changes, _ = split_kept(key_of(Kind.EVENT, event.name), event_changes(event, live), recorded)
    fields = tuple(_drifted_field(change, event, last, moved_there) for change in changes)
    return of_fields(DriftItem(address, DriftState.CONVERGED), fields)


def _drifted_field(one: FieldChange, event: DesiredEvent, last: JsonObject | None, moved_there: set[str]) -> FieldDrift:
    wanted = event.facts()
    if one.path == "name":
        applied: Json | Absent = ABSENT if last is None else event.name
        in_git = last is None
    else:
        applied = ABSENT if last is None else last.get(one.path)
        in_git = last is None or not same(wanted.get(one.path), last.get(one.path))
    return FieldDrift(one.path, one.after, one.before, who_moved(in_git, one.path in moved_there), applied)


def _declared_again(name: str, facts: JsonObject) -> DesiredEvent:
    """The declaration from which recorded facts were made (`DesiredEvent.facts`)."""
    date, rule, description = facts.get("date"), facts.get("recurringRule"), facts.get("description", ABSENT)
    moment = datetime.fromisoformat(date) if isinstance(date, str) else None
    return DesiredEvent(
        name,
        description if isinstance(description, str | Absent) else None,
        moment.replace(tzinfo=moment.tzinfo or UTC) if moment else None,
        whole_day=isinstance(date, str) and "T" not in date,
        recurring_rule=rule if isinstance(rule, JsonObject) else None,
    )


def is_as_declared(
    name: str, desired: DesiredEvents, observed: tuple[CalendarEvent, ...], recorded: RecordedSite
) -> bool:
    """Whether the site has a declared event as the file asks."""
    live = match_live(desired.events, observed, recorded).get(name)
    event = next((wanted for wanted in desired.events if wanted.name == name), None)
    return event is not None and live is not None and not event_changes(event, live)
