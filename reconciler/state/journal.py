"""SiteJournal: the record of one site during a run, written down before and after each call.

It owns the one document of its site while it is open. A write that finds another version than the last one
it wrote or read was overtaken by another run, and is refused.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Protocol

from reconciler.model.canonical import Digest
from reconciler.model.events import CalendarEvent
from reconciler.model.journal import Begun, OpenEntry
from reconciler.model.operations import Outcome
from reconciler.model.posts import ActivityId
from reconciler.model.sites import Bindings, Inputs, PublishedPost, RecordedSite, SiteRef
from reconciler.state import notes
from reconciler.state.document import SiteDocument, encode
from reconciler.state.errors import Conflict, StateError
from reconciler.state.store import Store, Version, put_once


class HeldLease(Protocol):
    """The part of a lease that a journal asks before a call."""

    def check(self) -> None:
        """Raises StateError once the lease is no longer ours."""
        ...


class SiteJournal:
    """Implements executor.ports.Journal. Every method returns once its note is durable, or raises StateError."""

    def __init__(
        self,
        store: Store,
        key: str,
        site: SiteRef,
        recorded: RecordedSite,
        version: Version | None,
        *,
        now: Callable[[], datetime],
        lease: HeldLease | None = None,
    ) -> None:
        self._store = store
        self._key = key
        self._site = site
        self._recorded = recorded
        self._data = self._text(recorded)
        self._version = version
        self._now = now
        self._lease = lease
        self._turn = asyncio.Lock()

    @property
    def recorded(self) -> RecordedSite:
        """What stands recorded now, notes of this run included."""
        return self._recorded

    async def begin(self, calls: Sequence[Begun]) -> tuple[OpenEntry, ...]:
        """Notes calls that are about to be sent as one request, in one write. Raises LeaseLost where they must not
        be: the lease is lost."""
        # Only here: what a call came to is worth noting also when the lease ended meanwhile.
        if self._lease is not None:
            self._lease.check()
        now = self._now()
        entries = tuple(
            OpenEntry(secrets.token_hex(8), call.address, call.operation, now, call.before, call.decided)
            for call in calls
        )
        await self._note(lambda recorded: notes.with_begun(recorded, entries))
        return entries

    async def sent(self, entry: OpenEntry) -> None:
        """Notes that the call took effect and that only waiting is left."""
        await self._note(lambda recorded: notes.with_sent(recorded, entry.id))

    async def end(self, entry: OpenEntry, outcome: Outcome) -> None:
        """Notes the outcome. Done and NotDone close the entry; Pending and Unknown leave it to the next run."""
        await self._note(lambda recorded: notes.with_ended(recorded, entry.id, outcome))

    async def inputs_pending(self, pending: Inputs, generated_from: Inputs | None) -> None:
        """Notes the inputs of a generation that is to come. `generated_from`: all that the
        marketing plan counts as made from until then; None leaves that as it is."""
        await self._note(lambda recorded: notes.with_pending(recorded, pending, generated_from))

    async def inputs_generated_from(self, inputs: Inputs) -> None:
        """Notes all the inputs that the marketing plan is generated from now; nothing is pending any more."""
        await self._note(lambda recorded: notes.with_generated_from(recorded, inputs))

    async def applied(self, applied: Inputs) -> None:
        """Adds to the last applied values."""
        await self._note(lambda recorded: notes.with_applied(recorded, applied))

    async def bind(self, bindings: Bindings) -> None:
        """Adds to the remembered identities."""
        await self._note(lambda recorded: notes.with_bound(recorded, bindings))

    async def foreign(self, event: CalendarEvent) -> None:
        """Remembers the calendar of an event (or the event, without one) as not the site's own."""
        await self._note(lambda recorded: notes.with_foreign(recorded, event))

    async def published(self, post: PublishedPost) -> None:
        """Adds to the ledger of everything scheduled; content scheduled again counts once more."""
        await self._note(lambda recorded: notes.with_published(recorded, post))

    async def consumed(self, activity: ActivityId, decision: str, digest: str) -> None:
        """Notes that an activity's decision was carried out."""
        await self._note(lambda recorded: notes.with_consumed(recorded, activity, decision, Digest(digest)))

    async def _note(self, change: Callable[[RecordedSite], RecordedSite]) -> None:
        # A write that was begun is finished, also when its caller is cancelled: without its version the notes
        # that follow a Ctrl-C could not be written.
        await asyncio.shield(asyncio.ensure_future(self._write(change)))

    async def _write(self, change: Callable[[RecordedSite], RecordedSite]) -> None:
        async with self._turn:
            recorded = change(self._recorded)
            data = self._text(recorded)
            if data == self._data:  # the texts tell 1 from true, the values do not
                return
            try:
                self._version = await put_once(self._store, self._key, data, expected=self._version)
            except Conflict:
                raise StateError(
                    self._store.place(self._key),
                    "was changed by another run while this one was working on the site",
                    "see what that run did, then run again",
                ) from None
            self._recorded, self._data = recorded, data

    def _text(self, recorded: RecordedSite) -> bytes:
        return encode(SiteDocument(self._site.name, self._site.id, recorded))
