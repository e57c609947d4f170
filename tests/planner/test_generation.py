"""When a marketing plan is generated, and with which of the three modes (design.md 3.3)."""

from __future__ import annotations

from datetime import timedelta

import pytest
from msgspec.structs import replace

from reconciler.engine.site_results import SiteDrifted, SitePlanned
from reconciler.model.activities import Activity
from reconciler.model.address import Address, SiteName
from reconciler.model.approvals import Approvals
from reconciler.model.canonical import Digest, Json, JsonObject, freeze, freeze_object
from reconciler.model.diagnostics import Place
from reconciler.model.events import CalendarEvent, CreateEvent, DesiredEvent, DesiredEvents, EventId
from reconciler.model.journal import Before, OpenEntry
from reconciler.model.marketing_plan import (
    AwaitGeneration,
    DeleteMarketingPlan,
    DesiredMarketingPlan,
    Discard,
    Generate,
    KeywordResearch,
    MarketingPlan,
    PlanStatus,
    Regenerate,
    When,
)
from reconciler.model.operations import Operation
from reconciler.model.posts import ActivityId, Discarded, Post, PostId, PostStatus, Unrecognised
from reconciler.model.settings import Field, MarketingSettings, UpdateSettings, fields_of
from reconciler.model.sites import DesiredSite, Inputs, Need, ObservedSite, RecordedSite, SiteRef
from reconciler.planner.actions import BlockedBy, Plan, Reason, RefusedBy
from reconciler.planner.drift import find_drift
from reconciler.planner.generation import AWAITED_DRAFTS, UNSEEN_DRAFTS
from reconciler.planner.needs import further_reads
from reconciler.planner.options import PlanOptions
from reconciler.planner.planner import make_plan
from reconciler.planner.tally import tally_of
from reconciler.planner.targets import SiteLabels, TargetFilter, apply_targets, parse_selector
from tests.planner.pure_world import NOW
from tests.reviewing import reviewed

SHOP = SiteRef(SiteName("shop"), "3f0c2a9e-8d0b-4b7c-9a55-0c5a6f9a1e01")
LIVE: dict[str, object] = {"toneOfVoice": "dry", "topics": {"included": ["mugs"], "excluded": []}}


def desired(tree: dict[str, object] | None = None, **parts: object) -> DesiredSite:
    fields = tuple(fields_of(freeze_object(LIVE | (tree or {})), "settings"))
    site = DesiredSite(SHOP, Place("sites/shop.yaml"), Digest("sha256:0"), settings=fields)
    return replace(site, **({"marketing_plan": DesiredMarketingPlan()} | parts))


def observed(status: PlanStatus | Unrecognised = PlanStatus.ACTIVE, **parts: object) -> ObservedSite:
    found = ObservedSite(
        SHOP,
        NOW,
        settings=MarketingSettings(freeze_object(LIVE)),
        marketing_plan=MarketingPlan(status, (activity(),) if status is PlanStatus.ACTIVE else ()),
        events=(),
        published=True,
    )
    return replace(found, **parts)


def activity(status: PostStatus = PostStatus.DRAFT, in_days: int = 2) -> Activity:
    post = Post(PostId("p1"), "FACEBOOK", "POST", status, (("caption", "hello"),))
    return Activity(ActivityId("a1"), "Mugs", "", NOW + timedelta(days=in_days), None, (post,))


def recorded(**settings: Json) -> RecordedSite:
    base = {"settings.toneOfVoice": "dry", "settings.topics.included": freeze(["mugs"])} | settings
    return RecordedSite(generated_from=Inputs(tuple(Field(path, base[path]) for path in sorted(base))))


def plan_of(
    want: DesiredSite, live: ObservedSite, before: RecordedSite | None = None, *, regenerate: bool = False
) -> Plan:
    return make_plan(want, live, before or recorded(), PlanOptions(NOW, regenerate=regenerate))


def generations(plan: Plan) -> list[Operation]:
    kinds = Generate | Regenerate | AwaitGeneration | DeleteMarketingPlan
    return [action.operation for action in plan.actions if isinstance(action.operation, kinds)]


