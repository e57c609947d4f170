"""`apply`: plans all sites or checks a saved plan, asks for approval, carries the plan out, and ends in a ledger.

Nothing is locked while a person thinks: a site that another run holds is refused when it is planned, and its lease is
taken just before its first write. What happened in between shows in its record and in its preconditions.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING

from msgspec import Struct
from msgspec.structs import replace

from reconciler.config.sites import SiteEntry
from reconciler.engine.apply_run import (
    DECLINED,
    ApplyRun,
    Proposal,
    free_to_write,
    note_findings,
    resolve_earlier_calls,
    unwritable_state,
)
from reconciler.engine.apply_sites import carry_out
from reconciler.engine.check_plan import checked
from reconciler.engine.choice import Shard
from reconciler.engine.clock_skew import report_clock_skew
from reconciler.engine.fleet import Turn
from reconciler.engine.left_out import report_left_out
from reconciler.engine.parts import StaleAction
from reconciler.engine.plan import covers_all, left_to_go_out, plan_site, report_result
from reconciler.engine.plan_file import in_file_order, plans_of_sites
from reconciler.engine.plan_totals import PlanTotals, stopped_by, with_nothing_stopped
from reconciler.engine.prepared import Prepared, PreparedSites
from reconciler.engine.problems import diagnostic_of
from reconciler.engine.results import ApplyCompleted, Notice, Phase, PhaseStarted, PlanCompleted, Refused, RunStarted
from reconciler.engine.saved import (
    FilesDoubtful,
    FilesNow,
    FilesUnreadable,
    MovedOn,
    covered_all,
    moved_on,
    plan_loaded,
    refusals_of,
    without_approval,
)
from reconciler.engine.selection import Selection, in_shard
from reconciler.engine.session import SitePlaces, begin
from reconciler.engine.site_results import SiteApplied, SiteFailed, SitePlanned
from reconciler.engine.undeclared import report_each, undeclared_sites
from reconciler.engine.unseen import over_entries, unchecked_posts, unseen_after, unwanted_everywhere
from reconciler.executor.ended_since import with_ended
from reconciler.executor.saved import StalePlan
from reconciler.model.address import SiteName
from reconciler.model.diagnostics import Diagnostic, of_a_post, of_all_posts
from reconciler.model.writes import ActionClass
from reconciler.planner.actions import GoingOut, Reason
from reconciler.planner.document import BegunPlan, RunPart, SavedPlan, SpentPlan, UnusablePlan
from reconciler.planner.reached import TargetCheck
from reconciler.planner.tally import PlanTally, tally_of
from reconciler.planner.unstopped import IF_NOTHING_DONE, IF_PLAN_REFUSED, IF_UNWRITABLE
from reconciler.state.errors import StateError
from reconciler.state.plans import AlreadySpent, SpentPlans

if TYPE_CHECKING:  # few runs have any
    from reconciler.engine.workers import Workers


class Judged(Struct, frozen=True):
    """All sites as they are before approval: those that are ready, and those refused or not planned.

    `idle` are those refused by a guard, and those with nothing to do although an unwanted post goes out or something is
    in doubt.
    `unwritable` is why nothing can be written to the state, if a site already had something to record.
    """

    completed: PlanCompleted
    ready: PreparedSites
    refused: tuple[Diagnostic, ...]
    failed: tuple[Diagnostic, ...]
    unplanned: tuple[SiteFailed, ...] = ()
    idle: tuple[SiteApplied, ...] = ()
    unwritable: Diagnostic | None = None


async def apply_live(run: ApplyRun, selection: Selection) -> ApplyCompleted | Refused:
    """Plans all sites of a selection and carries the plans out.

    Raises InvalidFiles and UsageError for what is wrong with the run as a whole.
    """
    session = run.session
    begin("apply", selection, run.emit, session)
    found = await undeclared_sites(session.store, selection, session.clock.now(), session.parallelism)
    undeclared = report_each(found, run.context, run.emit)
    await report_left_out(session, selection.left_out, run.emit)
    run.emit(PhaseStarted(Phase.PLANNING, len(selection)))

    results = _prepared_by(session.workers, run, selection) if session.workers else prepare(run, selection.entries)
    target_check = TargetCheck(run.context.targets, selection.entries, selection.outside)
    whole = covers_all(selection, run.context, found)
    judged = await _judge(
        run, results, alone=selection.part, target_check=target_check, of=selection.of, covers_all=whole
    )
    refusals = (*judged.completed.refusals, *undeclared)
    judged = _show(run, judged, whole=bool(refusals))
    return await _finish(run, judged, (*refusals, *judged.refused), whole=bool(refusals))


def prepare(run: ApplyRun, entries: Sequence[SiteEntry]) -> AsyncIterator[SitePlanned | Prepared | SiteFailed]:
    """The plan of each site, in the order of the files; if there is anything to do, ready to be carried out."""
    session = run.session

    async def work(entry: SiteEntry, turn: Turn) -> SitePlanned | Prepared:
        desired = entry.load()
        await free_to_write(run, desired.ref)
        recorded, ended, unwritable = await resolve_earlier_calls(run, desired.ref, desired)
        planned = await plan_site(session, run.context, desired, recorded, turn)
        planned = replace(planned.with_plan(with_ended(planned.plan, ended)), unwritable=unwritable)
        if planned.plan.refusals:
            return planned
        if not planned.plan.actions:
            unwritable = unwritable or await note_findings(run, planned.plan, desired, recorded)
            return replace(planned, unwritable=unwritable)
        return Prepared(planned, entry, recorded)

    return over_entries(session, entries, work, run.emit)


async def _prepared_by(
    workers: Workers, run: ApplyRun, selection: Selection
) -> AsyncIterator[SitePlanned | Prepared | SiteFailed]:
    from reconciler.engine.parts import Preparing, Ready
    from reconciler.engine.workers import outcomes

    entries = {entry.name: entry for entry in selection.entries}
    job = Preparing(run.context, run.terms.lock_timeout)
    async for outcome in outcomes(workers, job, selection.entries, run.emit, partial(unseen_after, run.session)):
        assert isinstance(outcome, SitePlanned | Ready | SiteFailed)
        if isinstance(outcome, Ready):
            yield Prepared(outcome.planned, entries[outcome.planned.name], outcome.recorded)
        else:
            yield outcome


async def apply_saved(
    run: ApplyRun, saved: SavedPlan, today: FilesNow | FilesUnreadable, shard: Shard | None = None
) -> ApplyCompleted | Refused:
    """Carries out a saved plan exactly, once, while it still holds (docs/design.md 3.4).

    Before the first write, it must not have expired or been applied before, no guard may refuse it, and every
    precondition of every action on every site must still hold. An action's preconditions are checked again just before
    its write. `today` are the site files as they are now, or why they cannot be read: then the plan is refused.

    With `shard`, only the sites of that part are worked on, and the limits of the run are judged over the sites of
    all parts. A part that was begun and not ended may begin again: on a site that was begun, what is left is carried
    out if the plan contains it.
    """
    run = run if shard is None else replace(run, share=shard.count)
    clock, spent = run.session.clock, SpentPlans(run.session.store.store)
    use = await spent.use_of(saved.seal)
    part, others = _parts_of(saved, shard)
    session, chosen = run.session, len(part.plans)
    entries = {} if isinstance(today, FilesUnreadable) else today.sites
    of = max(len(saved.plans), len(entries))
    unapproved, places = without_approval(in_file_order(part.plans)), SitePlaces(tuple(entries.values()))
    name = session.project.root.name
    run.emit(RunStarted("apply", name, chosen, of, session.api, session.commit, unapproved, places))
    run.emit(plan_loaded(saved, session.project, clock.now(), use if shard is None else None))
    try:
        if use is not None and (shard is None or shard.count != use.shards):
            left = [str(Shard(number, use.shards)) for number in use.left]
            raise BegunPlan(use.begun_at, use.shards, left) if left else SpentPlan(use.begun_at)
        again = shard is not None and await spent.was_begun(saved.seal, shard.number, shard.count)
        saved.check_expiry(clock.now())
        files = _check_files(run, part, today)
        await report_left_out(run.session, _not_in(saved, files, shard), run.emit)
        stale: list[StaleAction] = []
        results, of = _checked(run, part, files, stale, again=again), max(of, saved.of)
        judged = await _judge(run, results, others, saved.part, of=of, covers_all=covered_all(saved))
        # A saved plan is carried out on all its sites or on none.
        no_longer = [found.problem for found in sorted(stale, key=StaleAction.order)]
        several = len(sites := {found.site for found in stale}) > 1
        why = (stale_everywhere(len(sites)),) if several else tuple(_each_cause_once(no_longer))
        limits, lasting = judged.completed.refusals, refusals_of(saved)
        completed = replace(judged.completed, refusals=(*why, *lasting, *limits))
        whole = bool(completed.refusals or judged.failed)
        judged = _show(run, replace(judged, completed=completed), whole=whole)
        for problem in no_longer if several else ():
            run.emit(Notice(problem))

        async def begin() -> None:
            # A person may have thought about it for a long time; nothing has been written so far.
            saved.check_expiry(clock.now())
            if shard is None:
                await spent.mark_spent(saved.seal, clock.now())
            else:
                await spent.begin_part(saved.seal, shard.number, shard.count, clock.now())

        reasons = (*why, *judged.failed, *lasting) or (*limits, *judged.refused)
        done = await _finish(run, judged, reasons, whole=whole, begin=begin)
        if shard is not None and isinstance(done, ApplyCompleted) and not done.interrupted:
            await spent.end_part(saved.seal, shard.number, clock.now())
        return done
    except UnusablePlan as refused:
        return await refuse_plan(run, refused)
    except AlreadySpent as already:
        return await refuse_plan(run, SpentPlan(already.when, "" if shard is None else str(shard)))


def _each_cause_once(found: Iterable[Diagnostic]) -> Iterator[Diagnostic]:
    """What no longer holds at a site: posts with the same problem are named together, and a fix is said once."""
    causes: dict[tuple[str, ...] | Diagnostic, list[Diagnostic]] = {}
    for problem in found:
        key = (problem.code, problem.unnamed, problem.fix) if of_a_post(problem) else problem
        causes.setdefault(key, []).append(problem)
    fixes: set[str] = set()
    for same in causes.values():
        problem = of_all_posts(same) if len(same) > 1 else same[0]
        yield replace(problem, fix="") if problem.fix in fixes else problem
        fixes.add(problem.fix)


def stale_everywhere(sites: int) -> Diagnostic:
    """A saved plan that no longer holds on several sites, for the run as a whole."""
    return Diagnostic(StalePlan.code, f"the saved plan is stale on {sites:,} sites", "run plan again")


async def refuse_plan(run: ApplyRun, why: UnusablePlan) -> Refused:
    """Ends a run whose saved plan may not be carried out, naming the unwanted posts that therefore go out."""
    going_out = await unwanted_everywhere(run.session, IF_PLAN_REFUSED)
    if isinstance(why, FilesUnreadable):  # these cannot say what is unwanted
        try:
            waiting = await unchecked_posts(run.session.store, run.session.clock.now())
        except StateError:
            waiting = None
        if waiting is not None:
            run.emit(Notice(waiting))
    return _refuse(run, Refused(diagnostic_of(why), still_going_out=going_out))


def _check_files(run: ApplyRun, saved: SavedPlan, today: FilesNow | FilesUnreadable) -> Mapping[SiteName, SiteEntry]:
    if isinstance(today, FilesUnreadable):
        raise today
    for warning in today.warnings:
        run.emit(Notice(warning))
    changed = moved_on(saved, today.sites, run.session.project)
    if changed is not None:
        if run.context.strict:
            raise MovedOn(changed)
        run.emit(Notice(changed))
    if run.context.strict and today.warnings:
        raise FilesDoubtful
    return today.sites


def _not_in(saved: SavedPlan, files: Mapping[SiteName, SiteEntry], shard: Shard | None) -> list[SiteEntry]:
    """The sites of the project that a saved plan is not about; for one part, its own share of them."""
    if shard is None and saved.part is not None:
        shard = Shard(saved.part.number, saved.part.count)
    names = {plan.site.name for plan in saved.plans}
    rest = [entry for name, entry in files.items() if name not in names]
    return rest if shard is None else [entry for entry in rest if in_shard(entry.name, shard)]


def _parts_of(saved: SavedPlan, shard: Shard | None) -> tuple[SavedPlan, tuple[PlanTally, ...]]:
    """This run's part of a saved plan, and how much all other parts do."""
    if shard is None:
        return saved, ()
    plans = plans_of_sites(saved.plans, lambda name: in_shard(name, shard))
    others = tuple(tally_of(plan) for plan in saved.plans if not in_shard(plan.site.name, shard))
    return replace(saved, plans=plans), others


