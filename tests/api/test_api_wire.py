"""Answers -> model values: wrapped and bare, under either name, with what is missing, new or wrong."""

from __future__ import annotations

import asyncio
import copy
import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as tuned
from hypothesis import strategies as st

from reconciler.api import wire, wire_platform, wire_posts
from reconciler.api.endpoints import Endpoints
from reconciler.api.errors import ApiError
from reconciler.api.events import EventReads, EventsPage, events_page
from reconciler.api.events import event as event_of
from reconciler.api.values import Unreadable
from reconciler.model.canonical import JsonObject
from reconciler.model.content import LinkPreview
from reconciler.model.events import EventId
from reconciler.model.marketing_plan import NO_STATUS, PlanStatus
from reconciler.model.posts import ActivityId, Media, PostId, PostStatus, Unrecognised
from reconciler.model.publisher_fields import PUBLISHER_FIELDS
from reconciler.model.sites import Account, ChannelStatus, Feature, SiteRef
from tests.api.bench import NOW, Bench

READY = {  # remote-api.md 12.2
    "status": "ACTIVE",
    "marketingActivities": [
        {
            "marketingActivityId": "b3f9d2e1-7a4c-4d68-9f02-1c5e8a6b4d30",
            "date": "2026-07-08T09:00:00.000Z",
            "title": "Summer collection launch",
            "description": "Announce it.",
            "items": [
                {
                    "id": "834dc801-3e5c-416a-bd14-b130a95d100e",
                    "channel": {"name": "INSTAGRAM", "accountId": "17841405822304914"},
                    "type": "POST",
                    "status": "DRAFT",
                    "instagramPost": {
                        "mediaWrapper": {"media": [{"type": "IMAGE", "url": "https://static.wixstatic.com/a.jpg"}]},
                        "caption": "Summer collection just dropped!",
                    },
                }
            ],
        }
    ],
}


def test_the_marketing_plan_of_the_recipe() -> None:
    plan = wire.marketing_plan(READY)
    assert plan.status is PlanStatus.ACTIVE
    (activity,) = plan.activities
    assert (activity.id, activity.title) == ("b3f9d2e1-7a4c-4d68-9f02-1c5e8a6b4d30", "Summer collection launch")
    assert activity.date == datetime(2026, 7, 8, 9, tzinfo=UTC)
    (post,) = activity.posts
    assert (post.channel, post.type, post.status, post.account_id) == (
        "INSTAGRAM",
        "POST",
        PostStatus.DRAFT,
        "17841405822304914",
    )
    assert post.texts == (("caption", "Summer collection just dropped!"),)
    assert post.media == (Media("IMAGE", "https://static.wixstatic.com/a.jpg"),)


@pytest.mark.parametrize("wrapper", ["marketingPlan", "plan"])
def test_a_marketing_plan_in_a_wrapper_is_the_same(wrapper: str) -> None:
    assert wire.marketing_plan({wrapper: READY}) == wire.marketing_plan(READY)


def test_an_activity_by_the_names_of_its_own_object_is_the_same() -> None:
    (source,) = READY["marketingActivities"]
    assert isinstance(source, dict)
    renamed = {**source, "id": source["marketingActivityId"], "targetDate": source["date"]}
    del renamed["marketingActivityId"], renamed["date"]
    assert wire.activity(renamed, "here") == wire.activity(source, "here")


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"status": "NEVER_CREATED"}, PlanStatus.NEVER_CREATED),
        ({"status": None}, NO_STATUS),
        ({"status": "", "marketingActivities": []}, NO_STATUS),
        ({"status": "PAUSED"}, Unrecognised("PAUSED")),
        ({"status": "\x1b"}, Unrecognised(r"\x1b")),
        ({"status": "INACTIVE", "marketingActivities": None}, PlanStatus.INACTIVE),
    ],
)
def test_the_status_of_a_marketing_plan(body: object, status: object) -> None:
    assert wire.marketing_plan(body).status == status


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2026-07-08T09:00:00Z", datetime(2026, 7, 8, 9, tzinfo=UTC)),
        ("2026-07-08T09:00:00.5Z", datetime(2026, 7, 8, 9, 0, 0, 500000, tzinfo=UTC)),
        ("2026-07-08T09:00:00.123456789Z", datetime(2026, 7, 8, 9, 0, 0, 123456, tzinfo=UTC)),
        ("2026-07-08T11:00:00+02:00", datetime(2026, 7, 8, 9, tzinfo=UTC)),
        ("2026-07-08T09:00:00", datetime(2026, 7, 8, 9, tzinfo=UTC)),
    ],
)
def test_times_in_every_form(text: str, moment: datetime) -> None:
    assert wire.activity({"id": "a", "date": text}, "a").date == moment


