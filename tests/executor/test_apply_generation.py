"""Settings, events and generations: what is recorded when, how long a run waits, and what stops what."""

from __future__ import annotations

import asyncio
import gc
from datetime import UTC, datetime, timedelta

import pytest
from msgspec.structs import replace

from reconciler.api.errors import ErrorKind
from reconciler.executor.events import StillUnclear, StillWaiting
from reconciler.executor.executor import apply_plan
from reconciler.executor.site_cache import NO_PLAN
from reconciler.model.activities import CreateActivity, DesiredActivity, PostsRule
from reconciler.model.address import Kind
from reconciler.model.canonical import Digest, JsonObject
from reconciler.model.diagnostics import Place
from reconciler.model.events import (
    CalendarEvent,
    CalendarId,
    CreateEvent,
    DeleteEvent,
    DesiredEvent,
    DesiredEvents,
    EventId,
    UpdateEvent,
)
from reconciler.model.marketing_plan import (
    AwaitGeneration,
    DeleteMarketingPlan,
    DesiredMarketingPlan,
    Discard,
    DiscardsOnly,
    Generate,
    MarketingPlanIs,
    PlanStatus,
    Regenerate,
)
from reconciler.model.operations import Deferred, Operation, SitePart
from reconciler.model.outcomes import Done, Outcome, Pending
from reconciler.model.posts import ActivityId, GeneratePosts, Unrecognised
from reconciler.model.selectors import Match
from reconciler.model.settings import Field, SettingIs, UpdateSettings
from reconciler.model.sites import Bindings, CreatedActivity, DesiredSite, Inputs, Need, RecordedSite
from reconciler.model.writes import FieldChange
from reconciler.planner.actions import Action, Plan
from reconciler.planner.deferred import ResolvedActions
from reconciler.planner.drift import find_drift
from reconciler.planner.drift_events import event_drift
from reconciler.planner.drift_report import ChangedSide, DriftState
from reconciler.planner.edits import edited_since
from reconciler.planner.events import event_changes, plan_events
from reconciler.planner.options import PlanOptions, Scope
from reconciler.planner.planner import make_plan
from reconciler.reporters.diagnostics import sentence
from tests.executor.live_site import (
    SITE,
    START,
    Bench,
    World,
    a_post,
    act,
    an_activity,
    details,
    failure,
    generate,
    only,
    regenerate,
    results,
    set_tone,
)
from tests.told import refused, unclear

DRY = Inputs(settings=(Field("settings.toneOfVoice", "dry"),))
WARM = Inputs(settings=(Field("settings.toneOfVoice", "warm"),))
SALE = DesiredEvent("Sale", date=START + timedelta(days=20), whole_day=True)
CREATE_SALE = act(CreateEvent(SALE), Kind.EVENT, "Sale")
DEFERRED = act(Deferred(SitePart.POSTS, 0, posts_rules=(PostsRule(Match()),)), Kind.RULE, "posts.0")
AWAIT = act(AwaitGeneration(), Kind.MARKETING_PLAN)


def test_settings_are_written_read_back_and_remembered(bench: Bench) -> None:
    ledger = bench.apply(set_tone("dry"), inputs=DRY)
    assert results(ledger) == ["done"]
    assert only(ledger).request_id == "request-1"
    assert bench.world.settings == {"settings.toneOfVoice": "dry"}
    assert bench.recorded.applied == DRY
    assert bench.recorded.open == ()
    assert bench.recorded.pending is None
    # The first read is for what else the changed fields hold: they are sent whole (17.4).
    assert bench.world.log == ["read settings", "write UpdateSettings", "read settings"]


def test_rule_17_5_nothing_is_generated_from_settings_that_were_not_kept(bench: Bench) -> None:
    bench.world.drops = {"settings.toneOfVoice"}
    ledger = bench.apply(set_tone("dry"), generate(), DEFERRED)
    assert results(ledger) == ["failed", "not-started", "not-started"]
    assert bench.writes == ["UpdateSettings"]


def test_rule_17_5_nothing_is_generated_if_the_write_changed_fields_that_it_does_not_name(bench: Bench) -> None:
    bench.world.settings = {"settings.imageGuidelines": "no people\n", "settings.language": "en"}
    bench.world.after_call = lambda _: bench.world.settings.update({"settings.imageGuidelines": None})
    ledger = bench.apply(set_tone("dry"), generate(), inputs=DRY)
    assert results(ledger) == ["failed", "not-started"]
    assert details(ledger)[0] == (
        "other fields changed as well: settings.imageGuidelines was 'no people', and is now empty; "
        "check the settings in the dashboard"
    )
    assert bench.writes == ["UpdateSettings"]


def test_rule_17_5_nothing_is_generated_from_an_event_that_is_not_there(bench: Bench) -> None:
    bench.world.after_call = lambda _: bench.world.events.clear()
    ledger = bench.apply(CREATE_SALE, generate())
    assert results(ledger) == ["unknown", "not-started"]
    assert bench.writes == ["CreateEvent"]


def test_a_write_that_shows_late_is_done(bench: Bench) -> None:
    bench.world.drops = {"settings.toneOfVoice"}
    bench.world.later(lambda: bench.world.settings.update({"settings.toneOfVoice": "dry"}), timedelta(seconds=3))
    assert results(bench.apply(set_tone("dry"))) == ["done"]


def test_a_field_is_sent_whole_with_what_else_it_holds_just_before_the_write(bench: Bench) -> None:
    topics = JsonObject({"included": ("tea",), "excluded": ("politics",)})
    bench.world.settings = {"settings.topics": topics}
    change = FieldChange("settings.topics.included", ("tea",), ("coffee",))
    sent: list[Operation] = []
    bench.world.before_call = sent.append
    bench.world.after_call = lambda _: bench.world.settings.update(
        {"settings.topics": JsonObject({"included": ("coffee",)})}
    )
    ledger = bench.apply(act(UpdateSettings((change,)), Kind.SETTINGS))
    whole = JsonObject({"included": ("coffee",), "excluded": ("politics",)})
    assert [operation.whole for operation in sent if isinstance(operation, UpdateSettings)] == [
        (Field("settings.topics", whole),)
    ]
    assert results(ledger) == ["failed"], "the server replaced the field and lost a member of it"


def test_a_setting_that_is_not_kept_turns_the_entry_into_a_failed_one(bench: Bench) -> None:
    bench.world.settings = {"settings.toneOfVoice": "warm\x1b[31m"}
    bench.world.drops = {"settings.toneOfVoice"}
    ledger = bench.apply(set_tone("dry"))
    assert results(ledger) == ["failed"]
    assert details(ledger) == ["settings.toneOfVoice: asked for 'dry', the site has 'warm\\x1b[31m'"]


