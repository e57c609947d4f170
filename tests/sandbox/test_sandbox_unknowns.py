"""No switch does nothing: each value changes what a client sees in the same session."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Mapping
from datetime import timedelta
from functools import cache
from typing import Any

import httpx
import pytest

from reconciler.sandbox.app import Sandbox
from reconciler.sandbox.unknowns import TABLE, Value, variants
from tests.sandbox.remote import HEADERS, NOBODY, PLAN, PUBLISHER, SITE, TUESDAY, Json

SETTINGS = f"{PLAN}/marketing-settings"
SPAN = {"date": {"$gte": "2026-11-01T00:00:00Z", "$lte": "2027-02-28T00:00:00Z"}}
PER_MINUTE = 60
SEED: Json = {
    "clock": TUESDAY,
    "freeze": True,
    "requestsPerMinute": PER_MINUTE,
    "sites": [
        {
            "id": SITE,
            "timeZone": "Asia/Tokyo",
            "channels": ["INSTAGRAM", "FACEBOOK"],
            "foreignEvents": [{"name": "Dentist", "date": "2026-12-07T10:00:00Z"}],
            "features": {"SCHEDULE_POST": {"limit": 9}},
        }
    ],
}


class Session:
    """Requests of one client, and all answers to them. Ids come from the world, whatever the answers show."""

    def __init__(self, unknowns: Mapping[str, Value]) -> None:
        self.sandbox = Sandbox(seed={**SEED, "unknowns": dict(unknowns)})
        self.seen: list[tuple[object, ...]] = []

    def ask(self, method: str, path: str, body: Any = None, params: Any = None, **headers: str) -> None:
        async def send() -> httpx.Response:
            answer = await httpx.ASGITransport(app=self.sandbox).handle_async_request(request)
            await answer.aread()
            return answer

        given = {**HEADERS, **headers}
        request = httpx.Request(method, f"http://127.0.0.1{path}", json=body, params=params, headers=given)
        answer = asyncio.run(send())
        told = {name: answer.headers.get(name) for name in ("content-type", "retry-after", "x-wix-consistent")}
        self.seen.append((method, path, answer.status_code, tuple(told.items()), answer.content))

    def later(self, **span: float) -> None:
        self.sandbox.advance(timedelta(**span))

    def site(self) -> Json:
        found: Json = self.sandbox.world()["sites"][SITE]
        return found

    def activities(self, which: Callable[[Json], bool] = lambda _: True) -> list[str]:
        listed = sorted(self.site()["activities"].values(), key=lambda each: (each["date"], each["id"]))
        return [each["id"] for each in listed if which(each)]

    def items(self, *channels: str, status: str = "DRAFT", kind: str = "POST") -> list[str]:
        """Posts that belong to an activity, by its date."""
        site = self.site()
        listed = [key for activity in self.activities() for key in site["activities"][activity]["items"]]
        found = [site["items"][key]["item"] for key in listed]
        return [
            each["id"]
            for each in found
            if each["channel"]["name"] in channels and (each["status"], each["type"]) == (status, kind)
        ]

    def look(self) -> None:
        """Everything that can be read."""
        self.ask("GET", f"{PLAN}/marketing-plan")
        self.ask("GET", f"{PLAN}/marketing-plan", params={"timeframe.startDate": "2026-11-01T00:00:00Z"})
        ids = self.activities()[:3]
        self.ask("POST", f"{PLAN}/marketing-activity-posts", {"marketingActivityIds": [*ids, NOBODY]})
        self.ask("POST", f"{PLAN}/marketing-activity-posts", {"marketingActivityIds": ids or [NOBODY]})
        self.ask("GET", SETTINGS)
        self.ask("POST", f"{PLAN}/events/query", {"query": {"filter": SPAN}})
        self.ask("POST", f"{PUBLISHER}/items/query", {"query": {"paging": {"limit": 100}}})
        self.ask("POST", f"{PUBLISHER}/items/query", {"query": {"filter": {"status": "SCHEDULED"}}})


@cache
def session(unknowns: tuple[tuple[str, Value], ...]) -> tuple[tuple[object, ...], ...]:
    """What a client sees from the first request to the last."""
    made = Session(dict(unknowns))
    parts = (_write_settings, _write_events, _generate, _work_on_posts, _schedule, _use_the_publisher)
    made.look()
    try:
        for part in (*parts, _ask_the_platform, _end):
            part(made)
    except (StopIteration, IndexError):  # a client that gets no further: its answers up to then differ
        assert unknowns
    return tuple(made.seen)


def _write_settings(made: Session) -> None:
    def save(settings: Json, mask: str) -> None:
        made.ask("POST", SETTINGS, {"marketingSettings": {"settings": settings}, "fieldMask": mask})
        made.ask("GET", SETTINGS)

    save(
        {"topics": {"included": ["mugs"], "coreTopic": "clay"}, "toneOfVoice": " Cafe\u0301\r\n"},
        "settings.topics,settings.toneOfVoice",
    )
    save({"topics": {"excluded": ["politics"]}}, "settings.topics.excluded")
    save({"topics": {"included": ["bowls"]}}, "settings.topics")
    save({"customContentGuidelines": "x" * 600}, "settings.customContentGuidelines")
    save({"frequency": {"interval": "WEEK", "count": 6}, "colour": "red"}, "settings.frequency")
    made.ask("GET", f"{SETTINGS}/defaults")
    made.ask("GET", f"{SETTINGS}/defaults", params={"fieldMask": "topics"})


def _write_events(made: Session) -> None:
    for event in (
        {"name": "Sale", "date": "2026-12-18T00:00:00Z", "description": " 30% off\n"},
        {"name": "Last week", "date": "2026-11-20T00:00:00Z"},
        {"name": "Open day", "recurringRule": {"frequency": "MONTHLY"}},
        {"name": "Open days", "recurringRule": {"frequency": "MONTH"}},
    ):
        made.ask("POST", f"{PLAN}/events", {"calendarEvent": event})
    first = next(each["shown"]["id"] for each in made.site()["events"] if not each["foreign"])
    made.ask("PUT", f"{PLAN}/events/{first}", {"event": {"name": "Fair", "date": "2026-12-19T00:00:00Z"}})
    made.ask("POST", f"{PLAN}/events/query", {"query": {"filter": SPAN}})
    made.later(minutes=1)


def _generate(made: Session) -> None:
    plan = f"{PLAN}/marketing-plan"
    made.look()
    made.ask("POST", f"{plan}/regenerate-marketing-plan", {})
    made.ask("POST", f"{plan}/generate-marketing-plan", {})
    made.later(seconds=1)
    made.ask("POST", f"{plan}/generate-marketing-plan", {})
    made.ask("GET", plan)
    made.later(seconds=1)
    made.ask("GET", plan)
    made.later(minutes=1)
    made.look()
    wish = {
        "title": "Open studio ",
        "description": "Come by",
        "targetDate": "2026-12-20T15:00:00Z",
        "marketingActivityType": "SOCIAL_MARKETING",
    }
    made.ask("POST", f"{PLAN}/items", {"marketingActivity": wish})
    one = made.activities()[0]
    made.ask("PATCH", f"{PLAN}/items/{one}", {"marketingActivity": {"title": "New"}, "fieldMask": "title"})
    made.ask("PATCH", f"{PLAN}/items/{one}", {"marketingActivity": {"id": one}, "fieldMask": "id"})
    for name in ("marketingActivityId", "id"):
        made.ask("GET", f"{PLAN}/marketing-activity", params={name: one})
    made.ask("DELETE", f"{plan}/plan-marketing-activity", params={"id": NOBODY})


def _work_on_posts(made: Session) -> None:
    plan = f"{PLAN}/marketing-plan"
    made.later(hours=8)
    made.ask("GET", plan)  # in Tokyo it is tomorrow
    bare = made.activities(lambda each: not each["items"] and each["type"] == "SOCIAL_MARKETING")[:4]
    made.sandbox.add_fault({"route": "POST *generate-social-posts", "do": {"kind": "partial", "every": 2}})
    made.ask("POST", f"{plan}/generate-social-posts", {"marketingActivityIds": bare})
    made.later(minutes=1)
    made.ask("POST", f"{PLAN}/marketing-activity-posts", {"marketingActivityIds": bare})
    full = made.activities(lambda each: bool(each["items"]))[1]
    for key in ("marketingActivityId", "id"):
        made.ask("POST", f"{plan}/regenerate-marketing-activity-posts", {key: full})
    made.ask("POST", f"{PLAN}/marketing-activity-posts", {"marketingActivityIds": [full]})
    made.later(minutes=1)
    made.ask("POST", f"{PLAN}/marketing-activity-posts", {"marketingActivityIds": [full]})


def _schedule(made: Session) -> None:
    drafts = f"{PLAN}/marketing-plan/schedule-drafts"
    made.ask("POST", drafts, {"draftIds": made.items("INSTAGRAM", "FACEBOOK")[4:8]})
    made.ask("POST", drafts, {"draftIds": [NOBODY]})
    made.later(days=8)
    made.look()  # some have gone out
    made.ask("POST", drafts, {"draftIds": made.items("INSTAGRAM")[:1]})  # its activity is past
    made.ask("POST", drafts, {"draftIds": made.items("INSTAGRAM", "FACEBOOK")[-10:]})  # more than the quota allows
    made.look()


def _use_the_publisher(made: Session) -> None:
    made.sandbox.dashboard.set_feature(SITE, "SCHEDULE_POST", limit=100)
    item = {"channel": {"name": "INSTAGRAM"}, "type": "POST", "instagramPost": {"caption": "Hello"}}
    made.ask("POST", f"{PUBLISHER}/items", {"item": item})
    whole = {**item, "instagramPost": {"caption": "Hello", "imageUrl": "https://static.wixstatic.com/media/a.jpg"}}
    for _ in range(3):
        made.ask("POST", f"{PUBLISHER}/items", {"item": whole})
    one, two, three = [key for key, record in made.site()["items"].items() if record["activity"] is None][-3:]
    for each in (one, two, three):
        made.ask("POST", f"{PUBLISHER}/publish-by-id", {"id": each, "scheduledDate": "2026-12-12T09:00:00Z"})
    made.ask("POST", f"{PUBLISHER}/items/{three}/reschedule", {"scheduledDate": "2026-12-12T09:30:00Z"})
    made.ask("PATCH", f"{PUBLISHER}/items/{one}/cancel", {})
    made.ask("PATCH", f"{PUBLISHER}/items/{one}/cancel", {})
    made.ask("PATCH", f"{PUBLISHER}/items/{NOBODY}/cancel", {})
    made.ask("DELETE", f"{PUBLISHER}/items/{two}")
    for each in (one, two):
        made.ask("GET", f"{PUBLISHER}/items/{each}")
    for name in ("ids", "itemIds"):
        made.ask("GET", f"{PUBLISHER}/items", params={name: [one, two]})
    made.ask("GET", f"{PUBLISHER}/features", params={"featureTypes": "SCHEDULE_POST"})
    made.sandbox.dashboard.disconnect(SITE, "INSTAGRAM")
    made.later(days=1)
    made.look()  # the third one failed
    made.sandbox.dashboard.set_channel(SITE, "INSTAGRAM")


def _ask_the_platform(made: Session) -> None:
    accounts = f"{PUBLISHER}/accounts"
    made.ask("GET", accounts, params={"channelName": ["INSTAGRAM", "FACEBOOK"]})
    made.ask("GET", accounts, params={"channelName": "GBP"})
    made.ask("GET", f"{PUBLISHER}/INSTAGRAM/long-lived-token-status")
    made.ask("GET", "/site-properties/v4/properties", params={"fields": "timeZone"})


def _end(made: Session) -> None:
    plan = f"{PLAN}/marketing-plan"
    made.sandbox.dashboard.set_feature(SITE, "SCHEDULE_POST", limit=100)
    made.ask("POST", f"{PLAN}/marketing-plan/schedule-drafts", {"draftIds": made.items("FACEBOOK")[-2:]})
    made.ask("POST", f"{plan}/generate-marketing-plan", {})
    made.ask("GET", plan)
    made.later(minutes=1)
    made.ask("POST", f"{plan}/regenerate-marketing-plan", {})
    made.later(minutes=1)
    made.look()
    made.ask("POST", f"{PLAN}/marketing-plan/schedule-drafts", {"draftIds": made.items("FACEBOOK")[-2:]})
    made.ask("DELETE", plan)
    made.look()
    for _ in range(PER_MINUTE + 1):  # one more than is let in
        made.ask("GET", f"{PUBLISHER}/features", params={"featureTypes": "AI_TOOLS"})


def test_the_session_is_the_same_each_time() -> None:
    first = session(())
    session.cache_clear()
    assert session(()) == first
    assert {status for _, _, status, _, _ in first} >= {200, 400, 404, 428, 429}
    assert all(json.loads(str(body, "utf-8")) is not None for *_, body in first if isinstance(body, bytes))


SOME = 19
"""A normal run tries a sample of the values; `-m exhaustive` tries all of them."""


@pytest.mark.parametrize(
    ("name", "value"),
    [
        pytest.param(name, value, id=f"{name}-{value}", marks=[pytest.mark.exhaustive] if number % SOME else [])
        for number, (name, value) in enumerate(variants())
    ],
)
def test_every_value_changes_what_a_client_sees(name: str, value: Value) -> None:
    assert session(((name, value),)) != session(())


COUNTS: dict[str, tuple[Value, tuple[tuple[str, Value], ...]]] = {
    "nearTermDays": (1, ()),
    "idleDays": (3, ()),
    "readLagSeconds": (300, (("readLag", "always"),)),
}
"""Another value of each switch that is a count, and the switches without which it has no effect."""


@pytest.mark.exhaustive
@pytest.mark.parametrize("name", [switch.name for switch in TABLE if not switch.values])
def test_every_count_changes_what_a_client_sees(name: str) -> None:
    value, beside = COUNTS[name]
    assert session((*beside, (name, value))) != session(beside)
