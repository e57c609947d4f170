"""Which drafts the schedule rules want, when, and in which order."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from typing import Any

import pytest
from msgspec.structs import replace

from reconciler.model.activities import Activity, DateIs, PostsRule
from reconciler.model.address import Kind
from reconciler.model.approvals import ActivityDecision, Approvals, DraftDecision
from reconciler.model.content import LinkPreview, approval_digest
from reconciler.model.marketing_plan import DesiredMarketingPlan, MarketingPlan, PlanStatus
from reconciler.model.operations import Deferred, SitePart, class_of
from reconciler.model.policy import Policy
from reconciler.model.posts import PostStatus, Unrecognised
from reconciler.model.schedule import (
    Approved,
    CancelPost,
    Pause,
    PostIs,
    ReschedulePost,
    SchedulePost,
    ScheduleRule,
    StillAhead,
    StillScheduled,
)
from reconciler.model.selectors import Match
from reconciler.model.sites import ChannelStatus, Need, ObservedSite, RecordedSite
from reconciler.model.writes import ActionClass
from reconciler.planner.actions import BlockedBy, InReview, Reason, RefusedBy
from reconciler.planner.guards import judge_run, judge_strictly
from reconciler.planner.needs import further_reads
from reconciler.planner.tally import tally_of
from reconciler.reporters.diagnostics import cause
from tests.planner.publishing_world import (
    KNOWN,
    NOW,
    activity,
    approved,
    desired,
    names,
    operations,
    plan,
    post,
    reasons,
    scheduled_before,
    site,
)


def test_an_approved_draft_is_scheduled_at_the_content_that_was_approved() -> None:
    draft = post("d1")
    one = activity("a", draft)
    made = plan(desired(approvals=approved(one)), site(one))
    assert operations(made) == [
        SchedulePost(draft.id, one.id, "INSTAGRAM", draft.digest, title=one.title, about=one.date)
    ]
    action = made.actions[0]
    decided = approved(one).activities[0].drafts[0].digest
    assert action.requires == (
        PostIs(draft.id, PostStatus.DRAFT, draft.digest),
        Approved(draft.id, draft.digest, 0, decided),
        DateIs(one.id, one.date),
        StillAhead(one.date, timedelta(0)),
    )
    assert (action.reason, str(action.address)) == (Reason.APPROVED, "shop/draft[d1]")
    assert class_of(action.operation) is ActionClass.PUBLIC
    assert (made.blocked, made.to_review, made.refusals) == ((), (), ())


def test_even_without_approvals_a_post_goes_out_only_on_the_day_that_was_planned() -> None:
    draft, waits = post("d1"), post("d2", status=PostStatus.SCHEDULED, at=NOW + timedelta(days=1))
    one = activity("a", draft, waits)
    made = plan(desired(ScheduleRule(Match(), at=time(17)), required=False), site(one))
    assert {type(operation) for operation in operations(made)} == {SchedulePost, ReschedulePost}
    assert all(DateIs(one.id, one.date) in action.requires for action in made.actions)


def test_the_first_rule_that_matches_activity_channel_and_type_decides() -> None:
    rules = (
        ScheduleRule(Match(title="idea a"), ("INSTAGRAM",), ("STORY",), at=time(18)),
        ScheduleRule(Match(), ("INSTAGRAM",), at=time(12)),
    )
    one = activity("a", post("feed"), post("story", type="STORY"), post("page", "FACEBOOK"))
    made = plan(desired(*rules, approvals=approved(one)), site(one))
    at = {each.post: each.at for each in operations(made) if isinstance(each, SchedulePost)}
    assert at == {
        "feed": datetime(2026, 12, 3, 12, tzinfo=UTC),
        "story": datetime(2026, 12, 3, 18, tzinfo=UTC),
    }


def test_max_takes_the_first_by_date_title_id_and_channel_and_counts_what_is_scheduled() -> None:
    activities = (
        activity("z", post("z1"), days=1),
        activity("b", post("b1"), days=2, title="Same"),
        activity("a", post("a2", "INSTAGRAM"), post("a1", "FACEBOOK"), days=2, title="Same"),
        activity("c", post("c1"), days=3),
    )
    rule = ScheduleRule(Match(), max=3)
    made = plan(desired(rule, approvals=approved(*activities)), site(*activities))
    assert names(made) == ["z1", "a1", "a2"]

    out = replace(activities[0], posts=(post("z1", status=PostStatus.SCHEDULED),))
    again = plan(desired(rule, approvals=approved(*activities)), site(out, *activities[1:]))
    assert names(again) == ["a1", "a2"]


@pytest.mark.parametrize(
    "status",
    [PostStatus.SCHEDULED, PostStatus.PUBLISHED, PostStatus.PROCESSING, PostStatus.IN_QUEUE, Unrecognised("X")],
)
def test_a_second_run_adds_nothing(status: PostStatus) -> None:
    drafts = [activity(f"a{day}", post(f"d{day}"), days=day) for day in range(1, 5)]
    rule = ScheduleRule(Match(), max=2)
    agreed = approved(*drafts)
    assert names(plan(desired(rule, approvals=agreed), site(*drafts))) == ["d1", "d2"]
    done = [replace(draft, posts=(post(draft.posts[0].id, status=status),)) for draft in drafts[:2]]
    assert not plan(desired(rule, approvals=agreed), site(*done, *drafts[2:])).actions


def test_a_draft_that_waits_keeps_its_place() -> None:
    first, second = activity("a", post("d1"), days=1), activity("b", post("d2"), days=2)
    rule = ScheduleRule(Match(), max=1)
    made = plan(desired(rule, approvals=approved(second)), site(first, second))
    assert not made.actions
    assert [draft.post for draft in made.to_review] == ["d1"]


def test_min_and_unknown_ids_refuse_the_site() -> None:
    one = activity("a", post("d1"))
    made = plan(desired(ScheduleRule(Match(ids=frozenset({"nope"})), min=2)), site(one))
    assert [(each.code, each.about.key) for each in made.refusals] == [
        (RefusedBy.MIN, "schedule.rules.0"),
        (RefusedBy.UNKNOWN_ID, "schedule.rules.0"),
    ]


@pytest.mark.parametrize(
    ("zone", "day", "at", "instant"),
    [
        ("Europe/Berlin", "2026-12-03T09:00", "09:30", "2026-12-03T08:30"),
        ("Europe/Berlin", "2027-07-03T09:00", "09:30", "2027-07-03T07:30"),
        ("America/New_York", "2026-12-03T02:00", "20:00", "2026-12-03T01:00"),  # the day there is the second
        ("Pacific/Kiritimati", "2026-12-03T20:00", "09:30", "2026-12-03T19:30"),  # the day there is the fourth
        ("Europe/Berlin", "2027-03-28T12:00", "02:30", "2027-03-28T01:30"),  # skipped: 03:30 there
        ("Europe/Berlin", "2027-10-31T12:00", "02:30", "2027-10-31T00:30"),  # twice: the first
        ("Mars/Olympus", "2026-12-03T09:00", "09:30", "2026-12-03T09:30"),  # unknown: UTC
    ],
)
def test_at_is_wall_time_on_the_activitys_own_day(zone: str, day: str, at: str, instant: str) -> None:
    when = datetime.fromisoformat(day).replace(tzinfo=UTC)
    one = replace(activity("a", post("d1")), date=when)
    rule = ScheduleRule(Match(), at=time.fromisoformat(at))
    made = plan(desired(rule, approvals=approved(one)), site(one, zone=zone))
    (operation,) = operations(made)
    assert isinstance(operation, SchedulePost)
    assert operation.at == datetime.fromisoformat(instant).replace(tzinfo=UTC)


def test_a_scheduled_post_is_moved_to_the_rules_time_and_then_left_alone() -> None:
    rule = ScheduleRule(Match(), at=time(17))
    right = datetime(2026, 12, 3, 17, tzinfo=UTC)
    out = post("d1", status=PostStatus.SCHEDULED, at=right - timedelta(hours=8))
    one = activity("a", out)
    made = plan(desired(rule, approvals=approved(one)), site(one))
    assert operations(made) == [
        ReschedulePost(out.id, one.id, "INSTAGRAM", out.digest, right, right - timedelta(hours=8), one.title)
    ]
    assert made.actions[0].requires == (
        PostIs(out.id, PostStatus.SCHEDULED, out.digest),
        Approved(out.id, out.digest, None, approved(one).activities[0].drafts[0].digest),
        DateIs(one.id, one.date),
        StillAhead(right, timedelta(0)),
    )
    moved = replace(one, posts=(replace(out, scheduled_for=right),))
    assert plan(desired(rule, approvals=approved(one)), site(moved)).is_empty
    unknown = replace(one, posts=(replace(out, scheduled_for=None),))
    assert plan(desired(rule, approvals=approved(one)), site(unknown)).is_empty


def test_a_scheduled_post_is_moved_only_as_approved() -> None:
    rule = ScheduleRule(Match(), at=time(17))
    one = activity("a", post("d1", status=PostStatus.SCHEDULED, at=NOW + timedelta(days=2)))
    assert [each.state for each in plan(desired(rule), site(one)).to_review] == [InReview.NOT_REVIEWED]
    changed = approved(activity("a", post("d1", caption="as it was")))
    made = plan(desired(rule, approvals=changed), site(one))
    assert reasons(made) == [("d1", BlockedBy.CHANGED_AFTER_APPROVAL)]
    assert "as it was" in [found.in_file for found in made.blocked[0].differences]
    assert names(plan(desired(rule, required=False), site(one))) == ["d1"]


def test_a_post_for_later_today_is_still_the_rules_own() -> None:
    """`within` starts now, and the activity's date has passed; manage: all does not cancel the post."""
    rule = ScheduleRule(Match(within=timedelta(days=14)), at=time(20))
    out = post("d1", status=PostStatus.SCHEDULED, at=datetime(2026, 12, 1, 20, tzinfo=UTC))
    one = activity("a", out, days=-0.1)
    assert plan(desired(rule, approvals=approved(one), cancel_others=True), site(one)).is_empty