@pytest.mark.parametrize("day", ["2026-07-08", "20260708", "2026-W28-3"])
def test_a_day_without_a_time_is_understood_only_of_an_event(day: str) -> None:
    """Events are compared by day. When a post goes out on such a day depends on a time zone that is not known here."""
    assert event_of({"id": "e", "date": day}, "e").date == datetime(2026, 7, 8, tzinfo=UTC)
    with pytest.raises(Unreadable, match=rf"a\.date should be a time like 2026-07-08T09:00:00\.000Z, but is '{day}'"):
        wire.activity({"id": "a", "date": day}, "a")
    with pytest.raises(Unreadable, match=r"schedulingInfo\.scheduledDate should be a time like"):
        wire_posts.post({"id": "p", "schedulingInfo": {"scheduledDate": day}}, "p")


@pytest.mark.parametrize(
    ("body", "where"),
    [
        ([], "expected a marketing plan, got a list"),
        ({"status": 3}, "response.status should be text, but is 3"),
        ({"marketingActivities": {}}, "response.marketingActivities should be a list, but is an object"),
        ({"marketingActivities": ["x"]}, "response.marketingActivities[0] should be an object, but is 'x'"),
        (
            {"marketingActivities": [{"date": "2026-07-08T09:00:00Z"}]},
            "response.marketingActivities[0] should have marketingActivityId, but has none",
        ),
        ({"marketingActivities": [{"id": "a"}]}, "response.marketingActivities[0] should have a date, but has none"),
        (
            {"marketingActivities": [{"id": "a", "date": {"seconds": 1}}]},
            "response.marketingActivities[0].date should be text, but is an object",
        ),
        (
            {"marketingActivities": [{"id": "a", "date": "0001-01-01T00:00:00+23:00"}]},
            "response.marketingActivities[0].date should be a time like 2026-07-08T09:00:00.000Z, "
            "but is '0001-01-01T00:00:00+23:00'",
        ),
        (
            {
                "marketingActivities": [
                    {"id": "a", "date": "2026-07-08T09:00:00Z", "items": [{"id": "p", "instagramPost": []}]}
                ]
            },
            "response.marketingActivities[0].items[0].instagramPost should be an object, but is a list",
        ),
    ],
)
def test_what_is_wrong_is_named_with_its_path(body: object, where: str) -> None:
    with pytest.raises(Unreadable) as caught:
        wire.marketing_plan(body)
    assert str(caught.value) == where


@pytest.mark.parametrize(
    ("item", "type", "texts", "media"),
    [
        (
            {"pinterestPost": {"title": "T", "description": "D", "link": "https://x", "boardId": "b"}},
            "POST",
            (("title", "T"), ("description", "D")),
            (),
        ),
        ({"instagramStory": {"mediaWrapper": {"media": [{"url": "u"}]}}}, "STORY", (), (Media("IMAGE", "u"),)),
        ({"youtubeShort": {"videoUrl": "v"}}, "SHORT", (), (Media("VIDEO", "v"),)),
        ({"facebookPost": {"imageUrl": "i", "caption": None}}, "POST", (), (Media("IMAGE", "i"),)),
        (
            {"facebookPost": {"imageUrl": "i", "mediaWrapper": {"media": [{"type": "IMAGE", "url": "i"}]}}},
            "POST",
            (),
            (Media("IMAGE", "i"),),
        ),
        (
            {"tiktokVideo": {"mediaWrapper": {"media": [{"type": "VIDEO", "fileId": "f"}]}}},
            "VIDEO",
            (),
            (Media("VIDEO", "f", "f"),),
        ),
        ({"threadsPost": {"caption": "new here"}}, "POST", (("caption", "new here"),), ()),
        ({}, "POST", (), ()),
    ],
)
def test_posts_of_every_channel(item: dict[str, object], type: str, texts: object, media: object) -> None:
    found = wire_posts.post({"id": "p", "status": "DRAFT", **item}, "p")
    assert (found.type, found.texts, found.media) == (type, texts, media)


