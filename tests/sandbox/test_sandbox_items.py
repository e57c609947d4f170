"""Changing, deleting and cancelling posts in the Publisher (10.1)."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.sandbox.remote import NOBODY, PLAN, PUBLISHER, SITE, Json, Remote, code, field

ITEM: Json = {
    "channel": {"name": "INSTAGRAM"},
    "type": "POST",
    "instagramPost": {"caption": "New mugs", "imageUrl": "https://static.wixstatic.com/media/a.jpg"},
}
LATER = "2026-12-03T09:30:00.000Z"


def draft(remote: Remote) -> str:
    return str(remote.post(f"{PUBLISHER}/items", {"item": ITEM})["item"]["id"])


def scheduled(remote: Remote) -> str:
    made = draft(remote)
    remote.post(f"{PUBLISHER}/publish-by-id", {"id": made, "scheduledDate": LATER})
    return made


def test_an_update_changes_only_what_is_sent(remote: Remote) -> None:
    made = scheduled(remote)
    path = f"{PUBLISHER}/items/{made}"
    before = remote.get(path)["item"]
    sent = {
        "instagramPost": {"caption": "Newer mugs"},
        "status": "DRAFT",
        "schedulingInfo": {"scheduledDate": "2027-01-01T00:00:00Z"},
    }
    after = remote.patch(path, {"item": {"id": made, **sent}})["item"]
    assert after["instagramPost"] == {**ITEM["instagramPost"], "caption": "Newer mugs"}
    unchanged = ("id", "channel", "type", "status", "schedulingInfo")
    assert {name: after[name] for name in unchanged} == {name: before[name] for name in unchanged}
    assert remote.get(path)["item"] == after


def test_an_update_that_cannot_be_is_refused(remote: Remote) -> None:
    path = f"{PUBLISHER}/items/{draft(remote)}"
    before = remote.get(path)
    assert code(remote.patch(f"{PUBLISHER}/items/{NOBODY}", {"item": {}}, status=404)) == "ITEM_NOT_EXISTS"
    for item in ({"type": "REEL"}, {"channel": {"name": "LINKEDIN"}}, {"facebookPost": {"caption": "x"}}):
        remote.patch(path, {"item": item}, status=400)
    assert field(remote.patch(path, {}, status=400)) == "item"
    assert remote.get(path) == before


def test_a_deleted_post_is_remembered_as_deleted(remote: Remote) -> None:
    path = f"{PUBLISHER}/items/{scheduled(remote)}"
    assert remote.delete(path) == {}
    assert code(remote.delete(path, status=428)) == "ITEM_IS_DELETED"
    assert code(remote.delete(f"{PUBLISHER}/items/{NOBODY}", status=404)) == "ITEM_NOT_EXISTS"
    assert code(remote.patch(f"{path}/cancel", {}, status=428)) == "ITEM_IS_DELETED"
    remote.get(path, status=404)
    assert remote.post(f"{PUBLISHER}/items/query")["items"] == []
    remote.later(7 * 86400)
    [record] = remote.sandbox.world()["sites"][SITE]["items"].values()
    assert record["item"]["status"] == "DELETED"  # and did not go out


def test_a_deleted_draft_leaves_its_activity(ready: Remote) -> None:
    first = ready.drafts()[0]["id"]
    ready.delete(f"{PUBLISHER}/items/{first}")
    assert first not in {item["id"] for item in ready.drafts()}


def test_deleted_posts_may_be_shown(make: Callable[..., Remote]) -> None:
    remote = make({"unknowns": {"deletedItems": "shown"}})
    path = f"{PUBLISHER}/items/{draft(remote)}"
    remote.delete(path)
    assert remote.get(path)["item"]["status"] == "DELETED"


@pytest.mark.parametrize("status", [428, 409])
def test_cancelling_answers_the_post_and_never_404(make: Callable[..., Remote], status: int) -> None:
    remote = make({"unknowns": {"cancelRefusal": status, "cancelUnknown": status}})
    path = f"{PUBLISHER}/items/{scheduled(remote)}/cancel"
    assert remote.patch(path, {})["item"]["status"] == "CANCELED"
    remote.patch(path, {}, status=status)
    assert code(remote.patch(f"{PUBLISHER}/items/{NOBODY}/cancel", {}, status=status)) == "ITEM_NOT_EXISTS"


@pytest.mark.parametrize(("rule", "status"), [("refuse", 400), ("accept", 200)])
def test_an_instagram_draft_needs_media_and_a_linkedin_one_no_author(
    make: Callable[..., Remote], rule: str, status: int
) -> None:
    remote = make({"unknowns": {"instagramDraftMedia": rule}})
    for item in (
        {**ITEM, "instagramPost": {"caption": "no media"}},
        {"channel": {"name": "INSTAGRAM"}, "type": "STORY", "instagramStory": {}},
    ):
        remote.post(f"{PUBLISHER}/items", {"item": item}, status=status)
    linkedin = {"channel": {"name": "LINKEDIN"}, "type": "POST", "linkedinPost": {"caption": "hello"}}
    remote.post(f"{PUBLISHER}/items", {"item": linkedin})


@pytest.mark.parametrize(("rule", "found"), [("each", ["INSTAGRAM", "FACEBOOK"]), ("first", ["INSTAGRAM"])])
def test_a_channel_name_may_be_repeated(make: Callable[..., Remote], rule: str, found: list[str]) -> None:
    remote = make({"unknowns": {"repeatedChannelName": rule}})
    answer = remote.get(f"{PUBLISHER}/accounts", params={"channelName": ["INSTAGRAM", "FACEBOOK"]})
    assert [each["channelName"] for each in answer["accounts"]] == found


def test_a_repeated_channel_that_is_not_connected_gives_its_error(make: Callable[..., Remote]) -> None:
    asked = {"channelName": ["INSTAGRAM", "GBP"]}
    assert code(make().get(f"{PUBLISHER}/accounts", status=400, params=asked)) == "USER_NOT_EXIST_FOR_CHANNEL"
    make({"unknowns": {"repeatedChannelName": "refuse"}}).get(f"{PUBLISHER}/accounts", status=400, params=asked)


def test_sites_are_listed_and_counted_by_namespace(make: Callable[..., Remote]) -> None:
    remote = make({"sites": [{"id": SITE}, {"id": NOBODY, "namespace": "HEADLESS"}]})
    headers = {"authorization": "key", "wix-account-id": NOBODY}
    every = {"filter": {"namespace": {"$in": ["WIX", "HEADLESS"]}}}
    for asked, count in (({}, 1), (every, 2)):
        found = remote.post("/site-list/v2/sites/query", {"query": asked}, headers=headers)["sites"]
        assert len(found) == count
        assert remote.post("/site-list/v2/sites/count", asked, headers=headers) == {"count": count}


def test_answers_to_a_write_and_what_follows_carry_the_consistency_header(remote: Remote) -> None:
    before = remote.ask("GET", f"{PLAN}/marketing-settings")
    assert "x-wix-consistent" not in before.headers
    written = remote.ask("POST", f"{PLAN}/marketing-plan/generate-marketing-plan", {})
    after = remote.ask("GET", f"{PLAN}/marketing-settings")
    assert written.headers["x-wix-consistent"] == after.headers["x-wix-consistent"]


@pytest.mark.parametrize("lag", ["without-header", "always"])
def test_reads_may_lag(make: Callable[..., Remote], lag: str) -> None:
    remote = make({"unknowns": {"readLag": lag, "readLagSeconds": 3}})

    def names(**headers: str) -> list[str]:
        span = {"$gte": "2026-12-01T00:00:00Z", "$lte": "2026-12-31T00:00:00Z"}
        given = {"authorization": "a-key", "wix-site-id": SITE, **headers}
        answer = remote.post(f"{PLAN}/events/query", {"query": {"filter": {"date": span}}}, headers=given)
        return [each["name"] for each in answer.get("calendarEvents", ())]

    tokens = []
    for name in ("first", "second"):
        event = {"calendarEvent": {"name": name, "date": "2026-12-04T00:00:00Z"}}
        tokens.append(remote.ask("POST", f"{PLAN}/events", event).headers["x-wix-consistent"])
        remote.later(1)
    honoured = lag == "without-header"
    assert names() == []
    assert sorted(names(**{"x-wix-consistent": tokens[0]})) == (["first"] if honoured else [])
    assert sorted(names(**{"x-wix-consistent": tokens[1]})) == (["first", "second"] if honoured else [])
    remote.later(1)
    assert names() == ["first"]
    remote.later(1)
    assert sorted(names()) == ["first", "second"]


def test_a_write_sees_what_reads_do_not_show_yet(make: Callable[..., Remote]) -> None:
    remote = make({"unknowns": {"readLag": "always", "readLagSeconds": 3600}})
    remote.post(f"{PLAN}/marketing-plan/generate-marketing-plan")
    remote.post(f"{PLAN}/marketing-plan/generate-marketing-plan", status=428)
    assert remote.plan() == {"status": "NEVER_CREATED"}


TWO = [{"id": "urn:li:person:1", "displayName": "Jane"}, {"id": "urn:li:organization:2", "default": True}]


def test_a_channel_may_have_several_accounts(make: Callable[..., Remote]) -> None:
    remote = make({"defaults": {"channels": ["LINKEDIN"], "accounts": {"LINKEDIN": TWO}, "plan": "ACTIVE"}})

    def shown() -> list[tuple[str, bool]]:
        answer = remote.get(f"{PUBLISHER}/accounts", params={"channelName": "LINKEDIN"})
        return [(each["linkedin"]["id"], each["linkedin"]["settings"]["default"]) for each in answer["accounts"]]

    assert shown() == [("urn:li:person:1", False), ("urn:li:organization:2", True)]
    made = {item["channel"]["accountId"] for item in remote.drafts() if item["channel"]["name"] == "LINKEDIN"}
    assert made == {"urn:li:organization:2"}
    remote.patch(f"{PUBLISHER}/LINKEDIN/settings", {"linkedin": {"defaultChannelId": "urn:li:person:1"}})
    assert shown() == [("urn:li:person:1", True), ("urn:li:organization:2", False)]


def test_a_scripted_post_fails_when_its_moment_comes(remote: Remote) -> None:
    remote.sandbox.add_fault(
        {"route": "POST *publish-by-id", "times": 1, "do": {"kind": "not-published", "message": "spam"}}
    )
    failing, fine = scheduled(remote), scheduled(remote)
    remote.later(3 * 86400)
    read = [remote.get(f"{PUBLISHER}/items/{each}")["item"] for each in (failing, fine)]
    assert [each["status"] for each in read] == ["FAILED", "PUBLISHED"]
    assert read[0]["publicationError"] == {"message": "spam"}


@pytest.mark.parametrize("scheduling", ["soon", 5, [], {"scheduledDate": 5}])
def test_a_bulk_item_that_is_not_an_item_fails_by_itself(remote: Remote, scheduling: object) -> None:
    answer = remote.post(f"{PUBLISHER}/bulk/publish", {"items": [{**ITEM, "schedulingInfo": scheduling}, ITEM]})
    assert answer["bulkActionMetadata"] == {"totalSuccesses": 1, "totalFailures": 1}