@pytest.mark.parametrize(
    ("before", "after", "content"),
    [
        (PlanStatus.ACTIVE, "new", True),
        (PlanStatus.ACTIVE, "old", False),
        (PlanStatus.ACTIVE, "edited", False),
        (PlanStatus.INACTIVE, "old", True),
        (PlanStatus.NEVER_CREATED, "new", True),
    ],
)
@pytest.mark.parametrize("later", [None, "warm"])
def test_a_failed_generation_that_turns_active_by_itself_is_not_started_again(
    bench: Bench, before: PlanStatus, after: str, content: bool, later: str | None
) -> None:
    """Unless the marketing plan came back as it was: then nothing was generated from the new settings."""
    bench.remember(generated_from=WARM, applied=WARM)
    bench.world.status, bench.world.ends = before, PlanStatus.FAILED
    bench.world.settings = {TONE: "warm"}
    old = an_activity("old", a_post("p-old"))
    bench.world.activities = [old] if before is PlanStatus.ACTIVE else []
    start = regenerate() if before is PlanStatus.ACTIVE else generate()
    assert results(bench.apply(set_tone("dry", "warm"), start, inputs=DRY, adopted_inputs=WARM)) == ["done", "failed"]
    bench.world.status = PlanStatus.ACTIVE
    bench.world.activities = [
        {"new": an_activity("new", a_post("p-new")), "old": old, "edited": replace(old, title="Other", posts=())}[after]
    ]
    if after == "edited":
        bench.world.activities.append(an_activity("more"))
        bench.world.activities[0] = replace(bench.world.activities[0], posts=old.posts)
    asked = DRY if later is None else WARM
    desired = DesiredSite(
        SITE, Place("shop.yaml"), Digest(""), settings=asked.settings, marketing_plan=DesiredMarketingPlan()
    )
    observed = asyncio.run(bench.world.read(SITE, frozenset({Need.SETTINGS, Need.MARKETING_PLAN})))
    made = make_plan(desired, observed, bench.recorded, PlanOptions(bench.world.now))
    again = [type(action.operation) for action in made.actions if action.operation.uses_inputs]
    assert again == ([] if content is (later is None) else [Regenerate])
    if not made.actions:
        bench.apply(*made.actions, inputs=made.inputs, adopted_inputs=made.adopted_inputs)
        assert bench.recorded.generated_from == DRY
    drift = find_drift(desired, observed, bench.recorded, made, PlanOptions(bench.world.now))
    (item,) = (item for item in drift.items if item.address.kind is Kind.MARKETING_PLAN)
    assert (item.state is DriftState.PENDING) is (bool(again) and later is None)


TONE, PICTURES = "settings.toneOfVoice", "settings.imageGuidelines"


@pytest.mark.parametrize(
    ("before", "live", "keeps", "recorded", "edited"),
    [
        (None, "warm", "warm", "warm", False),
        ("warm", "warm", "warm", "warm", False),
        ("warm", "warm", "dr", "dr", False),
        (None, "warm", "dr", "dr", False),
        ("warm", "loud", "loud", "warm", True),
        ("warm", "loud", "dr", "dr", False),
    ],
    ids=["first run", "as it was", "a form of it", "a form of it, first run", "edited before", "edited, and a form"],
)
def test_what_a_write_did_not_change_was_not_edited_by_anybody_since(
    bench: Bench, before: str | None, live: str, keeps: str, recorded: str, edited: bool
) -> None:
    """What the site has now was there before the write, or is what the server made of it."""
    if before is not None:
        bench.remember(applied=Inputs((Field(TONE, before),)))
    bench.world.settings = {TONE: live}
    bench.world.after_call = lambda _: bench.world.settings.update({TONE: keeps})
    assert results(bench.apply(set_tone("dry", live))) == ["failed"]
    assert bench.recorded.applied == Inputs((Field(TONE, recorded),))
    assert bool(edited_since([set_tone("dry", keeps)], bench.recorded)) is edited
    assert edited_since([set_tone("dry", "other")], bench.recorded), "from now on, somebody did"


def test_what_a_write_changed_as_well_was_not_edited_by_anybody(bench: Bench) -> None:
    bench.remember(applied=Inputs((Field(PICTURES, "no people"), Field(TONE, "warm"))))
    bench.world.settings = {PICTURES: "no people", TONE: "warm"}
    bench.world.after_call = lambda _: bench.world.settings.update({PICTURES: None})
    assert results(bench.apply(set_tone("dry", "warm"))) == ["failed"]
    again = act(UpdateSettings((FieldChange(PICTURES, None, "no people"),)), Kind.SETTINGS)
    assert edited_since([again], bench.recorded) == ()


@pytest.mark.parametrize(
    ("path", "before", "asked"),
    [
        ("description", "By the sea", "In the hall"),
        ("date", "2026-11-20", "2026-11-21"),
        ("name", "Sal", "Sale"),
    ],
)
@pytest.mark.parametrize("known", [True, False])
def test_what_an_update_of_an_event_did_not_change_was_not_edited_by_anybody(
    bench: Bench, path: str, before: str, asked: str, known: bool
) -> None:
    facts = JsonObject({"date": "2026-11-20", "description": "By the sea"})
    live = CalendarEvent(EventId("e1"), "Sal", "By the sea", datetime(2026, 11, 20, tzinfo=UTC))
    wanted = replace(live, **{path: datetime.fromisoformat(f"{asked}T00:00:00Z") if path == "date" else asked})
    declared = JsonObject({**facts, **({path: asked} if path != "name" else {})})
    if known:
        bench.remember(applied=Inputs(events=((wanted.name, facts),)))
    bench.world.events = [live]
    bench.world.after_call = lambda _: bench.world.events.__setitem__(0, live)
    update = act(UpdateEvent(wanted, (FieldChange(path, before, asked),)), Kind.EVENT, wanted.name)
    inputs = Inputs(events=((wanted.name, declared),))
    assert results(bench.apply(update, inputs=inputs)) == ["failed"]
    somebody_did = known and path == "name"  # the event had the file's name when it was last applied
    assert bool(edited_since([update], bench.recorded)) is somebody_did
    (item,) = event_drift(
        DesiredEvents((DesiredEvent.from_facts(wanted.name, declared),)),
        (live,),
        replace(bench.recorded, event_ids=((wanted.name, live.id),)),
        Plan(SITE, (update,)),
        Scope(SITE.name, START),
    )
    assert [field.moved for field in item.fields] == [ChangedSide.REMOTE if somebody_did else ChangedSide.GIT]


