"""What is noted is durable, noted once, and refused where another run got in between."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from reconciler.model.address import SiteName
from reconciler.model.canonical import Digest, JsonObject
from reconciler.model.events import CalendarEvent, CalendarId, EventId
from reconciler.model.journal import Before
from reconciler.model.operations import Done, Generate, NotDone, Pending, Unknown
from reconciler.model.posts import ActivityId, PostId
from reconciler.model.settings import Field
from reconciler.model.sites import (
    NOTHING_RECORDED,
    Bindings,
    CreatedActivity,
    Inputs,
    PublishedPost,
    RememberedSet,
    SiteRef,
)
from reconciler.state.errors import Conflict, StateError
from reconciler.state.journal import SiteJournal
from reconciler.state.memory import MemoryStore
from reconciler.state.sites import StateStore
from reconciler.state.store import Any as AnyVersion
from reconciler.state.store import Stored, Version
from tests.journals import begin, begun

NOW = datetime(2026, 11, 23, 9, 30, 0, 123456, tzinfo=UTC)
SHOP = SiteRef(SiteName("shop"), "3f0c2a9e")
TOPICS = Inputs((Field("settings.topics.included", ("clay",)),), (("Sale", JsonObject({"date": "2026-11-27"})),))
POST = PublishedPost(PostId("p1"), Digest("sha256:1"), "INSTAGRAM", NOW, NOW, commit="abc", approver="jane")


def run(body: Callable[[StateStore, MemoryStore], Coroutine[Any, Any, None]]) -> None:
    store = MemoryStore()
    asyncio.run(body(StateStore(store, now=lambda: NOW), store))


def test_first_contact_writes_nothing() -> None:
    async def body(state: StateStore, store: MemoryStore) -> None:
        assert await state.load(SHOP) is NOTHING_RECORDED
        assert (await state.open_journal(SHOP)).recorded is NOTHING_RECORDED
        assert store.writes == 0

    run(body)


def test_each_note_is_there_when_it_returns_and_is_written_once() -> None:
    created = CreatedActivity(ActivityId("a1"), "Open studio", NOW)
    calendar = CalendarEvent(EventId("e8"), "Holiday", calendar_id=CalendarId("c1"))
    notes: tuple[Callable[[SiteJournal], Coroutine[Any, Any, None]], ...] = (
        lambda journal: journal.inputs_pending(TOPICS, Inputs()),
        lambda journal: journal.inputs_generated_from(TOPICS),
        lambda journal: journal.applied(TOPICS),
        lambda journal: journal.bind(Bindings((("Sale", EventId("e1")),), (), (created,))),
        lambda journal: journal.bind(Bindings(sets=(RememberedSet(Digest("r"), frozenset({ActivityId("a1")})),))),
        lambda journal: journal.foreign(calendar),
        lambda journal: journal.foreign(CalendarEvent(EventId("e9"), "Holiday")),
        lambda journal: journal.published(POST),
        lambda journal: journal.consumed(ActivityId("a1"), "discard", "sha256:2"),
    )

    async def body(state: StateStore, store: MemoryStore) -> None:
        journal = await state.open_journal(SHOP)
        for count, note in enumerate(notes, 1):
            await note(journal)
            assert await state.load(SHOP) == journal.recorded
            await note(journal)
            assert store.writes == count
        recorded = await state.load(SHOP)
        assert (recorded.generated_from, recorded.pending, recorded.applied) == (TOPICS, None, TOPICS)
        assert recorded.event_ids == (("Sale", "e1"),)
        assert recorded.created == (created,)
        assert recorded.foreign_calendars == {"c1"}
        assert recorded.foreign_events == {"e9"}
        assert recorded.published == (POST,)
        assert recorded.consumed == (("a1", "discard", "sha256:2"),)

    run(body)


def test_what_is_due_leaves_what_is_in_force_until_the_generation_ended() -> None:
    async def body(state: StateStore, store: MemoryStore) -> None:
        journal = await state.open_journal(SHOP)
        await journal.inputs_generated_from(Inputs())
        await journal.inputs_pending(TOPICS, None)
        assert (journal.recorded.generated_from, journal.recorded.pending) == (Inputs(), TOPICS)
        await journal.inputs_generated_from(TOPICS)
        assert (journal.recorded.generated_from, journal.recorded.pending) == (TOPICS, None)

    run(body)


def test_applied_values_and_identities_add_up() -> None:
    async def body(state: StateStore, store: MemoryStore) -> None:
        journal = await state.open_journal(SHOP)
        rule, one, two = Digest("r"), ActivityId("a1"), ActivityId("a2")
        await journal.applied(TOPICS)
        await journal.applied(Inputs((Field("settings.topics.included", ("tea",)), Field("settings.a", None))))
        await journal.bind(Bindings((("Sale", EventId("e1")),), (RememberedSet(rule, frozenset({one})),)))
        await journal.bind(Bindings((("Sale", EventId("e2")),), (RememberedSet(rule, frozenset({two})),)))
        await journal.bind(Bindings(created=(CreatedActivity(one, "Open studio", NOW),)))
        await journal.bind(Bindings(created=(CreatedActivity(two, "Open studio", NOW),)))
        assert [(field.path, field.value) for field in journal.recorded.applied.settings] == [
            ("settings.a", None),
            ("settings.topics.included", ("tea",)),
        ]
        assert journal.recorded.applied.events == TOPICS.events
        assert journal.recorded.event_ids == (("Sale", "e2"),)
        assert journal.recorded.sets == (RememberedSet(rule, frozenset({one, two})),)
        assert [created.id for created in journal.recorded.created] == [two]

    run(body)


def test_an_entry_stays_open_until_its_outcome_is_known() -> None:
    async def body(state: StateStore, store: MemoryStore) -> None:
        journal = await state.open_journal(SHOP)
        before = Before(known=("a1",), status="ACTIVE")
        entry, other = await journal.begin([begun(before=before), begun(before=before)])
        assert store.writes == 1
        assert entry.id != other.id
        assert (entry.operation, entry.before) == (Generate(), before)
        assert (entry.started_at, entry.sent, entry.unknown) == (NOW, False, "")
        await journal.end(other, NotDone("refused"))
        assert (await state.load(SHOP)).open == (entry,)
        await journal.end(entry, Unknown("the connection was lost"))
        assert [(one.sent, one.unknown) for one in (await state.load(SHOP)).open] == [
            (False, "the connection was lost")
        ]
        await journal.sent(entry)
        assert [(one.sent, one.unknown) for one in (await state.load(SHOP)).open] == [(True, "")]
        await journal.end(entry, Pending())
        assert [one.sent for one in (await state.load(SHOP)).open] == [True]
        await journal.end(entry, Done())
        assert (await state.load(SHOP)).open == ()
        writes = store.writes
        await journal.end(entry, Done())
        await journal.sent(entry)
        assert store.writes == writes

    run(body)


def test_content_that_is_scheduled_again_counts_once_more() -> None:
    async def body(state: StateStore, store: MemoryStore) -> None:
        journal = await state.open_journal(SHOP)
        again = PublishedPost(POST.id, POST.digest, POST.channel, None, NOW + timedelta(days=1))
        other = PublishedPost(POST.id, Digest("sha256:2"), POST.channel, None, NOW + timedelta(days=1))
        for post in (POST, POST, again, again, other):
            await journal.published(post)
        assert [(post.digest, post.times) for post in journal.recorded.published] == [("sha256:1", 2), ("sha256:2", 1)]

    run(body)


def test_another_run_that_got_in_between_is_noticed() -> None:
    async def body(state: StateStore, store: MemoryStore) -> None:
        first, second = await state.open_journal(SHOP), await state.open_journal(SHOP)
        await begin(second)
        with pytest.raises(StateError, match="changed by another run"):
            await first.applied(TOPICS)
        assert await state.load(SHOP) == second.recorded
        assert first.recorded is NOTHING_RECORDED

    run(body)


def test_a_lost_lease_stops_the_journal_before_the_call() -> None:
    class Lost:
        def check(self) -> None:
            raise StateError("leases/shop.json", "is lost", "run again")

    async def body(state: StateStore, store: MemoryStore) -> None:
        journal = await state.open_journal(SHOP, Lost())
        with pytest.raises(StateError, match="is lost"):
            await begin(journal)
        assert store.writes == 0

    run(body)


class Unsure:
    """A store over another, whose answers to writes get lost, or which refuses a write that it has carried out."""

    def __init__(self, store: MemoryStore, error: Exception) -> None:
        self.store, self.error = store, error
        self.place, self.get, self.delete = store.place, store.get, store.delete

    def keys(self, prefix: str) -> AsyncIterator[str]:
        return self.store.keys(prefix)

    async def put(self, key: str, data: bytes, *, expected: Version | None | AnyVersion) -> Version:
        await self.store.put(key, data, expected=expected)
        raise self.error


@pytest.mark.parametrize("error", [Conflict("x"), StateError("x", "timed out", "run again")])
def test_a_write_that_took_effect_is_one_whatever_the_answer_was(error: Exception) -> None:
    async def body(state: StateStore, store: MemoryStore) -> None:
        journal = await StateStore(Unsure(store, error), now=lambda: NOW).open_journal(SHOP)
        entry = await begin(journal)
        await journal.end(entry, Done())
        assert await state.load(SHOP) == journal.recorded

    run(body)


class Slow(MemoryStore):
    """A store whose writes wait to be let through."""

    def __init__(self) -> None:
        super().__init__()
        self.gate = asyncio.Event()
        self.reached = asyncio.Event()

    async def put(self, key: str, data: bytes, *, expected: Version | None | AnyVersion) -> Version:
        self.reached.set()
        await self.gate.wait()
        return await super().put(key, data, expected=expected)

    async def get(self, key: str) -> Stored | None:
        return await super().get(key)


def test_a_run_that_is_interrupted_while_it_notes_can_still_note_the_rest() -> None:
    async def body() -> None:
        store = Slow()
        journal = await StateStore(store, now=lambda: NOW).open_journal(SHOP)
        beginning = asyncio.ensure_future(begin(journal))
        await store.reached.wait()
        beginning.cancel()
        await asyncio.gather(beginning, return_exceptions=True)
        assert beginning.cancelled()
        ending = asyncio.ensure_future(journal.applied(TOPICS))
        store.gate.set()
        await ending
        recorded = await StateStore(store).load(SHOP)
        assert (len(recorded.open), recorded.applied) == (1, TOPICS)

    asyncio.run(body())
