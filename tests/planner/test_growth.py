"""What a plan and an audit cost grows with what is in a site, not with its square."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest
from hypothesis import given
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
from reconciler.model.canonical import ABSENT, Digest
from reconciler.model.diagnostics import Place
from reconciler.model.marketing_plan import MarketingPlan, PlanStatus
from reconciler.model.policy import Policy
from reconciler.model.posts import ActivityId, Post, PostId, PostStatus
from reconciler.model.schedule import ScheduleRule
from reconciler.model.selectors import Match
from reconciler.model.sites import CreatedActivity, DesiredSite, ObservedSite, RecordedSite, RememberedSet, SiteRef
from reconciler.planner.candidates import select_drafts
from reconciler.planner.drift import find_drift
from reconciler.planner.matching import covers, decide, find_created, in_order, is_as_set, match_key, may_cover
from reconciler.planner.options import PlanOptions, Scope
from reconciler.planner.planner import make_plan
from reconciler.planner.policy_checks import Days
from reconciler.planner.posts import decide_posts
from tests.counting import is_linear
from tests.planner.pure_world import NOW

SCOPE = Scope(SiteName("shop"), NOW)


def activities(count: int) -> tuple[Activity, ...]:
    return tuple(Activity(ActivityId(f"a{at}"), f"News {at:03}", "", NOW + timedelta(days=2)) for at in range(count))


def rules(count: int) -> tuple[ActivityRule, ...]:
    """One for each activity."""
    return tuple(SetActivities(Match(ids=frozenset({f"a{at}"})), title=f"Changed {at}") for at in range(count))


def by_title(count: int) -> tuple[ActivityRule, ...]:
    """One for each activity: half of them name its title, the others how it begins."""
    titles = (f"news {at:03}" if at % 2 else f"News {at:03}*" for at in range(count))
    return tuple(SetActivities(Match(title=title), title=f"Changed {title}") for title in titles)


def creating(count: int) -> tuple[ActivityRule, ...]:
    """One for each activity, which is known by its date."""
    days = (NOW + timedelta(days=at) for at in range(count))
    return tuple(DesiredActivity(f"News {at:03}", "", day, "BLOG") for at, day in enumerate(days))


def created(count: int) -> RecordedSite:
    """What the rules created under earlier titles; all of it has another title and date now."""
    days = (NOW + timedelta(days=at) for at in range(count))
    return RecordedSite(
        known=True,
        created=tuple(CreatedActivity(ActivityId(f"a{at}"), f"Old {at}", day) for at, day in enumerate(days)),
    )


def remembered(count: int) -> RecordedSite:
    """What was set before, by each rule."""
    of_rules = (frozenset({f"a{at}"}) for at in range(count))
    sets = (RememberedSet(match_key(Match(ids=ids)), frozenset(map(ActivityId, ids))) for ids in of_rules)
    return RecordedSite(known=True, sets=tuple(sets))


REF = SiteRef(SiteName("shop"), "3f0c2a9e-8d0b-4b7c-9a55-0c5a6f9a1e01")


def audited(count: int, recorded: RecordedSite) -> Callable[[], object]:
    desired = DesiredSite(REF, Place("shop.yaml"), Digest(""), activities=rules(count))
    observed = ObservedSite(REF, NOW, marketing_plan=MarketingPlan(PlanStatus.ACTIVE, activities(count)))

    def audit() -> object:
        plan = make_plan(desired, observed, recorded, PlanOptions(NOW))
        assert len(plan.actions) == count
        return find_drift(desired, observed, recorded, plan, PlanOptions(NOW))

    return audit


@pytest.mark.parametrize("before", [lambda _: RecordedSite(), remembered], ids=["unknown", "set before"])
def test_a_plan_and_an_audit_are_linear_in_the_rules_that_name_ids(before: Callable[[int], RecordedSite]) -> None:
    assert is_linear(lambda count: audited(count, before(count)))


def test_finding_rules_by_title_and_what_they_created_is_linear() -> None:
    def decided(count: int) -> Callable[[], object]:
        return lambda: decide(by_title(count), list(activities(count)), {}, RecordedSite(), SCOPE)

    def found(count: int) -> Callable[[], object]:
        return lambda: find_created(creating(count), activities(count), created(count))

    assert is_linear(decided)
    assert is_linear(found)


def test_rules_of_posts_and_schedules_that_name_titles_are_linear() -> None:
    def matches(count: int) -> list[Match]:
        return [Match(title=f"news {at:03}*") for at in range(count)]

    def with_drafts(count: int) -> list[Activity]:
        drafts = (Post(PostId(f"p{at}"), "FACEBOOK", "POST", PostStatus.DRAFT) for at in range(count))
        return [replace(activity, posts=(draft,)) for activity, draft in zip(activities(count), drafts, strict=True)]

    def posts(count: int) -> Callable[[], object]:
        rules, live = tuple(map(PostsRule, matches(count))), activities(count)
        return lambda: decide_posts(rules, live, SCOPE)

    def drafts(count: int) -> Callable[[], object]:
        rules, live = tuple(ScheduleRule(match, max=1) for match in matches(count)), with_drafts(count)
        return lambda: select_drafts(rules, live, RecordedSite(), Policy(), SCOPE)

    assert is_linear(posts)
    assert is_linear(drafts)


class Day(set[PostId]):
    """The posts of a day; only the one that is asked for may be looked at."""

    def __iter__(self) -> Iterator[PostId]:
        raise AssertionError

    __or__ = __ror__ = copy = None  # type: ignore[assignment]


def test_a_post_is_counted_on_its_day_without_the_others_being_looked_at() -> None:
    today = NOW.date()
    days = Days({today: Day({PostId("p1"), PostId("p2")})})
    assert [days.count_with(today, PostId(post)) for post in ("p2", "p3")] == [2, 3]
    assert days.count_with(today + timedelta(days=1), PostId("p1")) == 1


IDS = st.sampled_from(["a0", "a1", "a2"])
MATCHES = st.builds(
    Match,
    title=st.sampled_from([None, "News*", "news", "*s", "chang?d", "[CN]*", "Changed"]),
    type=st.sampled_from([None, None, "BLOG"]),
    ids=st.frozensets(IDS, max_size=2),
)
RULES = st.one_of(
    st.builds(RemoveActivities, MATCHES),
    st.builds(
        SetActivities,
        MATCHES,
        title=st.sampled_from([ABSENT, "Changed", " Changed"]),
        description=st.sampled_from([ABSENT, "x"]),
        target_date=st.sampled_from([ABSENT, NOW]),
    ),
)
LIVE = st.tuples(
    *(
        st.builds(
            Activity,
            st.just(ActivityId(id)),
            st.sampled_from(["News", "Changed"]),
            st.sampled_from(["", "x"]),
            st.sampled_from([NOW, NOW + timedelta(days=1)]),
            st.none(),
        )
        for id in ("a0", "a1", "a2")
    )
)


@given(st.lists(RULES, max_size=5).map(tuple), LIVE, st.dictionaries(st.integers(0, 4), st.frozensets(IDS)))
def test_the_rules_that_are_not_tried_would_not_have_decided(
    rules: tuple[ActivityRule, ...], live: tuple[Activity, ...], sets: dict[int, frozenset[ActivityId]]
) -> None:
    known = {
        match_key(rule.match): sets[at]
        for at, rule in enumerate(rules)
        if at in sets and isinstance(rule, SetActivities)
    }
    recorded = RecordedSite(sets=tuple(RememberedSet(*pair) for pair in known.items()))
    expected: dict[int, list[Activity]] = {at: [] for at in range(len(rules))}
    for activity in live:
        setters = {key for key, ids in known.items() if activity.id in ids}
        for at, rule in enumerate(rules):
            assert not isinstance(rule, DesiredActivity)
            was_set = isinstance(rule, SetActivities) and (
                match_key(rule.match) in setters if setters else is_as_set(activity, rule)
            )
            if covers(rule.match, activity, SCOPE) or was_set:
                expected[at].append(activity)
                break
            if may_cover(rule.match, activity, SCOPE):
                break
    assert decide(rules, list(live), {}, recorded, SCOPE) == expected


TITLES = st.sampled_from(["News", "Changed", " Changed"])
DATES = st.sampled_from([NOW, NOW + timedelta(days=1)])


@given(
    st.lists(st.builds(DesiredActivity, TITLES, st.just(""), DATES, st.just("BLOG")), max_size=4).map(tuple),
    LIVE,
    st.lists(st.builds(CreatedActivity, IDS.map(ActivityId), TITLES, DATES), max_size=4).map(tuple),
)
def test_what_rules_created_is_found_as_by_looking_at_everything(
    rules: tuple[DesiredActivity, ...], live: tuple[Activity, ...], made: tuple[CreatedActivity, ...]
) -> None:
    left, expected = {activity.id: activity for activity in in_order(live)}, {}
    declared = {(rule.title, rule.target_date) for rule in rules}

    def remembered(rule: DesiredActivity) -> list[ActivityId]:
        return [each.id for each in made if (each.title, each.target_date) == (rule.title, rule.target_date)][:1]

    def alike(rule: DesiredActivity) -> list[ActivityId]:
        same = (activity for activity in left.values() if activity.title.strip() == rule.title.strip())
        return [activity.id for activity in same if activity.date == rule.target_date][:1]

    def changed(rule: DesiredActivity) -> list[ActivityId]:
        of_others = (each for each in made if (each.title, each.target_date) not in declared and each.id in left)
        near = (each for each in of_others if each.title == rule.title or each.target_date == rule.target_date)
        return sorted(each.id for each in near)[:1]

    for way in (remembered, alike, changed):
        for at, rule in enumerate(rules):
            for id in way(rule) if at not in expected else ():
                if id in left:
                    expected[at] = left.pop(id)
    assert find_created(rules, live, RecordedSite(created=made)) == expected
