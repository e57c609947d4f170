"""What is checked just before a call: whether a post counts as scheduled, and that nothing approved is thrown away."""

from __future__ import annotations

import asyncio

import pytest

from reconciler.executor.kinds.base import Moment
from reconciler.executor.kinds.marketing_plan import MarketingPlanKind
from reconciler.executor.kinds.schedule.conditions import is_scheduled
from reconciler.executor.site_cache import SiteCache
from reconciler.model.approvals import Approvals
from reconciler.model.marketing_plan import Discard, MarketingPlan, PlanStatus, Regenerate
from reconciler.model.posts import Post, PostId, PostStatus
from reconciler.model.sites import Need, ObservedSite, RecordedSite
from tests.planner.publishing_world import NOW, SHOP, activity, approved, post

SCHEDULED = {PostStatus.SCHEDULED, PostStatus.IN_QUEUE, PostStatus.PROCESSING, PostStatus.PUBLISHED}


@pytest.mark.parametrize("status", PostStatus)
def test_what_counts_as_scheduled(status: PostStatus) -> None:
    assert is_scheduled(Post(PostId("p"), "INSTAGRAM", "POST", status)) == (status in SCHEDULED)


class Known(SiteCache):
    """A site whose marketing plan is known already."""

    def __init__(self, live: MarketingPlan) -> None:
        self.live = live

    async def part(self, need: Need) -> ObservedSite:
        return ObservedSite(SHOP, NOW, marketing_plan=self.live)


@pytest.mark.parametrize(
    ("discardable", "yes", "status", "refused"),
    [
        (Discard.UNAPPROVED, False, PostStatus.DRAFT, False),
        (Discard.UNAPPROVED, True, PostStatus.DRAFT, True),
        (Discard.UNAPPROVED, False, PostStatus.SCHEDULED, True),
        (Discard.NOTHING, False, PostStatus.DRAFT, True),
        (Discard.ALL, True, PostStatus.DRAFT, False),
    ],
)
def test_a_regeneration_behind_a_wait_keeps_what_was_approved(
    discardable: Discard, yes: bool, status: PostStatus, refused: bool
) -> None:
    """Its plan could list nothing, because the drafts did not exist yet."""
    live = activity("a1", post("p1", status=status))
    moment = Moment(RecordedSite(), approved(live) if yes else Approvals(), NOW)
    call = Regenerate(keyword_research=False, discardable=discardable)
    site = Known(MarketingPlan(PlanStatus.ACTIVE, (live,)))
    reason = asyncio.run(MarketingPlanKind().refusal_reason(call, site, moment))
    assert (reason is not None) == refused
