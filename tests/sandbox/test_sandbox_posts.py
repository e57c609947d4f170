"""Posts of activities: making, scheduling, regenerating, clearing (6.2 and 13.2 of docs/remote-api.md)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.sandbox.remote import NOBODY, PLAN, PUBLISHER, SITE, Remote, code, field

Json = dict[str, Any]
METHODS = f"{PLAN}/marketing-plan"
POSTS = f"{PLAN}/marketing-activity-posts"
SCHEDULE = f"{METHODS}/schedule-drafts"


def posts_of(remote: Remote, activity: str) -> list[Json]:
    found = remote.post(POSTS, {"marketingActivityIds": [activity]})["marketingActivities"]
    assert [each["marketingActivityId"] for each in found] == [activity]
    items: list[Json] = found[0].get("items", [])
    return items


def with_posts(remote: Remote) -> str:
    return str(next(each["marketingActivityId"] for each in remote.activities() if "items" in each))


def with_story(remote: Remote) -> str:
    return next(
        str(each["marketingActivityId"])
        for each in remote.activities()
        if any(item["type"] == "STORY" for item in each.get("items", []))
    )


def without_posts(remote: Remote) -> list[str]:
    return [each["marketingActivityId"] for each in remote.activities() if "items" not in each]


def test_posts_come_some_time_after_they_are_asked_for(ready: Remote) -> None:
    activity = without_posts(ready)[0]
    assert ready.post(f"{METHODS}/generate-social-posts", {"marketingActivityIds": [activity]}) == {}
    assert posts_of(ready, activity) == []
    ready.later(1)
    assert len({item["channel"]["name"] for item in posts_of(ready, activity)}) == 7


def test_asking_twice_makes_no_second_set(ready: Remote) -> None:
    activity = without_posts(ready)[0]
    for _ in range(2):
        ready.post(f"{METHODS}/generate-social-posts", {"marketingActivityIds": [activity]})
        ready.later(1)
    names = [item["channel"]["name"] for item in posts_of(ready, activity) if item["type"] == "POST"]
    assert len(names) == len(set(names)) == 7


@pytest.mark.parametrize("path", [f"{METHODS}/generate-social-posts", POSTS])
@pytest.mark.parametrize("ids", [None, [], [NOBODY] * 21, ["x"], "x", [1]])
def test_between_one_and_twenty_activity_ids(remote: Remote, path: str, ids: object) -> None:
    remote.post(path, {"marketingActivityIds": ids}, status=400)


def test_unknown_activities_are_left_out(ready: Remote) -> None:
    known = with_posts(ready)
    assert ready.post(POSTS, {"marketingActivityIds": [NOBODY]}) == {}
    assert len(ready.post(POSTS, {"marketingActivityIds": [NOBODY, known]})["marketingActivities"]) == 1
    ready.post(f"{METHODS}/generate-social-posts", {"marketingActivityIds": [NOBODY]})


def test_scheduling_skips_unconnected_channels_and_non_drafts_in_silence(ready: Remote) -> None:
    items = posts_of(ready, with_posts(ready))
    ids = [item["id"] for item in items]
    done = ready.post(SCHEDULE, {"draftIds": [*ids, NOBODY, "what is this"]})["items"]
    assert {item["channel"]["name"] for item in done} == {"INSTAGRAM", "FACEBOOK"}
    assert all(item["status"] == "SCHEDULED" for item in done)
    statuses = {item["channel"]["name"]: item["status"] for item in posts_of(ready, with_posts(ready))}
    assert statuses["LINKEDIN"] == "DRAFT"
    assert ready.post(SCHEDULE, {"draftIds": ids}) == {}  # nothing is left to schedule, and still 200


def test_a_scheduled_draft_goes_out_at_its_activitys_date(ready: Remote) -> None:
    activity = ready.activities()[-1]["marketingActivityId"]
    ready.post(f"{METHODS}/generate-social-posts", {"marketingActivityIds": [activity]})
    ready.later(1)
    draft = next(item["id"] for item in posts_of(ready, activity) if item["channel"]["name"] == "INSTAGRAM")
    done = ready.post(SCHEDULE, {"draftIds": [draft]})["items"][0]
    assert done["schedulingInfo"]["scheduledDate"] == ready.activities()[-1]["date"]
    ready.later(70 * 86400)
    gone = ready.get(f"{PUBLISHER}/items/{draft}")["item"]
    assert gone["status"] == "PUBLISHED"
    assert gone["channel"]["externalItemUrl"].startswith("https://")


def test_a_draft_of_the_past_goes_out_an_hour_from_now_or_not_at_all(make: Callable[..., Remote]) -> None:
    seed: Json = {"plan": {"activities": [{"date": "2026-11-20T09:00:00Z", "title": "Past", "items": "all"}]}}
    for switch, at in (("later", "2026-12-01T09:00:00.000Z"), ("skip", None)):
        remote = make({"defaults": seed, "unknowns": {"pastSchedule": switch}})
        item = next(
            item
            for item in remote.activities(startDate="2026-11-01T00:00:00Z")[0]["items"]
            if item["channel"]["name"] == "INSTAGRAM"
        )
        done = remote.post(SCHEDULE, {"draftIds": [item["id"]]})
        assert (done["items"][0]["schedulingInfo"]["scheduledDate"] if done else None) == at


@pytest.mark.parametrize("ids", [None, [], ["x"] * 21])
def test_between_one_and_twenty_draft_ids(remote: Remote, ids: object) -> None:
    assert field(remote.post(SCHEDULE, {"draftIds": ids}, status=400)) == "draftIds"


def test_scheduling_needs_the_premium_feature(make: Callable[..., Remote]) -> None:
    remote = make({"defaults": {"plan": "ACTIVE", "features": "free"}})
    draft = remote.drafts()[0]["id"]
    assert code(remote.post(SCHEDULE, {"draftIds": [draft]}, status=428)) == "INELIGIBLE_FOR_FEATURE"


def test_scheduling_uses_up_the_quota(make: Callable[..., Remote]) -> None:
    feature = {"enabled": True, "limit": 3, "used": 1, "period": "MONTH"}
    remote = make({"defaults": {"plan": "ACTIVE", "features": {"SCHEDULE_POST": feature}}})
    ids = [item["id"] for item in remote.drafts() if item["channel"]["name"] == "INSTAGRAM"][:4]
    assert len(remote.post(SCHEDULE, {"draftIds": ids})["items"]) == 2
    quota = remote.get(f"{PUBLISHER}/features/SCHEDULE_POST")["featureData"]["quotaInfo"]
    assert quota == {"limit": 3, "currentUsage": 3, "remainingUsage": 0, "period": "MONTH"}
    assert code(remote.post(SCHEDULE, {"draftIds": ids}, status=428)) == "INELIGIBLE_FOR_FEATURE"
    remote.later(31 * 86400)
    quota = remote.get(f"{PUBLISHER}/features/SCHEDULE_POST")["featureData"]["quotaInfo"]
    assert quota["currentUsage"] == 0


def test_a_scheduled_post_fails_if_the_channel_is_gone(ready: Remote) -> None:
    draft = next(item["id"] for item in ready.drafts() if item["channel"]["name"] == "INSTAGRAM")
    ready.post(SCHEDULE, {"draftIds": [draft]})
    ready.delete(f"{PUBLISHER}/INSTAGRAM/account")
    ready.later(20 * 86400)
    gone = ready.get(f"{PUBLISHER}/items/{draft}")["item"]
    assert gone["status"] == "FAILED"
    assert gone["publicationError"]["message"]


@pytest.mark.parametrize("switch", ["same-ids", "new-ids"])
def test_regenerating_posts_makes_new_text_and_images(make: Callable[..., Remote], switch: str) -> None:
    remote = make({"defaults": {"plan": "ACTIVE"}, "unknowns": {"regeneratedPosts": switch}})
    activity = with_posts(remote)
    before = posts_of(remote, activity)
    path = f"{METHODS}/regenerate-marketing-activity-posts"
    snapshot = remote.post(path, {"marketingActivityId": activity})["marketingActivity"]
    assert snapshot["items"] == posts_of(remote, activity) == before
    remote.later(1)
    after = posts_of(remote, activity)
    assert [item["channel"]["name"] for item in after] == [item["channel"]["name"] for item in before]
    assert (after[0]["id"] == before[0]["id"]) == (switch == "same-ids")
    assert after[0]["facebookPost"]["mediaWrapper"] != before[0]["facebookPost"]["mediaWrapper"]
    assert any(new["facebookPost"] != old["facebookPost"] for new, old in zip(after[:1], before[:1], strict=True))


def test_regenerating_media_leaves_the_captions(ready: Remote) -> None:
    activity = with_posts(ready)
    before = posts_of(ready, activity)[0]["facebookPost"]
    ready.post(f"{METHODS}/regenerate-marketing-activity-posts-media", {"marketingActivityId": activity})
    ready.later(1)
    after = posts_of(ready, activity)[0]["facebookPost"]
    assert after["caption"] == before["caption"]
    assert after["mediaWrapper"] != before["mediaWrapper"]


def test_putting_a_media_url_on_posts(ready: Remote) -> None:
    activity = with_posts(ready)
    body = {"marketingActivityId": activity, "mediaUrl": "https://static.wixstatic.com/media/own.jpg"}
    ready.patch(f"{METHODS}/update-marketing-activity-posts-media", body)
    media = posts_of(ready, activity)[0]["facebookPost"]["mediaWrapper"]["media"]
    assert media == [{"type": "IMAGE", "url": body["mediaUrl"]}]
    ready.patch(f"{METHODS}/update-marketing-activity-posts-media", {"marketingActivityId": activity}, status=400)


def test_clearing_posts_leaves_stories_and_the_other_way_round(ready: Remote) -> None:
    activity = with_story(ready)
    assert ready.patch(f"{METHODS}/clear-marketing-activity-posts", {"marketingActivityId": activity}) == {}
    assert [item["type"] for item in posts_of(ready, activity)] == ["STORY"]
    assert ready.patch(f"{METHODS}/clear-marketing-activity-stories", {"marketingActivityId": activity}) == {}
    assert posts_of(ready, activity) == []


def test_scheduled_stories_survive_clearing(ready: Remote) -> None:
    activity = with_story(ready)
    story = next(item["id"] for item in posts_of(ready, activity) if item["type"] == "STORY")
    ready.sandbox.dashboard.schedule_item(SITE, story, "2027-01-01T00:00:00.000Z")
    ready.patch(f"{METHODS}/clear-marketing-activity-stories", {"marketingActivityId": activity})
    assert story in {item["id"] for item in posts_of(ready, activity)}


def test_regenerating_stories_leaves_posts_and_makes_none(ready: Remote) -> None:
    path = f"{METHODS}/regenerate-marketing-activity-stories"
    activity = with_story(ready)
    before = posts_of(ready, activity)
    ready.post(path, {"marketingActivityId": activity})
    ready.later(1)
    after = posts_of(ready, activity)
    changed = [new["type"] for new, old in zip(after, before, strict=True) if new != old]
    assert changed == ["STORY"]
    without = next(
        each["marketingActivityId"]
        for each in ready.activities()
        if "items" in each and all(item["type"] == "POST" for item in each["items"])
    )
    ready.post(path, {"marketingActivityId": without})
    ready.later(1)
    assert all(item["type"] == "POST" for item in posts_of(ready, without))


def test_story_media_by_frame(ready: Remote) -> None:
    activity = with_story(ready)
    path = f"{METHODS}/update-marketing-activity-stories-media"

    def frames() -> list[str]:
        story = next(item for item in posts_of(ready, activity) if item["type"] == "STORY")
        return [each["url"] for each in story["instagramStory"]["mediaWrapper"]["media"]]

    before = frames()
    body = {"marketingActivityId": activity, "mediaUrl": "https://example.com/a.jpg"}
    ready.patch(path, {**body, "mediaIndex": 9})
    assert frames() == before
    ready.patch(path, {**body, "mediaIndex": 0})
    assert frames() == [body["mediaUrl"], *before[1:]]
    ready.patch(path, body)
    assert frames() == [body["mediaUrl"]]


@pytest.mark.parametrize("name", ["posts", "stories"])
def test_methods_of_one_activity_need_one_that_exists(remote: Remote, name: str) -> None:
    path = f"{METHODS}/clear-marketing-activity-{name}"
    remote.patch(path, {"marketingActivityId": NOBODY}, status=404)
    remote.patch(path, {"marketingActivityId": "x"}, status=400)
    remote.patch(path, {}, status=400)
