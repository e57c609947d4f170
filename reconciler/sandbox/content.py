"""Owns the texts: activities and drafts from templates, settings and `contentSeed`; equal inputs give equal texts."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from hashlib import sha256
from typing import TypeVar

from reconciler.sandbox import pictures, times
from reconciler.sandbox.json_types import JsonDict
from reconciler.sandbox.names import SHAPES, TOOLS

T = TypeVar("T")

_KINDS = {  # marketing tool -> activity type (type BLOG: D, tool BLOGS: S-wix), override, how often by default (I)
    "SOCIAL_MARKETING": ("SOCIAL_MARKETING", "socialMarketing", ("WEEK", 3)),
    "BLOGS": ("BLOG", "blogs", ("MONTH", 2)),
    "EMAIL_MARKETING": ("EMAIL_MARKETING", "emailMarketing", ("MONTH", 1)),
}
_DAYS = {"WEEK": 7, "MONTH": 30, "YEAR": 365}
_TOPICS = ("our best sellers", "life behind the scenes", "customer stories", "seasonal favourites", "tips and tricks")
_TITLES = {
    "SOCIAL_MARKETING": (
        "Spotlight on {topic}", "{Topic}: behind the scenes", "Three reasons to love {topic}", "{Topic} of the week",
        "Ask us about {topic}", "A closer look at {topic}", "New this week: {topic}", "{Topic} made simple",
    ),
    "BLOG": ("A guide to {topic}", "What we learned about {topic}", "{Topic}: the long read"),
    "EMAIL_MARKETING": ("Newsletter: {topic}", "Subscribers first: {topic}", "This month in {topic}"),
}  # fmt: skip
_DESCRIPTIONS = (
    "Share {topic} with {audience} to {goal}.",
    "Show {audience} what {topic} is about and {goal}.",
    "Tell the story of {topic}, invite {audience} to join in, and {goal}.",
)
_GOALS = {
    "DRIVE_TRAFFIC": "bring visitors to the site",
    "BRAND_AWARENESS": "raise brand awareness",
    "BOOST_SALES": "lift sales",
    "COLLECT_LEADS": "collect leads",
}
_OPENERS = {
    "FIRST_PERSON": ("We are proud to share", "Today we bring you", "We have been working on"),
    "SECOND_PERSON": ("You will love", "Your week just got better with", "You asked for"),
    "THIRD_PERSON": ("Meet", "People are talking about", "Take a look at"),
}
_CLOSERS = ("Come and see.", "Find out more on our site.", "Tell us what you think.", "Save this for later.")


def number(*parts: object) -> int:
    """A number determined by these parts."""
    return int.from_bytes(sha256(":".join(map(str, parts)).encode()).digest()[:6], "big")


def pick(options: Sequence[T], *parts: object) -> T:
    """One of the options, determined by these parts."""
    return options[number(*parts) % len(options)]


def near_term(day: date, days: int | None) -> date:
    """The last day whose activities automatically get posts: the end of next week (D), or a number of days ahead."""
    return times.end_of_next_week(day) if days is None else day + timedelta(days=days)


def activities(inputs: JsonDict, zone: tzinfo, key: Sequence[object], own_frequency: bool) -> list[JsonDict]:
    """The activities of a generation: from today through the end of next month (D), sorted by date.

    `inputs` is what the generation is made from: started, settings, overrides, events. The topics appear in titles and
    descriptions; the frequency says how many activities there are; an activity mentions an event that is at most three
    days away.
    `own_frequency`: whether `settings.frequency` applies if there is no override.
    """
    started = times.must(inputs["started"])
    today = started.astimezone(zone).date()
    found: list[JsonDict] = []
    for tool in inputs["settings"].get("marketingTools") or TOOLS:  # default: all (I)
        if tool not in _KINDS:
            continue
        kind, override, default = _KINDS[tool]
        frequency = inputs["overrides"].get(override, {}).get("frequency") or {}
        if not frequency and own_frequency:
            frequency = inputs["settings"].get("frequency") or {}
        step = _DAYS[frequency.get("interval", default[0])] / frequency.get("count", default[1])
        for place, moment in enumerate(_moments(today, times.end_of_next_month(today), step, zone)):
            found.append(_activity(inputs, kind, moment, (*key, kind, place)))
    return sorted(found, key=lambda each: (each["date"], each["type"]))


def _moments(first: date, last: date, step: float, zone: tzinfo) -> Iterator[datetime]:
    place, same_day, before = 0, 0, None
    while (day := first + timedelta(days=int(place * step))) <= last:
        same_day = same_day + 1 if day == before else 0
        yield datetime.combine(day, time(9 + 2 * min(same_day, 6)), zone).astimezone(UTC)
        before = day
        place += 1


def _activity(inputs: JsonDict, kind: str, moment: datetime, key: Sequence[object]) -> JsonDict:
    settings = inputs["settings"]
    wanted = settings.get("topics", {})
    topics = wanted.get("included") or _TOPICS
    topics = [each for each in topics if each not in wanted.get("excluded", ())] or topics
    topic = str(pick(topics, *key, "topic"))
    profile = settings.get("businessProfile", {})
    goal = settings.get("marketingPlanGoal", {})
    words = {
        "topic": topic,
        "Topic": topic[:1].upper() + topic[1:],
        "audience": profile.get("targetAudience") or "your audience",
        "goal": goal.get("customGoal") or _GOALS.get(str(goal.get("goalKey")), "raise brand awareness"),
    }
    title = pick(_TITLES[kind], *key, "title").format(**words)
    description = pick(_DESCRIPTIONS, *key, "description").format(**words)
    for event in inputs["events"]:
        if abs((times.must(event["date"]) - moment).days) <= 3:
            title = f"{event['name']}: {topic}"
            description += f" Mention {event['name']}."
            break
    if profile.get("valueProposition"):
        description += f" {profile['valueProposition'].capitalize()}."
    return {"date": times.show(moment), "title": title, "description": description, "type": kind}


def caption(activity: JsonDict, settings: JsonDict, channel: str, *key: object) -> str:
    """A caption for one channel."""
    view = str(settings.get("pointOfView"))
    opener = pick(_OPENERS.get(view, _OPENERS["THIRD_PERSON"]), *key, channel, "opener")
    tone = f" ({settings['toneOfVoice']})" if settings.get("toneOfVoice") else ""
    closer = pick(_CLOSERS, *key, channel, "closer")
    tag = "".join(letter for letter in activity["title"].title() if letter.isalnum())[:30]
    return f"{opener}: {activity['title'].lower()}{tone}. {closer} #{tag}"


def post(
    channel: str, activity: JsonDict, settings: JsonDict, account: JsonDict | None, key: Sequence[object]
) -> JsonDict:
    """The content object of a plan post under its key (S-wix, 10.3), for example `{"instagramPost": {...}}`."""
    text = caption(activity, settings, channel, *key)
    media = {"media": [{"type": "IMAGE", "url": pictures.address(*key, "image", title=activity["title"])}]}
    return {SHAPES[(channel, "POST")]: {**with_text(channel, text, activity["title"]), "mediaWrapper": media,
                                 **second_id(channel, account)}}  # fmt: skip


def story(activity: JsonDict, key: Sequence[object]) -> JsonDict:
    """The content object of an Instagram story: only media, one to three frames (D: up to five)."""
    frames = 1 + number(*key, "frames") % 3
    return {"instagramStory": {"mediaWrapper": {"media": [
        {"type": "IMAGE", "url": pictures.address(*key, "frame", place, title=f"{activity['title']} {place + 1}")}
        for place in range(frames)
    ]}}}  # fmt: skip


def text_key(channel: str) -> str:
    """Where a channel keeps its text (S-wix)."""
    return "description" if channel in ("PINTEREST", "GBP", "TIKTOK", "YOUTUBE") else "caption"


def with_text(channel: str, text: str, title: str) -> JsonDict:
    """A channel's text fields."""
    found: JsonDict = {text_key(channel): text}
    if channel == "PINTEREST":
        found["title"] = title[:100]
    if channel == "TIKTOK":
        found["title"] = title[:90]
    return found


def second_id(channel: str, account: JsonDict | None) -> JsonDict:
    """The second id or privacy level in some channels' content (S-wix, 10.4); empty if the channel is not connected."""
    if account is None:
        return {}
    match channel:
        case "FACEBOOK":
            return {"pageId": account["page"]["id"]}
        case "PINTEREST":
            return {"boardId": account["board"]["id"]}
        case "GBP":
            return {"locationId": account["location"]["id"]}
        case "LINKEDIN":
            return {"authorId": account["id"]}
        case "TIKTOK":
            return {"privacyLevel": account["privacyLevelOptions"][0]}
        case "YOUTUBE":
            return {"channelId": account["id"]}
        case _:
            return {}
