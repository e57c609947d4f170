"""What the first version left behind (`format_1/`, its own bytes) is migrated to the site's id, once and completely."""

from __future__ import annotations

import asyncio
import json
import shutil
from collections.abc import Callable, Coroutine
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from reconciler.machine import CLOCK, utc_now
from reconciler.model.activities import CreateActivity
from reconciler.model.address import SiteName
from reconciler.model.canonical import JsonObject, digest_of, freeze
from reconciler.model.events import CreateEvent
from reconciler.model.failures import Failure
from reconciler.model.journal import OpenEntry, ReviewedDecision, UnreadableCall
from reconciler.model.operations import Operation
from reconciler.model.posts import RegeneratePosts
from reconciler.model.schedule import SchedulePost
from reconciler.model.sites import NOTHING_RECORDED, SiteRef
from reconciler.state.errors import StateError
from reconciler.state.folder import LocalFolder
from reconciler.state.holder import this_process
from reconciler.state.lease import Leases, Locked
from reconciler.state.ledger import RunLedgers
from reconciler.state.plans import PlanUse, SpentPlans
from reconciler.state.repair import state_of
from reconciler.state.sites import StateStore

WRITTEN = Path(__file__).parent / "format_1" / "state"
SHOP = SiteRef(SiteName("janes-pottery"), "3f0c2a9e-8d0b-4b7c-9a55-0c5a6f9a1e01")
NEW = SiteRef(SiteName("new-shop"), "0c5a6f9a-8d0b-4b7c-9a55-3f0c2a9e1e01")
RENAMED = replace(SHOP, name=SiteName("boutique"))
THEN = datetime(2026, 11, 26, 9, tzinfo=UTC)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return Path(shutil.copytree(WRITTEN, tmp_path / "state"))


def use(folder: Path, body: Callable[[StateStore, Leases], Coroutine[Any, Any, None]], now: datetime = THEN) -> None:
    store = LocalFolder(folder)
    clock = replace(CLOCK, now=lambda: now)
    asyncio.run(body(StateStore(store, now=lambda: now), Leases(store, this_process({}), clock)))


def test_the_file_that_is_named_is_the_one_that_is_there(folder: Path) -> None:
    async def body(state: StateStore, leases: Leases) -> None:
        assert (await state_of(state, leases, RENAMED)).place == str(folder / "sites" / "janes-pottery.json")
        await state.open_journal(SHOP)
        assert (await state_of(state, leases, SHOP)).place == str(record)

    record = folder / "records" / f"{SHOP.id}.json"
    use(folder, body)
    assert record.is_file()


def test_every_member_is_brought_over(folder: Path) -> None:
    async def body(state: StateStore, leases: Leases) -> None:
        recorded = await state.load(SHOP)
        assert recorded.known
        assert recorded.generated_from is not None
        assert recorded.generated_from.setting("settings.toneOfVoice") == ("warm",)
        assert recorded.pending is not None
        assert recorded.pending.setting("settings.toneOfVoice") == ("dry",)
        assert recorded.applied == recorded.generated_from
        assert recorded.applied.event("Black Friday sale") == JsonObject(
            {"date": "2026-11-27", "description": "30% off"}
        )
        assert [name for name, _ in recorded.event_ids] == ["Black Friday sale"]
        assert (set(recorded.foreign_calendars), set(recorded.foreign_events)) == ({"cal-1", "cal-2"}, {"ev-9"})
        assert [activity.title for activity in recorded.created] == ["Open studio"]
        assert [(post.channel, post.times, post.approver) for post in recorded.published] == [
            ("INSTAGRAM", 2, "Jane <jane@example.com>"),
            ("FACEBOOK", 1, None),
        ]
        assert [decision for _, decision, _ in recorded.consumed] == ["regenerate"]
        assert [key for key, _ in recorded.objects] == [
            "posts[b3f9d2e1-7a4c-4d68-9f02-1c5e8a6b4d30]",
            "rule[posts]",
        ]
        assert len(recorded.sets) == 1
        # Reading changes nothing.
        assert (folder / "sites" / "janes-pottery.json").read_bytes() == (
            WRITTEN / "sites" / "janes-pottery.json"
        ).read_bytes()

    use(folder, body)


def test_every_open_call_is_the_operation_it_was(folder: Path) -> None:
    async def body(state: StateStore, leases: Leases) -> None:
        entries = (await state.load(SHOP)).open
        assert not [entry for entry in entries if isinstance(entry.operation, UnreadableCall)]
        assert len(entries) == 18
        by_kind: dict[type[Operation], list[OpenEntry]] = {}
        for entry in entries:
            assert not isinstance(entry.operation, UnreadableCall)
            by_kind.setdefault(type(entry.operation), []).append(entry)
        assert len(by_kind) == 16
        first, second = (entry.operation for entry in by_kind[CreateEvent])
        assert isinstance(first, CreateEvent)
        assert isinstance(second, CreateEvent)
        assert (first.event.whole_day, second.event.recurring_rule) == (
            True,
            JsonObject({"frequency": "MONTHLY"}),
        )
        [created] = by_kind[CreateActivity]
        assert created.operation.activity.title == "Open studio"  # type: ignore[union-attr]
        [again] = by_kind[RegeneratePosts]
        assert again.decided == ReviewedDecision("regenerate-media", digest_of("d"))
        unclear = Failure("outcome-unknown")
        assert [entry.unknown for entry in by_kind[SchedulePost]] == [unclear, None]
        assert [entry.sent for entry in entries].count(True) == 2
        assert {entry.started_at for entry in entries} == {THEN}

    use(folder, body)


