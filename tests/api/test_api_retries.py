"""What is sent again, how often and after how long; and what is not."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime

import httpx
import pytest

from reconciler.api.errors import ApiError, ErrorKind
from reconciler.model.activities import CreateActivity, DeleteActivity, DesiredActivity, UpdateActivity
from reconciler.model.canonical import Digest
from reconciler.model.events import CalendarEvent, CreateEvent, DeleteEvent, DesiredEvent, EventId, UpdateEvent
from reconciler.model.marketing_plan import DeleteMarketingPlan, Generate, Regenerate
from reconciler.model.operations import Operation
from reconciler.model.outcomes import Done, NotDone, Pending, Unknown
from reconciler.model.posts import ActivityId, ClearPosts, GeneratePosts, PostId, RegeneratePosts
from reconciler.model.schedule import CancelPost, ReschedulePost, SchedulePost
from reconciler.model.settings import UpdateSettings
from reconciler.model.writes import FieldChange
from tests.api.bench import Bench, Step, ok, refused, remote

AT = datetime(2026, 12, 3, 9, tzinfo=UTC)
ACTIVITY, POST, NO_DIGEST = ActivityId("act-1"), PostId("post-1"), Digest("")

ONCE: list[Operation] = [
    Generate(),
    Regenerate(keyword_research=False),
    Regenerate(keyword_research=True),
    GeneratePosts(ACTIVITY, "t"),
    RegeneratePosts(ACTIVITY, "t"),
    CreateEvent(DesiredEvent("sale", date=AT)),
    CreateActivity(DesiredActivity("t", "d", AT, "BLOG")),
    SchedulePost(POST, ACTIVITY, "INSTAGRAM", NO_DIGEST),
    SchedulePost(POST, ACTIVITY, "INSTAGRAM", NO_DIGEST, at=AT),
    ReschedulePost(POST, ACTIVITY, "INSTAGRAM", NO_DIGEST, at=AT),
    CancelPost(POST, ACTIVITY, "INSTAGRAM"),
    ClearPosts(ACTIVITY, "t"),
    DeleteEvent(EventId("e-1"), "sale"),
    DeleteActivity(ACTIVITY, "t"),
    DeleteMarketingPlan(),
]
AGAIN: list[Operation] = [
    UpdateSettings((FieldChange("settings.toneOfVoice", None, "warm"),)),
    UpdateEvent(CalendarEvent(EventId("e-1"), "sale", date=AT), ()),
    UpdateActivity(ACTIVITY, "t", (FieldChange("title", "t", "u"),)),
]
UNCLEAR: list[Step] = [
    httpx.Response(500),
    httpx.Response(503, text="<html>busy</html>"),
    httpx.Response(504),
    httpx.ReadTimeout("slow"),
    httpx.ReadError("lost"),
    httpx.RemoteProtocolError("lost"),
    ConnectionResetError("lost"),
]
NOT_UNDERSTOOD: list[Step] = [
    httpx.Response(200, text='{"items": ['),
    httpx.Response(200, text="<html>"),
    httpx.Response(200),
    httpx.Response(204),
    httpx.Response(202, text="null"),
    httpx.Response(201, text="[]"),
    httpx.Response(200, json={"message": "no", "details": {"applicationError": {"code": "X"}}}),
]


def name(one: object) -> str:
    return type(one).__name__


@pytest.mark.parametrize("trouble", UNCLEAR, ids=range(len(UNCLEAR)))
@pytest.mark.parametrize("operation", ONCE, ids=name)
def test_what_must_happen_once_is_sent_once_after_an_unclear_answer(
    bench: Bench, operation: Operation, trouble: Step
) -> None:
    side = remote(trouble, ok())
    (outcome,) = asyncio.run(bench.client(side).writer().perform(bench.site, [operation]))
    assert isinstance(outcome, Unknown)
    assert len(side.requests) == 1


@pytest.mark.parametrize("trouble", NOT_UNDERSTOOD, ids=range(len(NOT_UNDERSTOOD)))
@pytest.mark.parametrize("operation", [*ONCE, *AGAIN], ids=name)
def test_rule_17_1_a_write_whose_answer_is_not_understood_has_happened_and_is_not_repeated(
    bench: Bench, operation: Operation, trouble: Step
) -> None:
    side = remote(trouble, ok())
    (outcome,) = asyncio.run(bench.client(side).writer().perform(bench.site, [operation]))
    assert isinstance(outcome, Unknown)
    assert outcome.accepted
    assert len(side.requests) == 1


@pytest.mark.parametrize("trouble", UNCLEAR, ids=range(len(UNCLEAR)))
@pytest.mark.parametrize("operation", AGAIN, ids=name)
def test_what_is_idempotent_is_sent_again(bench: Bench, operation: Operation, trouble: Step) -> None:
    side = remote(trouble, ok())
    (outcome,) = asyncio.run(bench.client(side).writer().perform(bench.site, [operation]))
    assert isinstance(outcome, Done)
    assert side.requests[0].content == side.requests[1].content


@pytest.mark.parametrize("operation", [*ONCE, *AGAIN], ids=name)
@pytest.mark.parametrize("trouble", [httpx.ConnectError("no"), httpx.ConnectTimeout("no"), refused(429)], ids=range(3))
def test_what_was_surely_refused_or_never_sent_is_sent_again(bench: Bench, operation: Operation, trouble: Step) -> None:
    answer: object = {}
    if isinstance(operation, SchedulePost):
        answer = {"items": [{"id": POST, "status": "SCHEDULED"}]} if operation.at is None else {"item": {"id": POST}}
    side = remote(trouble, ok(answer))
    (outcome,) = asyncio.run(bench.client(side).writer().perform(bench.site, [operation]))
    assert isinstance(outcome, Done | Pending)
    assert len(side.requests) == 2


@pytest.mark.parametrize(
    ("trouble", "attempts", "code"),
    [
        (httpx.ConnectError("no"), 3, "api-network-error"),
        (refused(429), 5, "api-throttled"),
        (refused(429, "PUBLISH_LIMIT_EXCEEDED"), 1, "api-throttled"),
        (refused(400), 1, "api-invalid"),
        (refused(428), 1, "api-precondition-failed"),
        (refused(403), 1, "api-forbidden"),
        (httpx.Response(403), 1, "api-forbidden"),
    ],
)
def test_a_write_that_fails_for_good_is_not_done(bench: Bench, trouble: Step, attempts: int, code: str) -> None:
    side = remote(trouble)
    (outcome,) = asyncio.run(bench.client(side).writer().perform(bench.site, [Generate()]))
    assert isinstance(outcome, NotDone)
    assert outcome.problem.code == code
    assert len(side.requests) == attempts


@pytest.mark.parametrize(
    "trouble", [*UNCLEAR, httpx.Response(200, text="<html>"), refused(429), httpx.Response(403, json={"message": ""})]
)
def test_reads_are_sent_again(bench: Bench, trouble: Step) -> None:
    side = remote(trouble, ok({"status": "ACTIVE"}))
    asyncio.run(bench.client(side).endpoints.marketing_plan(bench.site))
    assert len(side.requests) == 2
    assert len(bench.clock.slept) == 1


@pytest.mark.parametrize(
    ("trouble", "attempts", "kind"),
    [
        (httpx.Response(500), 5, ErrorKind.SERVER),
        (httpx.Response(501), 1, ErrorKind.SERVER),
        (httpx.ReadTimeout(""), 5, ErrorKind.NETWORK),
        (httpx.ConnectError("no route"), 3, ErrorKind.NETWORK),
        (refused(429), 5, ErrorKind.THROTTLED),
        (httpx.Response(403, json={"message": "", "details": {}}), 3, ErrorKind.FORBIDDEN),
        (refused(403), 1, ErrorKind.FORBIDDEN),
        (refused(404), 1, ErrorKind.NOT_FOUND),
        (httpx.Response(200, text="<html>"), 3, ErrorKind.UNREADABLE),
    ],
)
def test_a_read_gives_up_after_some_attempts(bench: Bench, trouble: Step, attempts: int, kind: ErrorKind) -> None:
    side = remote(trouble)
    with pytest.raises(ApiError) as caught:
        asyncio.run(bench.client(side).endpoints.marketing_plan(bench.site))
    assert caught.value.kind is kind
    assert len(side.requests) == attempts


def test_the_pauses_grow_and_are_random(bench: Bench) -> None:
    with pytest.raises(ApiError):
        asyncio.run(bench.client(remote(httpx.Response(500))).endpoints.marketing_plan(bench.site))
    for pause, most in zip(bench.clock.slept, (0.5, 1.0, 2.0, 4.0), strict=True):
        assert 0 <= pause <= most
    assert len(set(bench.clock.slept)) == 4


@pytest.mark.parametrize(("header", "least"), [("30", 30.0), ("Mon, 23 Nov 2026 09:30:40 GMT", 40.0)])
def test_retry_after_is_honoured(bench: Bench, header: str, least: float) -> None:
    side = remote(refused(429, **{"retry-after": header}), ok({"status": "ACTIVE"}))
    asyncio.run(bench.client(side).endpoints.marketing_plan(bench.site))
    assert least <= sum(bench.clock.slept) <= least + 1


def test_a_retry_after_of_hours_is_not_waited_for(bench: Bench) -> None:
    side = remote(refused(429, **{"retry-after": "7200"}))
    with pytest.raises(ApiError) as caught:
        asyncio.run(bench.client(side).endpoints.marketing_plan(bench.site))
    assert caught.value.retry_after == 7200
    assert bench.clock.slept == []


def test_one_retry_after_holds_every_request_of_its_site(bench: Bench) -> None:
    side = remote(refused(429, **{"retry-after": "20"}), ok({"status": "ACTIVE", "language": "en"}))
    begun = bench.clock.at

    async def two() -> None:
        client = bench.client(side, parallelism=1)
        await asyncio.gather(client.endpoints.marketing_plan(bench.site), client.endpoints.settings(bench.site))

    asyncio.run(two())
    assert (bench.clock.at - begun).total_seconds() >= 20


def test_the_second_of_two_calls_failing_is_not_called_not_done(bench: Bench) -> None:
    side = remote(ok(), refused(400))
    both = ClearPosts(ACTIVITY, "t", stories=True)
    (outcome,) = asyncio.run(bench.client(side).writer().perform(bench.site, [both]))
    assert isinstance(outcome, Unknown)
    assert "succeeded, but the call after it failed" in outcome.problem.message
