"""The record of one site: a RecordedSite as it is stored, and how the first version stored it.

The record is stored under the site's id; the name is a label for people. During a run, notes that follow the snapshot
are in a log beside it (`journal.py`).
"""

from __future__ import annotations

import re
from typing import Any, Final, Literal, get_args

from msgspec import field

from reconciler.model.address import SiteName
from reconciler.model.canonical import freeze_object
from reconciler.model.codec import Malformed, from_plain, to_plain
from reconciler.model.frozen import Struct, kind_of
from reconciler.model.journal import AnyOperation, UnreadableCall
from reconciler.model.schedule import ScheduleOperation
from reconciler.model.sites import RecordedSite
from reconciler.model.text import in_quotes
from reconciler.state.documents import FORMAT_VERSION, from_bytes
from reconciler.state.errors import StateError
from reconciler.state.store import fresh

FOLDER, SUFFIX = "records/", ".json"

_ID: Final = re.compile(r"[0-9A-Za-z][0-9A-Za-z-]{0,63}\Z")


class SiteLabel(Struct, frozen=True):
    """Whose record it is: the id, and the last known name of the site."""

    id: str
    name: SiteName


class SiteRecord(Struct, frozen=True):
    """What is recorded about a site.

    `written` distinguishes this snapshot from all others and names its log. `continued`: notes may follow there.
    """

    site: SiteLabel
    recorded: RecordedSite
    continued: bool = False
    written: str = field(default_factory=fresh)
    format_version: Literal[2] = FORMAT_VERSION


def key_of(id: str) -> str:
    """The key of a site's record. Raises StateError for an invalid id."""
    return f"{FOLDER}{checked_id(id)}{SUFFIX}"


def checked_id(id: str) -> str:
    """The id in the form that keys use. Raises StateError for an id that could lead elsewhere."""
    if not _ID.match(id):
        fix = "see `site.id` in the site's file"
        raise StateError("the state", f"{in_quotes(id)} is not the id of a site", fix, continues=False)
    return id.lower()


def id_of(key: str) -> str | None:
    """The site whose record is under a key; None if the key is anything else."""
    id = key.removeprefix(FOLDER).removesuffix(SUFFIX)
    return id if key == f"{FOLDER}{id}{SUFFIX}" and _ID.match(id) else None


def decode(data: bytes, place: str) -> SiteRecord:
    """The record in a text. Raises StateError."""
    return from_bytes(SiteRecord, data, place, mend=_mended)


def _mended(document: dict[str, Any]) -> SiteRecord:
    recorded = document.get("recorded")
    if not isinstance(recorded, dict):
        raise Malformed("recorded", "is missing")
    mended = {"open": readable(recorded.get("open"))}
    if "published" in recorded:
        posts = recorded["published"]
        mended["published"] = [whole_post(post) for post in posts] if isinstance(posts, list) else posts
    return from_plain(SiteRecord, {**document, "recorded": {**recorded, **mended}})


def whole_post(post: object) -> object:
    """A plain published post, completed with a time zone and a type, which the first records of format 2 lacked."""
    return {"zone": "UTC", "type": "POST", **post} if isinstance(post, dict) else post


OPERATIONS: Final = frozenset(kind_of(operation.__name__) for operation in get_args(AnyOperation))
"""The kinds of operations that this version knows."""

TYPED: Final = frozenset(kind_of(operation.__name__) for operation in get_args(ScheduleOperation))
"""The kinds that name a post and its type."""


def readable(entries: object) -> object:
    """Plain journal entries, with an UnreadableCall for each operation that only a later version knows.

    Writes of posts get a type, which the first entries of format 2 lacked, and the reason an outcome is unknown,
    formerly a sentence or a problem, becomes a Failure. An unreadable call stays open and blocks its object until a
    person says how it ended.
    """
    if not isinstance(entries, list):
        return entries
    return [_readable(entry) for entry in entries]


def _readable(entry: object) -> object:
    call = entry.get("operation") if isinstance(entry, dict) else None
    if not isinstance(entry, dict) or not isinstance(call, dict):
        return entry
    from reconciler.state.old_outcomes import with_failure

    entry, kind = with_failure(entry), call.get("kind")
    if kind in TYPED:
        return {**entry, "operation": {"type": "POST", **call}}
    if not isinstance(kind, str) or kind in OPERATIONS:
        return entry
    facts = freeze_object({key: value for key, value in call.items() if key != "kind"})
    return {**entry, "operation": to_plain(UnreadableCall(kind, facts))}


# --- version 1: one document per site, by name -----------------------------------------------------


class MovedRecord(Struct, frozen=True):
    """The note left in place of a record of the first version.

    It makes that version stop with a message, instead of taking the site for one that it has never seen.
    """

    moved_to: str
    format_version: Literal[2] = FORMAT_VERSION


def decode_first(data: bytes, place: str) -> SiteRecord | MovedRecord:
    """The record in a document of version 1, or where it went. Raises StateError."""
    return from_bytes(MovedRecord, data, place, upgrade=_first)


def _first(document: dict[str, Any]) -> Any:
    from reconciler.state.old_calls import entry_of

    try:
        members = {key: value for key, value in document.items() if key not in ("formatVersion", "site")}
        generated_from, pending = members.pop("inForce"), members.pop("due")
        recorded = {
            **members,
            "known": True,
            "generatedFrom": None if generated_from is None else _inputs(generated_from),
            "pending": None if pending is None else _inputs(pending),
            "applied": _inputs(members["applied"]),
            "eventIds": _pairs(members["eventIds"], "name", "id"),
            "objects": _pairs(members["objects"], "object", "facts"),
            "open": [entry_of(entry) for entry in members["open"]],
            "consumed": [[each["activity"], each["decision"], each["digest"]] for each in members["consumed"]],
        }
        site = document["site"]
        label = {"id": checked_id(site["id"]), "name": site["name"]}
    except (KeyError, TypeError, ValueError, AttributeError, StateError) as error:
        raise Malformed("", f"a member is missing or of another type: {error}") from None
    return SiteRecord(
        from_plain(SiteLabel, label, exact=False), from_plain(RecordedSite, recorded, exact=False), written=""
    )


def _inputs(document: dict[str, Any]) -> dict[str, Any]:
    return {**document, "events": _pairs(document["events"], "name", "facts")}


def _pairs(members: list[dict[str, Any]], first: str, second: str) -> list[list[Any]]:
    return [[member[first], member[second]] for member in members]
