"""When an apply locks a site, what it does if another run was there, and that it always ends in a ledger."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import timedelta

import pytest
from msgspec.structs import replace

from reconciler.api.client import FullClient
from reconciler.config.sites import SiteEntry, open_project
from reconciler.engine.apply import apply_live, apply_saved
from reconciler.engine.apply_run import ApplyRun, ApplyTerms, Decision, Proposal
from reconciler.engine.choice import SiteFilter
from reconciler.engine.plan import plans
from reconciler.engine.results import ApplyCompleted, Event, Notice, PlanCompleted, Refused
from reconciler.engine.run_context import RunContext
from reconciler.engine.saved import files_of
from reconciler.engine.selection import Selection, select
from reconciler.engine.session import Session
from reconciler.engine.site_results import Progressed, SiteApplied, SiteFailed, SitePlanned
from reconciler.executor.events import WaitingForLock
from reconciler.executor.ledger import ActionResult
from reconciler.machine import CLOCK
from reconciler.model.address import SiteName
from reconciler.model.sites import SiteRef
from reconciler.planner.document import SavedPlan
from reconciler.state.errors import StateError
from reconciler.state.holder import this_process
from reconciler.state.lease import Leases
from reconciler.state.memory import MemoryStore
from reconciler.state.sites import StateStore
from reconciler.state.store import Any, Log, Store, Stored, Version
from reconciler.wiring import open_session
from tests.cli.projects import Project
from tests.told import told

Opened = tuple[Session[FullClient], Selection]


@asynccontextmanager
async def opened(folder: Project) -> AsyncIterator[Opened]:
    files, index = open_project((folder.root,))
    async with open_session(files, FullClient, environ={}) as session:
        yield session, select(files, index, SiteFilter())


async def yes(_proposal: Proposal) -> Decision:
    return Decision(apply=True)


async def applied(
    session: Session[FullClient],
    selection: Selection,
    decide: Callable[[Proposal], Awaitable[Decision]] = yes,
    *,
    emit: Callable[[Event], object] = lambda _: None,
    lock_timeout: timedelta = timedelta(0),
    stop: Callable[[], bool] = lambda: False,
) -> tuple[ApplyCompleted | Refused, list[Event]]:
    events: list[Event] = []

    def hear(event: Event) -> None:
        events.append(event)
        emit(event)

    terms = ApplyTerms(decide, lock_timeout, stop)
    outcome = await apply_live(ApplyRun(session, RunContext(), terms, hear), selection)
    assert events[-1] == outcome
    return outcome, events


def another_run(session: Session[FullClient]) -> Leases:
    """The leases as another process of another machine sees them."""
    holder = replace(this_process({}), token="another", machine="elsewhere")
    return Leases(session.store.store, holder, CLOCK)


def writes(folder: Project) -> int:
    return sum(bool(request["wrote"]) for request in folder.requests())


def ref_of(entry: SiteEntry) -> SiteRef:
    return SiteRef(entry.name, entry.id)


def test_nothing_is_locked_while_somebody_thinks(folder: Project) -> None:
    async def main() -> None:
        async with opened(folder) as (session, selection):
            refs = [SiteRef(entry.name, entry.id) for entry in selection.entries]

            async def looks(proposal: Proposal) -> Decision:
                assert proposal.sites == 3
                holds = [await session.leases.inspect(ref) for ref in refs]
                assert holds == [None, None, None]
                return Decision(apply=True)

            held: list[bool] = []

            def hear(event: Event) -> None:
                if isinstance(event, SiteApplied):
                    held.append(True)

            outcome, _ = await applied(session, selection, looks, emit=hear)
            assert isinstance(outcome, ApplyCompleted)
            assert (outcome.tally.generated, len(held)) == (3, 3)
            assert [await session.leases.inspect(ref) for ref in refs] == [None, None, None]

    asyncio.run(main())


def test_a_saved_plan_whose_time_is_up_while_somebody_thinks_is_refused(folder: Project) -> None:
    async def main() -> None:
        async with opened(folder) as (session, selection):
            made = [found async for found in plans(session, selection, RunContext())]
            ready = tuple(found.plan for found in made if isinstance(found, SitePlanned))
            saved, before = SavedPlan("one", "1.0", "sandbox", session.clock.now(), ready), writes(folder)
            passed = [timedelta(0)]
            now = session.clock.now
            late = replace(session, clock=replace(session.clock, now=lambda: now() + passed[0]))

            async def next_day(_proposal: Proposal) -> Decision:
                passed[0] = saved.valid_for
                return Decision(apply=True)

            run = ApplyRun(late, RunContext(), ApplyTerms(next_day), lambda _: None)
            outcome = await apply_saved(run, saved, files_of(session.project))
            assert isinstance(outcome, Refused)
            assert outcome.reason.code == "plan-expired"
            assert writes(folder) == before

    asyncio.run(main())


def test_a_site_that_another_run_worked_on_meanwhile_is_skipped(folder: Project) -> None:
    """Two runs plan the same; one of them is carried out while somebody thinks about the other's question."""

    async def main() -> None:
        async with opened(folder) as (session, selection):

            async def overtaken(_proposal: Proposal) -> Decision:
                first, _ = await applied(session, replace(selection, entries=selection.entries[:2]))
                assert isinstance(first, ApplyCompleted)
                assert first.tally.generated == 2
                return Decision(apply=True)

            outcome, events = await applied(session, selection, overtaken)
            assert isinstance(outcome, ApplyCompleted)
            assert (outcome.tally.skipped, outcome.tally.generated) == (4, 1)
            assert outcome.results == {ActionResult.SKIPPED, ActionResult.DONE}
            ledgers = {event.name: event.ledger for event in events if isinstance(event, SiteApplied)}
            assert {told(entry) for entry in ledgers[selection.entries[0].name].entries} == {
                "another run worked on this site after the plan was made; run apply again"
            }

    asyncio.run(main())
    generated = [request for request in folder.requests() if request["path"].endswith("generate-marketing-plan")]
    assert len(generated) == 3, "once a site"


