"""Outcomes that a record and a journal hold as sentences, as the first runs of this version wrote them."""

from __future__ import annotations

import asyncio
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from reconciler.api.errors import ErrorKind
from reconciler.model.canonical import Json, freeze
from reconciler.model.codec import from_json, to_json
from reconciler.model.diagnostics import Diagnostic
from reconciler.model.failures import MEANINGS, Failure
from reconciler.model.notes import CallEnded, ended
from reconciler.model.outcomes import NotDone, Unknown
from reconciler.model.posts import PostId
from reconciler.model.requests import SentRequest
from reconciler.model.sites import RecordedSite
from reconciler.planner.unstopped import failed_cancel, tried_key, why_not_cancelled
from reconciler.state.journal import replayed
from reconciler.state.ledger import RunLedgers
from reconciler.state.memory import MemoryStore
from reconciler.state.record import SiteRecord, decode
from reconciler.state.store import Log

ENTRY: dict[str, Any] = {
    "id": "4fcd607c6ea6b911",
    "address": "shop/marketing-plan",
    "operation": {"kind": "generate"},
    "startedAt": "2026-11-02T09:00:00Z",
    "before": {"known": [], "status": "ACTIVE", "posts": [], "settings": [], "contents": []},
    "decided": None,
    "sent": False,
    "unknown": "",
}
LISTS = (
    *("eventIds", "foreignCalendars", "foreignEvents", "sets", "created", "createdEvents", "published", "outcomes"),
    *("spent", "unkept", "consumed", "objects"),
)

GOING_OUT: dict[str, Any] = {
    "address": "shop/draft[p1]",
    "post": "p1",
    "channel": "INSTAGRAM",
    "type": "POST",
    "title": "Kiln day",
    "account": None,
    "accountName": None,
    "moment": "2026-11-03T09:00:00Z",
    "reason": "withdrawn",
    "because": [],
    "obstacle": "access was refused",
    "stop": "cancel it in the site's dashboard",
    "problem": None,
}
"""As the first ledgers of runs have it."""
FAILED = {"message": "access was refused (POST /items answered 403)", "fix": "ask", "requestId": "r-3"}


def record(*entries: dict[str, Any]) -> SiteRecord:
    recorded: dict[str, Any] = {"known": True, "generatedFrom": None, "pending": None, "open": list(entries)}
    recorded |= {"applied": {"settings": [], "events": []}} | {name: [] for name in LISTS}
    document = {
        "site": {"id": "3f0c2a9e-8d0b-4b7c-9a55-0c5a6f9a1e01", "name": "shop"},
        "recorded": recorded,
        "continued": True,
        "written": "e18d4847dfe7acdb-995-1",
        "formatVersion": 2,
    }
    return decode(json.dumps(document).encode(), "records/3f0c2a9e.json")


def test_why_an_outcome_is_unknown_was_a_sentence_and_is_read_as_a_failure() -> None:
    found = record({**ENTRY, "unknown": "the connection was lost"}, {**ENTRY, "id": "other"}).recorded.open
    assert [entry.unknown for entry in found] == [Failure("outcome-unknown"), None]


@pytest.mark.parametrize(
    ("outcome", "left"),
    [
        (
            '{"kind":"unknown","detail":"the connection was lost","requestId":"r-7","accepted":false}',
            [(False, Failure("outcome-unknown", request_id="r-7"))],
        ),
        (
            '{"kind":"unknown","detail":"","requestId":null,"accepted":true}',
            [(False, Failure("outcome-unknown"))],
        ),
        (
            '{"kind":"not-done","detail":"PATCH /settings answered 403: no; ask (request id r-8)","final":false,'
            '"skipped":false,"requestId":"r-8","code":"NOPE","missing":false}',
            [],
        ),
        ('{"kind":"pending","detail":"the marketing plan is GENERATING","requestId":"r-9"}', [(True, None)]),
        ('{"kind":"done","created":"a1","detail":"the answer names no id","requestId":"r-10"}', []),
    ],
    ids=["unknown", "unclear", "not-done", "pending", "done"],
)
def test_the_notes_of_a_journal_are_read_as_they_were_written(
    outcome: str, left: list[tuple[bool, Failure | None]]
) -> None:
    line = f'{{"kind":"ended","id":"{ENTRY["id"]}","outcome":{outcome}}}'.encode()
    found = replayed(record(ENTRY), Log((line,), len(line)), "journals/3f0c2a9e.jsonl")
    assert [(entry.sent, entry.unknown) for entry in found.open] == left