def test_settings_that_moved_meanwhile_are_skipped_and_nothing_is_generated_from_them(bench: Bench) -> None:
    bench.world.status = PlanStatus.ACTIVE
    bench.world.settings = {"settings.toneOfVoice": "loud"}
    ledger = bench.apply(set_tone("dry", "warm", SettingIs("settings.toneOfVoice", "warm")), regenerate())
    assert results(ledger) == ["skipped", "not-started"]
    assert details(ledger)[0] == "settings.toneOfVoice is 'loud' now, not 'warm'"
    assert bench.writes == []


@pytest.mark.parametrize("result", ["failed", "skipped"])
def test_settings_that_were_not_saved_stop_the_generation(bench: Bench, result: str) -> None:
    bench.world.answers = {UpdateSettings: [refused("no", skipped=result == "skipped")]}
    ledger = bench.apply(set_tone(), generate(), DEFERRED)
    assert results(ledger) == [result, "not-started", "not-started"]
    assert bench.writes == ["UpdateSettings"]


def test_an_event_that_was_not_saved_stops_the_generation_but_not_the_settings(bench: Bench) -> None:
    bench.world.answers = {CreateEvent: [refused("no")]}
    ledger = bench.apply(CREATE_SALE, set_tone(), generate())
    assert results(ledger) == ["failed", "done", "not-started"]


def test_inputs_are_pending_before_the_first_write_and_generated_from_once_active(bench: Bench) -> None:
    seen: list[tuple[str, Inputs | None, Inputs | None]] = []
    bench.world.before_call = lambda operation: seen.append(
        (type(operation).__name__, bench.recorded.pending, bench.recorded.generated_from)
    )
    ledger = bench.apply(set_tone(), generate(), inputs=DRY, adopted_inputs=WARM)
    assert results(ledger) == ["done", "done"]
    assert seen == [("UpdateSettings", DRY, WARM), ("Generate", DRY, WARM)]
    assert (bench.recorded.pending, bench.recorded.generated_from) == (None, DRY)


def test_every_call_is_in_the_journal_before_it_is_sent(bench: Bench) -> None:
    open_calls: list[tuple[str, ...]] = []
    bench.world.before_call = lambda _: open_calls.append(tuple(entry.call for entry in bench.recorded.open))
    bench.apply(CREATE_SALE, set_tone(), generate())
    # What was created stays open until it has been seen, which is before the generation.
    assert open_calls == [("create-event",), ("create-event", "update-settings"), ("generate",)]
    assert bench.recorded.open == ()


def test_a_generation_is_polled_until_it_is_active(bench: Bench) -> None:
    bench.world.next_activities = [an_activity("a1", a_post("p1"))]
    ledger = bench.apply(generate())
    assert results(ledger) == ["done"]
    waits = [event for event in bench.events if isinstance(event, StillWaiting)]
    assert [wait.status for wait in waits] == [PlanStatus.GENERATING]
    assert bench.world.now == START + timedelta(minutes=1)
    assert ledger.notes == ()


def test_a_status_of_a_later_version_is_waited_for(bench: Bench) -> None:
    bench.world.ends = Unrecognised("POLISHING")
    bench.world.later(lambda: setattr(bench.world, "status", PlanStatus.ACTIVE), timedelta(minutes=3))
    assert results(bench.apply(generate())) == ["done"]


def test_errors_of_the_poll_do_not_end_the_wait(bench: Bench) -> None:
    bench.world.activities = [an_activity("old")]
    bench.world.failing = {"marketing-plan": []}

    def fail_next(_: object) -> None:
        bench.world.failing["marketing-plan"] = [failure(), failure(ErrorKind.THROTTLED)]

    bench.world.after_call = fail_next
    assert results(bench.apply(generate())) == ["done"]


def test_a_poll_that_is_refused_for_good_leaves_the_generation_pending(bench: Bench) -> None:
    bench.world.after_call = lambda _: bench.world.failing.update({"marketing-plan": [failure(ErrorKind.FORBIDDEN)]})
    ledger = bench.apply(generate(), DEFERRED)
    assert results(ledger) == ["pending", "not-started"]
    assert ledger.error is not None
    assert [entry.sent for entry in bench.recorded.open] == [True]


def test_rule_17_1_a_poll_that_is_never_understood_says_so_and_does_not_use_up_the_time(bench: Bench) -> None:
    unread = failure(ErrorKind.UNREADABLE, "the response was not understood")
    bench.world.after_call = lambda _: bench.world.failing.update({"marketing-plan": [unread] * 999})
    ledger = bench.apply(generate(), DEFERRED)
    assert results(ledger) == ["pending", "not-started"]
    assert details(ledger)[0].startswith("could not check on the generation: the response was not understood")
    assert ledger.error is not None
    assert bench.world.now < START + timedelta(minutes=3)
    assert [entry.sent for entry in bench.recorded.open] == [True]


def test_a_wait_whose_last_reads_failed_does_not_call_it_generating(bench: Bench) -> None:
    bench.world.after_call = lambda _: bench.world.failing.update({"marketing-plan": [failure()] * 999})
    ledger = bench.apply(generate(), DEFERRED)
    assert results(ledger) == ["pending", "not-started"]
    assert details(ledger)[0].startswith("could not check on the generation: the server failed: no luck")
    assert bench.world.now == START + timedelta(minutes=10)


def test_posts_that_only_their_activity_shows_are_not_made_again_after_a_generation(bench: Bench) -> None:
    bench.world.hidden = True
    bench.world.next_activities = [an_activity("with", a_post("old")), an_activity("without")]
    bench.resolve = lambda deferred, _, observed, recorded: ResolvedActions(
        tuple(
            act(GeneratePosts(activity.id, activity.title), Kind.POSTS, activity.id)
            for activity in (observed.marketing_plan or NO_PLAN).activities
            if not activity.posts
        )
    )
    ledger = bench.apply(generate(), DEFERRED)
    assert results(ledger) == ["done", "done", "done"]
    assert bench.writes == ["Generate", "GeneratePosts"]
    assert [note.code for note in ledger.notes] == []


