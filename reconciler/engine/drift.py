"""`drift`: reads sites and reports what drifted. Its client cannot write, and it takes no lock."""

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
from reconciler.engine.plan import judged
from reconciler.engine.plan_totals import stopped_by
from reconciler.engine.renamed import with_approvals_left_behind, with_old_name
from reconciler.engine.results import DriftCompleted, Emit, Notice, Phase, PhaseStarted
from reconciler.engine.run_context import RunContext
from reconciler.engine.selection import Selection
from reconciler.engine.session import Session, begin, plan_options
from reconciler.engine.site_results import AuditedSite, SiteDrifted, SiteFailed
from reconciler.engine.undeclared import report_undeclared
from reconciler.engine.unseen import over_entries, unseen_after
from reconciler.executor.ended_since import with_ended
from reconciler.executor.observe import observe_and_plan
from reconciler.planner.actions import GoingOut
from reconciler.planner.drift import find_drift
from reconciler.planner.drift_report import DriftTally, Finding
from reconciler.planner.guards import judge_run
from reconciler.planner.reached import TargetCheck, reached_at
from reconciler.planner.regeneration_first import with_drafts_kept_back
from reconciler.planner.tally import PlanTally, tally_of
from reconciler.planner.targets import SiteLabels, apply_targets, keeps
from reconciler.planner.unstopped import with_refusal_named

if TYPE_CHECKING:  # few runs have any
    from reconciler.engine.workers import Workers


async def drift_sites(
    session: Session[ReadClient], selection: Selection, context: RunContext, emit: Emit
) -> DriftCompleted:
    """Audits all sites of a selection. Raises InvalidFiles and UsageError for what is wrong with the run as a whole."""
    begin("drift", selection, emit, session)
    await report_undeclared(session, selection, replace(context, strict=False), emit)  # an audit only names them
    await report_left_out(session, selection.left_out, emit)
    emit(PhaseStarted(Phase.READING, len(selection)))
    totals = DriftTotals(TargetCheck(context.targets, selection.entries, selection.outside))
    async for result in drifts(session, selection, context, emit, totals):
        totals.add(result)
        emit(result)
    for warning in totals.target_check.check():
        emit(Notice(warning))
    report_clock_skew(session, emit)
    refusals = judge_run((totals.plans,), session.project.policy)
    stopped = tuple(totals.stopped) if refusals else ()
    completed = DriftCompleted(totals.sites, totals.tally, totals.failed, totals.refused, refusals, stopped)
    emit(completed)
    return completed


class DriftTotals:
    """Running totals over all sites, and the unwanted posts that an apply would stop.

    `plans` is what an apply of the same sites would do.
    """

    def __init__(self, target_check: TargetCheck) -> None:
        self.target_check = target_check
        self.sites = 0
        self.failed = 0
        self.refused = 0
        self.tally = DriftTally()
        self.plans = PlanTally()
        self.stopped: list[GoingOut] = []

    def note(self, audited: AuditedSite) -> None:
        """Records what a site has and what an apply would do there, which its own result does not say."""
        self.target_check.add(audited.site.name, audited.reached)
        self.plans += audited.would
        self.stopped += audited.stopped

    def add(self, result: SiteDrifted | SiteFailed) -> None:
        """Adds a site."""
        self.sites += 1
        if isinstance(result, SiteFailed):
            self.failed += 1
            self.target_check.add(result.name, None)
            self.tally += DriftTally(still_going_out=len(result.unseen.going_out))
            return
        self.tally += result.report.tally
        self.refused += bool(result.report.refusals)


async def drifts(
    session: Session[ReadClient],
    selection: Selection,
    context: RunContext,
    emit: Emit = lambda _: None,
    totals: DriftTotals | None = None,
) -> AsyncIterator[SiteDrifted | SiteFailed]:
    """What drifted at each site, in the order of the files; a site that cannot be read says why."""
    totals = totals or DriftTotals(TargetCheck(context.targets, selection.entries, selection.outside))
    async for result in audits(session, selection, context, emit):
        if isinstance(result, SiteFailed):
            yield result
            continue
        totals.note(result)
        yield result.site


def audits(
    session: Session[ReadClient], selection: Selection, context: RunContext, emit: Emit
) -> AsyncIterator[AuditedSite | SiteFailed]:
    """What drifted at each site and what an apply would do there, in the order of the files."""
    if session.workers is not None:
        return _audits_of_workers(session, session.workers, selection.entries, context, emit)
    return over_entries(session, selection.entries, lambda entry, turn: _audit(session, context, entry, turn), emit)


async def _audits_of_workers(
    session: Session[ReadClient], workers: Workers, entries: Sequence[SiteEntry], context: RunContext, emit: Emit
) -> AsyncIterator[AuditedSite | SiteFailed]:
    from reconciler.engine.parts import Auditing
    from reconciler.engine.workers import outcomes

    async for outcome in outcomes(workers, Auditing(context), entries, emit, partial(unseen_after, session)):
        assert isinstance(outcome, AuditedSite | SiteFailed)
        yield outcome


async def _audit(session: Session[ReadClient], context: RunContext, entry: SiteEntry, turn: Turn) -> AuditedSite:
    site, desired = entry.name, entry.load()
    recorded, ended = await load_resolved(session, desired.ref)
    options = plan_options(session, context, site)
    desired = with_approvals_left_behind(desired, recorded, session)
    observed, plan = await observe_and_plan(session.client.reader(), desired, recorded, options)
    plan = with_ended(plan, ended)
    plan = with_drafts_kept_back(plan, context.targets, desired, observed, recorded, options)
    plan = with_old_name(plan, observed, recorded, session)
    chosen = SiteLabels(site, desired.labels)
    refusals = apply_targets(plan, context.targets, chosen).refusals
    # What an apply would do, and what else would refuse it: policy checks, or `--strict`.
    applied, _ = judged(session, context, desired, observed, replace(plan, refusals=()))
    # Unwanted posts that the selection leaves out still go out, and so do those at a site that is refused.
    due = with_refusal_named(replace(applied, refusals=(*refusals, *applied.refusals)))
    whole = replace(plan, still_going_out=due.still_going_out, notes=due.notes, refusals=refusals)
    report = find_drift(desired, observed, recorded, whole, options)
    wanted = keeps(context.targets, chosen)
    shown = replace(
        report,
        items=tuple(item for item in report.items if wanted(item.address) or item.finding is Finding.STILL_GOING_OUT),
        refusals=(*report.refusals, *applied.refusals),
    )
    return AuditedSite(
        SiteDrifted(shown, desired.labels, turn.seconds),
        tally_of(due),
        reached_at(desired, observed, plan, context.targets),
        () if shown.refusals else stopped_by(applied),
    )