@pytest.mark.parametrize(
    ("status", "reason"),
    [
        (PlanStatus.NEVER_CREATED, Reason.MARKETING_PLAN_GONE),
        (PlanStatus.FAILED, Reason.GENERATION_FAILED),
        (PlanStatus.INACTIVE, Reason.INACTIVE),
    ],
)
def test_a_marketing_plan_that_is_not_usable_is_generated(status: PlanStatus, reason: Reason) -> None:
    plan = plan_of(desired(), observed(status))
    assert generations(plan) == [Generate()]
    assert plan.actions[-1].reason is reason
    if status is PlanStatus.NEVER_CREATED:
        first = plan_of(desired(), observed(status), replace(recorded(), generated_from=None))
        assert first.actions[-1].reason is Reason.NO_MARKETING_PLAN
    unseen = status is not PlanStatus.NEVER_CREATED  # it may have drafts that the API does not show
    assert (UNSEEN_DRAFTS in [note.code for note in plan.notes], tally_of(plan).uncounted) == (unseen, unseen)
    named, excluded = SiteLabels(SHOP.name), (parse_selector("--exclude", "shop/marketing-plan"),)
    left_out = apply_targets(plan, TargetFilter(excluded=excluded), named)
    assert UNSEEN_DRAFTS not in {note.code for note in left_out.notes}
    absent = plan_of(desired(marketing_plan=DesiredMarketingPlan(present=False)), observed(status))
    assert (UNSEEN_DRAFTS in [note.code for note in absent.notes], tally_of(absent).uncounted) == (unseen, unseen)


def test_an_active_one_from_the_same_inputs_is_left_alone() -> None:
    assert plan_of(desired(), observed()).actions == ()


def test_an_event_that_may_not_exist_is_not_a_reason_to_generate() -> None:
    """Every run would find that the last generation lacked it, and throw the drafts away again.

    The plan says what an apply that finds out whether it exists will do then.
    """
    sale = DesiredEvent("Sale", date=NOW + timedelta(days=9))
    want = desired(events=DesiredEvents((sale,)))
    entry = OpenEntry("1", Address.parse("shop/event[Sale]"), CreateEvent(sale), NOW, sent=True)
    live = observed()
    assert len(generations(plan_of(want, live))) == 1
    plan = plan_of(want, live, replace(recorded(), open=(entry,)))
    assert (plan.actions, [blocked.code for blocked in plan.blocked]) == ((), ["outcome-unknown"])
    assert [note.message for note in plan.notes] == [
        'once apply has found out whether the event "Sale" was created, it regenerates the marketing plan, '
        "which discards 1 draft"
    ]
    never = replace(want, marketing_plan=DesiredMarketingPlan(when=When.NEVER))
    assert plan_of(never, live, replace(recorded(), open=(entry,))).notes == ()


@pytest.mark.parametrize("status", [PlanStatus.NEVER_CREATED, PlanStatus.ACTIVE])
def test_rule_17_5_nothing_is_generated_while_nobody_knows_whether_an_event_was_created(status: PlanStatus) -> None:
    """The run that created it generates nothing from it, and so must the next: it would generate twice."""
    sale = DesiredEvent("Sale", date=NOW + timedelta(days=9))
    want = desired({"toneOfVoice": "warm"}, events=DesiredEvents((sale,)))
    entry = OpenEntry("1", Address.parse("shop/event[Sale]"), CreateEvent(sale), NOW, sent=True)
    in_doubt = replace(recorded(), open=(entry,))
    plan = plan_of(want, observed(status), in_doubt)
    assert generations(plan) == []
    assert [(str(problem.address), problem.code) for problem in plan.blocked] == [
        ("shop/marketing-plan", "outcome-unknown"), ("shop/event[Sale]", "outcome-unknown"),
    ]  # fmt: skip
    assert plan.blocked[0].message == ('nothing is generated until it is known whether the event "Sale" was created')
    assert (tally_of(plan).blocked, tally_of(plan).in_doubt) == (2, 1)
    shown = replace(observed(status), events=(CalendarEvent(EventId("e"), "Sale", date=sale.date),))
    assert len(generations(plan_of(want, shown, in_doubt))) == 1


def test_changed_topics_want_keyword_research_and_say_so() -> None:
    plan = plan_of(desired({"topics": {"included": ["mugs", "bowls"]}}), observed())
    assert [type(action.operation) for action in plan.actions] == [UpdateSettings, Regenerate]
    regenerate = plan.actions[-1]
    assert regenerate.operation == Regenerate(True, (PostId("p1"),), Discard.UNAPPROVED)
    assert (regenerate.reason, regenerate.details) == (Reason.INPUTS_CHANGED, ("settings.topics.included",))


