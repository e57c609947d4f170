"""`drift`: reads the sites and says what moved. It holds nothing that can write, and takes no lock."""

from __future__ import annotations

import os
from collections.abc import Awaitable, Callable

from msgspec.structs import replace

from reconciler.api.client import ReadClient
from reconciler.api.errors import ApiError
from reconciler.cli import exit_codes
from reconciler.cli.fleet import in_order
from reconciler.cli.options import RunOptions
from reconciler.cli.outputs import Reports, open_reports
from reconciler.cli.planning import Terms, bug_words, explained, progress, terms_of
from reconciler.cli.running import beside, run
from reconciler.cli.selection import Selection, select
from reconciler.cli.wiring import Reach, reach
from reconciler.config.project import find_project
from reconciler.config.sites import check_sites
from reconciler.executor.observe import observe_and_plan
from reconciler.model.diagnostics import InvalidFiles, UsageError
from reconciler.model.sites import DesiredSite
from reconciler.planner.drift import find_drift
from reconciler.planner.drift_report import DriftTally
from reconciler.planner.guards import judge_run, judge_strictly
from reconciler.planner.tally import PlanTally, tally_of
from reconciler.planner.targets import Named, apply_targets, keeps
from reconciler.reporters.results import Drifted, DriftResult, DriftSummary, Failed
from reconciler.state.errors import StateError


class Count:
    """What is kept of all sites: numbers."""

    def __init__(self) -> None:
        self.sites = 0
        self.failed = 0
        self.refused = 0
        self.tally = DriftTally()
        self.plans = PlanTally()

    def add(self, result: DriftResult) -> None:
        """One site more."""
        self.sites += 1
        if isinstance(result, Failed):
            self.failed += 1
            return
        self.tally += result.report.tally
        self.refused += bool(result.report.refusals)


def drift_command(options: RunOptions) -> int:
    """Runs `reconciler drift`. Returns the exit code; raises UsageError, InvalidFiles, Interrupted."""
    project = find_project(options.paths)
    selection = select(project, check_sites(project, options.paths), options.choice)
    with open_reports("drift", options.outputs, colour=options.colour, calls_of=explained(options)) as reports:
        return run(lambda _interrupts: _audit(options, selection, reports))


async def _audit(options: RunOptions, selection: Selection, reports: Reports) -> int:
    project = selection.project
    at_once = options.parallelism or project.parallelism
    async with reach(project, ReadClient, api=options.api, state=options.state, parallelism=at_once) as run_with:
        terms = terms_of(options, selection, run_with)
        count = Count()
        with progress("reading", len(selection)) as shown:

            async def work(desired: DesiredSite) -> DriftResult:
                return await _guarded(desired, lambda: _audit_site(desired, run_with, terms, count))

            async def all_sites() -> None:
                async for result in in_order(selection.sites(), work, at_once):
                    shown.site_done()
                    count.add(result)
                    reports.site_drift(result)

            await beside(all_sites(), shown.keep_alive())
    refusals = judge_run((count.plans,), project.policy)
    code = exit_codes.of_drift(failed=count.failed, refused=count.refused + len(refusals), drifted=count.tally.drifted)
    reports.drifted(DriftSummary(count.sites, count.tally, count.failed, count.refused, refusals, code))
    return code


async def _audit_site(desired: DesiredSite, run_with: Reach[ReadClient], terms: Terms, count: Count) -> Drifted:
    site = desired.ref.name
    recorded = await run_with.store.load(desired.ref)
    options = terms.options_for(site)
    observed, plan = await observe_and_plan(run_with.client.reader(), desired, recorded, options)
    report = find_drift(desired, observed, recorded, plan, options)
    named = Named(site, desired.labels)
    plan = apply_targets(plan, terms.narrowing, named)
    count.plans += tally_of(plan)
    wanted = keeps(terms.narrowing, named)
    report = replace(report, items=tuple(one for one in report.items if wanted(one.address)))
    strict = judge_strictly(plan) if terms.strict else ()
    return Drifted(replace(report, refusals=(*report.refusals, *strict)))


async def _guarded(desired: DesiredSite, work: Callable[[], Awaitable[Drifted]]) -> DriftResult:
    """The result of a site's audit; an error that concerns this site alone becomes its result."""
    try:
        return await work()
    except (ApiError, StateError) as error:
        return Failed(desired.ref.name, str(error))
    except (UsageError, InvalidFiles):
        raise  # wrong for the run as a whole, such as a missing key
    except Exception as error:
        if os.environ.get("RECONCILER_DEBUG"):
            raise
        return Failed(desired.ref.name, bug_words(error))