def test_a_generation_that_outlasts_the_timeout_is_pending_and_stays_open(bench: Bench) -> None:
    bench.world.settings = {"settings.toneOfVoice": "dry"}
    bench.world.takes = None
    ledger = bench.apply(generate(), DEFERRED, inputs=DRY)
    assert results(ledger) == ["pending", "not-started"]
    assert details(ledger) == [
        "still GENERATING after 10 min; run again to continue waiting",
        "it depends on the generation",
    ]
    assert [(entry.call, entry.sent) for entry in bench.recorded.open] == [("generate", True)]
    assert bench.recorded.pending == DRY
    assert bench.world.now == START + timedelta(minutes=10)


def test_the_next_run_goes_on_waiting_and_then_records_the_pending_inputs_as_generated_from(bench: Bench) -> None:
    bench.world.settings = {"settings.toneOfVoice": "dry"}
    bench.world.takes = timedelta(minutes=15)
    bench.apply(generate(), inputs=DRY)
    bench.resolve_open()
    assert bench.recorded.pending == DRY
    ledger = bench.apply(AWAIT, inputs=WARM, adopted_inputs=WARM)
    assert results(ledger) == ["done"]
    assert bench.writes == ["Generate"]
    assert bench.recorded.generated_from == DRY
    assert bench.recorded.pending != DRY
    assert len(bench.recorded.open) == 0


def test_waiting_for_the_generation_of_another_takes_the_live_values_as_generated_from(bench: Bench) -> None:
    bench.world.status = PlanStatus.GENERATING
    bench.world.later(lambda: setattr(bench.world, "status", PlanStatus.ACTIVE))
    assert results(bench.apply(AWAIT, adopted_inputs=WARM)) == ["done"]
    assert bench.recorded.generated_from == WARM
    assert bench.writes == []


def test_a_generation_of_another_that_does_not_end_is_pending(bench: Bench) -> None:
    bench.world.status = PlanStatus.GENERATING
    assert results(bench.apply(AWAIT, DEFERRED)) == ["pending", "not-started"]


def test_waiting_and_then_regenerating_keeps_both_sets_of_inputs_apart(bench: Bench) -> None:
    bench.world.settings, bench.world.takes = {"settings.toneOfVoice": "dry"}, timedelta(minutes=15)
    bench.apply(generate(), inputs=DRY)
    generated_from: list[object] = []
    bench.world.before_call = lambda operation: generated_from.append(
        (bench.recorded.generated_from, bench.recorded.pending)
    )
    ledger = bench.apply(set_tone("warm"), AWAIT, regenerate(), inputs=WARM, adopted_inputs=DRY)
    bench.world.takes = timedelta(minutes=1)
    assert results(ledger) == ["done", "done", "pending"]
    assert generated_from == [(None, DRY), (DRY, WARM)]


def test_inputs_saved_while_a_generation_is_under_way_are_not_taken_for_what_it_was_made_from(bench: Bench) -> None:
    bench.world.settings, bench.world.takes = {"settings.toneOfVoice": "dry"}, None
    bench.apply(generate(), inputs=DRY)
    ledger = bench.apply(set_tone("warm"), AWAIT, regenerate(), inputs=WARM, adopted_inputs=DRY)
    assert results(ledger) == ["done", "pending", "not-started"]
    assert bench.recorded.pending == DRY, "the next run regenerates from what was saved in the meantime"


def test_a_regeneration_that_is_accepted_and_makes_nothing_is_not_done(bench: Bench) -> None:
    """No two generations are the same: if this counted as done, `No changes.` would hide what was not generated."""
    bench.world.settings = {"settings.toneOfVoice": "dry"}
    bench.world.status, bench.world.activities = PlanStatus.ACTIVE, [an_activity("a", a_post("p"))]
    bench.world.answers = {Regenerate: [Pending()]}
    ledger = bench.apply(regenerate(), DEFERRED, inputs=DRY, adopted_inputs=WARM)
    assert results(ledger) == ["failed", "not-started"]
    assert details(ledger)[0] == (
        "accepted, but after 10 min the marketing plan has not changed; nothing was generated; run again"
    )
    assert bench.recorded.open == (), "the next run tries again"
    assert (bench.recorded.generated_from, bench.recorded.pending) == (WARM, DRY)


def test_a_regeneration_that_keeps_the_ids_of_activities_shows_by_what_they_say(bench: Bench) -> None:
    bench.world.settings = {"settings.toneOfVoice": "dry"}
    bench.world.status, bench.world.activities = PlanStatus.ACTIVE, [an_activity("a", a_post("p"))]
    bench.world.answers = {Regenerate: [Pending()]}
    bench.world.later(lambda: bench.world.change("a", title="Another"), timedelta(minutes=2))
    assert results(bench.apply(regenerate(), inputs=DRY)) == ["done"]
    assert bench.recorded.generated_from == DRY


def test_a_failed_generation_is_an_error_with_a_hint_if_the_site_is_not_published(bench: Bench) -> None:
    bench.world.settings = {"settings.toneOfVoice": "dry"}
    bench.world.ends, bench.world.published = PlanStatus.FAILED, False
    ledger = bench.apply(generate(), DEFERRED, inputs=DRY)
    assert results(ledger) == ["failed", "not-started"]
    assert "publish it" in details(ledger)[0]
    assert bench.recorded.open == ()
    assert bench.recorded.pending == DRY


def test_active_without_any_posts_is_noted(bench: Bench) -> None:
    bench.world.next_activities = [an_activity("a1")]
    ledger = bench.apply(generate())
    assert results(ledger) == ["done"]
    assert tuple(note.message for note in ledger.notes) == (
        "the marketing plan is ACTIVE, but no activity has posts: check that marketingTools includes SOCIAL_MARKETING",
    )


def test_a_regeneration_while_another_is_under_way_is_skipped(bench: Bench) -> None:
    bench.world.status = PlanStatus.ACTIVE
    bench.world.answers = {Regenerate: [refused("plan already generating", skipped=True)]}
    ledger = bench.apply(regenerate(MarketingPlanIs((PlanStatus.ACTIVE,))), DEFERRED)
    assert results(ledger) == ["skipped", "not-started"]
    assert bench.recorded.open == ()


def test_a_regeneration_that_would_throw_away_what_was_not_listed_is_skipped(bench: Bench) -> None:
    bench.world.status = PlanStatus.ACTIVE
    bench.world.activities = [an_activity("a1", a_post("p1"), a_post("p2"))]
    ledger = bench.apply(regenerate(DiscardsOnly((a_post("p1").id,))))
    assert results(ledger) == ["skipped"]
    assert 'discard a post that the plan does not list: "Title a1"' in details(ledger)[0]
    assert bench.writes == []


