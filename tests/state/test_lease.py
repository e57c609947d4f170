"""A site is held by one run; only a living holder keeps the next run away."""

from __future__ import annotations

import asyncio
import heapq
import itertools
import json
import multiprocessing
import os
import signal
from collections import Counter
from collections.abc import Awaitable, Callable, Coroutine
from datetime import UTC, datetime, timedelta
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from reconciler.machine import CLOCK
from reconciler.model.address import SiteName
from reconciler.model.clock import Clock
from reconciler.model.sites import SiteRef
from reconciler.state.errors import StateError
from reconciler.state.folder import LocalFolder
from reconciler.state.holder import Holder, ci_url, is_gone, this_process
from reconciler.state.lease import Lease, LeaseLost, Leases, Locked
from reconciler.state.memory import MemoryStore
from reconciler.state.store import ANY, Store, Stored, Version
from reconciler.state.store import Any as AnyVersion

SHOP = SiteRef(SiteName("shop"), "3f0c2a9e")
OTHER = SiteRef(SiteName("other-shop"), "0c5a6f9a")
KEY = "locks/3f0c2a9e.json"
MINUTE = timedelta(minutes=1)
HERE = Holder("ci-1", 11, "jane", "token-1", "machine-1", "100", "https://ci.example/1")
THERE = Holder("ci-2", 22, "joe", "token-2", "machine-2", "200")
SPAWN = multiprocessing.get_context("spawn")


class FakeTime:
    """A clock that stands still until it is moved; sleepers wake when their time passes."""

    def __init__(self) -> None:
        self.elapsed = 0.0
        self.start = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
        self._sleepers: list[tuple[float, int, asyncio.Future[None]]] = []
        self._count = itertools.count()

    def clock(self, skew: float = 0) -> Clock:
        """A machine's clocks, its time of day `skew` seconds ahead."""
        return Clock(
            lambda: self.start + timedelta(seconds=self.elapsed + skew), self._sleep, lambda: 7000 + self.elapsed
        )

    async def _sleep(self, seconds: float) -> None:
        waking: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        heapq.heappush(self._sleepers, (self.elapsed + seconds, next(self._count), waking))
        await waking

    async def pass_by(self, seconds: float) -> None:
        end = self.elapsed + seconds
        await self.settle()
        while self._sleepers and self._sleepers[0][0] <= end:
            self.elapsed, _, waking = heapq.heappop(self._sleepers)
            if not waking.done():
                waking.set_result(None)
            await self.settle()
        self.elapsed = end

    async def settle(self) -> None:
        for _ in range(30):
            await asyncio.sleep(0)


class Failing(MemoryStore):
    """A store that can be made unreachable."""

    def __init__(self) -> None:
        super().__init__()
        self.down = self.silent = False

    async def get(self, key: str) -> Stored | None:
        if self.silent:
            raise StateError(self.place(key), "cannot be read (unreachable)", "run again")
        return await super().get(key)

    async def put(
        self, key: str, data: bytes, *, expected: Version | None | AnyVersion, durable: bool = True
    ) -> Version:
        if self.down:
            raise StateError(self.place(key), "cannot be written (unreachable)", "run again")
        return await super().put(key, data, expected=expected, durable=durable)


def both(store: Store, time: FakeTime) -> tuple[Leases, Leases]:
    return Leases(store, HERE, time.clock()), Leases(store, THERE, time.clock())


def run(body: Coroutine[Any, Any, None]) -> None:
    asyncio.run(body)


def test_a_held_site_is_locked_and_says_whose_it_is_until_it_is_given_back() -> None:
    async def body() -> None:
        time = FakeTime()
        first, second = both(MemoryStore(), time)
        assert await second.inspect(SHOP) is None
        lease = await first.acquire(SHOP)
        assert lease.taken_over is None
        for leases in (second, first):
            with pytest.raises(Locked) as raised:
                await leases.acquire(SHOP)
        assert raised.value.lock.holder == HERE
        for fact in ("shop", "jane on ci-1, process 11", "https://ci.example/1", "2026-11-23 09:00:00 UTC", "09:01:00"):
            assert fact in str(raised.value)
        async with await second.acquire(OTHER):
            pass
        await lease.release()
        assert await second.inspect(SHOP) is None
        async with await second.acquire(SHOP) as other:
            assert other.taken_over is None
            await lease.release()
            other.check()
            lock = await first.inspect(SHOP)
            assert lock is not None
            assert lock.holder == THERE

    run(body())


