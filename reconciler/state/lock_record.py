"""LockRecord: a lease as it is in the store."""

from __future__ import annotations

from typing import Any, Final, Literal

from msgspec import field

from reconciler.model.codec import from_plain
from reconciler.model.frozen import Instant, Struct
from reconciler.state.documents import FORMAT_VERSION, from_bytes
from reconciler.state.holder import Holder
from reconciler.state.record import SiteLabel, checked_id
from reconciler.state.store import fresh

FOLDER: Final = "locks/"
FIRST_FOLDER: Final = "leases/"
"""Where the first version keeps its leases, under the names of sites."""

SUFFIX: Final = ".json"

UNREADABLE: Final = "make sure that no run is working on the site, then: reconciler state unlock SITE --force"


class LockRecord(Struct, frozen=True):
    """Who holds a lease, since when, and until when unless it is renewed.

    It lasts as long as its run's heartbeat `beat`, whose `expires` replaces its own when both are read. A lease of
    version 1 has no heartbeat, and was renewed itself. `released`: it was released or taken away. `discarded`: it could
    not even be read. `written` distinguishes this write of it from all others.
    """

    site: SiteLabel
    holder: Holder
    since: Instant
    expires: Instant
    beat: str = ""
    released: bool = False
    discarded: bool = False
    written: str = field(default_factory=fresh)
    format_version: Literal[2] = FORMAT_VERSION


def key_of(id: str) -> str:
    """The key of a site's lease. Raises StateError for an invalid id."""
    return f"{FOLDER}{checked_id(id)}{SUFFIX}"


def id_of(key: str) -> str:
    """The site whose lease is under a key."""
    return key.removeprefix(FOLDER).removesuffix(SUFFIX)


def key_of_name(name: str) -> str:
    """Where the first version keeps the lease of a site."""
    return f"{FIRST_FOLDER}{name}{SUFFIX}"


def decode(data: bytes, place: str, where: str = "") -> LockRecord:
    """The lease in a text. `where` is that of `Leases`. Raises StateError."""
    return from_bytes(LockRecord, data, place, fix=f"{UNREADABLE}{where}")


def decode_first(data: bytes, place: str, id: str) -> LockRecord:
    """The lease in a document of version 1, which does not contain the id of its site. Raises StateError."""

    def first(document: dict[str, Any]) -> LockRecord:
        found = {**document, "site": {"id": checked_id(id), "name": document.get("site")}}
        return from_plain(LockRecord, {**found, "formatVersion": FORMAT_VERSION}, exact=False)

    return from_bytes(LockRecord, data, place, upgrade=first, fix=UNREADABLE)