def test_manage_all_cancels_what_no_rule_wants_before_anything_goes_out() -> None:
    stray = post("d9", "FACEBOOK", status=PostStatus.SCHEDULED, at=NOW + timedelta(days=1))
    one, other = activity("a", post("d1")), activity("b", stray, days=1)
    rule = ScheduleRule(Match(), ("INSTAGRAM",))
    agreed = approved(one)
    made = plan(desired(rule, approvals=agreed, cancel_others=True), site(one, other))
    assert operations(made)[0] == CancelPost(stray.id, other.id, "FACEBOOK", stray.scheduled_for, other.title)
    assert made.actions[0].requires == (StillScheduled(stray.id),)
    assert names(made) == ["d9", "d1"]
    assert names(plan(desired(rule, approvals=agreed), site(one, other))) == ["d1"]


def test_more_scheduled_posts_than_max_are_left_as_they_are() -> None:
    out = [activity(f"a{day}", post(f"d{day}", status=PostStatus.SCHEDULED), days=day) for day in (1, 2, 3)]
    rule = ScheduleRule(Match(), max=1)
    assert plan(desired(rule, required=False, cancel_others=True), site(*out)).is_empty


def test_no_publish_leaves_public_actions_out_and_keeps_cancelling() -> None:
    stray = post("d9", "FACEBOOK", status=PostStatus.SCHEDULED)
    one = activity("a", post("d1"), stray)
    wanted = desired(ScheduleRule(Match(), ("INSTAGRAM",)), approvals=approved(one), cancel_others=True)
    made = plan(wanted, site(one), publish=False)
    assert [type(each) for each in operations(made)] == [CancelPost]


