"""Heartbeat: a small document per run, renewed every 15 s, that says the run is alive. All its leases depend on it.

So a run that holds a thousand sites, most of which only wait for a generation, renews one document, not a thousand.
Anyone who takes a lease away, by force or because its holder has not renewed for too long, first writes the site into
the holder's heartbeat. The holder finds that at its next renewal, and from then on writes nothing more to that site.
"""

from __future__ import annotations

import asyncio
from datetime import timedelta
from enum import Enum, auto
from typing import Final, Literal

from msgspec import field
from msgspec.structs import replace

from reconciler.model.clock import Clock
from reconciler.model.frozen import Instant, Struct
from reconciler.state.documents import FORMAT_VERSION, from_bytes, to_bytes
from reconciler.state.errors import Conflict, StateError
from reconciler.state.holder import Holder
from reconciler.state.store import Store, Version, fresh, put_once

DURATION: Final = timedelta(seconds=60)
RENEWAL: Final = timedelta(seconds=15)
RETRY: Final = timedelta(seconds=3)
"""The pause after a failed renewal, and between two checks of a lease that is waited for."""

SPARE: Final = timedelta(seconds=5)
"""A run starts no writes this long before its time runs out: what is sent then may still be under way afterwards."""

RECENTLY: Final = 0.25
"""For how many seconds a read of the heartbeat is trusted, so that many writes at once need only one."""

KEPT: Final = timedelta(days=1)
"""How long the heartbeat of a killed run is kept, for others that inspect its leases."""

FOLDER: Final = "runs-alive/"


class HeartbeatRecord(Struct, frozen=True):
    """Says that a run is alive, for how long unless renewed, and which sites were taken from it (sorted)."""

    holder: Holder
    expires: Instant
    revoked: tuple[str, ...] = ()
    written: str = field(default_factory=fresh)
    format_version: Literal[2] = FORMAT_VERSION


def key_of(beat: str) -> str:
    """The key of a heartbeat."""
    return f"{FOLDER}{beat}.json"


async def look(store: Store, beat: str) -> tuple[HeartbeatRecord, Version] | None:
    """A heartbeat as it is now; None if its run has ended. Raises StateError."""
    stored = await store.get(key_of(beat))
    if stored is None or not stored.data:  # a power cut can leave it empty: the run that wrote it is gone
        return None
    return from_bytes(HeartbeatRecord, stored.data, store.place(key_of(beat))), stored.version


async def revoke(store: Store, beat: str, site: str) -> None:
    """Takes a site away from a run. Raises Conflict if the run has just renewed, and StateError."""
    if (found := await look(store, beat)) is not None:
        record, version = found
        revoked = tuple(sorted({*record.revoked, site}))
        data = to_bytes(replace(record, revoked=revoked, written=fresh()))
        await put_once(store, key_of(beat), data, expected=version, durable=False)


class LostBy(Enum):
    """Why a site must not be written to any more."""

    RELEASED = auto()
    EXPIRED = auto()
    """The heartbeat could not be renewed in time."""
    TAKEN = auto()
    """Another run took the site, or a person removed its lock with `state unlock`."""
    REWRITTEN = auto()
    """The lease is no longer stored as this run wrote it."""
    REMOVED = auto()


class Heartbeat:
    """The heartbeat of this run, from `start` to `stop` or until it is lost."""

    def __init__(self, store: Store, holder: Holder, clock: Clock) -> None:
        self.id = fresh()
        self._store = store
        self._clock = clock
        self._record = HeartbeatRecord(holder, clock.now() + DURATION)
        self._version: Version | None = None
        self._renewed = self._seen = clock.monotonic()
        self._lost: LostBy | None = None
        self._renewing: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Writes it, and keeps renewing it in the background. Raises StateError."""
        await self._put(self._record)
        self._renewing = asyncio.ensure_future(self._renew())

    def lost_by(self, site: str) -> LostBy | None:
        """Why a site must not be written to any more; None while it may be."""
        if self._lost is not None:
            return self._lost
        # One clock may stop while a machine sleeps, and the other may be set back.
        spent = self._clock.monotonic() - self._renewed
        if spent >= (DURATION - SPARE).total_seconds() or self._clock.now() >= self._record.expires - SPARE:
            return LostBy.EXPIRED
        return LostBy.TAKEN if site in self._record.revoked else None

    async def see(self, site: str) -> None:
        """Checks whether a site was taken away since the last renewal, for `lost_by` to report.

        If that cannot be determined, the lease's time decides: until it is over, only force can take the lease away.
        """
        now = self._clock.monotonic()
        if now - self._seen < RECENTLY:
            return
        try:
            found = await look(self._store, self.id)
        except StateError:
            return
        self._seen = now
        if found is None or found[0].holder.token != self._record.holder.token:
            self._lost = LostBy.TAKEN
        elif site in found[0].revoked:
            self._record = replace(self._record, revoked=found[0].revoked)

    async def stop(self) -> None:
        """Ends it, and removes those of runs killed long ago. By now, every lease has been released or lost."""
        if self._renewing is not None:
            self._renewing.cancel()
            await asyncio.gather(self._renewing, return_exceptions=True)
        self._lost = self._lost or LostBy.RELEASED
        try:
            await self._store.delete(key_of(self.id))
            async for key in self._store.keys(FOLDER):
                found = await look(self._store, key.removeprefix(FOLDER).removesuffix(".json"))
                if found is not None and found[0].expires < self._clock.now() - KEPT:
                    await self._store.delete(key)
        except StateError:
            pass  # what remains expires by itself, and the next run tries again

    async def _renew(self) -> None:
        pause = RENEWAL
        while self.lost_by("") is None:
            await self._clock.sleep(pause.total_seconds())
            # A renewal under way is finished, so that the next one knows which version it left.
            pause = await asyncio.shield(asyncio.ensure_future(self._renew_once()))
        self._lost = self.lost_by("")

    async def _renew_once(self) -> timedelta:
        begun = self._clock.monotonic()
        if self.lost_by("") is not None:
            return RENEWAL
        try:
            await self._put(replace(self._record, expires=self._clock.now() + DURATION, written=fresh()))
        except Conflict:
            return await self._see_what_was_taken()
        except StateError:
            return RETRY  # retried until its time is over; then it is lost
        self._renewed = self._seen = begun
        return RENEWAL

    async def _see_what_was_taken(self) -> timedelta:
        try:
            found = await look(self._store, self.id)
        except StateError:
            found = None
        if found is None or found[0].holder.token != self._record.holder.token:
            self._lost = LostBy.TAKEN
            return RENEWAL
        self._record = replace(self._record, revoked=found[0].revoked)
        self._version = found[1]
        return timedelta(0)

    async def _put(self, record: HeartbeatRecord) -> None:
        self._version = await put_once(
            self._store, key_of(self.id), to_bytes(record), expected=self._version, durable=False
        )
        self._record = record
