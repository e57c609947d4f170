"""Carrying out operations on the sandbox, and what the answers mean."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any, TypeVar

import httpx
import pytest

from reconciler.api.client import FullClient
from reconciler.model.activities import Activity, CreateActivity, DeleteActivity, DesiredActivity, UpdateActivity
from reconciler.model.canonical import Digest, JsonObject
from reconciler.model.events import CalendarEvent, CreateEvent, DeleteEvent, DesiredEvent, EventId, UpdateEvent
from reconciler.model.frozen import instant
from reconciler.model.marketing_plan import AwaitGeneration, DeleteMarketingPlan, Generate, Regenerate
from reconciler.model.operations import Deferred, Operation, SitePart
from reconciler.model.outcomes import Done, NotDone, Outcome, Pending, Trouble, Unknown
from reconciler.model.posts import (
    ActivityId,
    ClearPosts,
    GeneratePosts,
    Post,
    PostId,
    PostStatus,
    RegeneratePosts,
    channel_name,
)
from reconciler.model.schedule import CancelPost, ReschedulePost, SchedulePost
from reconciler.model.settings import UpdateSettings
from reconciler.model.sites import Need, ObservedSite
from reconciler.model.writes import FieldChange
from reconciler.sandbox.app import Sandbox
from tests.api.bench import NOW, Bench, Remote, ok, refused, remote

T = TypeVar("T")
Make = Callable[..., Sandbox]
SOON = NOW + timedelta(days=2)
ONE_ACTIVITY = {"status": "ACTIVE", "activities": [{"title": "t", "date": instant(SOON), "items": "all"}]}


def using(bench: Bench, box: Sandbox, work: Callable[[FullClient], Awaitable[T]]) -> T:
    async def run() -> T:
        async with bench.over(httpx.ASGITransport(box)) as client:
            return await work(client)

    return asyncio.run(run())


def perform(bench: Bench, box: Sandbox, *operations: Operation) -> tuple[Outcome, ...]:
    return using(bench, box, lambda client: client.writer().perform(bench.site, operations))


def read(bench: Bench, box: Sandbox) -> ObservedSite:
    needs = frozenset({Need.SETTINGS, Need.EVENTS, Need.MARKETING_PLAN})
    return using(bench, box, lambda client: client.reader().read(bench.site, needs))


def only_activity(bench: Bench, box: Sandbox) -> Activity:
    plan = read(bench, box).marketing_plan
    assert plan is not None
    (activity,) = plan.activities
    return activity


def schedule(post: Post, activity: Activity, **more: Any) -> SchedulePost:
    return SchedulePost(post.id, activity.id, post.channel, post.digest, **more)


def test_settings_are_set_and_cleared(bench: Bench, sandbox_of: Make) -> None:
    box = sandbox_of(settings={"toneOfVoice": "cold", "topics": {"included": ["a"], "excluded": ["b"]}})
    changes = (
        FieldChange("settings.toneOfVoice", "cold", "warm"),
        FieldChange("settings.topics.excluded", ("b",), None),
        FieldChange("overrides.blogs.frequency", None, JsonObject({"interval": "WEEK", "count": 1})),
    )
    live = read(bench, box).settings
    assert live is not None
    (outcome,) = perform(bench, box, UpdateSettings(changes).merged_into(live))
    assert isinstance(outcome, Done)
    assert outcome.request_id
    found = read(bench, box).settings
    assert found is not None
    assert found.value_of("settings.toneOfVoice") == "warm"
    assert found.value_of("settings.topics.included") == ("a",)
    assert not found.value_of("settings.topics.excluded")
    assert found.value_of("overrides.blogs.frequency.count") == 1


def test_an_event_is_created_replaced_and_deleted(bench: Bench, sandbox_of: Make) -> None:
    box = sandbox_of()
    (created,) = perform(bench, box, CreateEvent(DesiredEvent("Sale", description="30%", date=SOON)))
    assert isinstance(created, Done)
    assert created.created
    (event,) = read(bench, box).events or ()
    assert (event.id, event.name, event.description, event.date) == (created.created, "Sale", "30%", SOON)
    replaced = CalendarEvent(event.id, "Sale", None, None, JsonObject({"frequency": "MONTHLY"}), rest=event.rest)
    (outcome,) = perform(bench, box, UpdateEvent(replaced, ()))
    assert isinstance(outcome, Done)
    (event,) = read(bench, box).events or ()
    assert (event.description, event.date) == (None, None)
    assert event.recurring_rule == JsonObject({"frequency": "MONTHLY"})
    (outcome,) = perform(bench, box, DeleteEvent(event.id, "Sale"))
    assert isinstance(outcome, Done)
    assert read(bench, box).events == ()


def test_an_event_that_is_not_the_sites_own_is_left_alone_and_skipped(bench: Bench, sandbox_of: Make) -> None:
    box = sandbox_of(foreignEvents=[{"name": "Holiday", "date": instant(SOON)}])
    (event,) = read(bench, box).events or ()
    (outcome,) = perform(bench, box, DeleteEvent(event.id, "Holiday"))
    assert isinstance(outcome, NotDone)
    assert outcome.skipped


@pytest.mark.parametrize("key", ["event", "calendarEvent"])
def test_either_body_key_of_an_event_update_works(bench: Bench, sandbox_of: Make, key: str) -> None:
    box = sandbox_of(
        seed={"unknowns": {"updateEventKey": key}}, events=[{"name": "Sale", "date": "2026-12-01T00:00:00Z"}]
    )
    (event,) = read(bench, box).events or ()
    twice = [UpdateEvent(CalendarEvent(event.id, name, date=SOON), ()) for name in ("One", "Two")]
    outcomes = perform(bench, box, *twice)
    assert all(isinstance(outcome, Done) for outcome in outcomes)
    assert [event.name for event in read(bench, box).events or ()] == ["Two"]
    puts = [request["status"] for request in box.requests() if request["method"] == "PUT"]
    assert puts == ([200, 200] if key == "event" else [400, 200, 200])  # the one that works is kept


def test_an_update_that_both_keys_cannot_save_reports_the_first_refusal(bench: Bench) -> None:
    side = remote(refused(400, "A", "name is too long"), refused(400, "B", "unknown field"))
    operation = UpdateEvent(CalendarEvent(EventId("e"), "n", date=SOON), ())
    (outcome,) = asyncio.run(bench.client(side).writer().perform(bench.site, [operation]))
    assert isinstance(outcome, NotDone)
    assert outcome.problem.call.endswith(" A")
    assert len(side.requests) == 2


def test_generating_is_pending_and_generating_again_is_refused_with_its_code(bench: Bench, sandbox_of: Make) -> None:
    box = sandbox_of()
    (outcome,) = perform(bench, box, Generate())
    assert isinstance(outcome, Pending)
    (again,) = perform(bench, box, Regenerate(keyword_research=True))
    assert isinstance(again, NotDone)
    assert (again.problem.call.split()[-1], again.skipped) == ("PLAN_ALREADY_GENERATING_ERROR", True)
    assert again.request_id
    box.advance(timedelta(minutes=1))
    (third,) = perform(bench, box, Regenerate(keyword_research=False))
    assert isinstance(third, Pending)
    box.advance(timedelta(minutes=1))
    assert isinstance(perform(bench, box, DeleteMarketingPlan())[0], Done)


def test_activities_are_created_set_and_deleted(bench: Bench, sandbox_of: Make) -> None:
    box = sandbox_of(plan={"status": "ACTIVE", "activities": []})
    (created,) = perform(bench, box, CreateActivity(DesiredActivity("Open studio", "Come", SOON, "SOCIAL_MARKETING")))
    assert isinstance(created, Done)
    activity = only_activity(bench, box)
    assert activity.id == created.created
    changes = (FieldChange("title", "Open studio", "Open house"), FieldChange("targetDate", "", instant(SOON)))
    (outcome,) = perform(bench, box, UpdateActivity(activity.id, "Open studio", changes))
    assert isinstance(outcome, Done)
    assert only_activity(bench, box).title == "Open house"
    (outcome,) = perform(bench, box, DeleteActivity(activity.id, "Open house"))
    assert isinstance(outcome, Done)
    plan = read(bench, box).marketing_plan
    assert plan is not None
    assert plan.activities == ()


def test_posts_are_generated_in_one_call_regenerated_and_cleared(bench: Bench, sandbox_of: Make) -> None:
    activities = [{"title": f"t{n}", "date": instant(SOON)} for n in range(3)]
    box = sandbox_of(plan={"status": "ACTIVE", "activities": activities})
    plan = read(bench, box).marketing_plan
    assert plan is not None
    outcomes = perform(bench, box, *(GeneratePosts(activity.id, activity.title) for activity in plan.activities))
    assert [type(outcome) for outcome in outcomes] == [Pending] * 3
    assert [request["path"].rsplit("/", 1)[-1] for request in box.requests()].count("generate-social-posts") == 1
    box.advance(timedelta(minutes=1))
    plan = read(bench, box).marketing_plan
    assert plan is not None
    assert all(activity.posts for activity in plan.activities)
    first = plan.activities[0]
    assert isinstance(perform(bench, box, RegeneratePosts(first.id, "t", media_only=True))[0], Pending)
    box.advance(timedelta(minutes=1))
    assert isinstance(perform(bench, box, ClearPosts(first.id, "t", stories=True))[0], Done)
    cleared = read(bench, box).marketing_plan
    assert cleared is not None
    assert [bool(activity.posts) for activity in cleared.activities] == [False, True, True]


def test_drafts_are_scheduled_and_those_left_out_without_a_word_are_unclear(bench: Bench, sandbox_of: Make) -> None:
    box = sandbox_of(plan=ONE_ACTIVITY)  # connected: INSTAGRAM and FACEBOOK
    activity = only_activity(bench, box)
    outcomes = perform(bench, box, *(schedule(draft, activity) for draft in activity.drafts))
    for draft, outcome in zip(activity.drafts, outcomes, strict=True):
        if draft.channel in ("INSTAGRAM", "FACEBOOK"):
            assert isinstance(outcome, Done)
        else:
            assert isinstance(outcome, Unknown)
            assert (outcome.accepted, outcome.problem.code) == (True, Trouble.NOT_SCHEDULED)
            assert channel_name(draft.channel) in outcome.problem.message
    gone = {post.channel for post in only_activity(bench, box).posts if post.status is PostStatus.SCHEDULED}
    assert gone == {"INSTAGRAM", "FACEBOOK"}


def test_a_draft_is_scheduled_for_an_instant_moved_and_cancelled(bench: Bench, sandbox_of: Make) -> None:
    box = sandbox_of(plan=ONE_ACTIVITY)
    activity = only_activity(bench, box)
    draft = next(draft for draft in activity.drafts if draft.channel == "INSTAGRAM")

    def now_found() -> Post:
        return next(post for post in only_activity(bench, box).posts if post.id == draft.id)

    assert isinstance(perform(bench, box, schedule(draft, activity, at=SOON))[0], Done)
    assert (now_found().status, now_found().scheduled_for) == (PostStatus.SCHEDULED, SOON)
    later = SOON + timedelta(hours=3)
    moved = ReschedulePost(draft.id, activity.id, "INSTAGRAM", draft.digest, at=later)
    assert isinstance(perform(bench, box, moved)[0], Done)
    assert now_found().scheduled_for == later
    assert isinstance(perform(bench, box, CancelPost(draft.id, activity.id, "INSTAGRAM"))[0], Done)
    assert now_found().status is not PostStatus.SCHEDULED


def test_without_the_feature_scheduling_is_skipped(bench: Bench, sandbox_of: Make) -> None:
    box = sandbox_of(plan=ONE_ACTIVITY, features="free")
    activity = only_activity(bench, box)
    (outcome,) = perform(bench, box, schedule(activity.drafts[0], activity))
    assert isinstance(outcome, NotDone)
    assert outcome.skipped
    assert outcome.problem.call


SCHEDULED: list[tuple[object, type[Outcome]]] = [
    ({"items": [{"id": "p", "status": "SCHEDULED"}]}, Done),
    ({"items": [{"id": "p", "status": "PUBLISHED"}]}, Done),
    ({"items": [{"id": "p", "status": "IN_QUEUE"}]}, Done),
    ({"items": [{"id": "p", "status": "DRAFT"}]}, Unknown),
    ({"items": [{"id": "other", "status": "SCHEDULED"}]}, Unknown),
    ({}, Unknown),
    ({"items": [{"id": "p", "status": "FAILED"}]}, Unknown),
    ({"items": [{"id": "p", "status": "NEW"}]}, Unknown),
    ({"items": [{"id": "p"}]}, Unknown),
    ({"items": "none"}, Unknown),
    ([], Unknown),
]


@pytest.mark.parametrize(("body", "kind"), SCHEDULED)
def test_what_the_answer_to_scheduling_means(bench: Bench, body: object, kind: type[Outcome]) -> None:
    operation = SchedulePost(PostId("p"), ActivityId("a"), "INSTAGRAM", Digest(""))
    (outcome,) = asyncio.run(bench.client(remote(ok(body))).writer().perform(bench.site, [operation]))
    assert type(outcome) is kind


@pytest.mark.parametrize("body", [{}, {"item": {"id": "p"}}, {"item": {"id": "p", "status": "SCHEDULED"}}, {"id": "p"}])
def test_scheduling_for_an_instant_needs_no_item_in_the_answer(bench: Bench, body: object) -> None:
    operation = SchedulePost(PostId("p"), ActivityId("a"), "INSTAGRAM", Digest(""), at=SOON)
    (outcome,) = asyncio.run(bench.client(remote(ok(body))).writer().perform(bench.site, [operation]))
    assert isinstance(outcome, Done)


def test_what_was_created_without_a_word_about_its_id_is_done(bench: Bench) -> None:
    operation = CreateEvent(DesiredEvent("Sale", date=SOON))
    (outcome,) = asyncio.run(bench.client(remote(ok({}))).writer().perform(bench.site, [operation]))
    assert isinstance(outcome, Done)
    assert outcome.created is None


def test_waiting_sends_nothing_and_a_deferred_operation_cannot_be_sent(bench: Bench) -> None:
    side: Remote = remote(ok())
    writer = bench.client(side).writer()
    (outcome,) = asyncio.run(writer.perform(bench.site, [AwaitGeneration()]))
    assert isinstance(outcome, Pending)
    with pytest.raises(TypeError):
        asyncio.run(writer.perform(bench.site, [Deferred(SitePart.SCHEDULE, 0)]))
    assert side.requests == []


@pytest.mark.parametrize("missing", [404, 405, 501])
def test_a_draft_is_never_scheduled_for_another_time_first(bench: Bench, missing: int) -> None:
    side = remote(refused(missing, "NOT_FOUND"))
    operation = SchedulePost(PostId("p"), ActivityId("a"), "INSTAGRAM", Digest(""), at=SOON)
    outcomes = asyncio.run(bench.client(side).writer().perform(bench.site, [operation, operation]))
    assert [isinstance(outcome, NotDone) and outcome.skipped for outcome in outcomes] == [True, True]
    assert [request.url.path.rpartition("/")[2] for request in side.requests] == [
        "publish-by-id"
    ]  # and does not ask again


def test_a_fence_of_the_call_is_asked_before_every_attempt(bench: Bench) -> None:
    class Closing:
        asked = 0

        async def confirm(self) -> None:
            self.asked += 1
            if self.asked > 1:
                raise ValueError("too late")

    side, fence = remote(refused(429, "SLOW_DOWN"), ok({})), Closing()
    operation = SchedulePost(PostId("p"), ActivityId("a"), "INSTAGRAM", Digest(""), at=SOON)
    with pytest.raises(ValueError, match="too late"):
        asyncio.run(bench.client(side).writer().perform(bench.site, [operation], fence))
    assert (fence.asked, len(side.requests)) == (2, 1)


def test_a_draft_that_is_gone_is_scheduled_no_other_way(bench: Bench) -> None:
    side = remote(refused(404, "ITEM_NOT_EXISTS"))
    operation = SchedulePost(PostId("p"), ActivityId("a"), "INSTAGRAM", Digest(""), at=SOON)
    (outcome,) = asyncio.run(bench.client(side).writer().perform(bench.site, [operation]))
    assert isinstance(outcome, NotDone)
    assert len(side.requests) == 1


@pytest.mark.parametrize(
    ("operation", "status", "skipped", "missing"),
    [
        (CancelPost(PostId("p"), ActivityId("a"), "X"), 409, True, False),
        (CancelPost(PostId("p"), ActivityId("a"), "X"), 428, True, False),
        (CancelPost(PostId("p"), ActivityId("a"), "X"), 412, True, False),
        (CancelPost(PostId("p"), ActivityId("a"), "X"), 404, False, True),
        (CancelPost(PostId("p"), ActivityId("a"), "X"), 403, False, False),
        (SchedulePost(PostId("p"), ActivityId("a"), "X", Digest("")), 409, True, False),
        (SchedulePost(PostId("p"), ActivityId("a"), "X", Digest("")), 404, False, True),
        (ReschedulePost(PostId("p"), ActivityId("a"), "X", Digest(""), SOON), 409, True, False),
        (ReschedulePost(PostId("p"), ActivityId("a"), "X", Digest(""), SOON), 428, True, False),
        (DeleteActivity(ActivityId("a"), "T"), 404, False, True),
        (DeleteActivity(ActivityId("a"), "T"), 409, False, False),
    ],
    ids=str,
)
def test_what_a_refusal_says_of_the_object(
    bench: Bench, operation: Operation, status: int, skipped: bool, missing: bool
) -> None:
    side = remote(refused(status, "SOME_CODE"))
    (outcome,) = asyncio.run(bench.client(side).writer().perform(bench.site, [operation]))
    assert isinstance(outcome, NotDone)
    assert (outcome.skipped, outcome.missing) == (skipped, missing)
    assert len(side.requests) == 1