def test_no_publish_says_what_it_holds_back() -> None:
    out = [activity(f"a{day}", post(f"d{day}"), days=day, title=f"Day {day}") for day in range(1, 6)]
    rule = ScheduleRule(Match())
    made = plan(desired(rule, approvals=approved(*out)), site(*out), publish=False)
    assert made.is_empty
    assert tuple(map(cause, made.notes)) == (
        'held back by --no-publish: "Day 1" (Instagram), "Day 2" (Instagram), "Day 3" (Instagram) and 2 more',
    )
    strict = Policy(banned_words=("Day",), max_publish_per_site_per_day=0)
    made = plan(desired(rule, approvals=approved(out[0])), site(out[0]), publish=False, policy=strict)
    assert tuple(map(cause, made.notes)) == ("held back by --no-publish: 1 blocked post",)
    assert plan(desired(rule), site(*out), publish=False).notes == ()
    empty = replace(desired(rule, required=False), posts=(PostsRule(Match()),))
    made = plan(empty, site(activity("a")), publish=False)
    assert tuple(map(cause, made.notes)) == ("held back by --no-publish: drafts that do not exist yet",)


def test_no_publish_says_what_it_did_not_check_of_what_it_holds_back() -> None:
    one = activity("a", post("d1"), post("d2", "FACEBOOK"), title="Day 1")

    def held(*facebook: ChannelStatus, unread: bool = False, banned: tuple[str, ...] = ()) -> str:
        known = (("INSTAGRAM", ChannelStatus.VALID), *(("FACEBOOK", status) for status in facebook))
        live = site(one, channels=() if unread else known)
        live = replace(live, published=None, features=None) if unread else live
        policy = Policy(banned_words=banned)
        (note,) = plan(desired(ScheduleRule(Match()), required=False), live, publish=False, policy=policy).notes
        return cause(note)

    both = '"Day 1" (Facebook), "Day 1" (Instagram)'
    unchecked = "channels, the premium plan or whether the site is published"
    assert held(unread=True) == f"held back by --no-publish (which does not check {unchecked}): {both}"
    assert held() == f"held back by --no-publish (which does not check channels): {both}"
    assert held(ChannelStatus.VALID) == f"held back by --no-publish: {both}"
    lost = 'held back by --no-publish: "Day 1" (Instagram); 1 blocked post'
    assert held(ChannelStatus.DISCONNECTED) == lost
    blocked = "held back by --no-publish: 2 blocked posts"
    assert held(unread=True, banned=("mugs",)) == blocked, "whatever the channels are"


