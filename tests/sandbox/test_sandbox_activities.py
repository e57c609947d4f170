"""Marketing activities as their own service sees them (7 and 13.2 of docs/remote-api.md)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.sandbox.remote import NOBODY, PLAN, Remote, code

Json = dict[str, Any]
ITEMS = f"{PLAN}/items"
FULL = {
    "title": "Open studio",
    "description": "Come by",
    "targetDate": "2026-12-05T10:00:00Z",
    "marketingActivityType": "SOCIAL_MARKETING",
}


def test_a_created_activity_is_in_the_plan_under_other_names(ready: Remote) -> None:
    made = ready.post(ITEMS, {"marketingActivity": FULL})["marketingActivity"]
    assert made == {**FULL, "id": made["id"], "targetDate": "2026-12-05T10:00:00.000Z"}
    shown = next(each for each in ready.activities() if each["marketingActivityId"] == made["id"])
    assert shown["date"] == made["targetDate"]
    assert shown["title"] == "Open studio"
    assert ready.get(f"{PLAN}/marketing-activity", params={"marketingActivityId": made["id"]}) == {
        "marketingActivity": made
    }
    ready.get(f"{PLAN}/marketing-activity", params={"id": made["id"]})


@pytest.mark.parametrize("name", FULL)
def test_a_missing_field_is_a_failed_precondition(remote: Remote, name: str) -> None:
    given = {key: value for key, value in FULL.items() if key != name}
    assert code(remote.post(ITEMS, {"marketingActivity": given}, status=428)) == "FAILED_PRECONDITION"


def test_an_unknown_type_is_refused(remote: Remote) -> None:
    given = {**FULL, "marketingActivityType": "UNKNOWN"}
    assert code(remote.post(ITEMS, {"marketingActivity": given}, status=428)) == "FAILED_PRECONDITION"
    remote.post(ITEMS, {"marketingActivity": {**FULL, "marketingActivityType": "BLOGS"}}, status=400)
    remote.post(ITEMS, {"marketingActivity": {**FULL, "targetDate": {"seconds": 1}}}, status=400)
    remote.post(ITEMS, {}, status=400)


def test_an_update_changes_the_fields_of_its_mask(ready: Remote) -> None:
    before = ready.activities()[3]
    activity = before["marketingActivityId"]
    given = {"title": "New", "description": "ignored", "targetDate": "2026-12-24T18:00:00+01:00"}
    answer = ready.patch(f"{ITEMS}/{activity}", {"marketingActivity": given, "fieldMask": "title,targetDate"})
    assert answer["marketingActivity"]["targetDate"] == "2026-12-24T17:00:00.000Z"
    after = next(each for each in ready.activities() if each["marketingActivityId"] == activity)
    assert (after["title"], after["description"]) == ("New", before["description"])
    assert after["date"] == "2026-12-24T17:00:00.000Z"


def test_other_fields_cannot_be_updated(make: Callable[..., Remote]) -> None:
    for status in (400, 428):
        remote = make({"unknowns": {"illegalMask": status}, "defaults": {"plan": "ACTIVE"}})
        path = f"{ITEMS}/{remote.activities()[0]['marketingActivityId']}"
        body = {"marketingActivity": {"marketingActivityType": "BLOG"}, "fieldMask": "marketingActivityType"}
        remote.patch(path, body, status=status)


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"marketingActivity": {"title": "x"}}, 400),
        ({"fieldMask": "title"}, 400),
        ({"marketingActivity": {"title": "x"}, "fieldMask": ["title"]}, 400),
        ({"marketingActivity": {}, "fieldMask": "title"}, 428),
        ({"marketingActivity": {"title": None}, "fieldMask": "title"}, 428),
        ({"marketingActivity": {"title": "x", "id": NOBODY}, "fieldMask": "title"}, 400),
        ({"marketingActivity": {"targetDate": "soon"}, "fieldMask": "targetDate"}, 400),
    ],
)
def test_updates_that_are_wrong_are_refused(ready: Remote, body: Json, status: int) -> None:
    activity = ready.activities()[0]["marketingActivityId"]
    ready.patch(f"{ITEMS}/{activity}", body, status=status)
    assert ready.activities()[0]["title"]


def test_unknown_activities_are_not_found(remote: Remote) -> None:
    remote.patch(f"{ITEMS}/{NOBODY}", {"marketingActivity": {"title": "x"}, "fieldMask": "title"}, status=404)
    remote.get(f"{PLAN}/marketing-activity", status=404, params={"id": NOBODY})
    remote.get(f"{PLAN}/marketing-activity", status=400)


def test_created_activities_are_replaced_like_others_unless_switched(make: Callable[..., Remote]) -> None:
    for survives in (False, True):
        remote = make({"defaults": {"plan": "ACTIVE"}, "unknowns": {"createdActivitiesSurvive": survives}})
        made = remote.post(ITEMS, {"marketingActivity": FULL})["marketingActivity"]["id"]
        remote.post(f"{PLAN}/marketing-plan/regenerate-marketing-plan")
        remote.later(2)
        assert (made in {each["marketingActivityId"] for each in remote.activities()}) == survives


def test_activities_can_be_queried(ready: Remote) -> None:
    body = {"query": {"filter": {"marketingActivityType": "BLOG"}, "paging": {"limit": 2, "offset": 1}}}
    answer = ready.post(f"{ITEMS}/query", body)
    assert {each["marketingActivityType"] for each in answer["marketingActivities"]} == {"BLOG"}
    assert answer["pagingMetadata"]["count"] == 2
    assert answer["pagingMetadata"]["total"] > 3
