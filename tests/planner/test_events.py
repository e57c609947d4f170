"""How declared events are matched to live ones, and what is written."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from msgspec.structs import replace

from reconciler.model.address import Address, SiteName
from reconciler.model.canonical import ABSENT, Absent, Digest, JsonObject
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
from reconciler.model.failures import Failure
from reconciler.model.journal import OpenEntry
from reconciler.model.marketing_plan import DesiredMarketingPlan, MarketingPlan, PlanStatus
from reconciler.model.sites import DesiredSite, ObservedSite, RecordedSite, SiteRef
from reconciler.model.writes import Verb
from reconciler.planner.actions import BlockedBy, RefusedBy
from reconciler.planner.baseline import RULE_OF_EVENTS, completed_rules
from reconciler.planner.events import EventsPart, plan_events
from reconciler.planner.options import PlanOptions, Scope
from reconciler.planner.planner import make_plan
from reconciler.planner.tally import tally_of
from reconciler.reporters.diagnostics import cause
from tests.planner.pure_world import NOW

REF = SiteRef(SiteName("shop"), "s-1")
SCOPE = Scope(SiteName("shop"), NOW)
FRIDAY = datetime(2026, 12, 4, tzinfo=UTC)


def declared(
    name: str = "Sale",
    date: datetime | None = FRIDAY,
    rule: JsonObject | None = None,
    description: str | Absent | None = ABSENT,
    whole_day: bool = True,
) -> DesiredEvent:
    return DesiredEvent(name, description, None if rule else date, whole_day and not rule, rule)


def live(
    id: str = "e1",
    name: str = "Sale",
    date: datetime | None = FRIDAY,
    rule: JsonObject | None = None,
    description: str | None = None,
    calendar: str | None = None,
) -> CalendarEvent:
    return CalendarEvent(EventId(id), name, description, date, rule, CalendarId(calendar) if calendar else None)


def plan(
    *events: DesiredEvent, on: tuple[CalendarEvent, ...], prune: bool = False, recorded: RecordedSite | None = None
) -> EventsPart:
    return plan_events(DesiredEvents(events, prune), on, recorded or RecordedSite(), SCOPE)


def test_an_event_that_is_there_as_declared_needs_nothing() -> None:
    assert plan(declared(), on=(live(),)).actions == ()


def test_a_bare_day_is_compared_by_its_day() -> None:
    assert plan(declared(), on=(live(date=FRIDAY.replace(hour=15)),)).actions == ()
    exact = declared(whole_day=False)
    [action] = plan(exact, on=(live(date=FRIDAY.replace(hour=15)),)).actions
    assert isinstance(action.operation, UpdateEvent)
    assert action.operation.event.date == FRIDAY


def test_a_description_that_is_left_out_is_left_alone_and_kept_in_the_replacing_write() -> None:
    assert plan(declared(), on=(live(description="by hand"),)).actions == ()
    [action] = plan(declared(date=FRIDAY.replace(day=5)), on=(live(description="by hand"),)).actions
    assert isinstance(action.operation, UpdateEvent)
    assert action.operation.event.description == "by hand"
    assert [change.path for change in action.operation.changes] == ["date"]


def test_null_clears_a_description() -> None:
    [action] = plan(declared(description=None), on=(live(description="by hand"),)).actions
    assert isinstance(action.operation, UpdateEvent)
    assert action.operation.event.description is None


def test_a_missing_event_is_created() -> None:
    [action] = plan(declared(), on=(live(name="Other"),)).actions
    assert action.operation == CreateEvent(declared())


def test_of_two_with_the_name_the_remembered_one_counts_then_the_nearest() -> None:
    both = (live("far", date=FRIDAY.replace(day=20)), live("near", date=FRIDAY.replace(day=5)))
    [action] = plan(declared(), on=both).actions
    assert isinstance(action.operation, UpdateEvent)
    assert action.operation.event.id == "near"
    remembered = RecordedSite(event_ids=(("Sale", EventId("far")),))
    [action] = plan(declared(), on=both, recorded=remembered).actions
    assert isinstance(action.operation, UpdateEvent)
    assert action.operation.event.id == "far"


def test_one_that_was_renamed_is_found_by_its_remembered_id() -> None:
    remembered = RecordedSite(event_ids=(("Sale", EventId("e1")),))
    [action] = plan(declared(), on=(live(name="Renamed by hand"),), recorded=remembered).actions
    assert isinstance(action.operation, UpdateEvent)
    assert [(change.path, change.before, change.after) for change in action.operation.changes] == [
        ("name", "Renamed by hand", "Sale")
    ]


def test_what_the_api_adds_to_a_rule_is_ignored_and_kept() -> None:
    weekly = JsonObject({"frequency": "WEEKLY"})
    there = live(rule=JsonObject({"frequency": "WEEKLY", "interval": 1}), date=None)
    assert plan(declared(rule=weekly), on=(there,)).actions == ()
    [action] = plan(declared(rule=weekly, description="new"), on=(there,)).actions
    assert isinstance(action.operation, UpdateEvent)
    assert action.operation.event.recurring_rule == JsonObject({"frequency": "WEEKLY", "interval": 1})


@pytest.mark.parametrize("to_rule", [True, False])
def test_an_event_can_change_its_kind(to_rule: bool) -> None:
    rule = JsonObject({"frequency": "MONTHLY"})
    wanted = declared(rule=rule) if to_rule else declared()
    there = live() if to_rule else live(rule=rule, date=None)
    [action] = plan(wanted, on=(there,)).actions
    assert isinstance(action.operation, UpdateEvent)
    written = action.operation.event
    assert (written.date, written.recurring_rule) == ((None, rule) if to_rule else (FRIDAY, None))


def test_prune_deletes_only_the_sites_own_unlisted_events() -> None:
    there = (live(), live("e2", "Old"), live("e3", "Holiday", calendar="google"), live("e4", "Known foreign"))
    before = RecordedSite(
        foreign_calendars=frozenset({CalendarId("google")}), foreign_events=frozenset({EventId("e4")})
    )
    part = plan(declared(), on=there, prune=True, recorded=before)
    assert [action.operation for action in part.actions] == [DeleteEvent(EventId("e2"), "Old")]
    assert part.pruned == {"Old"}
    assert plan(declared(), on=there, recorded=before).actions == ()


def test_what_no_read_would_show_again_is_not_created() -> None:
    far, old = declared(date=FRIDAY.replace(year=2030)), declared("Fair", date=FRIDAY.replace(year=2020))
    part = plan(far, old, on=())
    assert part.actions == ()
    assert [str(problem.address) for problem in part.blocked] == ["shop/event[Sale]"]


def test_what_prune_deletes_counts_for_max_delete_and_keeps_its_rule_open_until_it_is_done() -> None:
    pruning = DesiredSite(REF, Place("s.yaml"), Digest(""), events=DesiredEvents((), prune=True))
    seen = ObservedSite(REF, NOW, events=(live("e1", "Old"), live("e2", "Older")))
    made = make_plan(pruning, seen, RecordedSite(), PlanOptions(now=NOW))
    assert tally_of(made).deleted == 2
    assert RULE_OF_EVENTS in dict(completed_rules(made, ()))
    assert RULE_OF_EVENTS not in dict(completed_rules(made, [made.actions[0].operation]))


def test_each_of_two_pruned_namesakes_has_an_address_of_its_own() -> None:
    part = plan(on=(live("e1", "Fair"), live("e2", "Fair"), live("e3", "Old")), prune=True)
    assert [action.address.key for action in part.actions] == ["Fair e1", "Fair e2", "Old"]


def test_an_unknown_outcome_blocks_only_its_object() -> None:
    file = DesiredSite(
        SiteRef(SiteName("shop"), "3f0c2a9e-8d0b-4b7c-9a55-0c5a6f9a1e01"),
        Place("sites/shop.yaml"),
        Digest("sha256:0"),
        events=DesiredEvents((declared(), declared("Fair"))),
    )
    entry = OpenEntry(
        "1",
        Address.parse("shop/event[Sale]"),
        CreateEvent(declared()),
        NOW,
        unknown=Failure("api-network-error"),
    )
    in_doubt = RecordedSite(open=(entry,))
    plan = make_plan(file, ObservedSite(file.ref, NOW, events=()), in_doubt, PlanOptions(NOW, where=" --state x"))
    assert [str(action.address) for action in plan.actions] == ["shop/event[Fair]"]
    assert [(str(problem.address), problem.code) for problem in plan.blocked] == [
        ("shop/event[Sale]", BlockedBy.OUTCOME_UNKNOWN)
    ]
    assert tally_of(plan).in_doubt == 1
    assert "`reconciler state show shop --state x` says how" in plan.blocked[0].fix


def test_a_calendar_with_an_event_by_this_tool_is_never_foreign() -> None:
    """An earlier version took the calendar of a read-only event for a connected one, even the site's own."""
    own = CalendarId("own")
    ours = replace(live("e1"), calendar_id=own)
    recorded = RecordedSite(foreign_calendars=frozenset({own}), event_ids=(("Sale", EventId("e1")),))
    assert plan_events(DesiredEvents((declared(),)), (ours,), recorded, SCOPE).actions == ()
    stranger = RecordedSite(foreign_calendars=frozenset({own}))
    (action,) = plan_events(DesiredEvents((declared(),)), (ours,), stranger, SCOPE).actions
    assert isinstance(action.operation, CreateEvent)


