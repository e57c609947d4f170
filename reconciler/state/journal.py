"""SiteJournal: the record of one site during a run, written before each call and after the last.

The first note that must be durable is written as a new snapshot (`record.py`), later ones as lines of a log beside
it, and the run ends with one more snapshot, without a log: what a run writes grows with its calls, not with their
square. A line is durable before its call is sent. The outcome of a call is written together with the next call: if a
run is killed in between, the next one finds the call open and reads the site, as after a call without an answer.

A write that finds a different snapshot or log end than the previous write left is refused: another run has written
since.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable, Coroutine, Sequence
from datetime import datetime
from typing import Any, Protocol

from msgspec.structs import replace

from reconciler.model.codec import Malformed, from_json, from_plain, parse, to_json
from reconciler.model.diagnostics import Diagnostic
from reconciler.model.journal import CallIntent, OpenEntry
from reconciler.model.notes import Began, JournalNote, Sent, ended
from reconciler.model.outcomes import Outcome
from reconciler.model.sites import NOTHING_RECORDED, RecordedSite, SiteRef
from reconciler.state.documents import RESTORE, to_bytes
from reconciler.state.errors import Conflict, StateError
from reconciler.state.packed import Packed
from reconciler.state.record import SiteLabel, SiteRecord, checked_id, key_of, readable, whole_post
from reconciler.state.store import Log, Store, Version, append_once, put_once


class HeldLease(Protocol):
    """The part of a lease that a journal needs."""

    @property
    def taken_over(self) -> Diagnostic | None:
        """A note that says whom the lease was taken over from; None if it was free."""
        ...

    def check(self) -> None:
        """Raises StateError if the lease no longer belongs to this run."""
        ...


def log_of(record: SiteRecord) -> str:
    """The key of the log that continues a snapshot.

    It belongs to that snapshot alone, so a log that a crash left behind is never taken for another snapshot's.
    """
    return f"journals/{checked_id(record.site.id)}-{record.written}.jsonl"


def replayed(record: SiteRecord, log: Log, place: str) -> RecordedSite:
    """What is recorded once every note of a log has been added. Raises StateError for a note that cannot be read."""
    recorded = record.recorded
    for line in log.lines:
        try:
            recorded = _note_of(line).onto(recorded)
        except Malformed as error:
            raise StateError(place, f"is corrupt ({error})", RESTORE) from None
    return recorded


def _note_of(line: bytes) -> JournalNote:
    kind: Any = JournalNote
    try:
        note: JournalNote = from_json(kind, line)
    except Malformed:
        document = parse(line)
        mended = _mended(document)
        if mended is None:
            raise
        note = from_plain(kind, mended)
    return note


def _mended(document: object) -> dict[str, Any] | None:
    """A note of an earlier or later version, as far as this one can read it."""
    if isinstance(document, dict):
        if "entries" in document:
            return {**document, "entries": readable(document["entries"])}
        if "outcome" in document:
            from reconciler.state.old_outcomes import end_of

            return end_of(document)
        if "post" in document:
            return {**document, "post": whole_post(document["post"])}
    return None


class SiteJournal:
    """Implements executor.ports.Journal. Methods raise StateError if the state cannot be written.

    What `begin` and `sent` record is durable when they return; the rest becomes durable with the next of these, or with
    `flush` or `close`.
    """

    def __init__(
        self,
        store: Store,
        site: SiteRef,
        record: SiteRecord | None,
        version: Version | None,
        *,
        now: Callable[[], datetime],
        lease: HeldLease | None = None,
    ) -> None:
        self._store = store
        self._key = key_of(site.id)
        self._label = SiteLabel(checked_id(site.id), site.name)
        self._recorded = Packed(RecordedSite, record.recorded if record else NOTHING_RECORDED)
        self._kept = (record.site, to_json(record.recorded)) if record else None
        self._version = version
        self._log: tuple[str, int] | None = None
        self._notes: list[JournalNote] = []
        self._now = now
        self._lease = lease
        self._turn = asyncio.Lock()

    @property
    def recorded(self) -> RecordedSite:
        """What is recorded now, notes of this run included."""
        return self._recorded.value

    def put_aside(self) -> None:
        """Packs what is recorded until it is next needed."""
        self._recorded.pack()

    async def begin(self, calls: Sequence[CallIntent]) -> tuple[OpenEntry, ...]:
        """Records calls that are about to be sent as one request, in one write.

        Raises LeaseLost if they must not be sent because the lease is lost.
        """
        # Only here: the outcome of a call is worth recording even if the lease has ended meanwhile.
        if self._lease is not None:
            self._lease.check()
        now = self._now()
        entries = tuple(
            OpenEntry(secrets.token_hex(8), call.address, call.operation, now, call.before, call.decided)
            for call in calls
        )
        note = Began(entries)
        self.note(note)
        try:
            await self._make_durable()
        except StateError:
            self._drop(note)  # they will not be sent, so they must not look like calls that were
            raise
        return entries

    async def sent(self, entry: OpenEntry) -> None:
        """Records that the call was accepted and that only waiting remains."""
        self.note(Sent(entry.id))
        await self._make_durable()

    async def end(self, entry: OpenEntry, outcome: Outcome) -> None:
        """Records the outcome. Done and NotDone close the entry; Pending and Unknown leave it to the next run."""
        self.note(ended(entry.id, outcome))

    def note(self, note: JournalNote) -> None:
        """Adds to what is recorded."""
        recorded = note.onto(self.recorded)
        if recorded is not self.recorded:
            self._recorded.value = recorded
            self._notes.append(note)

    async def flush(self) -> None:
        """Makes every note durable."""
        if self._notes:
            await (self._shielded(self._snapshot()) if self._log is None else self._shielded(self._append()))

    async def close(self) -> None:
        """Ends the run's notes: they become one snapshot, and from now on the site is known.

        Writes nothing if the stored snapshot says the same.
        """
        self._recorded.value = replace(self.recorded, known=True)
        await self._shielded(self._snapshot())

    async def fold(self) -> None:
        """Makes a snapshot of what is recorded, even if an equal one already exists.

        Any other run that has it open finds a different one at its next write, and stops.
        """
        self._kept = None
        await self._shielded(self._snapshot())

    # --- writing -----------------------------------------------------------------------------------

    def _drop(self, began: Began) -> None:
        ids = {entry.id for entry in began.entries}
        self._notes = [note for note in self._notes if note is not began]
        self._recorded.value = replace(
            self.recorded, open=tuple(entry for entry in self.recorded.open if entry.id not in ids)
        )

    async def _make_durable(self) -> None:
        """Makes every note durable, and the log ready for more."""
        if self._log is None:
            await self._shielded(self._snapshot(continued=True))
        else:
            await self._shielded(self._append())

    async def _shielded(self, writing: Coroutine[None, None, None]) -> None:
        # A write that was begun is finished even if its caller is cancelled: without its version, the notes that follow
        # a Ctrl-C could not be written.
        await asyncio.shield(asyncio.ensure_future(writing))

    async def _snapshot(self, *, continued: bool = False) -> None:
        async with self._turn:
            # As a text, which distinguishes 1 from true; Python values do not. Not needed once there is a log, and
            # then not kept, to save memory while many sites wait for their generations.
            kept = None if continued else (self._label, to_json(self.recorded))
            if kept is not None and self._log is None and self._kept == kept:
                self._notes.clear()
                return
            record = SiteRecord(self._label, self.recorded, continued)
            notes, log = len(self._notes), self._log
            data = to_bytes(record)
            try:
                self._version = await put_once(self._store, self._key, data, expected=self._version)
            except Conflict:
                raise self._overtaken() from None
            del self._notes[:notes]
            self._kept = kept
            self._log = (log_of(record), 0) if continued else None
            if log is not None:
                await self._store.delete_log(log[0])

    async def _append(self) -> None:
        async with self._turn:
            assert self._log is not None
            (key, end), notes = self._log, len(self._notes)
            data = b"".join(to_json(note) + b"\n" for note in self._notes)
            try:
                end = await append_once(self._store, key, data, at=end)
            except Conflict:
                raise self._overtaken() from None
            del self._notes[:notes]
            self._log = (key, end)

    def _overtaken(self) -> StateError:
        return StateError(
            self._store.place(self._key),
            "was changed by another run while this one was working on the site",
            "see what that run did, then run again",
        )
