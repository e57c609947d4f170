"""Remote JSON -> model: the field names of answers stand here and in wire_neighbours.py (calls.py: of requests).

Much of the shape of answers was never documented (remote-api.md 14). So objects are taken wrapped or bare, fields under
either of their names, and fields and enum members that are new are passed over or kept as Unrecognised. A field
that is known and has the wrong type is Unreadable, with its path: guessing on would be worse than stopping.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from reconciler.api.values import (
    Fields,
    Unreadable,
    fields,
    id_of,
    kept_object,
    listed,
    members,
    moment,
    text,
    unwrapped,
)
from reconciler.model.activities import Activity
from reconciler.model.canonical import JsonObject
from reconciler.model.events import CalendarEvent, CalendarId, EventId
from reconciler.model.marketing_plan import AnyPlanStatus, MarketingPlan, PlanStatus
from reconciler.model.posts import ActivityId, AnyPostStatus, Media, Post, PostId, PostStatus, Unrecognised
from reconciler.model.settings import MarketingSettings
from reconciler.model.text import printable

# --- settings (9.5) --------------------------------------------------------------------------------


def settings(body: object) -> MarketingSettings:
    """The settings of a site. Never saved, they hold the derived fields alone (D 9.1)."""
    source, where = unwrapped(body, "marketingSettings", "settingsObject")
    inner = kept_object(source.get("settings"), f"{where}.settings")
    language = inner.get("language") or source.get("language")
    return MarketingSettings(
        settings=inner,
        overrides=kept_object(source.get("overrides"), f"{where}.overrides"),
        language=language if isinstance(language, str) else None,
    )


# --- marketing plan, activities, posts (6.4, 7.4, 10.2) --------------------------------------------

_PLAN_STATUS: Final = {str(one): one for one in PlanStatus}
_POST_STATUS: Final = {str(one): one for one in PostStatus}

_CONTENTS: Final = {  # D 10.2; the type that each means (S-wix 10.3), for answers that leave the type out
    "facebookPost": "POST",
    "facebookReel": "REEL",
    "facebookStory": "STORY",
    "gbpPost": "POST",
    "instagramPost": "POST",
    "instagramStory": "STORY",
    "linkedinPost": "POST",
    "pinterestPost": "POST",
    "tiktokPhoto": "POST",
    "tiktokVideo": "VIDEO",
    "twitterPost": "POST",
    "youtubeShort": "SHORT",
    "youtubeVideo": "VIDEO",
}
_CONTENT_ENDINGS: Final = ("Post", "Reel", "Story", "Photo", "Video", "Short")

_TEXTS: Final = ("title", "caption", "description", "link")
"""What of a post is read by people. The link is among them: who approves a post approves where it leads."""


def marketing_plan(body: object) -> MarketingPlan:
    """The marketing plan and its activities."""
    source, where = unwrapped(body, "marketingPlan", "socialMarketingPlan", "plan")
    found = members(source.get("marketingActivities"), f"{where}.marketingActivities")
    activities = tuple(activity(one, path) for path, one in found)
    return MarketingPlan(plan_status(source, where, bool(activities)), activities)


def plan_status(source: Fields, where: str, has_activities: bool) -> AnyPlanStatus:
    """The status. A missing one is the unset zero value (I): without activities, there is no plan."""
    written = text(source, where, "status", "planStatus")
    if not written:
        return Unrecognised("no status") if has_activities else PlanStatus.NEVER_CREATED
    return _PLAN_STATUS.get(written) or Unrecognised(printable(written))


def activity(source: Fields, where: str) -> Activity:
    """An activity, by the field names of a plan or by those of its own object: both mean the same (15.4)."""
    at = moment(source, where, "date", "targetDate")
    if at is None:
        raise Unreadable(f"{where} has no date")
    return Activity(
        id=ActivityId(id_of(source, where, "marketingActivityId", "id")),
        title=text(source, where, "title"),
        description=text(source, where, "description"),
        date=at,
        type=text(source, where, "marketingActivityType", "type", "activityType") or None,
        posts=posts(source, where),
    )


def one_activity(body: object) -> Activity:
    """The activity of an answer about one (I: the wrapper)."""
    return activity(*unwrapped(body, "marketingActivity", "activity", "item"))


def activities(body: object) -> tuple[Activity, ...]:
    """The activities of a query's answer (I: the name of the list)."""
    return tuple(activity(one, where) for where, one in listed(body, "marketingActivities", "items"))


def posts_by_activity(body: object) -> dict[ActivityId, tuple[Post, ...]]:
    """The posts of the asked activities (S-wix 6.2); one that is not in the answer is not in the result."""
    return {
        ActivityId(id_of(one, where, "marketingActivityId", "id")): posts(one, where)
        for where, one in listed(body, "marketingActivities")
    }


def posts(source: Fields, where: str) -> tuple[Post, ...]:
    """The posts of an activity; none where `items` is left out (6.4)."""
    return tuple(post(one, path) for path, one in members(source.get("items"), f"{where}.items"))


