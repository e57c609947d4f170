"""`apply PLANFILE`: carries out a saved plan exactly, once, while it is still true (design.md 3.4).

Before the first write: the file is whole, its time is not up, nobody applied it before, no guard refuses it,
and on every site every precondition of every action still holds. Each is checked again just before its write.
"""

from __future__ import annotations

import sys
from pathlib import Path

from msgspec.structs import replace

from reconciler.api.client import FullClient
from reconciler.cli.applying import Apply, Held, Permissions
from reconciler.cli.asking import can_ask
from reconciler.cli.exit_codes import ExitCode
from reconciler.cli.fleet import in_order
from reconciler.cli.options import Choice, RunOptions
from reconciler.cli.outputs import Reports, open_reports
from reconciler.cli.planning import Count, Terms, explained, guarded, progress
from reconciler.cli.running import Interrupts, beside, run
from reconciler.cli.saving import read_plan, saved_as
from reconciler.cli.wiring import Reach, reach
from reconciler.config.project import Project, find_project
from reconciler.config.sites import check_sites, load_entries
from reconciler.executor.events import Emit
from reconciler.executor.open_entries import resolve_open
from reconciler.executor.saved import StalePlan, check_saved
from reconciler.model.address import SiteName
from reconciler.model.diagnostics import InvalidFiles, UsageError
from reconciler.model.sites import DesiredSite
from reconciler.model.text import printable
from reconciler.planner.actions import Plan
from reconciler.planner.document import PlanRefused, SavedPlan, SpentPlan
from reconciler.planner.guards import judge_run, judge_strictly
from reconciler.planner.tally import tally_of
from reconciler.planner.targets import TargetFilter
from reconciler.reporters.plan_text import refusal_words
from reconciler.reporters.results import Failed, Planned, PlanSummary, SiteResult
from reconciler.state.lease import Locked
from reconciler.state.plans import AlreadySpent, SpentPlans


class MovedOn(PlanRefused):
    """The files on disk are not those the plan was made from; with `--strict` that refuses it."""


def apply_saved_command(file: Path, options: RunOptions, permissions: Permissions) -> int:
    """Runs `reconciler apply PLANFILE`. Returns the exit code; raises UsageError, InvalidFiles, Interrupted."""
    _check_options(options)
    project = find_project([])
    asks = can_ask() and not permissions.auto_approve
    with open_reports(
        "apply", options.outputs, colour=options.colour, calls_of=explained(options), asks=asks
    ) as reports:
        try:
            saved = read_plan(file)
            _check_project(saved, project, options)
            desired = _files_of(saved, project, strict=options.strict)
        except PlanRefused as refused:
            reports.refused(str(refused), ExitCode.REFUSED)
            return ExitCode.REFUSED
        return run(lambda interrupts: _apply(saved, desired, project, options, permissions, reports, interrupts))


def _check_options(options: RunOptions) -> None:
    """A saved plan is carried out as it is; what would make it another is refused."""
    wrong = [
        name
        for name, given in (
            ("--regenerate", bool(options.regenerate)),
            ("--no-publish", not options.publish),
            ("--target, --exclude, --shard or --changed-since", options.choice != Choice()),
        )
        if given
    ]
    if wrong:
        raise UsageError(f"a saved plan is carried out as it stands: {', '.join(wrong)} goes with `plan --out`")


def _check_project(saved: SavedPlan, project: Project, options: RunOptions) -> None:
    api = options.api or project.api
    if api != saved.api:
        raise UsageError(
            f"the plan was made for the API {printable(saved.api)}, and this run is for {printable(api)}; "
            "apply it in the project it was made in, or run plan again"
        )
    for plan in saved.plans:
        if api != "sandbox" and plan.site.credentials not in project.credentials:
            raise UsageError(
                f"{plan.site.name}: the plan names the credentials {printable(plan.site.credentials)}, which "
                "the project does not have; apply it in the project it was made in"
            )


def _files_of(saved: SavedPlan, project: Project, *, strict: bool) -> dict[SiteName, DesiredSite]:
    """The site files as they are now, for what people decided in the approvals; says where they moved on.

    Raises MovedOn under `--strict`.
    """
    names = {plan.site.name for plan in saved.plans}
    try:
        index = check_sites(project, [])
        entries = tuple(one for one in index.entries if one.name in names)
        found = {one.ref.name: one for one in load_entries(project, entries)}
        what = _moved_on(saved, found)
    except (InvalidFiles, UsageError):
        found, what = {}, "the files of the project cannot be read any more"
    if not what:
        return found
    if strict:
        raise MovedOn(f"{what}, and --strict is given; run plan again")
    sys.stderr.write(f"warning: {what}; what is carried out is the saved plan\n")
    return found


