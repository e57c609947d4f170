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
)
from reconciler.executor.ledger import ActionResult
from reconciler.executor.ports import Journal, Ports
from reconciler.executor.site_cache import SiteCache
from reconciler.executor.snapshot import Snapshot
from reconciler.model.address import Address, Kind, key_of
from reconciler.model.canonical import JsonObject, digest_of
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
from reconciler.model.journal import Before, OpenEntry
from reconciler.model.notes import FoundForeign
from reconciler.model.operations import Operation
from reconciler.model.outcomes import Done, NotDone, Outcome, Remark, Trouble, behind, not_as_asked, not_done, stale
from reconciler.model.sites import Bindings, Inputs, Need, RecordedSite
from reconciler.model.text import normal_text, printable, spoken
from reconciler.model.writes import FieldChange
from reconciler.planner.events import event_changes, identity_changes, own_calendars, own_events, plan_events
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
NOT_MADE = not_as_asked("asked for the event, but the site does not have it")
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
                live, gone = _created(wanted, entry, created, found), NOT_MADE
            case UpdateEvent(event=asked):
                wanted, live, gone = _wanted(asked), _by_id(asked.id, found), UPDATED_GONE
            case DeleteEvent(id=id):
                return None if _by_id(id, found) is None else STILL_THERE
            case _:
                assert_never(operation)
        if live is None:
            return gone
        return differences((change.path, change.after, change.before) for change in event_changes(wanted, live))

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
        live = _by_id(created, found)
        # An update to the id of an unrelated object would overwrite that object.
        return live is not None and not _paths(operation.event, live) > {"name"}

    def unkept(
        self, operation: EventOperation, created: str | None, found: Snapshot
    ) -> tuple[str, tuple[FieldChange, ...]]:
        match operation:
            case DeleteEvent():
                return "", ()
            case CreateEvent(event=wanted):
                live = _by_id(created, found)
            case UpdateEvent(event=asked):
                wanted, live = _wanted(asked), _by_id(asked.id, found)
            case _:
                assert_never(operation)
        if live is None:
            return "", ()
        paths = {"name", "description"}
        if wanted.recurring_rule is not None:
            paths.add("recurringRule")  # a rule is not the server's form of a date
        # What is sent of a rule includes members that the site had and the file does not.
        declared = {change.path: change.after for change in operation.changes}
        return key_of(Kind.EVENT, wanted.name), tuple(
            replace(change, after=declared.get(change.path, change.after))
            for change in event_changes(wanted, live)
            if change.path in paths
        )

    def found_instead(
        self,
        operation: EventOperation,
        entry: OpenEntry,
        created: str | None,
        found: Snapshot,
        recorded: RecordedSite,
    ) -> tuple[str, tuple[FieldChange, ...]]:
        match operation:
            case DeleteEvent():
                return "", ()
            case CreateEvent(event=wanted):
                name, live = wanted.name, _by_id(created, found)
            case UpdateEvent(event=asked):
                name, live = asked.name, _by_id(asked.id, found)
            case _:
                assert_never(operation)
        facts = recorded.applied.event(name)
        if live is None or facts is None:
            return "", ()
        return key_of(Kind.EVENT, name), event_changes(DesiredEvent.from_facts(name, facts), live)

    def with_kept_values(self, operation: EventOperation, changes: tuple[FieldChange, ...]) -> EventOperation:
        if not isinstance(operation, UpdateEvent):
            return operation
        kept = {change.path: change.before for change in changes}
        description = kept.get("description", operation.event.description)
        assert description is None or isinstance(description, str)
        name, rule = str(kept.get("name", operation.event.name)), kept.get("recurringRule")
        rule = rule if isinstance(rule, JsonObject) else operation.event.recurring_rule
        kept_event = replace(operation.event, name=name, description=description, recurring_rule=rule)
        return replace(operation, event=kept_event)

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
        event = printable(f'the event "{address.key}"')
        if operation.destroys:
            return None if result is ActionResult.SKIPPED else behind(f"{event} was not deleted ({spoken(result)})")
        return behind(f"{event} was not saved ({spoken(result)})")

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


def _made(wanted: DesiredEvent, entry: OpenEntry, events: tuple[CalendarEvent, ...]) -> list[CalendarEvent]:
    """Events that match the wanted one and, by their ids, did not exist before the call."""
    new = (event for event in events if event.id not in entry.before.known)
    return sorted((event for event in new if not identity_changes(wanted, event)), key=lambda event: event.id)


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


def _wanted(asked: CalendarEvent) -> DesiredEvent:
    """What an update asks for, in the form of a declared event."""
    return DesiredEvent(asked.name, asked.description, asked.date, recurring_rule=asked.recurring_rule)


def _created(wanted: DesiredEvent, entry: OpenEntry, created: str | None, found: Snapshot) -> CalendarEvent | None:
    """The event that a create made; if its id is not known, the one most like it."""
    name = normal_text(wanted.name)
    mine = [
        event for event in _seen(found) if (normal_text(event.name) == name if created is None else event.id == created)
    ]
    made = _made(wanted, entry, _seen(found)) if created is None else []
    return next((event for event in (*made, *mine) if _paths(wanted, event) <= {"name"}), mine[0] if mine else None)


def _paths(wanted: DesiredEvent, live: CalendarEvent) -> set[str]:
    return {change.path for change in identity_changes(wanted, live)}


def _seen(found: Snapshot) -> tuple[CalendarEvent, ...]:
    return (found.observed.events if found.observed else None) or ()


def _by_id(id: str | None, found: Snapshot) -> CalendarEvent | None:
    return next((event for event in _seen(found) if event.id == id), None)


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
        case NoEventNamed():
            if not isinstance(operation, CreateEvent):
                return None
            own = own_events(events, recorded)
            alike = any(not identity_changes(operation.event, event) for event in own)
            return stale("the event already exists") if alike else None
        case _:
            assert_never(required)