def test_a_regeneration_behind_a_wait_keeps_to_what_may_be_discarded(bench: Bench) -> None:
    bench.world.status = PlanStatus.ACTIVE
    bench.world.activities = [an_activity("a1", a_post("p1"))]
    assert results(bench.apply(regenerate(discardable=Discard.NOTHING))) == ["skipped"]
    assert results(bench.apply(regenerate(discardable=Discard.UNAPPROVED))) == ["done"]


# --- unclear answers -------------------------------------------------------------------------------


def test_a_lost_answer_of_a_generation_that_took_effect_is_seen_and_waited_for(bench: Bench) -> None:
    bench.world.settings = {"settings.toneOfVoice": "dry"}
    bench.world.lost = {Generate: True}
    ledger = bench.apply(generate(), inputs=DRY)
    assert results(ledger) == ["done"]
    assert bench.recorded.generated_from == DRY
    assert bench.writes == ["Generate"]


def test_a_lost_answer_without_a_trace_is_unknown_and_stays_open_until_its_time_is_up(bench: Bench) -> None:
    bench.world.settings = {"settings.toneOfVoice": "dry"}
    bench.world.lost = {Generate: False}
    ledger = bench.apply(generate(), DEFERRED, inputs=DRY)
    assert results(ledger) == ["unknown", "not-started"]
    assert [entry.sent for entry in bench.recorded.open] == [False]
    assert bench.resolve_open().open == ()
    assert bench.recorded.pending == DRY


def test_a_call_that_was_cut_off_by_a_kill_is_found_again_by_its_trace(bench: Bench) -> None:
    bench.world.settings = {"settings.toneOfVoice": "dry"}
    bench.world.activities, bench.world.status = [an_activity("old")], PlanStatus.ACTIVE

    def killed(_: object) -> None:
        raise KeyboardInterrupt

    bench.world.after_call = killed
    with pytest.raises(KeyboardInterrupt):
        bench.apply(regenerate(), inputs=DRY)
    bench.world.after_call = None
    bench.resolve_open()
    assert [(entry.call, entry.sent) for entry in bench.recorded.open] == [("regenerate", True)]
    bench.world.status, bench.world.activities = PlanStatus.ACTIVE, [an_activity("old")]
    assert bench.resolve_open().open == ()
    assert bench.recorded.generated_from == DRY


def test_a_young_entry_without_a_trace_is_waited_for_and_given_up_at_its_deadline(bench: Bench) -> None:
    bench.world.settings = {"settings.toneOfVoice": "dry"}
    bench.world.status, bench.world.activities = PlanStatus.ACTIVE, [an_activity("old")]

    def killed(_: object) -> None:
        raise KeyboardInterrupt

    bench.world.before_call = killed
    with pytest.raises(KeyboardInterrupt):
        bench.apply(regenerate(), inputs=DRY)
    bench.world.before_call = None
    bench.world.now += timedelta(minutes=4)
    assert len(bench.resolve_open().open) == 1
    assert results(bench.apply(AWAIT)) == ["skipped"]
    assert bench.world.now == START + timedelta(minutes=10)
    assert bench.recorded.open == ()


def test_an_earlier_call_from_a_machine_whose_clock_was_a_day_ahead_is_not_awaited_for_a_day(bench: Bench) -> None:
    bench.world.status, bench.world.activities = PlanStatus.ACTIVE, [an_activity("old")]

    def killed(_: object) -> None:
        raise KeyboardInterrupt

    bench.world.before_call = killed
    with pytest.raises(KeyboardInterrupt):
        bench.apply(regenerate(), inputs=DRY)
    bench.world.before_call = None
    bench.world.now = begun = START - timedelta(days=1)
    assert len(bench.resolve_open().open) == 1
    assert results(bench.apply(AWAIT)) == ["skipped"]
    assert bench.world.now == begun + timedelta(minutes=10)
    assert bench.recorded.open == ()


def test_a_clock_that_is_set_back_while_a_generation_is_awaited_restarts_the_wait(bench: Bench) -> None:
    bench.world.takes = None

    def set_back() -> None:
        bench.world.now -= timedelta(days=1)

    bench.world.later(set_back, timedelta(minutes=4))
    assert results(bench.apply(generate(), inputs=DRY)) == ["pending"]
    assert bench.world.now == START - timedelta(days=1) + timedelta(minutes=14)


def test_an_earlier_call_is_not_given_up_at_its_deadline_by_reads_that_failed(bench: Bench) -> None:
    bench.world.status, bench.world.activities = PlanStatus.ACTIVE, [an_activity("old")]

    def killed(_: object) -> None:
        raise KeyboardInterrupt

    bench.world.after_call = killed
    with pytest.raises(KeyboardInterrupt):
        bench.apply(regenerate(), inputs=DRY)
    bench.world.status = PlanStatus.ACTIVE  # a read that lags behind
    assert len(bench.resolve_open().open) == 1
    bench.world.failing = {"marketing-plan": [failure()] * 999}
    assert results(bench.apply(AWAIT)) == ["pending"]
    assert len(bench.recorded.open) == 1, "nobody has seen that it had no effect, so it is not made again"


def test_lost_answers_of_settings_and_events_are_resolved_by_reading(bench: Bench) -> None:
    bench.world.lost = {UpdateSettings: True, CreateEvent: True}
    ledger = bench.apply(CREATE_SALE, set_tone(), inputs=replace(DRY, events=(("Sale", SALE.facts()),)))
    assert results(ledger) == ["done", "done"]
    assert bench.recorded.event_ids == (("Sale", EventId("event-1")),)
    assert bench.recorded.applied.event("Sale") is not None
    assert bench.recorded.open == ()


def test_lost_answers_without_effect_are_not_done(bench: Bench) -> None:
    bench.world.lost = {UpdateSettings: False, CreateEvent: False}
    ledger = bench.apply(CREATE_SALE, set_tone())
    assert results(ledger) == ["unknown", "failed"]
    assert "the connection was lost" in details(ledger)[0]
    assert [entry.call for entry in bench.recorded.open] == ["create-event"]
    asyncio.run(bench.world.sleep(60))
    assert bench.resolve_open().open == (), "a create that shows nothing after a minute is not done either"


def test_a_create_from_a_machine_whose_clock_was_a_day_ahead_is_looked_for_as_if_it_had_just_been_sent(
    bench: Bench,
) -> None:
    bench.world.lost = {CreateEvent: False}
    bench.apply(CREATE_SALE)
    bench.world.now -= timedelta(days=1)
    bench.resolve_open()
    assert {event.seconds for event in bench.events if isinstance(event, StillUnclear)} == {60.0}


