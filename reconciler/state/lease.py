"""Leases: the lock that gives a site to one run, in the state store and thus for every machine that shares it.

A lease is a small document, written on condition that it has not changed since it was read. It lasts as long as its
run's heartbeat (`heartbeat.py`): 60 s, renewed every 15 s. So the lease of a live run has at least 45 s left, and
the clocks of two machines may differ by that much before one takes a live lease for an ended one. A waiting run
also takes a lease whose heartbeat has not changed for 60 s, in case its own clock is behind.

A lease that is released or taken away stays as a document that says so, because object stores cannot delete on a
condition. None of it is written durably: after a power cut, nobody holds anything.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from types import TracebackType
from typing import assert_never

from msgspec import Struct
from msgspec.structs import replace

from reconciler.model.address import Address, SiteName
from reconciler.model.clock import Clock
from reconciler.model.diagnostics import Diagnostic, Severity
from reconciler.model.sites import SiteRef
from reconciler.state.documents import to_bytes
from reconciler.state.errors import Conflict, StateError
from reconciler.state.first_names import FirstRecords
from reconciler.state.heartbeat import DURATION, RETRY, Heartbeat, HeartbeatRecord, LostBy, look, revoke
from reconciler.state.holder import Holder, is_gone
from reconciler.state.lock_record import (
    FIRST_FOLDER,
    FOLDER,
    SUFFIX,
    LockRecord,
    decode,
    decode_first,
    id_of,
    key_of,
    key_of_name,
)
from reconciler.state.record import SiteLabel, checked_id
from reconciler.state.store import ANY, Store, Stored, Version, fresh, put_once


class Locked(Exception):
    """Another run holds the site; says which."""

    def __init__(self, lock: LockRecord, where: str = "") -> None:
        self.what = (
            f"locked by {lock.holder}, since {_clock(lock.since)}, until {_clock(lock.expires)} unless it is renewed"
        )
        self.fix, fix = (
            f"wait for it with --lock-timeout, or see `reconciler state unlock {site}{where}`"
            for site in (lock.site.name, "SITE")
        )
        self.shared = f"locked by {lock.holder}", fix
        """What is wrong and what to do, for all sites that the same run holds."""
        super().__init__(f"{lock.site.name}: {self.what}; {self.fix}")
        self.lock = lock


def _taken_over(site: SiteRef, message: str) -> Diagnostic:
    return Diagnostic("lock-taken-over", message, severity=Severity.NOTE, address=Address(site.name))


def _clock(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"


class LeaseLost(StateError):
    """The lease is lost, or may be; nothing more may be written to the site."""


class _LockStatus(Struct, frozen=True):
    """A lease that excludes other runs, or did: `beat` is None if its run has ended, or is of version 1.

    `changed` distinguishes it, with its heartbeat, from what another read showed. `first` is the name under which
    version 1 keeps it.
    """

    lock: LockRecord
    beat: HeartbeatRecord | None
    first: str = ""

    @property
    def changed(self) -> str:
        return self.lock.written + (self.beat.written if self.beat else "")


class Leases:
    """The leases of all sites in one store, as seen by one run. `close` ends its heartbeat.

    `where` is what to append to a `reconciler state` command so that it finds this store.
    """

    def __init__(self, store: Store, holder: Holder, clock: Clock, where: str = "") -> None:
        self.where = where
        self._store = store
        self.holder = holder
        self._clock = clock
        self._first = FirstRecords(store)
        self._first_names: frozenset[str] | None = None
        self._beat: Heartbeat | None = None
        self._starting = asyncio.Lock()

    async def acquire(
        self,
        site: SiteRef,
        lock_timeout: timedelta = timedelta(0),
        waiting: Callable[[LockRecord], None] = lambda _: None,
    ) -> Lease:
        """Takes the lease of a site, waiting at most `lock_timeout` for another run to release it.

        Calls `waiting` once for each run that it waits for. Raises Locked when that time is up, StateError if the store
        cannot be used.
        """
        clock, key = self._clock, key_of(site.id)
        deadline = clock.monotonic() + lock_timeout.total_seconds()
        watched, watched_from, known = "", 0.0, ""
        while True:
            stored = await self._store.get(key)
            found = await self._lock_status(site, stored)
            taken_over = self._taken_over_unread(site, stored)
            if found is not None:
                if found.changed != watched:
                    watched, watched_from = found.changed, clock.monotonic()
                why = self._why_free(found, clock.monotonic() - watched_from)
                if why is None:
                    left = deadline - clock.monotonic()
                    if left <= 0:
                        raise Locked(found.lock, self.where)
                    if found.lock.holder.token != known:
                        known = found.lock.holder.token
                        waiting(found.lock)
                    await clock.sleep(min(left, RETRY.total_seconds()))
                    continue
                taken_over = _taken_over(site, f"took over an expired lock ({found.lock.holder}; {why})")
            try:
                if found is not None and found.lock.beat:
                    await revoke(self._store, found.lock.beat, checked_id(site.id))
                return await self._take(site, stored.version if stored else None, taken_over)
            except Conflict:
                continue  # another run was faster, or is alive after all; find out which

    async def inspect(self, site: SiteRef) -> LockRecord | None:
        """Who holds a site, even if that run ended without releasing it; None if nobody does.

        Raises StateError for a lease that cannot be read.
        """
        found = await self._lock_status(site, await self._store.get(key_of(site.id)))
        return found.lock if found else None

    async def ids(self) -> tuple[str, ...]:
        """The ids of all sites that have ever been held; sorted."""
        return tuple(sorted([id_of(key) async for key in self._store.keys(FOLDER)]))

    async def label(self, id: str) -> SiteLabel:
        """The site with an id, under the name it had when it was last held. Raises StateError."""
        stored = await self._store.get(key_of(id))
        if stored is None:
            return SiteLabel(id, SiteName(id))
        return decode(stored.data, self._store.place(key_of(id)), self.where).site

    def has_ended(self, lock: LockRecord) -> bool:
        """Whether the next run would take it over without asking. `lock` comes from `inspect`."""
        return self._clock.now() >= lock.expires or is_gone(lock.holder)

    async def unlock(self, lock: LockRecord) -> bool:
        """Takes a lease away from its holder, who finds out at the next renewal or write.

        Returns False, without doing anything, if that holder has released or lost it since it was inspected.
        """
        site = SiteRef(lock.site.name, lock.site.id)
        while True:
            stored = await self._store.get(key_of(site.id))
            found = await self._lock_status(site, stored)
            if found is None or found.lock.holder.token != lock.holder.token:
                return False
            if found.first or stored is None:
                await self._unlock_first(site)
                return True
            try:
                await revoke(self._store, found.lock.beat, lock.site.id)
                released = replace(found.lock, released=True, written=fresh())
                await put_once(self._store, key_of(site.id), to_bytes(released), expected=stored.version, durable=False)
            except Conflict:
                continue  # perhaps renewed while a person was thinking
            return True

    async def discard(self, site: SiteRef) -> None:
        """Removes a lease that cannot be read. Its holder finds another in its place before its next write."""
        now = self._clock.now()
        label = SiteLabel(checked_id(site.id), site.name)
        free = LockRecord(label, self.holder, now, now, released=True, discarded=True)
        await self._store.put(key_of(site.id), to_bytes(free), expected=ANY, durable=False)
        await self._unlock_first(site)

    async def close(self) -> None:
        """Ends the run's heartbeat. By now, all leases have been released or lost."""
        beat, self._beat = self._beat, None
        if beat is not None:
            await beat.stop()

    # --- what is in the store ---------------------------------------------------------------------------

    async def _lock_status(self, site: SiteRef, stored: Stored | None) -> _LockStatus | None:
        """The lease that was not released, of this version or the first; None if there is none."""
        # A power cut can leave it empty: its holder is gone.
        if stored is not None and stored.data:
            lock = decode(stored.data, self._store.place(key_of(site.id)), self.where)
            if not lock.released:
                found = await look(self._store, lock.beat) if lock.beat else None
                if found is None or lock.site.id not in found[0].revoked:
                    beat = found[0] if found else None
                    return _LockStatus(replace(lock, expires=beat.expires if beat else lock.since), beat)
        for name in await self._names_before(site):
            first = await self._store.get(key_of_name(name))
            if first is not None:
                lock = decode_first(first.data, self._store.place(key_of_name(name)), site.id)
                status = _LockStatus(lock, None, name)
                if not lock.released and self._why_free(status, 0.0) is None:
                    return status
        return None

    def _why_free(self, found: _LockStatus, unchanged: float) -> str | None:
        lock = found.lock
        if found.beat is None and not found.first:
            return "its run ended without releasing it"
        if self._clock.now() >= lock.expires:
            return f"it expired at {_clock(lock.expires)}"
        if unchanged >= DURATION.total_seconds():
            return f"it was not renewed for {unchanged:.0f} s"
        return "it is no longer running" if is_gone(lock.holder) else None

    def _taken_over_unread(self, site: SiteRef, stored: Stored | None) -> Diagnostic | None:
        if stored is None or not stored.data:
            return None
        was = decode(stored.data, self._store.place(key_of(site.id)), self.where)
        return _taken_over(site, "took over a lock that could not be read") if was.discarded else None

    async def _names_before(self, site: SiteRef) -> tuple[str, ...]:
        """The names under which a run of the first version may hold a site."""
        if self._first_names is None:
            keys = [key async for key in self._store.keys(FIRST_FOLDER)]
            self._first_names = frozenset(key.removeprefix(FIRST_FOLDER).removesuffix(SUFFIX) for key in keys)
        if not self._first_names:
            return ()
        names = {site.name, *await self._first.names(site.id)}
        return tuple(sorted(names & self._first_names))

    async def _unlock_first(self, site: SiteRef) -> None:
        for name in await self._names_before(site):
            # A run of the first version stops when it finds that its lease is gone.
            await self._store.delete(key_of_name(name))

    # --- taking it -----------------------------------------------------------------------------------

    async def _take(self, site: SiteRef, version: Version | None, taken_over: Diagnostic | None) -> Lease:
        taking = asyncio.ensure_future(self._write(site, version, taken_over))
        try:
            return await asyncio.shield(taking)
        except asyncio.CancelledError:
            # Whatever was written meanwhile would keep others out until it ends.
            try:
                await (await taking).release()
            except (Conflict, StateError):
                pass
            raise

    async def _write(self, site: SiteRef, version: Version | None, taken_over: Diagnostic | None) -> Lease:
        beat, now = await self._beating(), self._clock.now()
        label = SiteLabel(checked_id(site.id), site.name)
        lock = LockRecord(label, self.holder, now, now + DURATION, beat.id)
        version = await put_once(self._store, key_of(site.id), to_bytes(lock), expected=version, durable=False)
        return Lease(self._store, lock, version, beat, taken_over)

    async def _beating(self) -> Heartbeat:
        async with self._starting:
            if self._beat is None or self._beat.lost_by("") is not None:
                beat = Heartbeat(self._store, self.holder, self._clock)
                await beat.start()
                self._beat = beat
            return self._beat


