"""A worker's side of a run: one part of its sites or files, from the bytes of its task to the bytes of its answer.

It runs in a process that shares nothing with the run but the state store and the contents of the task. Credentials,
proxies and certificates come from its own environment.
"""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Final, TypeVar, assert_never

from reconciler.api.client import FullClient, ReadClient
from reconciler.config.project import InvalidProject
from reconciler.config.sites import SiteEntry, read_files
from reconciler.engine.apply import prepare
from reconciler.engine.apply_run import ApplyRun, ApplyTerms, Decision, Proposal
from reconciler.engine.apply_sites import ApplyTotals, apply_sites, remember_part
from reconciler.engine.check_plan import CheckedSite, check
from reconciler.engine.drift import audits
from reconciler.engine.parts import (
    REPORT_EVERY,
    Applying,
    Auditing,
    Checking,
    FilesTask,
    Kept,
    OtherVersion,
    PartResult,
    Planning,
    Preparing,
    Ready,
    Reported,
    SiteOutcome,
    SoFar,
    StaleSite,
    Task,
    entry_of,
    files_values,
    from_bytes,
    project_in,
    project_of,
    ready_in,
    task_of,
    to_bytes,
)
from reconciler.engine.plan import plans
from reconciler.engine.prepared import Prepared, PreparedSites
from reconciler.engine.problems import diagnostic_of
from reconciler.engine.results import Notice, PlanCompleted
from reconciler.engine.selection import Selection, credentials_in
from reconciler.engine.session import Session
from reconciler.engine.site_results import AuditedSite, Progressed, SiteApplied, SiteFailed, SitePlanned, SiteStarted
from reconciler.executor.allowance import Allowance
from reconciler.executor.ports import Approvers
from reconciler.machine import sleep
from reconciler.model.address import SiteName
from reconciler.model.diagnostics import Diagnostic
from reconciler.model.sites import SiteRef
from reconciler.state.errors import StateError
from reconciler.state.part_results import PartResults, Stop
from reconciler.version import __version__
from reconciler.wiring import naming_all_unset, open_session

ALONE: Final = threading.Event()
"""Set when the worker's run is gone: the worker begins nothing more."""


class Writing:
    """Whether a part that writes is in progress: it is not ended halfway. There may be one in each thread."""

    def __init__(self) -> None:
        self._parts = 0
        self._changed = threading.Condition()

    def __enter__(self) -> None:
        with self._changed:
            self._parts += 1

    def __exit__(self, *_: object) -> None:
        with self._changed:
            self._parts -= 1
            self._changed.notify_all()

    def wait(self) -> None:
        """Returns once no such part is in progress."""
        with self._changed:
            self._changed.wait_for(lambda: not self._parts)


WRITING: Final = Writing()

EVERY: Final = 0.5
"""Seconds between two checks of whether to stop."""

SILENCE: Final = 60.0
"""A run that gives no sign of life for this many seconds counts as gone."""

Client = TypeVar("Client", bound=ReadClient)


def run_part(data: bytes, gone: Callable[[], bool] = ALONE.is_set) -> bytes:
    """Works on a part. An error becomes the result's `problem`. `gone` returns true once nobody is waiting any more."""
    try:
        task = task_of(data)
    except OtherVersion:
        what = f"a worker runs version {__version__}, but this run uses a different one"
        return to_bytes(
            PartResult(problem=Diagnostic("other-version", what, "install the same version on all of them"))
        )
    try:
        if isinstance(task, FilesTask):
            return to_bytes(_files(task, os.environ))
        return to_bytes(_worked(task, data, os.environ, gone))
    except Exception as error:
        return to_bytes(PartResult(problem=diagnostic_of(error)))


def _files(task: FilesTask, environ: Mapping[str, str]) -> PartResult:
    try:
        found = read_files(project_in(task, environ), [Path(file) for file in task.files])
    except InvalidProject:
        return PartResult()  # as for any file with problems, which the run itself reports
    return PartResult(files=None if found is None else files_values(found))


def _worked(task: Task, data: bytes, environ: Mapping[str, str], gone: Callable[[], bool]) -> PartResult:
    match task.job:
        case Planning() | Auditing() as job:
            return asyncio.run(_read(task, job, environ))
        case Preparing() | Checking() as job:
            with WRITING:
                return asyncio.run(_prepare(task, job, environ, gone))
        case Applying() as job:
            with WRITING:
                return asyncio.run(_apply(task, job, ready_in(data), environ, gone))
        case _:
            assert_never(task.job)


# --- what only reads -------------------------------------------------------------------------------


