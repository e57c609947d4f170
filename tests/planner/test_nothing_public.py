"""`Nothing goes public.` is said only if it is certain."""

from __future__ import annotations

from datetime import timedelta

import pytest
from msgspec.structs import replace

from reconciler.engine.plan_totals import PlanTotals
from reconciler.engine.site_results import SiteFailed, SitePlanned
from reconciler.model.address import Address, Kind
from reconciler.model.diagnostics import Diagnostic
from reconciler.model.journal import OpenEntry, UnreadableCall
from reconciler.model.marketing_plan import DesiredMarketingPlan, MarketingPlan, PlanStatus
from reconciler.model.posts import PostStatus, Unrecognised
from reconciler.model.schedule import CancelPost, SchedulePost
from reconciler.model.sites import DesiredSite, ObservedSite, PostOutcome, RecordedSite
from reconciler.planner.actions import Action, Plan, Reason, StillGoingOut
from reconciler.planner.nothing_public import nothing_public
from reconciler.planner.tally import PlanTally
from tests.planner.publishing_world import (
    ANY_RULE,
    KNOWN,
    NOW,
    SHOP,
    activity,
    approved,
    desired,
    plan,
    post,
    scheduled_before,
    site,
)

DRAFT = post("d1")
IDEA = activity("a", DRAFT)
AT = NOW + timedelta(days=2)
ADDRESS = Address(SHOP.name, Kind.DRAFT, "d1")
CANCEL = CancelPost(DRAFT.id, IDEA.id, DRAFT.channel, AT, "")


def sure(wanted: DesiredSite, observed: ObservedSite, recorded: RecordedSite = KNOWN) -> bool:
    return nothing_public(observed, recorded, plan(wanted, observed, recorded))


def entry(operation: CancelPost | UnreadableCall) -> RecordedSite:
    return replace(KNOWN, open=(OpenEntry("1", ADDRESS, operation, NOW),))


def test_drafts_by_themselves_do_not_go_out() -> None:
    assert sure(desired(), site(IDEA))
    assert sure(desired(), replace(site(), marketing_plan=MarketingPlan(PlanStatus.NEVER_CREATED)))


def test_what_a_plan_publishes_goes_public() -> None:
    made = plan(desired(approvals=approved(IDEA)), site(IDEA))
    assert isinstance(made.actions[0].operation, SchedulePost)
    assert not nothing_public(site(IDEA), KNOWN, made)


def test_a_promise_to_publish_goes_public() -> None:
    """Under `approval: none` what a generation makes goes out."""
    fresh = replace(site(), marketing_plan=MarketingPlan(PlanStatus.NEVER_CREATED))
    wanted = replace(desired(ANY_RULE, required=False), marketing_plan=DesiredMarketingPlan())
    assert not sure(wanted, fresh)
    assert sure(replace(wanted, schedule=None), fresh)


@pytest.mark.parametrize(
    "status", [PostStatus.SCHEDULED, PostStatus.PROCESSING, PostStatus.IN_QUEUE, Unrecognised("SOON")]
)
def test_a_post_that_waits_goes_public_wanted_or_not(status: PostStatus | Unrecognised) -> None:
    """Whoever scheduled it, and whether or not its activity shows it."""
    waits = replace(DRAFT, status=status, scheduled_for=AT)
    assert not nothing_public(site(activity("a", waits)), KNOWN, Plan(SHOP))
    assert not nothing_public(replace(site(), items=((waits.id, waits),)), KNOWN, Plan(SHOP))


@pytest.mark.parametrize("status", [PostStatus.PUBLISHED, PostStatus.CANCELED, PostStatus.FAILED, PostStatus.DELETED])
def test_a_post_that_is_over_does_not_wait(status: PostStatus) -> None:
    assert nothing_public(site(activity("a", replace(DRAFT, status=status))), KNOWN, Plan(SHOP))


def test_what_the_state_has_as_scheduled_must_have_been_seen() -> None:
    ours, nothing = scheduled_before(DRAFT), Plan(SHOP)
    assert not nothing_public(site(), ours, nothing)
    assert nothing_public(site(IDEA), ours, nothing), "somebody took it back by hand"
    assert nothing_public(replace(site(), items=((DRAFT.id, None),)), ours, nothing), "somebody deleted it"
    ended = replace(ours, outcomes=(PostOutcome(DRAFT.id, PostStatus.PUBLISHED, NOW),))
    assert nothing_public(site(), ended, nothing)


@pytest.mark.parametrize("operation", [CANCEL, UnreadableCall("later")])
def test_a_call_whose_outcome_is_unknown_may_have_left_a_post_waiting(operation: CancelPost | UnreadableCall) -> None:
    assert not nothing_public(site(IDEA), entry(operation), Plan(SHOP))


@pytest.mark.parametrize(
    "live",
    [
        None,
        MarketingPlan(PlanStatus.GENERATING),
        MarketingPlan(PlanStatus.FAILED),
        MarketingPlan(PlanStatus.INACTIVE),
        MarketingPlan(Unrecognised("NEW")),
        MarketingPlan(PlanStatus.ACTIVE, shows_activities=False),
    ],
)
def test_a_marketing_plan_that_shows_nothing_says_nothing(live: MarketingPlan | None) -> None:
    assert not nothing_public(replace(site(), marketing_plan=live), KNOWN, Plan(SHOP))


def test_what_is_refused_or_still_goes_out_is_not_quiet() -> None:
    left = StillGoingOut(ADDRESS, DRAFT.id, "INSTAGRAM", "", None, AT, Reason.WITHDRAWN, (), Diagnostic("refused", ""))
    refused = plan(desired(), site(IDEA))
    assert not nothing_public(site(IDEA), KNOWN, replace(refused, still_going_out=(left,)))
    cancels = replace(refused, actions=(Action(ADDRESS, CANCEL, Reason.WITHDRAWN),))
    assert not nothing_public(site(IDEA), KNOWN, cancels)


def test_a_site_that_could_not_be_looked_at_may_hide_anything() -> None:
    totals = PlanTotals()
    totals.add(SitePlanned(Plan(SHOP), PlanTally(), nothing_public=True))
    assert totals.nothing_public
    totals.add(SiteFailed(SHOP.name, ()))
    assert not totals.nothing_public
