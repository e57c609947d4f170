"""Calendar events: identified by name and day, instant or rule. Those of connected calendars are left alone."""

from __future__ import annotations

from datetime import datetime
from typing import assert_never

from msgspec.structs import replace

from reconciler.executor.kinds.base import (
    ManagedKind,
    Moment,
    OutcomeContext,
    OutcomeReads,
    differences,
    same_text,
    shown,
)
from reconciler.executor.ledger import ActionResult
from reconciler.executor.ports import Journal, Ports
from reconciler.executor.site_cache import SiteCache
from reconciler.executor.snapshot import Snapshot
from reconciler.model.address import Address, Kind, key_of
from reconciler.model.canonical import Absent, Json, JsonObject, digest_of, same
from reconciler.model.diagnostics import Diagnostic
from reconciler.model.events import (
    CalendarEvent,
    CalendarId,
    CreateEvent,
    DeleteEvent,
    DesiredEvent,
    EventCondition,
    EventId,
    EventIs,
    EventOperation,
    NoEventNamed,
    UpdateEvent,
)
from reconciler.model.frozen import instant
from reconciler.model.journal import Before, OpenEntry
from reconciler.model.notes import FoundForeign
from reconciler.model.operations import Operation
from reconciler.model.outcomes import Done, NotDone, Outcome, Remark, Trouble, behind, not_as_asked, not_done, stale
from reconciler.model.sites import Bindings, Inputs, Need, RecordedSite
from reconciler.model.text import normal_text, spoken
from reconciler.model.writes import FieldChange
from reconciler.planner.event_matching import own_calendars, own_events
from reconciler.planner.events import plan_events
from reconciler.planner.options import Scope

FOREIGN = Diagnostic(Trouble.READ_ONLY, "it belongs to a connected calendar, which this site cannot change")
READ_ONLY = Diagnostic(
    Trouble.READ_ONLY,
    "it is read-only, although it is in the site's own calendar",
    "change or delete it where it was made",
)
REFUSED = Diagnostic(
    Trouble.READ_ONLY,
    "it is read-only",
    "change it where it was made, or write in the file what the calendar shows",
)
UPDATED_GONE = not_as_asked("asked for an update, but the event is gone")
STILL_THERE = not_as_asked("asked for it to be deleted, but it is still there")