EVERYTHING: dict[str, Any] = {
    "id": "p",
    "channel": {"name": "FACEBOOK", "accountId": "1022", "publishingTarget": {"id": "t1"}, "externalItemId": "e"},
    "type": "POST",
    "status": "FAILED",
    "publicationError": {"code": "X", "message": "no"},
    "siteAssetRef": {"id": "product-1", "name": None},
    "facebookPost": {
        "title": "T",
        "caption": "C",
        "description": "D",
        "pageId": "1029",
        "boardId": "b1",
        "locationId": "l1",
        "authorId": "urn:li:person:1",
        "channelId": "UC1",
        "link": "https://shop.example",
        "linkMetadata": {"title": "Shop", "description": "All of it", "thumbnailUrl": "https://t", "badge": "new"},
        "callToAction": {"type": "SHOP", "url": "https://shop.example"},
        "privacyLevel": "SELF_ONLY",
        "imageUrl": "https://i",
        "videoUrl": "https://v",
        "mediaWrapper": {
            "layout": "GRID",
            "media": [
                {"type": "IMAGE", "url": "https://i", "fileId": "f1", "altText": "a cup"},
                {"type": "VIDEO", "url": "https://w"},
            ],
        },
        "hashtags": ["a"],
        "postUrl": "https://facebook.example/1",
    },
    "insightsSummary": {"impressions": 3},
}


def test_all_of_a_post_that_the_public_sees() -> None:
    found = wire_posts.post(EVERYTHING, "p")
    assert found.texts == (("title", "T"), ("caption", "C"), ("description", "D"))
    assert found.account_id == "1022"
    assert dict(found.place) == {
        "pageId": "1029",
        "boardId": "b1",
        "locationId": "l1",
        "authorId": "urn:li:person:1",
        "channelId": "UC1",
        "publishingTarget.id": "t1",
    }
    assert found.link == "https://shop.example"
    assert found.preview == LinkPreview("Shop", "All of it", "https://t")
    assert found.call_to_action == '{"type":"SHOP","url":"https://shop.example"}'
    assert found.audience == "SELF_ONLY"
    assert found.media == (Media("IMAGE", "https://i", "f1"), Media("VIDEO", "https://w"), Media("VIDEO", "https://v"))
    assert dict(found.other) == {
        "hashtags": '["a"]',
        "linkMetadata.badge": "new",
        "mediaWrapper.layout": "GRID",
        "mediaWrapper.media.0.altText": "a cup",
        "siteAssetRef.id": "product-1",
    }
    assert found.external_url == "https://facebook.example/1"
    assert found.error == "no (X)"


def paths_of(value: Any, path: str = "") -> Iterator[tuple[str, ...]]:
    """Every leaf of an item, by its keys."""
    if isinstance(value, dict):
        for key, member in value.items():
            yield from paths_of(member, f"{path}.{key}" if path else key)
    elif isinstance(value, list) and value and isinstance(value[0], dict):
        for number, member in enumerate(value):
            yield from paths_of(member, f"{path}.{number}")
    else:
        yield tuple(path.split("."))


@pytest.mark.parametrize(
    "path", [path for path in paths_of(EVERYTHING) if path != ("siteAssetRef", "name")], ids=".".join
)
def test_each_field_of_a_post_is_in_the_digest_or_known_not_to_be(path: tuple[str, ...]) -> None:
    changed = copy.deepcopy(EVERYTHING)
    holder: Any = changed
    for key in path[:-1]:
        holder = holder[int(key)] if isinstance(holder, list) else holder[key]
    holder[path[-1]] = "another"
    steps = ["*" if step == "facebookPost" else step for step in path]
    name = ".".join(steps).replace("media.0.", "media[].").replace("media.1.", "media[].")
    known = {".".join(name.split(".")[:count]) for count in range(1, name.count(".") + 2)} & PUBLISHER_FIELDS.keys()
    harmless = any(PUBLISHER_FIELDS[prefix] is None for prefix in known)
    same = wire_posts.post(changed, "p").digest == wire_posts.post(EVERYTHING, "p").digest
    assert same is harmless


def test_a_second_content_of_an_item_is_not_ignored() -> None:
    found = wire_posts.post({**EVERYTHING, "threadsPost": {"caption": "more"}}, "p")
    assert dict(found.other)["threadsPost"] == '{"caption":"more"}'


def test_a_post_without_a_status_is_never_taken_for_a_draft() -> None:
    assert wire_posts.post({"id": "p"}, "p").status == Unrecognised("no status")
    assert wire_posts.post({"id": "p", "status": "ARCHIVED"}, "p").status == Unrecognised("ARCHIVED")