async def _checked(
    run: ApplyRun, saved: SavedPlan, files: Mapping[SiteName, SiteEntry], stale: list[StaleAction], *, again: bool
) -> AsyncIterator[SitePlanned | Prepared | SiteFailed]:
    """Every site of a saved plan, checked here or by workers. What no longer holds goes into `stale`."""
    run.emit(PhaseStarted(Phase.CHECKING, len(saved.plans)))
    moved = saved.project not in (None, run.session.project.digest)
    async for result in checked(run, in_file_order(saved.plans), files, moved=moved, again=again):
        if isinstance(result, SiteFailed):
            yield result
            continue
        stale += result.stale
        yield result.site


async def _judge(
    run: ApplyRun,
    results: AsyncIterator[SitePlanned | Prepared | SiteFailed],
    others: tuple[PlanTally, ...] = (),
    alone: RunPart | None = None,
    target_check: TargetCheck | None = None,
    *,
    of: int,
    covers_all: bool,
) -> Judged:
    """Collects all sites, reporting each, and judges the limits of the run, for `_show`.

    `others` is what other parts of it do. `alone`: which of several parts these sites are, if nobody knows what the
    others do. `of` and `covers_all` are as for `PlanTotals.judged_public`.

    Raises UsageError if `target_check` finds an option that matches nothing.
    """
    totals, ready = PlanTotals(), PreparedSites()
    refused: list[Diagnostic] = []
    failed: list[Diagnostic] = []
    unplanned: list[SiteFailed] = []
    idle: list[SiteApplied] = []
    unwritable: Diagnostic | None = None
    async for result in results:
        planned = result.planned if isinstance(result, Prepared) else result
        if isinstance(result, Prepared):
            ready.add(result)
        if isinstance(planned, SiteFailed):
            unplanned.append(planned)
            failed += planned.problems
            refused += planned.problems if planned.refused else ()
        else:
            refused += planned.plan.refusals
            left = planned.tally.still_going_out or planned.tally.in_doubt
            if planned.plan.refusals or (left and not isinstance(result, Prepared)):
                idle.append(SiteApplied(planned.if_idle, planned.labels))
            unwritable = unwritable or planned.unwritable
        totals.add(planned)
        if target_check is not None:
            target_check.add(planned.name, planned.reached if isinstance(planned, SitePlanned) else None)
        report_result(planned, run.emit)
    if target_check is not None:
        for warning in target_check.check():
            run.emit(Notice(warning))
    report_clock_skew(run.session, run.emit)
    completed = totals.completed(run.session.project.policy, others, alone)
    completed = totals.judged_public(completed, of, covers_all=covers_all)
    return Judged(completed, ready, tuple(refused), tuple(failed), tuple(unplanned), tuple(idle), unwritable)