def test_a_changed_tone_of_voice_wants_the_plain_regeneration() -> None:
    plan = plan_of(desired({"toneOfVoice": "warm"}), observed())
    assert generations(plan) == [Regenerate(False, (PostId("p1"),), Discard.UNAPPROVED)]
    assert plan.actions[-1].details == ("settings.toneOfVoice",)


@pytest.mark.parametrize(("research", "wanted"), [(KeywordResearch.ALWAYS, True), (KeywordResearch.NEVER, False)])
def test_keyword_research_can_be_forced_either_way(research: KeywordResearch, wanted: bool) -> None:
    file = desired(
        {"topics": {"included": []}, "toneOfVoice": "warm"},
        marketing_plan=DesiredMarketingPlan(keyword_research=research),
    )
    assert generations(plan_of(file, observed())) == [Regenerate(wanted, (PostId("p1"),), Discard.UNAPPROVED)]


def test_when_never_saves_the_settings_and_regenerates_nothing() -> None:
    file = desired({"toneOfVoice": "warm"}, marketing_plan=DesiredMarketingPlan(when=When.NEVER))
    plan = plan_of(file, observed())
    assert [type(action.operation) for action in plan.actions] == [UpdateSettings]


def test_regenerate_asks_for_one_whatever_the_inputs_are() -> None:
    file = desired(marketing_plan=DesiredMarketingPlan(when=When.NEVER))
    plan = plan_of(file, observed(), regenerate=True)
    assert generations(plan) == [Regenerate(False, (PostId("p1"),), Discard.UNAPPROVED)]
    assert plan.actions[-1].reason is Reason.ASKED_FOR


@pytest.mark.parametrize(
    ("when", "reason", "details"),
    [
        (When.ON_CHANGE, Reason.INPUTS_CHANGED, ("settings.toneOfVoice",)),
        (When.NEVER, Reason.ASKED_FOR, ()),
    ],
)
@pytest.mark.parametrize(
    "pending", [None, Inputs(tuple(fields_of(freeze_object(LIVE | {"toneOfVoice": "warm"}), "settings")))]
)
def test_changed_inputs_are_the_reason_only_if_they_lead_to_a_generation(
    when: When, reason: Reason, details: tuple[str, ...], pending: Inputs | None
) -> None:
    file = desired({"toneOfVoice": "warm"}, marketing_plan=DesiredMarketingPlan(when=when))
    plan = plan_of(file, observed(), replace(recorded(), pending=pending), regenerate=True)
    assert (plan.actions[-1].reason, plan.actions[-1].details) == (reason, details)


def test_somebody_elses_generation_is_waited_for_and_not_started_again() -> None:
    plan = plan_of(desired(), observed(PlanStatus.GENERATING))
    assert generations(plan) == [AwaitGeneration()]


@pytest.mark.parametrize(
    ("wanted", "discard", "note"),
    [
        (True, Discard.UNAPPROVED, "also discards the drafts of the generation that is under way"),
        (True, Discard.NOTHING, "is skipped if the generation that is under way makes drafts (discard: nothing)"),
        (False, Discard.UNAPPROVED, "also discards the drafts of the generation that is under way"),
        (False, Discard.NOTHING, "is left to a later apply"),
    ],
)
def test_drafts_that_an_awaited_generation_makes_are_not_passed_over(wanted: bool, discard: Discard, note: str) -> None:
    """No plan can count what does not exist yet, and nobody should believe that nothing is discarded."""
    file = desired({"toneOfVoice": "warm"}, marketing_plan=DesiredMarketingPlan(wanted, discard=discard))
    plan = plan_of(file, observed(PlanStatus.GENERATING))
    kept = not wanted and discard is Discard.NOTHING
    assert [type(each) for each in generations(plan)] == [
        AwaitGeneration,
        *(() if kept else (Regenerate if wanted else DeleteMarketingPlan,)),
    ]
    (said,) = (found.message for found in plan.notes if found.code in (AWAITED_DRAFTS, UNSEEN_DRAFTS))
    assert note in said
    assert tally_of(plan).uncounted == (discard is not Discard.NOTHING)
    assert ("not known yet" in said) == (discard is Discard.UNAPPROVED)
    waits = plan_of(desired(), observed(PlanStatus.GENERATING))
    assert {AWAITED_DRAFTS, UNSEEN_DRAFTS}.isdisjoint(found.code for found in waits.notes)
    named = SiteLabels(SHOP.name)
    left_out = apply_targets(plan, TargetFilter(excluded=(parse_selector("--exclude", "shop/marketing-plan"),)), named)
    assert {AWAITED_DRAFTS, UNSEEN_DRAFTS}.isdisjoint(found.code for found in left_out.notes)
    settings = parse_selector("--exclude", "shop/settings")
    if wanted:
        left_out = apply_targets(plan, TargetFilter(excluded=(settings,)), named)
        assert {AWAITED_DRAFTS, UNSEEN_DRAFTS}.isdisjoint(found.code for found in left_out.notes), (
            "it needs the settings"
        )


