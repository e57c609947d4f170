"""Remote JSON -> model. The `wire` modules know the field names of answers (calls.py: those of requests).

Much of the shape of answers was never documented (remote-api.md 14). What may hold an object or a list is stated first
(shapes.py); anything else is Unreadable. Some fields have several possible names. New fields and enum values are
ignored or kept as Unrecognised. A known field of the wrong type is Unreadable, with its path: guessing would be worse
than stopping.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from reconciler.api.shapes import (
    ListShape,
    ObjectShape,
    answered,
    listed,
    opened,
    refuse_more,
    refuse_other_lists,
    sign_of_more,
)
from reconciler.api.values import Fields, Unreadable, fields, id_of, kept_object, members, moment, text
from reconciler.api.wire_posts import each_once, posts
from reconciler.model.activities import Activity
from reconciler.model.marketing_plan import NO_STATUS, AnyPlanStatus, MarketingPlan, PlanStatus
from reconciler.model.plurals import plural
from reconciler.model.posts import ActivityId, Post, PostId, Unrecognised
from reconciler.model.settings import MarketingSettings
from reconciler.model.text import printable

MARKETING_SETTINGS: Final = ObjectShape(
    "marketing settings",
    wrappers=("marketingSettings",),  # I 9.1
    known=frozenset({"id", "language", "settings", "overrides"}),  # D 9.5; `language` is always there (D 9.1)
)
MARKETING_PLAN: Final = ObjectShape(
    "a marketing plan",
    wrappers=("marketingPlan", "socialMarketingPlan", "plan"),  # I; bare is S-wix 12.2
    known=frozenset({"status", "marketingActivities"}),  # D 6.2
)
ACTIVITY_POSTS: Final = ListShape("the posts of activities", ("marketingActivities",))  # S-wix 6.2
CREATED: Final = ObjectShape(
    "the created object, with its id",
    wrappers=("calendarEvent", "event", "marketingActivity", "activity"),  # I 7.1, 8.2
    known=frozenset({"id", "eventId", "marketingActivityId"}),  # I
)
OPTIONS: Final = ListShape("options", ("options",))  # D 9.3

# --- settings (9.5) --------------------------------------------------------------------------------


_OBJECTS: Final = ("marketingPlanGoal", "topics", "businessProfile", "calendar", "frequency")
"""The settings that have members (9.5)."""


_TOOLS: Final = ("socialMarketing", "emailMarketing", "blogs")
"""The tools with overrides (9.5). Anything else in `overrides` is kept, whatever its shape (13.1.12)."""


def settings(body: object) -> MarketingSettings:
    """The settings of a site. If they were never saved, they contain only the derived fields (D 9.1)."""
    source, where = opened(body, MARKETING_SETTINGS)
    inner = kept_object(source.get("settings"), f"{where}.settings")
    overrides = kept_object(source.get("overrides"), f"{where}.overrides")
    # Written members are merged into the live ones (17.4). If the live ones were misread, they would be lost
    # silently.
    own = fields(source.get("settings"), f"{where}.settings")
    if nested := sorted({"settings", "overrides"} & own.keys()):
        got = f"another object with {' and '.join(nested)}"
        raise Unreadable(f"expected the settings themselves in {where}.settings, got {got}")
    for name in _OBJECTS:
        fields(own.get(name), f"{where}.settings.{name}")
    by_tool = fields(source.get("overrides"), f"{where}.overrides")
    for tool in _TOOLS:
        value = by_tool.get(tool)
        fields(fields(value, f"{where}.overrides.{tool}").get("frequency"), f"{where}.overrides.{tool}.frequency")
    language = inner.get("language") or source.get("language")
    return MarketingSettings(inner, overrides, language if isinstance(language, str) else None)


# --- marketing plan, activities, posts (6.4, 7.4, 10.2) --------------------------------------------

_PLAN_STATUS: Final = {str(status): status for status in PlanStatus}


def marketing_plan(body: object) -> MarketingPlan:
    """The marketing plan and its activities."""
    source, where = opened(body, MARKETING_PLAN)
    shows = source.get("marketingActivities") is not None  # proto3 JSON accepts null for a member that was left out
    if not shows:
        refuse_other_lists(source, where, "marketingActivities")
    found = members(source.get("marketingActivities"), f"{where}.marketingActivities")
    refuse_more(sign_of_more(fields(body, where), len(found)) or sign_of_more(source, len(found)), "activities")
    activities = each_once((activity(member, path) for path, member in found), "activity")
    _refuse_shared(activities)
    status = _plan_status(source, where)
    if status == NO_STATUS and activities:
        raise Unreadable(
            f"expected a marketing plan with its status, got {plural(len(activities), 'activity', 'activities')} "
            "without one"
        )
    return MarketingPlan(status, activities, shows_activities=shows)


def _refuse_shared(activities: Iterable[Activity]) -> None:
    """Refuses an answer that shows one post in two activities: nobody could tell when it goes out."""
    owners: dict[PostId, ActivityId] = {}
    for each in activities:
        for post in each.posts:
            if owners.setdefault(post.id, each.id) != each.id:
                raise Unreadable(f"expected each post in one activity, got {printable(post.id)} in two")


def _plan_status(source: Fields, where: str) -> AnyPlanStatus:
    # A missing status may be a zero value that was left out (I: proto3). What it means depends on what earlier runs
    # know about the site, so it is not decided here (17.1).
    written = text(source, where, "status")
    return _PLAN_STATUS.get(written) or (Unrecognised(printable(written)) if written else NO_STATUS)


def activity(source: Fields, where: str) -> Activity:
    """An activity, with the field names of a marketing plan or those of its own object: both mean the same (15.4)."""
    at = moment(source, where, "date", "targetDate")
    if at is None:
        raise Unreadable(f"{where} should have a date, but has none")
    return Activity(
        id=ActivityId(id_of(source, where, "marketingActivityId", "id")),
        title=text(source, where, "title"),
        description=text(source, where, "description"),
        date=at,
        type=text(source, where, "marketingActivityType", "type", "activityType") or None,
        posts=posts(source, where),
    )


def posts_by_activity(body: object) -> dict[ActivityId, tuple[Post, ...]]:
    """The posts of the requested activities (S-wix 6.2). An activity that is not in the answer is not in the result."""
    return {
        ActivityId(id_of(member, where, "marketingActivityId", "id")): posts(member, where)
        for where, member in listed(body, ACTIVITY_POSTS)
    }


# --- what a write returns --------------------------------------------------------------------------


def accepted(body: object) -> None:
    """Raises Unreadable if the answer to a write is not at least an object without an error (17.1)."""
    answered(body, "a response to this write")


def created_id(body: object) -> str | None:
    """The id of the object that a create made; None if the answer does not say."""
    if not answered(body, CREATED.name):
        return None
    source, where = opened(body, CREATED)
    return id_of(source, where, "id", "marketingActivityId", "eventId")


# --- what is passed on almost unchanged (9) --------------------------------------------------------


def options(body: object, *keys: str) -> tuple[str, ...]:
    """The keys of an options answer, in display order (D 9.3)."""
    return tuple(key for where, member in listed(body, OPTIONS) if (key := text(member, where, *keys)))