async def _read(task: Task, job: Planning | Auditing, environ: Mapping[str, str]) -> PartResult:
    reported = _Reports()
    async with _session(task, ReadClient, environ) as (session, entries):
        selection = Selection(session.project, entries, job.context.targets, len(entries))
        results: AsyncIterator[SitePlanned | AuditedSite | SiteFailed]
        if isinstance(job, Planning):
            results = plans(session, selection, job.context, reported.hear)
        else:
            results = audits(session, selection, job.context, reported.hear)
        outcomes = [_outcome(result) async for result in results]
    return PartResult(reported.taken(), tuple(outcomes), clock_ahead=session.client.clock_ahead)


def _outcome(result: SitePlanned | AuditedSite | Prepared | CheckedSite | SiteFailed) -> SiteOutcome:
    match result:
        case CheckedSite(site=SitePlanned() as planned, stale=stale) if stale:
            return StaleSite(planned, stale)
        case CheckedSite(site=site):
            return _outcome(site)
        case Prepared(planned=planned, recorded=recorded):
            return Ready(planned, recorded)
        case SitePlanned() | AuditedSite() | SiteFailed():
            return result
        case _:
            assert_never(result)


# --- the two passes of an apply --------------------------------------------------------------------


async def _prepare(
    task: Task, job: Preparing | Checking, environ: Mapping[str, str], gone: Callable[[], bool]
) -> PartResult:
    reported = _Reports()
    async with _session(task, FullClient, environ) as (session, entries):
        run = ApplyRun(session, job.context, ApplyTerms(_never, job.lock_timeout), reported.hear)
        results: AsyncIterator[SitePlanned | Prepared | CheckedSite | SiteFailed]
        if isinstance(job, Preparing):
            results = prepare(run, entries)
        else:
            files = {entry.name: entry for entry in entries}
            results = check(run, job.plans, files, moved=job.moved, again=job.again)
        async with _Watch(gone).over():
            outcomes = [_outcome(result) async for result in results]
    return PartResult(reported.taken(), tuple(outcomes), clock_ahead=session.client.clock_ahead)


async def _apply(
    task: Task, job: Applying, sites: Iterable[Ready], environ: Mapping[str, str], gone: Callable[[], bool]
) -> PartResult:
    async with _session(task, FullClient, environ) as (session, entries):
        results = PartResults(session.store.store, job.run)
        again, attempt = not await results.begin(job.part), _WorkerAttempt(results, task, job.part)
        ready, totals = PreparedSites(), ApplyTotals(PlanCompleted(len(task.sites)), len(task.sites))
        for entry, site in zip(entries, sites, strict=True):
            attempt.add(entry.name, site)
            if again and (data := await results.get(entry.id)):
                totals.add(from_bytes(Kept, data).outcome)
            else:
                ready.add(Prepared(site.planned, entry, site.recorded))
        watch = _Watch(gone, results)
        async with watch.over(), attempt.reporting():
            terms = ApplyTerms(_never, job.lock_timeout, stop=watch.stop)
            # An earlier attempt may have used up the share of the part.
            allowance = Allowance(job.spare.used_up if again else job.spare)
            run = ApplyRun(session, job.context, terms, attempt.heard.hear, attempt, allowance=allowance)
            async for result in apply_sites(run, ready, allow_publish=job.allow_publish):
                totals.add(result)
                try:
                    await attempt.keep(result)
                except StateError:
                    pass  # to the run, a site that it hears nothing about is unknown; the others continue
        names = [entry.name for entry in entries]
        try:
            # If the run was killed, only this worker can write the ledger. A run that ended has written its own.
            if watch.alone or await results.is_awaited():
                await remember_part(run, job.run, job.part, lambda: totals.in_order(names), interrupted=watch.alone)
        except StateError:
            pass  # if the run is there, it writes a ledger of its own, or says that it can't
        if watch.alone:
            await results.clear(session.clock.now())
    return PartResult(attempt.heard.taken())


class _Reports:
    """What is reported about the sites of a part, until it is sent."""

    def __init__(self) -> None:
        self._reported: list[Reported] = []

    def hear(self, event: object) -> None:
        """Takes an event; ignores what the run itself reports."""
        if isinstance(event, Reported):
            self._reported.append(event)

    def so_far(self) -> tuple[SiteStarted | Progressed, ...]:
        """What was reported about sites and has not been taken yet. Removes nothing."""
        return tuple(report for report in self._reported if not isinstance(report, Notice))

    def taken(self, site: SiteName | None = None) -> tuple[Reported, ...]:
        """Removes and returns what was reported about one site, and all notices; everything if `site` is None."""
        mine: list[Reported] = []
        others: list[Reported] = []
        for report in self._reported:
            about_it = site is None or isinstance(report, Notice) or report.name == site
            (mine if about_it else others).append(report)
        self._reported = others
        return tuple(mine)


