"""How answers are treated if they do not show what earlier runs made (remote-api.md 17.1, 17.3)."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from msgspec.structs import replace

from reconciler.model.activities import Activity, PostsRule, RemoveActivities, SetActivities
from reconciler.model.address import Kind, SiteName
from reconciler.model.approvals import ActivityApproval, ActivityDecision, Approvals, DraftApproval, DraftDecision
from reconciler.model.canonical import Digest, JsonObject
from reconciler.model.diagnostics import Place
from reconciler.model.events import CalendarEvent, CreateEvent, DesiredEvent, DesiredEvents, EventId
from reconciler.model.frozen import instant
from reconciler.model.marketing_plan import (
    NO_STATUS,
    AnyPlanStatus,
    DesiredMarketingPlan,
    Discard,
    Generate,
    MarketingPlan,
    PlanStatus,
)
from reconciler.model.posts import ActivityId, Post, PostId, PostStatus, Unrecognised
from reconciler.model.schedule import DesiredSchedule, ScheduleRule
from reconciler.model.selectors import Match
from reconciler.model.settings import MarketingSettings
from reconciler.model.sites import (
    CreatedActivity,
    DesiredSite,
    Inputs,
    ObservedSite,
    PublishedPost,
    RecordedSite,
    SiteRef,
)
from reconciler.planner.actions import BlockedBy, Plan, RefusedBy
from reconciler.planner.baseline import SCHEDULED, WAS_CANCELLED, key_of
from reconciler.planner.doubt import unseen_scheduled
from reconciler.planner.gone_out import stopped_key
from reconciler.planner.losses import MAY_DISCARD
from reconciler.planner.needs import missing_items
from reconciler.planner.options import PlanOptions
from reconciler.planner.planner import make_plan
from tests.planner.pure_world import NOW

REF = SiteRef(SiteName("shop"), "3f0c2a9e-8d0b-4b7c-9a55-0c5a6f9a1e01")
SOON = NOW + timedelta(days=3)
TWO = tuple(DesiredEvent(name, date=SOON) for name in ("Fair", "Sale"))
IDS = (("Fair", EventId("e1")), ("Sale", EventId("e2")))


def with_events(live: tuple[CalendarEvent, ...], recorded: RecordedSite) -> Plan:
    desired = DesiredSite(REF, Place("shop.yaml"), Digest(""), events=DesiredEvents(TWO))
    return make_plan(desired, ObservedSite(REF, NOW, events=live), recorded, PlanOptions(NOW))


def with_plan(live: MarketingPlan, recorded: RecordedSite) -> Plan:
    desired = DesiredSite(REF, Place("shop.yaml"), Digest(""), marketing_plan=DesiredMarketingPlan())
    observed = ObservedSite(REF, NOW, MarketingSettings(), live)
    return make_plan(desired, observed, recorded, PlanOptions(NOW))


def not_shown(plan: Plan) -> bool:
    return any(refusal.code == RefusedBy.NOT_SHOWN for refusal in plan.refusals)


def test_rule_17_3_if_none_of_the_known_events_is_shown_the_site_stops() -> None:
    plan = with_events((), RecordedSite(event_ids=IDS))
    assert not_shown(plan)
    (refused,) = plan.refusals
    assert "2 calendar events" in refused.message
    assert "state forget shop" in refused.fix


def test_rule_17_3_events_of_another_site_with_the_same_names_do_not_match() -> None:
    theirs = tuple(CalendarEvent(EventId(f"x{n}"), event.name, date=SOON) for n, event in enumerate(TWO))
    assert not_shown(with_events(theirs, RecordedSite(event_ids=IDS)))


@pytest.mark.parametrize(
    "recorded",
    [
        RecordedSite(),
        RecordedSite(event_ids=IDS[:1]),
        RecordedSite(event_ids=(IDS[0], ("Sale", EventId("")))),  # deleted by this tool
        RecordedSite(event_ids=IDS, foreign_events=frozenset({EventId("e1")})),
        RecordedSite(  # beyond what the calendar is asked for
            event_ids=(IDS[0], ("Past", EventId("e9"))),
            applied=Inputs(events=(("Past", JsonObject({"date": "2020-01-01"})),)),
        ),
        RecordedSite(event_ids=(IDS[0], ("Nobody knows when", EventId("e9")))),
    ],
    ids=range(6),
)
def test_rule_17_3_one_event_that_is_gone_is_drift_and_is_created_again(recorded: RecordedSite) -> None:
    plan = with_events((), recorded)
    assert not plan.refusals
    assert any(isinstance(action.operation, CreateEvent) for action in plan.actions)


def test_rule_17_3_one_known_event_that_is_shown_is_enough() -> None:
    live = CalendarEvent(EventId("e2"), "Sale", date=SOON)
    plan = with_events((live,), RecordedSite(event_ids=IDS))
    assert not plan.refusals


KNOWN = RecordedSite(generated_from=Inputs())
CREATED = tuple(CreatedActivity(ActivityId(f"a{n}"), f"t{n}", SOON) for n in range(2))


def activity(id: str) -> Activity:
    return Activity(ActivityId(id), "t", "d", SOON)


@pytest.mark.parametrize("recorded", [RecordedSite(), KNOWN])
def test_rule_17_1_a_plan_that_was_never_created_and_shows_activities_stops_the_site(recorded: RecordedSite) -> None:
    contradiction = MarketingPlan(PlanStatus.NEVER_CREATED, (activity("a"), activity("b")))
    plan = with_plan(contradiction, recorded)
    (refused,) = plan.refusals
    assert refused.message == "the response contradicts itself: it says NEVER_CREATED and shows 2 activities"


@pytest.mark.parametrize("shown", [(), (activity("other"),)])
def test_rule_17_3_if_none_of_the_created_activities_is_shown_the_site_stops(shown: tuple[Activity, ...]) -> None:
    recorded = RecordedSite(generated_from=Inputs(), created=CREATED)
    plan = with_plan(MarketingPlan(PlanStatus.ACTIVE, shown), recorded)
    assert not_shown(plan)
    assert "2 upcoming activities, but the marketing plan shows none of them" in plan.refusals[0].message


@pytest.mark.parametrize(("count", "shows", "doubted"), [(2, True, True), (1, True, False), (1, False, True)])
def test_rule_17_3_if_no_activity_is_shown_at_all_those_of_waiting_posts_count(
    count: int, shows: bool, doubted: bool
) -> None:
    """Their posts would be cancelled because of an empty answer, although people approved them."""
    posts = tuple(
        PublishedPost(PostId(f"p{n}"), Digest(""), "INSTAGRAM", SOON, NOW, activity=ActivityId(f"a{n}"), date=SOON)
        for n in range(count)
    )
    recorded = RecordedSite(generated_from=Inputs(), published=posts)
    empty = MarketingPlan(PlanStatus.ACTIVE, (), shows_activities=shows)
    assert not_shown(with_plan(empty, recorded)) is doubted
    # What this tool itself cancelled is not missed, and other activities mean that the plan was regenerated.
    cancelled = replace(recorded, objects=tuple((key_of(Kind.DRAFT, post.id), WAS_CANCELLED) for post in posts))
    assert not not_shown(with_plan(empty, cancelled))
    assert not not_shown(with_plan(MarketingPlan(PlanStatus.ACTIVE, (activity("other"),)), recorded))


def test_rule_17_3_a_plan_without_any_list_of_activities_is_doubted_for_one_of_them() -> None:
    recorded = RecordedSite(generated_from=Inputs(), created=CREATED[:1])
    plan = with_plan(MarketingPlan(PlanStatus.ACTIVE, shows_activities=False), recorded)
    assert not_shown(plan)
    assert "an upcoming activity, but the marketing plan does not show it" in plan.refusals[0].message
    assert not not_shown(with_plan(MarketingPlan(PlanStatus.ACTIVE, shows_activities=True), recorded))
    assert not not_shown(with_plan(MarketingPlan(PlanStatus.ACTIVE, shows_activities=False), KNOWN))


@pytest.mark.parametrize("status", [PlanStatus.INACTIVE, PlanStatus.GENERATING, PlanStatus.NEVER_CREATED])
def test_rule_17_3_a_written_status_explains_why_nothing_is_shown(status: PlanStatus) -> None:
    recorded = RecordedSite(generated_from=Inputs(), created=CREATED)
    assert not not_shown(with_plan(MarketingPlan(status), recorded))


@pytest.mark.parametrize(
    "recorded",
    [
        RecordedSite(generated_from=Inputs(), created=CREATED[:1]),
        RecordedSite(
            generated_from=Inputs(), created=tuple(CreatedActivity(ActivityId(""), f"t{n}", SOON) for n in "12")
        ),
        RecordedSite(
            generated_from=Inputs(),
            created=tuple(CreatedActivity(ActivityId(n), f"t{n}", NOW - timedelta(days=1)) for n in "12"),
        ),
    ],
    ids=range(3),
)
def test_rule_17_3_what_the_answer_could_not_show_does_not_count(recorded: RecordedSite) -> None:
    assert not not_shown(with_plan(MarketingPlan(PlanStatus.ACTIVE, (activity("other"),)), recorded))


# --- 17.1 ------------------------------------------------------------------------------------------


def generates(plan: Plan) -> bool:
    return any(isinstance(action.operation, Generate) for action in plan.actions)


def test_rule_17_1_no_status_and_no_activities_is_no_plan_only_if_the_state_knows_of_none() -> None:
    live = MarketingPlan(NO_STATUS, asked="GET /marketing-plan answered 200", request_id="r-1")
    first = with_plan(live, RecordedSite())
    assert generates(first)
    assert not first.refusals
    later = with_plan(live, KNOWN)
    assert not generates(later)
    (refused,) = later.refusals
    assert not_shown(later)
    assert (refused.call, refused.request_id) == (live.asked, "r-1")
    assert refused.message.startswith("expected the status of the marketing plan")


def test_rule_17_1_never_created_is_believed_when_it_is_written() -> None:
    assert generates(with_plan(MarketingPlan(PlanStatus.NEVER_CREATED), KNOWN))


@pytest.mark.parametrize("recorded", [RecordedSite(), KNOWN])
@pytest.mark.parametrize("status", [NO_STATUS, Unrecognised("PAUSED")])
def test_rule_17_1_nothing_is_generated_on_a_status_that_is_not_known(
    status: AnyPlanStatus, recorded: RecordedSite
) -> None:
    plan = with_plan(MarketingPlan(status, (activity("a"),)), recorded)
    assert not generates(plan)


# --- 17.8 ------------------------------------------------------------------------------------------

GUARD = Match(type="EMAIL_MARKETING")
DRAFTED = replace(
    activity("a"), posts=(Post(PostId("p"), "FACEBOOK", "POST", PostStatus.DRAFT, texts=(("caption", "c"),)),)
)


def with_rules(live: Activity, **rules: Any) -> Plan:
    desired = DesiredSite(REF, Place("shop.yaml"), Digest(""), **rules)
    observed = ObservedSite(REF, NOW, marketing_plan=MarketingPlan(PlanStatus.ACTIVE, (live,)))
    return make_plan(desired, observed, RecordedSite(generated_from=Inputs()), PlanOptions(NOW))


@pytest.mark.parametrize(
    "rules",
    [
        {"activities": (RemoveActivities(GUARD), SetActivities(Match(), title="x"))},
        {"posts": (PostsRule(GUARD, present=False), PostsRule(Match()))},
        {"schedule": DesiredSchedule((ScheduleRule(GUARD), ScheduleRule(Match())), approval_required=False)},
    ],
    ids=range(3),
)
def test_rule_17_8_a_rule_by_a_type_that_no_answer_shows_is_reported_and_no_later_rule_decides(
    rules: dict[str, Any],
) -> None:
    live = activity("a") if "posts" in rules else DRAFTED
    plan = with_rules(live, **rules)
    assert plan.actions == ()
    assert [found.code for found in plan.blocked] == [BlockedBy.CANNOT_BE_JUDGED]
    assert "does not show the type" in plan.blocked[0].message
    typed = with_rules(replace(live, type="SOCIAL_MARKETING"), **rules)
    assert not any(found.code == BlockedBy.CANNOT_BE_JUDGED for found in typed.blocked)
    assert typed.actions


@pytest.mark.parametrize(
    "rules",
    [
        {"posts": (PostsRule(Match(), present=False),)},
        {"schedule": DesiredSchedule((), approval_required=False, cancel_others=True)},
        {"schedule": DesiredSchedule((ScheduleRule(Match()),), approval_required=False)},
    ],
    ids=range(3),
)
@pytest.mark.parametrize("status", ["ARCHIVED", "no status"])
def test_rule_17_8_a_post_with_a_status_that_is_not_known_is_reported_and_left_alone(
    rules: dict[str, Any], status: str
) -> None:
    strange = replace(DRAFTED, posts=(replace(DRAFTED.posts[0], status=Unrecognised(status)),))
    plan = with_rules(strange, **rules)
    assert plan.actions == ()
    assert [found.code for found in plan.blocked] == [BlockedBy.UNKNOWN_STATUS]
    assert status in plan.blocked[0].message


# --- posts that wait to go out ---------------------------------------------------------------------


def scheduled(*ids: str, at: datetime = SOON) -> RecordedSite:
    posts = tuple(PublishedPost(PostId(post), Digest(""), "INSTAGRAM", at, NOW) for post in ids)
    return RecordedSite(generated_from=Inputs(), published=posts)


def judged(recorded: RecordedSite, *, items: tuple[tuple[str, Post | None], ...], shown: tuple[str, ...] = ()) -> Plan:
    posts = tuple(replace(DRAFTED.posts[0], id=PostId(post), status=PostStatus.SCHEDULED) for post in shown)
    desired = DesiredSite(REF, Place("shop.yaml"), Digest(""), marketing_plan=DesiredMarketingPlan())
    live = MarketingPlan(PlanStatus.ACTIVE, (replace(activity("a"), posts=posts),))
    found = tuple((PostId(post), item) for post, item in items)
    observed = ObservedSite(REF, NOW, MarketingSettings(), live, items=found)
    return make_plan(desired, observed, recorded, PlanOptions(NOW))


def test_rule_17_3_scheduled_posts_that_are_not_shown_are_asked_for_by_their_ids_first() -> None:
    live = MarketingPlan(PlanStatus.ACTIVE, (activity("a"),))
    observed = ObservedSite(REF, NOW, marketing_plan=live)
    assert missing_items(observed, scheduled("p1", "p2")) == ("p1", "p2")
    assert missing_items(replace(observed, items=((PostId("p1"), None),)), scheduled("p1", "p2")) == ("p2",)
    assert unseen_scheduled(observed, scheduled("p1", at=NOW - timedelta(hours=1))) == ()
    cancelled = replace(scheduled("p1"), objects=((key_of(Kind.DRAFT, "p1"), WAS_CANCELLED),))
    assert missing_items(observed, cancelled) == ()
    stopped = JsonObject({"scheduled": instant(NOW)})
    by_hand = replace(scheduled("p1"), objects=((stopped_key(PostId("p1")), stopped),))
    assert missing_items(observed, by_hand) == (), "an apply has seen that somebody cancelled it"
    inactive = replace(observed, marketing_plan=MarketingPlan(PlanStatus.INACTIVE))
    assert missing_items(inactive, scheduled("p1")) == ("p1",), "it shows none, and they may go out all the same"


def test_rule_17_3_if_none_of_the_scheduled_posts_is_found_the_site_stops() -> None:
    assert not_shown(judged(scheduled("p1", "p2"), items=(("p1", None), ("p2", None))))
    assert not not_shown(judged(scheduled("p1"), items=(("p1", None),)))
    assert not not_shown(judged(scheduled("p1", "p2"), items=(("p1", None), ("p2", DRAFTED.posts[0]))))
    assert not not_shown(judged(scheduled("p1", "p2", "p3"), items=(("p1", None), ("p2", None)), shown=("p3",)))


# --- a marketing plan that somebody deleted --------------------------------------------------------


@pytest.mark.parametrize(
    ("discard", "decision", "refused"),
    [
        (Discard.UNAPPROVED, DraftDecision.APPROVE, True),
        (Discard.UNAPPROVED, DraftDecision.PENDING, False),
        (Discard.NOTHING, DraftDecision.PENDING, True),
        (Discard.ALL, DraftDecision.APPROVE, False),
    ],
)
def test_rule_17_3_a_deleted_plan_is_generated_again_under_the_guard_of_a_regeneration(
    discard: Discard, decision: DraftDecision, refused: bool
) -> None:
    post = DRAFTED.posts[0]
    draft = DraftApproval(post.id, post.content, post.digest, decision)
    approvals = Approvals((ActivityApproval(ActivityId("a"), "t", SOON, ActivityDecision.KEEP, (draft,)),))
    wanted = DesiredMarketingPlan(discard=discard)
    desired = DesiredSite(REF, Place("shop.yaml"), Digest(""), marketing_plan=wanted, approvals=approvals)
    observed = ObservedSite(REF, NOW, MarketingSettings(), MarketingPlan(PlanStatus.NEVER_CREATED))
    plan = make_plan(desired, observed, KNOWN, PlanOptions(NOW))
    found = [refusal.message for refusal in plan.refusals if refusal.code == RefusedBy.DISCARD]
    what = "1 approved draft" if discard is Discard.UNAPPROVED else "1 draft"
    because = f"generating a new one would discard {what}, but {MAY_DISCARD[discard]}"
    assert [because in message for message in found] == [True] * refused
    assert all(refusal.fix.endswith(", or take it out of the approvals file") for refusal in plan.refusals)
    assert not make_plan(desired, observed, RecordedSite(), PlanOptions(NOW)).refusals
    scheduled = replace(KNOWN, objects=tuple(sorted((*KNOWN.objects, (key_of(Kind.DRAFT, post.id), SCHEDULED)))))
    assert not make_plan(desired, observed, scheduled, PlanOptions(NOW)).refusals  # it is no draft any more


@pytest.mark.parametrize("ids", [("a1", "{p1}"), ("{a1}", "p1")], ids=str)
@pytest.mark.parametrize("approval_required", [True, False])
def test_a_post_that_no_approvals_file_can_name_is_blocked_and_reviewed_by_nobody(
    ids: tuple[str, str], approval_required: bool
) -> None:
    activity, post = ids
    drafts = (Post(PostId(post), "INSTAGRAM", "POST", PostStatus.DRAFT),)
    live = MarketingPlan(PlanStatus.ACTIVE, (Activity(ActivityId(activity), "Kiln", "", SOON, posts=drafts),))
    schedule = DesiredSchedule((ScheduleRule(Match()),), approval_required=approval_required)
    desired = DesiredSite(REF, Place("shop.yaml"), Digest(""), schedule=schedule)
    plan = make_plan(desired, ObservedSite(REF, NOW, marketing_plan=live), RecordedSite(), PlanOptions(NOW))
    assert (plan.actions, plan.to_review) == ((), ())
    odd = post if activity == "a1" else activity
    assert [(problem.code, problem.message) for problem in plan.blocked] == [
        ("cannot-be-judged", f'approvals files cannot hold the id of "Kiln" (Instagram): {odd}')
    ]