class Lease:
    """A lease held by this run. `taken_over` is a note that says from whom; None if it was free."""

    def __init__(
        self, store: Store, lock: LockRecord, version: Version, beat: Heartbeat, taken_over: Diagnostic | None
    ) -> None:
        self.taken_over = taken_over
        self._store = store
        self._lock = lock
        self._version = version
        self._beat = beat
        self._released = False
        self._lost: LostBy | StateError | None = None

    @property
    def lost(self) -> bool:
        """Whether this run has lost the lease, or may have."""
        return self._lost_by() is not None

    def check(self) -> None:
        """Raises LeaseLost once the lease is lost, or may be."""
        match self._lost_by():
            case None:
                return
            case LostBy.RELEASED:
                why = "was released"
            case LostBy.EXPIRED:
                why = "expired before it could be renewed"
            case LostBy.TAKEN:
                why = "was taken by another run, or removed with `state unlock`"
            case LostBy.REWRITTEN:
                why = "was taken by another run, or removed by hand"
            case LostBy.REMOVED:
                why = "is gone: somebody removed it"
            case StateError(message=message):
                why = f"cannot be checked: {message}"
            case never:
                assert_never(never)
        raise LeaseLost(
            self._store.place(key_of(self._lock.site.id)),
            f"the lock of {self._lock.site.name} {why}",
            "nothing more is written to the site; run again",
            continues=False,
        )

    async def confirm(self) -> None:
        """Like `check`, but for the lease as stored now: a run that was suspended does not know what was taken from it.

        A lease that is no longer stored as it was written, whoever changed or removed it, excludes no other run.
        """
        self.check()
        await self._see()
        await self._beat.see(self._lock.site.id)  # last: whoever takes a lease writes there first
        self.check()

    async def _see(self) -> None:
        try:
            stored = await self._store.get(key_of(self._lock.site.id))
        except StateError as error:
            self._lost = error
            return
        if stored is None:
            self._lost = LostBy.REMOVED
        elif stored.data != to_bytes(self._lock):
            self._lost = LostBy.REWRITTEN

    async def release(self) -> StateError | None:
        """Releases the lease if this run still holds it. Never releases another run's.

        Returns the error if it could not be released: in that case, it ends with the run, or within a minute.
        """
        if self._released:
            return None
        self._released = True
        released = to_bytes(replace(self._lock, released=True, written=fresh()))
        try:
            await put_once(self._store, key_of(self._lock.site.id), released, expected=self._version, durable=False)
        except Conflict:
            pass  # it was taken away from this run
        except StateError as error:
            return error
        return None

    async def __aenter__(self) -> Lease:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.release()

    def _lost_by(self) -> LostBy | StateError | None:
        return LostBy.RELEASED if self._released else self._lost or self._beat.lost_by(self._lock.site.id)
