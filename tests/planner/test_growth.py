"""What a plan and an audit cost grows with what is in a site, not with its square."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.model.activities import Activity, ActivityRule, DesiredActivity, RemoveActivities, SetActivities
from reconciler.model.address import SiteName
from reconciler.model.canonical import ABSENT, Digest
from reconciler.model.diagnostics import Place
from reconciler.model.marketing_plan import MarketingPlan, PlanStatus
from reconciler.model.posts import ActivityId
from reconciler.model.selectors import Match
from reconciler.model.sites import DesiredSite, ObservedSite, RecordedSite, RememberedSet, SiteRef
from reconciler.planner.drift import find_drift
from reconciler.planner.matching import covers, decide, is_as_set, match_key, may_cover
from reconciler.planner.options import PlanOptions, Scope
from reconciler.planner.planner import make_plan
from tests.counting import is_linear
from tests.planner.pure_world import NOW

SCOPE = Scope(SiteName("shop"), NOW)


def activities(count: int) -> tuple[Activity, ...]:
    return tuple(Activity(ActivityId(f"a{at}"), f"News {at}", "", NOW + timedelta(days=2)) for at in range(count))


def rules(count: int) -> tuple[ActivityRule, ...]:
    """One for each activity."""
    return tuple(SetActivities(Match(ids=frozenset({f"a{at}"})), title=f"Changed {at}") for at in range(count))


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


IDS = st.sampled_from(["a0", "a1", "a2"])
MATCHES = st.builds(
    Match,
    title=st.sampled_from([None, "News*", "Changed"]),
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