def test_a_lease_is_renewed_while_its_holder_works() -> None:
    async def body() -> None:
        time, store = FakeTime(), MemoryStore()
        first, second = both(store, time)
        async with await first.acquire(SHOP) as lease:
            await time.pass_by(600)
            assert store.writes == 2 + 600 // 15
            lease.check()
            with pytest.raises(Locked) as raised:
                await second.acquire(SHOP)
            assert raised.value.lock.since == time.start
            assert raised.value.lock.expires == time.start + timedelta(seconds=660)
        assert lease.lost
        await first.close()
        writes = store.writes
        await time.pass_by(600)
        assert store.writes == writes
        assert [key async for key in store.keys("runs-alive/")] == []


def test_a_thousand_leases_of_a_run_are_renewed_as_one() -> None:
    async def body() -> None:
        time, store = FakeTime(), MemoryStore()
        first, second = both(store, time)
        sites = [SiteRef(SiteName(f"s{number}"), f"id-{number}") for number in range(50)]
        held = [await first.acquire(site) for site in sites]
        writes = store.writes
        await time.pass_by(600)
        assert store.writes == writes + 600 // 15
        for site, lease in zip(sites, held, strict=True):
            lease.check()
            with pytest.raises(Locked):
                await second.acquire(site)
        # One of them is taken away by force; the run keeps all others.
        lock = await second.inspect(sites[7])
        assert lock is not None
        assert await second.unlock(lock)
        await time.pass_by(16)
        assert [lease.lost for lease in held].count(True) == 1
        assert held[7].lost
        await time.pass_by(600)
        held[8].check()
        await held[7].release()
        assert await second.inspect(sites[7]) is None

    run(body())


def test_a_write_learns_at_once_that_its_site_was_taken_by_force() -> None:
    async def body() -> None:
        time, store = FakeTime(), MemoryStore()
        first, second = both(store, time)
        lease, other = await first.acquire(SHOP), await first.acquire(OTHER)
        lock = await second.inspect(SHOP)
        assert lock is not None
        await time.pass_by(5)
        assert await second.unlock(lock)
        lease.check()  # it does not read the lock, so it does not know yet
        with pytest.raises(LeaseLost, match="taken by another run"):
            await lease.confirm()
        await other.confirm()
        await time.pass_by(600)
        other.check()  # and it keeps being renewed

    run(body())


@pytest.mark.parametrize("left", ["nothing", "of another run"])
def test_a_write_of_a_run_whose_heartbeat_is_gone_is_not_made(left: str) -> None:
    async def body() -> None:
        time, store = FakeTime(), MemoryStore()
        first, second = both(store, time)
        lease = await first.acquire(SHOP)
        [key] = [key async for key in store.keys("runs-alive/")]
        other = await second.acquire(OTHER)
        [theirs] = [name async for name in store.keys("runs-alive/") if name != key]
        await store.delete(key)
        if left != "nothing":
            found = await store.get(theirs)
            assert found is not None
            await store.put(key, found.data, expected=None)
        await time.pass_by(1)
        lease.check()
        with pytest.raises(LeaseLost, match="taken by another run"):
            await lease.confirm()
        await other.confirm()

    run(body())


def test_many_writes_at_once_need_one_read_of_the_lease() -> None:
    async def body() -> None:
        time, store = FakeTime(), Counting()
        leases = Leases(store, HERE, time.clock())
        async with await leases.acquire(SHOP) as lease:
            store.looks.clear()
            for _ in range(20):
                await lease.confirm()
            assert store.looks == {KEY: 20}  # the heartbeat has just been written
            await time.pass_by(1)
            for _ in range(20):
                await lease.confirm()
            [beat] = store.looks.keys() - {KEY}
            assert store.looks == {KEY: 40, beat: 1}
        await leases.close()

    run(body())


class Counting(MemoryStore):
    """A store that counts reads by key."""

    def __init__(self) -> None:
        super().__init__()
        self.looks: Counter[str] = Counter()

    async def get(self, key: str) -> Stored | None:
        self.looks[key] += 1
        return await super().get(key)


async def removed(store: MemoryStore, _: Leases) -> None:
    await store.delete(KEY)


