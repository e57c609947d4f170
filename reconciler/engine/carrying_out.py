"""Carrying out plans, many sites at once: each under its lease, which is taken just before the first write."""

from __future__ import annotations

import asyncio
import pickle
from collections.abc import Iterator, Sequence
from typing import Any

from msgspec import Struct

from reconciler.config.sites import SiteEntry
from reconciler.engine.applying import Run, leased, options_of, ports_of
from reconciler.engine.fleet import Turn, over_sites
from reconciler.engine.recorder import EventRecorder
from reconciler.engine.results import (
    ApplyCompleted,
    Notice,
    Phase,
    PhaseStarted,
    PlanCompleted,
    SiteApplied,
    SiteFailed,
    SitePlanned,
)
from reconciler.engine.run_ledger import ledger_values
from reconciler.engine.spool import Spool
from reconciler.executor.executor import apply_plan
from reconciler.executor.going_out import still_going_out, unstopped
from reconciler.executor.ledger import Entry, Result, SiteLedger, Tally, tally_of
from reconciler.executor.ports import Clock
from reconciler.model.address import SiteName
from reconciler.model.codec import to_json
from reconciler.model.diagnostics import Diagnostic, Place, Severity, problem_values
from reconciler.model.sites import RecordedSite
from reconciler.planner.actions import Plan
from reconciler.planner.targets import Named
from reconciler.state.errors import StateError
from reconciler.state.ledger import RunLedgers

AGAIN = "run apply again, it looks what was done"
OVERTAKEN = "another run worked on this site after the plan was made; run apply again"


class Prepared(Struct, frozen=True):
    """A site with something to do: its plan, its file, and its record.

    The file is None if a saved plan's is gone; the record is the one that the plan was made from or checked against.
    """

    planned: SitePlanned
    entry: SiteEntry | None
    recorded: RecordedSite

    @property
    def plan(self) -> Plan:
        """What is to be done on the site."""
        return self.planned.plan


class PreparedSites:
    """The sites that are ready, in their order.

    They are kept on disk, because nobody knows how many there are or how long somebody thinks about them.
    """

    def __init__(self) -> None:
        self._spool = Spool()
        self._entries: list[SiteEntry | None] = []
        self.names: list[SiteName] = []

    def add(self, prepared: Prepared) -> None:
        """One site more."""
        self._spool.append(pickle.dumps((prepared.planned, prepared.recorded), pickle.HIGHEST_PROTOCOL))
        self._entries.append(prepared.entry)
        self.names.append(prepared.plan.site.name)

    def __len__(self) -> int:
        return len(self.names)

    def __getitem__(self, number: int) -> Prepared:
        # These bytes were pickled by this very process, into a file that nobody else can open.
        planned, recorded = pickle.loads(self._spool[number])  # noqa: S301 - see above
        return Prepared(planned, self._entries[number], recorded)

    def __iter__(self) -> Iterator[Prepared]:
        return map(self.__getitem__, range(len(self)))


async def carry_out(
    run: Run, completed: PlanCompleted, ready: PreparedSites, unplanned: Sequence[SiteFailed], *, allow_publish: bool
) -> ApplyCompleted:
    """Applies what is ready, all sites at once, and keeps the ledger whatever happens.

    `unplanned` are the sites that could not be planned: they were told, and are in the ledger too.
    """
    if not ready:
        return ApplyCompleted(completed)
    order = [*ready.names, *(failed.name for failed in unplanned)]
    waiting = {name: number for number, name in enumerate(ready.names)}
    recorders: dict[SiteName, EventRecorder] = {}
    totals = ApplyTotals(completed, len(ready))
    for site in unplanned:
        totals.enter(site)
    run.emit(PhaseStarted(Phase.APPLYING, len(ready)))

    async def work(prepared: Prepared, turn: Turn) -> SiteApplied:
        name = prepared.plan.site.name
        recorder = recorders[name] = EventRecorder(prepared.plan, run.progress_of(name))
        ledger = await _apply(run, prepared, turn, recorder, allow_publish=allow_publish)
        return SiteApplied(ledger, prepared.planned.labels, turn.seconds)

    def failed(result: SiteFailed) -> SiteApplied | SiteFailed:
        recorder = recorders[result.name]
        if result.refused or not recorder.saw_something:
            return result
        why = f"the run ended before it was known what became of this; {AGAIN}"
        return SiteApplied(recorder.ledger(why, error=result.problem), result.labels, result.seconds)

    results = over_sites(
        ready,
        work,
        named=lambda prepared: Named(prepared.plan.site.name, prepared.planned.labels),
        at_once=run.session.parallelism,
        emit=run.emit,
        failed=failed,
        ordered=False,
        debug=run.session.debug,
    )
    try:
        async for result in results:
            del waiting[result.name]
            recorders.pop(result.name)
            totals.add(result)
            run.emit(result)
    except asyncio.CancelledError:
        # The second signal: the ledger is written all the same.
        if (current := asyncio.current_task()) is not None:
            current.uncancel()
        for name, number in waiting.items():
            prepared = ready[number]
            recorder = recorders.get(name) or EventRecorder(prepared.plan, lambda _: None)
            result = SiteApplied(recorder.ledger(f"the run was cut short; {AGAIN}"), prepared.planned.labels)
            totals.add(result)
            run.emit(result)
    done = totals.completed(interrupted=run.terms.stop())
    await _remember(run, done, totals.in_order(order))
    return done


