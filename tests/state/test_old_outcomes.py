"""Outcomes that a record and a journal hold as sentences, as the first of this version wrote them."""

from __future__ import annotations

import asyncio
import json
from datetime import UTC, datetime
from typing import Any

import pytest

from reconciler.model.canonical import Json, freeze
from reconciler.model.codec import to_json
from reconciler.model.diagnostics import Diagnostic
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


def test_why_an_outcome_is_unknown_was_a_sentence_and_is_read_as_a_problem() -> None:
    found = record({**ENTRY, "unknown": "the connection was lost"}, {**ENTRY, "id": "other"}).recorded.open
    assert [entry.unknown for entry in found] == [Diagnostic("outcome-unknown", "the connection was lost"), None]


@pytest.mark.parametrize(
    ("outcome", "left"),
    [
        (
            '{"kind":"unknown","detail":"the connection was lost","requestId":"r-7","accepted":false}',
            [(False, Diagnostic("outcome-unknown", "the connection was lost", request_id="r-7"))],
        ),
        (
            '{"kind":"unknown","detail":"","requestId":null,"accepted":true}',
            [(False, Diagnostic("outcome-unknown", "the answer was unclear"))],
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
    outcome: str, left: list[tuple[bool, Diagnostic | None]]
) -> None:
    line = f'{{"kind":"ended","id":"{ENTRY["id"]}","outcome":{outcome}}}'.encode()
    found = replayed(record(ENTRY), Log((line,), len(line)), "journals/3f0c2a9e.jsonl")
    assert [(entry.sent, entry.unknown) for entry in found.open] == left


def test_the_ledger_of_a_run_is_read_with_problems_where_it_had_sentences() -> None:
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