async def spoiled(store: MemoryStore, _: Leases) -> None:
    await store.put(KEY, b"{", expected=ANY)


async def emptied(store: MemoryStore, _: Leases) -> None:
    await store.put(KEY, b"", expected=ANY)


async def discarded(_: MemoryStore, other: Leases) -> None:
    await other.discard(SHOP)


async def taken_and_given_back(store: MemoryStore, other: Leases) -> None:
    await store.delete(KEY)
    async with await other.acquire(SHOP):
        pass


async def unreachable(store: MemoryStore, _: Leases) -> None:
    assert isinstance(store, Failing)
    store.silent = True


LOST_BY = [removed, spoiled, emptied, discarded, taken_and_given_back, unreachable]


@pytest.mark.parametrize("happens", LOST_BY, ids=[lost.__name__ for lost in LOST_BY])
def test_no_write_is_made_without_the_lock_as_it_was_written(
    happens: Callable[[MemoryStore, Leases], Awaitable[None]],
) -> None:
    """Whatever became of it, the heartbeat says nothing of that, and another run may be at work already."""

    async def body() -> None:
        time, store = FakeTime(), Failing()
        first, second = both(store, time)
        lease, other = await first.acquire(SHOP), await first.acquire(OTHER)
        await lease.confirm()
        await happens(store, second)
        with pytest.raises(LeaseLost, match="the lock of shop"):
            await lease.confirm()
        store.silent = False
        assert lease.lost
        await other.confirm()

    run(body())


def test_a_run_that_stood_still_for_too_long_has_lost_all_it_held_and_can_take_it_again() -> None:
    async def body() -> None:
        time, store = FakeTime(), MemoryStore()
        first, second = both(store, time)
        lease, other = await first.acquire(SHOP), await first.acquire(OTHER)
        _stand_still(first)
        await time.pass_by(70)
        async with await second.acquire(SHOP):
            for lost in (lease, other):
                with pytest.raises(LeaseLost, match="expired before it could be renewed"):
                    lost.check()
            with pytest.raises(Locked):
                await first.acquire(SHOP)
            async with await first.acquire(OTHER) as again:
                again.check()
                assert "took over an expired lock (jane" in str(again.taken_over)
        assert other.lost

    run(body())


def test_a_holder_whose_clock_is_slow_learns_that_it_was_taken_over() -> None:
    async def body() -> None:
        time, store = FakeTime(), MemoryStore()
        first, second = Leases(store, HERE, time.clock()), Leases(store, THERE, time.clock(skew=61))
        lease, other = await first.acquire(SHOP), await first.acquire(OTHER)
        async with await second.acquire(SHOP) as taken:
            assert "it expired at" in str(taken.taken_over)
            await time.pass_by(16)
            with pytest.raises(LeaseLost, match="taken by another run"):
                lease.check()
            other.check()
            taken.check()

    run(body())


def test_no_write_is_begun_in_the_last_seconds_of_a_lease() -> None:
    """What is sent then may still be under way when another run takes over. The clocks may tell different times."""

    async def body() -> None:
        for passed, monotonic in ((54.0, 54.0), (55.0, 0.0), (0.0, 55.0)):
            time = FakeTime()
            elapsed = [0.0, 0.0]
            clock = Clock(
                lambda time=time, elapsed=elapsed: time.start + timedelta(seconds=elapsed[0]),  # type: ignore[misc]
                time.clock().sleep,
                lambda elapsed=elapsed: elapsed[1],  # type: ignore[misc]
            )
            leases = Leases(MemoryStore(), HERE, clock)
            lease = await leases.acquire(SHOP)
            elapsed[:] = [passed, monotonic]
            assert lease.lost == (max(passed, monotonic) >= 55)

    run(body())


def test_whoever_takes_over_an_unreadable_lock_is_told() -> None:
    async def body() -> None:
        store = MemoryStore()
        leases = Leases(store, HERE, FakeTime().clock())
        await store.put(KEY, b"{", expected=ANY)
        with pytest.raises(StateError):
            await leases.inspect(SHOP)
        await leases.discard(SHOP)
        assert await leases.inspect(SHOP) is None
        async with await leases.acquire(SHOP) as lease:
            assert lease.taken_over is not None
            assert lease.taken_over.message == "took over a lock that could not be read"
        async with await leases.acquire(SHOP) as lease:
            assert lease.taken_over is None

    run(body())


