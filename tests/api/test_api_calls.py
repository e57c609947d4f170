"""Operations -> requests: what each operation sends, and that it is what was shown."""

from __future__ import annotations

import asyncio
import json
from datetime import UTC, datetime
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.api.calls import batched, calls_of
from reconciler.model.activities import CreateActivity, DeleteActivity, DesiredActivity, UpdateActivity
from reconciler.model.address import SiteName
from reconciler.model.canonical import Digest, Json, JsonObject, freeze_object, thaw
from reconciler.model.events import CalendarEvent, CreateEvent, DeleteEvent, DesiredEvent, EventId, UpdateEvent
from reconciler.model.marketing_plan import AwaitGeneration, DeleteMarketingPlan, Generate, Regenerate
from reconciler.model.operations import Deferred, Operation, SitePart
from reconciler.model.posts import ActivityId, AwaitPosts, ClearPosts, GeneratePosts, PostId, RegeneratePosts
from reconciler.model.schedule import CancelPost, ReschedulePost, SchedulePost
from reconciler.model.settings import UpdateSettings, mask_of
from reconciler.model.sites import SiteRef
from reconciler.model.writes import FieldChange
from tests.api.bench import Bench, ok, remote

AT = datetime(2026, 12, 3, 9, tzinfo=UTC)
A, P, NO_DIGEST = ActivityId("act-1"), PostId("post-1"), Digest("")
PLAN = "/promote/marketing-plan-service/v1"

EXPECTED: list[tuple[Operation, list[tuple[str, str, object]]]] = [
    (
        UpdateSettings(
            (
                FieldChange("settings.topics.included", None, ("clay", "kiln")),
                FieldChange("settings.businessProfile.targetAudience", "cooks", None),
                FieldChange("overrides.socialMarketing.frequency", None, JsonObject({"interval": "WEEK", "count": 3})),
            )
        ),
        [
            (
                "POST",
                f"{PLAN}/marketing-settings",
                {
                    "marketingSettings": {
                        "overrides": {"socialMarketing": {"frequency": {"interval": "WEEK", "count": 3}}},
                        "settings": {
                            "businessProfile": {"targetAudience": None},
                            "topics": {"included": ["clay", "kiln"]},
                        },
                    },
                    "fieldMask": "overrides.socialMarketing.frequency,settings.businessProfile,settings.topics",
                },
            )
        ],
    ),
    (
        CreateEvent(DesiredEvent("Black Friday", description="30% off", date=AT)),
        [
            (
                "POST",
                f"{PLAN}/events",
                {
                    "calendarEvent": {
                        "name": "Black Friday",
                        "description": "30% off",
                        "date": "2026-12-03T09:00:00.000Z",
                    }
                },
            )
        ],
    ),
    (
        CreateEvent(DesiredEvent("Open day", recurring_rule=JsonObject({"frequency": "MONTHLY"}))),
        [
            (
                "POST",
                f"{PLAN}/events",
                {"calendarEvent": {"name": "Open day", "recurringRule": {"frequency": "MONTHLY"}}},
            )
        ],
    ),
    (
        UpdateEvent(CalendarEvent(EventId("e/1"), "n", "d", AT, rest=JsonObject({"colour": "red"})), ()),
        [
            (
                "PUT",
                f"{PLAN}/events/e%2F1",
                {
                    "event": {
                        "colour": "red",
                        "id": "e/1",
                        "name": "n",
                        "description": "d",
                        "date": "2026-12-03T09:00:00.000Z",
                    }
                },
            )
        ],
    ),
    (DeleteEvent(EventId("e1"), "n"), [("DELETE", f"{PLAN}/events/e1", None)]),
    (Generate(), [("POST", f"{PLAN}/marketing-plan/generate-marketing-plan", {})]),
    (Regenerate(keyword_research=False), [("POST", f"{PLAN}/marketing-plan/regenerate-marketing-plan", {})]),
    (
        Regenerate(keyword_research=True),
        [("POST", f"{PLAN}/marketing-plan/regenerate-marketing-plan-with-keyword-research", {})],
    ),
    (DeleteMarketingPlan(), [("DELETE", f"{PLAN}/marketing-plan", None)]),
    (
        CreateActivity(DesiredActivity("t", "d", AT, "BLOG")),
        [
            (
                "POST",
                f"{PLAN}/items",
                {
                    "marketingActivity": {
                        "title": "t",
                        "description": "d",
                        "targetDate": "2026-12-03T09:00:00.000Z",
                        "marketingActivityType": "BLOG",
                    }
                },
            )
        ],
    ),
    (
        UpdateActivity(
            A, "t", (FieldChange("title", "t", "u"), FieldChange("targetDate", "x", "2026-12-03T09:00:00.000Z"))
        ),
        [
            (
                "PATCH",
                f"{PLAN}/items/act-1",
                {
                    "marketingActivity": {"id": "act-1", "title": "u", "targetDate": "2026-12-03T09:00:00.000Z"},
                    "fieldMask": "title,targetDate",
                },
            )
        ],
    ),
    (DeleteActivity(A, "t"), [("DELETE", f"{PLAN}/marketing-plan/plan-marketing-activity", None)]),
    (
        GeneratePosts(A, "t"),
        [("POST", f"{PLAN}/marketing-plan/generate-social-posts", {"marketingActivityIds": ["act-1"]})],
    ),
    (
        RegeneratePosts(A, "t"),
        [("POST", f"{PLAN}/marketing-plan/regenerate-marketing-activity-posts", {"marketingActivityId": "act-1"})],
    ),
    (
        RegeneratePosts(A, "t", stories=True),
        [("POST", f"{PLAN}/marketing-plan/regenerate-marketing-activity-stories", {"marketingActivityId": "act-1"})],
    ),
    (
        RegeneratePosts(A, "t", media_only=True),
        [
            (
                "POST",
                f"{PLAN}/marketing-plan/regenerate-marketing-activity-posts-media",
                {"marketingActivityId": "act-1"},
            )
        ],
    ),
    (
        ClearPosts(A, "t", stories=True),
        [
            ("PATCH", f"{PLAN}/marketing-plan/clear-marketing-activity-posts", {"marketingActivityId": "act-1"}),
            ("PATCH", f"{PLAN}/marketing-plan/clear-marketing-activity-stories", {"marketingActivityId": "act-1"}),
        ],
    ),
    (
        SchedulePost(P, A, "INSTAGRAM", NO_DIGEST),
        [("POST", f"{PLAN}/marketing-plan/schedule-drafts", {"draftIds": ["post-1"]})],
    ),
    (
        SchedulePost(P, A, "INSTAGRAM", NO_DIGEST, at=AT),
        [
            (
                "POST",
                "/social-publisher/v1/publish-by-id",
                {"id": "post-1", "scheduledDate": "2026-12-03T09:00:00.000Z"},
            )
        ],
    ),
    (
        ReschedulePost(P, A, "INSTAGRAM", NO_DIGEST, at=AT),
        [
            (
                "POST",
                "/social-publisher/v1/items/post-1/reschedule",
                {"scheduledDate": "2026-12-03T09:00:00.000Z"},
            )
        ],
    ),
    (CancelPost(P, A, "INSTAGRAM"), [("PATCH", "/social-publisher/v1/items/post-1/cancel", {})]),
    (AwaitGeneration(), []),
    (AwaitPosts(A, "t"), []),
    (Deferred(SitePart.POSTS, 0), []),
]


