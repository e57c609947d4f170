"""The marketing plan: status machine, horizon, regenerating, idling, deleting (6 and 13.2 of docs/remote-api.md)."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.sandbox.remote import NOBODY, PLAN, SITE, Remote, code

GENERATE = f"{PLAN}/marketing-plan/generate-marketing-plan"
REGENERATE = f"{PLAN}/marketing-plan/regenerate-marketing-plan"
RESEARCH = f"{REGENERATE}-with-keyword-research"
ALL_TIME = {"startDate": "2020-01-01T00:00:00Z"}


def test_there_is_no_plan_until_one_is_generated(remote: Remote) -> None:
    assert remote.plan() == {"status": "NEVER_CREATED"}


def test_generating_answers_at_once_and_is_active_after_a_while(remote: Remote) -> None:
    assert remote.post(GENERATE) == {"status": "GENERATING"}
    assert remote.plan() == {"status": "GENERATING"}
    remote.later(1.9)
    assert remote.plan()["status"] == "GENERATING"
    remote.later(0.1)
    assert remote.plan()["status"] == "ACTIVE"


def test_activities_reach_from_today_through_the_end_of_next_month(remote: Remote) -> None:
    dates = [activity["date"] for activity in remote.generate()]
    assert dates == sorted(dates)
    assert dates[0].startswith("2026-12-01")
    assert "2027-01-28" < dates[-1] < "2027-02-01"


def test_an_activity_has_the_plans_own_field_names(remote: Remote) -> None:
    activity = remote.generate()[0]
    assert {"marketingActivityId", "date", "title", "description"} <= activity.keys()
    assert not {"id", "targetDate"} & activity.keys()


def test_posts_are_made_only_for_the_near_term(remote: Remote) -> None:
    activities = [each for each in remote.generate() if each["marketingActivityType"] == "SOCIAL_MARKETING"]
    near = [each for each in activities if each["date"] < "2026-12-14"]
    assert near
    assert all("items" in each for each in near)
    assert not any("items" in each for each in activities if each not in near)


def test_how_far_ahead_posts_are_made_can_be_set(make: Callable[..., Remote]) -> None:
    remote = make({"unknowns": {"nearTermDays": 3}})
    assert max(each["date"] for each in remote.generate() if "items" in each) < "2026-12-05"


def test_drafts_are_made_for_every_plan_channel_whatever_is_connected(remote: Remote) -> None:
    items = next(each["items"] for each in remote.generate() if "items" in each)
    posts = [item for item in items if item["type"] == "POST"]
    channels = {item["channel"]["name"] for item in posts}
    assert channels == {"FACEBOOK", "INSTAGRAM", "LINKEDIN", "PINTEREST", "GBP", "TIKTOK", "TWITTER"}
    assert len(posts) == 7
    with_account = {item["channel"]["name"] for item in posts if "accountId" in item["channel"]}
    assert with_account == {"FACEBOOK", "INSTAGRAM"}
    assert all(item["status"] == "DRAFT" for item in items)


def test_some_activities_have_an_instagram_story(remote: Remote) -> None:
    stories = [item for each in remote.generate() for item in each.get("items", []) if item["type"] == "STORY"]
    posts = {item["id"] for item in remote.drafts()} - {item["id"] for item in stories}
    assert 0 < len(stories) < len(posts) / 7
    assert all(1 <= len(item["instagramStory"]["mediaWrapper"]["media"]) <= 5 for item in stories)


@pytest.mark.parametrize(("gives", "status", "activities"), [("empty", "ACTIVE", True), ("failed", "FAILED", False)])
def test_an_unpublished_site_is_not_refused(
    make: Callable[..., Remote], gives: str, status: str, activities: bool
) -> None:
    remote = make({"defaults": {"published": False, "unpublishedGives": gives}})
    found = remote.generate()
    assert remote.plan()["status"] == status
    assert bool(found) == activities
    assert not any("items" in each for each in found)


def test_without_social_marketing_there_are_no_drafts(make: Callable[..., Remote]) -> None:
    remote = make({"defaults": {"settings": {"marketingTools": ["BLOGS"]}}})
    activities = remote.generate()
    assert {each["marketingActivityType"] for each in activities} == {"BLOG"}
    assert not any("items" in each for each in activities)


def test_settings_shape_the_plan_when_it_is_generated_and_not_after(make: Callable[..., Remote]) -> None:
    frequency = {"interval": "WEEK", "count": 1}
    remote = make({
        "defaults": {
            "settings": {"marketingTools": ["SOCIAL_MARKETING"], "topics": {"included": ["clay", "glaze"]}},
            "overrides": {"socialMarketing": {"frequency": frequency}},
        }
    })  # fmt: skip
    before = remote.generate()
    assert len(before) == 9  # one a week over 62 days
    assert all("clay" in (text := each["title"].lower() + each["description"]) or "glaze" in text for each in before)
    remote.sandbox.dashboard.patch_settings(SITE, {"settings.topics.included": ["wood"]})
    assert remote.activities() == before
    remote.post(REGENERATE)
    remote.later(2)
    assert all("wood" in each["description"] for each in remote.activities())


def test_calendar_events_show_in_titles(make: Callable[..., Remote]) -> None:
    remote = make({"defaults": {"events": [{"name": "Open day", "date": "2026-12-20T00:00:00Z"}]}})
    titles = [each["title"] for each in remote.generate()]
    assert 0 < sum("Open day" in title for title in titles) < len(titles) / 2


def test_regenerating_keeps_the_past_and_replaces_what_is_to_come(ready: Remote) -> None:
    before = ready.activities(**ALL_TIME)
    ready.later(10 * 86400)
    ready.post(REGENERATE)
    ready.later(2)
    after = ready.activities(**ALL_TIME)
    past = [each for each in before if each["date"] < "2026-12-11T08"]
    assert past
    assert [each for each in after if each["date"] < "2026-12-11T08"] == past
    ids = {each["marketingActivityId"] for each in before}
    assert not ids & {each["marketingActivityId"] for each in after if each["date"] > "2026-12-11T08"}


def test_regenerating_deletes_drafts_and_leaves_scheduled_posts_in_the_publisher(ready: Remote) -> None:
    items = [each for each in ready.drafts() if each["channel"]["name"] == "INSTAGRAM" and each["type"] == "POST"]
    kept, lost = items[-2]["id"], items[-1]["id"]
    ready.post(f"{PLAN}/marketing-plan/schedule-drafts", {"draftIds": [kept]})
    ready.post(REGENERATE)
    ready.later(2)
    assert ready.get(f"/social-publisher/v1/items/{kept}")["item"]["status"] == "SCHEDULED"
    ready.get(f"/social-publisher/v1/items/{lost}", status=404)
    assert kept not in {each["id"] for each in ready.drafts()}


@pytest.mark.parametrize("path", [REGENERATE, RESEARCH])
def test_regenerating_while_generating_is_a_failed_precondition(remote: Remote, path: str) -> None:
    remote.post(GENERATE)
    refused = remote.post(path, status=428)
    assert code(refused) == "PLAN_ALREADY_GENERATING_ERROR"
    assert refused["message"] == "plan already generating"


def test_generating_while_generating_is_refused_or_starts_again(make: Callable[..., Remote]) -> None:
    remote = make()
    remote.post(GENERATE)
    assert code(remote.post(GENERATE, status=428)) == "PLAN_ALREADY_GENERATING_ERROR"
    remote = make({"unknowns": {"generateWhileGenerating": "restart"}})
    remote.post(GENERATE)
    remote.later(1.5)
    remote.post(GENERATE)
    remote.later(1.5)
    assert remote.plan()["status"] == "GENERATING"


def test_generating_over_an_active_plan_is_a_switch(make: Callable[..., Remote]) -> None:
    assert make({"defaults": {"plan": "ACTIVE"}}).post(GENERATE) == {"status": "GENERATING"}
    make({"defaults": {"plan": "ACTIVE"}, "unknowns": {"generateWhileActive": "refuse"}}).post(GENERATE, status=428)


def test_regenerating_nothing_is_refused_or_generates(make: Callable[..., Remote]) -> None:
    assert code(make().post(REGENERATE, status=428)) == "FAILED_PRECONDITION"
    remote = make({"unknowns": {"regenerateWithoutPlan": "generate"}})
    assert remote.post(REGENERATE) == {"status": "GENERATING"}


def test_keyword_research_takes_longer(ready: Remote) -> None:
    assert ready.post(RESEARCH) == {"status": "GENERATING"}
    ready.later(3.9)
    assert ready.plan()["status"] == "GENERATING"
    ready.later(0.1)
    assert ready.plan()["status"] == "ACTIVE"


def test_a_failed_generation_can_be_tried_again(make: Callable[..., Remote]) -> None:
    remote = make({"defaults": {"failGeneration": True}})
    remote.generate()
    assert remote.plan() == {"status": "FAILED"}
    remote.sandbox.dashboard.set_behaviour(SITE, failGeneration=False)
    assert remote.generate()


def test_a_generation_may_never_finish(make: Callable[..., Remote]) -> None:
    remote = make({"defaults": {"neverFinish": True}})
    remote.generate()
    remote.later(86400)
    assert remote.plan()["status"] == "GENERATING"


def test_a_read_after_six_idle_weeks_makes_the_plan_inactive(ready: Remote) -> None:
    ready.later(42 * 86400 - 1)
    assert ready.plan()["status"] == "ACTIVE"
    ready.later(42 * 86400)
    assert ready.plan(**ALL_TIME) == {"status": "INACTIVE"}
    assert ready.plan() == {"status": "INACTIVE"}
    assert ready.generate()


def test_being_made_inactive_is_not_a_write_of_the_client(ready: Remote) -> None:
    ready.later(43 * 86400)
    assert ready.plan()["status"] == "INACTIVE"
    assert not any(each["wrote"] for each in ready.sandbox.requests())


def test_reading_settings_does_not_keep_a_plan_active(ready: Remote) -> None:
    ready.later(43 * 86400)
    ready.get(f"{PLAN}/marketing-settings")
    assert ready.plan()["status"] == "INACTIVE"


def test_a_plan_is_read_from_today_on_unless_asked_otherwise(ready: Remote) -> None:
    ready.later(5 * 86400)
    assert min(each["date"] for each in ready.activities()) >= "2026-12-06"
    assert min(each["date"] for each in ready.activities(**ALL_TIME)) < "2026-12-06"
    window = ready.activities(startDate="2026-12-03T00:00:00Z", endDate="2026-12-05T23:59:59Z")
    assert {each["date"][:10] for each in window} == {"2026-12-03", "2026-12-05"}
    assert ready.activities(endDate="2026-12-05T00:00:00Z") == []


def test_a_window_that_is_not_a_time_is_refused(ready: Remote) -> None:
    ready.get(f"{PLAN}/marketing-plan", status=400, params={"timeframe.startDate": "2026-12-03"})


def test_deleting_the_plan_takes_its_activities_along(ready: Remote) -> None:
    draft = ready.drafts()[0]["id"]
    assert ready.delete(f"{PLAN}/marketing-plan") == {}
    assert ready.plan(**ALL_TIME) == {"status": "NEVER_CREATED"}
    ready.get(f"/social-publisher/v1/items/{draft}", status=404)
    assert ready.delete(f"{PLAN}/marketing-plan") == {}


def test_deleting_one_activity(ready: Remote) -> None:
    first, second = (each["marketingActivityId"] for each in ready.activities()[:2])
    path = f"{PLAN}/marketing-plan/plan-marketing-activity"
    assert ready.delete(path, params={"id": first}) == {}
    ids = {each["marketingActivityId"] for each in ready.activities()}
    assert first not in ids
    assert second in ids
    ready.delete(path, status=404, params={"id": NOBODY})
    ready.delete(path, status=400, params={"id": "not-a-guid"})
    ready.delete(path, status=400)


def test_what_a_plan_shows_beyond_the_documents_can_be_switched(make: Callable[..., Remote]) -> None:
    remote = make({"unknowns": {"activityTypes": False, "emptyLists": "emit", "generatingShows": "previous"}})
    assert remote.plan() == {"status": "NEVER_CREATED", "marketingActivities": []}
    found = remote.generate()
    assert not any("marketingActivityType" in each for each in found)
    assert all("items" in each for each in found)
    remote.post(REGENERATE)
    assert remote.activities() == found


def test_the_same_world_says_the_same(make: Callable[..., Remote]) -> None:
    assert make().generate() == make().generate()
    assert make().generate() != make({"contentSeed": 8}).generate()