def test_a_lease_that_a_power_cut_left_empty_keeps_nobody_out() -> None:
    async def body() -> None:
        store = MemoryStore()
        await store.put(KEY, b"", expected=ANY)
        async with await Leases(store, HERE, FakeTime().clock()).acquire(SHOP):
            pass

    run(body())


def test_a_lease_whose_run_ended_without_giving_it_back_is_free() -> None:
    async def body() -> None:
        time, store = FakeTime(), Failing()
        first, second = both(store, time)
        lease = await first.acquire(SHOP)
        store.down = True
        error = await lease.release()
        assert error is not None
        assert "unreachable" in error.message
        assert lease.lost
        store.down = False
        await first.close()
        lock = await second.inspect(SHOP)
        assert lock is not None
        assert second.has_ended(lock)
        async with await second.acquire(SHOP) as taken:
            assert "its run ended without releasing it" in str(taken.taken_over)

    run(body())


def test_an_equal_write_of_an_earlier_time_is_not_taken_for_ones_own() -> None:
    """Every write has a unique text in it, so that one of two otherwise identical runs is refused."""

    class Late(MemoryStore):
        rival: Leases | None = None

        async def put(
            self, key: str, data: bytes, *, expected: Version | None | AnyVersion, durable: bool = True
        ) -> Version:
            if key == KEY and expected is None and self.rival is not None:
                rival, self.rival = self.rival, None
                await rival.acquire(SHOP)
            return await super().put(key, data, expected=expected, durable=durable)

    async def body() -> None:
        time, store = FakeTime(), Late()
        first, second = Leases(store, HERE, time.clock()), Leases(store, HERE, time.clock())
        store.rival = second
        with pytest.raises(Locked):
            await first.acquire(SHOP)

    run(body())


def test_heartbeats_of_runs_that_were_killed_long_ago_go() -> None:
    async def body() -> None:
        time, store = FakeTime(), MemoryStore()
        first, second = both(store, time)
        await first.acquire(SHOP)
        _stand_still(first)
        for days, left in ((0.5, 1), (1.0, 0)):
            await time.pass_by(days * 86400)
            async with await second.acquire(OTHER):
                pass
            await second.close()
            assert len([key async for key in store.keys("runs-alive/")]) == left

    run(body())


def _stand_still(leases: Leases) -> None:
    """Like a process that is stopped: its heartbeat is no longer renewed."""
    assert leases._beat is not None
    assert leases._beat._renewing is not None
    leases._beat._renewing.cancel()


def _left_by_a_dead_run(store: Store, time: FakeTime) -> Coroutine[Any, Any, None]:
    async def leave() -> None:
        leases = Leases(store, HERE, time.clock())
        await leases.acquire(SHOP)
        _stand_still(leases)

    return leave()


def test_an_expired_lease_is_taken_over_with_a_notice() -> None:
    async def body() -> None:
        time, store = FakeTime(), MemoryStore()
        await _left_by_a_dead_run(store, time)
        second = Leases(store, THERE, time.clock())
        await time.pass_by(59)
        with pytest.raises(Locked):
            await second.acquire(SHOP)
        await time.pass_by(1)
        lock = await second.inspect(SHOP)
        assert lock is not None
        assert second.has_ended(lock)
        async with await second.acquire(SHOP) as lease:
            assert lease.taken_over is not None
            assert lease.taken_over.message == (
                "took over an expired lock (jane on ci-1, process 11, https://ci.example/1; "
                "it expired at 2026-11-23 09:01:00 UTC)"
            )

    run(body())


def test_a_run_waits_as_long_as_it_is_asked_to() -> None:
    async def body() -> None:
        time, store = FakeTime(), MemoryStore()
        first, second = both(store, time)
        lease = await first.acquire(SHOP)
        waiting = asyncio.ensure_future(second.acquire(SHOP, MINUTE))
        await time.pass_by(30)
        assert not waiting.done()
        await lease.release()
        await time.pass_by(3)
        async with await waiting:
            too_short = asyncio.ensure_future(first.acquire(SHOP, MINUTE))
            await time.pass_by(60)
            with pytest.raises(Locked):
                await too_short

    run(body())