def test_strict_refuses_a_site_once_whatever_is_blocked_there() -> None:
    one = activity("a", post("d1"))
    policy = Policy(banned_words=("mugs",), blackout_dates=frozenset({one.date.date()}))
    made = plan(desired(ScheduleRule(Match()), approvals=approved(one)), site(one), policy=policy)
    assert (len(made.blocked), tally_of(made).blocked) == (2, 1)
    (refused,) = judge_strictly(made)
    assert refused.message == "--strict refuses sites with blocked items"


def test_without_approval_needed_new_posts_are_promised_within_the_bound() -> None:
    full, empty = activity("a", post("d1"), days=1), activity("b", days=2)
    wanted = replace(desired(ScheduleRule(Match(), max=3), required=False), posts=(PostsRule(Match()),))
    made = plan(wanted, site(full, empty))
    promise = operations(made)[-1]
    assert isinstance(promise, Deferred)
    assert (promise.part, promise.rule, promise.at_most) == (SitePart.SCHEDULE, 0, 2)
    assert class_of(promise) is ActionClass.PUBLIC
    assert not [
        operation
        for operation in operations(plan(replace(wanted, schedule=desired().schedule), site(full, empty)))
        if isinstance(operation, Deferred)
    ]


@pytest.mark.parametrize(("most", "promised"), [(3, 2), (2, 1), (1, None)])
def test_new_posts_are_promised_within_what_the_limit_of_the_run_leaves(most: int, promised: int | None) -> None:
    """One post can go out now. A site without `max` must not exceed the limit by itself and be refused."""
    full, empty = activity("a", post("d1"), days=1), activity("b", days=2)
    wanted = replace(desired(ScheduleRule(Match()), required=False), posts=(PostsRule(Match()),))
    made = plan(wanted, site(full, empty), policy=Policy(max_publish=most))
    found = [each.at_most for each in operations(made) if isinstance(each, Deferred)]
    assert found == ([] if promised is None else [promised])
    assert judge_run((tally_of(made),), Policy(max_publish=most)) == ()