class EventsKind(ManagedKind[EventOperation]):
    """The calendar events of a site."""

    async def unmet(
        self, required: EventCondition, operation: Operation, site: SiteCache, moment: Moment
    ) -> Diagnostic | None:
        return await event_unmet(required, operation, site, moment.recorded)

    async def refusal_reason(self, operation: EventOperation, site: SiteCache, moment: Moment) -> Diagnostic | None:
        """After the first 428 in a calendar, no further delete is tried there."""
        if not isinstance(operation, DeleteEvent):
            return None
        events = await _events(site)
        live = next((event for event in events if event.id == operation.id), None)
        own = own_events(events, moment.recorded)
        if live is None or live in own:
            return None
        return READ_ONLY if live.calendar_id in own_calendars(events, moment.recorded) else FOREIGN

    async def before(self, operation: EventOperation, site: SiteCache) -> Before:
        if not isinstance(operation, CreateEvent):
            return Before()
        name = normal_text(operation.event.name)
        events = await _events(site)
        return Before(known=tuple(sorted(event.id for event in events if normal_text(event.name) == name)))

    def reads(self, operation: EventOperation) -> OutcomeReads:
        return OutcomeReads(frozenset({Need.EVENTS}))

    def outcome(self, operation: EventOperation, entry: OpenEntry, found: Snapshot, now: datetime) -> Outcome | None:
        if not isinstance(operation, CreateEvent):
            return super().outcome(operation, entry, found, now)
        # Only whether it exists, whatever its texts: an event that the server words differently must not be created
        # again.
        made = _made(operation.event, entry, _seen(found))
        if made:
            return Done(created=made[0].id)
        # An accepted event that does not show is not created again: what became of it is not known (17.1).
        return None if entry.sent else not_done(Trouble.NO_EFFECT, "there is no such event")

    def mismatch(
        self, operation: EventOperation, entry: OpenEntry, created: str | None, found: Snapshot, now: datetime
    ) -> Diagnostic | None:
        match operation:
            case CreateEvent(event=wanted):
                return _created_mismatch(wanted, entry, created, found)
            case UpdateEvent(event=asked):
                live = next((event for event in _seen(found) if event.id == asked.id), None)
                return UPDATED_GONE if live is None else _changed_mismatch(asked, live)
            case DeleteEvent(id=id):
                there = any(event.id == id for event in _seen(found))
                return STILL_THERE if there else None
            case _:
                assert_never(operation)

    async def ruled_out(
        self, operation: EventOperation, refused: NotDone, site: SiteCache, journal: Journal
    ) -> Outcome:
        """A 428 means that the event is gone, or that it belongs to a connected calendar (D 8.2)."""
        match operation:
            case CreateEvent():
                return refused
            case UpdateEvent(event=asked):
                # A refused update proves less, so only the event is recorded, not its whole calendar.
                live = await _event(asked.id, site)
                foreign = replace(live, calendar_id=None) if live is not None else None
                gone: Outcome = refused
                why = REFUSED
            case DeleteEvent(id=id):
                foreign = await _event(id, site)
                why = FOREIGN
                if foreign is not None and foreign.calendar_id in _own(await _events(site), journal.recorded):
                    # The calendar contains an event that this tool made, so it is the site's own, whatever this event
                    # is.
                    foreign, why = replace(foreign, calendar_id=None), READ_ONLY
                gone = Done(remark=Remark.GONE_ALREADY)
            case _:
                assert_never(operation)
        if foreign is None:
            return gone
        journal.note(FoundForeign(foreign.calendar_id, foreign.id))
        return replace(refused, problem=replace(refused.problem.because_of(why.message), code=why.code, fix=why.fix))

    def leaves(self, operation: EventOperation, entry: OpenEntry, done: Done, context: OutcomeContext) -> Bindings:
        match operation:
            case CreateEvent(event=event) if done.created:
                return Bindings(event_ids=((event.name, EventId(done.created)),))
            case DeleteEvent(id=id):
                # From now on, its absence is expected (17.3).
                names = (name for name, known in context.recorded.event_ids if known == id)
                return Bindings(event_ids=tuple((name, EventId("")) for name in names))
            case CreateEvent() | UpdateEvent():
                return Bindings()
            case _:
                assert_never(operation)

    def shows(self, operation: EventOperation, created: str, found: Snapshot) -> bool:
        assert isinstance(operation, CreateEvent)
        wanted = operation.event
        live = next((event for event in _seen(found) if event.id == created), None)
        # An update to the id of an unrelated object would overwrite that object.
        return live is not None and (
            normal_text(live.name) == normal_text(wanted.name) or is_event(live, live.name, when_of(wanted))
        )

    def unkept(
        self, operation: EventOperation, created: str | None, found: Snapshot
    ) -> tuple[str, tuple[FieldChange, ...]]:
        match operation:
            case DeleteEvent():
                return "", ()
            case CreateEvent(event=wanted):
                id, name, description = created, wanted.name, wanted.description
            case UpdateEvent(event=asked):
                id, name, description = asked.id, asked.name, asked.description
            case _:
                assert_never(operation)
        live = next((event for event in _seen(found) if event.id == id), None)
        if live is None:
            return "", ()
        pairs = [("name", name, live.name), ("description", description, live.description)]
        return key_of(Kind.EVENT, name), tuple(
            FieldChange(path, has, wants)
            for path, wants, has in pairs
            if not isinstance(wants, Absent) and not same_text(wants, has)
        )

    def with_kept_values(self, operation: EventOperation, changes: tuple[FieldChange, ...]) -> EventOperation:
        if not isinstance(operation, UpdateEvent):
            return operation
        kept = {change.path: change.before for change in changes}
        description = kept.get("description", operation.event.description)
        assert description is None or isinstance(description, str)
        name = str(kept.get("name", operation.event.name))
        return replace(operation, event=replace(operation.event, name=name, description=description))

    def applied(self, operation: EventOperation, declared: Inputs) -> Inputs:
        match operation:
            case CreateEvent(event=event):
                return Inputs(events=((event.name, event.facts()),))
            case UpdateEvent(event=live):
                facts = declared.event(live.name)
                return Inputs(events=((live.name, facts),)) if facts is not None else Inputs()
            case DeleteEvent():
                return Inputs()
            case _:
                assert_never(operation)

    async def inputs_seen(self, declared: Inputs, ports: Ports, site: SiteCache) -> Inputs:
        desired = ports.declared().events if declared.events and ports.declared is not None else None
        if desired is None:
            return Inputs(events=declared.events)
        site.forget(Need.EVENTS)
        scope = Scope(site.site.name, ports.clock.now())
        part = plan_events(desired, await _events(site), ports.journal.recorded, scope)
        names = {name for name, _ in declared.events}
        return Inputs(events=tuple((name, facts) for name, facts in part.live_facts if name in names))

    def inputs_missing(self, operation: EventOperation, address: Address, result: ActionResult) -> Diagnostic | None:
        if operation.destroys:
            return None if result is ActionResult.SKIPPED else behind(f"{address} was not deleted ({spoken(result)})")
        return behind(f"{address} was not saved ({spoken(result)})")

    def touches(self, operation: EventOperation) -> frozenset[str]:
        match operation:
            case CreateEvent(event=event):
                return frozenset({f"event {event.name}"})
            case UpdateEvent(event=live):
                return frozenset({live.id, f"event {live.name}"})
            case DeleteEvent(id=id, name=name):
                return frozenset({id, f"event {name}"})
            case _:
                assert_never(operation)


