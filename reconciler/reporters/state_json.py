"""The state as the records of the JSON formats.

They never contain the token of a lock: whoever has it has the lock.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from reconciler.engine.state_results import CallResolved
from reconciler.model.address import Address, SiteName
from reconciler.model.codec import members_of, taken_from, to_plain
from reconciler.model.diagnostics import ProblemRecord
from reconciler.model.frozen import Instant, Joined, Struct
from reconciler.model.journal import OpenEntry
from reconciler.reporters.diagnostics import problem_record
from reconciler.reporters.kinds.registry import call_about, call_words
from reconciler.state.lock_record import LockRecord
from reconciler.state.repair import SiteState, StateSummary


class HolderRecord(Struct, frozen=True):
    """Who has locked a site."""

    user: str
    host: str
    process: int
    run: str
    ci_url: str | None


class LeaseRecord(Struct, frozen=True):
    """When a site was locked, and until when. `ended`: the next run takes the lock over."""

    since: Instant
    expires: Instant
    ended: bool


class LockJson(Joined):
    """Who has locked a site, and until when."""

    of = (HolderRecord, LeaseRecord)


class KnownRecord(Struct, frozen=True):
    """A site in `state list`."""

    site: SiteName
    id: str
    in_doubt: int
    waiting: int
    pending: bool
    generated_from: bool
    published: int
    lock: LockJson | None


class UnreadableRecord(Struct, frozen=True):
    """A site in `state list` whose record or lock cannot be read."""

    site: SiteName
    error: ProblemRecord


class ListedRecord(Struct, frozen=True):
    """The counts of `state list`."""

    sites: int
    in_doubt: int
    waiting: int
    locked: int
    unreadable: int


class LabelRecord(Struct, frozen=True):
    """The site that `state show` is about."""

    name: SiteName
    id: str


class ShownRecord(Struct, frozen=True):
    """What `state show` says apart from the record of a site."""

    site: LabelRecord
    place: str
    lock: LockJson | None


class CallRecord(Struct, frozen=True):
    """What an unconfirmed call means."""

    in_doubt: bool
    asked: str
    about: str
    look: str


class ResolvedRecord(Struct, frozen=True):
    """An unconfirmed call that was resolved by hand."""

    site: SiteName
    id: str
    call: str
    address: Address
    done: bool
    left: int


def listed_record(sites: Sequence[StateSummary]) -> ListedRecord:
    """The counts of `state list`."""
    return ListedRecord(
        len(sites),
        sum(site.in_doubt for site in sites),
        sum(site.waiting for site in sites),
        sum(site.lock is not None for site in sites),
        sum(bool(site.problem) for site in sites),
    )


def known_record(site: StateSummary) -> KnownRecord | UnreadableRecord:
    """A site of `state list`."""
    if site.problem:
        return UnreadableRecord(site.name, problem_record(site.problem))
    return KnownRecord(
        site.name,
        site.id,
        site.in_doubt,
        site.waiting,
        site.pending,
        site.generated_from,
        site.published,
        lock_record(site.lock, ended=site.ended),
    )


def shown_values(site: SiteState) -> dict[str, Any]:
    """The members of `state show`: everything recorded, with the lock and what the unconfirmed calls mean."""
    shown = ShownRecord(LabelRecord(site.name, site.id), site.place, lock_record(site.lock, ended=site.ended))
    calls = [members_of(Joined(entry, _meaning(entry))) for entry in site.recorded.open]
    return {**members_of(shown), **to_plain(site.recorded), "open": calls}


def _meaning(entry: OpenEntry) -> CallRecord:
    words = call_words(entry)
    return CallRecord(not entry.sent, words.asked, call_about(entry), words.look)


def lock_record(lock: LockRecord | None, *, ended: bool) -> LockJson | None:
    """Who has locked a site, and until when; None if nobody has."""
    if lock is None:
        return None
    return LockJson(taken_from(lock.holder, HolderRecord), LeaseRecord(lock.since, lock.expires, ended))


def resolved_record(resolved: CallResolved) -> ResolvedRecord:
    """A call that was resolved by hand."""
    entry = resolved.entry
    return ResolvedRecord(resolved.name, entry.id, entry.call, entry.address, resolved.took_effect, resolved.left)
