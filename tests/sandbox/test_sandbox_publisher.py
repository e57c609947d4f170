"""The Publisher: items, publishing, accounts, features, generated content (10 and 13.2 of docs/remote-api.md)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.sandbox.remote import NOBODY, PUBLISHER, SITE, Remote, code, field

Json = dict[str, Any]
INSTAGRAM: Json = {
    "channel": {"name": "INSTAGRAM"},
    "type": "POST",
    "instagramPost": {"imageUrl": "https://static.wixstatic.com/a.jpg", "caption": "Hello"},
}
SOON, LATER = "2026-12-02T09:00:00.000Z", "2026-12-03T09:00:00.000Z"


def draft(remote: Remote, **more: Any) -> Json:
    item: Json = remote.post(f"{PUBLISHER}/items", {"item": {**INSTAGRAM, **more}})["item"]
    return item


def scheduled(remote: Remote) -> Json:
    item: Json = remote.post(f"{PUBLISHER}/publish-by-id", {"id": draft(remote)["id"], "scheduledDate": SOON})["item"]
    assert item["status"] == "SCHEDULED"
    return item


def test_a_draft_is_created_and_read(remote: Remote) -> None:
    item = draft(remote)
    assert (item["status"], item["type"]) == ("DRAFT", "POST")
    assert remote.get(f"{PUBLISHER}/items/{item['id']}") == {"item": item}
    assert remote.get(f"{PUBLISHER}/items", params={"ids": [item["id"], NOBODY]}) == {"items": [item]}
    assert code(remote.get(f"{PUBLISHER}/items/{NOBODY}", status=404)) == "ITEM_NOT_EXISTS"


@pytest.mark.parametrize(
    "item",
    [
        None,
        {},
        {**INSTAGRAM, "channel": {}},
        {**INSTAGRAM, "channel": {"name": "MYSPACE"}},
        {**INSTAGRAM, "type": "REEL"},
        {**INSTAGRAM, "instagramPost": None},
        {**INSTAGRAM, "facebookPost": {"caption": "two"}},
    ],
)
def test_type_and_content_must_fit_the_channel(remote: Remote, item: Json | None) -> None:
    remote.post(f"{PUBLISHER}/items", {"item": item}, status=400)


def test_items_of_a_plan_are_the_publishers_items(ready: Remote) -> None:
    planned = ready.drafts()
    answer = ready.post(f"{PUBLISHER}/items/query", {"query": {"filter": {"status": "DRAFT"}}})
    assert [item["id"] for item in answer["items"]] == [item["id"] for item in planned]
    assert answer["items"] == planned


def test_queries_are_paged_by_offset_with_fifty_by_default(remote: Remote) -> None:
    for _ in range(51):
        draft(remote)
    answer = remote.post(f"{PUBLISHER}/items/query")
    assert answer["pagingMetadata"] == {"count": 50, "offset": 0, "total": 51, "hasNext": True}
    body = {"query": {"paging": {"limit": 10, "offset": 45}, "sort": [{"fieldName": "id", "order": "DESC"}]}}
    page = remote.post(f"{PUBLISHER}/items/query", body)["items"]
    assert len(page) == 6
    assert [item["id"] for item in page] == sorted((item["id"] for item in page), reverse=True)


@pytest.mark.parametrize(
    "query",
    [
        {"filter": {"color": "red"}},
        {"filter": {"status": {"$like": "x"}}},
        {"filter": {"status": {"$in": 5}}},
        {"sort": [{"fieldName": "color"}]},
        {"paging": {"limit": 0}},
        {"paging": {"limit": 101}},
        {"paging": {"limit": "5"}},
    ],
)
def test_queries_that_are_wrong_are_refused(remote: Remote, query: Json) -> None:
    draft(remote)
    remote.post(f"{PUBLISHER}/items/query", {"query": query}, status=400)


def test_an_undeclared_filter_says_so(remote: Remote) -> None:
    answer = remote.post(f"{PUBLISHER}/items/query", {"query": {"filter": {"color": 1}}}, status=400)
    assert answer["message"] == "value Field 'color' is not declared as filterable"


def test_publishing_now_is_in_flight_and_then_out(remote: Remote) -> None:
    item = remote.post(f"{PUBLISHER}/publish", {"item": INSTAGRAM})["item"]
    assert item["status"] == "PROCESSING"
    remote.later(1)
    assert remote.get(f"{PUBLISHER}/items/{item['id']}")["item"]["status"] == "PUBLISHED"
    assert code(remote.post(f"{PUBLISHER}/publish-by-id", {"id": item["id"]}, status=428)) == "ITEM_IS_PUBLISHED"


def test_a_future_date_schedules_and_a_past_one_is_refused(remote: Remote) -> None:
    item = {**INSTAGRAM, "schedulingInfo": {"scheduledDate": SOON}}
    assert remote.post(f"{PUBLISHER}/publish", {"item": item})["item"]["status"] == "SCHEDULED"
    past = {**INSTAGRAM, "schedulingInfo": {"scheduledDate": "2026-12-01T08:00:00Z"}}
    refused = remote.post(f"{PUBLISHER}/publish", {"item": past}, status=400)
    assert code(refused) == "SCHEDULED_TIME_ALREADY_PASSED"


def test_a_reference_id_is_taken_once(remote: Remote) -> None:
    draft(remote, referenceId="mine")
    again = {**INSTAGRAM, "referenceId": "mine"}
    assert code(remote.post(f"{PUBLISHER}/publish", {"item": again}, status=409)) == "REFERENCE_ID_ALREADY_EXIST"


def test_rescheduling_is_for_scheduled_items(remote: Remote) -> None:
    item = scheduled(remote)
    path = f"{PUBLISHER}/items/{item['id']}/reschedule"
    assert remote.post(path, {"scheduledDate": LATER})["item"]["schedulingInfo"] == {"scheduledDate": LATER}
    assert field(remote.post(path, {}, status=400)) == "scheduledDate"
    remote.post(path, {"scheduledDate": "2026-11-01T00:00:00Z"}, status=400)
    remote.post(f"{PUBLISHER}/items/{NOBODY}/reschedule", {"scheduledDate": LATER}, status=404)
    remote.post(f"{PUBLISHER}/items/{draft(remote)['id']}/reschedule", {"scheduledDate": LATER}, status=428)
    remote.later(3 * 86400)
    assert code(remote.post(path, {"scheduledDate": "2027-01-01T00:00:00Z"}, status=428)) == "ITEM_IS_PUBLISHED"


def test_cancelling_gives_the_quota_back(make: Callable[..., Remote]) -> None:
    for restores, used in ((True, 0), (False, 1)):
        remote = make({"unknowns": {"cancelRestoresQuota": restores}})
        item = scheduled(remote)
        assert remote.patch(f"{PUBLISHER}/items/{item['id']}/cancel", {})["item"]["status"] == "CANCELED"
        remote.patch(f"{PUBLISHER}/items/{item['id']}/cancel", {}, status=428)
        feature = remote.get(f"{PUBLISHER}/features/SCHEDULE_POST")["featureData"]
        assert feature["quotaInfo"]["currentUsage"] == used
        remote.later(3 * 86400)
        assert remote.get(f"{PUBLISHER}/items/{item['id']}")["item"]["status"] == "CANCELED"


@pytest.mark.parametrize(
    ("item", "status"),
    [
        ({**INSTAGRAM, "instagramPost": {"caption": "no media"}}, 400),
        ({**INSTAGRAM, "instagramPost": {"caption": "x" * 2201, "imageUrl": "https://a"}}, 400),
        ({"channel": {"name": "GBP"}, "type": "POST", "gbpPost": {"description": "x" * 1501}}, 400),
        ({"channel": {"name": "GBP"}, "type": "POST", "gbpPost": {"callToAction": "DANCE"}}, 400),
        ({"channel": {"name": "PINTEREST"}, "type": "POST", "pinterestPost": {"title": "x" * 101}}, 400),
        ({"channel": {"name": "TIKTOK"}, "type": "POST", "tiktokPhoto": {"privacyLevel": "FRIENDS"}}, 400),
        ({"channel": {"name": "LINKEDIN"}, "type": "POST", "linkedinPost": {"caption": "x"}}, 428),
        ({"channel": {"name": "TWITTER"}, "type": "POST", "twitterPost": {"caption": "x"}}, 428),
        ({"channel": {"name": "YOUTUBE"}, "type": "VIDEO", "youtubeVideo": {"title": "x"}}, 428),
    ],
)
def test_content_is_checked_when_it_goes_out(make: Callable[..., Remote], item: Json, status: int) -> None:
    channels = ["INSTAGRAM", "GBP", "PINTEREST", "TIKTOK", "LINKEDIN", "TWITTER"]
    remote = make({"defaults": {"channels": channels}, "unknowns": {"instagramDraftMedia": "accept"}})
    made = remote.post(f"{PUBLISHER}/items", {"item": item})["item"]  # a draft may be anything
    remote.post(f"{PUBLISHER}/publish-by-id", {"id": made["id"]}, status=status)
    assert remote.get(f"{PUBLISHER}/items/{made['id']}")["item"] == made


def test_bulk_publishing_judges_each_item_by_itself(remote: Remote) -> None:
    wrong = {**INSTAGRAM, "instagramPost": {"caption": "no media"}}
    answer = remote.post(f"{PUBLISHER}/bulk/publish", {"items": [INSTAGRAM, wrong]})
    assert [each["itemMetadata"]["success"] for each in answer["results"]] == [True, False]
    assert answer["bulkActionMetadata"] == {"totalSuccesses": 1, "totalFailures": 1}
    remote.post(f"{PUBLISHER}/bulk/publish", {"items": []}, status=400)


def test_a_free_site_publishes_ten_posts_a_month_and_schedules_none(make: Callable[..., Remote]) -> None:
    remote = make({"defaults": {"features": "free"}})
    wanted = {"featureTypes": ["PUBLISH_POST", "SCHEDULE_POST", "AI_TOOLS"]}
    answer = remote.get(f"{PUBLISHER}/features", params=wanted)
    assert answer["monetizationEnabled"] is True
    by_type = {each["type"]: each for each in answer["features"]}
    assert by_type["PUBLISH_POST"]["quotaInfo"]["limit"] == 10
    assert by_type["PUBLISH_POST"]["quotaInfo"]["period"] == "MONTH"
    assert not by_type["SCHEDULE_POST"]["enabled"]
    assert not by_type["AI_TOOLS"]["enabled"]
    for _ in range(10):
        remote.post(f"{PUBLISHER}/publish", {"item": INSTAGRAM})
    assert code(remote.post(f"{PUBLISHER}/publish", {"item": INSTAGRAM}, status=428)) == "INELIGIBLE_FOR_FEATURE"
    soon = {**INSTAGRAM, "schedulingInfo": {"scheduledDate": SOON}}
    assert code(remote.post(f"{PUBLISHER}/publish", {"item": soon}, status=428)) == "INELIGIBLE_FOR_FEATURE"


@pytest.mark.parametrize(
    "site",
    [
        {"features": {"PUBLISH_POST": {"enabled": True, "limit": 0}}},
        {"features": {"PUBLISH_POST": {"enabled": True, "limit": 1, "used": 1}}, "monetized": False},
    ],
)
def test_no_quota_is_enforced_if_none_is_meant(make: Callable[..., Remote], site: Json) -> None:
    make({"defaults": site}).post(f"{PUBLISHER}/publish", {"item": INSTAGRAM})


def test_feature_types_are_required_and_at_most_twenty(remote: Remote) -> None:
    remote.get(f"{PUBLISHER}/features", status=400)
    remote.get(f"{PUBLISHER}/features", status=400, params={"featureTypes": ["AI_TOOLS"] * 21})
    remote.get(f"{PUBLISHER}/features", status=400, params={"featureTypes": ["FLYING"]})
    remote.get(f"{PUBLISHER}/features/FLYING", status=400)


def test_an_account_sits_under_its_channels_name(remote: Remote) -> None:
    answer = remote.get(f"{PUBLISHER}/accounts", params={"channelName": "FACEBOOK"})["accounts"][0]
    assert answer["channelName"] == "FACEBOOK"
    assert answer["facebook"]["id"] != answer["facebook"]["page"]["id"]
    assert answer["facebook"]["settings"] == {"default": True}


def test_channels_that_are_not_connected(make: Callable[..., Remote]) -> None:
    channels = {"INSTAGRAM": "VALID", "FACEBOOK": "DISCONNECTED", "GBP": "NO_PAGES", "TIKTOK": "INVALID"}
    remote = make({"defaults": {"channels": channels}})

    def status(channel: str) -> str:
        return str(remote.get(f"{PUBLISHER}/{channel}/long-lived-token-status")["status"])

    assert [status(each) for each in ("INSTAGRAM", "FACEBOOK", "GBP", "TIKTOK", "LINKEDIN")] == [
        "VALID", "DISCONNECTED", "VALID", "INVALID", "NEVER_CREATED",
    ]  # fmt: skip
    path = f"{PUBLISHER}/accounts"
    assert remote.get(path, params={"channelName": "GBP"}) == {"accounts": []}
    never = remote.get(path, status=400, params={"channelName": "LINKEDIN"})
    assert code(never) == "USER_NOT_EXIST_FOR_CHANNEL"
    gone = remote.get(path, status=428, params={"channelName": "FACEBOOK"})
    assert code(gone) == "USER_IS_DISCONNECTED"
    remote.get(path, status=400)
    remote.get(path, status=400, params={"channelName": "MYSPACE"})
    make({"unknowns": {"neverConnected": 428}}).get(path, status=428, params={"channelName": "LINKEDIN"})


def test_connecting_is_limited_by_the_plan(make: Callable[..., Remote]) -> None:
    assert make().get(f"{PUBLISHER}/LINKEDIN/connect-url")["connectUrl"].startswith("https://")
    remote = make({"defaults": {"features": "free", "channels": ["INSTAGRAM"]}})
    assert code(remote.get(f"{PUBLISHER}/LINKEDIN/connect-url", status=428)) == "INELIGIBLE_FOR_FEATURE"
    assert code(remote.get(f"{PUBLISHER}/MYSPACE/connect-url", status=428)) == "UNSUPPORTED_CHANNEL"
    quota = remote.get(f"{PUBLISHER}/features/CONNECT_CHANNEL")["featureData"]["quotaInfo"]
    assert quota == {"limit": 1, "currentUsage": 1, "remainingUsage": 0, "period": "NO_PERIOD"}


def test_default_accounts_and_disconnecting(remote: Remote) -> None:
    remote.patch(f"{PUBLISHER}/FACEBOOK/settings", {"facebook": {"defaultPageId": "1"}})
    remote.patch(f"{PUBLISHER}/FACEBOOK/settings", {"facebook": {}}, status=400)
    remote.patch(f"{PUBLISHER}/FACEBOOK/settings", {}, status=400)
    assert remote.delete(f"{PUBLISHER}/FACEBOOK/account") == {}
    assert remote.get(f"{PUBLISHER}/FACEBOOK/long-lived-token-status") == {"status": "DISCONNECTED"}
    assert code(remote.post(f"{PUBLISHER}/publish", {"item": {
        "channel": {"name": "FACEBOOK"}, "type": "POST", "facebookPost": {"caption": "x"}}}, status=428,
    )) == "USER_IS_DISCONNECTED"  # fmt: skip
    remote.sandbox.dashboard.set_channel(SITE, "FACEBOOK")
    remote.get(f"{PUBLISHER}/accounts", params={"channelName": "FACEBOOK"})


def test_generated_content(remote: Remote) -> None:
    assert remote.post(f"{PUBLISHER}/generate-text", {"userInput": "mugs"})["results"][0]["caption"]
    remote.post(f"{PUBLISHER}/generate-text", status=400)
    body = {"userInput": "mugs", "channels": ["INSTAGRAM", "GBP"]}
    results = remote.post(f"{PUBLISHER}/generate-post-data", body)["results"]
    assert ["instagramPost" in results[0], "gbpPost" in results[1]] == [True, True]
    asset = {"id": NOBODY, "type": "BLOG_POST"}
    every = remote.post(f"{PUBLISHER}/generate-post-data", {"siteAssets": [asset]})["results"]
    assert [each["channelName"] for each in every] == [
        "INSTAGRAM",
        "FACEBOOK",
        "LINKEDIN",
        "PINTEREST",
        "GBP",
        "TIKTOK",
    ]
    remote.post(f"{PUBLISHER}/generate-post-data", {"siteAssets": [asset, asset]}, status=400)
    remote.post(f"{PUBLISHER}/generate-post-data", status=400)


def test_generated_images_and_imported_media_take_their_time(remote: Remote) -> None:
    remote.post(f"{PUBLISHER}/generate-image", {"userInput": "a mug"}, status=400)
    answer = remote.post(f"{PUBLISHER}/generate-image", {"userInput": "a mug", "imageUrl": "https://a"})
    path = f"{PUBLISHER}/generated-image/{answer['executionId']}"
    assert remote.get(path) == {"status": "IN_PROGRESS"}
    imported = remote.post("/site-media/v1/files/import", {"url": "https://a/b.jpg"})["file"]
    assert imported["operationStatus"] == "PENDING"
    remote.later(1)
    assert remote.get(path)["status"] == "READY"
    assert remote.get(f"/site-media/v1/files/{imported['id']}")["file"]["operationStatus"] == "READY"
    missing = remote.get(f"{PUBLISHER}/generated-image/{NOBODY}", status=404)
    assert code(missing) == "GENERATED_IMAGE_NOT_FOUND"
    remote.get("/site-media/v1/files/nothing", status=404)
