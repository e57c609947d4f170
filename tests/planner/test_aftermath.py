"""What became of what was scheduled: published with its link, failed, about to fail, or left without an activity."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, time, timedelta

import pytest
from msgspec.structs import replace

from reconciler.executor.stale_drafts import with_posts_as_read
from reconciler.model.activities import Activity
from reconciler.model.address import Kind, key_of
from reconciler.model.approvals import ActivityDecision, Approvals, DraftDecision
from reconciler.model.canonical import JsonObject
from reconciler.model.failures import Failure
from reconciler.model.frozen import instant
from reconciler.model.outcomes import Trouble
from reconciler.model.posts import Post, PostId, PostStatus
from reconciler.model.schedule import CancelPost, DesiredSchedule, Pause, ScheduleRule
from reconciler.model.selectors import Match
from reconciler.model.sites import ChannelStatus, Need, PostOutcome, PublishedPost, RecordedSite
from reconciler.planner.actions import BlockedBy, EndedPost, Reason
from reconciler.planner.aftermath import due_items
from reconciler.planner.baseline import SCHEDULED, WAS_CANCELLED
from reconciler.planner.drift import find_drift
from reconciler.planner.drift_report import ChangedSide, DriftState, Finding
from reconciler.planner.gone_out import gone_key, moved_key
from reconciler.planner.needs import first_reads, further_reads, missing_items
from reconciler.planner.options import PlanOptions
from reconciler.planner.review import ReviewStatus
from reconciler.planner.review_builder import review_of
from reconciler.planner.unstopped import failed_cancel, tried_key
from reconciler.planner.used_approvals import adopted_key
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
    site,
)

DRAFT = post("d1")
KILN = activity("a", DRAFT)


def scheduled(at: timedelta) -> RecordedSite:
    """The state after the post was scheduled."""
    record = PublishedPost(DRAFT.id, DRAFT.digest, DRAFT.channel, NOW + at, NOW - timedelta(days=9), title="Kiln day")
    return RecordedSite(published=(record,))


def adopted(at: timedelta) -> RecordedSite:
    """The state after an apply found the post scheduled by somebody else, and approved."""
    facts = {
        "channel": DRAFT.channel,
        "type": DRAFT.type,
        "activity": KILN.id,
        "title": "Kiln day",
        "date": instant(KILN.date),
        "scheduledFor": instant(NOW + at),
        "zone": "UTC",
    }
    return RecordedSite(objects=((adopted_key(DRAFT.id), JsonObject(facts)), (key_of(Kind.DRAFT, DRAFT.id), SCHEDULED)))


def test_what_went_out_is_remembered_with_its_link_and_once() -> None:
    before = scheduled(-timedelta(hours=1))
    out = replace(DRAFT, status=PostStatus.PUBLISHED, external_url="https://instagram.com/p/1")
    observed = replace(site(), items=((DRAFT.id, out),))
    made = plan(desired(), observed, before)
    assert made.ended == (EndedPost(DRAFT.id, DRAFT.channel, "Kiln day", None, NOW - timedelta(hours=1)),)
    found = made.bindings.outcomes
    assert found == (PostOutcome(DRAFT.id, PostStatus.PUBLISHED, NOW, "https://instagram.com/p/1"),)
    assert plan(desired(), observed, replace(before, outcomes=found)).ended == ()


@pytest.mark.parametrize("state", [scheduled, adopted])
def test_only_what_is_due_and_not_known_to_have_gone_out_is_asked_for(
    state: Callable[[timedelta], RecordedSite],
) -> None:
    past, coming = state(-timedelta(hours=1)), state(timedelta(hours=1))
    assert due_items(site(), past) == (DRAFT.id,)
    assert due_items(site(KILN), past) == ()
    assert due_items(site(), coming) == ()
    over = PostOutcome(DRAFT.id, PostStatus.PUBLISHED, NOW)
    assert due_items(site(), replace(past, outcomes=(over,))) == ()


def test_if_the_time_is_not_shown_a_post_is_due_by_the_day_of_its_activity() -> None:
    (record,) = scheduled(timedelta()).published
    for at, due in ((-timedelta(hours=1), (DRAFT.id,)), (timedelta(hours=1), ())):
        untimed = replace(record, scheduled_for=None, date=NOW + at)
        assert due_items(site(), RecordedSite(published=(untimed,))) == due


def test_rule_17_6_a_scheduled_post_that_the_marketing_plan_shows_as_a_draft_is_read_by_itself() -> None:
    observed, before = site(KILN), scheduled(timedelta(hours=5))
    assert missing_items(observed, before) == (DRAFT.id,)
    waiting = replace(DRAFT, status=PostStatus.SCHEDULED, scheduled_for=NOW + timedelta(hours=5))
    read = replace(observed, items=((DRAFT.id, waiting),))
    assert missing_items(read, before) == (), "once"
    whole = with_posts_as_read(read)
    assert whole.marketing_plan is not None
    assert [act.posts for act in whole.marketing_plan.activities] == [(waiting,)]
    assert with_posts_as_read(replace(observed, items=((DRAFT.id, DRAFT),))).marketing_plan == observed.marketing_plan


def decided(decision: DraftDecision, about: ActivityDecision = ActivityDecision.KEEP) -> Approvals:
    return approved(KILN, decision=decision, about=about)


@pytest.mark.parametrize("shown", [True, False])
@pytest.mark.parametrize("state", [scheduled, adopted])
def test_a_failed_post_is_drift_with_its_reason_until_somebody_decides(
    state: Callable[[timedelta], RecordedSite], shown: bool
) -> None:
    before = state(-timedelta(hours=1))
    failed = replace(DRAFT, status=PostStatus.FAILED, error="the account is disconnected")
    observed = site(replace(KILN, posts=(failed,))) if shown else replace(site(), items=((DRAFT.id, failed),))
    wanted = desired(approvals=decided(DraftDecision.APPROVE))
    made = plan(wanted, observed, before)
    (said,) = [problem for problem in made.blocked if problem.code == BlockedBy.FAILED]
    assert "the account is disconnected" in said.message
    assert "2026-12-01 08:00" in said.message
    report = find_drift(wanted, observed, before, made, PlanOptions(NOW))
    assert [item.finding for item in report.of(DriftState.DRIFTED)] == [Finding.FAILED_POST]
    for approvals in (decided(DraftDecision.PENDING), decided(DraftDecision.APPROVE, ActivityDecision.DISCARD)):
        assert BlockedBy.FAILED not in [by for _, by in reasons(plan(desired(approvals=approvals), observed, before))]


def test_a_lost_channel_is_reported_before_the_post_is_due() -> None:
    before = scheduled(timedelta(days=2))
    waits = replace(DRAFT, status=PostStatus.SCHEDULED, scheduled_for=NOW + timedelta(days=2))
    live = activity("a", waits)
    wanted = desired(approvals=approved(live))
    unread = site(live, channels=())
    assert Need.CHANNELS in further_reads(wanted, unread, plan(wanted, unread, before), before).needs
    lost = site(live, channels=(("INSTAGRAM", ChannelStatus.DISCONNECTED),))
    made = plan(wanted, lost, before)
    assert (made.actions, reasons(made)) == ((), [("d1", BlockedBy.CHANNEL_NOT_CONNECTED)])
    report = find_drift(wanted, lost, before, made, PlanOptions(NOW))
    assert [item.finding for item in report.of(DriftState.DRIFTED)] == [Finding.CHANNEL_LOST]


def test_posts_on_a_lost_channel_come_in_the_order_of_their_times() -> None:
    waits = {
        number: post(f"d{number}", status=PostStatus.SCHEDULED, at=NOW + timedelta(days=days))
        for number, days in ((1, 4), (2, 3), (3, 5))
    }
    live = [activity(f"a{number}", waits[number], days=2) for number in waits]
    known = tuple(PublishedPost(each.id, each.digest, each.channel, None, NOW, 1) for each in waits.values())
    lost = site(*live, channels=(("INSTAGRAM", ChannelStatus.DISCONNECTED),))
    made = plan(desired(approvals=approved(*live)), lost, RecordedSite(published=known))
    assert [key for key, by in reasons(made) if by is BlockedBy.CHANNEL_NOT_CONNECTED] == ["d2", "d1", "d3"]


@pytest.mark.parametrize("state", [scheduled, adopted])
@pytest.mark.parametrize(
    ("decision", "pause", "caption", "reason"),
    [
        (DraftDecision.PENDING, Pause.NONE, "New mugs", Reason.WITHDRAWN),
        (DraftDecision.APPROVE, Pause.CANCEL, "New mugs", Reason.PAUSED),
        (DraftDecision.APPROVE, Pause.NONE, "Old mugs", Reason.CHANGED),
    ],
)
def test_a_post_on_a_lost_channel_that_is_to_be_cancelled_is_not_blocked_too(
    decision: DraftDecision,
    pause: Pause,
    caption: str,
    reason: Reason,
    state: Callable[[timedelta], RecordedSite],
) -> None:
    """To connect the channel would not make it go out."""
    before = state(timedelta(days=2))
    wanted = desired(approvals=decided(decision))
    assert wanted.schedule is not None
    wanted = replace(wanted, schedule=replace(wanted.schedule, paused=pause))
    live = activity("a", post("d1", status=PostStatus.SCHEDULED, caption=caption, at=NOW + timedelta(days=2)))
    lost = site(live, channels=(("INSTAGRAM", ChannelStatus.DISCONNECTED),))
    made = plan(wanted, lost, before)
    assert [(type(action.operation), action.reason) for action in made.actions] == [(CancelPost, reason)]
    assert reasons(made) == []
    report = find_drift(wanted, lost, before, made, PlanOptions(NOW))
    assert [(item.state, item.finding) for item in report.items if item.address.kind is Kind.DRAFT] == [
        (DriftState.DRIFTED, Finding.TAKEN_BACK)
    ]


def test_a_post_on_a_lost_channel_that_still_goes_out_is_not_blocked_too() -> None:
    before, wanted = scheduled(timedelta(days=2)), desired(approvals=decided(DraftDecision.APPROVE))
    wanted = replace(wanted, approvals=replace(wanted.approvals, uncommitted=frozenset({DRAFT.id})))
    live = activity("a", post("d1", status=PostStatus.SCHEDULED, at=NOW + timedelta(days=2)))
    lost = site(live, channels=(("INSTAGRAM", ChannelStatus.DISCONNECTED),))
    made = plan(wanted, lost, before)
    assert [post.reason for post in made.still_going_out] == [Reason.WITHDRAWN]
    assert reasons(made) == []
    report = find_drift(wanted, lost, before, made, PlanOptions(NOW))
    assert [item.finding for item in report.of(DriftState.DRIFTED)] == [Finding.STILL_GOING_OUT]


def test_a_post_that_outlived_its_activity_is_cancelled() -> None:
    before = scheduled(timedelta(days=2))
    waits = replace(DRAFT, status=PostStatus.SCHEDULED, scheduled_for=NOW + timedelta(days=2))
    observed = replace(site(activity("b")), items=((DRAFT.id, waits),))
    made = plan(desired(approvals=approved(KILN)), observed, before)
    (cancel,) = operations(made)
    assert isinstance(cancel, CancelPost)
    assert (cancel.post, cancel.title, made.actions[0].reason) == (DRAFT.id, "Kiln day", Reason.ACTIVITY_GONE)
    soon = replace(waits, scheduled_for=NOW + timedelta(hours=5))
    assert plan(desired(approvals=approved(KILN)), replace(observed, items=((DRAFT.id, soon),)), before).is_empty


def test_what_this_tool_scheduled_is_read_also_if_the_file_declares_nothing() -> None:
    bare = replace(desired(), schedule=None)
    assert not first_reads(bare, PlanOptions(NOW), RecordedSite()).needs
    assert Need.MARKETING_PLAN in first_reads(bare, PlanOptions(NOW), scheduled(timedelta(days=2))).needs
    assert PostId("d1") == DRAFT.id


def test_a_post_that_somebody_moved_to_another_time_is_drift_though_no_rule_says_when() -> None:
    before = scheduled(timedelta(days=2))
    yes = desired(approvals=approved(KILN))
    assert yes.schedule is not None
    yes = replace(
        yes, schedule=replace(yes.schedule, rules=tuple(replace(rule, at=None) for rule in yes.schedule.rules))
    )
    for moved, findings in ((timedelta(0), []), (timedelta(days=3), [Finding.MOVED_BY_OTHERS])):
        waits = replace(DRAFT, status=PostStatus.SCHEDULED, scheduled_for=NOW + timedelta(days=2) + moved)
        live = site(replace(KILN, posts=(waits,)))
        made = plan(yes, live, before)
        items = find_drift(yes, live, before, made, PlanOptions(NOW)).items
        drifted = [item for item in items if item.state is DriftState.DRIFTED]
        assert [item.finding for item in drifted] == findings
        if drifted:
            assert drifted[0].about == ("Thu 2026-12-03 09:00 UTC", "Sun 2026-12-06 09:00 UTC")


@pytest.mark.parametrize("at", [None, time(15)])
def test_a_post_that_somebody_edited_where_no_approval_is_needed_is_named_by_plan_and_drift(at: time | None) -> None:
    """No apply cancels or changes it, so both name it, with what to do about it."""
    before = scheduled(timedelta(days=2))
    waits = replace(DRAFT, status=PostStatus.SCHEDULED, scheduled_for=NOW + timedelta(days=2))
    edited = replace(KILN, posts=(replace(waits, texts=(("caption", "Other words"),)),))
    moved_account = replace(KILN, posts=(replace(waits, account_id="17841"),))
    wanted = desired(ScheduleRule(Match(), at=at), required=False)
    for shown, where in ((edited, ""), (moved_account, " on account 17841")):
        made = plan(wanted, site(shown), before)
        assert reasons(made) == [("d1", BlockedBy.EDITED_BY_HAND)]
        (said,) = made.blocked
        assert said.message.startswith(
            f'"Idea a" (Instagram) goes out Thu 2026-12-03 09:00 UTC{where} and was edited on the site after'
        )
        assert said.fix == "to keep it as it is, run review and approve it; otherwise change or cancel it on the site"
        (item,) = find_drift(wanted, site(shown), before, made, PlanOptions(NOW)).of(DriftState.DRIFTED)
        assert (item.finding, item.moved) == (Finding.EDITED, ChangedSide.REMOTE)
        assert item.problem is not None
        assert (item.problem.code, item.problem.fix) == (said.code, said.fix)
        assert "approved" not in item.problem.message
        kept = replace(wanted, approvals=approved(shown))
        for settled, live in ((kept, shown), (wanted, replace(KILN, posts=(waits,)))):
            made = plan(settled, site(live), before)
            assert not reasons(made)
            items = find_drift(settled, site(live), before, made, PlanOptions(NOW)).items
            assert Finding.EDITED not in {item.finding for item in items}
    for stops in (replace(wanted, schedule=None), replace(wanted, schedule=DesiredSchedule((), paused=Pause.CANCEL))):
        assert not reasons(plan(stops, site(edited), before)), "it is cancelled"


def test_a_post_that_was_moved_to_the_time_of_its_rule_is_as_asked_for() -> None:
    """As when `at` was changed to the time that somebody moved it to, or when a move was answered with an error."""
    before, day = scheduled(timedelta(days=2)), KILN.date.date()
    for hour, found in ((15, []), (16, [Finding.MOVED_BY_OTHERS])):
        there = datetime.combine(day, time(hour), UTC)
        live = site(replace(KILN, posts=(replace(DRAFT, status=PostStatus.SCHEDULED, scheduled_for=there),)))
        yes = desired(ScheduleRule(Match(), at=time(15)), approvals=approved(KILN))
        made = plan(yes, live, before, publish=False)
        assert reasons(made) == ([("d1", BlockedBy.MOVED_BY_HAND)] if found else [])
        report = find_drift(yes, live, before, made, PlanOptions(NOW))
        assert [item.finding for item in report.of(DriftState.DRIFTED)] == found


@pytest.mark.parametrize(
    ("tried", "decision", "found"),
    [
        (True, DraftDecision.PENDING, []),
        (True, DraftDecision.APPROVE, [Finding.CANCELLED]),
        (False, DraftDecision.PENDING, []),
        (False, DraftDecision.APPROVE, [Finding.CANCELLED]),
    ],
)
def test_rule_17_6_a_cancel_that_shows_later_is_not_called_somebody_elses(
    tried: bool, decision: DraftDecision, found: list[Finding]
) -> None:
    before = scheduled(timedelta(days=2))
    if tried:
        facts = failed_cancel(Failure(Trouble.NO_EFFECT))
        before = replace(before, objects=((tried_key(DRAFT.id), facts),))
    live = site(replace(KILN, posts=(replace(DRAFT, status=PostStatus.CANCELED),)))
    wanted = desired(approvals=decided(decision))
    report = find_drift(wanted, live, before, plan(wanted, live, before), PlanOptions(NOW))
    assert [item.finding for item in report.of(DriftState.DRIFTED)] == found


@pytest.mark.parametrize(("status", "recorded"), [(PostStatus.CANCELED, True), (PostStatus.SCHEDULED, False)])
def test_rule_17_6_a_cancel_that_shows_later_is_recorded(status: PostStatus, recorded: bool) -> None:
    facts = failed_cancel(Failure(Trouble.NO_EFFECT))
    before = replace(scheduled(timedelta(days=2)), objects=((tried_key(DRAFT.id), facts),))
    live = site(replace(KILN, posts=(replace(DRAFT, status=status),)))
    found = dict(plan(desired(approvals=decided(DraftDecision.PENDING)), live, before).bindings.objects)
    assert (found.get(key_of(Kind.DRAFT, DRAFT.id)) == WAS_CANCELLED) is recorded
    assert (found.get(tried_key(DRAFT.id)) == failed_cancel(None)) is recorded


@pytest.mark.parametrize(
    ("days", "state", "said"),
    [
        (3, RecordedSite(known=True), True),
        (0.5, RecordedSite(known=True), False),  # the window starts today, in a zone that is not known
        (3, RecordedSite(known=True, objects=((f"draft[{DRAFT.id}]", WAS_CANCELLED),)), False),
        (3, replace(scheduled(timedelta(days=3)), known=True), False),
    ],
)
def test_an_approved_draft_that_the_site_no_longer_has_is_named(days: float, state: RecordedSite, said: bool) -> None:
    reviewed = approved(activity("a", DRAFT, days=days))
    made = plan(desired(approvals=reviewed), site(activity("b", post("d2"))), state)
    gone = [problem for problem in made.blocked if problem.code == BlockedBy.DRAFT_GONE]
    assert [problem.message for problem in gone] == (
        ['"Idea a" (Instagram) was approved, but is gone from the site'] if said else []
    )


AHEAD = timedelta(hours=9)
NO_ITEM: tuple[tuple[PostId, Post | None], ...] = ((DRAFT.id, None),)
HIDDEN = replace(DRAFT, status=PostStatus.SCHEDULED, scheduled_for=NOW + AHEAD)
MOVED_AND_OVER = JsonObject({"from": instant(NOW + AHEAD), "to": instant(NOW - timedelta(hours=1))})
OUT_EARLY = (PostOutcome(DRAFT.id, PostStatus.PUBLISHED, NOW),)


@pytest.mark.parametrize(
    ("items", "shown", "state", "gone"),
    [
        (NO_ITEM, activity("b"), scheduled(AHEAD), True),
        ((), replace(KILN, posts=(replace(DRAFT, status=PostStatus.DELETED),)), scheduled(AHEAD), True),
        ((), activity("b"), scheduled(AHEAD), False),  # nobody asked for it
        (((DRAFT.id, HIDDEN),), activity("b"), scheduled(AHEAD), False),
        (NO_ITEM, replace(KILN, posts=(DRAFT,)), scheduled(AHEAD), False),  # the marketing plan shows it
        (NO_ITEM, activity("b"), scheduled(-AHEAD), False),
        (NO_ITEM, activity("b"), replace(scheduled(AHEAD), objects=((moved_key(DRAFT.id), MOVED_AND_OVER),)), False),
        (NO_ITEM, activity("b"), replace(scheduled(AHEAD), outcomes=OUT_EARLY), False),
        (
            (*NO_ITEM, (PostId("d2"), None)),  # all that was scheduled is missing: that is doubt
            activity("b"),
            replace(
                scheduled(AHEAD),
                published=(*scheduled(AHEAD).published, replace(scheduled(AHEAD).published[0], id=PostId("d2"))),
            ),
            False,
        ),
        (
            NO_ITEM,
            replace(KILN, posts=(replace(HIDDEN, id=PostId("d2")),)),
            replace(scheduled(AHEAD), published=(replace(scheduled(AHEAD).published[0], activity=KILN.id),)),
            False,  # it goes out under another id
        ),
    ],
)
def test_a_scheduled_post_counts_as_gone_only_if_the_publisher_says_so(
    items: tuple[tuple[PostId, Post | None], ...], shown: Activity, state: RecordedSite, gone: bool
) -> None:
    observed = replace(site(shown), items=items)
    for wanted in (desired(approvals=approved(KILN)), desired(required=False)):
        made = plan(wanted, observed, state)
        named = [problem.message for problem in made.blocked if problem.code == BlockedBy.DRAFT_GONE]
        assert named == (['"Kiln day" (Instagram) was scheduled, but the site no longer has it'] if gone else [])
        assert (gone_key(DRAFT.id) in dict(made.bindings.objects)) is gone
        report = find_drift(wanted, observed, state, made, PlanOptions(NOW))
        assert (Finding.DELETED in [item.finding for item in report.items]) is gone


def test_a_missed_approval_is_reported_on_its_day_too() -> None:
    """The marketing plan still shows the activities of today, and no rule matches one that is past."""
    past, soon = activity("a", DRAFT, days=-0.3), activity("a", DRAFT, days=0.01)
    for shown, notes in ((past, 1), (soon, 0)):
        yes = desired(ScheduleRule(Match(within=timedelta(days=9))), approvals=approved(shown))
        made = plan(yes, site(shown), KNOWN)
        assert sum("was approved but missed" in note.message for note in made.notes) == notes


def test_a_draft_whose_activity_was_moved_to_a_time_that_is_past_is_changed_not_missed() -> None:
    """As `review` says, which sets it back to pending."""
    moved, wanted = activity("a", DRAFT, days=-0.3), desired(approvals=approved(KILN))
    said = "changed after approval: date: Thu 2026-12-03 -> Tue 2026-12-01"
    for rule in (ScheduleRule(Match()), ScheduleRule(Match(within=timedelta(days=9)))):
        [note] = plan(replace(wanted, schedule=DesiredSchedule((rule,))), site(moved), KNOWN).notes
        assert note.message.endswith(f" will not go out: its time has passed, and its approval does not count: {said}")
    found = review_of(wanted, site(moved), KNOWN, plan(wanted, site(moved), KNOWN), PlanOptions(NOW))
    assert (found.missed, [each.status for each in found.activities[0].posts]) == ((), [ReviewStatus.CHANGED])


@pytest.mark.parametrize(("out", "drifted"), [(True, []), (False, [Finding.DELETED])])
def test_a_post_that_went_out_early_and_whose_activity_is_gone_is_not_drift(out: bool, drifted: list[Finding]) -> None:
    before = scheduled(timedelta(days=2))
    if out:
        before = replace(before, outcomes=(PostOutcome(DRAFT.id, PostStatus.PUBLISHED, NOW),))
    observed = site(activity("b"))
    report = find_drift(desired(), observed, before, plan(desired(), observed, before), PlanOptions(NOW))
    assert [item.finding for item in report.of(DriftState.DRIFTED)] == drifted


MOVED = replace(DRAFT, status=PostStatus.SCHEDULED, scheduled_for=NOW + timedelta(days=5))


def test_what_goes_wrong_is_named_if_the_file_no_longer_has_a_schedule() -> None:
    before = scheduled(timedelta(days=2))
    bare = replace(desired(approvals=approved(KILN)), schedule=None)
    failed = replace(MOVED, status=PostStatus.FAILED, error="too large")
    for live, said, found in (
        (site(replace(KILN, posts=(MOVED,))), BlockedBy.MOVED_BY_HAND, Finding.MOVED_BY_OTHERS),
        (site(replace(KILN, posts=(failed,))), BlockedBy.FAILED, Finding.FAILED_POST),
        (
            site(
                replace(KILN, posts=(replace(MOVED, scheduled_for=NOW + timedelta(days=2)),)),
                channels=(("INSTAGRAM", ChannelStatus.DISCONNECTED),),
            ),
            BlockedBy.CHANNEL_NOT_CONNECTED,
            Finding.CHANNEL_LOST,
        ),
    ):
        made = plan(bare, live, before)
        assert (made.actions, reasons(made)) == ((), [("d1", said)])
        assert "--no-publish" not in made.blocked[0].fix
        assert "rule" not in made.blocked[0].fix
        report = find_drift(bare, live, before, made, PlanOptions(NOW))
        assert [item.finding for item in report.of(DriftState.DRIFTED)] == [found]
