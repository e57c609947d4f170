"""A saved plan, checked before the first write: whether all preconditions hold and all actions are still authorised."""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection, Iterable, Iterator, Mapping
from functools import partial
from itertools import islice
from typing import TYPE_CHECKING, assert_never

from msgspec import Struct
from msgspec.structs import replace

from reconciler.api.client import FullClient
from reconciler.config.sites import SiteEntry
from reconciler.engine.apply_run import ApplyRun, free_to_write, note_findings, resolve_earlier_calls
from reconciler.engine.fleet import Turn, over_sites
from reconciler.engine.parts import StaleAction
from reconciler.engine.plan import left_to_go_out, plan_site
from reconciler.engine.plan_file import bare
from reconciler.engine.prepared import Prepared
from reconciler.engine.problems import diagnostic_of
from reconciler.engine.run_context import RunContext
from reconciler.engine.session import Session
from reconciler.engine.site_results import AuditedSite, SiteFailed, SitePlanned
from reconciler.engine.unseen import unseen_after, unseen_at
from reconciler.executor.ended_since import with_ended
from reconciler.executor.kinds.base import Moment
from reconciler.executor.saved import RightLost, StalePlan, check_saved
from reconciler.model.address import Address, Labels, SiteName
from reconciler.model.diagnostics import Diagnostic
from reconciler.model.sites import RecordedSite
from reconciler.planner.actions import Plan, StillGoingOut
from reconciler.planner.guards import judge_strictly
from reconciler.planner.rights import RIGHT_LOST, plans_posts, regenerates_on_request, rights_lost, what_is_left
from reconciler.planner.targets import SiteLabels
from reconciler.planner.unseen import UnseenPosts
from reconciler.planner.unstopped import BY_SAVED_PLAN, IF_PLAN_REFUSED, IF_REFUSED, beyond_saved

if TYPE_CHECKING:  # few runs have any
    from reconciler.engine.workers import Workers


class CheckedSite(Struct, frozen=True):
    """A site of a saved plan, and what no longer holds in its plan. The site is `Prepared` only if everything holds."""

    site: SitePlanned | Prepared
    stale: tuple[StaleAction, ...] = ()


def checked(
    run: ApplyRun, plans: Collection[Plan], files: Mapping[SiteName, SiteEntry], *, moved: bool, again: bool
) -> AsyncIterator[CheckedSite | SiteFailed]:
    """Checks whether all preconditions hold and all actions are still authorised, in the order of the plans.

    `moved`: the project file has changed since the plans were made. With `again`, a site may have been begun: what is
    left of its plan replaces the plan.
    """
    if run.session.workers is not None:
        return _by_workers(run.session.workers, run, plans, files, moved=moved, again=again)
    return check(run, plans, files, moved=moved, again=again)


async def _by_workers(
    workers: Workers,
    run: ApplyRun,
    plans: Collection[Plan],
    files: Mapping[SiteName, SiteEntry],
    *,
    moved: bool,
    again: bool,
) -> AsyncIterator[CheckedSite | SiteFailed]:
    from reconciler.engine.parts import Checking, Ready, StaleSite
    from reconciler.engine.workers import SiteBatch, in_parts, lost_sites, part_size

    def lost(part: SiteBatch) -> AsyncIterator[SiteFailed]:
        assert isinstance(part.job, Checking)
        return lost_sites(part.job.plans, partial(_named, files=files), partial(_unseen, run.session, files))

    def parts() -> Iterator[SiteBatch]:
        left, size = iter(plans), part_size(len(plans), workers.count)
        while some := tuple(islice(left, size)):
            entries = tuple(files[plan.site.name] for plan in some if plan.site.name in files)
            yield SiteBatch(Checking(run.context, run.terms.lock_timeout, moved, again, some), entries)

    async for outcome in in_parts(workers, parts(), run.emit, lost):
        match outcome:
            case Ready(planned=planned, recorded=recorded):
                yield CheckedSite(Prepared(planned, files[planned.name], recorded))
            case StaleSite(planned=planned, stale=stale):
                yield CheckedSite(planned, stale)
            case SitePlanned():
                yield CheckedSite(outcome)
            case SiteFailed():
                yield outcome
            case AuditedSite():
                raise AssertionError(outcome)
            case _:
                assert_never(outcome)


