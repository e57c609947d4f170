"""What each note of a run adds to a record: plain functions, and each done twice leaves what doing it once left."""

from __future__ import annotations

from collections.abc import Sequence
from typing import assert_never

from msgspec.structs import replace

from reconciler.model.canonical import Digest, JsonObject
from reconciler.model.events import CalendarEvent
from reconciler.model.journal import OpenEntry
from reconciler.model.operations import Done, NotDone, Outcome, Pending, Unknown
from reconciler.model.posts import ActivityId
from reconciler.model.settings import Field
from reconciler.model.sites import Bindings, CreatedActivity, Inputs, PublishedPost, RecordedSite, RememberedSet


def with_begun(recorded: RecordedSite, entries: Sequence[OpenEntry]) -> RecordedSite:
    """With calls that are about to be sent."""
    begun = {entry.id for entry in entries}
    return replace(recorded, open=(*(entry for entry in recorded.open if entry.id not in begun), *entries))


def with_sent(recorded: RecordedSite, id: str) -> RecordedSite:
    """With a call that is known to have taken effect, and is waited for."""
    return replace(
        recorded,
        open=tuple(replace(one, sent=True, unknown="") if one.id == id else one for one in recorded.open),
    )


def with_ended(recorded: RecordedSite, id: str, outcome: Outcome) -> RecordedSite:
    """With the outcome of a call: what is done or not done is closed, the rest stays open for the next run."""
    match outcome:
        case Done() | NotDone():
            return replace(recorded, open=tuple(one for one in recorded.open if one.id != id))
        case Pending():
            return with_sent(recorded, id)
        case Unknown(detail=detail):
            marked = detail or "the answer was unclear"
            return replace(
                recorded,
                open=tuple(replace(one, unknown=marked) if one.id == id else one for one in recorded.open),
            )
        case _:
            assert_never(outcome)


def with_pending(recorded: RecordedSite, pending: Inputs, generated_from: Inputs | None) -> RecordedSite:
    """With the inputs of a generation to come, and what is in force until then; None leaves that as it is."""
    return replace(
        recorded, pending=pending, generated_from=recorded.generated_from if generated_from is None else generated_from
    )


def with_generated_from(recorded: RecordedSite, inputs: Inputs) -> RecordedSite:
    """With the inputs of a generation that ended well: all of them, and nothing is pending any more."""
    return replace(recorded, generated_from=inputs, pending=None)


def with_applied(recorded: RecordedSite, applied: Inputs) -> RecordedSite:
    """With more of the last applied values, by path and by event."""
    settings: dict[str, Field] = {one.path: one for one in (*recorded.applied.settings, *applied.settings)}
    events: dict[str, JsonObject] = dict((*recorded.applied.events, *applied.events))
    merged = Inputs(
        tuple(settings[path] for path in sorted(settings)), tuple((name, events[name]) for name in sorted(events))
    )
    return replace(recorded, applied=merged)


def with_bound(recorded: RecordedSite, bindings: Bindings) -> RecordedSite:
    """With more identities. A name that is bound anew forgets its old id."""
    ids = dict((*recorded.event_ids, *bindings.event_ids))
    sets: dict[Digest, frozenset[ActivityId]] = {}
    for one in (*recorded.sets, *bindings.sets):
        sets[one.rule] = sets.get(one.rule, frozenset()) | one.activities
    created: dict[tuple[str, object], CreatedActivity] = {
        (one.title, one.target_date): one for one in (*recorded.created, *bindings.created)
    }
    objects = dict((*recorded.objects, *bindings.objects))
    return replace(
        recorded,
        event_ids=tuple((name, ids[name]) for name in sorted(ids)),
        sets=tuple(RememberedSet(rule, sets[rule]) for rule in sorted(sets)),
        created=tuple(sorted(created.values(), key=lambda one: (one.target_date, one.title))),
        objects=tuple((key, objects[key]) for key in sorted(objects)),
    )


def with_foreign(recorded: RecordedSite, event: CalendarEvent) -> RecordedSite:
    """With the calendar of an event as not the site's own; without a calendar, the event itself."""
    if event.calendar_id is not None:
        return replace(recorded, foreign_calendars=recorded.foreign_calendars | {event.calendar_id})
    return replace(recorded, foreign_events=recorded.foreign_events | {event.id})


def with_published(recorded: RecordedSite, post: PublishedPost) -> RecordedSite:
    """With a post that was scheduled. The same content scheduled at another moment counts once more."""
    kept, times = [], post.times
    for one in recorded.published:
        if (one.id, one.digest) == (post.id, post.digest):
            times = max(times, one.times + (one.done_at != post.done_at))
        else:
            kept.append(one)
    return replace(recorded, published=(*kept, replace(post, times=times)))


def with_consumed(recorded: RecordedSite, activity: ActivityId, decision: str, digest: Digest) -> RecordedSite:
    """With a decision that was carried out."""
    one = (activity, decision, digest)
    return recorded if one in recorded.consumed else replace(recorded, consumed=(*recorded.consumed, one))