def test_nothing_is_decided_from_a_status_of_a_later_api_version() -> None:
    plan = plan_of(desired(), observed(Unrecognised("PAUSED")))
    assert plan.actions == ()
    assert [blocked.code for blocked in plan.blocked] == [BlockedBy.UNKNOWN_STATUS]
    assert "PAUSED" in plan.blocked[0].message


def test_an_edit_in_the_dashboard_is_undone_without_a_generation() -> None:
    live = observed(settings=MarketingSettings(freeze_object(LIVE | {"toneOfVoice": "loud"})))
    plan = plan_of(desired(), live)
    assert [type(action.operation) for action in plan.actions] == [UpdateSettings]


def test_settings_saved_by_a_run_that_died_are_generated_from_by_the_next() -> None:
    live = observed(settings=MarketingSettings(freeze_object(LIVE | {"toneOfVoice": "warm"})))
    file = desired({"toneOfVoice": "warm"})
    due = Inputs(tuple(Field(setting.path, setting.value) for setting in file.settings))
    plan = plan_of(file, live, replace(recorded(), pending=due))
    assert [type(action.operation) for action in plan.actions] == [Regenerate]
    assert plan.actions[0].reason is Reason.NEVER_GENERATED_FROM


def test_settings_that_an_earlier_run_could_not_save_do_not_count_as_saved() -> None:
    file = desired({"toneOfVoice": "warm"})
    due = Inputs(tuple(Field(setting.path, setting.value) for setting in file.settings))
    plan = plan_of(file, observed(), replace(recorded(), pending=due))
    assert [type(action.operation) for action in plan.actions] == [UpdateSettings, Regenerate]
    assert plan.actions[1].reason is Reason.INPUTS_CHANGED


def test_our_own_generation_that_ended_meanwhile_is_not_repeated() -> None:
    live = observed(settings=MarketingSettings(freeze_object(LIVE | {"toneOfVoice": "warm"})))
    file = desired({"toneOfVoice": "warm"})
    entry = OpenEntry("1", Address.parse("shop/marketing-plan"), Regenerate(False), NOW, sent=True)
    before = replace(recorded(), pending=Inputs(file.settings), open=(entry,))
    plan = plan_of(file, live, before)
    assert plan.actions == ()
    assert not SiteDrifted(find_drift(file, live, before, plan, PlanOptions(NOW))).says_something


def test_drafts_that_a_generation_under_way_throws_away_are_named_if_the_site_or_the_journal_has_them() -> None:
    started = Regenerate(False, (PostId("p1"), PostId("p0")))
    entry = OpenEntry("1", Address.parse("shop/marketing-plan"), started, NOW, sent=True)
    before = replace(recorded(), open=(entry,))
    shows = replace(observed(PlanStatus.GENERATING), marketing_plan=MarketingPlan(PlanStatus.GENERATING, (activity(),)))
    plan = plan_of(desired(), shows, before)
    (waits,) = generations(plan)
    assert plan.discarded_by(waits) == (Discarded(PostId("p1"), "Mugs", "FACEBOOK"), Discarded(PostId("p0"), "", ""))
    (waits,) = generations(plan := plan_of(desired(), observed(PlanStatus.GENERATING), before))
    assert [(draft.post, draft.title) for draft in plan.discarded_by(waits)] == [("p1", ""), ("p0", "")]
    noted = replace(entry, before=Before(drafts=(Discarded(PostId("p1"), "Mugs", "FACEBOOK"),)))
    plan = plan_of(desired(), observed(PlanStatus.GENERATING), replace(before, open=(noted,)))
    assert [(draft.post, draft.title) for draft in plan.discarded_by(waits)] == [("p1", "Mugs"), ("p0", "")]


def test_while_a_lost_answer_may_still_show_no_second_generation_is_planned() -> None:
    entry = OpenEntry("1", Address.parse("shop/marketing-plan"), Generate(), NOW)
    plan = plan_of(desired(), observed(PlanStatus.NEVER_CREATED), RecordedSite(open=(entry,)))
    assert generations(plan) == [AwaitGeneration()]
    assert plan.actions[0].reason is Reason.UNCONFIRMED  # nobody knows whether one is under way
    shown = plan_of(desired(), observed(PlanStatus.GENERATING), RecordedSite(open=(entry,)))
    assert shown.actions[0].reason is Reason.UNDER_WAY