def check(
    run: ApplyRun, plans: Iterable[Plan], files: Mapping[SiteName, SiteEntry], *, moved: bool, again: bool
) -> AsyncIterator[CheckedSite | SiteFailed]:
    """Like `checked`, but in this process."""
    session = run.session

    async def work(plan: Plan, turn: Turn) -> CheckedSite:
        labels, entry = _named(plan, files).labels, files.get(plan.site.name)
        if run.context.strict:
            plan = replace(plan, refusals=(*plan.refusals, *judge_strictly(plan)))
        if plan.refusals or not plan.actions:
            unwritable = None
            if not plan.refusals and entry is not None and not entry.problems and bare(plan) is plan:
                unwritable = await _note_today(run, plan, entry, turn)
            plan = replace(plan, still_going_out=await _unwanted_since(run, plan, entry, turn, moved=moved))
            if entry is None or entry.problems or entry.load().digest != plan.config:
                plan = replace(plan, to_review=())  # what was waiting may have been decided since
            return CheckedSite(replace(_planned(plan, labels, turn), unwritable=unwritable))
        planned = _planned(plan, labels, turn)
        if entry is not None and entry.problems:
            going_out = (await unseen_at(session, entry, BY_SAVED_PLAN)).going_out
            planned = planned.with_plan(replace(plan, still_going_out=tuple(each.post for each in going_out)))
            return CheckedSite(planned, tuple(StaleAction(plan.site.name, "", problem) for problem in entry.problems))
        if entry is None or (entry.id, entry.load().ref) != (plan.site.id, plan.site):
            what = f"the project has no site {plan.site.name} with this id and these credentials"
            lost = RightLost(plan.site.name, Address(plan.site.name), Diagnostic(RIGHT_LOST, what))
            return CheckedSite(planned, _stale([lost]))
        return await _check_site(run, planned, entry, turn, again=again)

    return over_sites(
        plans,
        work,
        named=partial(_named, files=files),
        at_once=session.parallelism,
        emit=run.emit,
        unseen=partial(_unseen, session, files),
        debug=session.debug,
    )


def _planned(plan: Plan, labels: Labels, turn: Turn) -> SitePlanned:
    """A site of a saved plan. Until it is read again, it is not certain that nothing goes public there."""
    return replace(SitePlanned.saved(plan), labels=labels, seconds=turn.seconds, nothing_public=False)


async def _check_site(run: ApplyRun, planned: SitePlanned, entry: SiteEntry, turn: Turn, *, again: bool) -> CheckedSite:
    """Checks the preconditions of one site's plan and, against a plan made now, whether it is still authorised."""
    session, plan, desired = run.session, planned.plan, entry.load()
    await free_to_write(run, plan.site)
    recorded, ended, unwritable = await resolve_earlier_calls(run, plan.site, desired)
    plan = with_ended(plan, ended)
    planned = replace(planned.with_plan(plan), unwritable=unwritable)
    moment = Moment(recorded, desired.approvals, session.clock.now(), plan.time_zone)
    found: list[StalePlan | RightLost] = [*await check_saved(plan, session.client.reader(), moment)]
    if found and again:
        today = (await plan_site(session, RunContext(), desired, recorded, turn)).plan
        planned = replace(planned, seconds=turn.seconds)
        return CheckedSite(_begun(planned, today, tuple(map(diagnostic_of, found)), entry, recorded))
    asked = frozenset({plan.site.name}) if regenerates_on_request(plan) else frozenset()
    as_made = RunContext(regenerate=asked, publish=plans_posts(plan))
    planned_today = await plan_site(session, as_made, desired, recorded, turn)
    today, certain = planned_today.plan, SitePlanned.saved(plan).nothing_public and planned_today.nothing_public
    planned = replace(planned, nothing_public=certain, warnings=planned_today.warnings)
    if not found:
        lost = rights_lost(plan, today, desired, session.project.policy)
        found = [RightLost(plan.site.name, action.address, why) for action, why in lost]
    going_out = left_to_go_out(today, IF_PLAN_REFUSED) if found else beyond_saved(plan, today)
    undecided = {draft.address for draft in today.to_review}
    to_review = tuple(draft for draft in plan.to_review if draft.address in undecided)
    planned = planned.with_plan(replace(plan, still_going_out=going_out, to_review=to_review))
    return CheckedSite(planned, _stale(found)) if found else CheckedSite(Prepared(planned, entry, recorded))


