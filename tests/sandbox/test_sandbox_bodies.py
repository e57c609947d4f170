"""Whatever is sent, the API answers with a status of its own: no request ends in an exception."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import httpx
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from reconciler.sandbox.app import Sandbox
from reconciler.sandbox.routes import table
from tests.sandbox.remote import HEADERS, NOBODY, TUESDAY

NAMES = st.sampled_from([
    "marketingSettings", "fieldMask", "settings", "overrides", "topics", "included", "frequency", "count", "interval",
    "calendarEvent", "event", "name", "date", "recurringRule", "query", "filter", "$gte", "$in", "$hasSome", "paging",
    "cursorPaging", "limit", "offset", "cursor", "sort", "fieldName", "marketingActivity", "title", "targetDate", "id",
    "marketingActivityIds", "marketingActivityId", "draftIds", "mediaUrl", "mediaIndex", "item", "items", "channel",
    "type", "instagramPost", "schedulingInfo", "scheduledDate", "properties", "fields", "paths", "userInput",
    "siteAssets", "channels", "status", "marketingPlanGoal", "goalKey", "facebook", "defaultPageId", "referenceId",
])  # fmt: skip
VALUES = st.sampled_from([
    None, True, 0, 1, -1, 10**30, 1.5, "", "x", NOBODY, "2026-12-10T00:00:00Z", "0000-01-01T00:00:00+23:00",
    "9999-12-31T23:59:59Z", "WEEKLY", "INSTAGRAM", "POST", "settings", "settings.topics", "title,targetDate",
    "\ud83d", "😀",
])  # fmt: skip
BODIES = st.recursive(
    VALUES, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=5), max_leaves=12
)


@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck), database=None, derandomize=True)
@given(route=st.sampled_from(table()), body=st.dictionaries(NAMES, BODIES, max_size=6), query=st.dictionaries(
    st.sampled_from(["id", "ids", "fieldMask", "featureTypes", "channelName", "timeframe.startDate"]),
    st.sampled_from(["", "x", NOBODY, "2026-12-10T00:00:00Z", "AI_TOOLS", "9999-12-31T23:59:59Z"]), max_size=2,
))  # fmt: skip
def test_no_body_is_too_strange_to_answer(route: tuple[str, str], body: Any, query: dict[str, str]) -> None:
    sandbox = Sandbox(seed={"clock": TUESDAY, "freeze": True, "defaults": {"plan": "ACTIVE"}})
    method, path = route
    for variable, value in (("{id}", NOBODY), ("{channelName}", "FACEBOOK"), ("{featureType}", "AI_TOOLS")):
        path = path.replace(variable, value)
    headers = HEADERS
    if path.startswith("/site-list/"):
        headers = {"authorization": "k", "wix-account-id": NOBODY}

    async def send() -> int:
        request = httpx.Request(
            method, f"http://127.0.0.1{path}", content=json.dumps(body), headers=headers, params=query
        )
        answer = await httpx.ASGITransport(app=sandbox).handle_async_request(request)
        return answer.status_code

    assert asyncio.run(send()) in (200, 400, 404, 409, 428)
    sandbox.close()
