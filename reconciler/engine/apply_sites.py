"""Carrying out plans, many sites at once: each under its lease, which is taken just before the first write."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any, Final

from msgspec.structs import replace

from reconciler.engine.apply_run import ApplyRun, leased, options_of, ports_of
from reconciler.engine.fleet import Turn, over_sites
from reconciler.engine.new_drafts import with_new_drafts
from reconciler.engine.plan import plan_site, untouched
from reconciler.engine.prepared import PreparedSites
from reconciler.engine.recorder import EventRecorder
from reconciler.engine.results import ApplyCompleted, Notice, Phase, PhaseStarted, PlanCompleted
from reconciler.engine.run_ledger import AGAIN, CUT_SHORT, ledger_of, ledger_record
from reconciler.engine.site_results import SiteApplied, SiteFailed
from reconciler.executor.allowance import Allowance
from reconciler.executor.executor import apply_plan
from reconciler.executor.ledger import ActionResult, ApplyTally, Entry, SiteLedger, tally_of
from reconciler.executor.open_entries import resolve_open
from reconciler.executor.ports import ApplyOptions, Ports
from reconciler.model.activities import ActivityOperation
from reconciler.model.address import Address, Kind, SiteName
from reconciler.model.codec import to_json
from reconciler.model.diagnostics import Diagnostic, Severity
from reconciler.model.marketing_plan import Regenerate
from reconciler.model.operations import Deferred, Foundation, Operation
from reconciler.model.outcomes import Remark, Trouble
from reconciler.model.posts import PostsOperation
from reconciler.model.schedule import CancelPost, ReschedulePost, ScheduleOperation, SchedulePost
from reconciler.model.sites import RecordedSite, SiteRef
from reconciler.model.writes import Verb
from reconciler.planner.actions import Action, Plan
from reconciler.planner.baseline import WAS_CANCELLED, key_of
from reconciler.planner.rights import regenerates_on_request, what_is_left
from reconciler.planner.tally import Spare
from reconciler.planner.targets import SiteLabels
from reconciler.spool import Spool
from reconciler.state.errors import StateError
from reconciler.state.ledger import OfSites, RunLedgers

OVERTAKEN: Final = Diagnostic(
    Trouble.OVERTAKEN, "another run worked on this site after the plan was made", "run apply again"
)
IN_DOUBT: Final = Diagnostic(
    Trouble.WORKER_LOST, "the worker that started this site was lost, and what it did here is not known", AGAIN
)
HOW_MUCH: Final = Diagnostic(
    Trouble.WORKER_LOST, "begun by a worker that was lost, and it is not known how much was done", AGAIN
)
ENDED: Final = Diagnostic(Trouble.OUTCOME_UNKNOWN, "the run ended before the outcome of this was known", AGAIN)


async def carry_out(
    run: ApplyRun,
    completed: PlanCompleted,
    ready: PreparedSites,
    unplanned: Sequence[SiteFailed],
    idle: Sequence[SiteApplied],
    *,
    allow_publish: bool,
) -> ApplyCompleted:
    """Applies what is ready, many sites at once, and writes the ledger, even after an interruption.

    `unplanned` are the sites that could not be planned: they were reported, and are in the ledger too. So are those of
    `idle`: refused by a guard, or with nothing to do although an unwanted post goes out or something is in doubt.
    """
    if not (ready or unplanned or idle):
        return ApplyCompleted(completed)
    order = [*ready.names, *(failed.name for failed in unplanned), *(still.name for still in idle)]
    totals = ApplyTotals(completed, len(ready))
    for site in unplanned:
        totals.enter(site)
    for still in idle:
        totals.keep(still.ledger)
    going_on = [still for still in idle if not still.ledger.error]  # a refusal was reported with its plan
    run.emit(PhaseStarted(Phase.APPLYING, len(ready) + len(going_on)))
    for still in going_on:
        run.emit(still)
    spare = (completed.spare or Spare()).shared_by(run.share)
    async for result in _results(run, ready, spare, allow_publish=allow_publish):
        totals.add(result)
        run.emit(result)
    done = totals.completed(interrupted=run.terms.stop())
    await remember(run, done, lambda: totals.in_order(order))
    return done


def _results(
    run: ApplyRun, ready: PreparedSites, spare: Spare, *, allow_publish: bool
) -> AsyncIterator[SiteApplied | SiteFailed]:
    workers = run.session.workers
    if workers is None or not ready:
        return apply_sites(replace(run, allowance=Allowance(spare)), ready, allow_publish=allow_publish)
    from reconciler.engine.apply_parts import results_of_parts

    return results_of_parts(run, workers, ready, spare, allow_publish=allow_publish)


async def apply_sites(
    run: ApplyRun, ready: PreparedSites, *, allow_publish: bool
) -> AsyncIterator[SiteApplied | SiteFailed]:
    """What was done at each site, in the order in which sites end; includes all sites, even if this is cancelled."""
    ended = bytearray(len(ready))
    recorders: dict[SiteName, tuple[int, EventRecorder]] = {}
    """The recorder of each site under way, with the site's number."""

    async def work(number: int, turn: Turn) -> SiteApplied:
        name = ready.names[number]
        recorder = EventRecorder(partial(ready.plan, number), run.progress_of(name))
        recorders[name] = number, recorder
        return await _apply(run, ready, number, turn, recorder, allow_publish=allow_publish)

    def failed(result: SiteFailed) -> SiteApplied | SiteFailed:
        _, recorder = recorders[result.name]
        if result.refused or not recorder.saw_something:
            return untouched(result, recorder.plan())
        return SiteApplied(recorder.ledger(ENDED, error=result.problem), result.labels, result.seconds)

    results = over_sites(
        range(len(ready)),
        work,
        named=lambda number: SiteLabels(ready.names[number], ready.labels[number]),
        at_once=run.session.parallelism,
        emit=run.emit,
        failed=failed,
        ordered=False,
        debug=run.session.debug,
    )
    try:
        async for result in results:
            number, _ = recorders.pop(result.name)
            ended[number] = True
            yield result
    except asyncio.CancelledError:
        # The second signal: the ledger is written all the same.
        if (current := asyncio.current_task()) is not None:
            current.uncancel()
        for number, name in enumerate(ready.names):
            if not ended[number]:
                nothing = number, EventRecorder(partial(ready.plan, number), lambda _: None)
                _, recorder = recorders.get(name, nothing)
                yield SiteApplied(recorder.ledger(CUT_SHORT), ready.labels[number])


