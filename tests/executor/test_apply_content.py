"""Activities, posts, schedules and deferred actions: what is asked for, what comes of it, and what is recorded."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from msgspec.structs import replace

from reconciler.api.calls import BATCH
from reconciler.api.errors import ErrorKind
from reconciler.executor.events import Corrected, Skipped
from reconciler.executor.ledger import ActionResult, ApplyTally, Entry, KeptPromises, SiteLedger, causes_once, tally_of
from reconciler.executor.ports import PollPolicy
from reconciler.model.activities import (
    Activity,
    ActivityIs,
    CreateActivity,
    DateIs,
    DeleteActivity,
    DesiredActivity,
    NoActivityLike,
    PostsRule,
    UpdateActivity,
)
from reconciler.model.address import Address, Kind
from reconciler.model.approvals import ActivityApproval, ActivityDecision, Approvals, DraftDecision
from reconciler.model.canonical import ABSENT, EMPTY, Absent, Digest, JsonObject
from reconciler.model.diagnostics import Diagnostic, InvalidFiles, Place, problem
from reconciler.model.events import DeleteEvent, EventId
from reconciler.model.frozen import instant
from reconciler.model.journal import OpenEntry
from reconciler.model.marketing_plan import PlanStatus
from reconciler.model.operations import Deferred, Operation, SitePart
from reconciler.model.outcomes import Done, NotDone, Outcome, Remark
from reconciler.model.posts import (
    ActivityId,
    AnyPostStatus,
    AwaitPosts,
    ClearPosts,
    GeneratePosts,
    Post,
    PostId,
    PostsAre,
    PostStatus,
    RegeneratePosts,
    Unrecognised,
)
from reconciler.model.schedule import (
    CancelPost,
    NothingWaits,
    PostIs,
    ReschedulePost,
    SchedulePost,
    ScheduleRule,
    StillAhead,
    StillScheduled,
)
from reconciler.model.selectors import Match
from reconciler.model.settings import UpdateSettings
from reconciler.model.sites import CreatedActivity, DesiredSite, PublishedPost
from reconciler.model.writes import FieldChange
from reconciler.planner.actions import Action, BlockedBy, Reason, RefusedBy, StillGoingOut, blocked, refusal
from reconciler.planner.baseline import WAS_CANCELLED, approval_key, approval_of
from reconciler.planner.deferred import ResolvedActions
from reconciler.planner.kept import is_final
from reconciler.planner.unstopped import why_not_cancelled
from reconciler.reporters.diagnostics import remedy, sentence
from reconciler.reporters.findings import going_out
from tests.executor.live_site import (
    SITE,
    START,
    Bench,
    a_post,
    act,
    an_activity,
    details,
    failure,
    generate,
    only,
    results,
)
from tests.reviewing import reviewed as reviewed_activity
from tests.told import refused, unclear

OPEN_DAY = DesiredActivity("Open day", "Come by", START + timedelta(days=5), "SOCIAL_MARKETING")
CREATE = act(
    CreateActivity(OPEN_DAY), Kind.ACTIVITY, "Open day", NoActivityLike("Open day", instant(OPEN_DAY.target_date))
)


@pytest.fixture
def shop(bench: Bench) -> Bench:
    """An ACTIVE marketing plan with two activities; the first has two drafts."""
    bench.world.status = PlanStatus.ACTIVE
    bench.world.activities = [an_activity("a1", a_post("p1"), a_post("p2", channel="FACEBOOK")), an_activity("a2")]
    return bench


def retitle(id: str, *requires: ActivityIs) -> Action:
    change = FieldChange("title", f"Title {id}", "Better")
    return act(UpdateActivity(ActivityId(id), f"Title {id}", (change,)), Kind.ACTIVITY, id, *requires)


def posts_for(id: str) -> Action:
    return act(GeneratePosts(ActivityId(id), id), Kind.POSTS, id, PostsAre(ActivityId(id)))


def post(bench: Bench, id: str) -> Post:
    return next(post for activity in bench.world.activities for post in activity.posts if post.id == id)


def out(bench: Bench, id: str, **values: object) -> Action:
    live = post(bench, id)
    operation = SchedulePost(live.id, ActivityId("a1"), live.channel, live.digest)
    requires = PostIs(live.id, PostStatus.DRAFT, live.digest)
    return act(replace(operation, **values), Kind.DRAFT, id, requires)


# --- activities ------------------------------------------------------------------------------------


def test_activities_share_one_read_before_and_one_after(shop: Bench) -> None:
    first, second = shop.world.activities
    update, remove = (
        retitle("a1", ActivityIs(first.id, first.digest)),
        act(DeleteActivity(second.id, "x"), Kind.ACTIVITY, "a2", ActivityIs(second.id, second.digest)),
    )
    ledger = shop.apply(remove, update, CREATE)
    assert results(ledger) == ["done", "done", "done"]
    assert shop.reads("marketing-plan") == 2
    assert shop.recorded.created == (CreatedActivity(ActivityId("activity-1"), "Open day", OPEN_DAY.target_date),)


def test_a_precondition_on_what_this_run_changed_is_read_again(shop: Bench) -> None:
    first = shop.world.activities[0]
    again = replace(retitle("a1"), requires=(ActivityIs(first.id, replace(first, title="Better").digest),))
    ledger = shop.apply(retitle("a1", ActivityIs(first.id, first.digest)), again)
    assert results(ledger) == ["done", "done"]


def test_an_activity_that_changed_meanwhile_is_skipped_and_its_posts_too(shop: Bench) -> None:
    digest = shop.world.activities[1].digest
    shop.world.change("a2", title="Somebody's")
    ledger = shop.apply(retitle("a2", ActivityIs(ActivityId("a2"), digest)), posts_for("a2"), retitle("a1"))
    assert results(ledger) == ["skipped", "skipped", "done"]
    assert details(ledger)[:2] == [
        "the activity has changed since the plan",
        "it depends on shop/activity[a2], which did not succeed (skipped)",
    ]


def test_an_activity_that_is_there_already_is_not_created_again(shop: Bench) -> None:
    shop.world.activities.append(an_activity("a9", days=5, title="Open day"))
    assert results(shop.apply(CREATE)) == ["skipped"]


@pytest.mark.parametrize(("effect", "result"), [(True, "done"), (False, "unknown")])
def test_a_lost_answer_of_a_create_is_resolved_by_what_is_new(shop: Bench, effect: bool, result: str) -> None:
    shop.world.lost = {CreateActivity: effect}
    ledger = shop.apply(CREATE)
    assert results(ledger) == [result]
    assert len(shop.recorded.open) == (not effect)
    assert len(shop.recorded.created) == effect
    assert shop.world.log.count("sleep") == (not effect)


def test_rule_17_6_a_create_whose_answer_was_lost_may_show_seconds_later_however_short_the_poll(shop: Bench) -> None:
    """A read lags without the header that the lost answer carried, so two quick looks prove nothing."""
    shop.waiting = PollPolicy(timedelta(milliseconds=50), timedelta(minutes=1))
    shop.world.answers = {CreateActivity: [unclear("the connection was lost")]}
    made = Activity(ActivityId("a9"), OPEN_DAY.title, OPEN_DAY.description, OPEN_DAY.target_date, OPEN_DAY.type)
    shop.world.after_call = lambda _: shop.world.later(lambda: shop.world.activities.append(made), timedelta(seconds=3))
    assert results(shop.apply(CREATE)) == ["done"]
    assert [activity.id for activity in shop.recorded.created] == ["a9"]
    assert len(shop.writes) == 1


@pytest.mark.parametrize("shows_after", [20, 50, None])
@pytest.mark.parametrize("next_run_after", [0, 30, 300])
def test_rule_17_6_a_create_whose_answer_was_lost_is_waited_for_by_the_next_run(
    shop: Bench, next_run_after: int, shows_after: int | None
) -> None:
    """For a minute after the call, it may still show up. Then what is read counts, and the object is created again."""
    shop.waiting = PollPolicy(timedelta(seconds=5), timedelta(minutes=10))
    shop.world.answers = {CreateActivity: [unclear("the connection was lost")]}
    made = Activity(ActivityId("a9"), OPEN_DAY.title, OPEN_DAY.description, OPEN_DAY.target_date, OPEN_DAY.type)
    if shows_after is not None:
        shop.world.later(lambda: shop.world.activities.append(made), timedelta(seconds=shows_after))
    ledger = shop.apply(CREATE)
    assert results(ledger) == ["unknown"]
    assert details(ledger)[0].startswith("the connection was lost; there is no such activity yet"), details(ledger)
    begun = shop.recorded.open[0].started_at
    if next_run_after:
        asyncio.run(shop.world.sleep(next_run_after))
    before = shop.world.now
    assert shop.resolve_open().open == ()
    if shows_after is None:
        assert shop.world.now >= begun + timedelta(minutes=1)
        assert results(shop.apply(CREATE)) == ["done"]
        assert len(shop.writes) == 2
    else:
        assert [activity.id for activity in shop.recorded.created] == ["a9"]
        assert results(shop.apply(CREATE)) == ["skipped"], "it exists"
        assert len(shop.writes) == 1
    assert shop.world.now - before <= timedelta(seconds=90)


def test_an_update_that_was_not_kept_is_corrected(shop: Bench) -> None:
    shop.world.after_call = lambda _: shop.world.change("a1", title="Other")
    ledger = shop.apply(retitle("a1"))
    assert details(ledger) == ["title: asked for 'Better', the site has 'Other'"]
    assert shop.recorded.object("activity[a1]") == JsonObject({"title": "Other"})
    assert [event.entry for event in shop.events if isinstance(event, Corrected)] == [only(ledger)]


@pytest.mark.parametrize(("path", "asked"), [("title", "Better"), ("targetDate", instant(START + timedelta(hours=9)))])
def test_rule_17_7_what_two_writes_did_not_change_in_an_activity_is_what_the_site_keeps(
    shop: Bench, path: str, asked: str
) -> None:
    """No marketing plan is generated from an activity, so nothing needs to stop for it."""
    live = shop.world.activities[0]
    shop.world.after_call = lambda _: shop.world.activities.__setitem__(0, live)
    edit = UpdateActivity(live.id, live.title, (FieldChange(path, live.facts()[path], asked),))
    assert results(shop.apply(act(edit, Kind.ACTIVITY, live.id))) == ["failed"]
    assert results(shop.apply(act(edit, Kind.ACTIVITY, live.id))) == ["done"]
    assert is_final(shop.recorded.object(f"kept[activity[{live.id}].{path}]") or EMPTY)


# --- posts -----------------------------------------------------------------------------------------


def test_posts_are_asked_for_in_groups_of_twenty_and_waited_for_together(shop: Bench) -> None:
    shop.world.activities = [an_activity(f"a{number:02}") for number in range(25)]
    ledger = shop.apply(*(posts_for(activity.id) for activity in shop.world.activities))
    assert results(ledger) == ["done"] * 25
    assert [write.count(",") + 1 for write in shop.writes] == [20, 5]
    assert shop.reads("marketing-plan") == 1
    assert shop.reads("posts") == 4  # once before, to be sure that there are none, and three times to wait
    assert shop.recorded.open == ()


def test_posts_that_do_not_come_are_pending_and_the_others_done(shop: Bench) -> None:
    shop.world.activities.append(an_activity("a3"))
    shop.world.later(lambda: shop.world.change("a3", posts=(a_post("p3"),)), timedelta(minutes=1))
    shop.world.takes = None
    ledger = shop.apply(posts_for("a2"), posts_for("a3"))
    assert {str(entry.address): entry.result.value for entry in ledger.entries} == {
        "shop/posts[a2]": "pending",
        "shop/posts[a3]": "done",
    }
    assert [(entry.address, entry.sent) for entry in shop.recorded.open] == [("shop/posts[a2]", True)]


@pytest.mark.parametrize(("lost", "result"), [({}, "pending"), ({GeneratePosts: False}, "unknown")])
def test_a_run_that_is_cut_short_knows_whether_posts_were_requested(
    shop: Bench, lost: dict[type, bool], result: str
) -> None:
    shop.world.lost = lost
    assert results(shop.cut_short(posts_for("a2"))) == [result]
    assert [entry.sent for entry in shop.recorded.open] == [result == "pending"]


def test_posts_that_appear_one_by_one_are_complete_once_two_reads_agree(shop: Bench) -> None:
    first, second = a_post("p3"), a_post("p4")
    shop.world.activities.append(an_activity("a3"))
    shop.world.takes = None
    shop.world.later(lambda: shop.world.change("a3", posts=(first,)), timedelta(seconds=25))
    shop.world.later(lambda: shop.world.change("a3", posts=(first, second)), timedelta(seconds=55))
    begun = shop.world.now
    assert results(shop.apply(posts_for("a3"))) == ["done"]
    assert shop.world.now - begun == timedelta(seconds=90)  # looked at every 30 seconds


def test_the_next_run_waits_for_posts_that_an_earlier_one_asked_for(shop: Bench) -> None:
    shop.world.takes = timedelta(minutes=12)
    shop.apply(posts_for("a2"))
    ledger = shop.apply(act(AwaitPosts(ActivityId("a2"), "x"), Kind.POSTS, "a2"))
    assert results(ledger) == ["done"]
    assert shop.recorded.open == ()
    assert shop.writes == ["GeneratePosts"]


def test_posts_that_never_come_are_not_done_once_their_time_is_up(shop: Bench) -> None:
    shop.world.takes = None
    shop.apply(posts_for("a2"))
    assert shop.resolve_open().open == ()


@pytest.mark.parametrize(("effect", "result"), [(True, "done"), (False, "unknown")])
def test_a_lost_answer_of_generate_posts(shop: Bench, effect: bool, result: str) -> None:
    shop.world.lost = {GeneratePosts: effect}
    assert results(shop.apply(posts_for("a2"))) == [result]
    assert len(shop.recorded.open) == (not effect)


def test_posts_that_are_there_already_are_not_asked_for(shop: Bench) -> None:
    shop.world.change("a2", posts=(a_post("p9"),))
    assert results(shop.apply(posts_for("a2"))) == ["skipped"]
    assert shop.writes == []


def test_posts_that_the_marketing_plan_does_not_show_are_found_by_asking_the_activity(shop: Bench) -> None:
    draft = out(shop, "p1")
    shop.world.hidden = True
    shop.world.change("a2", posts=(a_post("p9"),))
    ledger = shop.apply(posts_for("a2"), draft)
    assert results(ledger) == ["skipped", "done"]


def review(shop: Bench, decision: ActivityDecision) -> ActivityApproval:
    first = shop.world.activities[0]
    found = reviewed_activity(first, DraftDecision.PENDING, about=decision)
    shop.desired = DesiredSite(SITE, Place("sites/shop.yaml"), Digest(""), approvals=Approvals((found,)))
    return found


def test_posts_that_were_sent_back_are_made_again_and_the_decision_is_consumed(shop: Bench) -> None:
    reviewed = review(shop, ActivityDecision.REGENERATE)
    again = act(RegeneratePosts(ActivityId("a1"), "x"), Kind.POSTS, "a1", reason=Reason.SENT_BACK)
    assert results(shop.apply(again)) == ["done"]
    assert shop.recorded.consumed == ((ActivityId("a1"), "regenerate", reviewed.digest),)
    assert shop.reads("posts") == 3


def test_partly_regenerated_drafts_are_done_only_at_the_deadline(shop: Bench) -> None:
    shop.world.takes = None
    shop.world.later(lambda: shop.world.edit("p1", texts=(("caption", "new"),)), timedelta(minutes=1))
    ledger = shop.apply(act(RegeneratePosts(ActivityId("a1"), "x", media_only=True), Kind.POSTS, "a1"))
    assert results(ledger) == ["done"]
    assert details(ledger) == ["some drafts were regenerated, others were not"]
    assert shop.world.now == START + timedelta(minutes=10)


def test_cleared_posts_consume_the_decision_to_discard(shop: Bench) -> None:
    reviewed = review(shop, ActivityDecision.DISCARD)
    clear = act(ClearPosts(ActivityId("a1"), "x", (PostId("p1"),)), Kind.POSTS, "a1", reason=Reason.SENT_BACK)
    shop.world.lost = {ClearPosts: True}
    assert results(shop.apply(clear)) == ["done"]
    assert shop.recorded.consumed == ((ActivityId("a1"), "discard", reviewed.digest),)


def test_a_story_that_its_cancel_made_a_draft_again_is_cleared_with_the_others(shop: Bench) -> None:
    shop.world.change("a1", posts=(a_post("p1"), a_post("p2", type="STORY")))
    clear = act(ClearPosts(ActivityId("a1"), "x", (PostId("p1"),)), Kind.POSTS, "a1")
    sent: list[Operation] = []
    shop.world.before_call = sent.append
    assert results(shop.apply(cancelling(shop, "p2"), clear)) == ["done", "done"]
    assert [operation.stories for operation in sent if isinstance(operation, ClearPosts)] == [True]


def test_what_a_killed_run_cleared_before_the_stories_is_remembered(shop: Bench) -> None:
    shop.world.change("a1", posts=(a_post("p1"), a_post("p2", type="STORY")))
    shop.remember(objects=((approval_key("p1"), approval_of(Digest("x"))),))

    def killed(_: object) -> None:
        shop.world.change("a1", posts=(a_post("p2", type="STORY"),))
        raise KeyboardInterrupt

    shop.world.before_call = killed
    clear = act(ClearPosts(ActivityId("a1"), "x", (PostId("p1"), PostId("p2")), True), Kind.POSTS, "a1")
    with pytest.raises(KeyboardInterrupt):
        shop.apply(clear)
    assert shop.resolve_open().open == ()
    assert shop.recorded.object("draft[p1]") == WAS_CANCELLED


# --- schedule --------------------------------------------------------------------------------------


def test_an_approved_draft_is_scheduled_read_back_and_entered_once(shop: Bench) -> None:
    ledger = shop.apply(out(shop, "p1"), out(shop, "p2"))
    assert results(ledger) == ["done", "done"]
    assert shop.writes == ["SchedulePost, SchedulePost"]
    assert shop.reads("marketing-plan") == 2
    first = shop.recorded.published[0]
    assert (first.id, first.channel, first.times, first.commit) == ("p1", "INSTAGRAM", 1, "c0ffee")
    assert first.scheduled_for == shop.world.activities[0].date
    assert (first.activity, first.title, first.date) == ("a1", "", shop.world.activities[0].date)
    assert first.approved
    assert shop.recorded.open == ()


def test_public_actions_are_withheld_unless_allowed(shop: Bench) -> None:
    ledger = shop.apply(out(shop, "p1"), retitle("a1"), allow_publish=False)
    assert results(ledger) == ["withheld", "done"]
    assert [event.entry.result for event in shop.events if isinstance(event, Skipped)] == [ActionResult.WITHHELD]


def test_content_that_changed_after_approval_is_skipped(shop: Bench) -> None:
    action = replace(out(shop, "p1"), requires=())
    shop.world.edit("p1", texts=(("caption", "guaranteed!"),))
    ledger = shop.apply(action)
    assert results(ledger) == ["skipped"]
    assert "changed after approval" in details(ledger)[0]
    assert shop.writes == []


def test_content_that_changes_at_the_last_moment_is_a_loud_failure(shop: Bench) -> None:
    shop.world.after_call = lambda _: shop.world.edit("p1", texts=(("caption", "other"),))
    ledger = shop.apply(out(shop, "p1"))
    assert results(ledger) == ["failed"]
    (said,) = details(ledger)
    for part in ("schedule-drafts", "caption: ", "-> other", "cancelled at once"):
        assert part in said
    assert post(shop, "p1").status is PostStatus.DRAFT
    assert [post.id for post in shop.recorded.published] == ["p1"]
    assert shop.recorded.object("draft[p1]") == WAS_CANCELLED
    assert shop.recorded.open == ()


def put_off(shop: Bench) -> None:
    """Its activity has moved to another day: the approval was for the earlier one."""
    first, *others = shop.world.activities
    shop.world.activities = [replace(first, date=first.date + timedelta(days=2)), *others]


SWAPS: dict[str, tuple[Callable[[Bench], None], str]] = {
    "its caption": (lambda shop: shop.world.edit("p1", texts=(("caption", "other"),)), "-> other"),
    "its activity's date": (put_off, "date of its activity: "),
}
"""What changes, and what is reported."""


@pytest.mark.parametrize("swap", SWAPS)
@pytest.mark.parametrize("during", [SchedulePost, ReschedulePost])
@pytest.mark.parametrize("at", [None, START + timedelta(days=3, hours=2)], ids=["own time", "at"])
def test_what_changes_while_it_is_scheduled_or_moved_is_cancelled_at_once(
    shop: Bench, at: datetime | None, during: type[Operation], swap: str
) -> None:
    def happens(sent: Operation) -> None:
        if isinstance(sent, SchedulePost):
            shop.world.edit("p1", scheduled_for=START + timedelta(days=3))
        if isinstance(sent, during):
            SWAPS[swap][0](shop)

    shop.world.after_call = happens
    action = out(shop, "p1", at=at)
    date = DateIs(ActivityId("a1"), shop.world.activities[0].date)
    ledger = shop.apply(replace(action, requires=(*action.requires, date)))
    if at is None and during is ReschedulePost:
        assert (results(ledger), shop.writes) == (["done"], ["SchedulePost"])
        return
    assert results(ledger) == ["failed"]
    (said,) = details(ledger)
    began = f"it was {'moved' if during is ReschedulePost else 'scheduled'} ("
    for part in (began, "), but it no longer matched what was ", SWAPS[swap][1], "; it was cancelled at once"):
        assert part in said
    assert shop.writes[-1] == "CancelPost"
    assert post(shop, "p1").status is PostStatus.DRAFT
    assert shop.recorded.object("draft[p1]") == WAS_CANCELLED
    assert ledger.still_going_out == ()


@pytest.mark.parametrize(
    ("reason", "before", "fix"),
    [
        (Reason.APPROVED, "it no longer matched what was approved: ", "review it again"),
        (Reason.NO_APPROVAL_NEEDED, "it no longer matched the plan: ", "run plan again"),
    ],
)
def test_what_needs_no_approval_is_not_said_to_differ_from_one(
    shop: Bench, reason: Reason, before: str, fix: str
) -> None:
    shop.world.after_call = lambda sent: SWAPS["its caption"][0](shop) if isinstance(sent, SchedulePost) else None
    ledger = shop.apply(replace(out(shop, "p1"), reason=reason))
    (problem,) = (entry.problem for entry in ledger.entries)
    assert problem is not None
    assert (before in problem.message, problem.fix) == (True, fix)


def test_it_is_cancelled_before_the_next_drafts_are_scheduled(shop: Bench) -> None:
    drafts = [f"p{number}" for number in range(1, BATCH + 2)]
    shop.world.activities = [an_activity("a1", *map(a_post, drafts))]

    def happens(sent: Operation) -> None:
        if isinstance(sent, SchedulePost) and sent.at is not None:
            shop.world.edit("p1", scheduled_for=START + timedelta(days=3))
        if isinstance(sent, ReschedulePost):
            SWAPS["its caption"][0](shop)

    shop.world.after_call = happens
    shop.apply(out(shop, "p1", at=START + timedelta(days=3, hours=2)), *(out(shop, draft) for draft in drafts[1:]))
    cancelled = shop.writes.index("CancelPost")
    assert "SchedulePost" in shop.writes[cancelled:]


@pytest.mark.parametrize("swap", SWAPS)
def test_what_changes_while_a_waiting_post_is_moved_is_cancelled(shop: Bench, swap: str) -> None:
    shop.apply(out(shop, "p1"))
    live, date = post(shop, "p1"), DateIs(ActivityId("a1"), shop.world.activities[0].date)
    moving = ReschedulePost(live.id, ActivityId("a1"), live.channel, live.digest, START + timedelta(days=4))
    shop.world.after_call = lambda sent: SWAPS[swap][0](shop) if isinstance(sent, ReschedulePost) else None
    ledger = shop.apply(act(moving, Kind.DRAFT, "p1", date))
    assert results(ledger) == ["failed"]
    assert "it was cancelled at once" in details(ledger)[0]
    assert post(shop, "p1").status is PostStatus.DRAFT


STOPPED_BY_HAND: dict[str, tuple[Callable[[Bench], None], str]] = {
    "cancelled": (lambda shop: shop.world.edit("p1", status=PostStatus.CANCELED), "the post is CANCELED"),
    "deleted": (lambda shop: shop.world.change("a1", posts=()), "the post is gone"),
}
"""What somebody does to a post that has just been moved, and what is reported."""


@pytest.mark.parametrize("by_hand", STOPPED_BY_HAND)
@pytest.mark.parametrize("waits", [False, True], ids=["scheduled and moved", "moved"])
def test_a_post_that_somebody_stopped_after_it_was_moved_is_not_called_moved(
    shop: Bench, waits: bool, by_hand: str
) -> None:
    at = START + timedelta(days=3, hours=2)

    def happens(sent: Operation) -> None:
        if isinstance(sent, SchedulePost):
            shop.world.edit("p1", scheduled_for=START + timedelta(days=3))
        if isinstance(sent, ReschedulePost):
            STOPPED_BY_HAND[by_hand][0](shop)

    if waits:
        shop.apply(out(shop, "p1"))
    live = post(shop, "p1")
    moving = act(ReschedulePost(live.id, ActivityId("a1"), live.channel, live.digest, at), Kind.DRAFT, "p1")
    shop.world.after_call = happens
    ledger = shop.apply(moving if waits else out(shop, "p1", at=at))
    assert (results(ledger), shop.writes[-1]) == (["failed"], "ReschedulePost")
    assert STOPPED_BY_HAND[by_hand][1] in details(ledger)[0]
    assert [known.id for known in shop.recorded.published] == ["p1"], "its approval is used up"
    assert shop.recorded.object("draft[p1]") != WAS_CANCELLED


@pytest.mark.parametrize("effect", ["refused", "no effect"])
def test_swapped_content_that_cannot_be_cancelled_is_reported(shop: Bench, effect: str) -> None:
    shop.world.after_call = lambda _: shop.world.edit("p1", texts=(("caption", "other"),))
    shop.world.answers = {CancelPost: [refused("403") if effect == "refused" else Done()]}
    ledger = shop.apply(out(shop, "p1"))
    assert results(ledger) == ["failed"]
    assert "could not be cancelled" in details(ledger)[0]
    (left,) = ledger.still_going_out
    assert (left.post, left.reason) == ("p1", Reason.CHANGED)
    assert left.problem.code == (refused("403").problem.code if effect == "refused" else "not-as-asked")
    assert left.problem.fix == "cancel the post in the site's dashboard"
    assert shop.recorded.object("draft[p1]") != WAS_CANCELLED


def test_a_post_whose_time_has_come_too_near_while_the_call_waited_is_not_sent(shop: Bench) -> None:
    draft = out(shop, "p1")
    ahead = StillAhead(START + timedelta(hours=3), timedelta(hours=2))

    def wait(_: object) -> None:
        shop.world.now += timedelta(hours=1, minutes=1)

    shop.world.before_call = wait
    ledger = shop.apply(replace(draft, requires=(*draft.requires, ahead)))
    assert results(ledger) == ["skipped"]
    assert "too late" in details(ledger)[0]
    assert post(shop, "p1").status is PostStatus.DRAFT
    assert shop.recorded.open == ()


def test_a_post_does_not_go_out_if_the_approvals_cannot_be_read_any_more(shop: Bench) -> None:
    def broken() -> Approvals:
        raise InvalidFiles([problem(Place("approvals/shop.yaml", 3), "is broken", "mend it")])

    shop.approvals = broken
    ledger = shop.apply(out(shop, "p1"))
    assert results(ledger) == ["skipped"]
    assert "approvals/shop.yaml" in details(ledger)[0]
    assert post(shop, "p1").status is PostStatus.DRAFT
    assert shop.recorded.open == ()


# --- cancelling ------------------------------------------------------------------------------------


def cancelling(shop: Bench, id: str) -> Action:
    at = START + timedelta(days=2)
    shop.world.edit(id, status=PostStatus.SCHEDULED, scheduled_for=at)
    return act(CancelPost(PostId(id), ActivityId("a1"), "INSTAGRAM", at), Kind.DRAFT, id)


def test_a_cancel_needs_no_flag_and_is_read_back_before_what_follows(shop: Bench) -> None:
    ledger = shop.apply(cancelling(shop, "p1"), retitle("a2"), allow_publish=False)
    assert results(ledger) == ["done", "done"]
    assert shop.world.log == [
        "read marketing-plan",
        "write CancelPost",
        "read marketing-plan",
        "read items",
        "write UpdateActivity",
        "read marketing-plan",
    ]
    assert shop.recorded.object("draft[p1]") == WAS_CANCELLED


def test_a_cancel_without_effect_is_not_remembered_as_one(shop: Bench) -> None:
    cancel = cancelling(shop, "p1")
    shop.world.answers = {CancelPost: [Done()]}
    ledger = shop.apply(cancel)
    assert results(ledger) == ["unknown"]
    assert details(ledger) == ["it is SCHEDULED, not CANCELED"]
    assert shop.recorded.object("draft[p1]") != WAS_CANCELLED


@pytest.mark.parametrize(
    ("status", "result"),
    [(PostStatus.CANCELED, "done"), (PostStatus.PUBLISHED, "skipped"), (PostStatus.SCHEDULED, "skipped")],
)
def test_a_cancel_that_is_ruled_out_is_judged_by_what_the_post_is(shop: Bench, status: PostStatus, result: str) -> None:
    cancel = cancelling(shop, "p1")
    shop.world.edit("p1", status=status)
    shop.world.answers = {CancelPost: [refused("409", skipped=True)]}
    assert results(shop.apply(cancel)) == [result]
    assert (shop.recorded.object("draft[p1]") == WAS_CANCELLED) is (result == "done")


@pytest.mark.parametrize(("cancelled", "result"), [(True, "done"), (False, "failed")])
def test_a_refused_cancel_is_judged_by_what_the_post_is(shop: Bench, cancelled: bool, result: str) -> None:
    cancel = cancelling(shop, "p1")
    shop.world.answers = {CancelPost: [refused("400")]}
    if cancelled:
        shop.world.after_call = lambda _: shop.world.edit("p1", status=PostStatus.CANCELED)
    ledger = shop.apply(cancel)
    assert (results(ledger), details(ledger)) == (
        [result],
        ["it was no longer waiting to go out" if cancelled else "400"],
    )
    assert (shop.recorded.object("draft[p1]") == WAS_CANCELLED) is cancelled
    assert (why_not_cancelled(shop.recorded, PostId("p1")) is None) is cancelled
    assert len(ledger.still_going_out) == (not cancelled)


def test_a_refused_cancel_whose_post_cannot_be_read_does_not_keep_others_from_being_cancelled(shop: Bench) -> None:
    cancels = [cancelling(shop, "p1"), cancelling(shop, "p2")]
    shop.world.answers = {CancelPost: [refused("400")]}
    shop.world.failing["post"] = [failure()]
    assert results(shop.apply(*cancels)) == ["failed", "done"]


@pytest.mark.parametrize(
    ("planned", "shown"), [("kiln (1784)", "kiln"), ("kiln (1785)", "account 1784"), (ABSENT, "account 1784")]
)
def test_a_cancel_that_came_too_late_names_the_account(shop: Bench, planned: str | Absent, shown: str) -> None:
    cancel = cancelling(shop, "p1")
    assert isinstance(cancel.operation, CancelPost)
    shop.world.edit("p1", status=PostStatus.PUBLISHED, account_id="1784")
    shop.world.answers = {CancelPost: [refused("answered 409", skipped=True)]}
    ledger = shop.apply(replace(cancel, operation=replace(cancel.operation, account=planned)))
    assert details(ledger)[0].startswith(f"it has gone out and is live on {shown}, ")


def test_a_cancel_that_came_too_late_says_what_the_public_sees(shop: Bench) -> None:
    cancel = cancelling(shop, "p1")
    shop.world.edit("p1", status=PostStatus.PUBLISHED, external_url="https://instagram.example/p/1")
    shop.world.answers = {CancelPost: [refused("answered 409", skipped=True)]}
    ledger = shop.apply(cancel)
    words = " ".join(post(shop, "p1").caption.split())
    assert results(ledger) == ["skipped"]
    assert details(ledger)[0].startswith("it has gone out and is live on ")
    assert words[:80] in details(ledger)[0]
    assert "https://instagram.example/p/1" in details(ledger)[0]
    assert details(ledger)[0].endswith("(answered 409); take it down by hand if it must not stay up")


@pytest.mark.parametrize(
    ("shown", "result"),
    [
        (PostStatus.CANCELED, "done"),
        (None, "done"),
        (PostStatus.PUBLISHED, "skipped"),
        (PostStatus.SCHEDULED, "failed"),
    ],
)
def test_a_cancel_that_finds_no_such_post_is_judged_by_what_the_post_is(
    shop: Bench, shown: PostStatus | None, result: str
) -> None:
    cancel = cancelling(shop, "p1")
    shop.world.answers = {CancelPost: [refused("404", missing=True)]}
    if shown is None:
        shop.world.after_call = lambda _: shop.world.change("a1", posts=())
    else:
        shop.world.edit("p1", status=shown)
    assert results(shop.apply(cancel)) == [result]


@pytest.mark.parametrize("there", [True, False])
def test_what_was_to_be_deleted_and_is_gone_already_is_done(shop: Bench, there: bool) -> None:
    delete = act(DeleteActivity(ActivityId("a1"), "Title a1"), Kind.ACTIVITY, "a1")
    shop.world.answers = {DeleteActivity: [refused("404", missing=True)]}
    if not there:
        shop.world.after_call = lambda _: shop.world.activities.clear()
    assert results(shop.apply(delete)) == ["failed" if there else "done"]


@pytest.mark.parametrize(
    ("answer", "shown", "result"),
    [
        (refused("404", missing=True), None, "skipped"),
        (refused("409", skipped=True), PostStatus.CANCELED, "skipped"),
        (refused("409", skipped=True), PostStatus.PUBLISHED, "done"),
        (refused("404", missing=True), PostStatus.DRAFT, "failed"),
    ],
)
def test_a_draft_that_can_no_longer_be_scheduled_is_judged_by_what_it_is(
    shop: Bench, answer: NotDone, shown: PostStatus | None, result: str
) -> None:
    shop.world.answers = {SchedulePost: [answer]}
    if shown is None:
        shop.world.after_call = lambda _: shop.world.change("a1", posts=())
    else:
        shop.world.after_call = lambda _: shop.world.edit("p1", status=shown)
    assert results(shop.apply(out(shop, "p1"))) == [result]


@pytest.mark.parametrize(
    ("answer", "result", "shown", "goes_out"),
    [
        (refused("403"), "failed", PostStatus.SCHEDULED, True),
        (refused("409", skipped=True), "skipped", PostStatus.SCHEDULED, True),
        (refused("409", skipped=True), "skipped", PostStatus.PUBLISHED, False),
        (Done(), "unknown", PostStatus.SCHEDULED, True),
        (unclear("lost"), "unknown", Unrecognised("QUEUED_UP"), True),
    ],
)
def test_what_is_not_cancelled_still_goes_out_and_nothing_of_it_is_destroyed(
    shop: Bench, answer: Outcome, result: str, shown: AnyPostStatus, goes_out: bool
) -> None:
    cancel = cancelling(shop, "p1")
    at = post(shop, "p1").scheduled_for
    shop.world.edit("p1", status=shown)
    shop.world.answers = {CancelPost: [answer]}
    clear = act(ClearPosts(ActivityId("a1"), "x"), Kind.POSTS, "a1", NothingWaits(ActivityId("a1")))
    ledger = shop.apply(cancel, clear)
    assert results(ledger)[0] == result
    assert [(post.post, post.moment) for post in ledger.still_going_out] == ([("p1", at)] if goes_out else [])
    assert tally_of([ledger]).still_going_out == goes_out
    if shown is PostStatus.SCHEDULED:
        assert results(ledger)[1] == "skipped"
        assert "ClearPosts" not in shop.writes


@pytest.mark.parametrize(
    ("shown", "why"),
    [
        (PostStatus.CANCELED, "no; the post is CANCELED"),
        (PostStatus.SCHEDULED, "no"),
        (PostStatus.PUBLISHED, "it has gone out and is live on "),
        (None, "no; the post is gone"),
    ],
)
def test_a_refused_move_says_what_the_post_is(shop: Bench, shown: PostStatus | None, why: str) -> None:
    shop.world.edit("p1", status=PostStatus.SCHEDULED, scheduled_for=START + timedelta(days=3))
    live = post(shop, "p1")
    move = ReschedulePost(live.id, ActivityId("a1"), live.channel, live.digest, START + timedelta(days=4))
    shop.world.answers = {ReschedulePost: [refused("no", skipped=True)]}
    if shown is None:
        shop.world.after_call = lambda _: shop.world.change("a1", posts=())
    else:
        shop.world.after_call = lambda _: shop.world.edit("p1", status=shown)
    ledger = shop.apply(act(move, Kind.DRAFT, "p1"))
    assert results(ledger) == ["skipped"]
    assert details(ledger)[0].startswith(why), details(ledger)


@pytest.mark.parametrize(
    ("answer", "moves", "result"),
    [
        (refused("428", skipped=True), True, "done"),
        (refused("428", skipped=True), False, "skipped"),
        (refused("400"), True, "done"),
        (refused("400"), False, "failed"),
    ],
)
def test_a_refused_move_is_judged_by_when_the_post_goes_out(
    shop: Bench, answer: NotDone, moves: bool, result: str
) -> None:
    at, before = START + timedelta(days=4), START + timedelta(days=3)
    shop.world.edit("p1", status=PostStatus.SCHEDULED, scheduled_for=before)
    live = post(shop, "p1")
    move = ReschedulePost(live.id, ActivityId("a1"), live.channel, live.digest, at, before=live.scheduled_for)
    shop.world.answers = {ReschedulePost: [answer]}
    shop.world.after_call = lambda _: shop.world.edit("p1", scheduled_for=at) if moves else None
    ledger = shop.apply(act(move, Kind.DRAFT, "p1"))
    assert results(ledger) == [result]
    assert [known.scheduled_for for known in shop.recorded.published] == ([at] if moves else [])
    assert only(ledger).goes_out == (None if moves else before)
    assert tally_of([ledger]).at_another_time == (not moves)


@pytest.mark.parametrize(("in_doubt", "them"), [(("p1",), "it"), (("p1", "p2"), "them")])
def test_rule_17_6_nothing_is_destroyed_while_it_is_not_known_whether_a_draft_of_it_was_scheduled(
    shop: Bench, in_doubt: tuple[str, ...], them: str
) -> None:
    entries = []
    for id in in_doubt:
        live = post(shop, id)
        asked = SchedulePost(live.id, ActivityId("a1"), live.channel, live.digest)
        entries.append(OpenEntry(id, Address(SITE.name, Kind.DRAFT, id), asked, START, sent=True))
    shop.remember(open=tuple(entries))
    ledger = shop.apply(act(ClearPosts(ActivityId("a1"), "x"), Kind.POSTS, "a1", NothingWaits(ActivityId("a1"))))
    assert results(ledger) == ["skipped"]
    assert details(ledger)[0].endswith(
        f"may be waiting to go out: it is not known whether an earlier run scheduled {them}"
    )
    assert shop.writes == []


def test_what_was_not_cancelled_any_more_still_goes_out_as_far_as_anybody_knows(shop: Bench) -> None:
    named = StillGoingOut(
        Address(SITE.name, Kind.DRAFT, "p9"),
        PostId("p9"),
        "X",
        "T",
        None,
        None,
        Reason.PAUSED,
        (),
        Diagnostic("not-cancellable", "it is IN_QUEUE"),
    )
    cancel = cancelling(shop, "p1")
    shop.stop = lambda: True
    ledger = shop.apply(cancel, still_going_out=(named,))
    assert results(ledger) == ["not-started"]
    assert [post.post for post in ledger.still_going_out] == ["p1", "p9"]  # the soonest first
    assert shop.world.log == []


def test_a_post_that_is_not_moved_away_from_a_forbidden_moment_still_goes_out(shop: Bench) -> None:
    before, at = START + timedelta(days=2), START + timedelta(days=3)
    shop.world.edit("p1", status=PostStatus.SCHEDULED, scheduled_for=before)
    live = post(shop, "p1")
    operation = ReschedulePost(live.id, ActivityId("a1"), live.channel, live.digest, at, before)
    move = act(operation, Kind.DRAFT, "p1", reason=Reason.FORBIDDEN)
    ledger = shop.apply(move, allow_publish=False)
    assert [post.moment for post in ledger.still_going_out] == [before]
    (shown,) = causes_once(ledger.entries, ledger.still_going_out)
    assert (shown.operation, shown.problem) == (operation, None), "the post says why, the move says where to"
    other = replace(move, reason=Reason.OTHER_TIME)
    assert shop.apply(other, allow_publish=False).still_going_out == ()
    assert shop.apply(move).still_going_out == ()


def test_a_cancel_is_made_whatever_else_went_wrong_with_its_activity(shop: Bench) -> None:
    shop.world.answers = {UpdateActivity: [refused("no")]}
    ledger = shop.apply(retitle("a1"), cancelling(shop, "p1"))
    assert results(ledger) == ["failed", "done"]


def test_a_draft_whose_channel_is_not_connected_is_skipped(shop: Bench) -> None:
    shop.world.unconnected = {"FACEBOOK"}
    ledger = shop.apply(out(shop, "p1"), out(shop, "p2"))
    assert {entry.address.key: entry.result.value for entry in ledger.entries} == {"p1": "done", "p2": "skipped"}
    assert [post.id for post in shop.recorded.published] == ["p1"]


def test_a_draft_that_the_answer_leaves_out_but_that_was_scheduled_is_remembered(shop: Bench) -> None:
    shop.world.answers = {SchedulePost: [refused("left out", skipped=True)]}
    shop.world.after_call = lambda _: shop.world.edit("p1", status=PostStatus.SCHEDULED)
    assert results(shop.apply(out(shop, "p1"))) == ["done"]
    assert [post.id for post in shop.recorded.published] == ["p1"]


def scheduled_but_shown_as_a_draft(shop: Bench) -> None:
    """From now on the marketing plan shows the post as a draft, and the Publisher as scheduled."""
    shop.world.ahead[PostId("p1")] = replace(post(shop, "p1"), status=PostStatus.SCHEDULED)
    shop.world.edit("p1", status=PostStatus.DRAFT, scheduled_for=None)


@pytest.mark.parametrize("answer", [Done(), refused("left out", skipped=True), unclear("lost")])
def test_rule_17_6_a_post_that_the_marketing_plan_shows_as_a_draft_is_asked_for_itself(
    shop: Bench, answer: Outcome
) -> None:
    shop.world.answers = {SchedulePost: [answer]}
    shop.world.after_call = lambda _: scheduled_but_shown_as_a_draft(shop)
    assert results(shop.apply(out(shop, "p1"))) == ["done"]
    assert [post.id for post in shop.recorded.published] == ["p1"]
    assert shop.recorded.open == ()


def test_rule_17_6_a_cancel_is_not_taken_for_done_because_the_marketing_plan_shows_a_draft(shop: Bench) -> None:
    cancel = cancelling(shop, "p1")
    scheduled_but_shown_as_a_draft(shop)
    shop.world.answers = {CancelPost: [Done()]}
    assert results(shop.apply(cancel)) == ["unknown"]
    assert shop.writes[-1] == "CancelPost"


def test_rule_17_6_a_post_that_waits_is_cancelled_although_the_marketing_plan_shows_a_draft(shop: Bench) -> None:
    cancel = replace(cancelling(shop, "p1"), requires=(StillScheduled(PostId("p1")),))
    scheduled_but_shown_as_a_draft(shop)
    shop.world.after_call = lambda _: shop.world.ahead.clear()
    assert results(shop.apply(cancel)) == ["done"]


def test_what_an_answer_called_scheduled_and_reads_as_a_draft_stays_open_for_a_while(shop: Bench) -> None:
    shop.world.answers = {SchedulePost: [Done()]}
    assert results(shop.apply(out(shop, "p1"))) == ["unknown"]
    assert len(shop.resolve_open().open) == 1
    shop.world.edit("p1", status=PostStatus.SCHEDULED)
    assert shop.resolve_open().open == ()
    assert [post.id for post in shop.recorded.published] == ["p1"]


def test_a_scheduled_post_with_an_unknown_status_may_go_out_and_stays_open(shop: Bench) -> None:
    shop.world.after_call = lambda _: shop.world.edit("p1", status=Unrecognised("QUEUED_UP"))
    ledger = shop.apply(out(shop, "p1"))
    assert (results(ledger), details(ledger)) == (["unknown"], ["its status is unknown (QUEUED_UP)"])
    assert len(shop.resolve_open().open) == 1


def test_rule_17_6_a_scheduled_post_that_reads_as_a_draft_is_read_again(shop: Bench) -> None:
    def lag(_: object) -> None:
        shop.world.edit("p1", status=PostStatus.DRAFT)
        shop.world.later(lambda: shop.world.edit("p1", status=PostStatus.SCHEDULED), timedelta(seconds=1))

    shop.world.after_call = lag
    assert results(shop.apply(out(shop, "p1"))) == ["done"]
    assert [post.id for post in shop.recorded.published] == ["p1"]


def test_rule_17_6_a_scheduled_post_that_only_the_marketing_plan_shows_as_a_draft_is_not_waited_for(
    shop: Bench,
) -> None:
    shop.world.after_call = lambda _: scheduled_but_shown_as_a_draft(shop)
    assert results(shop.apply(out(shop, "p1"))) == ["done"]
    assert [post.id for post in shop.recorded.published] == ["p1"]
    assert "sleep" not in shop.world.log


def test_a_post_that_the_answer_shows_scheduled_and_every_read_a_draft_is_unknown(shop: Bench) -> None:
    shop.world.after_call = lambda _: shop.world.edit("p1", status=PostStatus.DRAFT)
    assert results(shop.apply(out(shop, "p1"))) == ["unknown"]
    (entry,) = shop.recorded.open
    assert entry.call == "schedule-post"


@pytest.mark.parametrize(("effect", "result"), [(True, "done"), (False, "failed")])
def test_a_lost_answer_of_a_schedule_is_resolved_by_the_status(shop: Bench, effect: bool, result: str) -> None:
    shop.world.lost = {SchedulePost: effect}
    ledger = shop.apply(out(shop, "p1"))
    assert results(ledger) == [result]
    assert len(shop.recorded.published) == effect
    assert shop.recorded.open == ()


def test_a_draft_with_a_time_of_its_own_is_moved_there_if_the_api_chose_another(shop: Bench) -> None:
    at = START + timedelta(days=3, hours=2)
    shop.world.after_call = lambda operation: (
        shop.world.edit("p1", scheduled_for=START + timedelta(days=3)) if isinstance(operation, SchedulePost) else None
    )
    ledger = shop.apply(out(shop, "p1", at=at))
    assert results(ledger) == ["done"]
    assert shop.writes == ["SchedulePost", "ReschedulePost"]
    assert [(post.scheduled_for, post.times) for post in shop.recorded.published] == [(at, 1)]
    assert tally_of([ledger]) == ApplyTally(published=1)


OWN_TIME = START + timedelta(days=3)


def at_its_own_time(shop: Bench, operation: Operation) -> None:
    if isinstance(operation, SchedulePost):
        shop.world.edit("p1", scheduled_for=OWN_TIME)


def scheduled_at_its_own_time(shop: Bench) -> Action:
    """A post that its rule wants a day later."""
    shop.world.after_call = lambda operation: at_its_own_time(shop, operation)
    return out(shop, "p1", at=OWN_TIME + timedelta(days=1))


@pytest.mark.parametrize(
    ("answer", "result"),
    [
        (refused("no"), "failed"),
        (refused("no", skipped=True), "skipped"),
        (refused("no", missing=True), "failed"),
        (unclear("no"), "failed"),
    ],
)
def test_a_post_that_is_not_moved_is_published_all_the_same_and_says_when(
    shop: Bench, answer: Outcome, result: str
) -> None:
    wanted = scheduled_at_its_own_time(shop)
    shop.world.answers = {ReschedulePost: [answer]}
    ledger = shop.apply(wanted)
    entry = only(ledger)
    assert (entry.result, entry.remark, entry.goes_out) == (result, Remark.SCHEDULED, OWN_TIME)
    assert details(ledger)[0] == "moving it failed: no"
    done = ApplyTally(published=1, at_another_time=1)
    assert tally_of([ledger]) == replace(done, **{result: 1})
    assert [post.scheduled_for for post in shop.recorded.published] == [OWN_TIME]


def test_a_post_whose_move_had_no_effect_is_published_all_the_same(shop: Bench) -> None:
    wanted = scheduled_at_its_own_time(shop)
    shop.world.answers = {ReschedulePost: [Done()]}
    ledger = shop.apply(wanted)
    assert (results(ledger), only(ledger).goes_out) == (["failed"], OWN_TIME)
    assert details(ledger)[0].startswith("the site shows another time than the one asked for")
    assert tally_of([ledger]) == ApplyTally(published=1, at_another_time=1, failed=1)


def test_a_post_that_may_have_been_moved_is_published(shop: Bench) -> None:
    wanted = scheduled_at_its_own_time(shop)
    shop.world.answers = {ReschedulePost: [unclear("lost")]}

    def unreadable(operation: Operation) -> None:
        at_its_own_time(shop, operation)
        if isinstance(operation, ReschedulePost):
            shop.world.failing["marketing-plan"] = [failure() for _ in range(9)]

    shop.world.after_call = unreadable
    ledger = shop.apply(wanted)
    assert (results(ledger), only(ledger).goes_out) == (["unknown"], OWN_TIME)
    assert tally_of([ledger]) == ApplyTally(published=1, unknown=1)


@pytest.mark.parametrize("status", [PostStatus.CANCELED, None])
def test_a_post_that_is_gone_when_it_is_to_be_moved_is_not_published(shop: Bench, status: PostStatus | None) -> None:
    wanted = scheduled_at_its_own_time(shop)
    shop.world.answers = {ReschedulePost: [refused("no", skipped=True)]}

    def gone(operation: Operation) -> None:
        at_its_own_time(shop, operation)
        if isinstance(operation, ReschedulePost):
            shop.world.edit("p1", status=status) if status else shop.world.change("a1", posts=())

    shop.world.after_call = gone
    ledger = shop.apply(wanted)
    assert (only(ledger).goes_out, tally_of([ledger])) == (None, ApplyTally(skipped=1))


def test_a_schedule_that_cannot_be_read_back_stays_open_for_the_next_run(shop: Bench) -> None:
    shop.world.after_call = lambda _: shop.world.failing.update({"marketing-plan": [failure()]})
    ledger = shop.apply(out(shop, "p1"), retitle("a1"))
    assert results(ledger) == ["unknown", "not-started"]
    assert ledger.error is not None
    shop.world.after_call = None
    assert shop.resolve_open().open == ()
    assert [(post.id, post.times) for post in shop.recorded.published] == [("p1", 1)]


def test_a_run_killed_right_after_a_schedule_is_finished_by_the_next_without_scheduling_again(shop: Bench) -> None:
    def killed(_: object) -> None:
        raise KeyboardInterrupt

    action = out(shop, "p1")
    shop.world.after_call = killed
    with pytest.raises(KeyboardInterrupt):
        shop.apply(action)
    shop.world.after_call = None
    shop.resolve_open()
    assert [post.id for post in shop.recorded.published] == ["p1"]
    assert results(shop.apply(action)) == ["skipped"]
    assert shop.writes == ["SchedulePost"]


def test_a_post_is_moved_and_cancelled(shop: Bench) -> None:
    shop.apply(out(shop, "p1"), out(shop, "p2"))
    at = START + timedelta(days=4)
    live = post(shop, "p1")
    move = act(ReschedulePost(live.id, ActivityId("a1"), live.channel, live.digest, at), Kind.DRAFT, "p1")
    back = act(CancelPost(PostId("p2"), ActivityId("a1"), "FACEBOOK"), Kind.DRAFT, "p2")
    ledger = shop.apply(move, back)
    assert results(ledger) == ["done", "done"]
    assert {post.id: (post.scheduled_for, post.times) for post in shop.recorded.published}[PostId("p1")] == (at, 1)
    assert tally_of([ledger]) == ApplyTally(published=1, moved=1, cancelled=1)


# --- promises --------------------------------------------------------------------------------------

PROMISE = act(Deferred(SitePart.POSTS, 0, posts_rules=(PostsRule(Match()),), at_most=1), Kind.RULE, "posts.0")


def test_a_promise_is_carried_out_within_its_bound_after_the_generation(bench: Bench) -> None:
    bench.world.next_activities = [an_activity("a1"), an_activity("a2")]
    bench.resolve = lambda *_: ResolvedActions((posts_for("a1"), posts_for("a2")))
    ledger = bench.apply(generate(), PROMISE)
    assert [(str(entry.address), entry.result.value, entry.count) for entry in ledger.entries] == [
        ("shop/marketing-plan", "done", 1),
        ("shop/posts[a2]", "skipped", 1),
        ("shop/rule[posts.0]", "done", 0),
        ("shop/posts[a1]", "done", 1),
    ]
    assert tally_of([ledger]) == ApplyTally(generated=1, promised=KeptPromises(posts=1), skipped=1)


def test_a_promise_that_a_guard_refuses_is_skipped_and_what_is_blocked_is_noted(shop: Bench) -> None:
    refused = refusal(PROMISE.address, RefusedBy.MIN, "posts.0 matches 0", "lower min")
    item = blocked(PROMISE.address, BlockedBy.POLICY, "a banned word", "review it")
    shop.resolve = lambda *_: ResolvedActions((), (item,), (refused,))
    ledger = shop.apply(PROMISE)
    assert results(ledger) == ["skipped"]
    assert tuple(map(sentence, ledger.notes)) == ("shop/posts[0]: a banned word; review it",)


def test_a_stop_enters_every_action_of_a_promise_even_if_another_promise_was_kept_before(bench: Bench) -> None:
    ids = [f"a{number}" for number in range(20)]
    bench.world.status, bench.world.activities = PlanStatus.ACTIVE, [an_activity(id) for id in ids]
    left = [ids[:10], ids[10:]]
    bench.resolve = lambda *_: ResolvedActions(tuple(map(posts_for, left.pop(0))))
    bench.stop = lambda: not left
    rules = (PostsRule(Match()), PostsRule(Match()))
    first, second = (
        act(Deferred(SitePart.POSTS, rule, posts_rules=rules), Kind.RULE, f"posts.{rule}") for rule in range(2)
    )
    ledger = bench.apply(first, second)
    assert results(ledger) == ["done"] * 12 + ["not-started"] * 10


def test_a_deferred_schedule_reads_channels_and_features_too(shop: Bench) -> None:
    shop.resolve = lambda *_: ResolvedActions((out(shop, "p1"),))
    deferred = act(
        Deferred(SitePart.SCHEDULE, 0, at_most=1, schedule_rules=(ScheduleRule(Match()),)), Kind.RULE, "schedule.0"
    )
    assert results(shop.apply(deferred)) == ["done", "done"]
    assert shop.reads("channel-status") == 1
    assert shop.reads("features") == 1


def test_what_a_deferred_schedule_finds_is_withheld_post_by_post(shop: Bench) -> None:
    """As a plan counts posts, so does what is left of it."""
    shop.resolve = lambda *_: ResolvedActions((out(shop, "p1"), out(shop, "p2")))
    deferred = act(
        Deferred(SitePart.SCHEDULE, 0, at_most=2, schedule_rules=(ScheduleRule(Match()),)), Kind.RULE, "schedule.0"
    )
    ledger = shop.apply(deferred, allow_publish=False)
    assert results(ledger) == ["done", "withheld", "withheld"]
    assert tally_of([ledger]) == ApplyTally(withheld=2)


# --- ends ------------------------------------------------------------------------------------------


def test_a_cancelled_run_ends_at_once_and_leaves_its_call_in_the_journal(shop: Bench) -> None:
    async def main() -> None:
        task = asyncio.ensure_future(shop.apply_async(retitle("a1"), CREATE))

        def cancel(_: object) -> None:
            task.cancel()

        shop.world.before_call = cancel
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(main())
    assert shop.writes == ["UpdateActivity"]
    assert [entry.call for entry in shop.recorded.open] == ["update-activity"]


def test_objects_are_counted_once_and_events_by_their_ids() -> None:
    settings = Entry(retitle("a1").address, UpdateSettings(()), ActionResult.DONE)
    pruned = [Entry(settings.address, DeleteEvent(EventId(event), "x"), ActionResult.DONE) for event in ("e1", "e2")]
    held = Entry(settings.address, CreateActivity(OPEN_DAY), ActionResult.NOT_STARTED)
    ledger = SiteLedger(SITE, (settings, settings, *pruned, held))
    assert tally_of([ledger]) == ApplyTally(changed=1, destroyed=2, not_started=1)


def test_an_unfollowable_wait_for_posts_is_pending(shop: Bench) -> None:
    shop.world.after_call = lambda _: shop.world.failing.update({"posts": [failure(), failure(ErrorKind.FORBIDDEN)]})
    ledger = shop.apply(posts_for("a2"))
    assert results(ledger) == ["pending"]
    assert ledger.error is not None


@pytest.mark.parametrize(
    ("recorded", "read", "shown"),
    [
        ("janes.pottery (1784)", "1784", "janes.pottery (1784)"),
        ("janes.pottery (1784)", None, "janes.pottery (1784)"),
        ("janes.pottery (1784)", "9", "9"),
        (None, "1784", "1784"),
    ],
)
def test_a_post_that_was_not_cancelled_has_the_name_of_its_account(
    shop: Bench, recorded: str | None, read: str | None, shown: str
) -> None:
    """A post that is read alone has only the account's id, and another account's name would be worse than none."""
    cancel = cancelling(shop, "p1")
    shop.world.edit("p1", account_id=read, account_name=None)
    known = PublishedPost(PostId("p1"), Digest("sha256:1"), "INSTAGRAM", None, START, account=recorded)
    shop.remember(published=(known,))
    shop.world.answers = {CancelPost: [refused("409", skipped=True)]}
    (left,) = shop.apply(cancel).still_going_out
    assert left.account == shown


def test_a_post_that_was_not_cancelled_has_the_error_and_its_request(shop: Bench) -> None:
    cancel = cancelling(shop, "p1")
    error = Diagnostic("api-forbidden", "access was refused", "give the credential access", request_id="r-7")
    shop.world.answers = {CancelPost: [NotDone(error)]}
    (left,) = shop.apply(cancel).still_going_out
    told = replace(error, fix="give the credential access; or cancel the post in the site's dashboard")
    assert replace(left.problem, address=None) == told
    assert remedy(left.problem) == f"{told.fix} (request id r-7)"
    assert going_out(left, "UTC").request_id == "r-7"
    # The next plan says so too, from what the state remembers.
    tried = why_not_cancelled(shop.recorded, PostId("p1"))
    known = {"fix": "give the credential access to the site"}
    said = "cancelling it failed before (access was refused); apply tries again"
    assert tried == replace(error, message=said, **known)