def test_a_site_that_is_held_is_refused_when_it_is_planned_and_the_others_continue(folder: Project) -> None:
    async def main() -> None:
        async with opened(folder) as (session, selection):
            held = selection.entries[1]
            async with await another_run(session).acquire(ref_of(held)):
                outcome, events = await applied(session, selection)
            assert isinstance(outcome, ApplyCompleted)
            assert (outcome.plan.refused, outcome.tally.generated) == (1, 2)
            (failed,) = (event for event in events if isinstance(event, SiteFailed))
            assert (failed.name, failed.refused, failed.problem.code) == (held.name, True, "locked")
            planned = [type(event) for event in events if isinstance(event, SitePlanned | SiteFailed | PlanCompleted)]
            assert planned == [SitePlanned, SiteFailed, SitePlanned, PlanCompleted], "before the yes"

    asyncio.run(main())


def test_a_site_that_is_locked_after_approval_is_refused_and_the_others_continue(folder: Project) -> None:
    async def main() -> None:
        async with opened(folder) as (session, selection):
            held = selection.entries[2]
            lease = None

            async def taken(_proposal: Proposal) -> Decision:
                nonlocal lease
                lease = await another_run(session).acquire(ref_of(held))
                return Decision(apply=True)

            outcome, events = await applied(session, selection, taken)
            assert lease is not None
            await lease.release()
            assert isinstance(outcome, ApplyCompleted)
            assert (outcome.plan.refused, outcome.refused, outcome.tally.generated) == (0, 1, 2)
            (failed,) = (event for event in events if isinstance(event, SiteFailed))
            assert (failed.name, failed.refused) == (held.name, True)

    asyncio.run(main())