async def _apply(
    run: ApplyRun, ready: PreparedSites, number: int, turn: Turn, recorder: EventRecorder, *, allow_publish: bool
) -> SiteApplied:
    """Works on one site, under its lease. Raises Locked and StateError.

    Its plan and its record are not kept in memory meanwhile, because many sites may wait at the same time.
    """
    plan, labels, entry = ready.plan(number), ready.labels[number], ready.entries[number]
    site = plan.site
    if run.terms.stop():
        return SiteApplied(recorder.ledger(CUT_SHORT), labels, turn.seconds)
    sleep = run.session.clock.sleep

    def wait(seconds: float) -> Awaitable[None]:
        """Gives up the site's place while it waits, and keeps little in memory."""
        recorder.put_aside()
        return turn.aside(sleep(seconds))

    clock = replace(run.session.clock, sleep=wait)
    async with leased(run, site) as held:
        begun = run.attempt is not None and not await run.attempt.begin(site)
        if run.attempt is not None and begun and (earlier := await run.attempt.earlier(site)):
            return earlier
        options = options_of(run, site.name, plan, entry, allow_publish=allow_publish)
        ports = ports_of(run, held, entry.load(), clock, entry)
        if begun and _is_asked_for(run, plan):
            ledger = ledger_of(plan, ActionResult.UNKNOWN, IN_DOUBT)
        elif begun:
            ledger = await _carry_on(run, ready.recorded(number), ports, options, turn, recorder)
        elif held.journal.recorded == ready.recorded(number):
            work = apply_plan(plan, ports, options, recorder.record)
            del plan
            ledger = await work
        else:
            ledger = _overtaken(plan, ready.recorded(number), held.journal.recorded)
        ledger = await with_new_drafts(run, entry, held.journal.recorded, ledger)
        result = SiteApplied(ledger, labels, turn.seconds)
        if run.attempt is not None:
            await run.attempt.keep(result)
        return result