class _WorkerAttempt:
    """An attempt at a part; see `engine.apply_run.PartAttempt`."""

    def __init__(self, results: PartResults, task: Task, part: int) -> None:
        self.files = task.setup.files
        self.heard = _Reports()
        self._results = results
        self._part = part
        self._left = {site.name: site.id for site in task.sites}
        self._approvers: dict[SiteName, Approvers | None] = {}
        self._forbidden: dict[SiteName, Diagnostic | None] = {}

    def add(self, site: SiteName, ready: Ready) -> None:
        """Takes note of who approved which post of a site, and of why nothing may be published there, if so."""
        self._approvers[site], self._forbidden[site] = ready.approvers, ready.forbidden

    def approvers(self, site: SiteName) -> Approvers | None:
        """Who approved which post of a site, as the run found out."""
        return self._approvers[site]

    def forbidden(self, site: SiteName) -> Diagnostic | None:
        """Why nothing may be published on a site, as the run found out."""
        return self._forbidden[site]

    async def is_repeated(self) -> bool:
        """Whether there are other attempts at the part. Raises StateError."""
        return await self._results.is_repeated(self._part)

    async def begin(self, site: SiteRef) -> bool:
        """Records that a site is begun, and returns whether this attempt is the first to do so. Raises StateError."""
        return await self._results.begin_site(site.id)

    async def earlier(self, site: SiteRef) -> SiteApplied | None:
        """What another attempt did at a site. Raises StateError."""
        if (data := await self._results.get(site.id)) is None:
            return None
        outcome = from_bytes(Kept, data).outcome
        if isinstance(outcome, SiteFailed):
            return None
        self._left.pop(site.name, None)
        return outcome

    @asynccontextmanager
    async def reporting(self) -> AsyncIterator[None]:
        """In this block, sends the run what is reported about the sites that are being worked on."""
        reporting = asyncio.ensure_future(self._report())
        try:
            yield
        finally:
            reporting.cancel()
            await asyncio.gather(reporting, return_exceptions=True)

    async def _report(self) -> None:
        said: tuple[SiteStarted | Progressed, ...] = ()
        while True:
            await sleep(REPORT_EVERY)
            if (now := self.heard.so_far()) != said:
                try:
                    await self._results.report(self._part, to_bytes(SoFar(now)))
                    said = now
                except StateError:
                    pass  # it is sent with the result at the latest

    async def keep(self, result: SiteApplied | SiteFailed) -> None:
        """Saves what was done at a site, once, with what was reported about it."""
        if (id := self._left.get(result.name)) is None:
            return
        await self._results.keep(id, to_bytes(Kept(self.heard.taken(result.name), result)))
        del self._left[result.name]


class _Watch:
    """Whether a part is to stop, because its run asks for it or is gone. If it is to end at once, it is cancelled.

    Without `results`, nothing can ask, and a part whose run is gone ends at once.
    """

    def __init__(self, gone: Callable[[], bool], results: PartResults | None = None) -> None:
        self._gone = gone
        self._results = results
        self._asked = Stop.NO
        self._silent = False

    @property
    def alone(self) -> bool:
        """Whether the run is gone."""
        return self._silent or self._gone()

    def stop(self) -> bool:
        """Whether nothing more may be begun."""
        return self._asked is not Stop.NO or self.alone

    @asynccontextmanager
    async def over(self) -> AsyncIterator[None]:
        """Watches while the current task's work goes on."""
        work = asyncio.current_task()
        assert work is not None
        watching = asyncio.ensure_future(self._watch(work))
        try:
            yield
        finally:
            watching.cancel()
            await asyncio.gather(watching, return_exceptions=True)

    async def _watch(self, work: asyncio.Task[object]) -> None:
        awake = asyncio.get_running_loop().time  # stands still while the machine sleeps, and so does the run
        heard, heard_at = "", awake()
        while self._asked is not Stop.NOW and not (self._results is None and self.alone):
            await sleep(EVERY)
            if self._results is None:
                continue
            try:
                self._asked, sign = await self._results.asked()
            except StateError:
                continue  # what cannot be read now may be readable the next time
            if sign != heard:
                heard, heard_at = sign, awake()
            self._silent = awake() - heard_at > SILENCE
        work.cancel()


async def _never(_proposal: Proposal) -> Decision:
    raise AssertionError("the run has asked already")


@asynccontextmanager
async def _session(
    task: Task, client_type: type[Client], environ: Mapping[str, str]
) -> AsyncIterator[tuple[Session[Client], tuple[SiteEntry, ...]]]:
    setup = task.setup
    project = project_of(setup.project, environ)
    entries = tuple(map(entry_of, task.sites))
    with naming_all_unset(project, environ, partial(credentials_in, entries)):
        async with open_session(
            project,
            client_type,
            environ=environ,
            api=setup.api,
            state=setup.state,
            parallelism=setup.parallelism,
            commit=lambda _: setup.commit,
            where=setup.where,
        ) as session:
            yield session, entries
