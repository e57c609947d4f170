"""When posts go out, over whole runs: the site's wall clock through its changes, and what the policy forbids."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Any

import pytest

from reconciler.model.moments import moment_text
from reconciler.model.policy import Policy, QuietHours
from reconciler.model.verdict import Verdict
from reconciler.planner.drift_report import DriftState
from tests.laws.published_shop import (
    FACEBOOK,
    INSTAGRAM,
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
    times,
)
from tests.laws.test_drift_runs import audit
from tests.laws.whole_run import SITE_ID, WholeRun
from tests.told import told

PARIS = {"timeZone": "Europe/Paris"}


def in_paris(root: Path, day: str, at: str, clock: str, **values: Any) -> WholeRun:
    """A shop in Paris with one approved draft on this day, to go out at this wall time."""
    run = shop(
        root,
        activity(1, day, item(FACEBOOK, "FACEBOOK", **values)),
        rules=[{"match": {}, "at": at}],
        world=PARIS,
        clock=clock,
    )
    approve(run)
    return run


ways = pytest.mark.parametrize("way", ["at once", "moved"])
"""How a draft gets its time: with the call that schedules it, or by moving it if there is no such call."""


def reach(run: WholeRun, way: str) -> None:
    if way == "moved":
        run.sandbox.add_fault({"route": "POST *publish-by-id", "do": {"kind": "error", "status": 404}})


@pytest.mark.parametrize(
    ("day", "at", "clock", "instant"),
    [
        # The clocks go forward on 28 March 2027 at 02:00, which becomes 03:00.
        ("2027-03-27T12:00:00Z", "09:30", "2027-03-20T09:00:00Z", "2027-03-27T08:30:00.000Z"),
        ("2027-03-28T12:00:00Z", "09:30", "2027-03-20T09:00:00Z", "2027-03-28T07:30:00.000Z"),
        ("2027-03-28T12:00:00Z", "02:30", "2027-03-20T09:00:00Z", "2027-03-28T01:30:00.000Z"),
        ("2027-03-28T12:00:00Z", "01:59", "2027-03-20T09:00:00Z", "2027-03-28T00:59:00.000Z"),
        ("2027-03-28T12:00:00Z", "03:00", "2027-03-20T09:00:00Z", "2027-03-28T01:00:00.000Z"),
        # They go back on 31 October 2027 at 03:00, which becomes 02:00; a time that occurs twice means the first.
        ("2027-10-30T12:00:00Z", "09:30", "2027-10-20T09:00:00Z", "2027-10-30T07:30:00.000Z"),
        ("2027-10-31T12:00:00Z", "09:30", "2027-10-20T09:00:00Z", "2027-10-31T08:30:00.000Z"),
        ("2027-10-31T12:00:00Z", "02:30", "2027-10-20T09:00:00Z", "2027-10-31T00:30:00.000Z"),
        # An activity late in the evening UTC is on the next day in Paris.
        ("2026-10-24T22:30:00Z", "09:30", "2026-10-20T09:00:00Z", "2026-10-25T08:30:00.000Z"),
        ("2026-10-24T21:30:00Z", "09:30", "2026-10-20T09:00:00Z", "2026-10-24T07:30:00.000Z"),
    ],
)
def test_a_wall_time_is_the_right_instant_through_the_changes_of_the_clock(
    tmp_path: Path, day: str, at: str, clock: str, instant: str
) -> None:
    run = in_paris(tmp_path, day, at, clock)
    done = run.apply()
    assert sent(run) == ["schedule-drafts", "reschedule"]
    assert (results(done), code(done), times(run)) == ({"2": "done"}, Verdict.SUCCEEDED, {"2": instant})
    assert run.plan().is_empty
    assert (run.apply().entries, sent(run), times(run)) == ((), ["schedule-drafts", "reschedule"], {"2": instant})


@ways
@pytest.mark.parametrize("clock", ["2027-03-28T10:30:00Z", "2027-03-28T13:00:00Z"])
def test_a_post_whose_own_time_is_near_or_past_never_has_it(tmp_path: Path, clock: str, way: str) -> None:
    """Not even briefly, before a move to its rule's time: if no call schedules it for that one, it stays a draft."""
    run = in_paris(tmp_path, "2027-03-28T12:00:00Z", "18:00", clock)
    reach(run, way)
    done = run.apply()
    assert "schedule-drafts" not in sent(run)
    if way == "moved":
        assert (results(done), times(run), code(done)) == ({"2": "skipped"}, {}, Verdict.INCOMPLETE)
        return
    assert (results(done), times(run)) == ({"2": "done"}, {"2": "2027-03-28T16:00:00.000Z"})
    assert run.plan().is_empty