def test_while_a_lost_create_may_still_show_the_run_says_for_how_long(bench: Bench) -> None:
    bench.world.lost = {CreateEvent: False}
    bench.apply(CREATE_SALE)
    (entry,) = bench.recorded.open
    before = bench.world.now
    assert bench.resolve_open().open == ()
    said = [event for event in bench.events if isinstance(event, StillUnclear)]
    assert {event.calls for event in said} == {1}
    assert said[0].seconds == (entry.started_at - before).total_seconds() + 60
    assert sorted((event.seconds for event in said), reverse=True) == [event.seconds for event in said]


def test_a_lost_answer_that_cannot_be_read_back_is_unknown_and_blocks_only_that_object(bench: Bench) -> None:
    bench.world.lost = {UpdateSettings: True}
    bench.world.after_call = lambda _: bench.world.failing.update({"settings": [failure()]})
    ledger = bench.apply(set_tone())
    assert results(ledger) == ["unknown"]
    assert [entry.call for entry in bench.recorded.open] == ["update-settings"]
    assert bench.resolve_open().open == ()


# --- events ----------------------------------------------------------------------------------------


def test_a_created_event_is_bound_to_its_id(bench: Bench) -> None:
    ledger = bench.apply(CREATE_SALE, bindings=Bindings(event_ids=(("Other", EventId("e9")),)))
    assert results(ledger) == ["done"]
    assert bench.recorded.event_ids == (("Other", EventId("e9")), ("Sale", EventId("event-1")))


def test_an_event_of_a_connected_calendar_is_remembered_when_its_delete_is_refused(bench: Bench) -> None:
    bench.world.events = [CalendarEvent(EventId("e1"), "Holiday", calendar_id=CalendarId("google"))]
    bench.world.answers = {DeleteEvent: [refused("428", skipped=True)]}
    ledger = bench.apply(act(DeleteEvent(EventId("e1"), "Holiday"), Kind.EVENT, "Holiday"), generate())
    assert results(ledger) == ["skipped", "done"]
    assert bench.recorded.foreign_calendars == {CalendarId("google")}


def deletes(*events: str) -> list[Action]:
    return [act(DeleteEvent(EventId(event), f"n{event}"), Kind.EVENT, f"n{event}") for event in events]


def test_after_the_first_428_no_further_delete_is_tried_in_that_calendar(bench: Bench) -> None:
    bench.world.events = [
        *(CalendarEvent(EventId(f"e{n}"), f"ne{n}", calendar_id=CalendarId("google")) for n in range(3)),
        CalendarEvent(EventId("e9"), "ne9", calendar_id=CalendarId("own")),
    ]
    bench.world.answers = {DeleteEvent: [refused("428", skipped=True)]}
    ledger = bench.apply(*deletes("e0", "e1", "e2", "e9"))
    assert results(ledger) == ["skipped", "skipped", "skipped", "done"]
    assert bench.writes == ["DeleteEvent", "DeleteEvent"]
    assert bench.recorded.foreign_calendars == {CalendarId("google")}


def test_a_read_only_event_in_the_sites_own_calendar_is_recorded_without_its_calendar(bench: Bench) -> None:
    """Otherwise this tool's own events there would no longer be the site's own, and every run would make them again."""
    own = CalendarId("own")
    bench.world.events = [
        CalendarEvent(EventId("ours"), "Sale", calendar_id=own),
        *(CalendarEvent(EventId(f"e{n}"), f"ne{n}", calendar_id=own) for n in range(2)),
    ]
    bench.remember(event_ids=(("Sale", EventId("ours")),))
    bench.world.answers = {DeleteEvent: [refused("428", skipped=True)]}
    ledger = bench.apply(*deletes("e0", "e1"))
    assert results(ledger) == ["skipped", "done"]
    assert "read-only, although it is in the site's own calendar" in details(ledger)[0]
    assert "(428)" in details(ledger)[0]
    assert bench.recorded.foreign_calendars == frozenset()
    assert bench.recorded.foreign_events == {EventId("e0")}


def test_the_calendar_of_an_event_that_this_very_run_made_is_the_sites_own(bench: Bench) -> None:
    own = CalendarId("own")
    bench.world.events = [CalendarEvent(EventId("e0"), "ne0", calendar_id=own)]
    bench.world.answers = {DeleteEvent: [refused("428", skipped=True)]}

    def show_calendar(_: Operation) -> None:
        bench.world.events = [replace(event, calendar_id=own) for event in bench.world.events]

    bench.world.after_call = show_calendar
    ledger = bench.apply(CREATE_SALE, *deletes("e0"))
    assert results(ledger) == ["done", "skipped"]
    assert "in the site's own calendar" in details(ledger)[1]
    assert bench.recorded.foreign_calendars == frozenset()
    assert bench.recorded.foreign_events == {EventId("e0")}


def test_an_event_that_this_tool_deleted_is_not_missed(bench: Bench) -> None:
    bench.world.events = [CalendarEvent(EventId("e1"), "Sale")]
    bench.remember(event_ids=(("Sale", EventId("e1")),))
    assert results(bench.apply(*deletes("e1"))) == ["done"]
    assert bench.recorded.event_ids == (("Sale", EventId("")),)


def test_activities_that_a_generation_replaced_are_not_missed(bench: Bench) -> None:
    past, ahead = START - timedelta(days=1), START + timedelta(days=9)
    bench.remember(
        created=(CreatedActivity(ActivityId("old"), "o", past), CreatedActivity(ActivityId("next"), "n", ahead))
    )
    assert results(bench.apply(generate())) == ["done"]
    assert [created.id for created in bench.recorded.created] == ["old", ""]


def test_an_activity_of_ours_that_a_generation_keeps_is_known_whatever_form_its_title_has(bench: Bench) -> None:
    ahead = START + timedelta(days=9)
    kept = an_activity("kept", days=9, title="open studio")
    bench.world.next_activities = [kept, an_activity("other", days=9, title="Something else")]
    bench.remember(
        created=(
            CreatedActivity(ActivityId("kept"), "Open studio", ahead),
            CreatedActivity(ActivityId("other"), "Tasting", ahead),
        )
    )
    assert results(bench.apply(generate())) == ["done"]
    assert [created.id for created in bench.recorded.created] == ["kept", ""]