@pytest.mark.parametrize("skew", [-3000.0, -45.0, 44.0])
def test_clocks_may_differ(skew: float) -> None:
    """A living lease is never taken; a dead one is, at the latest a minute after somebody first looked."""

    async def body() -> None:
        time, store = FakeTime(), MemoryStore()
        first = Leases(store, HERE, time.clock())
        lease = await first.acquire(SHOP)
        second = Leases(store, THERE, time.clock(skew))
        for _ in range(60):
            await time.pass_by(2)
            with pytest.raises(Locked):
                await second.acquire(SHOP)
        lease.check()
        _stand_still(first)
        waiting = asyncio.ensure_future(second.acquire(SHOP, 2 * MINUTE))
        await time.pass_by(63)
        assert waiting.done()
        await (await waiting).release()

    run(body())


def test_a_lease_that_was_taken_away_is_noticed() -> None:
    async def body() -> None:
        time, store = FakeTime(), MemoryStore()
        first, second = both(store, time)
        lease = await first.acquire(SHOP)
        lock = await second.inspect(SHOP)
        assert lock is not None
        await time.pass_by(20)  # a person reads whose it is, and the holder renews it
        assert await second.unlock(lock)
        async with await second.acquire(SHOP):
            await time.pass_by(15)
            assert lease.lost
            with pytest.raises(LeaseLost, match="taken by another run, or removed with `state unlock`"):
                lease.check()
            await lease.release()
            assert (await second.inspect(SHOP)) is not None
            assert not await first.unlock(lock)

    run(body())


def test_a_store_that_is_unreachable_for_a_while_loses_no_lease_but_one_that_stays_so_does() -> None:
    async def body() -> None:
        time, store = FakeTime(), Failing()
        first, _ = both(store, time)
        lease = await first.acquire(SHOP)
        store.down = True
        await time.pass_by(50)
        lease.check()
        store.down = False
        await time.pass_by(25)
        lease.check()
        store.down = True
        await time.pass_by(60)
        with pytest.raises(LeaseLost, match="expired before it could be renewed"):
            lease.check()
        store.down = False
        await lease.release()

    run(body())


def test_a_run_interrupted_while_it_takes_a_lease_gives_it_back() -> None:
    async def body() -> None:
        gate, reached = asyncio.Event(), asyncio.Event()

        class Slow(MemoryStore):
            async def put(
                self, key: str, data: bytes, *, expected: Version | None | AnyVersion, durable: bool = True
            ) -> Version:
                reached.set()
                await gate.wait()
                return await super().put(key, data, expected=expected, durable=durable)

        first, second = both(Slow(), FakeTime())
        taking: asyncio.Future[Lease] = asyncio.ensure_future(first.acquire(SHOP))
        await reached.wait()
        taking.cancel()
        gate.set()
        with pytest.raises(asyncio.CancelledError):
            await taking
        assert await second.inspect(SHOP) is None

    run(body())


@pytest.mark.parametrize("data", [b"x", b"{}", b'{"formatVersion": 1}', b'{"formatVersion": 9, "holder": {}}'])
def test_a_lease_that_cannot_be_read_is_not_written_over(data: bytes) -> None:
    async def body() -> None:
        store = MemoryStore()
        await store.put(KEY, data, expected=ANY)
        with pytest.raises(StateError, match=r"memory:locks/3f0c2a9e\.json.*--force|newer version"):
            await Leases(store, HERE, FakeTime().clock()).acquire(SHOP)
        stored = await store.get(KEY)
        assert stored is not None
        assert stored.data == data

    run(body())


# --- processes -------------------------------------------------------------------------------------


def test_this_process_is_not_gone_and_one_of_another_machine_never_is() -> None:
    this = this_process({})
    assert this.process == os.getpid()
    assert not is_gone(this)
    assert not is_gone(replace(this, machine="another", process=2**22 - 1))
    assert not is_gone(replace(this, machine="", process=2**22 - 1))
    assert not is_gone(replace(this, started=""))


def test_a_holder_has_the_name_that_the_environment_gives_the_user() -> None:
    assert this_process({"USER": "jane"}).user == "jane"
    assert this_process({"LOGNAME": "jane", "USER": "root"}).user == "jane"
    assert this_process({"USER": ""}).user not in ("", "jane")


@pytest.mark.skipif(not Path("/proc/self/ns/pid").exists(), reason="needs /proc")
def test_a_process_is_gone_when_its_id_is_free_or_another_process_has_it() -> None:
    this = this_process({})
    assert this.machine
    assert is_gone(replace(this, process=2**22 + 1))
    assert is_gone(replace(this, started="1"))


