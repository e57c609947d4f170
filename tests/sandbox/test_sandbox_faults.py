"""Scripted faults, in process and over HTTP."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import httpx
import pytest

from reconciler.sandbox.app import Seen
from reconciler.sandbox.faults import Dropped, FaultError
from tests.sandbox.remote import OTHER, PLAN, SITE, Remote

Json = dict[str, Any]
GENERATE = f"{PLAN}/marketing-plan/generate-marketing-plan"
SETTINGS = f"{PLAN}/marketing-settings"


def fault(kind: str, route: str = "*", **do: Any) -> Json:
    return {"route": route, "times": 1, "do": {"kind": kind, **do}}


@pytest.mark.parametrize("retry_after", [None, 7, "Wed, 21 Oct 2026 07:28:00 GMT"])
@pytest.mark.parametrize("body", ["json", "empty", "html"])
def test_throttling_with_and_without_retry_after(remote: Remote, retry_after: object, body: str) -> None:
    do: Json = {"body": body} | ({} if retry_after is None else {"retryAfter": retry_after})
    remote.sandbox.add_fault(fault("throttle", **do))
    answer = remote.ask("POST", GENERATE, {})
    assert answer.status_code == 429
    assert answer.headers.get("retry-after") == (None if retry_after is None else str(retry_after))
    assert answer.headers["x-wix-request-id"]
    match body:
        case "json":
            assert answer.json()["details"]["applicationError"]["code"] == "RESOURCE_EXHAUSTED"
        case "html":
            assert answer.headers["content-type"].startswith("text/html")
            assert answer.text.startswith("<!DOCTYPE html>")
        case _:
            assert answer.content == b""
    assert remote.plan()["status"] == "NEVER_CREATED"


@pytest.mark.parametrize("status", [500, 503, 504])
def test_a_server_error_is_empty_by_design(remote: Remote, status: int) -> None:
    remote.sandbox.add_fault(fault("error", status=status))
    answer = remote.ask("GET", SETTINGS)
    assert (answer.status_code, answer.content) == (status, b"")
    assert remote.ask("GET", SETTINGS).status_code == 200


def test_a_throttle_may_look_like_a_403(remote: Remote) -> None:
    remote.sandbox.add_fault(fault("forbidden"))
    assert remote.get(SETTINGS, status=403) == {"message": "", "details": {}}


@pytest.mark.parametrize(("kind", "status"), [("drop-before", "NEVER_CREATED"), ("drop-after", "GENERATING")])
def test_a_lost_connection_is_a_transport_error(remote: Remote, kind: str, status: str) -> None:
    remote.sandbox.add_fault(fault(kind, "POST /marketing-plan/generate-marketing-plan"))
    with pytest.raises(httpx.TransportError):
        remote.post(GENERATE)
    assert remote.plan()["status"] == status
    assert remote.sandbox.requests()[0]["fault"] == kind


def test_a_lost_connection_is_a_connection_error_in_process() -> None:
    assert issubclass(Dropped, ConnectionError)


def test_an_answer_may_be_cut_in_half(remote: Remote) -> None:
    remote.sandbox.add_fault(fault("truncated"))
    answer = remote.ask("POST", GENERATE, {})
    assert answer.status_code == 200
    with pytest.raises(ValueError, match=r"Unterminated|Expecting|Invalid"):
        answer.json()
    remote.sandbox.add_fault(fault("truncated", connection=True))
    with pytest.raises(httpx.TransportError):
        remote.ask("GET", SETTINGS)
    assert remote.plan()["status"] == "GENERATING"


def test_an_error_may_hide_an_effect(remote: Remote) -> None:
    remote.sandbox.add_fault(fault("error-after", status=502, body="html"))
    assert remote.ask("POST", GENERATE, {}).status_code == 502
    assert remote.plan()["status"] == "GENERATING"


def test_slowness_is_waited_for(make: Callable[..., Remote]) -> None:
    waited: list[float] = []

    async def sleep(seconds: float) -> None:
        waited.append(seconds)

    remote = make({"latency": {"request": "50ms"}, "faults": [fault("slow", seconds=30)]}, sleep=sleep)
    remote.get(SETTINGS)
    remote.get(SETTINGS)
    assert waited == [0.05, 30, 0.05]


def test_some_posts_of_a_generation_may_never_come(make: Callable[..., Remote]) -> None:
    remote = make({"faults": [fault("partial", GENERATE, every=3)]})
    near = [
        each
        for each in remote.generate()
        if each["date"] < "2026-12-14" and each["marketingActivityType"] == "SOCIAL_MARKETING"
    ]
    assert ["items" in each for each in near] == [True, True, False] * 2
    missing = [each["marketingActivityId"] for each in near if "items" not in each]
    remote.sandbox.add_fault(fault("partial", "*generate-social-posts", every=2))
    remote.post(f"{PLAN}/marketing-plan/generate-social-posts", {"marketingActivityIds": missing})
    remote.later(5)
    assert sum("items" in each for each in remote.activities()) == 5


@pytest.mark.parametrize(("kind", "status"), [("failed", "FAILED"), ("never-finishes", "GENERATING")])
def test_one_generation_may_fail_or_never_end(make: Callable[..., Remote], kind: str, status: str) -> None:
    remote = make({"faults": [fault(kind, GENERATE)], "unknowns": {"generateWhileGenerating": "restart"}})
    remote.generate()
    assert remote.plan()["status"] == status
    assert remote.generate()


def test_a_fault_takes_the_requests_it_names(remote: Remote) -> None:
    remote.sandbox.add_fault(
        {"route": "get */marketing-sett*", "site": SITE.upper(), "skip": 1, "times": 2, "do": {"kind": "error"}}
    )
    other = {"authorization": "k", "wix-site-id": OTHER}
    assert remote.ask("GET", SETTINGS, headers=other).status_code == 200
    assert remote.plan() == {"status": "NEVER_CREATED"}
    assert [remote.ask("GET", SETTINGS).status_code for _ in range(4)] == [200, 500, 500, 200]
    remote.sandbox.add_fault({"do": {"kind": "error"}})
    assert [remote.ask("GET", SETTINGS).status_code for _ in range(3)] == [500, 500, 500]
    remote.sandbox.clear_faults()
    remote.get(SETTINGS)


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ({"route": "*"}, "do.kind"),
        ({"do": {"kind": "thottle"}}, "did you mean throttle?"),
        ({"do": {"kind": "slow", "second": 1}}, "'second'"),
        ({"do": {"kind": "slow", "seconds": "1"}}, "seconds"),
        ({"do": {"kind": "error", "body": "xml"}}, "body"),
        ({"do": {"kind": "error"}, "skip": -1}, "skip"),
        ({"do": {"kind": "error"}, "when": 1}, "'when'"),
        ("boom", "mapping"),
    ],
)
def test_a_fault_that_makes_no_sense_is_refused(remote: Remote, source: Any, words: str) -> None:
    with pytest.raises(FaultError, match=words.replace("?", r"\?")):
        remote.sandbox.add_fault(source)


def test_a_hook_is_called_around_the_effect(remote: Remote) -> None:
    seen: list[tuple[str, int | None, str]] = []

    def hook(request: Seen) -> None:
        plan = remote.sandbox.world()["sites"].get(SITE, {}).get("plan", {})
        seen.append((request.when, request.status, plan.get("status")))
        if request.when == "before":
            remote.sandbox.dashboard.patch_settings(SITE, {"settings.toneOfVoice": "meddled"})

    remote.sandbox.add_hook("POST *generate-marketing-plan", hook)
    remote.post(GENERATE)
    assert seen == [("before", None, None), ("after", 200, "GENERATING")]
    assert remote.get(SETTINGS)["marketingSettings"]["settings"]["toneOfVoice"] == "meddled"


def test_a_throttle_may_carry_the_publishers_code(remote: Remote) -> None:
    remote.sandbox.add_fault(fault("throttle", "*/publish-by-id", code="PUBLISH_LIMIT_EXCEEDED"))
    answer = remote.post("/social-publisher/v1/publish-by-id", {"id": SITE}, status=429)
    assert answer["details"]["applicationError"]["code"] == "PUBLISH_LIMIT_EXCEEDED"


def test_answers_may_hold_more_than_anyone_knows(make: Callable[..., Remote]) -> None:
    remote = make({"unknowns": {"addedFields": True}, "defaults": {"plan": "ACTIVE"}})
    plan = remote.plan()
    assert all("addedLater" in each for each in (plan, plan["marketingActivities"][0]["items"][0]["channel"]))
