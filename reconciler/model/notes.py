"""What each note of a run adds to a record. Applying one twice has the same effect as once.

The journal writes them as they come. A record is what its last snapshot says plus what the notes after it add.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Mapping
from enum import StrEnum
from operator import attrgetter, itemgetter
from typing import TypeAlias, TypeVar, assert_never

from msgspec.structs import replace

from reconciler.model.address import Kind, key_of
from reconciler.model.canonical import EMPTY, Digest, Json, JsonObject
from reconciler.model.events import CalendarId, EventId
from reconciler.model.failures import Failure
from reconciler.model.frozen import Variant
from reconciler.model.journal import OpenEntry
from reconciler.model.outcomes import Done, NotDone, Outcome, Pending, Unknown
from reconciler.model.posts import ActivityId
from reconciler.model.settings import Field
from reconciler.model.sites import (
    Bindings,
    CreatedActivity,
    CreatedEvent,
    Inputs,
    PostOutcome,
    PublishedPost,
    RecordedSite,
    RememberedSet,
)

T = TypeVar("T")


class Began(Variant, frozen=True):
    """Calls are about to be sent."""

    entries: tuple[OpenEntry, ...]

    def onto(self, recorded: RecordedSite) -> RecordedSite:
        new = {entry.id for entry in self.entries}
        return replace(recorded, open=(*(entry for entry in recorded.open if entry.id not in new), *self.entries))


class Sent(Variant, frozen=True):
    """A call is known to have been accepted, and its result is still to come."""

    id: str

    def onto(self, recorded: RecordedSite) -> RecordedSite:
        return _with_entry(recorded, self.id, sent=True, unknown=None)


class CallResult(StrEnum):
    """How a call ended."""

    DONE = "done"
    NOT_DONE = "not-done"
    PENDING = "pending"
    UNKNOWN = "unknown"


class CallEnded(Variant, frozen=True, tag="ended"):
    """How a call ended: done and not done close it; anything else stays open for the next run."""

    id: str
    result: CallResult
    failure: Failure | None = None
    """Why it was not done, or why its outcome is not known."""

    def onto(self, recorded: RecordedSite) -> RecordedSite:
        match self.result:
            case CallResult.DONE | CallResult.NOT_DONE:
                return replace(recorded, open=tuple(entry for entry in recorded.open if entry.id != self.id))
            case CallResult.PENDING:
                return _with_entry(recorded, self.id, sent=True, unknown=None)
            case CallResult.UNKNOWN:
                return _with_entry(recorded, self.id, sent=None, unknown=self.failure)
            case never:
                assert_never(never)


def ended(id: str, outcome: Outcome) -> CallEnded:
    """The note of an outcome."""
    match outcome:
        case Done():
            return CallEnded(id, CallResult.DONE)
        case Pending():
            return CallEnded(id, CallResult.PENDING)
        case NotDone(problem=problem, asked=asked):
            return CallEnded(id, CallResult.NOT_DONE, Failure.of(problem, asked))
        case Unknown(problem=problem, asked=asked):
            return CallEnded(id, CallResult.UNKNOWN, Failure.of(problem, asked))
        case never:
            assert_never(never)


def _with_entry(recorded: RecordedSite, id: str, *, sent: bool | None, unknown: Failure | None) -> RecordedSite:
    entries = (
        replace(entry, sent=entry.sent if sent is None else sent, unknown=unknown) if entry.id == id else entry
        for entry in recorded.open
    )
    return replace(recorded, open=tuple(entries))


class InputsPending(Variant, frozen=True):
    """The inputs of the next generation, and those that the current marketing plan is considered to be made from.

    If the latter are None, they stay as they are.
    """

    pending: Inputs
    generated_from: Inputs | None

    def onto(self, recorded: RecordedSite) -> RecordedSite:
        kept = recorded.generated_from if self.generated_from is None else self.generated_from
        return replace(recorded, pending=self.pending, generated_from=kept)


class InputsGeneratedFrom(Variant, frozen=True):
    """The inputs of a generation that succeeded: all of them; nothing is pending any more."""

    inputs: Inputs

    def onto(self, recorded: RecordedSite) -> RecordedSite:
        return replace(recorded, generated_from=self.inputs, pending=None)


class AppliedValues(Variant, frozen=True, tag="applied"):
    """Adds last applied values, by path and by event."""

    inputs: Inputs

    def onto(self, recorded: RecordedSite) -> RecordedSite:
        settings: dict[str, Field] = {
            field.path: field for field in (*recorded.applied.settings, *self.inputs.settings)
        }
        events: dict[str, JsonObject] = dict((*recorded.applied.events, *self.inputs.events))
        merged = Inputs(
            tuple(settings[path] for path in sorted(settings)), tuple((name, events[name]) for name in sorted(events))
        )
        return replace(recorded, applied=merged)


def applied_instead(recorded: RecordedSite, owner: str, values: Mapping[str, Json]) -> JournalNote | None:
    """The note that replaces an object's last applied values with these.

    `owner` is the object's key within the site; empty for settings. Fields of which nothing is recorded are left out,
    except those of a recorded event.
    Returns None if no field is left.
    """
    if not owner:
        changed = (field.path for field in recorded.applied.settings if field.path in values)
        fields = tuple(Field(path, values[path]) for path in changed)
        return AppliedValues(Inputs(settings=fields)) if fields else None
    event = next((name for name, _ in recorded.applied.events if key_of(Kind.EVENT, name) == owner), None)
    if event is not None:
        facts = recorded.applied.event(event) or EMPTY
        return AppliedValues(Inputs(events=((event, JsonObject({**facts, **values})),))) if values else None
    facts = recorded.object(owner) or EMPTY
    known = {path: value for path, value in values.items() if path in facts}
    return Bound(Bindings(objects=((owner, JsonObject({**facts, **known})),))) if known else None


class Bound(Variant, frozen=True):
    """Adds bindings. A name that is bound to a new id forgets the old one."""

    bindings: Bindings

    def onto(self, recorded: RecordedSite) -> RecordedSite:
        found = self.bindings  # a run may make many such notes: members that gain nothing are not copied
        return replace(
            recorded,
            event_ids=_with(recorded.event_ids, found.event_ids),
            sets=_with_sets(recorded.sets, found.sets) if found.sets else recorded.sets,
            created=_with_created(recorded.created, found.created) if found.created else recorded.created,
            created_events=_with_events(recorded.created_events, found.created_events)
            if found.created_events
            else recorded.created_events,
            objects=_with(recorded.objects, found.objects),
            spent=tuple(sorted({*recorded.spent, *found.spent})) if found.spent else recorded.spent,
            outcomes=_with_outcomes(recorded.outcomes, found.outcomes),
        )


def _with(sorted_members: tuple[tuple[str, T], ...], found: tuple[tuple[str, T], ...]) -> tuple[tuple[str, T], ...]:
    """Sorted pairs with more pairs added, each name once."""
    members = sorted_members
    for name, value in found:
        at = bisect_left(members, name, key=itemgetter(0))
        rest = members[at + 1 :] if at < len(members) and members[at][0] == name else members[at:]
        members = (*members[:at], (name, value), *rest)
    return members


def _with_sets(recorded: tuple[RememberedSet, ...], found: tuple[RememberedSet, ...]) -> tuple[RememberedSet, ...]:
    sets: dict[Digest, frozenset[ActivityId]] = {}
    for remembered in (*recorded, *found):
        sets[remembered.rule] = sets.get(remembered.rule, frozenset()) | remembered.activities
    return tuple(RememberedSet(rule, sets[rule]) for rule in sorted(sets))


def _with_created(
    recorded: tuple[CreatedActivity, ...], found: tuple[CreatedActivity, ...]
) -> tuple[CreatedActivity, ...]:
    created = {(activity.title, activity.target_date): activity for activity in (*recorded, *found)}
    return tuple(sorted(created.values(), key=lambda activity: (activity.target_date, activity.title)))


def _with_events(recorded: tuple[CreatedEvent, ...], found: tuple[CreatedEvent, ...]) -> tuple[CreatedEvent, ...]:
    events: dict[EventId, CreatedEvent] = {event.id: event for event in recorded}
    for event in found:
        known = events.get(event.id)
        events[event.id] = replace(event, seen=event.seen or (known is not None and known.seen))
    return tuple(events[id] for id in sorted(events))


def _with_outcomes(recorded: tuple[PostOutcome, ...], found: tuple[PostOutcome, ...]) -> tuple[PostOutcome, ...]:
    return tuple({outcome.post: outcome for outcome in (*recorded, *found)}.values()) if found else recorded


class FoundForeign(Variant, frozen=True):
    """A calendar that is not the site's own; if `calendar` is None, only this event is not."""

    calendar: CalendarId | None
    event: EventId

    def onto(self, recorded: RecordedSite) -> RecordedSite:
        if self.calendar is not None:
            return replace(recorded, foreign_calendars=recorded.foreign_calendars | {self.calendar})
        return replace(recorded, foreign_events=recorded.foreign_events | {self.event})