def test_a_lock_is_waited_for_as_long_as_was_asked_for(folder: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("reconciler.state.lease.RETRY", timedelta(seconds=0.05))

    async def main() -> None:
        async with opened(folder) as (session, selection):
            one = replace(selection, entries=selection.entries[:1])
            lease = await another_run(session).acquire(ref_of(one.entries[0]))

            async def give_back() -> None:
                await asyncio.sleep(0.05)
                await lease.release()

            release = asyncio.ensure_future(give_back())
            outcome, events = await applied(session, one, lock_timeout=timedelta(minutes=1))
            await release
            happened = [event.event for event in events if isinstance(event, Progressed)]
            (wait,) = [event for event in happened if isinstance(event, WaitingForLock)]
            assert (wait.site, wait.lock.holder.token) == (ref_of(one.entries[0]), "another")
            assert isinstance(outcome, ApplyCompleted)
            assert outcome.tally.generated == 1

    asyncio.run(main())


def test_a_run_that_is_stopped_after_approval_starts_nothing(folder: Project) -> None:
    stopped = False

    async def main() -> None:
        nonlocal stopped
        async with opened(folder) as (session, selection):

            async def stops(_proposal: Proposal) -> Decision:
                nonlocal stopped
                stopped = True
                return Decision(apply=True)

            outcome, events = await applied(session, selection, stops, stop=lambda: stopped)
            assert isinstance(outcome, ApplyCompleted)
            assert outcome.interrupted
            assert outcome.results == {ActionResult.NOT_STARTED}
            assert sum(isinstance(event, SiteApplied) for event in events) == 3

    asyncio.run(main())
    assert writes(folder) == 0


def test_cut_short_it_ends_in_a_ledger_of_every_site(folder: Project) -> None:
    """The run is cancelled while a generation is waited for, as by a second Ctrl-C."""
    folder.write({"sandbox.yaml": "clock: 2026-11-02T09:00:00Z\nlatency: {generate: 300s}\n"})

    async def main() -> None:
        async with opened(folder) as (session, selection):
            session = replace(session, parallelism=1)
            task: asyncio.Task[tuple[ApplyCompleted | Refused, list[Event]]] | None = None

            def hear(event: Event) -> None:
                if type(event).__name__ == "Progressed" and "StillWaiting" in repr(event):
                    assert task is not None
                    task.cancel()

            task = asyncio.ensure_future(applied(session, selection, emit=hear, stop=lambda: False))
            outcome, events = await task
            assert isinstance(outcome, ApplyCompleted)
            ledgers = {event.name: event.ledger for event in events if isinstance(event, SiteApplied)}
            assert set(ledgers) == {entry.name for entry in selection.entries}
            assert ActionResult.PENDING in outcome.results  # its request was accepted

    asyncio.run(main())


class Broken(Store):
    """A store that refuses what `refuses` says, once it is set."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self.refuses: Callable[[str, bytes], bool] = lambda _key, _data: False

    async def get(self, key: str) -> Stored | None:
        return await self._store.get(key)

    async def put(self, key: str, data: bytes, *, expected: Version | None | Any, durable: bool = True) -> Version:
        self._check(key, data)
        return await self._store.put(key, data, expected=expected, durable=durable)

    async def append(self, key: str, data: bytes, *, at: int) -> int:
        self._check(key, data)
        return await self._store.append(key, data, at=at)

    async def read_log(self, key: str) -> Log:
        return await self._store.read_log(key)

    async def delete_log(self, key: str) -> None:
        await self._store.delete_log(key)

    def _check(self, key: str, data: bytes) -> None:
        if self.refuses(key, data):
            raise StateError(self.place(key), "cannot be written: the disk is gone", "make room")

    async def delete(self, key: str) -> None:
        await self._store.delete(key)

    def keys(self, prefix: str) -> AsyncIterator[str]:
        return self._store.keys(prefix)

    def place(self, key: str) -> str:
        return self._store.place(key)


def over(store: Store, session: Session[FullClient]) -> Session[FullClient]:
    """The session with its state in another store."""
    leases = Leases(store, this_process({}), CLOCK)
    return replace(session, store=StateStore(store, now=session.clock.now), leases=leases)


@pytest.mark.parametrize(
    ("refuses", "code"),
    [
        (lambda key, data: key.startswith("locks/") and b'"released": true' in data, "lock-not-given-back"),
        (lambda key, _data: key.startswith("runs/"), "ledger-not-kept"),
    ],
)
def test_a_failed_clean_up_is_reported_and_the_ledger_is_kept(
    refuses: Callable[[str, bytes], bool], code: str, folder: Project
) -> None:
    async def main() -> None:
        async with opened(folder) as (session, selection):
            store = Broken(session.store.store)
            session = over(store, session)
            store.refuses = refuses
            outcome, events = await applied(session, selection)
            assert isinstance(outcome, ApplyCompleted)
            assert outcome.tally.generated == 3
            found = [event.problem for event in events if isinstance(event, Notice) and event.problem.code == code]
            assert found
            if code == "lock-not-given-back":
                assert {problem.message for problem in found} == {
                    "its lock could not be released: the state cannot be written: the disk is gone"
                }, "the same for every site, which the address names"

    asyncio.run(main())


def test_a_state_that_cannot_be_written_is_reported_once_before_the_first_write(folder: Project) -> None:
    async def main() -> None:
        async with opened(folder) as (session, selection):
            store = Broken(session.store.store)
            session = over(store, session)
            store.refuses = lambda _key, _data: True
            outcome, events = await applied(session, selection)
            assert isinstance(outcome, Refused)
            assert (outcome.failed, outcome.unwritable, outcome.more) == (0, True, 0)
            assert outcome.reason.message == "the state cannot be written: the disk is gone"
            assert str(outcome.reason.place) == store.place("x").removesuffix("/x")
            assert not any(isinstance(event, SiteApplied) for event in events)

    asyncio.run(main())
    assert writes(folder) == 0


def test_earlier_calls_are_resolved_for_a_state_that_cannot_be_written_and_nothing_is_asked(folder: Project) -> None:
    """The earlier run was cancelled while a generation was under way."""
    folder.write({"sandbox.yaml": "clock: 2026-11-02T09:00:00Z\nlatency: {generate: 300s}\n"})

    async def never(_proposal: Proposal) -> Decision:
        raise AssertionError("nothing can be carried out, so there is nothing to ask")

    async def main() -> None:
        async with opened(folder) as (session, selection):
            entry = selection.entries[0]
            selection = replace(selection, entries=(entry,))
            task: asyncio.Task[tuple[ApplyCompleted | Refused, list[Event]]] | None = None

            def hear(event: Event) -> None:
                if type(event).__name__ == "Progressed" and "StillWaiting" in repr(event):
                    assert task is not None
                    task.cancel()

            task = asyncio.ensure_future(applied(session, selection, emit=hear))
            await task
            before = await session.store.load(ref_of(entry))
            assert before.open
            store = Broken(session.store.store)
            store.refuses = lambda _key, _data: True
            outcome, events = await applied(over(store, session), selection, never)
            assert isinstance(outcome, Refused)
            assert (outcome.failed, outcome.unwritable, outcome.more) == (0, True, 0)
            assert outcome.reason.message == "the state cannot be written: the disk is gone"
            assert [type(event) for event in events if isinstance(event, SitePlanned | SiteFailed)] == [SitePlanned]
            assert await session.store.load(ref_of(entry)) == before

    asyncio.run(main())


def test_a_first_run_that_cannot_be_recorded_on_one_site_fails_only_that_site(folder: Project) -> None:
    async def main() -> None:
        async with opened(folder) as (session, selection):
            await applied(session, selection)
            store = Broken(MemoryStore())
            session = over(store, session)
            entry = selection.entries[0]
            store.refuses = lambda key, _data: key.startswith("locks/") and entry.id in key
            outcome, events = await applied(session, selection)
            assert isinstance(outcome, ApplyCompleted)
            assert (outcome.plan.failed, outcome.plan.changes) == (1, 0)
            (broken,) = (event for event in events if isinstance(event, SiteFailed))
            assert broken.name == entry.name
            assert "the disk is gone" in broken.problem.message

    asyncio.run(main())


def test_a_state_that_fails_for_one_site_fails_only_that_site(folder: Project) -> None:
    async def main() -> None:
        async with opened(folder) as (session, selection):
            store = Broken(session.store.store)
            session = over(store, session)
            entry = selection.entries[0]
            store.refuses = lambda key, _data: key.startswith("records/") and (entry.name in key or entry.id in key)
            outcome, events = await applied(session, selection)
            assert isinstance(outcome, ApplyCompleted)
            assert (outcome.failed, outcome.tally.generated) == (1, 2)
            (broken,) = (event for event in events if isinstance(event, SiteApplied) and event.ledger.error)
            assert broken.name == entry.name
            assert broken.ledger.error is not None
            assert "the disk is gone" in broken.ledger.error.message

    asyncio.run(main())


def test_a_run_with_nothing_to_do_takes_no_lock_and_writes_nothing(folder: Project) -> None:
    """Only a first run, and a site with a new name, are worth a write."""

    def apply() -> Session[FullClient]:
        async def main() -> Session[FullClient]:
            async with opened(folder) as (session, selection):
                outcome, _ = await applied(session, selection)
                assert isinstance(outcome, ApplyCompleted)
                return session

        return asyncio.run(main())

    def kept() -> dict[str, bytes]:
        state = folder.root / ".reconciler"
        files = (path for name in ("records", "locks", "runs-alive", "journals") for path in (state / name).rglob("*"))
        return {str(path): path.read_bytes() for path in files if path.is_file()}

    for _ in range(2):
        apply()
    before = kept()
    session = apply()
    assert kept() == before
    assert all(asyncio.run(session.store.load(ref)).known for ref in refs_of(session))
    folder.edit("sites/a.yaml", "name: shop-a,", "name: boutique,")
    session = apply()
    assert "boutique" in [label.name for label in asyncio.run(session.store.labels())]
    renamed = kept()
    assert {path for path in renamed if renamed[path] != before.get(path)} == {
        str(folder.root / ".reconciler" / kind / f"{SHOP}.json") for kind in ("records", "locks")
    }


SHOP = "3f0c2a9e-8d0b-4b7c-9a55-000000000001"


def refs_of(session: Session[FullClient]) -> list[SiteRef]:
    return [SiteRef(label.name, label.id) for label in asyncio.run(session.store.labels())]


def test_a_first_run_with_nothing_to_do_makes_its_sites_known(folder: Project) -> None:
    for number, name in enumerate("abc", 1):
        id = f"{SHOP[:-1]}{number}"
        folder.write({f"sites/{name}.yaml": f"version: 1\nsite: {{name: shop-{name}, id: {id}}}\n"})

    async def main() -> None:
        async with opened(folder) as (session, selection):
            assert not (await session.store.load(SiteRef(SiteName("shop-a"), SHOP))).known
            outcome, _ = await applied(session, selection)
            assert isinstance(outcome, ApplyCompleted)
            assert not outcome.plan.changes
            assert len(await session.store.ids()) == 3
            assert (await session.store.load(SiteRef(SiteName("shop-a"), SHOP))).known

    asyncio.run(main())
