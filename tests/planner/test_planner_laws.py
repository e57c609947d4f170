"""Laws of planning, over random files and random sites."""

from __future__ import annotations

import dataclasses
from datetime import timedelta
from random import Random
from typing import TypeVar

from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from reconciler.model.activities import (
    Activity,
    ActivityRule,
    DesiredActivity,
    PostsRule,
    RemoveActivities,
    SetActivities,
)
from reconciler.model.address import SiteName
from reconciler.model.canonical import ABSENT, Digest, Json, JsonObject, freeze_object
from reconciler.model.diagnostics import Place
from reconciler.model.events import CalendarEvent, DesiredEvent, DesiredEvents, EventId
from reconciler.model.marketing_plan import (
    DesiredMarketingPlan,
    Discard,
    KeywordResearch,
    MarketingPlan,
    PlanStatus,
    When,
)
from reconciler.model.posts import ActivityId, Media, Post, PostId, PostStatus
from reconciler.model.selectors import Match
from reconciler.model.settings import MarketingSettings, UpdateSettings, fields_of, same_setting
from reconciler.model.sites import DesiredSite, ObservedSite, SiteRef
from tests.planner.pure_world import NOW, PureWorld

T = TypeVar("T")
SHOP = SiteRef(SiteName("shop"), "3f0c2a9e-8d0b-4b7c-9a55-0c5a6f9a1e01")
words = st.sampled_from(["", "warm", "dry", "no", "1", "true", "سلام", "👩‍🎨 studio"])
word_lists = st.lists(words.filter(bool), max_size=3, unique=True).map(tuple)
frequencies = st.builds(
    lambda interval, count: freeze_object({"interval": interval, "count": count}),
    st.sampled_from(["WEEK", "MONTH"]),
    st.integers(1, 3),
)
goals = st.sampled_from(
    [JsonObject({"goalKey": "BOOST_SALES"}), JsonObject({"goalKey": "COLLECT_LEADS"}), JsonObject({"customGoal": "x"})]
)
values: dict[str, st.SearchStrategy[Json]] = {
    "toneOfVoice": words,
    "marketingTools": st.sampled_from([("SOCIAL_MARKETING",), ("BLOGS", "SOCIAL_MARKETING"), ()]),
    "marketingPlanGoal": goals,
}
topics = st.fixed_dictionaries({}, optional={"included": word_lists, "excluded": word_lists})


def trees(nullable: bool) -> st.SearchStrategy[JsonObject]:
    """A settings object; in files a field may be null, which clears it."""
    leaf = {key: st.none() | strategy if nullable else strategy for key, strategy in values.items()}
    nested: st.SearchStrategy[object] = st.none() | topics if nullable else topics
    return st.fixed_dictionaries({}, optional={**leaf, "topics": nested}).map(freeze_object)


overrides = st.fixed_dictionaries(
    {}, optional={"socialMarketing": st.fixed_dictionaries({}, optional={"frequency": frequencies})}
).map(freeze_object)
days = st.integers(-3, 40).map(lambda count: NOW + timedelta(days=count))
event_names = st.sampled_from(["Sale", "Open day", "Fair"])
rules = st.sampled_from([JsonObject({"frequency": "MONTHLY"}), JsonObject({"frequency": "YEARLY"})])
desired_event_kinds = st.one_of(
    days.map(lambda day: {"date": day.replace(hour=0), "whole_day": True}),
    days.map(lambda day: {"date": day}),
    rules.map(lambda rule: {"recurring_rule": rule}),
)
desired_events = st.builds(
    lambda name, kind, description: DesiredEvent(name=name, description=description, **kind),
    event_names,
    desired_event_kinds,
    st.just(ABSENT) | st.none() | words,
)
calendars = st.builds(
    lambda events, prune: DesiredEvents(tuple({event.name: event for event in events}.values()), prune),
    st.lists(desired_events, max_size=3),
    st.booleans(),
)
live_events = st.builds(
    lambda number, name, description, kind: CalendarEvent(
        EventId(f"e{number}"), name, description, kind.get("date"), kind.get("recurring_rule")
    ),
    st.integers(0, 99),
    event_names | words.filter(bool),
    st.none() | words,
    desired_event_kinds,
)
titles = st.sampled_from(["Summer one", "Summer two", "Crypto news", "Winter", "summer sale"])
matches = st.builds(
    Match,
    title=st.none() | st.sampled_from(["Summer*", "*crypto*", "*"]),
    within=st.none() | st.sampled_from([timedelta(days=7), timedelta(days=21)]),
    weekdays=st.just(frozenset[str]()) | st.just(frozenset({"MONDAY", "TUESDAY", "FRIDAY"})),
)
sets = st.builds(
    SetActivities,
    matches,
    title=st.just(ABSENT) | titles,
    description=st.just(ABSENT) | words,
    target_date=st.just(ABSENT) | days,
    max=st.none() | st.integers(1, 2),
).filter(lambda rule: bool(rule.values()))
activity_rules: st.SearchStrategy[ActivityRule] = st.one_of(
    sets,
    st.builds(RemoveActivities, matches),
    st.builds(DesiredActivity, titles, words.filter(bool), days, st.sampled_from(["SOCIAL_MARKETING", "BLOG"])),
)
posts_rules = st.one_of(
    st.builds(PostsRule, matches, present=st.just(True), max=st.none() | st.integers(0, 3)),
    st.builds(PostsRule, matches, present=st.just(False)),
)
posts = st.builds(
    lambda number, channel, status: Post(
        PostId(f"p{number}"),
        channel,
        "POST",
        status,
        (("caption", "words"),),
        (Media("IMAGE", "https://static.wixstatic.com/media/a.jpg"),),
    ),
    st.integers(0, 999),
    st.sampled_from(["FACEBOOK", "INSTAGRAM"]),
    st.sampled_from([PostStatus.DRAFT, PostStatus.DRAFT, PostStatus.SCHEDULED, PostStatus.PUBLISHED]),
)
activities = st.builds(
    lambda number, title, day, kind, items: Activity(
        ActivityId(f"a{number}"), title, "", day, kind, tuple({item.id: item for item in items}.values())
    ),
    st.integers(0, 99),
    titles,
    days,
    st.sampled_from([None, "SOCIAL_MARKETING", "BLOG"]),
    st.lists(posts, max_size=2),
)