def test_another_wall_time_in_the_file_moves_what_is_scheduled(tmp_path: Path) -> None:
    run = in_paris(tmp_path, "2027-03-28T12:00:00Z", "09:30", "2027-03-20T09:00:00Z")
    run.apply()
    run.write({"schedule": {"approval": "required", "rules": [{"match": {}, "at": "18:00"}]}})
    assert results(run.apply()) == {"2": "done"}
    assert (sent(run)[-1], times(run)) == ("reschedule", {"2": "2027-03-28T16:00:00.000Z"})
    before = sent(run)
    assert (run.apply().entries, sent(run)) == ((), before)


def test_a_run_that_ends_before_the_move_is_finished_by_the_next(tmp_path: Path) -> None:
    run = in_paris(tmp_path, "2027-03-28T12:00:00Z", "09:30", "2027-03-20T09:00:00Z")
    run.sandbox.add_fault({"route": "POST *reschedule", "times": 1, "do": {"kind": "error", "status": 428}})
    done = run.apply()
    assert (results(done), code(done)) == ({"2": "skipped"}, Verdict.INCOMPLETE)
    assert told(done.entries[0]).startswith("moving it failed: ")
    assert [moment_text(entry.goes_out, "Europe/Paris") for entry in done.entries if entry.goes_out] == [
        "Sun 2027-03-28 14:00 Europe/Paris"
    ]
    assert results(run.apply()) == {"2": "done"}
    assert (times(run), sent(run).count("schedule-drafts")) == ({"2": "2027-03-28T07:30:00.000Z"}, 1)
    assert run.plan().is_empty


def test_what_the_api_scheduled_at_its_own_time_is_moved_to_the_rules(tmp_path: Path) -> None:
    run = in_paris(tmp_path, "2027-03-28T12:00:00Z", "09:30", "2027-03-20T09:00:00Z")
    run.write({"schedule": {"approval": "required", "rules": [{"match": {}}]}})
    run.apply()
    assert times(run) == {"2": "2027-03-28T12:00:00.000Z"}
    run.write({"schedule": {"approval": "required", "rules": [{"match": {}, "at": "09:30"}]}})
    assert results(run.apply()) == {"2": "done"}
    assert times(run) == {"2": "2027-03-28T07:30:00.000Z"}


def test_a_moment_is_too_late_by_the_wall_clock_of_the_site(tmp_path: Path) -> None:
    """At 01:15 UTC on the day the clocks go forward, it is 03:15 in Paris: 03:30 is ahead, 03:05 has passed."""
    policy = Policy(min_lead=timedelta(minutes=10))
    run = in_paris(tmp_path, "2027-03-28T12:00:00Z", "03:30", "2027-03-28T01:15:00Z")
    assert not run.plan(policy=policy).blocked
    assert (
        "due in 15 min, within policy.minLead (2h, reconciler.yaml)"
        in blocked(run.plan(policy=Policy(min_lead=timedelta(hours=2))))["2"]
    )
    run.write({"schedule": {"approval": "required", "rules": [{"match": {}, "at": "03:05"}]}})
    assert "its time has passed" in blocked(run.plan(policy=policy))["2"]
    assert run.apply(policy=policy).entries == ()


# --- policy ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("policy", "at", "values", "says"),
    [
        (
            Policy(quiet_hours=QuietHours(time(21), time(7))),
            "22:00",
            {},
            "policy.quietHours: 22:00 is between 21:00 and 07:00 (Europe/Paris)",
        ),
        # 06:59 in Paris is 04:59 in UTC: the zone of the site decides, on the day of the change too.
        (Policy(quiet_hours=QuietHours(time(21), time(7))), "06:59", {}, "policy.quietHours: 06:59"),
        (
            Policy(blackout_dates=frozenset({date(2027, 3, 28)})),
            "09:30",
            {},
            "policy.blackoutDates: Sun 2027-03-28 is a blackout date",
        ),
        (Policy(min_lead=timedelta(days=30)), "09:30", {}, "within policy.minLead (30d, reconciler.yaml)"),
        (
            Policy(banned_words=("free money",)),
            "09:30",
            {"caption": "It is FREE\n  m\u200boney!"},
            "policy.bannedWords: the text contains 'free money'",
        ),
        (
            Policy(require_media=True),
            "09:30",
            {"media": []},
            "policy.requireMedia: it has no image or video",
        ),
    ],
    ids=["quietHours", "quietHours by the zone", "blackoutDates", "minLead", "bannedWords", "requireMedia"],
)
def test_the_policy_blocks_with_its_rule_the_draft_and_the_place(
    tmp_path: Path, policy: Policy, at: str, values: dict[str, Any], says: str
) -> None:
    run = in_paris(tmp_path, "2027-03-28T12:00:00Z", at, "2027-03-20T09:00:00Z", **values)
    found = blocked(run.plan(policy=policy))
    assert list(found) == ["2"]
    assert says in found["2"]
    assert '"Activity 1" (Facebook)' in found["2"]
    assert "reconciler.yaml" in found["2"]
    done = run.apply(policy=policy)
    assert (done.entries, code(done), statuses(run), sent(run)) == ((), Verdict.SUCCEEDED, {"2": "DRAFT"}, [])
    assert not run.plan(policy=Policy(min_lead=timedelta(0))).is_empty


