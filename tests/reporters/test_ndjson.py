"""The NDJSON format: one line per event, as it happens, and the end in the last line."""

from __future__ import annotations

import io
import json
from datetime import timedelta
from typing import Any

import pytest

from reconciler.engine.site_results import Progressed
from reconciler.executor.events import EntryResolved, StillUnclear, StillWaiting, WaitingForLock
from reconciler.model.address import Address, Kind, SiteName
from reconciler.model.codec import members_of
from reconciler.model.journal import OpenEntry
from reconciler.model.marketing_plan import Generate
from reconciler.model.sites import SiteRef
from reconciler.reporters.context import ReporterContext
from reconciler.reporters.ndjson import NdjsonReporter, progress_record
from tests.reporters.endings import AT, Run, a_lock, endings
from tests.told import refused

RUNS = dict(endings(str))


def lines(run: Run) -> list[dict[str, Any]]:
    out = io.StringIO()
    reporter = NdjsonReporter(ReporterContext(run.command, out.write))
    for event in run.events:
        reporter.handle(event)
    return [json.loads(line) for line in out.getvalue().splitlines()]


@pytest.mark.parametrize("name", RUNS)
def test_the_first_line_and_the_last_are_always_there(name: str) -> None:
    run = RUNS[name]
    found = lines(run)
    assert found[0] == {"event": "report", "formatVersion": 1, "command": run.command}
    assert found[-1]["event"] == "ended"
    assert found[-1]["exitCode"] == getattr(run.events[-1], "exit_code")  # noqa: B009 - an Ended, always
    assert [line["event"] for line in found].count("ended") == 1


@pytest.mark.parametrize("name", RUNS)
def test_every_event_is_reported_when_it_happens(name: str) -> None:
    run, out = RUNS[name], io.StringIO()
    reporter = NdjsonReporter(ReporterContext(run.command, out.write))
    for event in run.events:
        before = out.tell()
        reporter.handle(event)
        assert out.tell() > before, event


def test_a_plan() -> None:
    found = lines(RUNS["changes"])
    assert [line["event"] for line in found] == [
        *("report", "run-started", "phase-started", "site-started", "site-planned", "site-planned"),
        *("plan-completed", "ended"),
    ]
    assert found[4]["site"] == "shop"
    assert len(found[4]["actions"]) == 4
    assert (found[-1]["outcome"], found[-1]["summary"]["add"]) == ("plan-completed", 1)


def test_an_apply_reports_each_site_once() -> None:
    found = lines(RUNS["every result"])
    applied = [line for line in found if line["event"] == "site-applied"]
    assert [line["site"] for line in applied] == ["shop", "other"]
    assert [entry["result"] for entry in applied[0]["entries"]] == ["done", "failed", "pending", "withheld"]
    assert [line for line in found if "ledger" in line] == []
    assert found[-1]["applied"]["failed"] == 3  # an action, a site that was given up, and one that could not be read
    assert found[-1]["summary"]["failed"] == 1


@pytest.mark.parametrize(
    ("name", "event"),
    [("no site could be read", "site-failed"), ("an apply that its only site refuses", "site-planned")],
)
def test_a_site_at_which_nothing_is_done_has_one_line(name: str, event: str) -> None:
    found = [line for line in lines(RUNS[name]) if "site" in line and line["event"] != "site-started"]
    assert [line["event"] for line in found] == [event]


def test_problems_of_files_are_objects() -> None:
    (told,) = [line for line in lines(RUNS["validate of bad files"]) if line["event"] == "files-invalid"]
    assert told["problems"][0]["line"] == 3
    assert told["problems"][0]["file"] == "sites/a.yaml"


def test_progress_says_what_is_done() -> None:
    (told,) = [line for line in lines(RUNS["applied"]) if line["event"] == "progressed"]
    assert told == {
        **{"event": "progressed", "site": "shop", "step": "started"},
        **{"address": "shop/settings", "verb": "update"},
    }


def test_how_an_earlier_call_ended_has_a_name() -> None:
    name = SiteName("shop")
    site, entry = SiteRef(name, "1"), OpenEntry("59e9", Address(name, Kind.MARKETING_PLAN), Generate(), AT)
    told = members_of(progress_record(Progressed(name, EntryResolved(site, entry, refused("no effect observed")))))
    assert told == {"step": "resolved", "address": "shop/marketing-plan", "id": "59e9", "outcome": "not-done"}
    checking = members_of(progress_record(Progressed(name, StillUnclear(site, 5, 59.0))))
    assert checking == {"step": "checking", "calls": 5, "seconds": 59.0}
    lock = a_lock(name)
    locked = members_of(progress_record(Progressed(name, WaitingForLock(site, lock, timedelta(minutes=2)))))
    assert (locked["step"], locked["timeoutSeconds"]) == ("waiting-for-lock", 120.0)
    assert (locked["lock"]["user"], locked["lock"]["host"], locked["lock"]["ended"]) == ("ana", "ci-7", False)
    assert "token" not in locked["lock"]
    waiting = members_of(progress_record(Progressed(name, StillWaiting(site, AT, timedelta(minutes=5), left=2))))
    assert waiting == {"step": "waiting", "since": "2026-12-03T08:30:00Z", "timeoutSeconds": 300.0, "left": 2}


def test_the_names_of_the_lines_are_known() -> None:
    """Programs rely on them: if one is removed or renamed, that is a new version of the format."""
    told = {line["event"] for run in RUNS.values() for line in lines(run)}
    assert told == {
        *("version-shown", "schema-shown", "script-shown", "starter-file", "starter-written"),
        *("sandbox-ready", "sandbox-stopped", "sandbox-reset", "sandbox-shown"),
        "report",
        "run-started",
        "phase-started",
        "plan-loaded",
        "notice",
        "site-started",
        "progressed",
        "lock-found",
        "parts-merged",
        "project-examined",
        "site-examined",
        "site-imported",
        "import-completed",
        "doctor-completed",
        "files-checked",
        "site-planned",
        "site-drifted",
        "site-reviewed",
        "site-not-reviewed",
        "site-applied",
        "site-history",
        "site-failed",
        "site-listed",
        "plan-completed",
        "apply-completed",
        "drift-completed",
        "review-completed",
        "validated",
        "decided",
        "history-listed",
        "state-listed",
        "state-shown",
        "lock-removed",
        "call-resolved",
        "record-changed",
        "refused",
        "files-invalid",
        "run-failed",
        "interrupted",
        "ended",
    }
