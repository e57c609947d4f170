"""One apply: what it works with, the terms on which it runs, and a site under its lease."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Final, Protocol, TypeAlias

from msgspec import Struct, field

from reconciler.api.client import FullClient
from reconciler.config.approval_files import approvals_now
from reconciler.config.deciders import deciders_of
from reconciler.config.project import ProjectConfig
from reconciler.config.sites import SiteEntry
from reconciler.engine.clock_skew import too_slow_to_publish
from reconciler.engine.earlier_calls import in_memory
from reconciler.engine.problems import diagnostic_of
from reconciler.engine.results import ApplyCompleted, Emit, Notice, PlanCompleted, Refused
from reconciler.engine.run_context import RunContext
from reconciler.engine.selection import repository_of
from reconciler.engine.session import Session, plan_options
from reconciler.engine.site_results import Progressed, SiteApplied, SiteFailed
from reconciler.engine.todays_files import TodaysFiles
from reconciler.engine.verdict import verdict_of
from reconciler.executor.allowance import Allowance
from reconciler.executor.events import EntryResolved, ProgressEvent, WaitingForLock
from reconciler.executor.executor import apply_plan
from reconciler.executor.open_entries import resolve_open
from reconciler.executor.ports import ApplyOptions, Approvers, PollPolicy, Ports
from reconciler.model.address import Address, SiteName
from reconciler.model.approvals import Approvals
from reconciler.model.clock import Clock
from reconciler.model.diagnostics import Diagnostic, Severity
from reconciler.model.journal import OpenEntry
from reconciler.model.operations import class_of
from reconciler.model.outcomes import Done
from reconciler.model.posts import PostId
from reconciler.model.sites import DesiredSite, RecordedSite, SiteRef
from reconciler.model.verdict import Verdict
from reconciler.model.writes import ActionClass
from reconciler.planner.actions import GoingOut, Plan
from reconciler.planner.deferred import resolve
from reconciler.state.errors import StateError, of_any_site
from reconciler.state.examination import check_writable
from reconciler.state.heartbeat import RETRY
from reconciler.state.journal import SiteJournal
from reconciler.state.lease import Lease, Locked
from reconciler.state.lock_record import LockRecord

DECLINED = Diagnostic("declined", "Nothing was changed")

LOST_LEASE: Final = timedelta(seconds=90)
"""How long to wait for another attempt's lease: that attempt may be gone without anybody being able to tell."""


class Decision(Struct, frozen=True):
    """The answer to a plan: whether it is carried out, and whether posts may go public. `refusal` says why not."""

    apply: bool
    allow_publish: bool = False
    refusal: Diagnostic = DECLINED


class Proposal(Struct, frozen=True):
    """What a person is asked to approve.

    All plans together, how many sites would be written to, whether posts would go public, and whether nothing else
    would be done.
    """

    completed: PlanCompleted
    sites: int
    public: bool = False
    only_public: bool = False


Decide: TypeAlias = Callable[[Proposal], Awaitable[Decision]]


class ApplyTerms(Struct, frozen=True):
    """The terms on which an apply runs. `decide` is called once, after all sites are planned, if there is work.

    If it is cancelled, `undecided` is called with the posts that therefore still go out, and with the number of those
    that go out in any case. `stop` is called between calls: once it returns true, nothing more is started. `verdict`
    gives the exit code that is recorded with the ledger in the state.
    """

    decide: Decide
    lock_timeout: timedelta = timedelta(0)
    stop: Callable[[], bool] = lambda: False
    verdict: Callable[[ApplyCompleted], Verdict] | None = None
    undecided: Callable[[tuple[GoingOut, ...], int], None] = lambda _posts, _others: None


class Applied(Struct, frozen=True):
    """What an apply did: how it ended, and the sites that failed or had something to do, as they ended."""

    outcome: ApplyCompleted | Refused
    sites: tuple[SiteApplied | SiteFailed, ...]

    @property
    def verdict(self) -> Verdict:
        """How it ended, in one word, as for `reconciler apply`: everything that failed or was left undone counts.

        `verdict.exit_code` is the code for a shell.
        """
        return verdict_of(self.outcome)


class PartAttempt(Protocol):
    """An attempt at a part of a run; an earlier attempt may have been lost in the middle."""

    @property
    def files(self) -> bool:
        """Whether the project's files are available to look up what was approved."""
        ...

    def approvers(self, site: SiteName) -> Approvers | None:
        """What `approvers_of` found, if the files are not available."""
        ...

    def forbidden(self, site: SiteName) -> Diagnostic | None:
        """Why the files forbid publishing on a site, if they are not available here; None if they do not forbid it."""
        ...

    async def is_repeated(self) -> bool:
        """Whether there are other attempts at the part, which may hold its sites. Raises StateError."""
        ...

    async def begin(self, site: SiteRef) -> bool:
        """Records that a site is begun, and returns whether this attempt is the first to do so.

        Called under the site's lease. Raises StateError.
        """
        ...

    async def earlier(self, site: SiteRef) -> SiteApplied | None:
        """What another attempt that finished the site did there. Called under the site's lease. Raises StateError."""
        ...

    async def keep(self, result: SiteApplied) -> None:
        """Saves what was done at a site, for later attempts and for the run. Called before its lease is released."""
        ...