def _overtaken(plan: Plan, before: RecordedSite, now: RecordedSite) -> SiteLedger:
    """The ledger of a site that another run worked on. What that run stopped does not go out any more."""
    ledger = ledger_of(plan, ActionResult.SKIPPED, OVERTAKEN)
    stopped = {
        action.address
        for action in plan.actions
        if isinstance(action.operation, ReschedulePost | CancelPost) and _is_noted(action.operation, before, now)
    }
    left = tuple(post for post in ledger.still_going_out if post.address not in stopped)
    return replace(ledger, still_going_out=left)


def _is_asked_for(run: ApplyRun, plan: Plan) -> bool:
    """Whether somebody asked for the generation that a plan contains.

    If so, neither the site nor its record shows whether it was made.
    """
    asked = plan.site.name in run.context.regenerate and any(
        isinstance(action.operation, Regenerate) for action in plan.actions
    )
    return asked or regenerates_on_request(plan)


async def _carry_on(
    run: ApplyRun, before: RecordedSite, ports: Ports, options: ApplyOptions, turn: Turn, recorder: EventRecorder
) -> SiteLedger:
    """Carries out the rest of a plan that a lost attempt began.

    If the approved plan does not contain the rest, everything is unknown. `before` is the record that the plan was made
    from.
    """
    plan = recorder.plan()
    assert ports.declared is not None, "a site that is applied in parts is declared in a file"
    recorded = await resolve_open(plan.site, ports, options, run.progress_of(plan.site.name))
    today = (await plan_site(run.session, run.context, ports.declared(), recorded, turn)).plan
    left = what_is_left(plan, today)
    if left is None:
        return ledger_of(plan, ActionResult.UNKNOWN, IN_DOUBT)
    ledger = await apply_plan(left, ports, options, recorder.record)
    still = {action.address for action in left.actions}
    over = [action for action in plan.actions if action.address not in still]
    entries = [_over(action, today, before, recorded) for action in over]
    begun = _begun(plan, recorded)
    return replace(ledger, entries=(*entries, *(_awaited(entry, begun) for entry in ledger.entries)))


def _over(action: Action, today: Plan, before: RecordedSite, now: RecordedSite) -> Entry:
    """What became of an action of a lost attempt that no longer needs to be done."""
    operation = action.operation
    if blocked := next((found for found in today.blocked if found.address == action.address), None):
        return Entry.not_done(action.address, operation, ActionResult.SKIPPED, blocked)
    match operation:
        case Deferred():
            return Entry.not_done(action.address, operation, ActionResult.UNKNOWN, HOW_MUCH)
        case SchedulePost() | ReschedulePost() | CancelPost():
            # Perhaps it was never done and is merely outdated: only what was recorded counts.
            if not _is_noted(operation, before, now):
                return Entry.not_done(action.address, operation, ActionResult.UNKNOWN, IN_DOUBT)
            return _done_before(action.address, operation)
        case _:
            return _done_before(action.address, operation)


def _done_before(
    address: Address, operation: Foundation | ActivityOperation | PostsOperation | ScheduleOperation
) -> Entry:
    return Entry(address, operation, ActionResult.DONE, remark=Remark.DONE_BEFORE)


def _is_noted(operation: SchedulePost | ReschedulePost | CancelPost, before: RecordedSite, now: RecordedSite) -> bool:
    """Whether it was recorded, since a plan was made, that a post was scheduled, moved or cancelled."""
    if operation.verb is Verb.CANCEL:
        key = key_of(Kind.DRAFT, operation.post)
        return now.object(key) == WAS_CANCELLED != before.object(key)
    return now.published_by_id.get(operation.post) != before.published_by_id.get(operation.post)


