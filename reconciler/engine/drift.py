"""`drift`: reads sites and says what moved. It holds nothing that can write, and takes no lock."""

from __future__ import annotations

from collections.abc import AsyncIterator

from msgspec.structs import replace

from reconciler.api.client import ReadClient
from reconciler.config.sites import SiteEntry
from reconciler.engine.fleet import Turn, named_by_file, over_sites
from reconciler.engine.plan import judged
from reconciler.engine.results import DriftCompleted, Emit, Phase, PhaseStarted, SiteDrifted, SiteFailed
from reconciler.engine.selection import Selection
from reconciler.engine.session import RunContext, Session, begin, plan_options
from reconciler.engine.undeclared import tell_undeclared
from reconciler.executor.observe import observe_and_plan
from reconciler.planner.drift import find_drift
from reconciler.planner.drift_report import DriftTally, Finding
from reconciler.planner.guards import judge_run
from reconciler.planner.reached import Reach, reached_at
from reconciler.planner.tally import PlanTally, tally_of
from reconciler.planner.targets import Named, apply_targets, keeps


async def drift_sites(
    session: Session[ReadClient], selection: Selection, context: RunContext, emit: Emit
) -> DriftCompleted:
    """Audits all sites of a selection. Raises InvalidFiles and UsageError for what is wrong with the run as a whole."""
    begin("drift", selection, emit, session)
    undeclared = await tell_undeclared(session, selection, context, emit)
    emit(PhaseStarted(Phase.READING, len(selection)))
    totals = DriftTotals(Reach(context.targets, selection.entries))
    async for result in drifts(session, selection, context, emit, totals):
        totals.add(result)
        emit(result)
    totals.reach.check()
    refusals = (*judge_run((totals.plans,), session.project.policy), *undeclared)
    completed = DriftCompleted(totals.sites, totals.tally, totals.failed, totals.refused, refusals)
    emit(completed)
    return completed


class DriftTotals:
    """What is kept of all sites: numbers. `plans` is what an apply of the same sites would do."""

    def __init__(self, reach: Reach) -> None:
        self.reach = reach
        self.sites = 0
        self.failed = 0
        self.refused = 0
        self.tally = DriftTally()
        self.plans = PlanTally()

    def add(self, result: SiteDrifted | SiteFailed) -> None:
        """One site more."""
        self.sites += 1
        if isinstance(result, SiteFailed):
            self.failed += 1
            self.reach.add(result.name, None)
            return
        self.tally += result.report.tally
        self.refused += bool(result.report.refusals)


def drifts(
    session: Session[ReadClient],
    selection: Selection,
    context: RunContext,
    emit: Emit = lambda _: None,
    totals: DriftTotals | None = None,
) -> AsyncIterator[SiteDrifted | SiteFailed]:
    """What moved at each site, in the order of the files; a site that cannot be read says why."""
    totals = totals or DriftTotals(Reach(context.targets, selection.entries))

    async def work(entry: SiteEntry, turn: Turn) -> SiteDrifted:
        site, desired = entry.name, entry.load()
        recorded = await session.store.load(desired.ref)
        options = plan_options(session, context, site)
        observed, plan = await observe_and_plan(session.client.reader(), desired, recorded, options)
        totals.reach.add(site, reached_at(desired, observed, plan, context.targets))
        chosen = Named(site, desired.labels)
        # What the selection leaves out and nobody wants goes out all the same.
        whole = replace(plan, still_going_out=apply_targets(plan, context.targets, chosen).still_going_out)
        report = find_drift(desired, observed, recorded, whole, options)
        # What an apply would be refused for: the guards of the planner are in the report already.
        applied, _ = judged(session, context, desired, observed, replace(plan, refusals=()))
        totals.plans += tally_of(applied)
        wanted = keeps(context.targets, chosen)
        report = replace(
            report,
            items=tuple(
                item for item in report.items if wanted(item.address) or item.finding is Finding.STILL_GOING_OUT
            ),
            refusals=(*report.refusals, *applied.refusals),
        )
        return SiteDrifted(report, desired.labels, turn.seconds)

    return over_sites(
        selection.entries,
        work,
        named=named_by_file,
        at_once=session.parallelism,
        emit=emit,
        debug=session.debug,
    )