# --- read-only events, and names that the server cut ------------------------------------------------

OWN = CalendarId("own")
READ_ONLY = RecordedSite(event_ids=(("Open day", EventId("ours")),), foreign_events=frozenset({EventId("e1")}))
OURS = replace(live("ours", "Open day"), calendar_id=OWN)


@pytest.mark.parametrize("description", ["as declared", "another"])
def test_a_read_only_event_of_the_own_calendar_is_not_made_a_second_time(description: str) -> None:
    theirs = replace(live("e1", description=description), calendar_id=OWN)
    part = plan(
        declared(description="as declared"), declared("Open day"), on=(theirs, OURS), prune=True, recorded=READ_ONLY
    )
    assert part.actions == ()
    differs = description != "as declared"
    assert [(str(problem.address), problem.code) for problem in part.blocked] == (
        [("shop/event[Sale]", BlockedBy.READ_ONLY)] if differs else []
    )


def test_a_read_only_event_without_a_calendar_is_not_made_a_second_time() -> None:
    assert plan(declared(description="x"), on=(live("e1"),), recorded=READ_ONLY).actions == ()


def test_a_read_only_event_of_another_calendar_is_not_the_sites_own() -> None:
    theirs = replace(live("e1"), calendar_id=CalendarId("google"))
    (action,) = plan(declared(), declared("Open day"), on=(theirs, OURS), recorded=READ_ONLY).actions
    assert isinstance(action.operation, CreateEvent)


