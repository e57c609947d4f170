"""A saved plan is spent once; the last ledgers are kept; unconfirmed calls are found."""

from __future__ import annotations

import asyncio
import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from reconciler.machine import CLOCK, utc_now
from reconciler.model.address import Address, SiteName
from reconciler.model.canonical import Json, JsonObject
from reconciler.model.diagnostics import UsageError
from reconciler.model.journal import OpenEntry
from reconciler.model.marketing_plan import Generate
from reconciler.model.posts import ActivityId, PostId
from reconciler.model.schedule import CancelPost
from reconciler.model.sites import NOTHING_RECORDED, SiteRef
from reconciler.state.errors import StateError
from reconciler.state.folder import LocalFolder
from reconciler.state.holder import this_process
from reconciler.state.lease import Leases
from reconciler.state.ledger import KEPT, RunLedgers
from reconciler.state.memory import MemoryStore
from reconciler.state.plans import AlreadySpent, PlanUse, SpentPlans
from reconciler.state.repair import entry_named, known_sites, state_of, summary_of
from reconciler.state.sites import StateStore, open_state
from reconciler.state.store import ANY
from tests.journals import begin
from tests.told import unclear

NOW = datetime(2026, 11, 23, 9, 30, tzinfo=UTC)
SHOP = SiteRef(SiteName("shop"), "3f0c2a9e")


def test_a_saved_plan_is_spent_once(tmp_path: Path) -> None:
    async def body() -> None:
        plans = SpentPlans(LocalFolder(tmp_path))
        assert await plans.use_of("seal-1") is None
        assert not os.listdir(tmp_path)
        tries = await asyncio.gather(*(plans.mark_spent("seal-1", NOW) for _ in range(8)), return_exceptions=True)
        refused = [attempt for attempt in tries if attempt is not None]
        assert len(refused) == 7
        assert all(isinstance(refusal, AlreadySpent) and refusal.when == NOW for refusal in refused)
        assert await plans.use_of("seal-1") == PlanUse(NOW)
        await plans.mark_spent("another ../../ seal \ud800", NOW)

    asyncio.run(body())


def test_an_unreadable_note_of_a_spent_plan_does_not_allow_applying_it() -> None:
    async def body() -> None:
        store = MemoryStore()
        plans = SpentPlans(store)
        await plans.mark_spent("seal", NOW)
        (key,) = [key async for key in store.keys("plans/")]
        await store.put(key, b'{"formatVersion": 2}', expected=ANY)
        for use in (plans.use_of("seal"), plans.mark_spent("seal", NOW)):
            with pytest.raises(StateError, match="is corrupt"):
                await use

    asyncio.run(body())


def test_the_last_ledgers_are_kept_and_read_back(tmp_path: Path) -> None:
    async def body() -> None:
        runs = RunLedgers(LocalFolder(tmp_path))
        assert await runs.runs() == ()
        ledger: Json = JsonObject({"sites": (JsonObject({"name": "shop", "done": 3}),), "note": "été"})
        ids = [await runs.write(NOW + timedelta(minutes=minute), ledger) for minute in range(3)]
        assert await runs.runs() == tuple(reversed(ids))
        assert ids[0].startswith("20261123T093000.000000Z-")
        assert await runs.read(ids[0]) == ledger
        assert await runs.read("20200101T000000.000000Z-0") is None
        assert (await runs.write(NOW, ledger, "3f9a2c1e")).endswith("-3f9a2c1e")

    asyncio.run(body())


def test_the_oldest_ledgers_go() -> None:
    async def body() -> None:
        runs = RunLedgers(MemoryStore())
        ids = [await runs.write(NOW + timedelta(minutes=minute), None) for minute in range(KEPT + 3)]
        assert await runs.runs() == tuple(reversed(ids[3:]))

    asyncio.run(body())


def test_the_ledger_of_a_run_whose_clock_was_set_back_is_not_deleted_at_once() -> None:
    async def body() -> None:
        runs = RunLedgers(MemoryStore())
        for minute in range(KEPT):
            await runs.write(NOW + timedelta(minutes=minute), None)
        id = await runs.write(NOW - timedelta(days=1), 7)
        assert await runs.read(id) == 7

    asyncio.run(body())