def test_a_scheduled_and_a_published_post() -> None:
    found = wire_posts.one_post(
        {
            "item": {
                "id": "p",
                "channel": {"name": "X", "externalItemUrl": "https://x/1"},
                "status": "SCHEDULED",
                "schedulingInfo": {"scheduledDate": "2026-12-03T09:00:00Z"},
            }
        }
    )
    assert (found.scheduled_for, found.external_url) == (datetime(2026, 12, 3, 9, tzinfo=UTC), "https://x/1")


@pytest.mark.parametrize("name", ["marketingSettings", None])
def test_settings_wrapped_and_bare(name: str | None) -> None:
    inner = {"id": "x", "settings": {"toneOfVoice": "warm", "language": "en"}, "overrides": None, "createdAt": "z"}
    found = wire.settings({name: inner} if name else inner)
    assert found.settings == JsonObject({"toneOfVoice": "warm", "language": "en"})
    assert (len(found.overrides), found.language) == (0, "en")


def test_settings_that_were_never_saved() -> None:
    assert wire.settings({"marketingSettings": {"language": "fr"}}).language == "fr"


@pytest.mark.parametrize("name", ["events", "calendarEvents"])
def test_events_under_either_name(name: str) -> None:
    source = [{"id": "e", "name": "n", "date": "2026-12-01T00:00:00Z", "calendarId": "c"}]
    (event,) = events_page({name: source}).events
    assert (event.id, event.name, event.calendar_id) == ("e", "n", "c")
    assert event.date == datetime(2026, 12, 1, tzinfo=UTC)


def test_an_event_that_recurs_has_no_date_whatever_occurrence_is_shown() -> None:
    found = event_of({"id": "e", "date": "2026-12-01T00:00:00Z", "recurringRule": {"frequency": "MONTHLY"}}, "e")
    assert (found.date, found.recurring_rule) == (None, JsonObject({"frequency": "MONTHLY"}))


@pytest.mark.parametrize("rule", [None, {}, {"frequency": "UNKNOWN"}])
def test_an_event_with_an_empty_rule_does_not_recur(rule: object) -> None:
    assert event_of({"id": "e", "date": "2026-12-01T00:00:00Z", "recurringRule": rule}, "e").recurring_rule is None


def test_fields_of_an_event_that_are_new_are_kept_and_those_that_cannot_be_written_are_not() -> None:
    source = {"id": "e", "name": "n", "calendarId": "c", "recurringOccurrences": [1], "colour": {"hex": "#fff"}}
    assert event_of(source, "e").rest == JsonObject({"colour": JsonObject({"hex": "#fff"})})


ONE = {"type": "SCHEDULE_POST", "enabled": True}


@pytest.mark.parametrize(
    ("quota", "monetised", "expected"),
    [
        ({"limit": 30, "currentUsage": 4, "remainingUsage": 26, "period": "MONTH"}, True, (26, 30, "MONTH")),
        ({"limit": 10, "currentUsage": 10, "remainingUsage": 0}, True, (0, 10, None)),
        ({"limit": 10, "currentUsage": 10}, True, (0, 10, None)),  # a zero that was left out
        ({"limit": "10", "currentUsage": "3"}, True, (7, 10, None)),  # 64-bit numbers as texts
        ({"limit": 0, "currentUsage": 0, "remainingUsage": 0}, True, (None, None, None)),
        ({}, True, (None, None, None)),
        (None, True, (None, None, None)),
        ({"limit": 10, "currentUsage": 10, "remainingUsage": 0}, False, (None, None, None)),
        ({"limit": 10, "currentUsage": 12, "remainingUsage": -2}, True, (0, 10, None)),
    ],
)
def test_the_readings_of_a_quota(quota: object, monetised: bool, expected: tuple[object, ...]) -> None:
    (found,) = wire_platform.features({"features": [{**ONE, "quotaInfo": quota}], "monetizationEnabled": monetised})
    assert (found.remaining, found.limit, found.period) == expected


def test_a_feature_that_is_on_and_one_that_is_off() -> None:
    assert wire_platform.features({"features": [ONE]}) == (Feature("SCHEDULE_POST", True),)
    assert wire_platform.features({"features": [{"type": "X"}]}) == (Feature("X", False),)


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"status": "VALID"}, ChannelStatus.VALID),
        ({"status": "DISCONNECTED"}, ChannelStatus.DISCONNECTED),
        ({"status": "EXPIRING"}, ChannelStatus.UNKNOWN),
        ({"status": ""}, ChannelStatus.UNKNOWN),
    ],
)
def test_the_status_of_a_channel(body: object, status: ChannelStatus) -> None:
    assert wire_platform.channel_status(body) is status