@pytest.mark.parametrize(
    ("placement", "policy", "says"),
    [
        ("activity-morning", Policy(quiet_hours=QuietHours(time(5), time(8))), "policy.quietHours: 06:00 is between"),
        ("in-an-hour", Policy(blackout_dates=frozenset({date(2027, 3, 20)})), "policy.blackoutDates: Sat 2027-03-20"),
        ("in-an-hour", Policy(min_lead=timedelta(hours=2)), "within policy.minLead"),
    ],
)
@pytest.mark.parametrize("kept", [False, True])
def test_a_moment_of_the_apis_own_that_is_forbidden_is_cancelled_at_once(
    tmp_path: Path, placement: str, policy: Policy, says: str, kept: bool
) -> None:
    """Not at the next run: by then it may be out."""
    mugs = activity(1, "2027-03-27T12:00:00Z", item(FACEBOOK, "FACEBOOK"))
    run = shop(tmp_path, mugs, world=PARIS, clock="2027-03-20T09:00:00Z", unknowns={"schedulePlacement": placement})
    approve(run)
    if kept:
        run.sandbox.add_fault({"route": "PATCH *cancel", "do": {"kind": "error", "status": 403}})
    done = run.apply(policy=policy)
    assert (results(done), code(done)) == ({"2": "failed"}, Verdict.FAILED)
    (said,) = [told(entry) for entry in done.entries]
    assert "it would go out at a time that the policy forbids: " in said
    assert says in said
    assert said.endswith("it was cancelled at once; review it again") is not kept
    assert statuses(run) == {"2": "SCHEDULED" if kept else "CANCELED"}
    assert len(done.still_going_out) == kept


@pytest.mark.parametrize("at", ["21:00", "07:00", "20:59"])
def test_quiet_hours_begin_with_their_first_minute_and_end_before_their_last(tmp_path: Path, at: str) -> None:
    policy = Policy(quiet_hours=QuietHours(time(21), time(7)))
    run = in_paris(tmp_path, "2027-03-28T12:00:00Z", at, "2027-03-20T09:00:00Z")
    assert bool(run.plan(policy=policy).blocked) is (at == "21:00")


def test_a_day_is_full_with_what_is_scheduled_already(tmp_path: Path) -> None:
    """Somebody scheduled a post of that day by hand, late at night in UTC and so the next day in Paris."""
    by_hand = item(
        "d0000000-0000-4000-8000-000000000009", "FACEBOOK", status="SCHEDULED", scheduledDate="2027-03-27T23:30:00Z"
    )
    run = shop(
        tmp_path,
        activity(1, "2027-03-28T12:00:00Z", item(INSTAGRAM, "INSTAGRAM"), item(FACEBOOK, "FACEBOOK")),
        activity(2, "2027-03-29T12:00:00Z", by_hand),
        rules=[{"match": {"to": "2027-03-28"}, "at": "09:30"}],
        world=PARIS,
        clock="2027-03-20T09:00:00Z",
    )
    approve(run)
    policy = Policy(max_publish_per_site_per_day=2)
    assert (results(run.apply(policy=policy)), statuses(run)) == (
        {"2": "done"},
        {"1": "DRAFT", "2": "SCHEDULED", "9": "SCHEDULED"},
    )
    found = blocked(run.plan(policy=policy))
    assert list(found) == ["1"]
    assert "policy.maxPublishPerSitePerDay: it would be post 3 on 2027-03-28, but the maximum is 2" in found["1"]
    assert run.apply(policy=policy).entries == ()
    run.sandbox.dashboard.cancel_item(SITE_ID, by_hand["id"])
    assert results(run.apply(policy=policy)) == {"1": "done"}


