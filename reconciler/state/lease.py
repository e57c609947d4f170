"""Leases: the lock that keeps a site to one run, in the state store and so for every machine that shares it.

A lease is a small document, written on condition that it has not changed since it was looked at. It lasts
60 s and is renewed every 15 s, so a living holder's has at least 45 s left: clocks of two machines may
differ by that much before one takes a living lease for an ended one. A waiting run does not need to agree
on the time at all: a lease that has not changed for 60 s by its own clock is not being renewed.

A lease that is given back or taken away stays as a document that says so, for object stores cannot delete
on a condition.
"""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from types import TracebackType
from typing import Final

from msgspec import Struct, field
from msgspec.structs import replace

from reconciler.model.address import SiteName
from reconciler.model.sites import SiteRef
from reconciler.state.documents import to_bytes
from reconciler.state.errors import Conflict, StateError
from reconciler.state.first_names import FirstRecords
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
from reconciler.state.store import ANY, Store, Stored, Version, put_once

DURATION: Final = timedelta(seconds=60)
RENEWAL: Final = timedelta(seconds=15)
RETRY: Final = timedelta(seconds=3)
"""After a renewal that failed, and between two looks at a lease that is waited for."""


SPARE: Final = timedelta(seconds=5)
"""Before its lease ends, a holder begins no write any more: what is sent then may still be under way afterwards."""


def _since_boot() -> float:
    """Seconds that never jump, and that go on while the machine sleeps where the system counts them so."""
    boot = getattr(time, "CLOCK_BOOTTIME", None)
    return time.monotonic() if boot is None else time.clock_gettime(boot)


class Clock(Struct, frozen=True):
    """The time of day, a count of seconds that never jumps, and waiting."""

    now: Callable[[], datetime] = field(default=lambda: datetime.now(UTC))
    monotonic: Callable[[], float] = _since_boot
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep


class Locked(Exception):
    """Another run holds the site. Carries whose it is."""

    def __init__(self, lock: LockRecord) -> None:
        self.what = (
            f"locked by {lock.holder}, since {_clock(lock.since)}, until {_clock(lock.expires)} unless it is renewed"
        )
        self.fix = f"wait for it with --lock-timeout, or see `reconciler state unlock {lock.site.name}`"
        super().__init__(f"{lock.site.name}: {self.what}; {self.fix}")
        self.lock = lock