def test_prune_says_what_read_only_events_it_leaves() -> None:
    theirs = replace(live("e1", "Fair"), calendar_id=OWN)
    part = plan(declared("Open day"), on=(theirs, OURS), prune=True, recorded=READ_ONLY)
    assert part.actions == ()
    assert tuple(map(cause, part.notes)) == (
        '"Fair" is read-only in the site\'s own calendar, so prune leaves it there',
    )
    assert plan(declared("Open day"), on=(theirs, OURS), recorded=READ_ONLY).notes == ()


def test_nothing_is_generated_for_an_event_that_cannot_be_written() -> None:
    file = DesiredSite(
        SiteRef(SiteName("shop"), "3f0c2a9e-8d0b-4b7c-9a55-0c5a6f9a1e01"),
        Place("sites/shop.yaml"),
        Digest("sha256:0"),
        events=DesiredEvents((declared(description="new"),)),
        marketing_plan=DesiredMarketingPlan(),
    )
    live_plan = MarketingPlan(PlanStatus.ACTIVE)
    seen = ObservedSite(file.ref, NOW, events=(live(),), marketing_plan=live_plan)
    assert [action.operation.verb for action in make_plan(file, seen, RecordedSite(), PlanOptions(NOW)).actions] == [
        Verb.UPDATE,
        Verb.GENERATE,
    ]
    known = RecordedSite(foreign_events=frozenset({EventId("e1")}))
    part = make_plan(file, seen, known, PlanOptions(NOW))
    assert part.actions == ()
    assert [problem.code for problem in part.blocked] == [BlockedBy.READ_ONLY]


LONG = "Black Friday sale of everything in the shop"


def test_an_event_whose_name_was_cut_is_known_by_its_other_words_if_the_state_was_lost() -> None:
    there = live(name="Black Friday sale of", description="30% off everyth")
    part = plan(declared(LONG, description="30% off everything"), on=(there,), prune=True)
    (action,) = part.actions
    assert isinstance(action.operation, UpdateEvent)
    assert action.operation.event.id == there.id
    assert part.event_ids == ((LONG, there.id),)
    assert part.refusals == ()


@pytest.mark.parametrize("description", [ABSENT, None, "30% off everything"])
def test_an_event_that_may_be_the_declared_one_with_its_name_cut_stops_the_site(
    description: str | Absent | None,
) -> None:
    there = live(name="Black Friday sale of...", description="something else")
    part = plan(declared(LONG, description=description), on=(there,), prune=True)
    assert part.actions == ()
    assert [(str(refusal.address), refusal.code) for refusal in part.refusals] == [
        (f"shop/event[{LONG}]", RefusedBy.AMBIGUOUS)
    ]
    both = plan(declared(LONG, description=description), declared(there.name), on=(there,))
    assert [type(action.operation) for action in both.actions] == [CreateEvent]
    assert both.refusals == ()


@pytest.mark.parametrize(
    ("there", "recorded"),
    [
        (live(name="Black Friday sale of", date=FRIDAY.replace(day=5)), RecordedSite()),
        (live(name="Sale of everything"), RecordedSite()),
        (live(name=""), RecordedSite()),
        (live(name="Black Friday"), RecordedSite(event_ids=((LONG, EventId("gone")),))),
        (
            live(name="Black Friday", calendar="google"),
            RecordedSite(foreign_calendars=frozenset({CalendarId("google")})),
        ),
    ],
)
def test_an_event_that_is_certainly_another_one_blocks_nothing(there: CalendarEvent, recorded: RecordedSite) -> None:
    (action,) = plan(declared(LONG), on=(there,), recorded=recorded).actions
    assert isinstance(action.operation, CreateEvent)