class Scheduled(Variant, frozen=True):
    """A post that was scheduled. The same content scheduled again (another `done_at`) counts once more."""

    post: PublishedPost

    def onto(self, recorded: RecordedSite) -> RecordedSite:
        # A record may contain thousands of them, and a run adds hundreds. Most are new, which this finds out fast.
        if self.post.id not in map(attrgetter("id"), recorded.published):
            return replace(recorded, published=(*recorded.published, self.post))
        post, kept, times = self.post, [], self.post.times
        for earlier in recorded.published:
            if (earlier.id, earlier.digest) == (post.id, post.digest):
                times = max(times, earlier.times + (earlier.done_at != post.done_at))
            else:
                kept.append(earlier)
        return replace(recorded, published=(*kept, replace(post, times=times)))


class Consumed(Variant, frozen=True):
    """A decision that was carried out."""

    activity: ActivityId
    decision: str
    digest: Digest

    def onto(self, recorded: RecordedSite) -> RecordedSite:
        decided = (self.activity, self.decision, self.digest)
        return recorded if decided in recorded.consumed else replace(recorded, consumed=(*recorded.consumed, decided))


JournalNote: TypeAlias = (
    Began
    | Sent
    | CallEnded
    | InputsPending
    | InputsGeneratedFrom
    | AppliedValues
    | Bound
    | FoundForeign
    | Scheduled
    | Consumed
)