def test_a_refused_delete_of_an_event_that_is_gone_is_done(bench: Bench) -> None:
    bench.world.answers = {DeleteEvent: [refused("428", skipped=True)]}
    ledger = bench.apply(act(DeleteEvent(EventId("e1"), "Holiday"), Kind.EVENT, "Holiday"))
    assert results(ledger) == ["done"]
    assert bench.recorded.foreign_events == frozenset()


# --- a marketing plan that goes, and what an interrupted run leaves -----------------------------------


def test_a_deleted_marketing_plan(bench: Bench) -> None:
    bench.world.status, bench.world.activities = PlanStatus.ACTIVE, [an_activity("a1")]
    assert results(bench.apply(act(DeleteMarketingPlan(), Kind.MARKETING_PLAN))) == ["done"]
    assert bench.world.activities == []


def test_a_stop_lets_the_call_in_flight_end_and_starts_nothing_more(bench: Bench) -> None:
    asked: list[bool] = []
    bench.stop = lambda: bool(asked)
    bench.world.before_call = lambda _: asked.append(True)
    ledger = bench.apply(CREATE_SALE, set_tone(), generate())
    assert results(ledger) == ["done", "not-started", "not-started"]
    assert ledger.interrupted
    assert [(entry.call, entry.sent) for entry in bench.recorded.open] == [("create-event", True)]  # not seen yet
    assert bench.writes == ["CreateEvent"]


def test_a_stop_while_waiting_leaves_the_generation_pending(bench: Bench) -> None:
    bench.stop = lambda: bench.world.now > START
    ledger = bench.apply(generate(), DEFERRED)
    assert results(ledger) == ["pending", "not-started"]
    assert ledger.interrupted
    assert [entry.sent for entry in bench.recorded.open] == [True]


@pytest.mark.parametrize(("lost", "result"), [({}, "pending"), ({Generate: False}, "unknown")])
def test_a_run_that_is_cut_short_knows_whether_a_generation_was_started(
    bench: Bench, lost: dict[type, bool], result: str
) -> None:
    """The second Ctrl-C: if its request was accepted, it is pending."""
    bench.world.lost = lost
    assert results(bench.cut_short(generate(), DEFERRED)) == [result, "not-started"]
    assert [entry.sent for entry in bench.recorded.open] == [result == "pending"]


def test_the_plan_is_not_in_memory_while_a_generation_takes_its_time(bench: Bench) -> None:
    """A thousand sites may wait at once."""

    def held() -> int:
        return sum(isinstance(thing, Plan | UpdateSettings | Inputs | RecordedSite) for thing in gc.get_objects())

    async def sleep(seconds: float) -> None:
        while_waiting.append(held())
        await World.sleep(bench.world, seconds)

    def plan() -> Plan:
        return Plan(SITE, (set_tone(), generate(), act(DeleteMarketingPlan(), Kind.MARKETING_PLAN)))

    while_waiting: list[int] = []
    gc.collect()  # what other tests left behind might go at any moment
    before = held()
    ports = replace(bench.ports, clock=replace(bench.ports.clock, sleep=sleep))
    ledger = asyncio.run(apply_plan(plan(), ports, bench.options(), lambda _: None))
    assert results(ledger) == ["done"] * 3
    assert ledger.entries[0].operation == set_tone().operation
    assert max(while_waiting) < before  # not even the record from which it began


def test_an_empty_plan_records_its_findings(bench: Bench) -> None:
    bench.world.settings = {"settings.toneOfVoice": "dry"}
    ledger = bench.apply(inputs=DRY, adopted_inputs=DRY, bindings=Bindings(event_ids=(("Sale", EventId("e1")),)))
    assert ledger.entries == ()
    assert (bench.recorded.generated_from, bench.recorded.applied) == (DRY, DRY)
    assert bench.recorded.event_ids == (("Sale", EventId("e1")),)
    assert bench.world.log == []


def test_a_read_that_fails_stops_this_site_with_a_sentence(bench: Bench) -> None:
    bench.world.failing = {"settings": [failure(ErrorKind.UNAUTHENTICATED)]}
    create = act(
        CreateActivity(DesiredActivity("Open", "Come", START + timedelta(days=1), "SOCIAL_MARKETING")),
        Kind.ACTIVITY,
        "Open",
    )
    ledger = bench.apply(CREATE_SALE, set_tone("dry", None, SettingIs("settings.toneOfVoice", None)), create)
    assert results(ledger) == ["done", "not-started", "not-started"]
    assert ledger.error is not None
    assert "check the site's credential" in sentence(ledger.error)


# --- what it is generated from ---------------------------------------------------------------------


def test_rule_17_5_what_is_generated_from_is_what_was_seen_and_not_what_was_asked_for(bench: Bench) -> None:
    """The settings are not written before this generation, as with --target."""
    bench.world.settings = {"settings.toneOfVoice": "warm"}
    ledger = bench.apply(generate(), inputs=DRY)
    assert results(ledger) == ["done"]
    assert bench.recorded.generated_from == WARM


def test_rule_17_6_a_plan_that_is_still_the_old_one_is_read_again(bench: Bench) -> None:
    bench.world.status, bench.world.activities = PlanStatus.ACTIVE, [an_activity("old")]
    bench.world.next_activities = [an_activity("new")]

    def lag(_: object) -> None:
        bench.world.status, bench.world.activities = PlanStatus.ACTIVE, [an_activity("old")]

    bench.world.after_call = lag
    ledger = bench.apply(regenerate())
    assert results(ledger) == ["done"]
    assert bench.world.log.count("read marketing-plan") >= 3


# --- what the answers do not show ------------------------------------------------------------------


@pytest.mark.parametrize(
    "outcome", [Done(created="e9"), Done(), unclear("not understood", accepted=True)], ids=range(3)
)
def test_rule_17_1_what_was_created_and_never_seen_is_unknown_and_not_created_again(
    bench: Bench, outcome: Outcome
) -> None:
    bench.world.answers = {CreateEvent: [outcome]}
    ledger = bench.apply(CREATE_SALE, generate())
    assert results(ledger) == ["unknown", "not-started"]
    assert bench.writes == ["CreateEvent"]
    assert bench.reads("events") >= 3
    (entry,) = bench.resolve_open().open  # the next run looks, and leaves it as it is
    assert entry.sent
    bench.world.events = [CalendarEvent(EventId("e9"), "Sale", date=SALE.date)]
    assert bench.resolve_open().open == ()
    assert bench.recorded.event_ids == (("Sale", EventId("e9")),)