@pytest.mark.parametrize(("most", "promised"), [(1, [1]), (0, [])])
def test_a_generation_promises_no_posts_if_the_limit_of_the_run_leaves_none(most: int, promised: list[int]) -> None:
    wanted = replace(desired(ScheduleRule(Match()), required=False), marketing_plan=DesiredMarketingPlan())
    live = replace(site(), marketing_plan=MarketingPlan(PlanStatus.NEVER_CREATED))
    made = plan(wanted, live, policy=Policy(max_publish=most))
    assert [each.at_most for each in operations(made) if isinstance(each, Deferred)] == promised


@pytest.mark.parametrize("pause", [Pause.HOLD, Pause.CANCEL])
@pytest.mark.parametrize("by_policy", [True, False])
@pytest.mark.parametrize("made_by", ["a generation", "generating posts"])
def test_while_publishing_is_paused_no_new_posts_are_promised(made_by: str, by_policy: bool, pause: Pause) -> None:
    wanted = replace(desired(required=False), marketing_plan=DesiredMarketingPlan(), posts=(PostsRule(Match()),))
    live = site(activity("a"))
    if made_by == "a generation":
        live = replace(live, marketing_plan=MarketingPlan(PlanStatus.NEVER_CREATED))
    policy = Policy(paused=pause) if by_policy else Policy()
    assert wanted.schedule is not None
    paused = wanted if by_policy else replace(wanted, schedule=replace(wanted.schedule, paused=pause))
    assert tally_of(plan(wanted, live)).promises.unbounded_publish == 1
    assert tally_of(plan(paused, live, policy=policy)).promises.unbounded_publish == 0


@pytest.mark.parametrize(
    ("rule", "because"),
    [
        (ScheduleRule(Match(title="Flash*")), "no schedule rule matches"),
        (ScheduleRule(Match(), max=1), "schedule.rules[0] takes at most 1, and others come first"),
        (ScheduleRule(Match(), max=0), "schedule.rules[0] has `max: 0`"),
    ],
)
def test_approved_drafts_that_no_rule_selects_are_not_passed_over_in_silence(rule: ScheduleRule, because: str) -> None:
    first = activity("a", post("d1"), title="Flash sale", days=1)
    boots = activity("b", post("d2"), post("d3", "FACEBOOK"), title="Boots")
    past = activity("c", post("d4"), title="Gone", days=-1)
    live = site(past, first, boots)

    def said(approvals: Approvals, recorded: RecordedSite = KNOWN) -> list[tuple[str, str]]:
        notes = plan(desired(rule, approvals=approvals), live, recorded).notes
        return [(note.message, note.fix) for note in notes if note.code == "approved-not-selected"]

    both = f'2 approved drafts will not go out, because {because}: "Boots" (Facebook), "Boots" (Instagram)'
    fix = "change `schedule.rules`, or write `pending` for them in approvals/shop.yaml"
    assert said(approved(boots, past)) == [(both, fix)]
    assert said(approved(boots, decision=DraftDecision.PENDING)) == [], "nobody approved them"
    assert said(approved(boots, about=ActivityDecision.DISCARD)) == [], "they are about to be discarded"
    [(one, fix)] = said(approved(boots), scheduled_before(boots.posts[0]))
    assert one == f'1 approved draft will not go out, because {because}: "Boots" (Facebook)', "an approval counts once"
    assert "for it in" in fix