def test_a_call_that_has_shown_nothing_for_as_long_as_one_waits_is_not_done() -> None:
    entry = OpenEntry("1", Address.parse("shop/marketing-plan"), Generate(), NOW - timedelta(minutes=15))
    plan = plan_of(desired(), observed(PlanStatus.NEVER_CREATED), RecordedSite(open=(entry,)))
    assert generations(plan) == [Generate()]


def test_the_first_run_takes_the_live_values_as_generated_from_and_says_so() -> None:
    plan = plan_of(desired(), observed(), RecordedSite())
    assert plan.actions == ()
    assert "baseline" in plan.notes[0].message
    assert plan.adopted_inputs is not None
    assert plan.adopted_inputs.setting("settings.toneOfVoice") == ("dry",)


def test_a_site_whose_marketing_plan_is_managed_only_after_an_apply_has_a_new_baseline_and_no_first_run() -> None:
    known = RecordedSite(objects=(("rule[posts]", JsonObject({})),))
    plan = plan_of(desired(), observed(), known)
    (note,) = plan.notes
    assert note.message == "The current settings and events of this site become the baseline."
    assert SitePlanned(plan, tally_of(plan)).is_to_record, "an apply must note it"
    assert find_drift(desired(), observed(), known, plan, PlanOptions(NOW)).notes == (), "an audit sets no baseline"


def test_an_audit_makes_nothing_a_baseline_and_does_not_say_so() -> None:
    plan = plan_of(desired(), observed(), RecordedSite())
    report = find_drift(desired(), observed(), RecordedSite(), plan, PlanOptions(NOW))
    assert (report.notes, SiteDrifted(report).says_something) == ((), False)


def test_the_first_run_with_other_inputs_is_a_change_like_any_other() -> None:
    plan = plan_of(desired({"toneOfVoice": "warm"}), observed(), RecordedSite())
    assert generations(plan) == [Regenerate(False, (PostId("p1"),), Discard.UNAPPROVED)]


def test_a_field_that_is_managed_from_now_on_with_its_live_value_changes_nothing() -> None:
    live = observed(settings=MarketingSettings(freeze_object(LIVE | {"pointOfView": "FIRST_PERSON"})))
    assert plan_of(desired({"pointOfView": "FIRST_PERSON"}), live).actions == ()


def test_a_new_event_is_an_input() -> None:
    events = DesiredEvents((DesiredEvent("Sale", date=NOW + timedelta(days=9)),))
    plan = plan_of(desired(events=events), observed())
    assert generations(plan) == [Regenerate(False, (PostId("p1"),), Discard.UNAPPROVED)]
    assert plan.actions[-1].details == ("calendarEvents.Sale",)


def test_an_event_that_left_the_file_and_stays_in_the_calendar_is_not_a_change() -> None:
    facts = DesiredEvent("Sale", date=NOW + timedelta(days=9)).facts()
    before = replace(
        recorded(), generated_from=replace(recorded().generated_from or Inputs(), events=(("Sale", facts),))
    )
    assert plan_of(desired(events=DesiredEvents(())), observed(), before).actions == ()


def test_an_unpublished_site_is_blocked_and_its_settings_are_written_all_the_same() -> None:
    plan = plan_of(desired({"toneOfVoice": "warm"}), observed(PlanStatus.NEVER_CREATED, published=False))
    assert [type(action.operation) for action in plan.actions] == [UpdateSettings]
    assert [problem.code for problem in plan.blocked] == [BlockedBy.SITE_NOT_PUBLISHED]


def test_absent_deletes_it_once() -> None:
    file = desired(marketing_plan=DesiredMarketingPlan(present=False))
    assert generations(plan_of(file, observed())) == [DeleteMarketingPlan((PostId("p1"),))]
    assert plan_of(file, observed(PlanStatus.NEVER_CREATED)).actions == ()