@pytest.mark.parametrize(
    ("environ", "url"),
    [
        ({}, None),
        (
            {"GITHUB_REPOSITORY": "a/b", "GITHUB_RUN_ID": "7", "GITHUB_SERVER_URL": "https://github.example"},
            "https://github.example/a/b/actions/runs/7",
        ),
        ({"CI_JOB_URL": "https://gitlab.example/-/jobs/1"}, "https://gitlab.example/-/jobs/1"),
        ({"BUILD_URL": "https://jenkins.example/job/1"}, "https://jenkins.example/job/1"),
    ],
)
def test_a_ci_job_says_where_it_is(environ: dict[str, str], url: str | None) -> None:
    assert ci_url(environ) == url


def _hold(folder: str, told: Connection) -> None:
    async def hold() -> None:
        await Leases(LocalFolder(Path(folder)), this_process({}), CLOCK).acquire(SHOP)
        told.send(os.getpid())
        await asyncio.Event().wait()

    asyncio.run(hold())


@pytest.mark.skipif(not Path("/proc/self/ns/pid").exists(), reason="needs /proc")
def test_a_killed_holder_on_this_machine_is_taken_over_at_once(tmp_path: Path) -> None:
    hear, told = SPAWN.Pipe(duplex=False)
    process = SPAWN.Process(target=_hold, args=(str(tmp_path), told))
    process.start()
    assert hear.poll(30)
    pid = hear.recv()
    leases = Leases(LocalFolder(tmp_path), this_process({}), CLOCK)

    async def refused() -> None:
        with pytest.raises(Locked):
            await leases.acquire(SHOP)

    async def taken() -> None:
        async with await leases.acquire(SHOP) as lease:
            assert f"process {pid}; it is no longer running" in str(lease.taken_over)

    run(refused())
    os.kill(pid, signal.SIGKILL)
    # Not reaped yet: a process that has ended counts as gone even before its parent has waited for it.
    os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)
    run(taken())
    process.join(30)


def _fight(folder: str, rounds: int) -> None:
    """Takes the lease again and again, and fails if another process holds it at the same time."""

    async def fight() -> None:
        leases = Leases(
            LocalFolder(Path(folder)), this_process({}), replace(CLOCK, sleep=lambda _: asyncio.sleep(0.001))
        )
        inside = Path(folder) / "inside"
        for _ in range(rounds):
            async with await leases.acquire(SHOP, MINUTE):
                handle = os.open(inside, os.O_CREAT | os.O_EXCL)  # fails if somebody else is inside
                os.close(handle)
                with (Path(folder) / "visits").open("a") as visits:
                    visits.write(".")
                inside.unlink()

    asyncio.run(fight())


def test_two_processes_are_never_in_at_once(tmp_path: Path) -> None:
    processes = [SPAWN.Process(target=_fight, args=(str(tmp_path), 15)) for _ in range(2)]
    for process in processes:
        process.start()
    for process in processes:
        process.join(60)
        assert process.exitcode == 0
    assert len((tmp_path / "visits").read_text()) == 30


def test_the_document_of_a_lease_names_its_holder(tmp_path: Path) -> None:
    async def body() -> None:
        async with await Leases(LocalFolder(tmp_path), HERE, FakeTime().clock()).acquire(SHOP):
            document = json.loads((tmp_path / KEY).read_text())
        assert document["holder"]["ciUrl"] == "https://ci.example/1"
        assert document["released"] is False
        assert json.loads((tmp_path / KEY).read_text())["released"] is True

    run(body())


def test_a_lease_ends_by_either_clock() -> None:
    """The monotonic clock stands still while some machines sleep; the time of day then shows that the lease is over."""

    async def body() -> None:
        time, asleep = FakeTime(), 0.0
        clock = Clock(
            lambda: time.start + timedelta(seconds=time.elapsed + asleep), time.clock().sleep, time.clock().monotonic
        )
        lease = await Leases(MemoryStore(), HERE, clock).acquire(SHOP)
        lease.check()
        asleep = 30
        lease.check()
        asleep = 61
        with pytest.raises(LeaseLost, match="expired before it could be renewed"):
            lease.check()

    run(body())