@pytest.mark.parametrize("by_policy", [True, False])
def test_a_pause_names_the_posts_that_go_out_all_the_same(by_policy: bool) -> None:
    soon, later = (
        post(id, status=PostStatus.SCHEDULED, at=NOW + timedelta(days=at)) for id, at in (("a", 2), ("b", 3))
    )
    live = site(activity("b", later, days=3), activity("a", soon), activity("c", post("c")), zone="Europe/Berlin")

    def said(pause: Pause, observed: ObservedSite = live, before: RecordedSite = KNOWN) -> list[tuple[str, str]]:
        wanted = desired(approvals=approved(activity("a", soon)))
        assert wanted.schedule is not None
        own, policy = (Pause.NONE, Policy(paused=pause)) if by_policy else (pause, None)
        wanted = replace(wanted, schedule=replace(wanted.schedule, paused=own))
        made = plan(wanted, observed, before, policy=policy)
        found = [note for note in made.notes if note.code == "goes-out-while-paused"]
        unread = replace(observed, time_zone=None)
        needs = further_reads(wanted, unread, plan(wanted, unread, before, policy=policy), before).needs
        assert not found or Need.PROPERTIES in needs, "the times are in the site's zone"
        return [(note.message, note.fix) for note in found]

    [(both, fix)] = said(Pause.HOLD)
    assert both == (
        "publishing is paused, but 2 already scheduled posts will go out: "
        '"Idea a" (Instagram) Thu 2026-12-03 10:00 Europe/Berlin, '
        '"Idea b" (Instagram) Fri 2026-12-04 10:00 Europe/Berlin'
    )
    assert fix.startswith("to cancel them, write `paused: cancel` in")
    assert fix.endswith(", and `manage: all` in `schedule` of the site file"), "somebody else scheduled them"
    [(one, fix)] = said(Pause.HOLD, site(activity("a", soon), zone="Europe/Berlin"), scheduled_before(soon))
    assert "manage" not in fix
    assert fix.endswith("`schedule` of the site file") is not by_policy
    assert one.startswith("publishing is paused, but 1 already scheduled post will go out: ")
    assert said(Pause.HOLD, site(activity("c", post("c")))) == []
    assert said(Pause.NONE) == said(Pause.CANCEL) == []


def test_a_pause_says_when_a_post_goes_out_and_to_what_time_and_on_which_account_its_rule_moves_it() -> None:
    waits = replace(
        post("a", status=PostStatus.SCHEDULED, at=NOW + timedelta(days=2)), account_id="123", account_name="Kiln"
    )
    wanted = desired(ScheduleRule(Match(), at=time(18)), approvals=approved(activity("a", waits)))
    assert wanted.schedule is not None
    wanted = replace(wanted, schedule=replace(wanted.schedule, paused=Pause.HOLD))
    made = plan(wanted, site(activity("a", waits)), scheduled_before(waits))
    (said,) = (note.message for note in made.notes if note.code == "goes-out-while-paused")
    assert said.endswith(
        ': "Idea a" (Instagram) Thu 2026-12-03 09:00 UTC on Kiln (its rule moves it to Thu 2026-12-03 18:00 UTC)'
    )


def test_cancelled_posts_are_not_scheduled_again_until_approved_again() -> None:
    draft = post("d1")
    one = activity("a", draft)
    before = scheduled_before(draft)
    for required in (True, False):
        made = plan(desired(approvals=approved(one), required=required), site(one), before)
        assert reasons(made) == [("d1", BlockedBy.CANCELLED_AFTER_APPROVAL)]
        assert "run review" in made.blocked[0].fix
        again = plan(desired(approvals=approved(one, cancelled=1), required=required), site(one), before)
        assert names(again) == ["d1"]
    twice = plan(desired(approvals=approved(one, cancelled=1)), site(one), scheduled_before(draft, times=2))
    assert reasons(twice) == [("d1", BlockedBy.CANCELLED_AFTER_APPROVAL)]


def test_a_post_in_the_cancelled_status_stays_blocked_and_keeps_its_place() -> None:
    gone, other = activity("a", post("d1", status=PostStatus.CANCELED), days=1), activity("b", post("d2"))
    agreed = approved(gone, other, cancelled=1)
    made = plan(
        desired(ScheduleRule(Match(), max=1), approvals=agreed), site(gone, other), scheduled_before(gone.posts[0])
    )
    assert (reasons(made), names(made)) == ([("d1", BlockedBy.CANCELLED_AFTER_APPROVAL)], [])
    strangers = plan(desired(ScheduleRule(Match(), max=1), approvals=approved(gone, other)), site(gone, other))
    assert names(strangers) == ["d2"]


def test_changed_after_approval_is_blocked_and_not_reviewed_content_waits() -> None:
    live = activity("a", post("d1", caption="new words"), post("d2", "FACEBOOK"), post("d3", "PINTEREST"))
    file = approved(activity("a", post("d1", caption="old words")))
    made = plan(desired(approvals=file), site(live))
    assert reasons(made) == [("d1", BlockedBy.CHANGED_AFTER_APPROVAL)]
    assert [(draft.post, draft.state) for draft in made.to_review] == [
        ("d2", InReview.NOT_REVIEWED),
        ("d3", InReview.NOT_REVIEWED),
    ]
    from reconciler.model.approvals import DraftDecision

    waiting = plan(desired(approvals=approved(live, decision=DraftDecision.PENDING)), site(live))
    assert {draft.state for draft in waiting.to_review} == {InReview.PENDING}
    assert not waiting.actions


