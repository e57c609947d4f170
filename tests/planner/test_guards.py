"""Limits of a whole run: what it may throw away."""

from __future__ import annotations

from reconciler.model.approvals import ActivityDecision
from reconciler.model.policy import Policy
from reconciler.planner.actions import RefusedBy
from reconciler.planner.guards import judge_run
from reconciler.planner.tally import tally_of
from tests.planner.publishing_world import activity, approved, desired, plan, post, site


def test_drafts_thrown_away_are_counted_over_all_sites_whatever_throws_them_away() -> None:
    one = activity("a", post("d1"), post("d2", "FACEBOOK"))
    tally = tally_of(plan(desired(approvals=approved(one, about=ActivityDecision.DISCARD)), site(one)))
    assert tally.discard == 2
    assert judge_run((tally, tally), Policy(max_discard=4)) == ()
    (refused,) = judge_run((tally, tally), Policy(max_discard=3))
    assert (refused.code, "throw away 4 drafts" in refused.message) == (RefusedBy.MAX_DISCARD, True)
