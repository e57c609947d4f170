"""The marketing calendar (8 and 13.2 of docs/remote-api.md)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.sandbox.remote import NOBODY, PLAN, Remote, code, field

Json = dict[str, Any]
EVENTS = f"{PLAN}/events"
FOREIGN = "bbbbbbbb-0000-4000-8000-000000000001"


def create(remote: Remote, status: int = 200, **event: Any) -> Json:
    answer = remote.post(EVENTS, {"calendarEvent": event}, status=status)
    return answer["calendarEvent"] if status == 200 else answer


def between(remote: Remote, first: str, last: str, **more: Any) -> list[Json]:
    query = {"filter": {"date": {"$gte": f"{first}T00:00:00Z", "$lte": f"{last}T00:00:00Z"}}, **more}
    found: list[Json] = remote.post(f"{EVENTS}/query", {"query": query}).get("calendarEvents", [])
    return found


def test_an_event_is_created_read_replaced_and_deleted(remote: Remote) -> None:
    made = create(remote, name="Sale", description="30% off", date="2026-12-10T00:00:00Z", id=NOBODY)
    assert made["id"] != NOBODY  # assigned on creation
    assert made["calendarId"]
    assert made["date"] == "2026-12-10T00:00:00.000Z"
    assert between(remote, "2026-12-10", "2026-12-10") == [made]
    body = {"event": {"name": "Big sale", "date": "2026-12-11T00:00:00Z"}}
    after = remote.put(f"{EVENTS}/{made['id']}", body)["calendarEvent"]
    assert "description" not in after  # the whole event is replaced
    assert between(remote, "2026-12-11", "2026-12-12") == [after]
    assert remote.delete(f"{EVENTS}/{made['id']}") == {}
    assert between(remote, "2026-12-01", "2026-12-31") == []


def test_replacing_switches_the_kind_of_event(remote: Remote) -> None:
    made = create(remote, name="Sale", date="2026-12-10T00:00:00Z")
    body = {"event": {"name": "Sale", "recurringRule": {"frequency": "WEEKLY"}}}
    after = remote.put(f"{EVENTS}/{made['id']}", body)["calendarEvent"]
    assert "date" not in after
    assert after["recurringRule"] == {"frequency": "WEEKLY"}


def test_the_body_key_of_an_update_is_a_switch(make: Callable[..., Remote]) -> None:
    remote = make()
    made = create(remote, name="Sale", date="2026-12-10T00:00:00Z")
    remote.put(f"{EVENTS}/{made['id']}", {"calendarEvent": made}, status=400)
    remote = make({"unknowns": {"updateEventKey": "calendarEvent"}})
    made = create(remote, name="Sale", date="2026-12-10T00:00:00Z")
    remote.put(f"{EVENTS}/{made['id']}", {"calendarEvent": made})


def test_neither_date_nor_rule_is_an_invalid_argument(remote: Remote) -> None:
    assert field(create(remote, 400, name="Sale")) == "calendarEvent.date"


@pytest.mark.parametrize("rule", [{}, {"frequency": "UNKNOWN"}, {"frequency": None}])
def test_a_rule_without_frequency_is_a_failed_precondition(remote: Remote, rule: Json) -> None:
    assert code(create(remote, 428, name="Open day", recurringRule=rule)) == "FAILED_PRECONDITION"


@pytest.mark.parametrize(
    "event",
    [
        {"date": {"seconds": 1, "nanos": 0}},
        {"date": "2026-12-10"},
        {"date": "2026-12-10T00:00:00"},
        {"date": "2026-13-10T00:00:00Z"},
        {"date": "2026-12-10T00:00:00Z", "name": "x" * 3001},
        {"date": "2026-12-10T00:00:00Z", "description": "x" * 3001},
        {"date": "2026-12-10T00:00:00Z", "name": 5},
        {"recurringRule": {"frequency": "DAILY"}},
        {"recurringRule": "WEEKLY"},
    ],
)
def test_events_that_are_wrong_are_refused(remote: Remote, event: Json) -> None:
    create(remote, 400, **event)


def test_a_date_as_seconds_and_nanos_says_what_was_expected(remote: Remote) -> None:
    assert "Expected a string" in create(remote, 400, date={"seconds": 1, "nanos": 0})["message"]


def test_the_longest_name_is_accepted(remote: Remote) -> None:
    create(remote, name="x" * 3000, date="2026-12-10T00:00:00Z")


@pytest.mark.parametrize("event", [NOBODY, FOREIGN])
def test_unknown_and_read_only_events_are_failed_preconditions(make: Callable[..., Remote], event: str) -> None:
    remote = make({"defaults": {"foreignEvents": [{"id": FOREIGN, "name": "Trip", "date": "2026-12-12"}]}})
    body = {"event": {"name": "x", "date": "2026-12-10T00:00:00Z"}}
    assert code(remote.put(f"{EVENTS}/{event}", body, status=428)) == "FAILED_PRECONDITION"
    assert code(remote.delete(f"{EVENTS}/{event}", status=428)) == "FAILED_PRECONDITION"


def test_events_of_connected_calendars_are_listed_under_their_calendar(make: Callable[..., Remote]) -> None:
    remote = make({"defaults": {"foreignEvents": [{"id": FOREIGN, "name": "Trip", "date": "2026-12-12"}]}})
    own = create(remote, name="Sale", date="2026-12-10T00:00:00Z")
    found = between(remote, "2026-12-01", "2026-12-31")
    assert [each["id"] for each in found] == [own["id"], FOREIGN]
    assert found[0]["calendarId"] != found[1]["calendarId"]
    assert len(remote.get(f"{PLAN}/marketing-settings/calendar-options")["options"]) == 2


@pytest.mark.parametrize("bounds", [{}, {"$gte": "2026-12-01T00:00:00Z"}, {"$lte": "2026-12-01T00:00:00Z"}])
def test_both_bounds_are_needed(remote: Remote, bounds: Json) -> None:
    remote.post(f"{EVENTS}/query", {"query": {"filter": {"date": bounds}}}, status=400)


@pytest.mark.parametrize("body", [{}, {"query": None}, {"query": {"filter": []}}])
def test_a_query_without_a_filter_is_refused(remote: Remote, body: Json) -> None:
    remote.post(f"{EVENTS}/query", body, status=400)


def test_occurrences_inside_the_range_come_with_recurring_events(remote: Remote) -> None:
    create(remote, name="Weekly", recurringRule={"frequency": "WEEKLY"})
    create(remote, name="Monthly", recurringRule={"frequency": "MONTHLY"}, date="2026-12-10T00:00:00Z")
    create(remote, name="Yearly", recurringRule={"frequency": "YEARLY"})
    found = {each["name"]: each for each in between(remote, "2026-12-02", "2027-02-01")}
    assert found.keys() == {"Weekly", "Monthly"}
    assert [each["date"][:10] for each in found["Weekly"]["recurringOccurrences"][:2]] == ["2026-12-08", "2026-12-15"]
    assert [each["date"][:10] for each in found["Monthly"]["recurringOccurrences"]] == ["2027-01-01", "2027-02-01"]
    assert "date" not in found["Monthly"]  # ignored if there is a rule
    assert [each["name"] for each in between(remote, "2036-11-30", "2036-12-01")] == ["Monthly", "Yearly"]


def test_at_most_a_hundred_sorted_by_date_whatever_is_asked(remote: Remote) -> None:
    for day in range(101):
        create(remote, name=f"Event {day}", date=f"2026-12-{28 - day % 28:02}T00:00:00Z")
    more = {"sort": [{"fieldName": "date", "order": "DESC"}], "paging": {"limit": 2}, "cursorPaging": {"limit": 1}}
    found = between(remote, "2026-12-01", "2026-12-31", **more)
    assert len(found) == 100
    assert [each["date"] for each in found] == sorted(each["date"] for each in found)


def test_at_most_a_hundred_occurrences(remote: Remote) -> None:
    create(remote, name="Weekly", recurringRule={"frequency": "WEEKLY"})
    assert len(between(remote, "2026-12-01", "2030-12-01")[0]["recurringOccurrences"]) == 100