@pytest.mark.parametrize(
    "edit",
    [
        {"caption": "Buy!"},
        {"media": ()},
        {"channel": "LINKEDIN"},
        {"account": "999"},
        {"type": "STORY"},
        {"title": "Lovely mugs"},
        {"link": "https://elsewhere.example/"},
        {"place": (("page", "2"),)},
        {"preview": LinkPreview("Other")},
        {"call_to_action": "SHOP"},
        {"audience": "SELF_ONLY"},
        {"description": "More"},
        {"other": (("firstComment", '"Hi"'),)},
    ],
)
def test_what_is_edited_in_the_file_is_never_ignored(edit: dict[str, Any]) -> None:
    live = activity("a", post("d1"))
    (found,) = approved(live).activities
    (draft,) = found.drafts
    shown = replace(draft, content=replace(draft.content, **edit))
    forged = replace(shown, digest=approval_digest(shown.id, shown.content, found.date))
    for written, expected in ((shown, BlockedBy.EDITED_IN_FILE), (forged, BlockedBy.CHANGED_AFTER_APPROVAL)):
        file = Approvals((replace(found, drafts=(written,)),), "approvals/shop.yaml")
        made = plan(desired(approvals=file), site(live))
        assert (names(made), reasons(made)) == ([], [("d1", expected)])
        named = {"place": "page", "call_to_action": "callToAction"}.get(next(iter(edit)), next(iter(edit)))
        assert named in made.blocked[0].message


def test_the_name_of_an_account_is_part_of_what_was_approved_whether_or_not_it_is_read_again() -> None:
    named = activity("a", replace(post("d1"), account_id="178", account_name="janes.pottery"))
    (found,) = approved(named).activities
    (draft,) = found.drafts
    for seen in (None, "janes.pottery"):
        live = activity("a", replace(post("d1"), account_id="178", account_name=seen))
        assert names(plan(desired(approvals=approved(named)), site(live))) == ["d1"]
        for label in ("jane.pottery (178)", "178"):
            file = Approvals((replace(found, drafts=(replace(draft, account=label),)),), "approvals/shop.yaml")
            made = plan(desired(approvals=file), site(live))
            assert (names(made), reasons(made)) == ([], [("d1", BlockedBy.EDITED_IN_FILE)])
            assert label == "178" or "account: jane.pottery" in made.blocked[0].message
    other = activity("a", replace(post("d1"), account_id="178", account_name="janes.mugs"))
    made = plan(desired(approvals=approved(named)), site(other))
    assert reasons(made) == [("d1", BlockedBy.CHANGED_AFTER_APPROVAL)]


def test_another_title_in_the_file_is_an_edit_and_another_date_is_a_change() -> None:
    live = activity("a", post("d1"))
    (found,) = approved(live).activities
    edited = Approvals((replace(found, title="Lovely mugs"),), "approvals/shop.yaml")
    made = plan(desired(approvals=edited), site(live))
    assert (names(made), reasons(made)) == ([], [("d1", BlockedBy.EDITED_IN_FILE)])
    assert "title: Lovely mugs -> Idea a" in made.blocked[0].message
    # Nobody knows whether the file was edited or the activity renamed on the site.
    assert "its activity was renamed, or the title was edited in the file" in made.blocked[0].message
    assert "keeps the approval" in made.blocked[0].fix
    moved = replace(live, date=live.date + timedelta(days=3))
    made = plan(desired(approvals=approved(live)), site(moved))
    assert (names(made), reasons(made)) == ([], [("d1", BlockedBy.CHANGED_AFTER_APPROVAL)])
    assert "date: Thu 2026-12-03 -> Sun 2026-12-06" in made.blocked[0].message