class ApplyRun(Struct, frozen=True):
    """One apply: what it works with, how its plans are made, its terms, and where it reports."""

    session: Session[FullClient]
    context: RunContext
    terms: ApplyTerms
    emit: Emit
    attempt: PartAttempt | None = None
    """Which attempt it is at a part of a larger run; None if it is the whole run."""
    files: TodaysFiles = field(default_factory=TodaysFiles)
    share: int = 1
    """How many runs share the limits that apply across all sites: the shards of a saved plan."""
    allowance: Allowance = field(default_factory=Allowance)

    def progress_of(self, site: SiteName) -> Callable[[ProgressEvent], None]:
        """Passes on what the executor reports about a site."""
        return lambda event: self.emit(Progressed(site, event))


class LockedSite(Struct, frozen=True):
    """A site under its lease, with its journal."""

    journal: SiteJournal
    lease: Lease


def ports_of(
    run: ApplyRun, locked: LockedSite, desired: DesiredSite | None, clock: Clock, entry: SiteEntry | None = None
) -> Ports:
    """What is needed to work on a site under its lease.

    `entry` is its file, and is needed if some of its posts may go out. With it, what the site declares is not held in
    memory while the site waits.
    """
    client = run.session.client
    project = run.session.project
    files = run.attempt is None or run.attempt.files
    name = desired.ref.name if desired is not None else None
    approvals = (lambda: approvals_now(project, name)) if name is not None and files else None

    def forbid() -> Diagnostic | None:
        if slow := too_slow_to_publish(client, project.policy.min_lead):
            return slow
        if run.attempt is not None and not run.attempt.files:
            return run.attempt.forbidden(entry.name) if entry else None
        return run.files.forbid(project, entry) if entry else None

    declared, approved = declared_in(desired)
    if entry is not None:
        declared = entry.load
    return Ports(
        client.reader(), client.writer(locked.lease), locked.journal, clock, declared, approved, approvals, forbid
    )


def declared_in(desired: DesiredSite | None) -> tuple[Callable[[], DesiredSite] | None, Approvals]:
    """What a site's file declares, and what is approved there, for `Ports`."""
    return (None, Approvals()) if desired is None else (lambda: desired, desired.approvals)


def options_of(
    run: ApplyRun,
    site: SiteName,
    plan: Plan | None = None,
    entry: SiteEntry | None = None,
    *,
    allow_publish: bool = False,
) -> ApplyOptions:
    """What may be done at a site. `plan` and `entry` may be left out if nothing is to be published."""
    project = run.session.project
    approvers = None
    if plan is not None and entry is not None and allow_publish and is_public(plan):
        approvers = _approvers(run, entry)
    return ApplyOptions(
        resolve=lambda action, plan, observed, recorded: resolve(
            action, plan, observed, recorded, plan_options(run.session, run.context, site)
        ),
        allow_publish=allow_publish,
        waiting=PollPolicy(project.poll_interval, project.poll_timeout),
        stop=run.terms.stop,
        commit=run.session.commit if approvers is not None else None,
        approvers=approvers or (),
        policy=project.policy,
        allowance=run.allowance,
    )


def _approvers(run: ApplyRun, entry: SiteEntry) -> Approvers | None:
    if run.attempt is not None and not run.attempt.files:
        return run.attempt.approvers(entry.name)
    return approvers_of(run.session.project, entry)


def approvers_of(project: ProjectConfig, entry: SiteEntry) -> Approvers | None:
    """Who approved which draft of a site, as far as git knows; None if its files are not exactly as in a commit."""
    repository, approvals = repository_of(project), project.approvals_file(entry.name)
    if not (repository.is_known(entry.file) and repository.is_known(approvals)):
        return None
    return tuple((PostId(draft), author) for draft, author in deciders_of(approvals, repository).items())


def is_public(plan: Plan) -> bool:
    """Whether a plan would make posts public."""
    return any(class_of(action.operation) is ActionClass.PUBLIC for action in plan.actions)


# --- before approval -------------------------------------------------------------------------------


