"""A law: a rule that validate says lets nothing through really lets nothing through, whatever the site has."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, event, example, given, settings
from hypothesis import strategies as st

from reconciler.config.layers import IS_OVER
from reconciler.config.rules import NEVER_MATCHES
from reconciler.config.sites import open_project
from reconciler.model.activities import Activity
from reconciler.model.policy import Policy
from reconciler.model.posts import ActivityId, Post, PostId, PostStatus
from reconciler.model.schedule import ScheduleRule
from reconciler.model.selectors import WEEKDAYS, Match
from reconciler.model.sites import RecordedSite
from reconciler.planner.candidates import select_drafts
from reconciler.planner.matching import covers
from reconciler.planner.options import Scope
from reconciler.planner.policy_checks import time_violations
from tests.config.conftest import HEAD, WriteProject

FIRST = date(2026, 7, 27)
"""A few days before X stops taking posts."""

DAYS = st.integers(0, 10).map(lambda number: FIRST + timedelta(days=number))
NOW = datetime(2026, 7, 30, tzinfo=UTC)
MOMENTS = st.integers(-48, 240).map(lambda hours: NOW + timedelta(hours=hours))
ZONES = ("UTC", "Europe/Berlin", "Pacific/Kiritimati", "Etc/GMT+12", "America/St_Johns")


@st.composite
def matches(draw: st.DrawFn) -> dict[str, Any]:
    """A `match` about days."""
    first, last = sorted((draw(DAYS), draw(DAYS)))
    members = {
        "from": str(first),
        "to": str(last),
        "within": f"{draw(st.sampled_from((1, 4, 12, 24)))}h",
        "weekdays": sorted(draw(st.sets(st.sampled_from(WEEKDAYS), min_size=1, max_size=2))),
        "type": draw(st.sampled_from(("SOCIAL_MARKETING", "BLOG"))),
    }
    return {name: members[name] for name in draw(st.sets(st.sampled_from(sorted(members))))}


@st.composite
def schedules(draw: st.DrawFn) -> dict[str, Any]:
    """A rule of a schedule."""
    hour = st.integers(0, 23).map(lambda number: f"{number:02}:00")
    members = {
        "at": draw(hour),
        "max": draw(st.integers(0, 2)),
        "channels": draw(st.sampled_from((["TWITTER"], ["TWITTER", "FACEBOOK"], ["FACEBOOK"]))),
    }
    chosen = draw(st.sets(st.sampled_from(sorted(members))))
    return {"match": draw(matches()), **{name: members[name] for name in chosen}}


@st.composite
def policies(draw: st.DrawFn) -> dict[str, Any]:
    """A policy about times."""
    first = draw(st.integers(0, 23))
    last = (first + draw(st.integers(1, 23))) % 24
    members = {
        "quietHours": {"from": f"{first:02}:00", "to": f"{last:02}:00"},
        "minLead": f"{draw(st.sampled_from((4, 12, 24, 48)))}h",
        "blackoutDates": sorted(map(str, draw(st.sets(DAYS, min_size=1, max_size=8)))),
    }
    return {name: members[name] for name in draw(st.sets(st.sampled_from(sorted(members))))}


def dense(now: datetime) -> tuple[Activity, ...]:
    """An activity at each hour of all the days, with a draft on each channel.

    None is a whole number of hours from now: at such a moment, `within` and `minLead` could just meet.
    """
    found = []
    for hour in range(-24, 24 * 16):
        at = datetime.combine(FIRST, time(), UTC) + timedelta(hours=hour, minutes=30)
        drafts = tuple(
            Post(PostId(f"{hour}-{channel}"), channel, "POST", PostStatus.DRAFT) for channel in ("FACEBOOK", "TWITTER")
        )
        if at >= now:  # the API shows no others (D 6.2)
            kind = "BLOG" if hour % 2 else "SOCIAL_MARKETING"
            found += [Activity(ActivityId(f"{hour}-{kind}"), "Sale", "", at, kind, () if kind == "BLOG" else drafts)]
            found += [Activity(ActivityId(f"{hour}-other"), "Sale", "", at, "SOCIAL_MARKETING", drafts)]
    return tuple(found)


def warned(write_project: WriteProject, files: dict[str, str], now: datetime) -> bool:
    """Whether a rule of the project is said to let nothing through."""
    write_project(files)
    codes = {warning.code for warning in open_project((), only_check=True, now=lambda _: now)[1].warnings}
    return bool(codes & {NEVER_MATCHES, IS_OVER})


@pytest.fixture
def loaded(write_project: WriteProject) -> Any:
    """The project of some files, with its only site."""

    def load(files: dict[str, str]) -> Any:
        write_project(files)
        project, index = open_project()
        return project, index.entries[0].load()

    return load


LAW = settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@LAW
@example({"match": {"within": "12h"}, "at": "23:00"}, {"minLead": "12h"}, NOW, "UTC")
@given(schedules(), policies(), MOMENTS, st.sampled_from(ZONES))
def test_no_rule_of_a_schedule_is_warned_of_that_lets_a_post_through(
    write_project: WriteProject, loaded: Any, rule: dict[str, Any], policy: dict[str, Any], now: datetime, zone: str
) -> None:
    files = {
        "reconciler.yaml": f"version: 1\npolicy: {policy}\n",
        "sites/a.yaml": f"{HEAD}posts: []\nschedule: {{rules: [{rule}]}}\n",
    }
    if not warned(write_project, files, now):
        event("not warned")
        return
    event("warned")
    project, site = loaded(files)
    assert lets_through(site.schedule.rules[0], project.policy, Scope(site.ref.name, now, zone)) == []


def lets_through(rule: ScheduleRule, policy: Policy, scope: Scope) -> list[datetime]:
    """When the posts go out that a rule lets through."""
    wanted = select_drafts((rule,), dense(scope.now), RecordedSite(), policy, scope).wanted
    return [candidate.moment for candidate in wanted if not time_violations(candidate.moment, policy, scope)]


@LAW
@given(st.sampled_from(("activities", "posts")), matches(), MOMENTS, st.sampled_from(ZONES))
def test_no_rule_is_warned_of_that_matches_an_activity(
    write_project: WriteProject, loaded: Any, section: str, match: dict[str, Any], now: datetime, zone: str
) -> None:
    files = {"sites/a.yaml": f"{HEAD}{section}: [{{match: {match}, state: absent}}]\n"}
    if not warned(write_project, files, now):
        event("not warned")
        return
    event("warned")
    site = loaded(files)[1]
    found: Match = (site.activities if section == "activities" else site.posts)[0].match
    scope = Scope(site.ref.name, now, zone)
    kinds = ("SOCIAL_MARKETING",) if section == "posts" else ("SOCIAL_MARKETING", "BLOG")
    assert [each for each in dense(now) if each.type in kinds and covers(found, each, scope)] == []
