"""Posts that went out unwanted are reported once, and posts that somebody moved are known by the time they have now."""

from __future__ import annotations

from datetime import timedelta

import pytest
from msgspec.structs import replace

from reconciler.model.approvals import ActivityDecision, Approvals, DraftDecision
from reconciler.model.posts import Post, PostId, PostStatus
from reconciler.model.sites import PublishedPost, RecordedSite
from reconciler.planner.actions import BlockedBy, Plan, Reason
from reconciler.planner.drift import find_drift
from reconciler.planner.drift_report import DriftState, Finding
from reconciler.planner.gone_out import moment_now, moved_key, reason_recorded
from reconciler.planner.guards import judge_strictly
from reconciler.planner.options import PlanOptions
from reconciler.planner.review_builder import review_of
from tests.planner.publishing_world import NOW, activity, approved, desired, plan, post, reasons, site

DRAFT = post("d1")
KILN = activity("a", DRAFT, days=-1)
WHEN = NOW - timedelta(days=1)
BEFORE = RecordedSite(
    published=(
        PublishedPost(
            DRAFT.id,
            DRAFT.digest,
            DRAFT.channel,
            WHEN,
            NOW - timedelta(days=9),
            title="Kiln day",
            account="janes.pottery (1784)",
            date=KILN.date,
        ),
    )
)
OUT = replace(DRAFT, status=PostStatus.PUBLISHED, scheduled_for=WHEN, external_url="https://instagram.com/p/1")

OTHER = replace(OUT, texts=(("caption", "Old mugs"),))


def recorded_after(made: Plan, before: RecordedSite = BEFORE) -> RecordedSite:
    """The state after an apply of a plan that has nothing to do."""
    return replace(before, objects=made.bindings.objects, outcomes=made.bindings.outcomes)


@pytest.mark.parametrize("shown", [True, False])
@pytest.mark.parametrize(
    ("approvals", "out", "why"),
    [
        (approved(KILN), OUT, None),
        (approved(KILN, decision=DraftDecision.PENDING), OUT, Reason.WITHDRAWN),
        (Approvals(), OUT, Reason.WITHDRAWN),
        (approved(KILN, about=ActivityDecision.DISCARD), OUT, Reason.SENT_BACK),
        (approved(KILN), OTHER, Reason.CHANGED),
        (approved(replace(KILN, posts=(OTHER,)), decision=DraftDecision.PENDING), OTHER, Reason.CHANGED),
    ],
)
def test_what_went_out_unwanted_is_reported_until_it_is_recorded(
    shown: bool, approvals: Approvals, out: Post, why: Reason | None
) -> None:
    live = site(replace(KILN, posts=(out,))) if shown else replace(site(), items=((DRAFT.id, out),))
    wanted = desired(approvals=approvals)
    made = plan(wanted, live, BEFORE)
    assert reasons(made) == ([] if why is None else [("d1", BlockedBy.WENT_OUT_UNWANTED)])
    drifted = find_drift(wanted, live, BEFORE, made, PlanOptions(NOW)).of(DriftState.DRIFTED)
    assert [item.finding for item in drifted] == [finding.finding for finding in drifted if why is not None]
    after = recorded_after(made)
    assert reason_recorded(after, DRAFT.id) is why
    assert not plan(wanted, live, after).blocked
    if why is not None:
        assert [item.finding for item in drifted] == [Finding.WENT_OUT_UNWANTED]
        said = made.blocked[0].message
        assert said.startswith('"Kiln day" (Instagram) went out Mon 2026-11-30 09:00 UTC on janes.pottery, although ')
        assert said.endswith(": https://instagram.com/p/1")
        assert not judge_strictly(made), "a site that is refused would never record it"


def test_what_needed_no_approval_is_not_withdrawn() -> None:
    live = site(replace(KILN, posts=(OUT,)))
    assert not plan(desired(required=False), live, BEFORE).blocked
    free = replace(BEFORE, published=(replace(BEFORE.published[0], approved=False),))
    assert not plan(desired(), live, free).blocked


def test_review_keeps_the_entry_of_a_post_that_is_out_until_that_is_recorded() -> None:
    live, wanted = replace(site(), items=((DRAFT.id, OUT),)), desired(approvals=approved(KILN))
    made = plan(wanted, live, BEFORE)
    assert review_of(wanted, live, BEFORE, made, PlanOptions(NOW)).kept() == {DRAFT.id}
    after = recorded_after(made)
    assert review_of(wanted, live, after, plan(wanted, live, after), PlanOptions(NOW)).kept() == frozenset()
    gone = replace(live, items=((DRAFT.id, None),))
    assert review_of(wanted, gone, BEFORE, plan(wanted, gone, BEFORE), PlanOptions(NOW)).kept() == frozenset()


def test_a_moved_post_is_remembered_with_the_time_it_has_now() -> None:
    waits = replace(DRAFT, status=PostStatus.SCHEDULED, scheduled_for=NOW + timedelta(days=3))
    coming = replace(KILN, date=NOW + timedelta(days=2), posts=(waits,))
    before = replace(BEFORE, published=(replace(BEFORE.published[0], scheduled_for=NOW + timedelta(days=2)),))
    wanted = desired(approvals=approved(coming))

    def now(recorded: RecordedSite) -> timedelta | None:
        moment = moment_now(recorded, recorded.published[0])
        return None if moment is None else moment - NOW

    assert now(before) == timedelta(days=2)
    made = plan(wanted, site(coming), before)
    moved = recorded_after(made, before)
    assert now(moved) == timedelta(days=3)
    assert not dict(plan(wanted, site(coming), moved).bindings.objects).get(moved_key(PostId("d1"))), "once"
    back = site(replace(coming, posts=(replace(waits, scheduled_for=NOW + timedelta(days=2)),)))
    assert now(recorded_after(plan(wanted, back, moved), moved)) == timedelta(days=2)
    again = replace(moved, published=(replace(before.published[0], scheduled_for=NOW + timedelta(days=5)),))
    assert now(again) == timedelta(days=5), "scheduled anew, it is no longer where it was moved to"


def test_a_link_that_shows_later_repeats_no_report() -> None:
    live, wanted = site(replace(KILN, posts=(replace(OUT, external_url=None),))), desired(approvals=Approvals())
    after = recorded_after(plan(wanted, live, BEFORE))
    linked = plan(wanted, site(replace(KILN, posts=(OUT,))), after)
    assert [outcome.link for outcome in linked.bindings.outcomes] == [OUT.external_url]
    assert not linked.blocked
