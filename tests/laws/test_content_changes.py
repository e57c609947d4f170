"""Somebody else changes what was approved: before the run, during it, and at the very last moment.

What goes out is what was approved, or nothing; if the API leaves no way to be sure, it is found at once.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest

from reconciler.model.verdict import Verdict
from tests.laws.published_shop import (
    FACEBOOK,
    INSTAGRAM,
    SCHEDULING,
    activity,
    approve,
    blocked,
    code,
    details,
    item,
    live,
    once,
    results,
    sent,
    shop,
    statuses,
)
from tests.laws.whole_run import SITE_ID, WholeRun
from tests.told import told

OWN_TIME, RULE_TIME, MOVED = "own time", "time of the rule", "moved to the time of the rule"
timings = pytest.mark.parametrize("timing", [OWN_TIME, RULE_TIME, MOVED])
edits = pytest.mark.parametrize("edit", [{"caption": "Buy now!!"}, {"media": ["https://static.wixstatic.com/b.jpg"]}])


def reviewed(root: Path, timing: str) -> WholeRun:
    """A shop with two approved drafts of one activity, to go out at the API's own time, or at one that a rule gives.

    With MOVED, the remote side lacks the call that schedules for a time, so they are moved to it afterwards.
    """
    mugs = activity(1, "2026-12-03T09:00:00Z", item(INSTAGRAM, "INSTAGRAM"), item(FACEBOOK, "FACEBOOK"))
    run = shop(root, mugs, rules=[{"match": {}} if timing == OWN_TIME else {"match": {}, "at": "16:30"}])
    if timing == MOVED:
        run.sandbox.add_fault({"route": "POST *publish-by-id", "do": {"kind": "error", "status": 404}})
    approve(run)
    return run


def at_the_call(run: WholeRun, change: Callable[[], object]) -> None:
    """Changes something between the re-read of the drafts and the call that schedules the first of them."""
    left = [change]
    for route in SCHEDULING:
        once(run, route, "before", lambda: left.pop()() if left else None)


@timings
def test_what_was_approved_goes_out_once(tmp_path: Path, timing: str) -> None:
    run = reviewed(tmp_path, timing)
    done = run.apply()
    assert (results(done), code(done)) == ({"1": "done", "2": "done"}, Verdict.SUCCEEDED)
    assert statuses(run) == {"1": "SCHEDULED", "2": "SCHEDULED"}
    before = sent(run)
    assert run.plan().is_empty
    assert (run.apply().entries, sent(run)) == ((), before)


@timings
@edits
def test_an_edit_before_the_run_blocks_the_draft(tmp_path: Path, timing: str, edit: dict[str, object]) -> None:
    run = reviewed(tmp_path, timing)
    run.sandbox.dashboard.edit_item(SITE_ID, INSTAGRAM, **edit)  # type: ignore[arg-type]
    found = blocked(run.plan())
    assert list(found) == ["1"]
    assert found["1"].startswith('changed-after-approval: "Activity 1" (Instagram): changed after approval')
    assert "run review" in found["1"]
    done = run.apply()
    assert (results(done), code(done)) == ({"2": "done"}, Verdict.SUCCEEDED)
    assert statuses(run) == {"1": "DRAFT", "2": "SCHEDULED"}
    approve(run)
    assert results(run.apply()) == {"1": "done"}
    assert live(run)[INSTAGRAM].status == "SCHEDULED"


@timings
@edits
def test_an_edit_between_plan_and_re_read_leaves_the_draft_alone(
    tmp_path: Path, timing: str, edit: dict[str, object]
) -> None:
    run = reviewed(tmp_path, timing)
    once(run, "GET *features", "after", lambda: run.sandbox.dashboard.edit_item(SITE_ID, INSTAGRAM, **edit))  # type: ignore[arg-type]
    done = run.apply()
    assert (results(done), code(done)) == ({"1": "skipped", "2": "done"}, Verdict.INCOMPLETE)
    assert "content has changed since the plan" in details(done)
    assert statuses(run) == {"1": "DRAFT", "2": "SCHEDULED"}


@timings
@edits
def test_an_edit_between_re_read_and_call_is_found_and_reported_loudly(
    tmp_path: Path, timing: str, edit: dict[str, object]
) -> None:
    run = reviewed(tmp_path, timing)
    at_the_call(run, lambda: run.sandbox.dashboard.edit_item(SITE_ID, INSTAGRAM, **edit))  # type: ignore[arg-type]
    done = run.apply()
    assert (results(done), code(done)) == ({"1": "failed", "2": "done"}, Verdict.FAILED)
    (said,) = [told(entry) for entry in done.entries if entry.address.key == INSTAGRAM]
    assert "no longer matched" in said
    assert said.endswith("it was cancelled at once; review it again")
    assert statuses(run) == {"1": "CANCELED", "2": "SCHEDULED"}
    assert run.plan().is_empty


@timings
@edits
@pytest.mark.parametrize("reviewed_since", [False, True])
def test_what_was_edited_after_it_was_scheduled_is_cancelled(
    tmp_path: Path, timing: str, edit: dict[str, object], reviewed_since: bool
) -> None:
    """Also once a review has set the decision back to pending; approving the new content keeps it."""
    run = reviewed(tmp_path, timing)
    run.apply()
    run.sandbox.dashboard.edit_item(SITE_ID, INSTAGRAM, **edit)  # type: ignore[arg-type]
    if reviewed_since:
        approve(run, FACEBOOK)
    (cancel,) = run.plan().actions
    assert (cancel.operation.verb, cancel.address.key) == ("cancel", INSTAGRAM)
    decided = (run.root / "approvals" / "shop.yaml").read_text(encoding="utf-8")
    approve(run)
    assert run.plan().is_empty
    (run.root / "approvals" / "shop.yaml").write_text(decided, encoding="utf-8")
    run.allow_publish = False  # cancelling what nobody approved needs no more than approval of the plan
    run.apply()
    assert statuses(run) == {"1": "CANCELED", "2": "SCHEDULED"}


@timings
def test_a_channel_that_was_disconnected_meanwhile_is_skipped(tmp_path: Path, timing: str) -> None:
    run = reviewed(tmp_path, timing)
    at_the_call(run, lambda: run.sandbox.dashboard.disconnect(SITE_ID, "INSTAGRAM"))
    done = run.apply()
    assert (results(done), code(done)) == ({"1": "skipped", "2": "done"}, Verdict.INCOMPLETE)
    assert "connected" in details(done)
    assert statuses(run) == {"1": "DRAFT", "2": "SCHEDULED"}
    (one,) = run.plan().blocked
    assert (one.code, "connect Instagram" in one.fix) == ("channel-not-connected", True)
    run.sandbox.dashboard.set_channel(SITE_ID, "INSTAGRAM")
    assert results(run.apply()) == {"1": "done"}


@timings
def test_a_feature_that_was_lost_meanwhile_is_final(tmp_path: Path, timing: str) -> None:
    run = reviewed(tmp_path, timing)
    at_the_call(run, lambda: run.sandbox.dashboard.set_premium(SITE_ID, "free"))
    done = run.apply()
    assert (results(done), code(done)) == ({"1": "skipped", "2": "skipped"}, Verdict.INCOMPLETE)
    assert set(statuses(run).values()) == {"DRAFT"}
    refused = [request for request in run.requests() if request["status"] == 428]
    assert len({request["body"] for request in refused}) == len(refused), "a 428 is never tried again"
    assert {problem.code for problem in run.plan().blocked} == {"feature-missing"}
    assert run.apply().entries == ()


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda run: run.sandbox.dashboard.delete_item(SITE_ID, INSTAGRAM), "gone"),
        (
            lambda run: run.sandbox.dashboard.schedule_item(SITE_ID, INSTAGRAM, "2026-12-04T10:00:00.000Z"),
            "SCHEDULED now",
        ),
    ],
    ids=["deleted", "scheduled by hand"],
)
def test_a_draft_that_is_no_longer_one_is_not_sent(
    tmp_path: Path, change: Callable[[WholeRun], object], says: str
) -> None:
    run = reviewed(tmp_path, OWN_TIME)
    once(run, "GET *features", "after", lambda: change(run))
    done = run.apply()
    assert (results(done), code(done)) == ({"1": "skipped", "2": "done"}, Verdict.INCOMPLETE)
    assert says in details(done)
    bodies = [request["body"] for request in run.requests() if request["path"].endswith("schedule-drafts")]
    assert bodies
    assert not any(INSTAGRAM in body for body in bodies)


@timings
@pytest.mark.parametrize("status", ["CANCELED", "DRAFT"])
def test_what_people_cancelled_needs_a_new_approval(tmp_path: Path, timing: str, status: str) -> None:
    run = reviewed(tmp_path, timing)
    run.apply()
    before = sent(run)
    run.sandbox.edit(SITE_ID, lambda found, _now, _seed: found.items[INSTAGRAM]["item"].update(status=status))
    run.sandbox.advance(timedelta(hours=1))
    assert blocked(run.plan())["1"].startswith("cancelled-after-approval: ")
    done = run.apply()
    assert (done.entries, code(done), sent(run)) == ((), Verdict.SUCCEEDED, before)
    assert statuses(run) == {"1": status, "2": "SCHEDULED"}
