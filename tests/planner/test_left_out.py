"""What the files and the state say about posts at a site that a run leaves out."""

from __future__ import annotations

from datetime import timedelta

import pytest
from msgspec.structs import replace

from reconciler.model.approvals import ActivityDecision, Approvals, DraftDecision
from reconciler.model.policy import Policy
from reconciler.model.posts import Post, PostStatus
from reconciler.model.schedule import Pause
from reconciler.model.sites import DesiredSite, PostOutcome, PublishedPost, RecordedSite
from reconciler.planner.actions import Reason
from reconciler.planner.left_out import unwanted_by_files
from reconciler.planner.options import PlanOptions
from reconciler.planner.unseen import unseen_posts
from tests.planner.publishing_world import NOW, activity, approved, desired, post

DRAFT = post("d1")
KILN = activity("a", DRAFT)
WHEN = NOW + timedelta(days=2)
OURS = RecordedSite(
    published=(
        PublishedPost(
            DRAFT.id, DRAFT.digest, DRAFT.channel, WHEN, NOW, activity=KILN.id, title="Kiln day", date=KILN.date
        ),
    )
)
YES = approved(KILN)
SENT_BACK = approved(KILN, about=ActivityDecision.DISCARD)


def edited(file: Approvals) -> Approvals:
    (found,) = file.activities
    (draft,) = found.drafts
    other = replace(draft, content=replace(draft.content, caption="Lovely mugs"))
    return replace(file, activities=(replace(found, drafts=(other,)),))


def pending(draft: Post, days: float = 2) -> Approvals:
    """The entry that `review` leaves for what is there now."""
    return approved(activity("a", draft, days=days), decision=DraftDecision.PENDING)


def why(wanted: DesiredSite, recorded: RecordedSite = OURS, policy: Policy | None = None) -> list[Reason]:
    found = list(unwanted_by_files(wanted, recorded, policy or Policy(), NOW))
    assert all((each.id, moment) == (DRAFT.id, WHEN) for each, moment, _ in found)
    return [reason for _, _, reason in found]


@pytest.mark.parametrize(
    ("wanted", "reasons"),
    [
        (desired(approvals=YES), []),
        (replace(desired(approvals=YES), schedule=None), []),
        (desired(approvals=approved(KILN, decision=DraftDecision.PENDING)), [Reason.WITHDRAWN]),
        (desired(approvals=pending(post("d1", caption="Old mugs"))), [Reason.CHANGED]),
        (desired(approvals=pending(replace(DRAFT, account_id="17841"))), [Reason.CHANGED]),
        (desired(approvals=pending(DRAFT, days=3)), [Reason.DATE_MOVED]),
        (desired(approvals=edited(pending(DRAFT, days=3))), [Reason.WITHDRAWN]),
        (desired(), [Reason.WITHDRAWN]),
        (replace(desired(), schedule=None), [Reason.WITHDRAWN]),
        (desired(approvals=SENT_BACK), [Reason.SENT_BACK]),
        (desired(approvals=edited(YES)), [Reason.EDITED]),
        (desired(approvals=replace(YES, uncommitted=frozenset({"d1"}))), [Reason.WITHDRAWN]),
        (desired(approvals=replace(YES, uncommitted=frozenset({"a"}))), [Reason.SENT_BACK]),
        (desired(required=False), []),
    ],
)
def test_a_post_that_the_files_do_not_want_any_more_is_found(wanted: DesiredSite, reasons: list[Reason]) -> None:
    assert why(wanted) == reasons


def test_a_post_that_needed_no_approval_when_it_was_scheduled_has_lost_none() -> None:
    unasked = replace(OURS, published=(replace(OURS.published[0], approved=False),))
    assert why(desired(), unasked) == why(desired(approvals=pending(DRAFT)), unasked) == [Reason.APPROVAL_NEEDED]
    assert why(desired(approvals=YES), unasked) == why(desired(required=False), unasked) == []


def test_a_pause_and_a_decision_that_is_carried_out() -> None:
    assert why(desired(approvals=YES), policy=Policy(paused=Pause.CANCEL)) == [Reason.PAUSED]
    (found,) = SENT_BACK.activities
    done = replace(OURS, consumed=((found.id, found.decision.value, found.digest),))
    assert why(desired(approvals=SENT_BACK), done) == []


@pytest.mark.parametrize(("recorded", "shown"), [("178", "kiln (178)"), ("179", "179"), ("oven (178)", "oven (178)")])
def test_an_account_has_the_name_in_the_file_if_the_state_has_none(recorded: str, shown: str) -> None:
    """On a site that the run leaves out, and on one that it cannot read or may not work on."""
    named = replace(DRAFT, account_id="178", account_name="kiln")
    wanted = desired(approvals=approved(activity("a", named), decision=DraftDecision.PENDING))
    ours = replace(OURS, published=(replace(OURS.published[0], account=recorded),))
    ((left_out, _, _),) = unwanted_by_files(wanted, ours, Policy(), NOW)
    (unseen,) = unseen_posts(wanted.ref.name, wanted, ours, PlanOptions(NOW)).going_out
    assert (left_out.account, unseen.post.account) == (shown, shown)


def test_what_is_over_does_not_wait() -> None:
    out = replace(OURS, outcomes=(PostOutcome(DRAFT.id, PostStatus.PUBLISHED, NOW),))
    past = replace(OURS, published=(replace(OURS.published[0], scheduled_for=NOW - timedelta(hours=1)),))
    assert (why(desired(), out), why(desired(), past)) == ([], [])
