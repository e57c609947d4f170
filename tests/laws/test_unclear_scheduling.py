"""Drafts that may have been scheduled, for as long as nobody can tell: nothing may lose or repeat them meanwhile."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from reconciler.model.verdict import Verdict
from tests.laws.published_shop import (
    FACEBOOK,
    activity,
    approve,
    blocked,
    code,
    details,
    item,
    results,
    sent,
    shop,
    statuses,
)
from tests.laws.whole_run import SITE_ID, WholeRun

DATE = "2026-12-05T09:00:00Z"
RULES: list[dict[str, Any]] = [{"match": {}}]
AT_A_TIME: list[dict[str, Any]] = [{"match": {}, "at": "08:30"}]

ways = pytest.mark.parametrize("rules", [RULES, AT_A_TIME], ids=["own time", "at"])


def slow_shop(root: Path, latency: str, rules: list[dict[str, Any]] = RULES, **seed: Any) -> WholeRun:
    """A shop with one approved draft, which reads as a draft for a while after it was scheduled."""
    run = shop(
        root,
        activity(1, DATE, item(FACEBOOK, "FACEBOOK")),
        rules=rules,
        unknowns={"scheduledFirst": "DRAFT"},
        latency={"posts": latency},
        **seed,
    )
    approve(run)
    return run


def ask_for_regeneration(run: WholeRun, **site: Any) -> None:
    """Makes the files ask for other settings, so that the marketing plan has to be generated again."""
    plan = {"state": "present", "regenerate": {"discard": "all"}}
    schedule = {"approval": "required", "rules": RULES}
    run.write({"settings": {"toneOfVoice": "dry"}, "marketingPlan": plan, "schedule": schedule, **site})


def was_sent(run: WholeRun, path: str) -> bool:
    """Whether a request was sent whose path contains this."""
    return any(path in request["path"] for request in run.requests())


@ways
def test_a_draft_that_was_accepted_and_still_reads_as_one_is_unknown(
    tmp_path: Path, rules: list[dict[str, Any]]
) -> None:
    run = slow_shop(tmp_path, "60s", rules)
    done = run.apply()
    assert (results(done), code(done)) == ({"2": "unknown"}, Verdict.INCOMPLETE)
    assert "the site still shows a draft; the post may yet go out" in details(done)
    assert list(blocked(run.plan())) == ["2"]
    assert run.apply().entries == ()
    assert len(sent(run)) == 1
    run.sandbox.advance(timedelta(minutes=2))
    run.apply()
    assert (statuses(run), run.plan().is_empty) == ({"2": "SCHEDULED"}, True)
    assert [call for call in sent(run) if call != "reschedule"] == sent(run)[:1]


def test_nothing_is_regenerated_while_a_scheduling_is_not_known(tmp_path: Path) -> None:
    run = slow_shop(tmp_path, "60s")
    run.apply()
    ask_for_regeneration(run)
    assert code(run.apply()) is Verdict.INCOMPLETE
    assert not was_sent(run, "regenerate")
    run.sandbox.advance(timedelta(minutes=2))
    run.apply()
    # Only now is it known to be waiting: it is cancelled before it loses its activity.
    assert (sent(run), was_sent(run, "regenerate-marketing-plan")) == (["schedule-drafts", "cancel"], True)
    assert run.sandbox.world()["sites"][SITE_ID]["items"][FACEBOOK]["item"]["status"] == "CANCELED"


@pytest.mark.parametrize("decision", ["discard", "regenerate"])
def test_no_decision_is_carried_out_while_a_scheduling_is_not_known(tmp_path: Path, decision: str) -> None:
    run = slow_shop(tmp_path, "60s")
    run.apply()
    file = run.root / "approvals" / "shop.yaml"
    text = file.read_text(encoding="utf-8")
    assert "decision: keep" in text
    file.write_text(text.replace("decision: keep", f"decision: {decision}"), encoding="utf-8")
    assert code(run.apply()) is Verdict.INCOMPLETE
    assert not was_sent(run, "clear-marketing-activity-posts")
    assert not was_sent(run, "regenerate-marketing-activity-posts")
    run.sandbox.advance(timedelta(minutes=2))
    run.apply()
    assert sent(run) == ["schedule-drafts", "cancel"]


def test_a_withdrawn_approval_is_reported_while_a_scheduling_is_not_known(tmp_path: Path) -> None:
    run = slow_shop(tmp_path, "60s")
    run.apply()
    (run.root / "approvals" / "shop.yaml").unlink()
    assert list(blocked(run.plan())) == ["2"]
    run.sandbox.advance(timedelta(minutes=2))
    assert code(run.apply()) is Verdict.SUCCEEDED
    assert statuses(run) == {"2": "CANCELED"}


def test_what_does_not_show_in_time_was_not_scheduled(tmp_path: Path) -> None:
    """After `poll.timeout`, what is read decides: the draft is scheduled again, with the same approval."""
    run = slow_shop(tmp_path, "20m")
    assert results(run.apply()) == {"2": "unknown"}
    assert run.apply().entries == ()
    run.sandbox.advance(timedelta(minutes=16))
    assert results(run.apply()) == {"2": "unknown"}
    assert sent(run) == ["schedule-drafts"] * 2
    run.sandbox.advance(timedelta(minutes=16))
    run.apply()
    assert (statuses(run), run.plan().is_empty) == ({"2": "SCHEDULED"}, True)


@pytest.mark.parametrize("when", ["before", "after"])
def test_a_lost_answer_is_waited_for_before_anything_else_is_decided(tmp_path: Path, when: str) -> None:
    run = slow_shop(tmp_path, "40s")
    run.sandbox.add_fault({"route": "POST *schedule-drafts", "times": 1, "do": {"kind": f"drop-{when}"}})
    done = run.apply()
    if when == "after":
        assert (results(done), statuses(run)) == ({"2": "done"}, {"2": "SCHEDULED"})
        return
    assert results(done) == {"2": "failed"}
    assert results(run.apply()) == {"2": "unknown"}
    assert sent(run) == ["schedule-drafts"] * 2