def test_a_run_that_writes_moves_the_record_to_the_id_and_stops_the_first_version(folder: Path) -> None:
    async def body(state: StateStore, leases: Leases) -> None:
        before = await state.load(SHOP)
        journal = await state.open_journal(SHOP)
        assert journal.recorded == before
        assert await StateStore(state.store, now=utc_now).load(SHOP) == before
        left = json.loads((folder / "sites" / "janes-pottery.json").read_bytes())
        # The first version refuses whatever has a higher number here, and says so.
        assert left == {"formatVersion": 2, "movedTo": f"records/{SHOP.id}.json"}
        assert [label.name for label in await StateStore(state.store, now=utc_now).labels()] == [
            "new-shop",
            "janes-pottery",
        ]
        await journal.close()
        await (await state.open_journal(NEW)).close()
        assert await state.ids() == (NEW.id, SHOP.id)
        assert (folder / "records-by-name-moved").exists(), "later runs need not look through the old records"
        assert await StateStore(state.store, now=utc_now).load(replace(SHOP, id="another")) is NOTHING_RECORDED

    use(folder, body)


def test_a_site_that_was_renamed_since_is_found_by_its_id(folder: Path) -> None:
    async def body(state: StateStore, leases: Leases) -> None:
        assert await state.load(RENAMED) == await state.load(SHOP)
        await (await state.open_journal(RENAMED)).close()
        assert [label.name for label in await state.labels()] == ["new-shop", "boutique"]

    use(folder, body)


def test_what_was_recorded_under_two_names_of_one_site_is_not_forgotten(folder: Path) -> None:
    """As the first version did it: a renamed site was treated as new, and its first record stayed behind."""
    later = json.loads((folder / "sites" / "new-shop.json").read_bytes())
    later["site"] = {"name": "boutique", "id": SHOP.id}
    later["published"] = [
        {
            **json.loads((folder / "sites" / "janes-pottery.json").read_bytes())["published"][0],
            "doneAt": "2026-11-26T10:00:00+00:00",
            "times": 1,
        }
    ]
    (folder / "sites" / "boutique.json").write_text(json.dumps(later))

    async def body(state: StateStore, leases: Leases) -> None:
        before = await state.load(SHOP)
        recorded = await state.load(RENAMED)
        assert recorded.pending is None, "what stands under the present name is what counts"
        assert [(post.channel, post.times) for post in recorded.published] == [("FACEBOOK", 1), ("INSTAGRAM", 3)]
        assert recorded.consumed == before.consumed
        assert recorded.open == before.open
        await (await state.open_journal(RENAMED)).close()
        assert await state.load(RENAMED) == recorded
        for name in ("boutique", "janes-pottery"):
            assert json.loads((folder / "sites" / f"{name}.json").read_bytes())["movedTo"]

    use(folder, body)


def test_a_name_that_moved_to_another_site_takes_no_record_along(folder: Path) -> None:
    async def body(state: StateStore, leases: Leases) -> None:
        assert await state.load(replace(NEW, name=SHOP.name)) == await state.load(NEW)
        assert await state.load(SiteRef(SHOP.name, "another")) is NOTHING_RECORDED

    use(folder, body)


@pytest.mark.parametrize("text", [b"", b"{", b'{"formatVersion": 1}', b'{"formatVersion": 3}'])
def test_a_record_that_cannot_be_read_stops_only_its_own_site(folder: Path, text: bytes) -> None:
    (folder / "sites" / "janes-pottery.json").write_bytes(text)

    async def body(state: StateStore, leases: Leases) -> None:
        for opening in (state.load, state.open_journal):
            with pytest.raises(StateError, match="janes-pottery"):
                await opening(SHOP)
        assert (await state.load(NEW)).known

    use(folder, body)
    assert (folder / "sites" / "janes-pottery.json").read_bytes() == text


def test_a_run_of_the_first_version_that_is_under_way_keeps_its_site(folder: Path) -> None:
    async def body(state: StateStore, leases: Leases) -> None:
        for site in (SHOP, RENAMED):
            with pytest.raises(Locked, match="ci on ci-runner-7, process 4242"):
                await leases.acquire(site)
        async with await leases.acquire(NEW):
            pass
        lock = await leases.inspect(RENAMED)
        assert lock is not None
        assert await leases.unlock(lock)
        assert not (folder / "leases" / "janes-pottery.json").exists(), "its holder finds it gone at its next renewal"
        async with await leases.acquire(SHOP):
            pass

    use(folder, body, THEN + timedelta(seconds=30))


def test_a_lease_of_the_first_version_ends(folder: Path) -> None:
    async def body(state: StateStore, leases: Leases) -> None:
        async with await leases.acquire(SHOP) as lease:
            lease.check()

    use(folder, body, THEN + timedelta(minutes=2))


def test_a_lease_of_the_first_version_that_cannot_be_read_can_be_taken_away(folder: Path) -> None:
    (folder / "leases" / "janes-pottery.json").write_bytes(b"{")

    async def body(state: StateStore, leases: Leases) -> None:
        with pytest.raises(StateError, match=r"is corrupt.*state unlock SITE --force"):
            await leases.acquire(SHOP)
        await leases.discard(SHOP)
        async with await leases.acquire(SHOP):
            pass

    use(folder, body)


def test_spent_plans_and_ledgers_are_still_read(folder: Path) -> None:
    async def body() -> None:
        store = LocalFolder(folder)
        assert await SpentPlans(store).use_of("sha256:" + "5" * 64) == PlanUse(THEN)
        [run] = await RunLedgers(store).runs()
        ledger = await RunLedgers(store).read(run)
        assert ledger == freeze({"command": "apply", "exitCode": 0, "interrupted": False, "sites": []})

    asyncio.run(body())
