"""The state document of one site: a RecordedSite and its JSON text.

One document a site holds all that is recorded, the journal and what was published included, so that each
step of a run is one atomic write. It grows by some 300 bytes a published post.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, get_args

from msgspec import Struct

from reconciler.model import codec, frozen
from reconciler.model.address import SiteName
from reconciler.model.canonical import Digest, JsonObject, freeze_object, thaw
from reconciler.model.events import CalendarId, EventId
from reconciler.model.journal import AnyOperation, OpenEntry, UnreadableCall
from reconciler.model.posts import ActivityId, PostId
from reconciler.model.settings import Field
from reconciler.model.sites import (
    CreatedActivity,
    Inputs,
    PublishedPost,
    RecordedSite,
    RememberedSet,
    SiteRef,
)
from reconciler.state.errors import StateError
from reconciler.state.old_calls import entry_of
from reconciler.state.values import RESTORE, Malformed, Members, Migration, from_bytes, time_text, to_bytes

FORMAT_VERSION: Final = 2


def _with_operations(document: dict[str, Any]) -> dict[str, Any]:
    """Format 1 noted the name of a call and free facts; format 2 the operation and what was there before it."""
    return {**document, "open": [entry_of(entry) for entry in document["open"]]}


MIGRATIONS: Final[Mapping[int, Migration]] = {1: _with_operations}
"""What brings an older document forward, keyed by the version it starts from."""


class SiteDocument(Struct, frozen=True):
    """What is recorded, and of which site: a name that moved to another site is not that site."""

    name: SiteName
    id: str
    recorded: RecordedSite

    def of(self, site: SiteRef, place: str) -> RecordedSite:
        """What is recorded of a site. Raises StateError where the document is of another one."""
        if self.id != site.id:
            raise StateError(
                place,
                f"records the site {self.id}, but {site.name} is now {site.id}",
                "give the new site a name of its own, or move this file away to start afresh with it",
            )
        return self.recorded


# --- to text ---------------------------------------------------------------------------------------


def encode(document: SiteDocument) -> bytes:
    """The text of a document. Sets are sorted, so that the same record has the same bytes."""
    recorded = document.recorded
    return to_bytes(
        {
            "formatVersion": FORMAT_VERSION,
            "site": {"name": document.name, "id": document.id},
            "inForce": _inputs_or_none(recorded.generated_from),
            "due": _inputs_or_none(recorded.pending),
            "applied": _inputs(recorded.applied),
            "eventIds": [{"name": name, "id": event} for name, event in recorded.event_ids],
            "foreignCalendars": sorted(recorded.foreign_calendars),
            "foreignEvents": sorted(recorded.foreign_events),
            "sets": [{"rule": one.rule, "activities": sorted(one.activities)} for one in recorded.sets],
            "created": [
                {"id": one.id, "title": one.title, "targetDate": time_text(one.target_date)} for one in recorded.created
            ],
            "consumed": [
                {"activity": activity, "decision": decision, "digest": digest}
                for activity, decision, digest in recorded.consumed
            ],
            "objects": [{"object": key, "facts": thaw(facts)} for key, facts in recorded.objects],
            "open": codec.to_plain(recorded.open),
            "published": [_published(post) for post in recorded.published],
        }
    )


def _inputs(inputs: Inputs) -> dict[str, Any]:
    return {
        "settings": [{"path": one.path, "value": thaw(one.value)} for one in inputs.settings],
        "events": [{"name": name, "facts": thaw(facts)} for name, facts in inputs.events],
    }


def _inputs_or_none(inputs: Inputs | None) -> dict[str, Any] | None:
    return None if inputs is None else _inputs(inputs)


def _published(post: PublishedPost) -> dict[str, Any]:
    return {
        "id": post.id,
        "digest": post.digest,
        "channel": post.channel,
        "scheduledFor": None if post.scheduled_for is None else time_text(post.scheduled_for),
        "doneAt": time_text(post.done_at),
        "times": post.times,
        "commit": post.commit,
        "approver": post.approver,
    }


# --- from text -------------------------------------------------------------------------------------


def decode(
    data: bytes, place: str, *, version: int = FORMAT_VERSION, migrations: Mapping[int, Migration] = MIGRATIONS
) -> SiteDocument:
    """The document a text holds. Raises StateError for a corrupt one and for one of a newer format."""
    try:
        document = from_bytes(data, place=place, version=version, migrations=migrations)
        return _document(Members(document))
    except (KeyError, TypeError, ValueError) as error:
        raise StateError(place, f"is corrupt (an open entry is not one of format 1: {error})", RESTORE) from None
    except Malformed as error:
        raise StateError(place, f"is corrupt ({error})", RESTORE) from None


def _document(members: Members) -> SiteDocument:
    site = members.members("site")
    document_of = SiteName(site.take("name", str)), site.take("id", str)
    site.end()
    pending, generated_from = members.members_or_none("due"), members.members_or_none("inForce")
    recorded = RecordedSite(
        generated_from=None if generated_from is None else _read_inputs(generated_from),
        pending=None if pending is None else _read_inputs(pending),
        applied=_read_inputs(members.members("applied")),
        event_ids=tuple(_read_event_id(one) for one in members.each("eventIds")),
        foreign_calendars=frozenset(CalendarId(one) for one in members.texts("foreignCalendars")),
        foreign_events=frozenset(EventId(one) for one in members.texts("foreignEvents")),
        sets=tuple(_read_set(one) for one in members.each("sets")),
        created=tuple(_read_created(one) for one in members.each("created")),
        consumed=tuple(_read_consumed(one) for one in members.each("consumed")),
        objects=tuple(_read_object(one) for one in members.each("objects")),
        open=tuple(_read_open(one) for one in members.each("open")),
        published=tuple(_read_published(one) for one in members.each("published")),
    )
    members.end()
    return SiteDocument(*document_of, recorded)


def _read_inputs(members: Members) -> Inputs:
    settings = []
    for one in members.each("settings"):
        settings.append(Field(one.take("path", str), one.json("value")))
        one.end()
    events = []
    for one in members.each("events"):
        events.append((one.take("name", str), one.json_object("facts")))
        one.end()
    members.end()
    return Inputs(tuple(settings), tuple(events))


def _read_event_id(members: Members) -> tuple[str, EventId]:
    pair = (members.take("name", str), EventId(members.take("id", str)))
    members.end()
    return pair


def _read_set(members: Members) -> RememberedSet:
    activities = frozenset(ActivityId(one) for one in members.texts("activities"))
    remembered = RememberedSet(Digest(members.take("rule", str)), activities)
    members.end()
    return remembered


def _read_created(members: Members) -> CreatedActivity:
    created = CreatedActivity(
        ActivityId(members.take("id", str)), members.take("title", str), members.instant("targetDate")
    )
    members.end()
    return created


def _read_consumed(members: Members) -> tuple[ActivityId, str, Digest]:
    consumed = (
        ActivityId(members.take("activity", str)),
        members.take("decision", str),
        Digest(members.take("digest", str)),
    )
    members.end()
    return consumed


def _read_object(members: Members) -> tuple[str, JsonObject]:
    pair = (members.take("object", str), members.json_object("facts"))
    members.end()
    return pair


OPERATIONS: Final = frozenset(frozen.kind_of(operation.__name__) for operation in get_args(AnyOperation))
"""The kinds of operations that this version knows."""


def _read_open(members: Members) -> OpenEntry:
    plain = members.rest()
    operation = plain.get("operation")
    if isinstance(operation, dict) and isinstance(kind := operation.get("kind"), str) and kind not in OPERATIONS:
        # A call of a later version: it stays open, and blocks its object, until a person says how it ended.
        facts = freeze_object({key: value for key, value in operation.items() if key != "kind"})
        plain["operation"] = codec.to_plain(UnreadableCall(kind, facts))
    try:
        return codec.from_plain(OpenEntry, plain)
    except codec.Malformed as error:
        raise Malformed(f"{members.path}.{error.path}: {error.what}") from None


def _read_published(members: Members) -> PublishedPost:
    post = PublishedPost(
        id=PostId(members.take("id", str)),
        digest=Digest(members.take("digest", str)),
        channel=members.take("channel", str),
        scheduled_for=members.instant_or_none("scheduledFor"),
        done_at=members.instant("doneAt"),
        times=members.take("times", int),
        commit=members.text_or_none("commit"),
        approver=members.text_or_none("approver"),
    )
    members.end()
    return post
