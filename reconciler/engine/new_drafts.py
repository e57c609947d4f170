"""How many drafts a generation left for `review`, so that an apply suggests a review only if it would find some."""

from __future__ import annotations

from msgspec.structs import replace

from reconciler.api.errors import ApiError
from reconciler.config.sites import SiteEntry
from reconciler.engine.apply_run import ApplyRun
from reconciler.engine.session import plan_options
from reconciler.executor.ledger import ActionResult, Entry, SiteLedger
from reconciler.executor.site_cache import SiteCache
from reconciler.model.approvals import Approvals
from reconciler.model.diagnostics import UsageError
from reconciler.model.posts import ActivityId, PostStatus, PostsWrite
from reconciler.model.sites import Need, RecordedSite
from reconciler.model.writes import Verb
from reconciler.planner.candidates import Candidate, select_drafts
from reconciler.planner.options import scope_of


async def with_new_drafts(run: ApplyRun, entry: SiteEntry, recorded: RecordedSite, ledger: SiteLedger) -> SiteLedger:
    """The ledger of a site with the number of drafts that only a review shows, which is None if counting them failed.

    Reads nothing unless something was generated and the site has a schedule that asks for approvals.
    """
    done = [found for found in ledger.entries if found.result is ActionResult.DONE and _generates(found)]
    if not done or ledger.error is not None or ledger.interrupted:
        return ledger
    activities = {each.operation.activity for each in done if isinstance(each.operation, PostsWrite)}
    try:
        return replace(ledger, new_drafts=await _count(run, entry, recorded, ledger, activities))
    except (ApiError, UsageError):  # it only decides whether a review is suggested
        return replace(ledger, new_drafts=None)


async def _count(
    run: ApplyRun, entry: SiteEntry, recorded: RecordedSite, ledger: SiteLedger, activities: set[ActivityId]
) -> int:
    desired = entry.load()
    if desired.schedule is None or not desired.schedule.approval_required:
        return 0
    cache = SiteCache(ledger.site, run.session.client.reader())
    await cache.fill(activities)
    observed = replace(await cache.part(Need.MARKETING_PLAN), time_zone=ledger.time_zone)
    options = plan_options(run.session, run.context, ledger.site.name)
    plan = await cache.marketing_plan()
    found = select_drafts(
        desired.schedule.rules, plan.activities, recorded, options.policy, scope_of(observed, recorded, options)
    )
    drafts = (candidate for candidate in found.wanted if candidate.post.status is PostStatus.DRAFT)
    return sum(
        desired.approvals.draft(draft.post.id) is None
        # An activity's posts may keep their ids when they are generated again.
        or (draft.activity.id in activities and _has_changed(draft, desired.approvals, recorded))
        for draft in drafts
    )


def _has_changed(draft: Candidate, approvals: Approvals, recorded: RecordedSite) -> bool:
    verdict = approvals.verdict(
        draft.post, draft.activity.date, title=draft.activity.title, times=None, known=recorded.is_known
    )
    return bool(verdict.differences)


def _generates(entry: Entry) -> bool:
    return entry.operation.takes_time or entry.verb is Verb.WAIT