@pytest.mark.parametrize(
    ("body", "id"),
    [
        ({"calendarEvent": {"id": "a"}}, "a"),
        ({"event": {"id": "a"}}, "a"),
        ({"marketingActivity": {"id": "a"}}, "a"),
        ({"marketingActivityId": "a"}, "a"),
        ({"id": "a"}, "a"),
        ({}, None),
    ],
)
def test_the_id_of_what_was_created(body: object, id: str | None) -> None:
    assert wire.created_id(body) == id


def test_accounts_and_options() -> None:
    body = {"accounts": [{"channelName": "FACEBOOK", "facebook": {"id": "1", "displayName": "Jane's"}}]}
    assert wire_platform.accounts(body) == (Account("FACEBOOK", "1", "Jane's"),)
    assert wire.options({"options": [{"planGoalKey": "BOOST_SALES"}, {"x": 1}]}, "planGoalKey") == ("BOOST_SALES",)


# --- whatever an answer is -------------------------------------------------------------------------

FIELDS = """status marketingActivities marketingActivityId id date title items channel name type instagramPost media
    mediaWrapper url events recurringRule frequency calendarId features quotaInfo limit enabled monetizationEnabled urls
    properties timeZone marketingSettings settings overrides language sites metadata cursors next accounts channelName
    options planGoalKey schedulingInfo scheduledDate item marketingPlan featureData description connectUrl"""
NAMES = st.sampled_from(FIELDS.split())
WORDS = st.sampled_from(["ACTIVE", "DRAFT", "2026-07-08T09:00:00.000Z", "0001-01-01T00:00:00+14:00", "7", "", "\ud800"])
LEAVES = (
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | WORDS | st.text()
)
ANSWERS = st.recursive(
    LEAVES, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=5), max_leaves=25
)

READS: list[Callable[[Endpoints, SiteRef], object]] = [
    lambda endpoints, site: endpoints.marketing_plan(site),
    lambda endpoints, site: endpoints.activity_posts(site, (ActivityId("a"),)),
    lambda endpoints, site: EventReads(endpoints).page(site, NOW, NOW),
    lambda endpoints, site: endpoints.settings(site),
    lambda endpoints, site: endpoints.item(site, PostId("p")),
    lambda endpoints, site: endpoints.items(site, (PostId("p"),)),
    lambda endpoints, site: endpoints.accounts(site, "INSTAGRAM"),
    lambda endpoints, site: endpoints.channel_status(site, "INSTAGRAM"),
    lambda endpoints, site: endpoints.features(site, ("SCHEDULE_POST",)),
    lambda endpoints, site: endpoints.published(site),
    lambda endpoints, site: endpoints.properties(site),
    lambda endpoints, site: endpoints.sites(site),
]


@tuned(max_examples=200, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(answer=ANSWERS, number=st.integers(0, len(READS) - 1))
def test_no_answer_is_too_strange(bench: Bench, answer: object, number: int) -> None:
    """Whatever a read returns is a value that can be hashed, or an ApiError: never a traceback."""

    async def read() -> object:
        client = bench.client(lambda _: httpx.Response(200, content=json.dumps(answer)), requests_per_minute=10**9)
        call = READS[number](client.endpoints, bench.site)
        assert asyncio.iscoroutine(call)
        return await call

    try:
        found = asyncio.run(read())
    except ApiError as error:
        found = error.sentence()
    if not isinstance(found, dict):
        hash(found)
    repr(found).encode()


@given(ANSWERS)
def test_what_is_read_has_a_digest(answer: object) -> None:
    for decode in (wire.marketing_plan, events_page):
        try:
            found = decode(answer)
        except Unreadable:
            continue
        if isinstance(found, EventsPage):
            assert all(EventId(event.id) and event.facts() for event in found.events)
        else:
            assert all(activity.digest for activity in found.activities)
            assert all(post.digest for activity in found.activities for post in activity.posts)


def test_an_answer_nested_without_end_is_unreadable() -> None:
    deep: object = "x"
    for _ in range(500):
        deep = {"a": deep}
    with pytest.raises(Unreadable, match="deeper"):
        wire.settings({"settings": deep})