def _begun(plan: Plan, recorded: RecordedSite) -> dict[Address, Operation]:
    """The long-running operations that a lost attempt requested and that are not over, by address."""
    asked = {(entry.address, type(entry.operation)) for entry in recorded.open}
    return {
        action.address: action.operation
        for action in plan.actions
        if action.operation.takes_time and (action.address, type(action.operation)) in asked
    }


def _awaited(entry: Entry, begun: Mapping[Address, Operation]) -> Entry:
    """What became of a lost attempt's request, if that is what an entry was waiting for."""
    asked = begun.get(entry.address) if entry.verb is Verb.WAIT else None
    if asked is None:
        return entry
    return replace(entry, operation=asked, remark=entry.remark or Remark.ASKED_BEFORE)


class ApplyTotals:
    """Running totals over all sites, and the ledger as the state stores it."""

    def __init__(self, plan: PlanCompleted, sites: int) -> None:
        self._plan = plan
        self._sites = sites
        self._failed = 0
        self._refused = 0
        self._tally = ApplyTally(unknown=plan.tally.in_doubt)
        self._results: set[ActionResult] = set()
        self._ledgers = Spool()
        self._names: list[SiteName] = []
        """The site of each ledger."""

    def add(self, result: SiteApplied | SiteFailed) -> None:
        """Adds a site."""
        if isinstance(result, SiteFailed):
            self._failed += not result.refused
            self._refused += result.refused
            self.enter(result)
            return
        self._failed += bool(result.ledger.error)
        self._tally += tally_of((replace(result.ledger, in_doubt=()),))  # which are counted from the plan
        self._results |= {entry.result for entry in result.ledger.entries}
        self._keep(result.ledger)

    def enter(self, failed: SiteFailed) -> None:
        """Adds a site at which nothing was done, only to the ledger."""
        going_out = tuple(found.post for found in failed.unseen.going_out)
        self.keep(SiteLedger(SiteRef(failed.name, ""), error=failed.problem, still_going_out=going_out))

    def keep(self, ledger: SiteLedger) -> None:
        """Adds a site at which nothing was done; of its ledger, only the unwanted posts count."""
        self._tally += ApplyTally(still_going_out=len(ledger.still_going_out))
        self._keep(ledger)

    def _keep(self, ledger: SiteLedger) -> None:
        self._ledgers.append(to_json(ledger_record(ledger)))
        self._names.append(ledger.site.name)

    def in_order(self, names: Iterable[SiteName]) -> Iterator[bytes]:
        """The ledgers in the order of the sites, as JSON."""
        at = {name: number for number, name in enumerate(self._names)}
        return (self._ledgers[at[name]] for name in names if name in at)

    def completed(self, *, interrupted: bool) -> ApplyCompleted:
        """The result, once all sites have been added."""
        return ApplyCompleted(
            self._plan,
            self._tally,
            self._sites,
            self._failed,
            self._refused,
            frozenset(self._results),
            interrupted,
        )


async def remember(run: ApplyRun, done: ApplyCompleted, ledgers: Callable[[], Iterable[bytes]]) -> None:
    """Writes the ledger of a run into the state; if that is not possible, only reports it."""
    ledger: dict[str, Any] = {"command": "apply", "interrupted": done.interrupted}
    if run.terms.verdict is not None:
        ledger["exitCode"] = run.terms.verdict(done).exit_code
    try:
        run_name, in_parts = run.session.leases.holder.run, run.session.workers is not None
        ledgers_of_runs = RunLedgers(run.session.store.store)
        await ledgers_of_runs.write(run.session.clock.now(), OfSites(ledger, ledgers), run_name, in_parts=in_parts)
    except StateError as error:
        what = f"the ledger of this run could not be saved: {error.message}"
        run.emit(Notice(Diagnostic("ledger-not-kept", what, error.fix, Severity.WARNING, error.place)))


async def remember_part(
    run: ApplyRun, name: str, part: int, ledgers: Callable[[], Iterable[bytes]], *, interrupted: bool
) -> None:
    """Writes the ledger of a part that ended, which remains if its run writes none. Raises StateError."""
    ledger = OfSites({"command": "apply", "interrupted": interrupted}, ledgers)
    await RunLedgers(run.session.store.store).write_part(name, part, ledger)