def test_the_zone_is_read_if_a_plan_says_when_a_post_goes_out() -> None:
    out = activity("a", post("d1"))
    observed = replace(
        site(out), had_reads=frozenset({Need.MARKETING_PLAN, Need.CHANNELS, Need.FEATURES, Need.PUBLISHED})
    )
    for file in (approved(out), approved(activity("a", post("d1"), days=5))):
        wanted = desired(approvals=file)
        assert further_reads(wanted, observed, plan(wanted, observed), KNOWN).needs == {Need.PROPERTIES}
    waits = desired()
    assert not further_reads(waits, observed, plan(waits, observed), KNOWN).needs


def test_what_is_odd_about_a_post_is_judged_at_the_moment_it_is_moved_to() -> None:
    there = NOW + timedelta(days=2)
    waits = post("a", status=PostStatus.SCHEDULED, at=there)
    moved = activity("a", waits, days=5)
    stays = activity("b", post("b", caption="Kiln day", status=PostStatus.SCHEDULED, at=there), days=2)
    rules = (ScheduleRule(Match(ids=frozenset({moved.id})), at=time(9)), ScheduleRule(Match()))
    made = plan(desired(*rules, required=False), site(moved, stays), KNOWN)
    assert [type(action.operation) for action in made.actions] == [ReschedulePost]
    assert [note for note in made.notes if "minute" in note.message] == []
    met = post("c", caption="Plates", status=PostStatus.SCHEDULED, at=NOW + timedelta(days=5))
    meets = activity("c", met, days=5, title="Early")
    [note] = plan(desired(*rules, required=False), site(moved, meets), KNOWN).notes
    assert "in the same minute" in note.message
    assert note.about.kind is Kind.DRAFT, "a target that leaves the post out leaves the note out"
    assert "Sun 2026-12-06 09:00 UTC" in note.message


def test_what_is_odd_about_a_post_is_judged_beside_posts_that_go_out_only() -> None:
    """Drafts that are blocked or wait for review may never go out. One between posts hides neither from the other."""
    first, last = (activity(id, post(id, caption=f"Kiln {id}")) for id in ("a", "c"))
    between = activity("b", post("b", caption="Kiln a"))

    def minutes(*approvals: Activity, blocked_words: tuple[str, ...] = ()) -> list[str]:
        file = approved(*approvals) if approvals else Approvals()
        wanted = desired(approvals=file, required=bool(approvals))
        made = plan(wanted, site(first, between, last), KNOWN, policy=Policy(banned_words=blocked_words))
        return [note.message for note in made.notes]

    (beside,) = minutes(first, last)
    assert beside.startswith('"Idea c" (Instagram): it goes out in the same minute as "Idea a" (Instagram), about ')
    assert minutes(first) == []
    assert minutes(blocked_words=("Kiln a",)) == [], "one goes out, two are blocked"


@pytest.mark.parametrize(
    ("rules", "said"),
    [
        (
            (ScheduleRule(Match()),),
            "2 drafts on MASTODON, 1 draft on THREADS are left alone: this version does not know these channels",
        ),
        (
            (ScheduleRule(Match()), ScheduleRule(Match(), ("MASTODON",))),
            "1 draft on THREADS is left alone: this version does not know this channel",
        ),
        ((ScheduleRule(Match(), types=("STORY",)),), ""),
        ((ScheduleRule(Match(title="Other")),), ""),
        ((ScheduleRule(Match(), ("INSTAGRAM",)),), ""),
    ],
)
@pytest.mark.parametrize("publish", [True, False])
def test_drafts_on_an_unknown_channel_are_left_alone_with_one_note(
    rules: tuple[ScheduleRule, ...], said: str, publish: bool
) -> None:
    one = activity("a", post("d1", "MASTODON"), post("d2", "THREADS"), post("d3"))
    out = post("d5", "MASTODON", status=PostStatus.PUBLISHED)
    made = plan(desired(*rules), site(one, activity("b", post("d4", "MASTODON"), out)), publish=publish)
    notes = [note for note in made.notes if note.code == "unknown-channel"]
    fix = "to include their drafts, list them" if "these" in said else "to include its drafts, list it"
    assert all(note.fix.startswith(f"{fix} in `channels`") for note in notes)
    assert [note.message == said for note in notes] == [True] * bool(said), notes
    assert (made.refusals, made.blocked) == ((), ())
