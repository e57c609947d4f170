"""What must hold for a plan, before its first write and before each; and how calls that are still open are judged."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any, get_args, get_type_hints

import pytest
from hypothesis import Phase, find, settings
from msgspec.structs import replace

from reconciler.executor.events import EntryResolved
from reconciler.executor.kinds import of_kind
from reconciler.executor.kinds.base import Moment
from reconciler.executor.kinds.marketing_plan import MarketingPlanKind
from reconciler.executor.kinds.schedule.conditions import right_unmet
from reconciler.executor.ports import PollPolicy
from reconciler.executor.preconditions import stale_in
from reconciler.executor.site_cache import SiteCache
from reconciler.model.activities import (
    ActivityIs,
    CreateActivity,
    DateIs,
    DeleteActivity,
    DesiredActivity,
    NoActivityLike,
)
from reconciler.model.address import Kind
from reconciler.model.approvals import ActivityApproval, Approvals, DraftApproval, DraftDecision
from reconciler.model.canonical import Json, JsonObject, digest_of, freeze, freeze_object
from reconciler.model.codec import from_plain
from reconciler.model.events import (
    CalendarEvent,
    CalendarId,
    CreateEvent,
    DeleteEvent,
    DesiredEvent,
    EventId,
    EventIs,
    NoEventNamed,
    UpdateEvent,
)
from reconciler.model.frozen import instant
from reconciler.model.journal import OpenEntry
from reconciler.model.marketing_plan import (
    AwaitGeneration,
    DeleteMarketingPlan,
    Discard,
    DiscardsOnly,
    MarketingPlanIs,
    PlanStatus,
    Regenerate,
)
from reconciler.model.moments import moment_text
from reconciler.model.operations import Operation, Precondition
from reconciler.model.outcomes import Done, NotDone
from reconciler.model.posts import ActivityId, PostId, PostsAmong, PostsAre, PostStatus
from reconciler.model.schedule import Approved, PostIs, SchedulePost, StillAhead, StillScheduled
from reconciler.model.settings import SettingIs
from reconciler.model.sites import PublishedPost, RecordedSite
from reconciler.model.two_values import both_in_sentence
from reconciler.planner.actions import Action, Plan
from reconciler.reporters.diagnostics import sentence
from reconciler.state.errors import StateError
from reconciler.state.old_calls import entry_of
from tests.executor.live_site import (
    SITE,
    START,
    Bench,
    a_post,
    act,
    an_activity,
    details,
    only,
    results,
    set_tone,
)
from tests.reviewing import entry as reviewed_entry
from tests.strategies import of
from tests.told import refused

SALE = DesiredEvent("Sale", date=START, whole_day=True)
LIVE_SALE = CalendarEvent(EventId("e1"), "Sale", None, START)
DRAFT = a_post("p1")
ACTIVITY = an_activity("a1", DRAFT)
NO_DIGEST = digest_of(None)
ANY = settings(max_examples=1, phases=[Phase.generate], database=None)


@pytest.fixture
def shop(bench: Bench) -> Bench:
    bench.world.status = PlanStatus.ACTIVE
    bench.world.activities = [ACTIVITY, an_activity("a2")]
    bench.world.events = [LIVE_SALE]
    bench.world.settings = {"settings.toneOfVoice": "warm"}
    return bench


def moment(bench: Bench) -> Moment:
    return Moment(bench.recorded, Approvals(), bench.world.now)


def found(bench: Bench, *actions: Action) -> list[str]:
    stale = asyncio.run(stale_in(Plan(SITE, actions), bench.world, moment(bench)))
    return [" -> ".join(part for part in (failure.found.message, failure.found.fix) if part) for failure in stale]


def needing(*requires: Precondition, operation: Operation | None = None) -> Action:
    return act(operation or DeleteMarketingPlan(), Kind.MARKETING_PLAN, "", *requires)


HOLDING: list[Precondition] = [
    SettingIs("settings.toneOfVoice", "warm"),
    SettingIs("settings.pointOfView", None),
    EventIs(LIVE_SALE.id, digest_of(LIVE_SALE.facts())),
    MarketingPlanIs((PlanStatus.ACTIVE,)),
    DiscardsOnly((DRAFT.id,)),
    ActivityIs(ACTIVITY.id, ACTIVITY.digest),
    NoActivityLike(ACTIVITY.title, instant(START)),
    PostsAre(ActivityId("a2")),
    PostsAre(ACTIVITY.id, ((DRAFT.id, DRAFT.digest),)),
    PostIs(DRAFT.id, PostStatus.DRAFT, DRAFT.digest),
    StillAhead(START + timedelta(hours=3), timedelta(hours=2)),
    DateIs(ACTIVITY.id, ACTIVITY.date),
    PostsAmong(ACTIVITY.id, ((DRAFT.id, DRAFT.digest), (PostId("p9"), NO_DIGEST))),
    Approved(DRAFT.id, DRAFT.digest, 0),
]
BROKEN: list[tuple[Precondition, str]] = [
    (StillAhead(START, timedelta(0)), f"too late: it would go out {moment_text(START, 'UTC')} -> run plan again"),
    (SettingIs("settings.toneOfVoice", None), "settings.toneOfVoice is 'warm' now, but was not set"),
    (EventIs(EventId("e9"), NO_DIGEST), "the event is gone"),
    (EventIs(LIVE_SALE.id, NO_DIGEST), "the event has changed since the plan"),
    (MarketingPlanIs((PlanStatus.FAILED,)), "the marketing plan is ACTIVE now"),
    (
        DiscardsOnly(()),
        f'it would discard a post that the plan does not list: "{ACTIVITY.title}" (Instagram) -> run plan again',
    ),
    (ActivityIs(ActivityId("a9"), NO_DIGEST), "the activity is gone"),
    (ActivityIs(ACTIVITY.id, NO_DIGEST), "the activity has changed since the plan"),
    (NoActivityLike(ACTIVITY.title, instant(ACTIVITY.date)), "the activity already exists"),
    (PostsAre(ActivityId("a9")), "the activity is gone"),
    (PostsAre(ACTIVITY.id), "the activity has 1 post now"),
    (PostsAre(ACTIVITY.id, ((DRAFT.id, NO_DIGEST),)), "the activity's posts have changed since the plan"),
    (PostsAmong(ACTIVITY.id, ()), "the activity has 1 post now"),
    (PostsAmong(ACTIVITY.id, ((DRAFT.id, NO_DIGEST),)), "the activity's posts have changed since the plan"),
    (PostIs(PostId("p9"), PostStatus.DRAFT, NO_DIGEST), "the post is gone"),
    (PostIs(DRAFT.id, PostStatus.SCHEDULED, DRAFT.digest), "the post is DRAFT now, not SCHEDULED"),
    (PostIs(DRAFT.id, PostStatus.DRAFT, NO_DIGEST), "the post's content has changed since the plan"),
    (DateIs(ActivityId("a9"), ACTIVITY.date), "the activity is gone"),
    (DateIs(ACTIVITY.id, START), f"its activity is now on {moment_text(ACTIVITY.date, 'UTC')} -> run plan again"),
    (StillScheduled(DRAFT.id), "the post is DRAFT now"),
    (
        Approved(DRAFT.id, DRAFT.digest, 1),
        "another run has scheduled it, and an approval counts only once",
    ),
    (Approved(DRAFT.id, DRAFT.digest, 0, NO_DIGEST), "the approval was withdrawn"),
]


def test_a_plan_whose_needs_hold_is_not_stale_and_costs_one_read_a_part(shop: Bench) -> None:
    assert found(shop, needing(*HOLDING)) == []
    # What is deleted with the marketing plan includes the drafts of past activities.
    assert shop.world.log == ["read settings", "read events", "read marketing-plan", "read past-activities"]


def test_unlisted_drafts_of_past_activities_stop_a_deletion_but_no_regeneration(shop: Bench) -> None:
    shop.world.past = [an_activity("a0", a_post("p0"))]
    listed = DiscardsOnly((DRAFT.id,))
    words = 'it would discard a post that the plan does not list: "Title a0" (Instagram) -> run plan again'
    assert found(shop, needing(listed)) == [words]
    assert found(shop, needing(listed, operation=Regenerate(False))) == []


@pytest.mark.parametrize(
    ("operation", "reads"), [(Regenerate(False), []), (DeleteMarketingPlan(), ["past-activities"])]
)
def test_drafts_that_the_marketing_plan_does_not_show_stop_what_takes_them_along(
    shop: Bench, operation: Operation, reads: list[str]
) -> None:
    shop.world.hidden = True
    shop.world.activities.append(an_activity("a3", a_post("p3")))
    words = 'it would discard a post that the plan does not list: "Title a3" (Instagram) -> run plan again'
    assert found(shop, needing(DiscardsOnly((DRAFT.id,)), operation=operation)) == [words]
    assert shop.world.log == [f"read {part}" for part in ("marketing-plan", *reads, "posts")]
    assert found(shop, needing(DiscardsOnly((DRAFT.id, PostId("p3"))), operation=operation)) == []


def test_hidden_drafts_of_past_activities_stop_a_deletion(shop: Bench) -> None:
    shop.world.hidden = True
    shop.world.past = [an_activity("a0", a_post("p0"))]
    words = 'it would discard a post that the plan does not list: "Title a0" (Instagram) -> run plan again'
    assert found(shop, needing(DiscardsOnly((DRAFT.id,)))) == [words]


def test_a_regeneration_behind_a_wait_keeps_drafts_that_the_marketing_plan_does_not_show(shop: Bench) -> None:
    shop.world.hidden = True
    call = Regenerate(False, discardable=Discard.NOTHING)
    site = SiteCache(SITE, shop.world)
    reason = asyncio.run(MarketingPlanKind().refusal_reason(call, site, moment(shop)))
    assert reason is not None
    assert "it would discard a post" in reason.message


@pytest.mark.parametrize(("one", "words"), BROKEN, ids=lambda value: str(value)[:40])
def test_each_need_that_does_not_hold_says_what_was_found(shop: Bench, one: Precondition, words: str) -> None:
    assert found(shop, needing(one)) == [words]


def test_an_approval_is_read_again_just_before_the_call() -> None:
    yes = reviewed_entry(DRAFT, ACTIVITY.date)
    given = Approved(DRAFT.id, DRAFT.digest, 0, yes.digest)
    once = RecordedSite(published=(PublishedPost(DRAFT.id, DRAFT.digest, DRAFT.channel, None, START),))

    def unmet(required: Approved, draft: DraftApproval, recorded: RecordedSite | None = None) -> str | None:
        file = Approvals((ActivityApproval(ACTIVITY.id, ACTIVITY.title, ACTIVITY.date, drafts=(draft,)),))
        found = right_unmet(required, Moment(recorded or RecordedSite(), file, START))
        return found.message if found else None

    assert unmet(given, yes) is None
    assert "another run has scheduled it" in str(unmet(given, yes, once))
    assert unmet(given, replace(yes, decision=DraftDecision.PENDING)) == "the approval was withdrawn"
    assert "different content is approved now" in str(unmet(given, replace(yes, digest=NO_DIGEST)))
    assert "different content is approved now" in str(unmet(given, replace(yes, cancelled=1)))
    again = replace(given, times=1, cancelled=1)
    assert unmet(again, replace(yes, cancelled=1), once) is None


def test_all_that_is_stale_is_found_and_what_comes_after_a_wait_is_not_judged(shop: Bench) -> None:
    wait = act(AwaitGeneration(), Kind.MARKETING_PLAN)
    broken = [needing(condition) for condition, _ in BROKEN[:2]]
    assert len(found(shop, *broken, wait, needing(BROKEN[3][0]))) == 2
    stale = asyncio.run(stale_in(Plan(SITE, (broken[0],)), shop.world, moment(shop)))
    assert [(each.address, each.requires) for each in stale] == [(broken[0].address, BROKEN[0][0])]


@pytest.mark.parametrize(
    ("recorded", "there"),
    [
        (RecordedSite(), True),
        (RecordedSite(foreign_events=frozenset({LIVE_SALE.id})), False),
        (RecordedSite(foreign_calendars=frozenset({CalendarId("google")})), False),
    ],
)
def test_an_event_of_the_same_name_and_day_blocks_a_create_unless_it_is_foreign(
    shop: Bench, recorded: RecordedSite, there: bool
) -> None:
    shop.journal = shop.open_journal(recorded)
    shop.world.events = [replace(LIVE_SALE, calendar_id=CalendarId("google"))]
    create = needing(NoEventNamed("Sale", digest_of(SALE.facts())), operation=CreateEvent(SALE))
    assert found(shop, create) == (["the event already exists"] if there else [])
    moved = replace(SALE, date=START + timedelta(days=1))
    assert found(shop, replace(create, operation=CreateEvent(moved))) == []


def test_a_recurring_event_is_known_by_the_members_of_its_rule_that_are_declared(shop: Bench) -> None:
    monthly = JsonObject({"frequency": "MONTHLY"})
    shop.world.events = [CalendarEvent(EventId("e2"), "Fair", recurring_rule=JsonObject({**monthly, "interval": 1}))]
    fair = DesiredEvent("Fair", recurring_rule=monthly)
    create = needing(NoEventNamed("Fair", digest_of(fair.facts())), operation=CreateEvent(fair))
    assert found(shop, create) == ["the event already exists"]


# --- what earlier runs left open ---------------------------------------------------------------------


def entry(call: str, address: str = "shop/settings", **facts: object) -> OpenEntry:
    """An entry as in format 1 of the state: once converted, it ends as it did then."""
    noted = {
        "id": "1",
        "address": address,
        "call": call,
        "startedAt": (START - timedelta(hours=1)).isoformat(),
        "facts": facts,
        "sent": False,
        "unknown": "",
    }
    return from_plain(OpenEntry, entry_of(noted))


def test_a_call_of_a_later_version_stays_open(shop: Bench) -> None:
    shop.remember(open=(entry("paint-the-town"),))
    assert len(shop.resolve_open().open) == 1
    assert shop.world.log == []


def test_nothing_is_read_if_nothing_is_open(shop: Bench) -> None:
    shop.resolve_open()
    assert shop.world.log == []


@pytest.mark.parametrize(
    ("left", "done"),
    [
        (entry("update-settings", values=JsonObject({"settings.toneOfVoice": "warm"})), True),
        (entry("update-settings", values=JsonObject({"settings.toneOfVoice": "dry"})), False),
        (entry("delete-event", id="e9", name="Gone"), True),
        (entry("delete-event", id="e1", name="Sale"), False),
        (entry("update-event", id="e1", name="Sale", event=LIVE_SALE.facts()), True),
        (entry("update-event", id="e1", name="Other", event=LIVE_SALE.facts()), False),
        (entry("delete-activity", id="a9"), True),
        (entry("delete-activity", id="a1"), False),
        (entry("update-activity", id="a1", values=JsonObject({"title": ACTIVITY.title})), True),
        (entry("update-activity", id="a1", values=JsonObject({"title": "Other"})), False),
        (entry("delete-marketing-plan", status="ACTIVE", activities=("a1", "a2")), False),
        (entry("clear-posts", activity="a1", drafts=(("p1", "x"),)), False),
        (entry("clear-posts", activity="a1", drafts=(), discards=("p1",)), False),
        (entry("clear-posts", activity="a2", drafts=(("p0", "x"),)), True),
        (entry("schedule-post", post="p1", activity="a1", digest="x", channel="GBP", at=None), False),
        (entry("schedule-post", post="p9", activity="a1", digest="x", channel="GBP", at=None), False),
        (entry("cancel-post", post="p1", activity="a1"), True),
    ],
    ids=lambda value: f"{value.call}" if isinstance(value, OpenEntry) else str(value),
)
def test_what_became_of_a_call_is_judged_by_what_is_there(shop: Bench, left: OpenEntry, done: bool) -> None:
    shop.remember(open=(left,))
    assert shop.resolve_open().open == ()
    (resolved,) = [event for event in shop.events if isinstance(event, EntryResolved)]
    assert isinstance(resolved.outcome, NotDone) is not done


def test_a_move_whose_time_cannot_be_seen_stays_open(shop: Bench) -> None:
    shop.remember(
        open=(entry("reschedule-post", post="p1", activity="a1", digest="x", channel="GBP", at=instant(START)),)
    )
    assert len(shop.resolve_open().open) == 1
    shop.world.edit("p1", scheduled_for=START)
    assert shop.resolve_open().open == ()


@pytest.mark.parametrize(("interval", "shows"), [(30, 20), (0.05, 3)])
def test_a_create_that_was_sent_only_just_now_is_looked_for_again(shop: Bench, interval: float, shows: int) -> None:
    shop.waiting = PollPolicy(timedelta(seconds=interval), timedelta(minutes=10))
    when = JsonObject({"date": instant(START), "recurringRule": None})
    shop.remember(open=(replace(entry("create-event", name="Fair", event=when, known=()), started_at=START),))
    fair = CalendarEvent(EventId("e7"), "Fair", None, START)
    shop.world.later(lambda: shop.world.events.append(fair), timedelta(seconds=shows))
    assert shop.resolve_open().event_ids == (("Fair", EventId("e7")),)


# --- read-back and the state -------------------------------------------------------------------------


def test_rule_17_6_events_are_read_back_with_one_read_and_a_difference_is_read_three_more_times(shop: Bench) -> None:
    fair = DesiredEvent("Fair", "music", START + timedelta(days=9))
    update = UpdateEvent(replace(LIVE_SALE, description="30% off"), ())
    shop.world.events.append(CalendarEvent(EventId("e3"), "Old", None, START))
    shop.world.after_call = lambda _: shop.world.events.__setitem__(0, LIVE_SALE)
    ledger = shop.apply(
        act(CreateEvent(fair), Kind.EVENT, "Fair"),
        act(update, Kind.EVENT, "Sale"),
        act(DeleteEvent(EventId("e3"), "Old"), Kind.EVENT, "Old"),
    )
    assert results(ledger) == ["done", "failed", "done"]
    assert details(ledger)[1] == "description: asked for '30% off', the site has nothing"
    assert shop.reads("events") == 5  # before, and the read-back, repeated three times for what differs (17.6)


def test_an_event_that_was_not_written_as_asked_says_which_field_differs(shop: Bench) -> None:
    moved = replace(LIVE_SALE, date=START + timedelta(days=9), recurring_rule=None)
    shop.world.after_call = lambda _: shop.world.events.__setitem__(0, replace(moved, date=START))
    ledger = shop.apply(act(UpdateEvent(moved, ()), Kind.EVENT, "Sale"))
    asked, found = instant(START + timedelta(days=9)), instant(START)
    assert details(ledger) == [f"date: asked for '{asked}', the site has '{found}'"]


def test_what_the_server_adds_to_the_rule_of_an_event_is_not_a_difference(shop: Bench) -> None:
    asked = freeze_object({"frequency": "WEEKLY", "on": {"day": "MONDAY"}})
    shown = freeze_object({"frequency": "WEEKLY", "on": {"day": "MONDAY", "ordinal": 0}, "interval": 1})

    def stored(_: object) -> None:
        shop.world.events[:] = [
            replace(event, recurring_rule=shown) if event.name == "Market" else event for event in shop.world.events
        ]

    shop.world.after_call = stored
    market = CreateEvent(DesiredEvent("Market", recurring_rule=asked))
    assert results(shop.apply(act(market, Kind.EVENT, "Market"))) == ["done"]


def test_a_delete_that_came_undone_is_corrected(shop: Bench) -> None:
    shop.world.after_call = lambda _: shop.world.activities.append(ACTIVITY)
    ledger = shop.apply(act(DeleteActivity(ACTIVITY.id, "x"), Kind.ACTIVITY, "a1"))
    assert details(ledger) == ["asked for it to be deleted, but it is still there"]


def test_a_state_that_cannot_be_written_ends_the_site_and_starts_nothing_more(shop: Bench) -> None:
    def break_store(_: object) -> None:
        async def refuse(*_: object, **__: object) -> None:
            raise StateError("memory:sites/shop.json", "is full", "make room")

        shop.backing.put = shop.backing.append = refuse  # type: ignore[method-assign, assignment]

    shop.world.after_call = break_store
    ledger = shop.apply(set_tone(), act(DeleteActivity(ACTIVITY.id, "x"), Kind.ACTIVITY, "a1"))
    assert results(ledger) == ["done", "not-started"]
    assert ledger.error is not None
    assert sentence(ledger.error) == "memory:sites/shop.json is full; make room"


def test_a_created_activity_whose_answer_named_no_id_is_bound_by_what_is_there(shop: Bench) -> None:
    wanted = DesiredActivity("Open", "Come", START + timedelta(days=2), "BLOG")

    def make(_: object) -> None:
        shop.world.activities.append(an_activity("a7", days=2, title="Open"))
        shop.world.change("a7", description="Come")

    shop.world.after_call = make
    shop.world.answers = {CreateActivity: [Done()]}
    ledger = shop.apply(act(CreateActivity(wanted), Kind.ACTIVITY, "Open"))
    assert only(ledger).result == "done"
    assert [activity.id for activity in shop.recorded.created] == ["a7"]


def test_a_draft_that_is_gone_when_it_is_read_back_is_an_error(shop: Bench) -> None:
    operation = SchedulePost(DRAFT.id, ACTIVITY.id, DRAFT.channel, DRAFT.digest)
    shop.world.after_call = lambda _: shop.world.change("a1", posts=())
    ledger = shop.apply(act(operation, Kind.DRAFT, "p1"))
    assert (results(ledger), details(ledger)) == (["failed"], ["the draft is gone"])


@pytest.mark.parametrize("caption", [None, "Other words"])
def test_a_draft_that_goes_out_under_another_id_is_unknown_and_not_skipped(shop: Bench, caption: str | None) -> None:
    operation = SchedulePost(DRAFT.id, ACTIVITY.id, DRAFT.channel, DRAFT.digest)
    other = replace(DRAFT, id=PostId("p9"), status=PostStatus.SCHEDULED)
    if caption:
        other = replace(other, texts=(("caption", caption),))
    shop.world.answers = {SchedulePost: [refused("the response leaves it out", skipped=True)]}
    shop.world.after_call = lambda _: shop.world.change("a1", posts=(other,))
    ledger = shop.apply(act(operation, Kind.DRAFT, "p1"))
    assert results(ledger) == ["skipped" if caption else "unknown"]
    assert ("p9" in details(ledger)[0]) is (caption is None)


@pytest.mark.parametrize("condition", get_args(Precondition))
def test_every_condition_is_checked_by_the_file_of_its_kind(condition: Any) -> None:
    """It is in its kind's union, over which the kind's `unmet` is exhaustive."""
    taken = get_type_hints(of_kind(condition.kind).unmet)["required"]
    assert condition in (get_args(taken) or (taken,))


@pytest.mark.parametrize("condition", get_args(Precondition))
def test_what_a_condition_is_about_is_a_format_of_its_fields(condition: Any) -> None:
    subject = find(of(condition), lambda _: True, settings=ANY).subject
    assert isinstance(subject, str)
    assert "{" not in condition.about or subject != condition.about


@pytest.mark.parametrize(
    ("live", "planned", "shown"),
    [
        (freeze({"count": 3, "interval": "WEEK"}), None, ("{count: 3, interval: WEEK}", "empty")),
        (("BLOGS", "EMAIL"), (), ("[BLOGS, EMAIL]", "[]")),
        ("warm\u00a0tone", "warm tone", ("'warm\\xa0tone'", "'warm·tone'")),
        ("a  b", "a b", ("'a··b'", "'a·b'")),
    ],
)
def test_values_are_shown_as_in_a_file_with_invisible_characters_spelled_out(
    live: Json, planned: Json, shown: tuple[str, str]
) -> None:
    assert both_in_sentence(live, planned) == shown