def test_every_kind_of_operation_is_here() -> None:
    assert {type(operation) for operation, _ in EXPECTED} == set(get_args(Operation))


@pytest.mark.parametrize(("operation", "expected"), EXPECTED, ids=lambda operation: type(operation).__name__)
def test_an_operation_is_these_requests(
    site: SiteRef, operation: Operation, expected: list[tuple[str, str, object]]
) -> None:
    calls = calls_of(operation, site)
    assert [(call.method, call.path, thaw(call.body) if call.body is not None else None) for call in calls] == expected


@pytest.mark.parametrize(
    "operation",
    [operation for operation, expected in EXPECTED if expected],
    ids=lambda operation: type(operation).__name__,
)
def test_what_is_sent_is_what_was_shown(bench: Bench, operation: Operation) -> None:
    side = remote(ok({"items": [{"id": P, "status": "SCHEDULED"}]} if isinstance(operation, SchedulePost) else {}))
    asyncio.run(bench.client(side).writer().perform(bench.site, [operation]))
    shown = calls_of(operation, bench.site)
    assert [(request.method, request.url.raw_path.decode()) for request in side.requests] == [
        (call.method, call.path + "".join(f"?{name}={value}" for name, value in call.query)) for call in shown
    ]
    assert [json.loads(request.content) if request.content else None for request in side.requests] == [
        thaw(call.body) if call.body is not None else None for call in shown
    ]


def test_up_to_twenty_go_into_one_call_and_nothing_changes_its_place() -> None:
    posts = [GeneratePosts(ActivityId(f"a{n}"), "t") for n in range(45)]
    drafts = [SchedulePost(PostId(f"p{n}"), A, "INSTAGRAM", NO_DIGEST) for n in range(21)]
    timed = [SchedulePost(PostId(f"q{n}"), A, "INSTAGRAM", NO_DIGEST, at=AT) for n in range(2)]
    everything: list[Operation] = [*posts, *drafts, *timed, Generate(), Generate()]
    groups = batched(everything)
    assert [len(group) for group in groups] == [20, 20, 5, 20, 1, 1, 1, 1, 1]
    assert [operation for group in groups for operation in group] == everything


PATHS = st.lists(
    st.lists(st.sampled_from("abcd"), min_size=1, max_size=3).map(lambda keys: ".".join(["settings", *keys])),
    min_size=1,
    max_size=6,
    unique=True,
).filter(lambda paths: not any(path != other and other.startswith(f"{path}.") for path in paths for other in paths))


@given(PATHS, st.sampled_from([None, "x", (), ("y",), 0, False]))
def test_every_path_of_the_mask_is_in_the_body_and_nothing_else(paths: list[str], value: Json) -> None:
    (call,) = calls_of(UpdateSettings(tuple(FieldChange(path, "old", value) for path in paths)), _site())
    assert call.body is not None
    mask = call.body["fieldMask"]
    assert isinstance(mask, str)
    assert sorted(mask.split(",")) == sorted({mask_of(path) for path in paths})
    assert sorted(_leaves(freeze_object(call.body["marketingSettings"]), "")) == sorted(paths)


def _leaves(tree: JsonObject, above: str) -> list[str]:
    found: list[str] = []
    for key, value in tree.items():
        found += _leaves(value, f"{above}{key}.") if isinstance(value, JsonObject) else [above + key]
    return found


def _site() -> SiteRef:
    return SiteRef(SiteName("shop"), "id")
