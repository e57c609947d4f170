"""`apply`: plans all sites, shows the plan, asks, carries it out, and ends in a ledger."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Awaitable, Sequence
from datetime import timedelta

from msgspec import Struct
from msgspec.structs import replace

from reconciler.api.client import FullClient
from reconciler.cli import exit_codes
from reconciler.cli.asking import agreed, can_ask, public_question
from reconciler.cli.changed import head_commit, last_author
from reconciler.cli.exit_codes import ExitCode
from reconciler.cli.fleet import Slot, in_order
from reconciler.cli.options import RunOptions
from reconciler.cli.outputs import Reports, open_reports
from reconciler.cli.planning import Count, Terms, bug_words, explained, guarded, make_plan_of, progress, terms_of
from reconciler.cli.running import Interrupts, beside, run
from reconciler.cli.selection import Selection, select
from reconciler.cli.wiring import Reach, reach
from reconciler.cli.witness import Witness
from reconciler.config.project import find_project
from reconciler.config.sites import check_sites
from reconciler.executor.events import Emit
from reconciler.executor.executor import apply_plan
from reconciler.executor.ledger import SiteLedger
from reconciler.executor.open_entries import resolve_open
from reconciler.executor.ports import ApplyOptions, Clock, PollPolicy, Ports
from reconciler.model.address import SiteName
from reconciler.model.canonical import freeze
from reconciler.model.operations import ActionClass, class_of
from reconciler.model.sites import DesiredSite
from reconciler.model.text import printable
from reconciler.planner.actions import Plan
from reconciler.planner.deferred import resolve
from reconciler.planner.guards import judge_run
from reconciler.reporters.json_report import ledger_json
from reconciler.reporters.plan_text import refusal_words
from reconciler.reporters.results import ApplySummary, Failed, Planned, PlanSummary, SiteResult
from reconciler.state.errors import StateError
from reconciler.state.holder import this_process
from reconciler.state.journal import SiteJournal
from reconciler.state.lease import Lease, Leases, Locked
from reconciler.state.ledger import RunLedgers

NO_TERMINAL = "nobody could be asked, for there is no terminal; --auto-approve carries the plan out without asking"
STOPPING = "Interrupted: finishing the calls in flight. Once more gives up on them."
AGAIN = "run apply again, it looks what was done"
DECLINED = "the plan was not approved; nothing was changed"


class Permissions(Struct, frozen=True):
    """What the command line allows: to write without asking, to make posts public, to wait for a lock."""

    auto_approve: bool
    allow_publish: bool
    lock_timeout: timedelta


class Held(Struct, frozen=True):
    """A site with something to do: its plan, its file (None where a saved plan's is gone), its journal, and the
    lease under which it was planned."""

    plan: Plan
    desired: DesiredSite | None
    journal: SiteJournal
    lease: Lease


def apply_command(options: RunOptions, permissions: Permissions) -> int:
    """Runs `reconciler apply`. Returns the exit code; raises UsageError, InvalidFiles, Interrupted."""
    project = find_project(options.paths)
    selection = select(project, check_sites(project, options.paths), options.choice)
    asks = can_ask() and not permissions.auto_approve
    with open_reports(
        "apply", options.outputs, colour=options.colour, calls_of=explained(options), asks=asks
    ) as reports:
        return run(lambda interrupts: _apply(options, permissions, selection, reports, interrupts))


async def _apply(
    options: RunOptions, permissions: Permissions, selection: Selection, reports: Reports, interrupts: Interrupts
) -> int:
    project = selection.project
    at_once = options.parallelism or project.parallelism
    async with reach(project, FullClient, api=options.api, state=options.state, parallelism=at_once) as run_with:
        terms = terms_of(options, selection, run_with)
        apply = Apply(run_with, terms, permissions, interrupts, at_once)
        try:
            summary = await apply.plan_all(selection, reports)
            reports.planned(summary)
            if (reason := await apply.hindrance(summary)) is not None:
                reports.refused(reason, ExitCode.ERROR if summary.failed else ExitCode.REFUSED)
                return ExitCode.ERROR if summary.failed else ExitCode.REFUSED
            return await apply.carry_out(summary, reports)
        finally:
            await apply.release()


class Apply:
    """One `apply`, from the first read to the ledger."""

    def __init__(
        self,
        run_with: Reach[FullClient],
        terms: Terms,
        permissions: Permissions,
        interrupts: Interrupts,
        at_once: int,
    ) -> None:
        self._with = run_with
        self._terms = terms
        self._permissions = permissions
        self._interrupts = interrupts
        self._at_once = at_once
        self._leases = Leases(run_with.store.store, this_process(os.environ))
        self._held: dict[SiteName, Held] = {}
        self._order: list[SiteName] = []
        self._refusals: list[str] = []
        self._publish = permissions.allow_publish
        self._commit = head_commit(terms.project.root)

    # --- planning ----------------------------------------------------------------------------------

    async def plan_all(self, selection: Selection, reports: Reports) -> PlanSummary:
        """Plans every site under its lease; those with something to do keep theirs, the others give it back."""
        count = Count()
        with progress("planning", len(selection)) as shown:

            async def work(desired: DesiredSite) -> SiteResult:
                return await guarded(desired.ref, lambda: self._plan(desired, shown.see))

            async def all_sites() -> None:
                async for result in in_order(selection.sites(), work, self._at_once):
                    shown.site_done()
                    self._take(result, count, reports)

            await beside(all_sites(), shown.keep_alive())
        refusals = judge_run((count.tally,), self._terms.project.policy)
        self._refusals[:0] = [refusal_words(one) for one in refusals]
        return replace(count.summary(), refusals=refusals)

    def _take(self, result: SiteResult, count: Count, reports: Reports) -> None:
        """Counts and shows one site more, and keeps why it is refused."""
        count.add(result)
        reports.site(result)
        self._order.append(result.site)
        if isinstance(result, Planned):
            self._refusals += [refusal_words(one) for one in result.plan.refusals]
        elif result.refused:
            self._refusals.append(result.message)

    async def _plan(self, desired: DesiredSite, emit: Emit) -> SiteResult:
        ref = desired.ref
        try:
            lease = await self._leases.acquire(ref.name, self._permissions.lock_timeout)
        except Locked as locked:
            return Failed(ref.name, str(locked), refused=True)
        kept = False
        try:
            if lease.taken_over:
                sys.stderr.write(f"note: {printable(lease.taken_over)}\n")
            journal = await self._with.store.open_journal(ref, lease)
            ports = self._ports(journal, desired, self._with.clock)
            recorded = await resolve_open(ref, ports, self._options(ref.name), emit)
            planned = await make_plan_of(desired, recorded, ports.reader, self._terms)
            if planned.plan.refusals:
                return planned
            if not planned.plan.actions:
                # Nothing to do; what was found out is remembered all the same, such as a first contact.
                await apply_plan(planned.plan, ports, self._options(ref.name), emit)
                return planned
            self._held[ref.name] = Held(planned.plan, desired, journal, lease)
            kept = True
            return planned
        finally:
            if not kept:
                await lease.release()

    @property
    def holds_any(self) -> bool:
        """Whether there is anything to carry out."""
        return bool(self._held)

    # --- the yes -----------------------------------------------------------------------------------

    async def hindrance(self, summary: PlanSummary) -> str | None:
        """Why nothing may be done; None if it may. Asks where there is a terminal."""
        if summary.refusals:
            return self._first_refusal()
        if not self._held:
            return self._first_refusal() if self._refusals else None
        if self._permissions.auto_approve:
            return None
        if not can_ask():
            return NO_TERMINAL
        if not await agreed("Do you want to perform these actions?"):
            return DECLINED
        if not self._publish and any(self._is_public(held.plan) for held in self._held.values()):
            self._publish = await agreed(public_question(summary.tally))
        return None

    def _first_refusal(self) -> str:
        more = len(self._refusals) - 1
        return self._refusals[0] + (f" (and {more} more, above)" if more else "")

    @staticmethod
    def _is_public(plan: Plan) -> bool:
        return any(class_of(action.operation) is ActionClass.PUBLIC for action in plan.actions)

    # --- doing it ----------------------------------------------------------------------------------

    async def carry_out(self, summary: PlanSummary, reports: Reports) -> int:
        """Applies what is held, all sites at once, and writes the ledger whatever happens."""
        held = tuple(self._held[name] for name in self._order if name in self._held)
        gate = asyncio.Semaphore(self._at_once)
        with progress("applying", len(held)) as shown:
            self._interrupts.stop_gently(lambda: shown.say(STOPPING))
            witnesses = tuple(Witness(site.plan, shown.see) for site in held)

            async def one(site: Held, witness: Witness) -> SiteLedger:
                ledger = await self._apply_one(site, gate, witness)
                shown.site_done()
                return ledger

            work = [one(*both) for both in zip(held, witnesses, strict=True)]
            ledgers = await beside(_all(work, witnesses), shown.keep_alive())
        code = exit_codes.of_apply(
            ledgers, failed=summary.failed, refused=summary.refused, interrupted=self._interrupts.code
        )
        done = ApplySummary(summary, ledgers, self._interrupts.code is not None, code)
        if ledgers:
            await self._remember(done)
        reports.applied(done)
        return code

    async def _apply_one(self, site: Held, gate: asyncio.Semaphore, witness: Witness) -> SiteLedger:
        async with Slot(gate) as slot:
            # A site that only waits for a generation leaves its place to another.
            clock = Clock(self._with.clock.now, lambda seconds: slot.aside(self._with.clock.sleep(seconds)))
            try:
                ports = self._ports(site.journal, site.desired, clock)
                return await apply_plan(
                    site.plan, ports, self._options(site.plan.site.name, self._approver(site.plan)), witness.see
                )
            except Exception as error:
                if os.environ.get("RECONCILER_DEBUG"):
                    raise
                return witness.ledger(f"the run ended before its outcome was known; {AGAIN}", error=bug_words(error))
            finally:
                await site.lease.release()

    async def _remember(self, done: ApplySummary) -> None:
        ledger = {
            "command": "apply",
            "exitCode": int(done.exit_code),
            "interrupted": done.interrupted,
            "sites": [ledger_json(one) for one in done.ledgers],
        }
        try:
            await RunLedgers(self._with.store.store).write(self._with.clock.now(), freeze(ledger))
        except StateError as error:
            sys.stderr.write(f"the ledger of this run could not be kept: {printable(str(error))}\n")

    async def release(self) -> None:
        """Gives back every lease that is still held."""
        held, self._held = tuple(self._held.values()), {}
        await asyncio.gather(*(one.lease.release() for one in held), return_exceptions=True)

    # --- what a site is handed -----------------------------------------------------------------------

    def _ports(self, journal: SiteJournal, desired: DesiredSite | None, clock: Clock) -> Ports:
        client = self._with.client
        return Ports(client.reader(), client.writer(), journal, clock, desired)

    def _approver(self, plan: Plan) -> str | None:
        if not self._publish or not self._is_public(plan):
            return None
        return last_author(self._terms.project.approvals_file(plan.site.name))

    def _options(self, site: SiteName, approver: str | None = None) -> ApplyOptions:
        project = self._terms.project
        return ApplyOptions(
            resolve=lambda action, plan, observed, recorded: resolve(
                action, plan, observed, recorded, self._terms.options_for(site)
            ),
            allow_publish=self._publish,
            waiting=PollPolicy(project.poll_interval, project.poll_timeout),
            stop=self._interrupts.requested,
            commit=self._commit if self._publish else None,
            approver=approver,
        )


async def _all(work: Sequence[Awaitable[SiteLedger]], witnesses: Sequence[Witness]) -> tuple[SiteLedger, ...]:
    """The ledgers of all sites, in their order; of those that were cut short, what their witnesses saw."""
    tasks = [asyncio.ensure_future(one) for one in work]
    try:
        await asyncio.gather(*tasks)
    except BaseException as error:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        if not isinstance(error, asyncio.CancelledError):
            raise
        # The second signal: the ledger is written all the same, and the run ends with its code.
        if (current := asyncio.current_task()) is not None:
            current.uncancel()
    return tuple(
        witness.ledger(f"the run was cut short; {AGAIN}") if task.cancelled() else task.result()
        for witness, task in zip(witnesses, tasks, strict=True)
    )