def unique_by_id(found: list[Activity]) -> tuple[Activity, ...]:
    return tuple({activity.id: activity for activity in found}.values())


@st.composite
def files(draw: st.DrawFn) -> DesiredSite:
    tree, over = draw(trees(nullable=True)), draw(overrides)
    fields = (*fields_of(tree, "settings"), *fields_of(over, "overrides"))
    return DesiredSite(
        ref=SHOP,
        place=Place("sites/shop.yaml"),
        digest=Digest("sha256:0"),
        settings=tuple(sorted(fields, key=lambda field: field.path)),
        events=draw(st.none() | calendars),
        marketing_plan=draw(
            st.none()
            | st.builds(
                DesiredMarketingPlan,
                present=st.sampled_from([True, True, True, False]),
                when=st.sampled_from(When),
                keyword_research=st.sampled_from(KeywordResearch),
                discard=st.just(Discard.ALL),
            )
        ),
        activities=tuple(draw(st.lists(activity_rules, max_size=3))),
        posts=tuple(draw(st.lists(posts_rules, max_size=2))),
    )


@st.composite
def worlds(draw: st.DrawFn) -> PureWorld:
    status = draw(
        st.sampled_from([PlanStatus.NEVER_CREATED, PlanStatus.FAILED, PlanStatus.INACTIVE, *[PlanStatus.ACTIVE] * 3])
    )
    found = unique_by_id(draw(st.lists(activities, max_size=5))) if status is PlanStatus.ACTIVE else ()
    tree, over = draw(trees(nullable=False)), draw(overrides)
    events = {event.id: event for event in draw(st.lists(live_events, max_size=4))}
    observed = ObservedSite(
        ref=SHOP,
        read_at=NOW,
        settings=MarketingSettings(tree, over),
        marketing_plan=MarketingPlan(status, found),
        events=tuple(events.values()),
    )
    return PureWorld(observed)


laws = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@laws
@given(files(), worlds())
def test_a_plan_carried_out_leaves_nothing_to_plan(desired: DesiredSite, world: PureWorld) -> None:
    assume(not world.plan(desired).refusals)
    assume(not contradictory(desired))
    world.apply(desired)
    again = world.plan(desired)
    assume(not again.refusals)  # a contradiction may show only once the generation is done
    assert again.actions == ()


@laws
@given(files(), worlds())
def test_without_the_state_there_is_nothing_to_plan_either(desired: DesiredSite, world: PureWorld) -> None:
    assume(not world.plan(desired).refusals)
    assume(not contradictory(desired))
    assume(not any(isinstance(rule, SetActivities) for rule in desired.activities))
    world.apply(desired)
    world.recorded = replace(world.recorded, event_ids=(), created=(), sets=())
    again = world.plan(desired)
    assume(not again.refusals)
    assert again.actions == ()


@laws
@given(files(), worlds())
def test_what_is_not_declared_is_in_no_action(desired: DesiredSite, world: PureWorld) -> None:
    before = world.observed.settings
    assert before is not None
    plan = world.plan(desired)
    declared = {setting.path for setting in desired.settings}
    for action in plan.actions:
        if isinstance(action.operation, UpdateSettings):
            assert {change.path for change in action.operation.changes} <= declared
    assume(not plan.refusals)
    world.apply(desired)
    after = world.observed.settings
    assert after is not None
    for root, tree in (("settings", before.settings), ("overrides", before.overrides)):
        for field in fields_of(tree, root):
            touched = any(field.path == path or field.path.startswith(path + ".") for path in declared)
            if not touched:
                assert same_setting(field.path, field.value, after.value_of(field.path)), field.path


@laws
@given(files(), worlds(), st.randoms(use_true_random=False))
def test_the_order_of_what_was_read_never_matters(desired: DesiredSite, world: PureWorld, random: Random) -> None:
    plan = world.plan(desired)
    observed = world.observed
    assert observed.marketing_plan is not None
    shuffled = replace(
        observed,
        events=_shuffled(observed.events or (), random),
        marketing_plan=replace(
            observed.marketing_plan, activities=_shuffled(observed.marketing_plan.activities, random)
        ),
    )
    assert dataclasses.replace(world, observed=shuffled).plan(desired) == plan


@laws
@given(files(), worlds())
def test_a_plan_made_twice_is_the_same_plan(desired: DesiredSite, world: PureWorld) -> None:
    assert world.plan(desired) == world.plan(desired)


def _shuffled(found: tuple[T, ...], random: Random) -> tuple[T, ...]:
    order = list(found)
    random.shuffle(order)
    return tuple(order)


def contradictory(desired: DesiredSite) -> bool:
    """What `validate` refuses: two creates of the same, two rules with the same match. And a rule that sets the
    title of what another creates: one of the two activities is then taken for the other."""
    creates = [(rule.title, rule.target_date) for rule in desired.activities if isinstance(rule, DesiredActivity)]
    set_titles = {rule.title for rule in desired.activities if isinstance(rule, SetActivities)}
    if set_titles & {title for title, _ in creates}:
        return True
    found = [rule.match for rule in desired.activities if not isinstance(rule, DesiredActivity)]
    return len(set(creates)) != len(creates) or len(set(found)) != len(found)