def post(source: Fields, where: str) -> Post:
    """A Publisher item."""
    found = source.get("channel")
    channel: Fields = {"name": found} if isinstance(found, str) else fields(found, f"{where}.channel")
    contents = _contents(source, where)
    scheduling = fields(source.get("schedulingInfo"), f"{where}.schedulingInfo")
    implied = next((_CONTENTS[name] for name, _ in contents if name in _CONTENTS), "POST")
    return Post(
        id=PostId(id_of(source, where, "id", "itemId")),
        channel=text(channel, f"{where}.channel", "name", "channelName") or text(source, where, "channelName"),
        type=text(source, where, "type") or implied,
        status=_post_status(text(source, where, "status")),
        texts=tuple(pair for name, one in contents for pair in _texts(one, f"{where}.{name}")),
        media=tuple(dict.fromkeys(media for name, one in contents for media in _media(one, f"{where}.{name}"))),
        account_id=text(channel, f"{where}.channel", "accountId") or None,
        scheduled_for=moment(scheduling, f"{where}.schedulingInfo", "scheduledDate"),
        external_url=text(channel, f"{where}.channel", "externalItemUrl")
        or text(source, where, "externalItemUrl")
        or None,
    )


def one_post(body: object) -> Post:
    """The item of an answer about one."""
    return post(*unwrapped(body, "item"))


def answered_post(body: object) -> Post | None:
    """The item in the answer to a write about one; None where the answer has none (its shape was not seen)."""
    source, where = unwrapped(body, "item")
    return post(source, where) if source.get("id") and source.get("status") else None


def items(body: object) -> tuple[Post, ...]:
    """The items of an answer that lists some."""
    return tuple(post(one, where) for where, one in listed(body, "items"))


def _post_status(written: str) -> AnyPostStatus:
    # Never DRAFT by default: what is not known to be a draft is not scheduled.
    return _POST_STATUS.get(written) or Unrecognised(printable(written) or "no status")


def _contents(source: Fields, where: str) -> tuple[tuple[str, Fields], ...]:
    """The content objects of an item: those that are known, else whatever is named like one."""
    known = [name for name in source if name in _CONTENTS and source[name] is not None]
    if known:
        return tuple((name, fields(source[name], f"{where}.{name}")) for name in sorted(known))
    return tuple(
        (name, value)
        for name, value in sorted(source.items())
        if isinstance(value, dict) and name.endswith(_CONTENT_ENDINGS)
    )


def _texts(content: Fields, where: str) -> tuple[tuple[str, str], ...]:
    return tuple((name, written) for name in _TEXTS if (written := text(content, where, name)))


def _media(content: Fields, where: str) -> Iterable[Media]:
    wrapper = content.get("mediaWrapper")
    source = wrapper if isinstance(wrapper, list) else fields(wrapper, f"{where}.mediaWrapper").get("media")
    for path, one in members(source, f"{where}.mediaWrapper.media"):
        address = text(one, path, "url", "fileId")
        if address:
            yield Media(text(one, path, "type") or "IMAGE", address)
    for name, kind in (("imageUrl", "IMAGE"), ("videoUrl", "VIDEO")):
        if address := text(content, where, name):
            yield Media(kind, address)


# --- calendar events (8.1) -------------------------------------------------------------------------

_NOT_RESENT: Final = frozenset(
    {
        "id", "calendarId", "recurringOccurrences",  # D: read-only
        "name", "description", "date", "recurringRule",  # fields of their own
        "createdDate", "updatedDate", "createdAt", "updatedAt",  # I: as on the neighbouring objects
    }
)  # fmt: skip


def event(source: Fields, where: str) -> CalendarEvent:
    """A calendar event. One with a rule has no date of its own (D 8.1: ignored), whatever occurrence is shown."""
    rule = kept_object(source.get("recurringRule"), f"{where}.recurringRule")
    recurs = rule.get("frequency") not in (None, "", "UNKNOWN")
    return CalendarEvent(
        id=EventId(id_of(source, where, "id", "eventId")),
        name=text(source, where, "name"),
        description=text(source, where, "description") or None,
        date=None if recurs else moment(source, where, "date"),
        recurring_rule=rule if recurs else None,
        calendar_id=CalendarId(text(source, where, "calendarId")) or None,
        rest=kept_object({name: value for name, value in source.items() if name not in _NOT_RESENT}, where),
    )


def events(body: object) -> tuple[CalendarEvent, ...]:
    """The events of a query's answer, as often as they are in it (I: the name of the list)."""
    return tuple(event(one, where) for where, one in listed(body, "events", "calendarEvents"))


# --- what is created -------------------------------------------------------------------------------


def created_id(body: object) -> str | None:
    """The id of what a create made; None where the answer does not say (the wrappers are I)."""
    source, where = unwrapped(body, "calendarEvent", "event", "marketingActivity", "item", "activity")
    return text(source, where, "id", "marketingActivityId", "eventId") or None


# --- what is passed on nearly as it is (9) ---------------------------------------------------------


def options(body: object, *keys: str) -> tuple[str, ...]:
    """The keys of an options answer, in display order (D 9.3)."""
    return tuple(key for where, one in listed(body, "options") if (key := text(one, where, *keys)))


def whole(body: object) -> JsonObject:
    """An answer whose shape was never seen, as it is."""
    return kept_object(body, "the answer")