def test_absent_throws_away_the_drafts_of_past_activities_too() -> None:
    file = desired(marketing_plan=DesiredMarketingPlan(present=False, discard=Discard.NOTHING))
    today, earlier = activity(in_days=-1), activity(in_days=-9)
    earlier = replace(earlier, id=ActivityId("a0"), posts=(replace(earlier.posts[0], id=PostId("p0")),))
    site = observed(marketing_plan=MarketingPlan(PlanStatus.ACTIVE, (today,)))
    assert Need.PAST_ACTIVITIES in further_reads(file, site, plan_of(file, site), RecordedSite()).needs
    plan = plan_of(file, replace(site, past=(earlier, today)))
    assert generations(plan) == [DeleteMarketingPlan((PostId("p0"), PostId("p1")))]
    assert [refusal.message for refusal in plan.refusals] == [
        "marketingPlan (state: absent) would discard 2 drafts, but the site file does not allow discarding any drafts "
        "(discard: nothing)"
    ]


def test_posts_that_no_answer_shows_are_read_only_before_the_marketing_plan_takes_them_along() -> None:
    shown = activity()
    bare = replace(shown, id=ActivityId("a0"), posts=())
    earlier = replace(bare, id=ActivityId("a9"), date=NOW - timedelta(days=9))
    gone = desired(marketing_plan=DesiredMarketingPlan(present=False))

    def asked(file: DesiredSite, live: tuple[Activity, ...], past: tuple[Activity, ...] | None = None) -> list[str]:
        read = frozenset() if past is None else frozenset({Need.PAST_ACTIVITIES})
        site = observed(marketing_plan=MarketingPlan(PlanStatus.ACTIVE, live), past=past or (), had_reads=read)
        return list(further_reads(file, site, plan_of(file, site), RecordedSite()).posts_of)

    warm = desired({"toneOfVoice": "warm"})
    assert asked(desired(), (bare,)) == []
    assert asked(warm, (bare,)) == ["a0"]
    assert asked(warm, (bare, shown)) == []
    assert asked(gone, (bare,)) == []  # the past ones first
    assert asked(gone, (bare,), (earlier,)) == ["a0", "a9"]
    assert asked(gone, (bare,), (replace(earlier, posts=shown.posts),)) == []


def test_posts_that_were_read_by_themselves_do_not_show_that_the_marketing_plan_has_them() -> None:
    shown = activity()
    bare, asked = replace(shown, id=ActivityId("a0"), posts=()), frozenset({ActivityId("a1")})
    site = observed(marketing_plan=MarketingPlan(PlanStatus.ACTIVE, (bare, shown)))
    assert not site.hides_posts
    assert replace(site, posts_confirmed=asked).hides_posts
    assert replace(site, items=tuple((post.id, post) for post in shown.posts)).hides_posts


def approved() -> Approvals:
    return Approvals((reviewed(activity()),))


@pytest.mark.parametrize(
    ("discard", "live", "file", "refused"),
    [
        (Discard.ALL, PostStatus.SCHEDULED, Approvals(), False),
        (Discard.ALL, PostStatus.DRAFT, approved(), False),
        (Discard.UNAPPROVED, PostStatus.DRAFT, Approvals(), False),
        (Discard.UNAPPROVED, PostStatus.DRAFT, approved(), True),
        (Discard.UNAPPROVED, PostStatus.SCHEDULED, Approvals(), True),
        (Discard.UNAPPROVED, PostStatus.PUBLISHED, Approvals(), False),
        (Discard.NOTHING, PostStatus.DRAFT, Approvals(), True),
        (Discard.NOTHING, PostStatus.PUBLISHED, Approvals(), False),
    ],
)
def test_what_a_regeneration_may_throw_away(discard: Discard, live: PostStatus, file: Approvals, refused: bool) -> None:
    want = desired({"toneOfVoice": "warm"}, marketing_plan=DesiredMarketingPlan(discard=discard), approvals=file)
    site = observed(marketing_plan=MarketingPlan(PlanStatus.ACTIVE, (activity(live),)))
    refusals = plan_of(want, site).refusals
    assert [refusal.code for refusal in refusals] == ([RefusedBy.DISCARD] if refused else [])
    assert all(refusal.fix.endswith(", or keep the marketing plan with `when: never` there") for refusal in refusals)


def test_drafts_of_past_activities_are_not_discarded() -> None:
    want = desired({"toneOfVoice": "warm"}, marketing_plan=DesiredMarketingPlan(discard=Discard.NOTHING))
    site = observed(marketing_plan=MarketingPlan(PlanStatus.ACTIVE, (activity(in_days=-1),)))
    plan = plan_of(want, site)
    assert plan.refusals == ()
    assert generations(plan) == [Regenerate(False, (), Discard.NOTHING)]
