"""What may be thrown away: by a run, and by each part of a file that says `state: absent`."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from msgspec.structs import replace

from reconciler.model.activities import PostsRule, RemoveActivities
from reconciler.model.approvals import ActivityDecision
from reconciler.model.marketing_plan import DesiredMarketingPlan, Discard, MarketingPlan, PlanStatus
from reconciler.model.operations import Deferred
from reconciler.model.policy import Policy
from reconciler.model.posts import ClearPosts, PostStatus
from reconciler.model.schedule import CancelPost
from reconciler.model.selectors import Match
from reconciler.model.sites import ChannelStatus, DesiredSite, Expect
from reconciler.planner.actions import BlockedBy, RefusedBy
from reconciler.planner.deferred import resolve
from reconciler.planner.guards import judge_run
from reconciler.planner.options import PlanOptions
from reconciler.planner.review_builder import plan_if_approved
from reconciler.planner.tally import tally_of
from tests.planner.publishing_world import (
    KNOWN,
    NOW,
    activity,
    approved,
    desired,
    operations,
    plan,
    post,
    reasons,
    scheduled_before,
    site,
)

LOST = ChannelStatus.DISCONNECTED
YES = activity("a", post("d1"), post("d2", "FACEBOOK"))
NO = activity("b", post("d3"))
FILE = approved(YES)


def no_posts(wanted: DesiredSite) -> DesiredSite:
    return replace(wanted, posts=(PostsRule(Match(), present=False),))


def no_activities(wanted: DesiredSite) -> DesiredSite:
    return replace(wanted, activities=(RemoveActivities(Match()),))


def no_marketing_plan(wanted: DesiredSite) -> DesiredSite:
    return replace(wanted, marketing_plan=replace(wanted.marketing_plan or DesiredMarketingPlan(), present=False))


ABSENT: dict[Callable[[DesiredSite], DesiredSite], str] = {
    no_posts: "posts[0]",
    no_activities: "activities[0]",
    no_marketing_plan: "marketingPlan",
}


def test_drafts_thrown_away_are_counted_over_all_sites_whatever_throws_them_away() -> None:
    one = activity("a", post("d1"), post("d2", "FACEBOOK"))
    tally = tally_of(plan(desired(approvals=approved(one, about=ActivityDecision.DISCARD)), site(one)))
    assert tally.discard == 2
    assert judge_run((tally, tally), Policy(max_discard=4)) == ()
    (refused,) = judge_run((tally, tally), Policy(max_discard=3))
    assert (refused.code, "discard 4 drafts" in refused.message) == (RefusedBy.MAX_DISCARD, True)


@pytest.mark.parametrize("absent", ABSENT)
@pytest.mark.parametrize(
    ("discard", "lost"),
    [
        (None, "2 approved drafts"),
        (Discard.UNAPPROVED, "2 approved drafts"),
        (Discard.NOTHING, "3 drafts"),
        (Discard.ALL, ""),
    ],
)
def test_what_is_absent_loses_its_drafts_under_the_same_guard_as_a_regeneration(
    absent: Callable[[DesiredSite], DesiredSite], discard: Discard | None, lost: str
) -> None:
    base = desired(approvals=FILE)
    if discard is not None:
        base = replace(base, marketing_plan=DesiredMarketingPlan(discard=discard))
    made = plan(absent(base), site(YES, NO))
    assert [refusal.code for refusal in made.refusals] == ([RefusedBy.DISCARD] if lost else [])
    for refused in made.refusals:
        assert f"{ABSENT[absent]} (state: absent) would discard {lost}, but" in refused.message
        assert f", or take {ABSENT[absent]} out of the site file to keep them" in refused.fix


@pytest.mark.parametrize("absent", ABSENT)
def test_what_waits_to_go_out_is_cancelled_with_what_is_absent_unless_nothing_may_go(
    absent: Callable[[DesiredSite], DesiredSite],
) -> None:
    waits = replace(post("d1"), status=PostStatus.SCHEDULED)
    out, ours = activity("a", waits), scheduled_before(waits)
    wanted = absent(desired(approvals=approved(out)))
    assert isinstance(operations(plan(wanted, site(out), ours))[0], CancelPost)
    assert not plan(wanted, site(out), ours).refusals
    # If a run died after the cancel, the next one finds a draft again, whose approval is used up.
    assert not plan(wanted, site(activity("a", post("d1"))), ours).refusals
    strict = replace(
        wanted, marketing_plan=replace(wanted.marketing_plan or DesiredMarketingPlan(), discard=Discard.NOTHING)
    )
    (refused,) = plan(strict, site(out), ours).refusals
    assert "discard 1 scheduled post, but" in refused.message


def test_a_decision_about_an_activity_is_a_persons_own_word() -> None:
    wanted = desired(approvals=approved(YES, about=ActivityDecision.DISCARD))
    made = plan(replace(wanted, marketing_plan=DesiredMarketingPlan(discard=Discard.NOTHING)), site(YES))
    assert not made.refusals
    assert judge_run((tally_of(made),), Policy(max_delete=0)) == ()


def test_deletions_and_discards_have_a_limit_each() -> None:
    made = tally_of(plan(no_activities(desired()), site(YES, NO)))
    assert (made.deleted, made.discard) == (2, 3)
    assert tally_of(plan(no_marketing_plan(desired()), site(YES, NO))).deleted == 1
    assert [refusal.code for refusal in judge_run((made,), Policy(max_delete=1, max_discard=2))] == [
        RefusedBy.MAX_DELETE,
        RefusedBy.MAX_DISCARD,
    ]


def test_what_is_only_known_after_a_generation_is_removed_only_within_the_guards() -> None:
    none = replace(site(), marketing_plan=MarketingPlan(PlanStatus.NEVER_CREATED))
    wanted = replace(no_posts(no_activities(desired())), marketing_plan=DesiredMarketingPlan())
    policy = Policy(max_delete=4, max_discard=9)
    made = plan(wanted, none, policy=policy)
    promises = [operation for operation in operations(made) if isinstance(operation, Deferred)]
    assert [promise.at_most for promise in promises] == [4, 9]
    clears = next(action for action in made.actions if action.address.key == "posts.0")
    bound = replace(clears, operation=replace(clears.operation, at_most=2))
    found = resolve(bound, made, site(NO, YES), KNOWN, PlanOptions(NOW))
    assert [action.operation for action in found.actions] == [
        ClearPosts(YES.id, YES.title, tuple(post.id for post in YES.posts))
    ]
    kept = replace(wanted, marketing_plan=DesiredMarketingPlan(discard=Discard.NOTHING))
    assert not [operation for operation in operations(plan(kept, none)) if isinstance(operation, Deferred)]


def test_what_an_expectation_refuses_is_not_blocked_as_well() -> None:
    """One cause is one problem. Of two channels, only the one that the file expects is left out."""
    one = activity("a", post("d1"), post("d2", "FACEBOOK"))
    wanted = desired(approvals=approved(one))
    there = site(one, published=False, channels=(("INSTAGRAM", LOST), ("FACEBOOK", LOST)))
    assert sorted(reasons(plan(wanted, there))) == [
        ("d1", BlockedBy.CHANNEL_NOT_CONNECTED),
        ("d1", BlockedBy.SITE_NOT_PUBLISHED),
        ("d2", BlockedBy.CHANNEL_NOT_CONNECTED),
        ("d2", BlockedBy.SITE_NOT_PUBLISHED),
    ]
    expecting = replace(wanted, expect=Expect(published=True, channels=("INSTAGRAM",)))
    made = plan(expecting, there)
    assert reasons(made) == [("d2", BlockedBy.CHANNEL_NOT_CONNECTED)]
    assert [refused.code for refused in made.refusals] == [RefusedBy.EXPECT] * 2
    if_approved = plan_if_approved(expecting, there, KNOWN, PlanOptions(NOW))
    assert len(if_approved.blocked) == 4, "a review shows no refusals"
    waiting = activity("a", post("d1", status=PostStatus.SCHEDULED, at=NOW + timedelta(days=2)))
    lost = plan(
        replace(expecting, approvals=approved(waiting)),
        site(waiting, channels=(("INSTAGRAM", LOST),)),
        scheduled_before(waiting.posts[0]),
    )
    assert reasons(lost) == [("d1", BlockedBy.CHANNEL_NOT_CONNECTED)], "it goes out, and will fail"