# --- what is compared ------------------------------------------------------------------------------


def is_event(live: CalendarEvent, name: str, when: JsonObject) -> bool:
    """Whether a live event has this name and this day, instant or rule (`when_of`)."""
    if normal_text(live.name) != normal_text(name):
        return False
    date, rule = when.get("date"), when.get("recurringRule")
    if rule is not None:
        # The API may add members of its own to a rule (14.17), so only those that were asked for are compared.
        own = live.recurring_rule
        return own is not None and isinstance(rule, JsonObject) and all(same(own.get(key), rule[key]) for key in rule)
    if live.date is None or live.recurring_rule is not None or not isinstance(date, str):
        return False
    return instant(live.date)[: len(date)] == date


def when_of(event: DesiredEvent) -> JsonObject:
    """When a declared event takes place (its day, instant or rule). With its name, this identifies it."""
    date = None if event.date is None else instant(event.date)
    if event.date is not None and event.whole_day:
        date = event.date.date().isoformat()
    return JsonObject({"date": date, "recurringRule": event.recurring_rule})


def _made(wanted: DesiredEvent, entry: OpenEntry, events: tuple[CalendarEvent, ...]) -> list[CalendarEvent]:
    """Events that match the wanted one and, by their ids, did not exist before the call."""
    new = (event for event in events if event.id not in entry.before.known)
    return sorted((event for event in new if is_event(event, wanted.name, when_of(wanted))), key=lambda event: event.id)


def _own(events: tuple[CalendarEvent, ...], recorded: RecordedSite) -> frozenset[CalendarId | None]:
    """The site's own calendars, as far as known, including those of events that this run has just made."""
    made = {
        event.calendar_id
        for entry in recorded.open
        if isinstance(entry.operation, CreateEvent)
        for event in _made(entry.operation.event, entry, events)
        if event.calendar_id is not None
    }
    return own_calendars(events, recorded) | made


def _created_mismatch(
    wanted: DesiredEvent, entry: OpenEntry, created: str | None, found: Snapshot
) -> Diagnostic | None:
    name = normal_text(wanted.name)
    mine = [
        event for event in _seen(found) if (normal_text(event.name) == name if created is None else event.id == created)
    ]
    if not mine:
        return not_as_asked("asked for the event, but the site does not have it")
    alike = [event for event in mine if is_event(event, event.name, when_of(wanted))]
    if not alike:
        return not_as_asked(f"asked for {shown(when_of(wanted))}, the site has {shown(mine[0].facts())}")
    live = ((_made(wanted, entry, _seen(found)) if created is None else alike) or alike)[0]
    pairs: list[tuple[str, Json, Json]] = [("name", wanted.name, live.name)]
    if not isinstance(wanted.description, Absent):
        pairs.append(("description", wanted.description or None, live.description or None))
    return differences(pairs)


def _changed_mismatch(asked: CalendarEvent, live: CalendarEvent) -> Diagnostic | None:
    pairs = [("name", asked.name, live.name), ("description", asked.description or None, live.description or None)]
    when = () if is_event(live, live.name, asked.facts()) else (("when", asked.facts(), live.facts()),)
    return differences((*pairs, *when))


def _seen(found: Snapshot) -> tuple[CalendarEvent, ...]:
    return (found.observed.events if found.observed else None) or ()


async def _events(site: SiteCache) -> tuple[CalendarEvent, ...]:
    return (await site.part(Need.EVENTS)).events or ()


async def _event(id: EventId, site: SiteCache) -> CalendarEvent | None:
    site.forget(Need.EVENTS)
    return next((event for event in await _events(site) if event.id == id), None)


# --- preconditions ---------------------------------------------------------------------------------


async def event_unmet(
    required: EventCondition, operation: Operation, site: SiteCache, recorded: RecordedSite
) -> Diagnostic | None:
    """What was found instead of the required event, or of its required absence. May raise an ApiError."""
    events = await _events(site)
    match required:
        case EventIs(id=id, facts=facts):
            live = next((event for event in events if event.id == id), None)
            if live is None:
                return stale("the event is gone")
            return None if digest_of(live.facts()) == facts else stale("the event has changed since the plan")
        case NoEventNamed(name=name):
            if not isinstance(operation, CreateEvent):
                return None
            own = own_events(events, recorded)
            alike = any(is_event(event, name, when_of(operation.event)) for event in own)
            return stale("the event already exists") if alike else None
        case _:
            assert_never(required)