def _show(run: ApplyRun, judged: Judged, *, whole: bool) -> Judged:
    """Reports the plan of all sites. If the run is refused as a `whole`, posts that it would have stopped go out."""
    completed = judged.completed
    if whole:
        stopped = [post for prepared in judged.ready for post in stopped_by(prepared.plan)]
        completed = with_nothing_stopped(completed, stopped)
    run.emit(completed)
    return replace(judged, completed=completed)


async def _finish(
    run: ApplyRun,
    judged: Judged,
    refusals: tuple[Diagnostic, ...],
    *,
    whole: bool,
    begin: Callable[[], Awaitable[None]] | None = None,
) -> ApplyCompleted | Refused:
    """Asks for approval, and carries out what is ready; nothing if the run as a `whole` is refused, or every site.

    `begin` is awaited just before the first write.
    """
    completed, unwritable = judged.completed, judged.unwritable
    every = unwritable is None and completed.refused == completed.sites
    if refusals and (whole or every):
        unstopped = completed.tally.still_going_out  # the plan has named them
        return _refuse(run, Refused(refusals[0], len(refusals) - 1, completed.failed, unstopped=unstopped))
    unstopped = sum(len(site.ledger.still_going_out) for site in judged.idle)  # the others are in `_going_out`
    allow_publish = False
    if judged.ready and unwritable is None:
        try:
            decision = await run.terms.decide(_proposal(judged))
        except asyncio.CancelledError:
            run.terms.undecided(_going_out(judged, IF_NOTHING_DONE), unstopped)
            raise
        if not decision.apply:
            going_out = _going_out(judged, IF_NOTHING_DONE)
            if decision.refusal == DECLINED:  # whoever says no to a regeneration keeps the posts that it would replace
                going_out = tuple(found for found in going_out if found.post.reason is not Reason.REPLACED)
            return _refuse(run, Refused(decision.refusal, 0, completed.failed, going_out, unstopped))
        allow_publish = decision.allow_publish
        unwritable = await unwritable_state(run)
    if unwritable is not None:
        going_out = _going_out(judged, IF_UNWRITABLE)
        return _refuse(run, Refused(unwritable, 0, completed.failed, going_out, unstopped, unwritable=True))
    if judged.ready and begin is not None:
        await begin()
    done = await carry_out(run, completed, judged.ready, judged.unplanned, judged.idle, allow_publish=allow_publish)
    run.emit(done)
    return done


def _proposal(judged: Judged) -> Proposal:
    public, found = ActionClass.PUBLIC, judged.ready.classes
    return Proposal(judged.completed, len(judged.ready), public in found, found <= {public})


def _going_out(judged: Judged, why: Diagnostic) -> tuple[GoingOut, ...]:
    """The posts that go out although they are no longer wanted, if nothing is carried out."""
    return tuple(
        GoingOut(post, prepared.plan.time_zone)
        for prepared in judged.ready
        for post in left_to_go_out(prepared.plan, why)
    )


def _refuse(run: ApplyRun, refused: Refused) -> Refused:
    run.emit(refused)
    return refused