def _begun(
    planned: SitePlanned, today: Plan, found: tuple[Diagnostic, ...], entry: SiteEntry, recorded: RecordedSite
) -> SitePlanned | Prepared:
    """A site whose plan was begun: what is left of it, or the site refused because of what no longer holds."""
    left = what_is_left(planned.plan, today)
    if left is None:
        going_out = left_to_go_out(today, IF_REFUSED)
        return planned.with_plan(replace(planned.plan, refusals=found, still_going_out=going_out))
    planned = planned.with_plan(replace(left, still_going_out=beyond_saved(planned.plan, today)))
    return Prepared(planned, entry, recorded) if left.actions else planned


def _named(plan: Plan, files: Mapping[SiteName, SiteEntry]) -> SiteLabels:
    entry = files.get(plan.site.name)
    return SiteLabels(plan.site.name, entry.labels if entry else ())


async def _unseen(
    session: Session[FullClient], files: Mapping[SiteName, SiteEntry], plan: Plan, error: Exception
) -> UnseenPosts:
    return await unseen_after(session, files.get(plan.site.name), error)


def _stale(found: Iterable[StalePlan | RightLost]) -> tuple[StaleAction, ...]:
    return tuple(StaleAction(why.site, str(why.address), diagnostic_of(why)) for why in found)


async def _unwanted_since(
    run: ApplyRun, plan: Plan, entry: SiteEntry | None, turn: Turn, *, moved: bool
) -> tuple[StillGoingOut, ...]:
    """What goes out unwanted on a site where the saved plan does nothing.

    The site is read again only if posts are waiting there and its files or its approvals have changed; otherwise these
    and the state are enough.
    """
    session = run.session
    if entry is None or entry.problems or (entry.id, entry.load().ref) != (plan.site.id, plan.site):
        return plan.still_going_out
    unseen = await unseen_at(session, entry, BY_SAVED_PLAN)
    changed = moved or entry.load().digest != plan.config
    if changed and (unseen.going_out or unseen.waiting):
        recorded = await session.store.load(plan.site)
        return beyond_saved(plan, (await plan_site(session, RunContext(), entry.load(), recorded, turn)).plan)
    said = {post.address for post in plan.still_going_out}
    return (*plan.still_going_out, *(each.post for each in unseen.going_out if each.post.address not in said))


async def _note_today(run: ApplyRun, plan: Plan, entry: SiteEntry, turn: Turn) -> Diagnostic | None:
    """Records what a site's plan with nothing to do found: the first run's baseline, or what became of posts.

    The site is read again, because the saved plan may be hours old. Anything that has come up since is for another
    plan. If nothing can be written to the state, the reason is returned.
    """
    desired = entry.load()
    known = (await run.session.store.load(plan.site)).is_known
    if (known and not plan.ended) or desired.ref != plan.site:
        return None
    await free_to_write(run, plan.site)
    recorded, _, unwritable = await resolve_earlier_calls(run, plan.site, desired)
    today = (await plan_site(run.session, RunContext(), desired, recorded, turn)).plan
    if unwritable is None and not today.actions and not today.refusals:
        return await note_findings(run, today, desired, recorded)
    return unwritable