def _moved_on(saved: SavedPlan, found: dict[SiteName, DesiredSite]) -> str:
    moved = [
        plan.site.name
        for plan in saved.plans
        if plan.site.name not in found or found[plan.site.name].digest != plan.config
    ]
    if not moved:
        return ""
    names = ", ".join(moved[:3]) + (f" and {len(moved) - 3} more" if len(moved) > 3 else "")
    return f"the files have moved on since the plan was made: {names}"


async def _apply(
    saved: SavedPlan,
    desired: dict[SiteName, DesiredSite],
    project: Project,
    options: RunOptions,
    permissions: Permissions,
    reports: Reports,
    interrupts: Interrupts,
) -> int:
    at_once = options.parallelism or project.parallelism
    async with reach(project, FullClient, api=options.api, state=options.state, parallelism=at_once) as run_with:
        terms = Terms(project, run_with.clock, TargetFilter(), frozenset(), publish=True, strict=options.strict)
        apply = ApplySaved(run_with, terms, permissions, interrupts, at_once)
        spent = SpentPlans(run_with.store.store)
        now, spent_at = run_with.clock.now(), await spent.spent_at(saved.seal)
        reports.saved(saved_as(saved, now, spent_at))
        try:
            if spent_at is not None:
                raise SpentPlan(spent_at)
            saved.check_expiry(now)
            summary = await apply.check_all(saved, desired, reports)
            reports.planned(summary)
            if (reason := await apply.hindrance(summary)) is not None:
                code = ExitCode.ERROR if summary.failed else ExitCode.REFUSED
                reports.refused(reason, code)
                return code
            if apply.holds_any:
                # A person may have thought about it for long; nothing has been written until here.
                saved.check_expiry(run_with.clock.now())
                await spent.mark_spent(saved.seal, run_with.clock.now())
            return await apply.carry_out(summary, reports)
        except PlanRefused as refused:
            reports.refused(str(refused), ExitCode.REFUSED)
            return ExitCode.REFUSED
        except AlreadySpent as already:
            reports.refused(str(SpentPlan(already.when)), ExitCode.REFUSED)
            return ExitCode.REFUSED
        finally:
            await apply.release()


class ApplySaved(Apply):
    """An `apply` whose plans are read from a file, and only checked against the sites."""

    def __init__(
        self,
        run_with: Reach[FullClient],
        terms: Terms,
        permissions: Permissions,
        interrupts: Interrupts,
        at_once: int,
    ) -> None:
        super().__init__(run_with, terms, permissions, interrupts, at_once)
        self._stale: list[StalePlan] = []
        self._missing: list[Failed] = []

    async def hindrance(self, summary: PlanSummary) -> str | None:
        """Why nothing may be done. A saved plan is carried out on all its sites or on none."""
        found = [str(one) for one in sorted(self._stale, key=lambda one: (one.site, str(one.address)))]
        found += [f"{one.site}: {one.message}" for one in self._missing]
        if not found:
            return await super().hindrance(summary)
        for one in found[1:]:
            sys.stderr.write(f"also: {printable(one)}\n")
        return found[0] + (f" (and {len(found) - 1} more)" if len(found) > 1 else "")

    async def check_all(self, saved: SavedPlan, desired: dict[SiteName, DesiredSite], reports: Reports) -> PlanSummary:
        """Takes the leases and checks every precondition on every site."""
        count = Count()
        with progress("checking", len(saved.plans)) as shown:

            async def work(plan: Plan) -> SiteResult:
                return await guarded(plan.site, lambda: self._check(plan, desired.get(plan.site.name), shown.see))

            async def all_sites() -> None:
                async for result in in_order(saved.plans, work, self._at_once):
                    shown.site_done()
                    self._take(result, count, reports)
                    if isinstance(result, Failed):
                        self._missing.append(result)

            await beside(all_sites(), shown.keep_alive())
        refusals = judge_run((count.tally,), self._terms.project.policy)
        self._refusals[:0] = [refusal_words(one) for one in refusals]
        return replace(count.summary(), refusals=refusals)

    async def _check(self, plan: Plan, desired: DesiredSite | None, emit: Emit) -> SiteResult:
        """One site: its plan, or why the run must not begin."""
        if self._terms.strict:
            plan = replace(plan, refusals=(*plan.refusals, *judge_strictly(plan)))
        planned = Planned(plan, tally_of(plan))
        if plan.refusals or not plan.actions:
            return planned
        try:
            lease = await self._leases.acquire(plan.site.name, self._permissions.lock_timeout)
        except Locked as locked:
            return Failed(plan.site.name, str(locked), refused=True)
        kept = False
        try:
            if lease.taken_over:
                sys.stderr.write(f"note: {printable(lease.taken_over)}\n")
            journal = await self._with.store.open_journal(plan.site, lease)
            ports = self._ports(journal, desired, self._with.clock)
            await resolve_open(plan.site, ports, self._options(plan.site.name), emit)
            if stale := await check_saved(plan, ports):
                self._stale += stale
                return planned
            self._held[plan.site.name] = Held(plan, desired, journal, lease)
            kept = True
            return planned
        finally:
            if not kept:
                await lease.release()
