"""`plan`: reads sites and reports what would change. Its client cannot write."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from functools import partial
from typing import TYPE_CHECKING

from msgspec.structs import replace

from reconciler.api.client import ReadClient
from reconciler.config.sites import SiteEntry
from reconciler.engine.clock_skew import report_clock_skew
from reconciler.engine.earlier_calls import load_resolved
from reconciler.engine.fleet import Turn
from reconciler.engine.left_out import report_left_out
from reconciler.engine.plan_totals import PlanTotals
from reconciler.engine.policy_checks import PolicyContext, judge_by_checks
from reconciler.engine.renamed import with_approvals_left_behind, with_old_name
from reconciler.engine.results import Emit, Notice, Phase, PhaseStarted, PlanCompleted
from reconciler.engine.run_context import RunContext
from reconciler.engine.selection import Selection
from reconciler.engine.session import Session, begin, plan_options
from reconciler.engine.site_results import SiteFailed, SitePlanned
from reconciler.engine.undeclared import report_each, undeclared_sites
from reconciler.engine.unseen import over_entries, unseen_after
from reconciler.executor.ended_since import with_ended
from reconciler.executor.observe import observe_and_plan, with_names_read
from reconciler.model.diagnostics import Diagnostic
from reconciler.model.sites import DesiredSite, Need, ObservedSite, RecordedSite
from reconciler.planner.actions import GoingOut, Plan, StillGoingOut
from reconciler.planner.guards import judge_strictly
from reconciler.planner.nothing_public import nothing_public
from reconciler.planner.reached import TargetCheck, idle_regeneration, reached_at
from reconciler.planner.regeneration_first import with_drafts_kept_back
from reconciler.planner.tally import tally_of
from reconciler.planner.targets import SiteLabels, TargetFilter, apply_targets
from reconciler.planner.unseen import UnseenPosts
from reconciler.planner.unstopped import (
    IF_NOTHING_DONE,
    still_going_out,
    stops,
    with_refusal_named,
)

if TYPE_CHECKING:  # few runs have any
    from reconciler.engine.workers import Workers


async def plan_sites(
    session: Session[ReadClient], selection: Selection, context: RunContext, emit: Emit
) -> PlanCompleted:
    """Plans all sites of a selection. Raises InvalidFiles and UsageError for what is wrong with the run as a whole."""
    begin("plan", selection, emit, session)
    undeclared = await undeclared_sites(session.store, selection, session.clock.now(), session.parallelism)
    refusals = report_each(undeclared, context, emit)
    await report_left_out(session, selection.left_out, emit)
    emit(PhaseStarted(Phase.PLANNING, len(selection)))
    totals, target_check = PlanTotals(), TargetCheck(context.targets, selection.entries, selection.outside)
    async for result in plans(session, selection, context, emit):
        totals.add(result)
        target_check.add(result.name, result.reached if isinstance(result, SitePlanned) else None)
        report_result(result, emit)
    for warning in target_check.check():
        emit(Notice(warning))
    report_clock_skew(session, emit)
    completed = totals.completed(session.project.policy)
    completed = totals.refused_by((*completed.refusals, *refusals), completed)
    completed = totals.judged_public(completed, selection.of, covers_all=covers_all(selection, context, undeclared))
    completed = totals.judged_alone(completed, session.project.policy, selection.part)
    emit(completed)
    return completed


def covers_all(selection: Selection, context: RunContext, undeclared: Sequence[object]) -> bool:
    """Whether a run is about everything that may go out on its sites, and no site is undeclared."""
    return context.publish and not undeclared and selection.targets == TargetFilter()


def plans(
    session: Session[ReadClient], selection: Selection, context: RunContext, emit: Emit = lambda _: None
) -> AsyncIterator[SitePlanned | SiteFailed]:
    """The plan of each site, in the order of the files; a site that cannot be planned says why."""
    if session.workers is not None:
        return _plans_of_workers(session, session.workers, selection.entries, context, emit)

    async def work(entry: SiteEntry, turn: Turn) -> SitePlanned:
        desired = entry.load()
        recorded, ended = await load_resolved(session, desired.ref)
        planned = await plan_site(session, context, desired, recorded, turn)
        return planned.with_plan(with_ended(planned.plan, ended)) if ended else planned

    return over_entries(session, selection.entries, work, emit)


async def _plans_of_workers(
    session: Session[ReadClient], workers: Workers, entries: Sequence[SiteEntry], context: RunContext, emit: Emit
) -> AsyncIterator[SitePlanned | SiteFailed]:
    from reconciler.engine.parts import Planning
    from reconciler.engine.workers import outcomes

    async for outcome in outcomes(workers, Planning(context), entries, emit, partial(unseen_after, session)):
        assert isinstance(outcome, SitePlanned | SiteFailed)
        yield outcome


async def plan_site(
    session: Session[ReadClient], context: RunContext, desired: DesiredSite, recorded: RecordedSite, turn: Turn
) -> SitePlanned:
    """Reads a site and plans it. Raises ApiError, and CheckFailed for a policy check."""
    options = plan_options(session, context, desired.ref.name)
    desired = with_approvals_left_behind(desired, recorded, session)
    observed, plan = await observe_and_plan(session.client.reader(), desired, recorded, options)
    reached = reached_at(desired, observed, plan, context.targets)
    plan = with_drafts_kept_back(plan, context.targets, desired, observed, recorded, options)
    plan = with_old_name(plan, observed, recorded, session)
    plan, warnings = judged(session, context, desired, observed, plan)
    actions = await with_names_read(session.client.reader(), plan.site, plan.actions)
    had_reads = observed.had_reads if actions is plan.actions else {*observed.had_reads, Need.ACCOUNT_NAMES}
    plan = replace(plan, actions=actions)
    if options.regenerate:
        reached = replace(reached, idle=idle_regeneration(desired, plan))
    reads = tuple(sorted(need.value for need in had_reads))
    return SitePlanned(
        plan,
        tally_of(plan),
        reads,
        desired.labels,
        turn.seconds,
        warnings,
        desired.inherited,
        reached,
        nothing_public(observed, recorded, plan),
        recorded.is_known,
    )


def judged(
    session: Session[ReadClient], context: RunContext, desired: DesiredSite, observed: ObservedSite, plan: Plan
) -> tuple[Plan, tuple[Diagnostic, ...]]:
    """What targets, policy checks and `--strict` leave of a plan, and the warnings of the checks.

    Raises CheckFailed.
    """
    plan = apply_targets(plan, context.targets, SiteLabels(desired.ref.name, desired.labels))
    policy_context = PolicyContext(desired, observed, session.project.policy, session.clock.now())
    plan, warnings = judge_by_checks(plan, policy_context, session.checks)
    if context.strict:
        plan = replace(plan, refusals=(*plan.refusals, *judge_strictly(plan)))
    return with_refusal_named(plan), warnings


def left_to_go_out(plan: Plan, why: Diagnostic) -> tuple[StillGoingOut, ...]:
    """The unwanted posts that go out if nothing in a plan is done."""
    return still_going_out(plan, {action: why for action in plan.actions if stops(action)})


def untouched(failed: SiteFailed, plan: Plan) -> SiteFailed:
    """A site where nothing in its plan was done, with the unwanted posts that therefore go out."""
    left = left_to_go_out(plan, IF_NOTHING_DONE)
    return replace(failed, unseen=UnseenPosts(tuple(GoingOut(post, plan.time_zone) for post in left)))


def report_result(result: SitePlanned | SiteFailed, emit: Emit) -> None:
    """Reports a site, and the warnings of policy checks."""
    if isinstance(result, SitePlanned):
        for warning in result.warnings:
            emit(Notice(warning))
    emit(result)