def test_what_went_out_today_counts_for_today(tmp_path: Path) -> None:
    run = shop(
        tmp_path,
        activity(1, "2027-03-28T16:00:00Z", item(INSTAGRAM, "INSTAGRAM")),
        activity(2, "2027-03-28T10:00:00Z", item(FACEBOOK, "FACEBOOK")),
        world=PARIS,
        clock="2027-03-28T06:00:00Z",
    )
    approve(run, FACEBOOK)
    policy = Policy(max_publish_per_site_per_day=1)
    run.apply(policy=policy)
    run.sandbox.advance(datetime(2027, 3, 28, 11, tzinfo=UTC) - run.sandbox.now())
    approve(run)
    assert statuses(run)["2"] == "PUBLISHED"
    assert "it would be post 2 on 2027-03-28" in blocked(run.plan(policy=policy))["1"]


# --- posts that are IN_QUEUE for a while before they are SCHEDULED ----------------------------------


def queued(root: Path) -> WholeRun:
    """A run that is to schedule an approved draft for 18:30 in such a world."""
    run = shop(
        root,
        activity(1, "2026-12-05T09:00:00Z", item(FACEBOOK, "FACEBOOK")),
        rules=[{"match": {}, "at": "18:30"}],
        unknowns={"scheduledFirst": "IN_QUEUE"},
        latency={"posts": "30s"},
    )
    approve(run)
    return run


def test_a_post_that_cannot_be_moved_yet_is_not_called_done(tmp_path: Path) -> None:
    run = queued(tmp_path)
    done = run.apply()
    assert results(done) == {"2": "skipped"}
    assert "moving it failed: " in details(done)
    assert [entry.goes_out for entry in done.entries] == [datetime(2026, 12, 5, 9, tzinfo=UTC)]
    assert code(done) is Verdict.INCOMPLETE
    run.sandbox.advance(timedelta(minutes=1))
    assert code(run.apply()) is Verdict.SUCCEEDED
    assert times(run) == {"2": "2026-12-05T18:30:00.000Z"}


def test_a_post_that_cannot_be_cancelled_yet_still_goes_out(tmp_path: Path) -> None:
    run = queued(tmp_path)
    run.apply()
    (run.root / "approvals" / "shop.yaml").unlink()
    ledger = run.apply()
    assert [post.post for post in ledger.still_going_out] == [FACEBOOK]
    assert code(ledger) is Verdict.INCOMPLETE
    run.sandbox.advance(timedelta(minutes=1))
    assert code(run.apply()) is Verdict.SUCCEEDED
    assert statuses(run) == {"2": "CANCELED"}


def test_rule_17_7_a_time_that_two_moves_did_not_change_is_not_asked_for_a_third_time(tmp_path: Path) -> None:
    run = shop(
        tmp_path,
        activity(1, "2026-12-05T09:00:00Z", item(FACEBOOK, "FACEBOOK")),
        rules=[{"match": {}, "at": "18:30"}],
        unknowns={"rescheduledTime": "full-hour"},
    )
    approve(run)
    for _ in range(2):
        assert code(run.apply()) is Verdict.FAILED
    plan = run.plan()
    assert plan.actions == ()
    said = blocked(plan)["2"]
    assert "goes out Sat 2026-12-05 18:00 UTC on account 3" in said
    assert ": two moves to Sat 2026-12-05 18:30 UTC did not" in said
    assert code(run.apply()) is Verdict.SUCCEEDED
    assert sent(run) == ["schedule-drafts", "reschedule", "reschedule"]
    # Nobody else has moved it, so nobody is blamed: neither now nor once the rule asks for no time.
    assert [found.state for found in audit(run).items] == [DriftState.BLOCKED]
    run.write({"schedule": {"approval": "required", "rules": [{"match": {}}]}})
    assert run.plan().is_empty
    assert [found.state for found in audit(run).items] == [DriftState.CONVERGED]


def test_posts_that_get_another_id_when_they_are_moved_are_approved_under_that_one(tmp_path: Path) -> None:
    run = shop(
        tmp_path,
        activity(1, "2026-12-05T09:00:00Z", item(FACEBOOK, "FACEBOOK")),
        activity(2, "2026-12-06T09:00:00Z", item(INSTAGRAM, "INSTAGRAM")),
        rules=[{"match": {}, "at": "18:30"}],
        unknowns={"rescheduledId": "new"},
    )
    approve(run)
    run.apply()
    plan = run.plan()
    assert (plan.actions, plan.refusals, len(plan.blocked)) == ((), (), 2)
    assert all("the content of an approved post, but a different id" in each.message for each in plan.blocked)
    approve(run)
    assert run.plan().is_empty
    assert (run.apply().entries, run.plan().is_empty) == ((), True)
    assert sent(run) == ["schedule-drafts", "reschedule", "reschedule"]
    (run.root / "approvals" / "shop.yaml").unlink()
    assert code(run.apply()) is Verdict.SUCCEEDED
    assert set(statuses(run).values()) == {"CANCELED"}