def test_rule_17_1_an_event_that_is_there_although_its_answer_was_not_understood_is_done(bench: Bench) -> None:
    bench.world.answers = {CreateEvent: [unclear("not understood", accepted=True)]}
    bench.world.after_call = lambda _: bench.world.events.append(CalendarEvent(EventId("e1"), "Sale", date=SALE.date))
    assert results(bench.apply(CREATE_SALE)) == ["done"]
    assert bench.recorded.open == ()


def test_rule_17_7_what_two_writes_did_not_change_counts_as_generated_from(bench: Bench) -> None:
    bench.world.settings = {"settings.toneOfVoice": "Dry."}
    bench.world.drops = {"settings.toneOfVoice"}
    first = bench.apply(set_tone("dry", "Dry."), generate(), inputs=DRY)
    assert results(first) == ["failed", "not-started"]
    second = bench.apply(set_tone("dry", "Dry."), generate(), inputs=DRY)
    assert results(second) == ["done", "done"]
    assert any("the site keeps 'Dry.'" in note.message for note in second.notes)
    assert bench.recorded.generated_from == DRY


def test_rule_17_5_what_is_never_taken_is_never_generated_from(bench: Bench) -> None:
    """However often it is written: what is there is not a form of what was asked for."""
    bench.world.settings = {"settings.toneOfVoice": "warm"}
    bench.world.drops = {"settings.toneOfVoice"}
    for _ in range(4):
        assert results(bench.apply(set_tone("dry", "warm"), generate(), inputs=DRY)) == ["failed", "not-started"]
    assert bench.recorded.generated_from != DRY


TOOLS = "settings.marketingTools"


def set_tools(bench: Bench) -> Action:
    """Asks for social marketing alone, whatever the site has now."""
    change = FieldChange(TOOLS, bench.world.settings.get(TOOLS), ("SOCIAL",))
    return act(UpdateSettings((change,)), Kind.SETTINGS)


def test_rule_17_7_a_list_that_the_server_completes_counts_as_generated_from(bench: Bench) -> None:
    inputs = Inputs((Field(TOOLS, ("SOCIAL",)),))
    bench.world.after_call = lambda _: bench.world.settings.update({TOOLS: ("BLOG", "SOCIAL")})
    assert results(bench.apply(set_tools(bench), generate(), inputs=inputs)) == ["failed", "not-started"]
    assert bench.recorded.applied == Inputs((Field(TOOLS, ("BLOG", "SOCIAL")),)), "nobody edited it"
    second = bench.apply(set_tools(bench), generate(), inputs=inputs)
    assert results(second) == ["done", "done"]
    assert any("the site keeps [BLOG, SOCIAL]" in note.message for note in second.notes)
    assert bench.recorded.generated_from == inputs


@pytest.mark.parametrize("once", [False, True], ids=["from the start", "once somebody has edited it"])
def test_rule_17_5_a_list_that_the_server_ignores_is_never_generated_from(bench: Bench, once: bool) -> None:
    bench.world.settings = {TOOLS: ("BLOG",)}
    if once:
        bench.world.after_call = lambda _: bench.world.settings.update({TOOLS: ("BLOG", "SOCIAL")})
        assert results(bench.apply(set_tools(bench))) == ["failed"]
        bench.world.settings, bench.world.after_call = {TOOLS: ("EMAIL",)}, None
    bench.world.drops = {TOOLS}
    for _ in range(3):
        assert results(bench.apply(set_tools(bench), generate())) == ["failed", "not-started"]


@pytest.mark.parametrize(
    ("rule", "date", "then"),
    [
        ({"frequency": "FREQUENCY_YEARLY", "interval": 1}, None, ["done", "done"]),
        ({"frequency": "WEEKLY"}, None, ["failed", "not-started"]),
        (None, SALE.date, ["failed", "not-started"]),
    ],
    ids=["in a form of its own", "ignored", "not recurring"],
)
def test_rule_17_7_a_recurring_rule_that_the_server_keeps_in_its_own_form_counts_as_generated_from(
    bench: Bench, rule: dict[str, str | int] | None, date: datetime | None, then: list[str]
) -> None:
    live = CalendarEvent(EventId("e1"), "Fair", date=date, recurring_rule=None if rule is None else JsonObject(rule))
    before = replace(live, date=None, recurring_rule=JsonObject({"frequency": "WEEKLY"})) if rule else live
    asked = JsonObject({"frequency": "YEARLY"})
    sent = replace(live, date=None, recurring_rule=JsonObject({"interval": 1, **asked}))
    bench.world.events = [before]
    bench.world.after_call = lambda _: bench.world.events.__setitem__(0, live)
    for expected in (["failed", "not-started"], then, then):
        changes = (FieldChange("recurringRule", bench.world.events[0].recurring_rule, asked),)
        ledger = bench.apply(act(UpdateEvent(sent, changes), Kind.EVENT, "Fair"), generate())
        assert results(ledger)[:2] == expected
    wanted = DesiredEvents((DesiredEvent("Fair", recurring_rule=asked),))
    part = plan_events(wanted, tuple(bench.world.events), bench.recorded, Scope(SITE.name, START))
    assert bool(part.actions) is (then[0] == "failed")


def test_rule_17_5_an_event_that_recurs_instead_of_having_a_date_is_never_generated_from(bench: Bench) -> None:
    rules = [JsonObject({"frequency": frequency}) for frequency in ("WEEKLY", "YEARLY")]
    was, live = (CalendarEvent(EventId("e1"), "Sale", recurring_rule=rule) for rule in rules)
    bench.world.events = [was]
    bench.world.after_call = lambda _: bench.world.events.__setitem__(0, live)
    sent = replace(was, date=SALE.date, recurring_rule=None)
    for _ in range(3):
        changes = event_changes(SALE, bench.world.events[0])
        ledger = bench.apply(act(UpdateEvent(sent, changes), Kind.EVENT, "Sale"), generate())
        assert results(ledger) == ["failed", "not-started"]


def test_rule_17_7_a_lost_sibling_field_is_not_accepted_after_two_writes(bench: Bench) -> None:
    """The server stores the change differently, and drops what else is in the field: that is an error each time."""
    change = FieldChange("settings.topics.included", ("a",), ("c",))
    update = act(UpdateSettings((change,)), Kind.SETTINGS)
    bench.world.drops = {change.path}

    def lose(_: object) -> None:
        bench.world.settings = {"settings.topics": JsonObject({"included": ("a",)})}

    bench.world.after_call = lose
    for _ in range(3):
        bench.world.settings = {"settings.topics": JsonObject({"included": ("a",), "excluded": ("b",)})}
        assert results(bench.apply(update)) == ["failed"]
