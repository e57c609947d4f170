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
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from types import TracebackType
from typing import Final

from msgspec import Struct, field
from msgspec.structs import replace

from reconciler.model.address import SiteName
from reconciler.state.errors import Conflict, StateError
from reconciler.state.hold import FOLDER, Hold, decode, encode, key_of, site_of
from reconciler.state.holder import Holder, is_gone
from reconciler.state.store import Store, Version, put_once

DURATION: Final = timedelta(seconds=60)
RENEWAL: Final = timedelta(seconds=15)
RETRY: Final = timedelta(seconds=3)
"""After a renewal that failed, and between two looks at a lease that is waited for."""


class Clock(Struct, frozen=True):
    """The time of day, a count of seconds that never jumps, and waiting."""

    now: Callable[[], datetime] = field(default=lambda: datetime.now(UTC))
    monotonic: Callable[[], float] = time.monotonic
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep


class Locked(Exception):
    """Another run holds the site. Carries whose it is."""

    def __init__(self, hold: Hold) -> None:
        self.what = (
            f"locked by {hold.holder}, since {_clock(hold.since)}, until {_clock(hold.expires)} unless it is renewed"
        )
        self.fix = f"wait for it with --lock-timeout, or see `reconciler state unlock {hold.site}`"
        super().__init__(f"{hold.site}: {self.what}; {self.fix}")
        self.hold = hold


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

    async def acquire(
        self, site: SiteName, lock_timeout: timedelta = timedelta(0), on_lost: Callable[[LeaseLost], None] | None = None
    ) -> Lease:
        """Takes the lease of a site, waiting at most `lock_timeout` for another run to give it back.

        It is renewed in the background until `release`. `on_lost` is called once if that fails for good.
        Raises Locked when the time is over, StateError where the store cannot be used.
        """
        clock = self._clock
        deadline = clock.monotonic() + lock_timeout.total_seconds()
        watched, watched_from = None, 0.0
        while True:
            found, version = await self._read(site)
            if found is None:
                taken_over = ""
            else:
                if found.version != watched:
                    watched, watched_from = found.version, clock.monotonic()
                unchanged = clock.monotonic() - watched_from
                why = self._why_free(found, unchanged)
                if why is None:
                    left = deadline - clock.monotonic()
                    if left <= 0:
                        raise Locked(found)
                    await clock.sleep(min(left, RETRY.total_seconds()))
                    continue
                taken_over = f"{site}: took over the lock of {found.holder}, {why}"
            try:
                return await self._take(site, version, taken_over, on_lost)
            except Conflict:
                continue  # somebody was faster; see who

    async def inspect(self, site: SiteName) -> Hold | None:
        """Who holds a site, also where that has ended without being given back; None where nobody does."""
        found, _ = await self._read(site)
        return found

    async def names(self) -> tuple[SiteName, ...]:
        """The sites that somebody ever held, sorted."""
        return tuple(sorted([site async for key in self._store.keys(FOLDER) if (site := site_of(key)) is not None]))

    def has_ended(self, hold: Hold) -> bool:
        """Whether the next run would take it over without asking."""
        return self._why_free(hold, 0.0) is not None

    async def unlock(self, hold: Hold) -> bool:
        """Takes a lease away from its holder, who learns it at the next renewal.

        False, and nothing done, if that holder has given it back or lost it since it was looked at.
        """
        found: Hold | None = hold
        while found is not None and found.holder.token == hold.holder.token:
            try:
                await put_once(self._store, key_of(hold.site), encode(found, released=True), expected=found.version)
            except Conflict:
                found, _ = await self._read(hold.site)  # renewed while a person was thinking, perhaps
            else:
                return True
        return False

    def _why_free(self, hold: Hold, unchanged: float) -> str | None:
        if self._clock.now() >= hold.expires:
            return f"which ended at {_clock(hold.expires)}"
        if unchanged >= DURATION.total_seconds():
            return f"which was not renewed for {unchanged:.0f} s"
        if hold.holder.token != self._holder.token and is_gone(hold.holder):
            return "a process of this machine that is gone"
        return None

    async def _read(self, site: SiteName) -> tuple[Hold | None, Version | None]:
        key = key_of(site)
        stored = await self._store.get(key)
        if stored is None:
            return None, None
        return decode(stored.data, self._store.place(key), site, stored.version), stored.version

    async def _take(
        self,
        site: SiteName,
        version: Version | None,
        taken_over: str,
        on_lost: Callable[[LeaseLost], None] | None,
    ) -> Lease:
        now = self._clock.now()
        hold = Hold(site, self._holder, now, now + DURATION, version or Version(""))
        lease = Lease(self._store, hold, self._clock, taken_over, on_lost)
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
        hold: Hold,
        clock: Clock,
        taken_over: str,
        on_lost: Callable[[LeaseLost], None] | None,
    ) -> None:
        self.taken_over = taken_over
        self._store = store
        self._hold = hold
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

    async def release(self) -> None:
        """Stops renewing and gives the lease back, if it is still ours. Never takes another's away."""
        if self._renewing is not None:
            self._renewing.cancel()
            await asyncio.gather(self._renewing, return_exceptions=True)
            self._renewing = None
        async with self._turn:
            if self._lost is not None:
                return
            try:
                await self._put(replace(self._hold, expires=self._clock.now()), self._hold.version, released=True)
            except Conflict:
                pass  # it was taken from us
            self._lost = self._loss("was given back")

    async def __aenter__(self) -> Lease:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.release()

    async def write_first(self, version: Version | None) -> None:
        """Writes the lease where `version` stands. Raises Conflict where another one does."""
        await self._put(self._hold, version)

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
                await self._put(replace(self._hold, expires=self._clock.now() + DURATION), self._hold.version)
            except Conflict:
                self._lost = self._loss("was taken by another run")
            except StateError:
                return RETRY  # until the lease ends, then it is lost
            self._renewed = begun
            return RENEWAL

    async def _put(self, hold: Hold, expected: Version | None, *, released: bool = False) -> None:
        data = encode(hold, released=released)
        version = await put_once(self._store, key_of(hold.site), data, expected=expected)
        self._hold = replace(hold, version=version)

    def _why_lost(self) -> LeaseLost | None:
        if self._lost is not None:
            return self._lost
        # The monotonic clock may stand still while a machine sleeps, the other one may be set back.
        spent = self._clock.monotonic() - self._renewed
        if spent >= DURATION.total_seconds() or self._clock.now() >= self._hold.expires:
            return self._loss("ended before it could be renewed")
        return None

    def _loss(self, what: str) -> LeaseLost:
        return LeaseLost(
            self._store.place(key_of(self._hold.site)),
            f"the lock of {self._hold.site} {what}",
            "nothing more is written to the site; run again",
        )