def test_the_ledgers_of_parts_are_kept_until_their_run_has_written_its_own() -> None:
    async def body() -> None:
        runs = RunLedgers(MemoryStore())
        for part, ledger in ((0, 1), (11, 2), (0, 3)):
            await runs.write_part("20261123T092900Z-3f9a2c1e", part, ledger)
        await runs.write_part("20261123T092900Z-other", 0, 4)
        assert [await runs.read(id) for id in await runs.runs()] == [4, 2, 3]
        await runs.write(NOW, None, "3f9a2c1e", in_parts=True)
        assert [await runs.read(id) for id in await runs.runs()] == [None, 4]

    asyncio.run(body())


def test_the_ledgers_of_parts_drive_those_of_no_other_run_out() -> None:
    async def body() -> None:
        runs = RunLedgers(MemoryStore())
        ids = [await runs.write(NOW + timedelta(minutes=minute), None) for minute in range(KEPT - 1)]
        for part in range(3):
            await runs.write_part("20261124T092900Z-3f9a2c1e", part, 1)
        ids.append(await runs.write(NOW + timedelta(days=2), None))
        left = await runs.runs()
        assert (len(left), set(ids) - set(left)) == (KEPT + 2, {ids[0]})

    asyncio.run(body())


def test_open_calls_are_found_by_name_and_by_id() -> None:
    async def body() -> None:
        store = MemoryStore()
        state = StateStore(store, now=lambda: NOW)
        leases = Leases(store, this_process({}), CLOCK)
        new = SiteRef(SiteName("new"), "0c5a6f9a")
        assert await known_sites(state, leases) == ()
        journal = await state.open_journal(SHOP)
        entry = await begin(journal, "shop/draft[p1]", CancelPost(PostId("p1"), ActivityId("a1"), "X"))
        other = await begin(journal)
        await journal.end(entry, unclear("the connection was lost"))
        await journal.sent(other)
        async with await leases.acquire(SHOP), await leases.acquire(new):
            seen = await state_of(state, leases, SHOP)
            assert (seen.id, seen.place, seen.ended) == (SHOP.id, "memory:records/3f0c2a9e.json", False)
            assert seen.lock is not None
            assert [entry.id for entry in seen.in_doubt] == [entry.id]
            assert [entry.id for entry in seen.waiting] == [other.id]
            # A run that was killed before its first note leaves a lease and nothing else.
            seen = await state_of(state, leases, new)
            assert (seen.name, seen.recorded) == ("new", NOTHING_RECORDED)
            assert seen.lock is not None
            assert await known_sites(state, leases) == (new, SHOP)
        assert await summary_of(state, leases, new) is None, "nobody holds it any more, and nothing is recorded"
        open_now = (await state.load(SHOP)).open
        assert entry_named(SHOP.name, open_now, entry.id).address == "shop/draft[p1]"
        assert entry_named(SHOP.name, open_now, other.id[:8]).id == other.id
        for wrong in ("nope", ""):
            with pytest.raises(UsageError, match=f"choose one of: {entry.id} .*, {other.id} "):
                entry_named(SHOP.name, open_now, wrong)
        alike = tuple(OpenEntry(name, Address.parse("shop"), Generate(), NOW) for name in ("ab1", "ab2"))
        with pytest.raises(UsageError, match="several unconfirmed calls that start with 'ab'"):
            entry_named(SHOP.name, alike, "ab")
        with pytest.raises(UsageError, match="nothing is left to resolve"):
            entry_named(SHOP.name, (), entry.id)

    asyncio.run(body())


def test_many_sites_are_loaded_one_file_each(tmp_path: Path) -> None:
    """The folder is never listed for a load, and a site nobody recorded costs one look."""

    async def body() -> None:
        state = open_state(str(tmp_path / "elsewhere"), tmp_path, environ={}, now=utc_now)
        journal = await state.open_journal(SHOP)
        await begin(journal)
        (tmp_path / "elsewhere" / "records" / "broken.json").write_bytes(b"corrupt")
        assert (await state.load(SHOP)).open
        assert await state.load(SiteRef(SiteName("new"), "x")) is NOTHING_RECORDED

    asyncio.run(body())
