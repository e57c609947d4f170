"""`plan`: reads the sites and shows what would change. It holds nothing that can write."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path

from msgspec import Struct
from msgspec.structs import replace

from reconciler.api.calls import all_calls_of
from reconciler.api.client import ReadClient
from reconciler.api.errors import ApiError
from reconciler.cli import exit_codes
from reconciler.cli.fleet import in_order
from reconciler.cli.options import RunOptions
from reconciler.cli.outputs import Reports, open_reports
from reconciler.cli.running import beside, run
from reconciler.cli.saving import Saving
from reconciler.cli.selection import Selection, regenerated, select
from reconciler.cli.wiring import Reach, monotonic, reach
from reconciler.config.project import Project, find_project
from reconciler.config.sites import check_sites
from reconciler.executor.observe import observe_and_plan
from reconciler.executor.ports import Clock, Reader
from reconciler.model.address import SiteName
from reconciler.model.diagnostics import InvalidFiles, UsageError
from reconciler.model.operations import Operation
from reconciler.model.sites import DesiredSite, RecordedSite, SiteRef
from reconciler.planner.guards import judge_run, judge_strictly
from reconciler.planner.options import PlanOptions
from reconciler.planner.tally import PlanTally, tally_of
from reconciler.planner.targets import Named, TargetFilter, apply_targets
from reconciler.reporters.progress import Progress, Watch
from reconciler.reporters.results import CallsOf, Failed, Planned, PlanSummary, SiteResult
from reconciler.state.errors import StateError


class Terms(Struct, frozen=True):
    """What plans of this run are made by, besides the three sides of a site."""

    project: Project
    clock: Clock
    narrowing: TargetFilter
    regenerate: frozenset[SiteName]
    publish: bool
    strict: bool

    def options_for(self, site: SiteName) -> PlanOptions:
        return PlanOptions(
            now=self.clock.now(),
            policy=self.project.policy,
            regenerate=site in self.regenerate,
            publish=self.publish,
            patience=self.project.poll_timeout,
        )


def plan_command(options: RunOptions, *, detailed: bool, out: Path | None = None) -> int:
    """Runs `reconciler plan`; `out` is where the plan is saved. Returns the exit code; raises UsageError,
    InvalidFiles, Interrupted."""
    project = find_project(options.paths)
    selection = select(project, check_sites(project, options.paths), options.choice)
    with open_reports("plan", options.outputs, colour=options.colour, calls_of=explained(options)) as reports:
        return run(lambda _interrupts: _plan(options, selection, reports, detailed=detailed, out=out))


async def _plan(
    options: RunOptions, selection: Selection, reports: Reports, *, detailed: bool, out: Path | None
) -> int:
    project = selection.project
    at_once = options.parallelism or project.parallelism
    async with reach(project, ReadClient, api=options.api, state=options.state, parallelism=at_once) as run_with:
        terms = terms_of(options, selection, run_with)
        count, saving = Count(), Saving(out)
        with progress("planning", len(selection)) as shown:

            async def work(desired: DesiredSite) -> SiteResult:
                return await guarded(desired.ref, lambda: _plan_site(desired, run_with, terms))

            async def all_sites() -> None:
                async for result in in_order(selection.sites(), work, at_once):
                    shown.site_done()
                    count.add(result)
                    saving.add(result)
                    reports.site(result)

            await beside(all_sites(), shown.keep_alive())
        made_at = run_with.clock.now()
    refusals = judge_run((count.tally,), project.policy)
    code = exit_codes.of_plans(
        failed=count.failed,
        refused=count.refused + len(refusals),
        changes=count.summary().changes,
        detailed=detailed,
    )
    reports.planned(replace(count.summary(), refusals=refusals, exit_code=code))
    saving.write(options.api or project.api, made_at)
    return code


async def _plan_site(desired: DesiredSite, run_with: Reach[ReadClient], terms: Terms) -> Planned:
    recorded = await run_with.store.load(desired.ref)
    return await make_plan_of(desired, recorded, run_with.client.reader(), terms)


async def make_plan_of(desired: DesiredSite, recorded: RecordedSite, reader: Reader, terms: Terms) -> Planned:
    """Reads a site and plans it, as the run's terms have it. Raises ApiError."""
    site = desired.ref.name
    observed, plan = await observe_and_plan(reader, desired, recorded, terms.options_for(site))
    plan = apply_targets(plan, terms.narrowing, Named(site, desired.labels))
    if terms.strict:
        plan = replace(plan, refusals=(*plan.refusals, *judge_strictly(plan)))
    return Planned(plan, tally_of(plan), tuple(sorted(need.value for need in observed.had_reads)))


class Count:
    """What is kept of all sites: numbers."""

    def __init__(self) -> None:
        self.sites = 0
        self.failed = 0
        self.refused = 0
        self.tally = PlanTally()

    def add(self, result: SiteResult) -> None:
        """One site more."""
        self.sites += 1
        if isinstance(result, Failed):
            self.failed += not result.refused
            self.refused += result.refused
        else:
            self.tally += result.tally
            self.refused += bool(result.plan.refusals)

    def summary(self) -> PlanSummary:
        return PlanSummary(self.sites, self.tally, self.failed, self.refused)


async def guarded(ref: SiteRef, work: Callable[[], Awaitable[SiteResult]]) -> SiteResult:
    """The result of a site's work; an error that concerns this site alone becomes its result."""
    try:
        return await work()
    except (ApiError, StateError) as error:
        return Failed(ref.name, str(error))
    except (UsageError, InvalidFiles):
        raise  # wrong for the run as a whole, such as a missing key
    except Exception as error:
        if os.environ.get("RECONCILER_DEBUG"):
            raise
        return Failed(ref.name, bug_words(error))


def bug_words(error: BaseException) -> str:
    """What a site says that stumbled over a bug, so that the others can go on."""
    return (
        f"this is a bug in reconciler: {type(error).__name__}: {error}; please report it with this text "
        "(RECONCILER_DEBUG=1 shows where it happened)"
    )


def terms_of(options: RunOptions, selection: Selection, run_with: Reach[ReadClient]) -> Terms:
    """The terms of a run. Raises UsageError for `--regenerate` of a site that is not in it."""
    return Terms(
        project=selection.project,
        clock=run_with.clock,
        narrowing=selection.narrowing,
        regenerate=regenerated(options.regenerate, selection),
        publish=options.publish,
        strict=options.strict,
    )


def explained(options: RunOptions) -> CallsOf | None:
    """How `--explain` names the calls of an operation; None without it."""
    return names_of_calls if options.explain else None


def names_of_calls(operation: Operation, site: SiteRef) -> tuple[str, ...]:
    """The API calls of an operation, with their bodies."""
    from reconciler.model.canonical import canonical_text

    calls = all_calls_of(operation, site)
    return tuple(f"{call} {canonical_text(call.body) if call.body is not None else ''}".rstrip() for call in calls)


def progress(phase: str, total: int) -> Progress:
    """Progress on stderr."""
    return Progress(
        phase, total, Watch(monotonic, asyncio.sleep), sys.stderr.write, terminal=sys.stderr.isatty() and total > 0
    )
