"""Applying in parts on workers: the run's side, which hands out the parts and collects the results of their sites.

The result of a site is in the state before its lease is released, and is reported from there: while its part continues,
after it has ended, and if its worker was lost. A site without a result when everything is over is *unknown*.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator, Sequence
from typing import Final

from msgspec.structs import replace

from reconciler.config.approval_files import approvals_now
from reconciler.config.packed_sites import KeptSite
from reconciler.config.project import ProjectConfig
from reconciler.config.sites import SiteEntry
from reconciler.engine.apply_run import ApplyRun, approvers_of, is_public
from reconciler.engine.fleet import READ_AT_ONCE, Turn, in_turn, over_sites
from reconciler.engine.parts import (
    REPORT_EVERY,
    Applying,
    Kept,
    PartResult,
    Ready,
    Reported,
    SoFar,
    from_bytes,
)
from reconciler.engine.plan import untouched
from reconciler.engine.prepared import PreparedSites
from reconciler.engine.problems import WorkerFailed, diagnostic_of
from reconciler.engine.results import Emit, Notice
from reconciler.engine.run_ledger import AGAIN, CUT_SHORT, ledger_of
from reconciler.engine.site_results import SiteApplied, SiteFailed
from reconciler.engine.workers import ATTEMPTS, Workers
from reconciler.executor.ledger import ActionResult
from reconciler.model.address import Labels, SiteName
from reconciler.model.approvals import Approvals
from reconciler.model.diagnostics import Diagnostic, InvalidFiles, Severity, UsageError
from reconciler.model.outcomes import Trouble
from reconciler.planner.tally import Spare
from reconciler.planner.targets import SiteLabels
from reconciler.state.errors import StateError
from reconciler.state.part_results import PartResults, Stop, name_of_run

EVERY: Final = 0.5
"""Seconds between two checks for sites that have ended."""

LISTED: Final = 1000
"""How many results an object store lists in one answer."""

ALIVE_EVERY: Final = 10.0
"""Seconds between two signs to the workers that their run is alive; after six times as long without one, they stop."""

GRACE_SECONDS: Final = 10.0
"""Seconds that workers have to end by themselves before they are stopped."""

LOST: Final = Diagnostic(Trouble.WORKER_LOST, f"its workers were lost {ATTEMPTS} times", AGAIN)


async def results_of_parts(
    run: ApplyRun, workers: Workers, ready: PreparedSites, spare: Spare, *, allow_publish: bool
) -> AsyncIterator[SiteApplied | SiteFailed]:
    """What was done at each site, in the order in which sites end; includes all sites, even if this is cancelled."""
    name = name_of_run(run.session.clock.now(), run.session.leases.holder.run)
    results = PartResults(run.session.store.store, name)
    shares = list(_parts(len(ready), workers.count))
    job = Applying(run.context, run.terms.lock_timeout, allow_publish, name, 0, spare.shared_by(len(shares)))
    gathered = _Gathered(results, ready, run.emit)
    await gathered.ask(Stop.NO)
    parts = [
        asyncio.ensure_future(_part(run, workers, replace(job, part=number), ready, sites))
        for number, sites in enumerate(shares)
    ]
    why = LOST
    try:
        try:
            async for result in _while_they_work(run, parts, gathered):
                yield result
        except asyncio.CancelledError:
            # The second signal: the ledger is written all the same.
            if (current := asyncio.current_task()) is not None:
                current.uncancel()
            why = CUT_SHORT
            await gathered.ask(Stop.NOW)
            await asyncio.wait(parts, timeout=GRACE_SECONDS)
            async for result in gathered.more():
                yield result
    finally:
        for part in parts:
            part.cancel()
        ended = await asyncio.gather(*parts, return_exceptions=True)
    failures = [diagnostic_of(found) for found in ended if isinstance(found, Exception)]
    async for result in gathered.rest(failures[0] if failures else None, why):
        yield result
    try:
        await results.clear(run.session.clock.now())
    except StateError as error:
        what = f"what the workers left in the state could not be removed: {error.message}"
        run.emit(Notice(Diagnostic("parts-not-removed", what, error.fix, Severity.NOTE, error.place)))


async def _while_they_work(
    run: ApplyRun, parts: Sequence[asyncio.Future[PartResult | None]], gathered: _Gathered
) -> AsyncIterator[SiteApplied | SiteFailed]:
    monotonic = run.session.clock.monotonic
    asked, asked_at = Stop.NO, monotonic()
    heard_at = looked_at = asked_at
    while True:
        _, working = await asyncio.wait(parts, timeout=EVERY)
        stop = Stop.SOON if run.terms.stop() else Stop.NO
        if stop is not asked or monotonic() - asked_at >= ALIVE_EVERY:
            asked, asked_at = stop, monotonic()
            await gathered.ask(stop)
        if not working or monotonic() - looked_at >= gathered.pause:
            looked_at = monotonic()
            async for result in gathered.more():
                yield result
        if not working:
            return
        if monotonic() - heard_at >= REPORT_EVERY:
            heard_at = monotonic()
            await gathered.listen(len(parts))


async def _part(
    run: ApplyRun, workers: Workers, job: Applying, ready: PreparedSites, numbers: Sequence[int]
) -> PartResult | None:
    project = run.session.project
    unchecked = not workers.files and job.allow_publish  # such a worker cannot look up what is approved or paused

    def entry(number: int) -> SiteEntry:
        entry = ready.entries[number]
        return _as_of_now(project, entry) if unchecked and is_public(ready.plan(number)) else entry

    def at(number: int) -> Ready:
        prepared = ready[number]
        if not (unchecked and is_public(prepared.plan)):
            return Ready(prepared.planned, prepared.recorded)
        forbidden = run.files.forbid(project, prepared.entry)
        return Ready(prepared.planned, prepared.recorded, approvers_of(project, prepared.entry), forbidden)

    return await workers.run(job, [entry(number) for number in numbers], map(at, numbers))


def _as_of_now(project: ProjectConfig, entry: SiteEntry) -> SiteEntry:
    """A site with what is approved now: a worker without files cannot check. An unreadable file approves nothing."""
    try:
        approvals = approvals_now(project, entry.name)
    except (InvalidFiles, UsageError):
        approvals = Approvals()
    return replace(entry, kept=KeptSite(entry.kept.details, replace(entry.load(), approvals=approvals)))


def _parts(sites: int, count: int) -> Iterator[range]:
    """As many parts as workers, to which the sites are dealt out in turn."""
    return (range(first, sites, count) for first in range(min(count, sites)))


class _Gathered:
    """What is known about the sites, each reported once."""

    def __init__(self, results: PartResults, ready: PreparedSites, emit: Emit) -> None:
        self._results = results
        self._ready = ready
        self._emit = emit
        self._waiting = {ready.id(number).lower(): number for number in range(len(ready))}
        self._reported: dict[SiteName, list[Reported]] = {name: [] for name in ready.names}
        """What has been reported about the sites that are still awaited."""

    async def ask(self, stop: Stop) -> None:
        """Asks the workers to continue or to stop. If the state cannot be written, they stop by themselves."""
        try:
            await self._results.ask(stop)
        except StateError:
            pass

    @property
    def pause(self) -> float:
        """Seconds for which results are not listed again: the more there are, the more requests that takes."""
        return EVERY * ((len(self._ready) - len(self._waiting)) // LISTED)

    async def more(self) -> AsyncIterator[SiteApplied | SiteFailed]:
        """The sites that have ended since the last call.

        A state that cannot be read now may be readable the next time.
        """
        try:
            found = [id for id in await self._results.ids() if id.lower() in self._waiting]
        except StateError:
            return
        async for id, data in in_turn(found, self._kept, at_once=READ_AT_ONCE):
            if data is not None:
                kept = from_bytes(Kept, data)
                self._report(kept.outcome.name, kept.reported)
                del self._waiting[id.lower()], self._reported[kept.outcome.name]
                yield kept.outcome

    async def _kept(self, id: str) -> tuple[str, bytes | None]:
        try:
            return id, await self._results.get(id)
        except StateError:
            return id, None

    async def listen(self, parts: int) -> None:
        """Reports what the workers say about sites in progress, which their results repeat."""
        for part in range(parts):
            try:
                data = await self._results.so_far(part)
            except StateError:
                return  # its results will report it
            by_site: dict[SiteName, list[Reported]] = {}
            for report in from_bytes(SoFar, data).reported if data is not None else ():
                by_site.setdefault(report.name, []).append(report)
            for name, found in by_site.items():
                if name in self._reported:  # otherwise its result has been reported meanwhile
                    self._report(name, found)

    def _report(self, name: SiteName, found: Sequence[Reported]) -> None:
        """Reports what was not yet reported about a site. What another attempt says is reported in full."""
        before = self._reported[name]
        of_site: list[Reported] = [report for report in found if not isinstance(report, Notice)]
        left = len(before) if of_site[: len(before)] == before else 0
        for report in found:
            if left and not isinstance(report, Notice):
                left -= 1
                continue
            self._emit(report)
        self._reported[name] = of_site

    def rest(self, problem: Diagnostic | None, why: Diagnostic) -> AsyncIterator[SiteApplied | SiteFailed]:
        """The sites without a result: failed with `problem` if a worker failed as a whole, otherwise unknown.

        A worker that failed as a whole began none of its sites.
        """
        ready, numbers = self._ready, {self._ready.names[number]: number for number in self._waiting.values()}

        async def work(name: SiteName, _turn: Turn) -> SiteApplied:
            if problem is not None:
                raise WorkerFailed(problem)
            plan = ready.plan(numbers[name])
            return SiteApplied(ledger_of(plan, ActionResult.UNKNOWN, why, interrupted=why == CUT_SHORT), labels(name))

        def labels(name: SiteName) -> Labels:
            return ready.labels[numbers[name]]

        return over_sites(
            numbers,
            work,
            named=lambda name: SiteLabels(name, labels(name)),
            at_once=READ_AT_ONCE,
            failed=lambda result: untouched(result, ready.plan(numbers[result.name])),
        )
