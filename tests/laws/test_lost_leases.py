"""A run that was suspended while one of its writes waited for another attempt makes no further write when it wakes up.

Meanwhile, another run has taken the site over and finished it. `-m exhaustive` tries every write of the scenario.

It is suspended in the pause after a 429: between that answer and the next attempt, only the lease is checked. Until
it wakes up, no part of it runs, not even its heartbeat. The other run takes over once the lease has ended, by force
before that, or because somebody removed the lock.
"""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta
from enum import StrEnum
from pathlib import Path

import httpx
import pytest

from reconciler.api.routes import only_reads
from reconciler.executor.ledger import SiteLedger
from reconciler.model.clock import Clock
from reconciler.model.sites import SiteRef
from reconciler.reporters.diagnostics import sentence
from reconciler.sandbox.app import Sandbox
from reconciler.state.holder import Holder
from reconciler.state.lease import Leases
from reconciler.state.lock_record import key_of
from tests.laws.guillotine import compare, fresh
from tests.laws.mishaps import Mishap, Way
from tests.laws.pool import SOME_OR_ALL, Say, some, work_off
from tests.laws.scenario import STAGES, Undisturbed, recorded_of
from tests.laws.test_mishaps_anywhere import in_memory, requests_of
from tests.laws.whole_run import WholeRun

FIRST = Holder("ci-1", 11, "jane", "token-1", "machine-1", "100")
SECOND = Holder("ci-2", 22, "joe", "token-2", "machine-2", "200")


class How(StrEnum):
    """How the other run gets the lease."""

    ENDED = "expired before it could be renewed"
    FORCE = "was taken by another run"
    REMOVED = "was taken by another run, or removed by hand"


class Time:
    """The time of day for leases. Its sleeps never end, so nothing happens in the background."""

    def __init__(self, now: datetime) -> None:
        self.now = now
        self.clock = Clock(lambda: self.now, lambda _: asyncio.Future(), lambda: self.now.timestamp())


class Suspended(Way):
    """A transport on which a run is suspended at the 429 that answers one request, until another run has ended."""

    def __init__(self, sandbox: Sandbox, at: int, other: OtherRun) -> None:
        super().__init__(sandbox, at, Mishap.THROTTLED_FOR)
        self._other = other
        self.too_late: list[str] = []
        """Writes that it sent after it woke up."""

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        if self._other.ledger is not None and not only_reads(request.method, request.url.path):
            self.too_late.append(f"{request.method} {request.url.path}")
        mine = self.count == self._at
        response = await super().handle_async_request(request)
        if mine:
            await self._other.take_over()
        return response


class OtherRun:
    """The run that takes the site over, in the way that `how` says, and works to its end."""

    def __init__(self, run: WholeRun, site: SiteRef, time: Time, how: How) -> None:
        self._run, self._site, self._time, self._how = run, site, time, how
        self.ledger: SiteLedger | None = None

    async def take_over(self) -> None:
        leases = Leases(self._run.store, SECOND, self._time.clock)
        self._time.now += timedelta(seconds=61 if self._how is How.ENDED else 5)
        if self._how is How.REMOVED:
            await self._run.store.delete(key_of(self._site.id))
        if self._how is How.FORCE:
            lock = await leases.inspect(self._site)
            assert lock is not None
            assert await leases.unlock(lock)
        async with await leases.acquire(self._site) as lease:
            self._run.lease = lease
            self.ledger = await self._run.applying()
        await leases.close()


@SOME_OR_ALL
@pytest.mark.parametrize("place", range(len(STAGES)), ids=[stage.name for stage in STAGES])
def test_a_run_that_loses_its_lease_writes_nothing_more(
    place: int, every: int, played: tuple[Undisturbed, ...], tmp_path: Path, say: Say
) -> None:
    stage = played[place]
    requests = requests_of(stage, tmp_path / "requests")
    possible = [at for at, (method, path) in enumerate(requests) if not only_reads(method, path)]
    writes = some(possible, min(every, len(possible)), place)
    ways = len(How) if every == 1 else 1  # each write in every way, or in one of them, in turn

    def attempt(case: int, folder: Path) -> str | None:
        number = case // ways
        _suspended_at(stage, writes[number], folder, tuple(How)[(place + number + case) % len(How)])
        return None

    failures = work_off(len(writes) * ways, attempt, tmp_path)
    say(f"lost leases, {stage.stage.name}: {len(writes)} of {len(possible)} writes tried, {len(failures)} failures")
    assert not failures, "\n".join(f"{requests[writes[case // ways]]}: {why}" for case, why in sorted(failures.items()))


def _suspended_at(stage: Undisturbed, at: int, folder: Path, how: How) -> None:
    run = fresh(stage, folder)
    try:
        run.store = in_memory(folder)
        second = WholeRun(run.root, run.sandbox, run.store, run.waiting, allow_publish=True)
        asyncio.run(_suspend(run, second, at, how))
        second.lease = None
        for _ in range(2):
            if recorded_of(second).open or second.plan().actions:
                second.apply()
        compare(stage, second)
    finally:
        run.sandbox.close()


async def _suspend(run: WholeRun, second: WholeRun, at: int, how: How) -> None:
    site, time = run.desired().ref, Time(run.now())
    other = OtherRun(second, site, time, how)
    way = Suspended(run.sandbox, at, other)
    run.way = lambda _: way
    leases = Leases(run.store, FIRST, time.clock)
    async with await leases.acquire(site) as run.lease:
        ledger = await run.applying()
    await leases.close()
    assert other.ledger is not None
    assert other.ledger.error is None, other.ledger.error
    assert way.too_late == []
    assert ledger.error is not None
    assert how in sentence(ledger.error)