async def _apply(
    run: Run, prepared: Prepared, turn: Turn, recorder: EventRecorder, *, allow_publish: bool
) -> SiteLedger:
    """One site, under its lease. Raises Locked or StateError before anything was begun."""
    site, plan = prepared.plan.site, prepared.plan
    if run.terms.stop():
        return recorder.ledger(AGAIN)
    # A site that only waits for a generation leaves its place to another.
    sleep = run.session.clock.sleep
    clock = Clock(run.session.clock.now, lambda seconds: turn.aside(sleep(seconds)))
    async with leased(run, site) as held:
        if held.journal.recorded != prepared.recorded:
            return overtaken(plan)
        ports = ports_of(run, held, prepared.entry.load() if prepared.entry else None, clock)
        options = options_of(run, site.name, plan, allow_publish=allow_publish)
        return await apply_plan(plan, ports, options, recorder.record)


def overtaken(plan: Plan) -> SiteLedger:
    """The ledger of a site whose record is no longer what its plan was made from: nothing of it is done."""
    entries = tuple(Entry(action.address, action.operation, Result.SKIPPED, OVERTAKEN) for action in plan.actions)
    going_out = still_going_out(plan, unstopped(plan, entries))
    return SiteLedger(plan.site, entries, still_going_out=going_out, time_zone=plan.time_zone)


class ApplyTotals:
    """What is kept of all sites: numbers, and the ledger as the state keeps it."""

    def __init__(self, plan: PlanCompleted, sites: int) -> None:
        self._plan = plan
        self._sites = sites
        self._failed = 0
        self._refused = 0
        self._tally = Tally()
        self._results: set[Result] = set()
        self._ledgers: dict[SiteName, bytes] = {}

    def add(self, result: SiteApplied | SiteFailed) -> None:
        """One site more."""
        if isinstance(result, SiteFailed):
            self._failed += not result.refused
            self._refused += result.refused
            self.enter(result)
            return
        self._failed += bool(result.ledger.error)
        self._tally += tally_of((result.ledger,))
        self._results |= {entry.result for entry in result.ledger.entries}
        self._ledgers[result.name] = to_json(ledger_values(result.ledger))

    def enter(self, failed: SiteFailed) -> None:
        """A site of which nothing was done, in the ledger alone."""
        ledger = {"site": failed.name, "entries": [], "notes": [], "error": problem_values(failed.problem)}
        self._ledgers[failed.name] = to_json({**ledger, "interrupted": False})

    def in_order(self, names: list[SiteName]) -> list[bytes]:
        """The ledgers in the order of the sites, as JSON."""
        return [self._ledgers[name] for name in names if name in self._ledgers]

    def completed(self, *, interrupted: bool) -> ApplyCompleted:
        """All sites are in."""
        return ApplyCompleted(
            self._plan,
            self._tally,
            self._sites,
            self._failed,
            self._refused,
            frozenset(self._results),
            interrupted,
        )


async def _remember(run: Run, done: ApplyCompleted, ledgers: list[bytes]) -> None:
    ledger: dict[str, Any] = {"command": "apply", "interrupted": done.interrupted}
    if run.terms.exit_code is not None:
        ledger["exitCode"] = run.terms.exit_code(done)
    try:
        text = to_json(ledger)[:-1] + b',"sites":[' + b",".join(ledgers) + b"]}"
        run_name = run.session.leases.holder.run
        await RunLedgers(run.session.store.store).write(run.session.clock.now(), text, run_name)
    except StateError as error:
        what = f"the ledger of this run could not be kept: {error.what}"
        run.emit(Notice(Diagnostic("ledger-not-kept", what, error.fix, Severity.WARNING, Place(error.place))))