async def free_to_write(run: ApplyRun, site: SiteRef) -> None:
    """Returns once no other run holds a site. Raises Locked if one still does when the waiting time is over."""
    leases, waited, known = run.session.leases, 0.0, ""
    while True:
        lock = await leases.inspect(site)
        if lock is None or leases.has_ended(lock):
            return
        if (left := run.terms.lock_timeout.total_seconds() - waited) <= 0:
            raise Locked(lock, leases.where)
        if lock.holder.token != known:
            known = lock.holder.token
            _waiting_for_lock(run, site)(lock)
        pause = min(left, RETRY.total_seconds())
        await asyncio.sleep(pause)
        waited += pause


def _waiting_for_lock(run: ApplyRun, site: SiteRef) -> Callable[[LockRecord], None]:
    """Reports that the run waits for a site."""
    return lambda lock: run.progress_of(site.name)(WaitingForLock(site, lock, run.terms.lock_timeout))


async def unwritable_state(run: ApplyRun) -> Diagnostic | None:
    """Why the state cannot be written; None if it can. It is reported once, not for each site."""
    try:
        await check_writable(run.session.store.store)
    except StateError as error:
        return diagnostic_of(error)
    return None


async def resolve_earlier_calls(
    run: ApplyRun, site: SiteRef, desired: DesiredSite | None
) -> tuple[RecordedSite, tuple[OpenEntry, ...], Diagnostic | None]:
    """What is recorded about a site, after resolving the unconfirmed calls of earlier runs as far as reading can tell.

    Also returns the generations among them that have ended. If nothing can be written to the state, the calls are
    resolved only for this run, which may not write to the site then; the reason is returned too.
    """
    recorded = await run.session.store.load(site)
    if not recorded.open:
        return recorded, (), None
    options, emit = options_of(run, site.name), run.progress_of(site.name)
    ended: list[OpenEntry] = []

    def watched(event: ProgressEvent) -> None:
        emit(event)
        if isinstance(event, EntryResolved) and isinstance(event.outcome, Done) and event.entry.operation.takes_time:
            ended.append(event.entry)

    try:
        async with leased(run, site) as locked:
            ports = ports_of(run, locked, desired, run.session.clock)
            return await resolve_open(site, ports, options, watched), tuple(ended), None
    except StateError:
        if (why := await unwritable_state(run)) is None:
            raise
    return await resolve_open(site, _rehearsal(run, site, desired, recorded), options, lambda _event: None), (), why


async def note_findings(run: ApplyRun, plan: Plan, desired: DesiredSite, recorded: RecordedSite) -> Diagnostic | None:
    """Records what a plan with nothing to do found out, such as the first run's baseline.

    If all of it is already recorded, as for most sites of most runs, no lease is taken and nothing is written. If
    nothing can be written to the state, the reason is returned.
    """
    site, session = plan.site, run.session
    rehearsal = _rehearsal(run, site, desired, recorded)
    await apply_plan(plan, rehearsal, options_of(run, site.name), lambda _event: None)
    if rehearsal.journal.recorded == recorded and session.store.old_name(site) is None:
        return None
    try:
        async with leased(run, site) as locked:
            ports = ports_of(run, locked, desired, session.clock)
            await apply_plan(plan, ports, options_of(run, site.name), run.progress_of(site.name))
    except StateError:
        if (why := await unwritable_state(run)) is None:
            raise
        return why
    return None


def _rehearsal(run: ApplyRun, site: SiteRef, desired: DesiredSite | None, recorded: RecordedSite) -> Ports:
    """What is needed to work on a site whose record changes only in memory."""
    session, journal = run.session, in_memory(run.session, site, recorded)
    return Ports(session.client.reader(), session.client.writer(), journal, session.clock, *declared_in(desired))


async def _acquired(run: ApplyRun, site: SiteRef) -> Lease:
    """The lease of a site. Another attempt at the same part is waited for, whichever of them was first."""
    leases = run.session.leases
    try:
        return await leases.acquire(site, run.terms.lock_timeout, _waiting_for_lock(run, site))
    except Locked:
        if run.attempt is None or not await run.attempt.is_repeated():
            raise
    return await leases.acquire(site, max(LOST_LEASE - run.terms.lock_timeout, timedelta(0)))


@asynccontextmanager
async def leased(run: ApplyRun, site: SiteRef) -> AsyncIterator[LockedSite]:
    """A site under its lease. Raises Locked. A lease that cannot be released is reported and stops nothing."""
    lease = await _acquired(run, site)
    try:
        if lease.taken_over is not None:
            run.emit(Notice(lease.taken_over))
        yield LockedSite(await run.session.store.open_journal(site, lease), lease)
    finally:
        if (error := await lease.release()) is not None:
            why = of_any_site(diagnostic_of(error)).message
            what, fix = f"its lock could not be released: {why}", "it expires within a minute"
            address = Address(site.name)
            run.emit(Notice(Diagnostic("lock-not-given-back", what, fix, Severity.WARNING, address=address)))