def test_the_ledger_of_a_run_is_read_with_problems_if_it_had_sentences() -> None:
    entry = {"address": "shop/settings", "verb": "update"}
    site = {
        "site": "shop",
        "stillGoingOut": [GOING_OUT, {**GOING_OUT, "problem": {"code": "api-forbidden", "severity": "error"} | FAILED}],
        "entries": [
            {**entry, "result": "done", "detail": "", "requestId": "r-1"},
            {**entry, "result": "failed", "detail": "PATCH /settings answered 403; ask", "requestId": "r-2"},
            {**entry, "result": "not-started", "detail": "the run was stopped", "requestId": None},
        ],
        "notes": ["the marketing plan is ACTIVE, but no activity has posts"],
        "error": None,
        "interrupted": False,
    }

    async def body() -> Json | None:
        store = MemoryStore()
        ledger = freeze({"command": "apply", "interrupted": False, "exitCode": 1, "sites": [site]})
        runs = RunLedgers(store)
        return await runs.read(await runs.write(datetime(2026, 11, 2, 9, tzinfo=UTC), ledger))

    found = json.loads(to_json(asyncio.run(body())))["sites"][0]
    assert found["entries"] == [
        {**entry, "result": "done", "requestId": "r-1"},
        {
            **entry,
            "result": "failed",
            "requestId": "r-2",
            "problem": {
                "code": "failed",
                "severity": "error",
                "message": "PATCH /settings answered 403; ask",
                "address": "shop/settings",
                "requestId": "r-2",
            },
        },
        {
            **entry,
            "result": "not-started",
            "problem": {
                "code": "not-started",
                "severity": "warning",
                "message": "the run was stopped",
                "address": "shop/settings",
            },
        },
    ]
    facts = {name: GOING_OUT[name] for name in GOING_OUT if name not in ("obstacle", "stop", "problem")}
    told = {"severity": "error", "message": GOING_OUT["obstacle"]}
    stop = GOING_OUT["stop"]
    assert found["stillGoingOut"] == [
        {**facts, "problem": {**told, "code": "no-effect", "fix": stop}},
        {**facts, "problem": {**told, "code": "api-forbidden", "fix": f"ask; or {stop}", "requestId": "r-3"}},
    ]
    note = "the marketing plan is ACTIVE, but no activity has posts"
    assert found["notes"] == [{"code": "note", "severity": "note", "message": note}]


WRITTEN = Path(__file__).parent / "format_2"
"""A state, byte for byte as it was written while journal and record had problems with their messages."""

SERVER = SentRequest("POST", "/marketing-plan/generate-marketing-plan", 503)


def test_a_state_with_problems_in_words_is_read_as_facts() -> None:
    (place,) = (WRITTEN / "records").iterdir()
    (log,) = (WRITTEN / "journals").iterdir()
    stored = decode(place.read_bytes(), place.name)
    lines = tuple(log.read_bytes().splitlines())
    found = replayed(stored, Log(lines, log.stat().st_size), log.name)
    lost = Failure("api-server-error", SERVER, "r-7")
    assert [(entry.call, entry.sent, entry.unknown) for entry in found.open] == [
        ("generate", False, lost),
        ("cancel-post", False, lost),
        ("cancel-post", True, None),
    ]
    assert lost.problem().message == "the server failed (POST /marketing-plan/generate-marketing-plan answered 503)"
    closed = replace(found, open=())
    tried = why_not_cancelled(closed, PostId("d1"))
    assert tried is not None
    assert (tried.code, tried.request_id) == ("api-forbidden", "r-3")
    assert "access was refused (POST /bulk/cancel answered 403 NOPE)" in tried.message


def test_what_is_written_now_has_no_words() -> None:
    problem = Diagnostic("api-forbidden", "access was refused: secret words", "ask", request_id="r-3")
    asked = SentRequest("POST", "/bulk/cancel", 403, "NOPE")
    for outcome in (NotDone(problem, asked=asked), Unknown(problem, asked=asked)):
        note = to_json(ended("1", outcome))
        assert b"words" not in note
        assert from_json(CallEnded, note) == ended("1", outcome)
    facts = failed_cancel(Failure.of(problem, asked))
    recorded = RecordedSite(objects=((tried_key(PostId("p1")), facts),))
    assert b"words" not in to_json(recorded)
    tried = why_not_cancelled(recorded, PostId("p1"))
    assert tried is not None
    said = "cancelling it failed before (access was refused); apply tries again (POST /bulk/cancel answered 403 NOPE)"
    assert (tried.code, tried.message, tried.request_id) == ("api-forbidden", said, "r-3")


def test_every_kind_of_error_has_a_meaning() -> None:
    assert {f"api-{kind}" for kind in ErrorKind} <= MEANINGS.keys()