def _clock(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"


class LeaseLost(StateError):
    """The lease is no longer ours, or may not be; nothing more must be written to the site."""


class Leases:
    """The leases of all sites in one store, as one process sees them."""

    def __init__(self, store: Store, holder: Holder, clock: Clock | None = None) -> None:
        self._store = store
        self._holder = holder
        self._clock = clock or Clock()
        self._first = FirstRecords(store)
        self._first_names: frozenset[str] | None = None

    async def acquire(
        self, site: SiteRef, lock_timeout: timedelta = timedelta(0), on_lost: Callable[[LeaseLost], None] | None = None
    ) -> Lease:
        """Takes the lease of a site, waiting at most `lock_timeout` for another run to give it back.

        It is renewed in the background until `release`. `on_lost` is called once if that fails for good.
        Raises Locked when the time is over, StateError where the store cannot be used.
        """
        clock = self._clock
        deadline = clock.monotonic() + lock_timeout.total_seconds()
        watched, watched_from = "", 0.0
        while True:
            stored = await self._store.get(key_of(site.id))
            found = await self._standing(site, stored)
            taken_over = ""
            if found is not None:
                if found.written != watched:
                    watched, watched_from = found.written, clock.monotonic()
                why = self._why_free(found, clock.monotonic() - watched_from)
                if why is None:
                    left = deadline - clock.monotonic()
                    if left <= 0:
                        raise Locked(found)
                    await clock.sleep(min(left, RETRY.total_seconds()))
                    continue
                taken_over = f"{site.name}: took over the lock of {found.holder}, {why}"
            try:
                return await self._take(site, stored.version if stored else None, taken_over, on_lost)
            except Conflict:
                continue  # somebody was faster; see who

    async def inspect(self, site: SiteRef) -> LockRecord | None:
        """Who holds a site, also where that has ended without being given back; None where nobody does.

        Raises StateError for a lease that cannot be read.
        """
        return await self._standing(site, await self._store.get(key_of(site.id)))

    async def ids(self) -> tuple[str, ...]:
        """The sites that somebody ever held, by their ids; sorted."""
        return tuple(sorted([id_of(key) async for key in self._store.keys(FOLDER)]))

    async def label(self, id: str) -> SiteLabel:
        """The site with an id, by the name it had when somebody last held it. Raises StateError."""
        stored = await self._store.get(key_of(id))
        if stored is None:
            return SiteLabel(id, SiteName(id))
        return decode(stored.data, self._store.place(key_of(id))).site

    def has_ended(self, lock: LockRecord) -> bool:
        """Whether the next run would take it over without asking."""
        return self._why_free(lock, 0.0) is not None

    async def unlock(self, lock: LockRecord) -> bool:
        """Takes a lease away from its holder, who learns it at the next renewal.

        False, and nothing done, if that holder has given it back or lost it since it was looked at.
        """
        site = SiteRef(lock.site.name, lock.site.id)
        while True:
            stored = await self._store.get(key_of(site.id))
            found = await self._standing(site, stored)
            if found is None or found.holder.token != lock.holder.token:
                return False
            if stored is None or decode(stored.data, self._store.place(key_of(site.id))).written != found.written:
                await self._unlock_first(site)
                return True
            try:
                released = replace(found, released=True, written=secrets.token_hex(8))
                await put_once(self._store, key_of(site.id), to_bytes(released), expected=stored.version, durable=False)
            except Conflict:
                continue  # renewed while a person was thinking, perhaps
            return True

    async def discard(self, site: SiteRef) -> None:
        """Takes a lease away that cannot be read. A holder that lives learns it at the next renewal."""
        now = self._clock.now()
        free = LockRecord(SiteLabel(checked_id(site.id), site.name), self._holder, now, now, released=True)
        await self._store.put(key_of(site.id), to_bytes(free), expected=ANY, durable=False)
        await self._unlock_first(site)

    def _why_free(self, lock: LockRecord, unchanged: float) -> str | None:
        if self._clock.now() >= lock.expires:
            return f"which ended at {_clock(lock.expires)}"
        if unchanged >= DURATION.total_seconds():
            return f"which was not renewed for {unchanged:.0f} s"
        if lock.holder.token != self._holder.token and is_gone(lock.holder):
            return "a process of this machine that is gone"
        return None

    async def _standing(self, site: SiteRef, stored: Stored | None) -> LockRecord | None:
        """The lease that keeps others out of a site, of this version or the first; None where there is none."""
        # Empty is what a power cut can leave of a lease, which is not written durably: whoever held it is gone.
        if stored is not None and stored.data:
            lock = decode(stored.data, self._store.place(key_of(site.id)))
            if not lock.released:
                return lock
        for name in await self._names_before(site):
            first = await self._store.get(key_of_name(name))
            if first is not None:
                lock = decode_first(first.data, self._store.place(key_of_name(name)), site.id)
                if not lock.released and self._why_free(lock, 0.0) is None:
                    return lock
        return None

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
            # Without its lease, a run of the first version finds another version of it and stops.
            await self._store.delete(key_of_name(name))

    async def _take(
        self,
        site: SiteRef,
        version: Version | None,
        taken_over: str,
        on_lost: Callable[[LeaseLost], None] | None,
    ) -> Lease:
        now = self._clock.now()
        lock = LockRecord(SiteLabel(checked_id(site.id), site.name), self._holder, now, now + DURATION)
        lease = Lease(self._store, lock, self._clock, taken_over, on_lost)
        writing = asyncio.ensure_future(lease.write_first(version))
        try:
            await asyncio.shield(writing)
        except asyncio.CancelledError:
            # What was written meanwhile would keep others out until it ends.
            try:
                await writing
                await lease.release()
            except (Conflict, StateError):
                pass
            raise
        lease.start()
        return lease


class Lease:
    """A lease of ours. `taken_over` is a sentence for the user, empty where nobody held it before."""

    def __init__(
        self,
        store: Store,
        lock: LockRecord,
        clock: Clock,
        taken_over: str,
        on_lost: Callable[[LeaseLost], None] | None,
    ) -> None:
        self.taken_over = taken_over
        self._store = store
        self._lock = lock
        self._version: Version | None = None
        self._clock = clock
        self._on_lost = on_lost
        self._lost: LeaseLost | None = None
        self._renewed = clock.monotonic()
        self._renewing: asyncio.Task[None] | None = None
        self._turn = asyncio.Lock()

    @property
    def lost(self) -> bool:
        """Whether it is no longer ours, or may not be."""
        return self._why_lost() is not None

    def check(self) -> None:
        """Raises LeaseLost once the lease is no longer ours, or may not be."""
        lost = self._why_lost()
        if lost is not None:
            raise lost

    async def release(self) -> StateError | None:
        """Stops renewing and gives the lease back, if it is still ours. Never takes another's away.

        The error where it could not be given back: then it ends by itself, within a minute.
        """
        if self._renewing is not None:
            self._renewing.cancel()
            await asyncio.gather(self._renewing, return_exceptions=True)
            self._renewing = None
        async with self._turn:
            if self._lost is not None:
                return None
            self._lost = self._loss("was given back")
            try:
                await self._put(replace(self._lock, expires=self._clock.now(), released=True))
            except Conflict:
                pass  # it was taken from us
            except StateError as error:
                return error
        return None

    async def __aenter__(self) -> Lease:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.release()

    async def write_first(self, version: Version | None) -> None:
        """Writes the lease where `version` stands. Raises Conflict where another one does."""
        self._version = version
        await self._put(self._lock)

    def start(self) -> None:
        """Begins to renew the lease in the background."""
        self._renewing = asyncio.ensure_future(self._renew())

    async def _renew(self) -> None:
        pause = RENEWAL
        while self._why_lost() is None:
            await self._clock.sleep(pause.total_seconds())
            # A renewal under way is finished, so that giving the lease back knows the version it left.
            pause = await asyncio.shield(asyncio.ensure_future(self._renew_once()))
        lost = self._lost = self._why_lost()
        if self._on_lost is not None and lost is not None:
            self._on_lost(lost)

    async def _renew_once(self) -> timedelta:
        async with self._turn:
            begun = self._clock.monotonic()
            if self._lost is not None:
                return RENEWAL
            try:
                await self._put(replace(self._lock, expires=self._clock.now() + DURATION))
            except Conflict:
                self._lost = self._loss("was taken by another run")
            except StateError:
                return RETRY  # until the lease ends, then it is lost
            self._renewed = begun
            return RENEWAL

    async def _put(self, lock: LockRecord) -> None:
        lock = replace(lock, written=secrets.token_hex(8))
        key = key_of(lock.site.id)
        self._version = await put_once(self._store, key, to_bytes(lock), expected=self._version, durable=False)
        self._lock = lock

    def _why_lost(self) -> LeaseLost | None:
        if self._lost is not None:
            return self._lost
        # One clock may stand still while a machine sleeps, the other one may be set back.
        spent = self._clock.monotonic() - self._renewed
        if spent >= (DURATION - SPARE).total_seconds() or self._clock.now() >= self._lock.expires - SPARE:
            return self._loss("ended before it could be renewed")
        return None

    def _loss(self, what: str) -> LeaseLost:
        return LeaseLost(
            self._store.place(key_of(self._lock.site.id)),
            f"the lock of {self._lock.site.name} {what}",
            "nothing more is written to the site; run again",
        )
