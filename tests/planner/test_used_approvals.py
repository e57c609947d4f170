"""An approval counts for one scheduling, and at the first run nobody can tell whether it was used."""

from __future__ import annotations

from msgspec.structs import replace

from reconciler.model.canonical import JsonObject
from reconciler.model.posts import PostStatus
from reconciler.model.schedule import CancelPost, SchedulePost
from reconciler.model.sites import RecordedSite
from reconciler.planner.actions import BlockedBy, Plan
from reconciler.planner.used_approvals import times_of, used_key
from tests.planner.publishing_world import (
    KNOWN,
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

KILN = activity("a", post("d1"))


def remembered(made: Plan, recorded: RecordedSite | None = None) -> RecordedSite:
    """The record once an apply has recorded what a plan found out."""
    before = recorded or RecordedSite()
    return replace(before, objects=tuple(sorted({**dict(before.objects), **dict(made.bindings.objects)}.items())))


def test_an_approval_present_at_the_first_run_is_blocked_until_it_is_given_again() -> None:
    wanted = desired(approvals=approved(KILN))
    first = plan(wanted, site(KILN), RecordedSite())
    assert (first.actions, reasons(first)) == ((), [("d1", BlockedBy.APPROVAL_UNPROVEN)])
    known = remembered(first)
    second = plan(wanted, site(KILN), known)
    assert (second.actions, reasons(second)) == ((), [("d1", BlockedBy.APPROVAL_UNPROVEN)])
    again = desired(approvals=approved(KILN, cancelled=1))
    assert [type(operation) for operation in operations(plan(again, site(KILN), known))] == [SchedulePost]


def test_an_approval_given_after_the_first_run_counts() -> None:
    known = remembered(plan(desired(), site(KILN), RecordedSite()))
    assert known.is_known
    made = plan(desired(approvals=approved(KILN)), site(KILN), known)
    assert [type(operation) for operation in operations(made)] == [SchedulePost]


def test_what_is_scheduled_and_approved_is_ours_from_then_on_whoever_scheduled_it() -> None:
    waits = replace(KILN, posts=(replace(KILN.posts[0], status=PostStatus.SCHEDULED),))
    for before in (RecordedSite(), KNOWN):
        found = plan(desired(approvals=approved(KILN)), site(waits), before)
        assert found.is_empty
        ours = remembered(found, before)
        assert ours.object(used_key(KILN.posts[0].id)) is not None
        withdrawn = plan(desired(), site(waits), ours)
        assert [type(operation) for operation in operations(withdrawn)] == [CancelPost]
        # Put back among the drafts by hand: the approval was for one scheduling only.
        back = plan(desired(approvals=approved(KILN)), site(KILN), ours)
        assert (back.actions, reasons(back)) == ((), [("d1", BlockedBy.CANCELLED_AFTER_APPROVAL)])


def test_a_scheduling_that_is_known_twice_counts_once() -> None:
    draft = KILN.posts[0]
    recorded = scheduled_before(draft)
    noted = replace(recorded, objects=((used_key(draft.id), JsonObject({"content": draft.digest, "times": 1})),))
    assert times_of(noted, draft.id, frozenset({draft.digest})) == 1
