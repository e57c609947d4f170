"""What is recorded is durable, recorded once, and refused if another run got in between."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from msgspec.structs import replace

from reconciler.machine import utc_now
from reconciler.model.address import SiteName
from reconciler.model.canonical import Digest, JsonObject
from reconciler.model.diagnostics import Diagnostic
from reconciler.model.events import CalendarId, EventId
from reconciler.model.failures import Failure
from reconciler.model.journal import Before
from reconciler.model.marketing_plan import Generate
from reconciler.model.notes import (
    AppliedValues,
    Bound,
    Consumed,
    FoundForeign,
    InputsGeneratedFrom,
    InputsPending,
    JournalNote,
    Scheduled,
)
from reconciler.model.outcomes import Done, Pending
from reconciler.model.posts import ActivityId, PostId, PostStatus
from reconciler.model.settings import Field
from reconciler.model.sites import (
    NOTHING_RECORDED,
    Bindings,
    CreatedActivity,
    CreatedEvent,
    Inputs,
    PostOutcome,
    PublishedPost,
    RecordedSite,
    RememberedSet,
    SiteRef,
)
from reconciler.state.errors import Conflict, StateError
from reconciler.state.journal import SiteJournal
from reconciler.state.memory import MemoryStore
from reconciler.state.sites import StateStore
from reconciler.state.store import Any as AnyVersion
from reconciler.state.store import Log, Stored, Version
from tests.journals import begin, begun
from tests.told import refused, unclear

NOW = datetime(2026, 11, 23, 9, 30, 0, 123456, tzinfo=UTC)
SHOP = SiteRef(SiteName("shop"), "3f0c2a9e")
CREATED = CreatedActivity(ActivityId("a1"), "Open studio", NOW)
TOPICS = Inputs((Field("settings.topics.included", ("clay",)),), (("Sale", JsonObject({"date": "2026-11-27"})),))
POST = PublishedPost(PostId("p1"), Digest("sha256:1"), "INSTAGRAM", NOW, NOW, commit="abc", approver="jane")
OUTCOME = PostOutcome(POST.id, PostStatus.PUBLISHED, NOW, "https://example.com/p1")


def run(body: Callable[[StateStore, MemoryStore], Coroutine[Any, Any, None]]) -> None:
    store = MemoryStore()
    asyncio.run(body(StateStore(store, now=lambda: NOW), store))


def test_the_first_run_writes_nothing() -> None:
    async def body(state: StateStore, store: MemoryStore) -> None:
        assert await state.load(SHOP) is NOTHING_RECORDED
        assert (await state.open_journal(SHOP)).recorded is NOTHING_RECORDED
        assert store.writes == 0

    run(body)


NOTES: tuple[JournalNote, ...] = (
    InputsPending(TOPICS, Inputs()),
    InputsGeneratedFrom(TOPICS),
    AppliedValues(TOPICS),
    Bound(Bindings((("Sale", EventId("e1")),), (), (CREATED,))),
    Bound(Bindings(sets=(RememberedSet(Digest("r"), frozenset({ActivityId("a1")})),))),
    Bound(Bindings(created_events=(CreatedEvent(EventId("e1"), "Sale"),))),
    Bound(Bindings(created_events=(CreatedEvent(EventId("e1"), "Sale", seen=True),))),
    Bound(Bindings(created_events=(CreatedEvent(EventId("e1"), "Sale"),))),
    Bound(Bindings(spent=((POST.id, POST.digest, 1),), outcomes=(OUTCOME,))),
    FoundForeign(CalendarId("c1"), EventId("e8")),
    FoundForeign(None, EventId("e9")),
    Scheduled(POST),
    Consumed(ActivityId("a1"), "discard", Digest("sha256:2")),
)


def _all_noted(recorded: RecordedSite) -> None:
    assert (recorded.generated_from, recorded.pending, recorded.applied) == (TOPICS, None, TOPICS)
    assert recorded.event_ids == (("Sale", "e1"),)
    assert recorded.created == (CREATED,)
    assert recorded.created_events == (CreatedEvent(EventId("e1"), "Sale", seen=True),)
    assert (recorded.spent, recorded.outcomes) == (((POST.id, POST.digest, 1),), (OUTCOME,))
    assert (set(recorded.foreign_calendars), set(recorded.foreign_events)) == ({"c1"}, {"e9"})
    assert recorded.published == (POST,)
    assert recorded.consumed == (("a1", "discard", "sha256:2"),)


@pytest.mark.parametrize("begun_before", [0, 1, 2])
def test_notes_are_durable_with_the_next_call(begun_before: int) -> None:
    """In the same write, whether it is the first of its run or is appended; once or twice makes no difference."""

    async def body(state: StateStore, store: MemoryStore) -> None:
        journal = await state.open_journal(SHOP)
        for _ in range(begun_before):
            await begin(journal)
        for note in (*NOTES, *NOTES[2:]):
            journal.note(note)
        assert store.writes == begun_before
        await begin(journal)
        assert store.writes == begun_before + 1
        recorded = await state.load(SHOP)
        assert recorded == journal.recorded
        _all_noted(recorded)
        await journal.close()
        assert await state.load(SHOP) == replace(recorded, known=True)

    run(body)


def test_notes_are_durable_after_a_flush_and_a_close() -> None:
    async def body(state: StateStore, store: MemoryStore) -> None:
        journal = await state.open_journal(SHOP)
        for note in NOTES:
            journal.note(note)
        await journal.flush()
        recorded = await state.load(SHOP)
        _all_noted(recorded)
        assert not recorded.known, "only a run that ended makes a site known"
        await journal.flush()
        assert store.writes == 1
        await journal.close()
        assert (await state.load(SHOP)).known
        writes = store.writes
        for _ in range(2):
            await journal.close()
        for note in NOTES[2:]:
            journal.note(note)
        await journal.flush()
        await (await state.open_journal(SHOP)).close()
        assert store.writes == writes, "what stands there already is not written again"

    run(body)


def test_a_first_run_with_nothing_to_do_makes_the_site_known() -> None:
    async def body(state: StateStore, store: MemoryStore) -> None:
        await (await state.open_journal(SHOP)).close()
        assert await state.load(SHOP) == replace(NOTHING_RECORDED, known=True)

    run(body)


def test_what_a_run_writes_grows_with_its_calls() -> None:
    """One write per call, with no more bytes for the last than for the first."""

    async def written(calls: int) -> tuple[int, int]:
        store = MemoryStore()
        journal = await StateStore(store, now=lambda: NOW).open_journal(SHOP)
        for number in range(calls):
            entry = await begin(journal)
            journal.note(Scheduled(replace(POST, id=PostId(f"p{number:06d}"))))
            await journal.end(entry, Done())
        await journal.close()
        assert len((await StateStore(store, now=utc_now).load(SHOP)).published) == calls
        return store.writes, store.written

    (few, small), (many, large) = asyncio.run(written(50)), asyncio.run(written(400))
    assert (few, many) == (50 + 1, 400 + 1)
    assert large < 8.2 * small


def test_a_run_that_was_killed_leaves_its_notes_to_the_next() -> None:
    async def body(state: StateStore, store: MemoryStore) -> None:
        journal = await state.open_journal(SHOP)
        first = await begin(journal)
        journal.note(Scheduled(POST))
        second = await begin(journal)
        # Killed here. Another run reads the record without changing it, and one that writes takes it over.
        assert await state.load(SHOP) == journal.recorded
        assert store.writes == 2
        later = await state.open_journal(SHOP)
        assert later.recorded == journal.recorded
        assert [entry.id for entry in later.recorded.open] == [first.id, second.id]
        # If the killed run is alive after all, what it still notes is not taken for the other's.
        with pytest.raises(StateError, match="changed by another run"):
            await begin(journal)
        with pytest.raises(StateError, match="changed by another run"):
            await journal.close()
        third = await begin(later)
        assert [entry.id for entry in (await state.load(SHOP)).open] == [first.id, second.id, third.id]

    run(body)


def test_whoever_takes_a_lease_over_leaves_nothing_to_write_for_its_holder_before() -> None:
    class TakenOver:
        taken_over = Diagnostic("lock-taken-over", "took over an expired lock (jane)")

        def check(self) -> None:
            pass

    async def body(state: StateStore, store: MemoryStore) -> None:
        await (await state.open_journal(SHOP)).close()
        before = await state.open_journal(SHOP)
        after = await state.open_journal(SHOP, TakenOver())
        before.note(AppliedValues(TOPICS))
        with pytest.raises(StateError, match="changed by another run"):
            await before.close()
        await begin(after)
        assert (await state.load(SHOP)).open == after.recorded.open

    run(body)


def test_a_call_that_could_not_be_noted_is_not_open() -> None:
    async def body() -> None:
        store = Full()
        state = StateStore(store, now=lambda: NOW)
        journal = await state.open_journal(SHOP)
        for room in (0, 1):
            store.room = room
            journal.note(AppliedValues(TOPICS))
            for _ in range(room):
                await begin(journal)
            with pytest.raises(StateError, match="no space"):
                await begin(journal)
            assert len(journal.recorded.open) == room
            assert journal.recorded.applied == TOPICS
        store.room = 9
        await journal.close()
        assert await state.load(SHOP) == journal.recorded

    asyncio.run(body())


class Full(MemoryStore):
    """A store with room for only `room` more writes."""

    room = 0

    async def put(
        self, key: str, data: bytes, *, expected: Version | None | AnyVersion, durable: bool = True
    ) -> Version:
        self._take()
        return await super().put(key, data, expected=expected, durable=durable)

    async def append(self, key: str, data: bytes, *, at: int) -> int:
        self._take()
        return await super().append(key, data, at=at)

    def _take(self) -> None:
        if not self.room:
            raise StateError("memory", "no space", "make some")
        self.room -= 1


def test_a_record_that_is_replaced_while_it_is_read_is_read_again() -> None:
    class Ending(MemoryStore):
        ends: SiteJournal | None = None

        async def read_log(self, key: str) -> Log:
            if (journal := self.ends) is not None:
                self.ends = None
                await journal.close()
            return await super().read_log(key)

    async def body() -> None:
        store = Ending()
        journal = await StateStore(store, now=lambda: NOW).open_journal(SHOP)
        await begin(journal)
        entry = await begin(journal)
        store.ends = journal
        recorded = await StateStore(store, now=utc_now).load(SHOP)
        assert recorded.known
        assert entry in recorded.open

    asyncio.run(body())


def test_pending_inputs_leave_those_generated_from_until_the_generation_has_ended() -> None:
    async def body(state: StateStore, store: MemoryStore) -> None:
        journal = await state.open_journal(SHOP)
        journal.note(InputsGeneratedFrom(Inputs()))
        journal.note(InputsPending(TOPICS, None))
        assert (journal.recorded.generated_from, journal.recorded.pending) == (Inputs(), TOPICS)
        journal.note(InputsGeneratedFrom(TOPICS))
        assert (journal.recorded.generated_from, journal.recorded.pending) == (TOPICS, None)

    run(body)


def test_applied_values_and_identities_add_up() -> None:
    async def body(state: StateStore, store: MemoryStore) -> None:
        journal = await state.open_journal(SHOP)
        rule, one, two = Digest("r"), ActivityId("a1"), ActivityId("a2")
        journal.note(AppliedValues(TOPICS))
        journal.note(AppliedValues(Inputs((Field("settings.topics.included", ("tea",)), Field("settings.a", None)))))
        journal.note(Bound(Bindings((("Sale", EventId("e1")),), (RememberedSet(rule, frozenset({one})),))))
        journal.note(Bound(Bindings((("Sale", EventId("e2")),), (RememberedSet(rule, frozenset({two})),))))
        journal.note(Bound(Bindings(created=(CreatedActivity(one, "Open studio", NOW),))))
        journal.note(Bound(Bindings(created=(CreatedActivity(two, "Open studio", NOW),))))
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
        assert (entry.started_at, entry.sent, entry.unknown) == (NOW, False, None)
        await journal.end(other, refused("refused"))
        await journal.flush()
        assert (await state.load(SHOP)).open == (entry,)
        await journal.end(entry, unclear("the connection was lost"))
        await journal.flush()
        assert [(entry.sent, entry.unknown) for entry in (await state.load(SHOP)).open] == [
            (False, Failure("api-network-error"))
        ]
        await journal.sent(entry)
        assert [(entry.sent, entry.unknown) for entry in (await state.load(SHOP)).open] == [(True, None)]
        await journal.end(entry, Pending())
        await journal.flush()
        assert [entry.sent for entry in (await state.load(SHOP)).open] == [True]
        await journal.end(entry, Done())
        await journal.flush()
        assert (await state.load(SHOP)).open == ()
        await journal.end(entry, Done())
        await journal.sent(entry)
        assert (await state.load(SHOP)).open == ()

    run(body)


def test_content_that_is_scheduled_again_counts_once_more() -> None:
    async def body(state: StateStore, store: MemoryStore) -> None:
        journal = await state.open_journal(SHOP)
        again = PublishedPost(POST.id, POST.digest, POST.channel, None, NOW + timedelta(days=1))
        other = PublishedPost(POST.id, Digest("sha256:2"), POST.channel, None, NOW + timedelta(days=1))
        for post in (POST, POST, again, again, other):
            journal.note(Scheduled(post))
        assert [(post.digest, post.times) for post in journal.recorded.published] == [("sha256:1", 2), ("sha256:2", 1)]

    run(body)


def test_another_run_that_got_in_between_is_noticed() -> None:
    async def body(state: StateStore, store: MemoryStore) -> None:
        first, second = await state.open_journal(SHOP), await state.open_journal(SHOP)
        await begin(second)
        first.note(AppliedValues(TOPICS))
        with pytest.raises(StateError, match="changed by another run"):
            await first.flush()
        assert await state.load(SHOP) == second.recorded

    run(body)


def test_a_lost_lease_stops_the_journal_before_the_call() -> None:
    class Lost:
        taken_over = None

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

        self.read_log, self.delete_log, self.put_pieces = store.read_log, store.delete_log, store.put_pieces

    def keys(self, prefix: str) -> AsyncIterator[str]:
        return self.store.keys(prefix)

    async def append(self, key: str, data: bytes, *, at: int) -> int:
        await self.store.append(key, data, at=at)
        raise self.error

    async def put(
        self, key: str, data: bytes, *, expected: Version | None | AnyVersion, durable: bool = True
    ) -> Version:
        await self.store.put(key, data, expected=expected, durable=durable)
        raise self.error


@pytest.mark.parametrize("error", [Conflict("x"), StateError("x", "timed out", "run again")])
def test_a_write_that_took_effect_is_one_whatever_the_answer_was(error: Exception) -> None:
    async def body(state: StateStore, store: MemoryStore) -> None:
        journal = await StateStore(Unsure(store, error), now=lambda: NOW).open_journal(SHOP)
        entry = await begin(journal)
        await journal.end(entry, Done())
        await begin(journal)
        assert await state.load(SHOP) == journal.recorded
        await journal.close()
        assert await state.load(SHOP) == journal.recorded

    run(body)


class Slow(MemoryStore):
    """A store whose writes wait to be let through."""

    def __init__(self) -> None:
        super().__init__()
        self.gate = asyncio.Event()
        self.reached = asyncio.Event()

    async def put(
        self, key: str, data: bytes, *, expected: Version | None | AnyVersion, durable: bool = True
    ) -> Version:
        self.reached.set()
        await self.gate.wait()
        return await super().put(key, data, expected=expected, durable=durable)

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
        journal.note(AppliedValues(TOPICS))
        store.gate.set()
        await journal.close()
        recorded = await StateStore(store, now=utc_now).load(SHOP)
        assert (len(recorded.open), recorded.applied) == (1, TOPICS)

    asyncio.run(body())
