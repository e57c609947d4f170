"""Drift of whole sites: a run makes a site match its file, people and time change it, and an audit says who did."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from reconciler.api.client import ReadClient
from reconciler.executor.observe import observe_and_plan
from reconciler.model.address import Kind
from reconciler.model.posts import PostStatus
from reconciler.model.sites import Need, ObservedSite
from reconciler.planner.drift import find_drift
from reconciler.planner.drift_report import ChangedSide, DriftItem, DriftReport, DriftState, Finding
from reconciler.planner.options import PlanOptions
from reconciler.state.sites import StateStore
from tests.laws.reviewing import write_approvals
from tests.laws.whole_run import SITE_ID, WholeRun

SITE: dict[str, Any] = {
    "settings": {"toneOfVoice": "warm", "marketingTools": ["SOCIAL_MARKETING"], "topics": {"included": ["cups"]}},
    "calendarEvents": {
        "events": [
            {"name": "Sale", "date": "2026-12-24", "description": "30% off"},
            {"name": "Open day", "recurringRule": {"frequency": "MONTHLY"}},
        ]
    },
    "marketingPlan": {"state": "present"},
    "posts": [{"match": {"within": "21d"}, "state": "present", "max": 12}],
    "schedule": {
        "approval": "none",
        "rules": [{"match": {"within": "14d"}, "channels": ["INSTAGRAM"], "max": 4, "at": "09:30"}],
    },
}
WORLD: dict[str, Any] = {"published": True, "channels": ["INSTAGRAM"]}


def converged(tmp_path: Path, site: dict[str, Any] = SITE) -> WholeRun:
    run = WholeRun.of(tmp_path, site, WORLD)
    run.allow_publish = True
    for _ in range(4):
        if not run.apply().entries:
            break
    assert run.plan().actions == ()
    return run


def audit(run: WholeRun) -> DriftReport:
    """What `drift` does for one site."""

    async def work() -> DriftReport:
        async with ReadClient(**run._connection()) as client:
            desired, options = run.desired(), PlanOptions(run.now())
            recorded = await StateStore(run.store, now=run.now).load(desired.ref)
            observed, plan = await observe_and_plan(client.reader(), desired, recorded, options)
            return find_drift(desired, observed, recorded, plan, options)

    before = len(run.writes())
    report = asyncio.run(work())
    assert len(run.writes()) == before
    for item in report.items:
        assert (item.problem is None) == (item.state is DriftState.CONVERGED), item
        assert item.problem is None or (item.problem.address == item.address and item.problem.message), item
    return report


def drifted(run: WholeRun) -> list[DriftItem]:
    return list(audit(run).of(DriftState.DRIFTED))


def said(run: WholeRun) -> list[tuple[str, Finding | None, ChangedSide | None]]:
    return [(str(item.address), item.finding, item.moved) for item in drifted(run)]


def live(run: WholeRun) -> ObservedSite:
    return asyncio.run(run.observe(frozenset({Need.MARKETING_PLAN, Need.EVENTS})))


def posts_in(run: WholeRun, status: PostStatus) -> list[tuple[str, str]]:
    """Pairs of activity and post."""
    plan = live(run).marketing_plan
    assert plan is not None
    return [(activity.id, post.id) for activity in plan.activities for post in activity.posts if post.status is status]


def rewritten(run: WholeRun, **parts: Any) -> None:
    run.write({**SITE, **parts})


# --- nobody moved ----------------------------------------------------------------------------------


def test_a_site_in_sync_has_no_drift_and_names_what_converged(tmp_path: Path) -> None:
    report = audit(converged(tmp_path))
    assert {item.state for item in report.items} == {DriftState.CONVERGED}
    names = [str(item.address) for item in report.items]
    assert names[:4] == ["shop/settings", "shop/event[Open day]", "shop/event[Sale]", "shop/marketing-plan"]
    assert len([name for name in names if name.startswith("shop/draft[")]) == 4
    assert len([name for name in names if name.startswith("shop/posts[")]) == 9


def test_a_month_of_time_passing_with_posts_going_out_is_not_drift(tmp_path: Path) -> None:
    run = converged(tmp_path)
    for _ in range(8):
        run.sandbox.advance(timedelta(days=4))
        report = audit(run)
        assert [item for item in report.items if item.state is not DriftState.CONVERGED] == []
    assert posts_in(run, PostStatus.SCHEDULED) == []


def test_a_month_of_time_with_approvals_for_later_is_not_drift(tmp_path: Path) -> None:
    schedule = {"approval": "required", "rules": [{"match": {"within": "14d"}, "channels": ["INSTAGRAM"]}]}
    posts = [{"match": {}, "state": "present"}]
    run = converged(tmp_path, {**SITE, "schedule": schedule, "posts": posts})
    approve(run, lambda at: at > run.now() + timedelta(days=20))
    assert {action.operation for action in run.plan().actions} == set()
    run.apply()
    for _ in range(8):
        run.sandbox.advance(timedelta(days=4))
        report = audit(run)
        assert report.of(DriftState.DRIFTED) == ()
    assert any(run.plan().actions), "an approved draft is due by now"


# --- people in the dashboard -----------------------------------------------------------------------


def test_settings_edited_in_the_dashboard(tmp_path: Path) -> None:
    run = converged(tmp_path)
    run.sandbox.dashboard.patch_settings(SITE_ID, {"settings.toneOfVoice": "dry"})
    [item] = drifted(run)
    assert (str(item.address), item.finding, item.moved) == ("shop/settings", Finding.DIFFERS, ChangedSide.REMOTE)
    [field] = item.fields
    assert (field.path, field.desired, field.applied, field.live) == ("settings.toneOfVoice", "warm", "warm", "dry")


def test_settings_edited_in_git_and_in_both(tmp_path: Path) -> None:
    run = converged(tmp_path)
    rewritten(run, settings={**SITE["settings"], "toneOfVoice": "loud"})
    [item] = drifted(run)
    assert item.moved is ChangedSide.GIT
    run.sandbox.dashboard.patch_settings(SITE_ID, {"settings.toneOfVoice": "dry"})
    assert said(run) == [("shop/settings", Finding.DIFFERS, ChangedSide.BOTH)]
    run.sandbox.dashboard.patch_settings(SITE_ID, {"settings.toneOfVoice": "loud"})
    assert drifted(run) == []


def test_each_field_says_who_moved_it(tmp_path: Path) -> None:
    run = converged(tmp_path)
    rewritten(run, settings={**SITE["settings"], "toneOfVoice": "loud"})
    run.sandbox.dashboard.patch_settings(SITE_ID, {"settings.topics.included": ["mugs"]})
    [item] = drifted(run)
    moves = {field.path: field.moved for field in item.fields}
    assert moves == {"settings.toneOfVoice": ChangedSide.GIT, "settings.topics.included": ChangedSide.REMOTE}
    assert item.moved is ChangedSide.BOTH


def test_the_marketing_plan_deleted_and_inactive(tmp_path: Path) -> None:
    run = converged(tmp_path)
    run.sandbox.dashboard.set_plan_status(SITE_ID, "INACTIVE")
    assert said(run) == [("shop/marketing-plan", Finding.INACTIVE, ChangedSide.REMOTE)]
    run.sandbox.dashboard.delete_plan(SITE_ID)
    deleted, *outlived = said(run)
    assert deleted == ("shop/marketing-plan", Finding.DELETED, ChangedSide.REMOTE)
    assert [found[1:] for found in outlived] == [(Finding.TAKEN_BACK, ChangedSide.REMOTE)] * 4, (
        "posts that still go out"
    )
    run.write({"settings": SITE["settings"], "marketingPlan": {"state": "absent"}})
    assert said(run) == outlived


def test_events_edited_and_deleted(tmp_path: Path) -> None:
    run = converged(tmp_path)
    sale = next(event for event in live(run).events or () if event.name == "Sale")
    run.sandbox.dashboard.edit_event(SITE_ID, sale.id, description="50% off")
    [item] = drifted(run)
    assert (str(item.address), item.moved, item.fields[0].path) == (
        "shop/event[Sale]",
        ChangedSide.REMOTE,
        "description",
    )
    run.sandbox.dashboard.delete_event(SITE_ID, sale.id)
    assert said(run) == [("shop/event[Sale]", Finding.DELETED, ChangedSide.REMOTE)]
    rewritten(
        run, calendarEvents={"events": [{"name": "Sale", "date": "2026-12-25"}, {"name": "New", "date": "2026-12-30"}]}
    )
    assert said(run) == [
        ("shop/event[New]", Finding.MISSING, ChangedSide.GIT),
        ("shop/event[Sale]", Finding.DELETED, ChangedSide.BOTH),
    ]


def test_events_that_are_not_listed(tmp_path: Path) -> None:
    events = {"prune": True, **SITE["calendarEvents"]}
    run = converged(tmp_path, {**SITE, "calendarEvents": events})
    run.sandbox.dashboard.add_event(SITE_ID, {"name": "Theirs", "date": "2026-12-30T00:00:00.000Z"})
    assert said(run) == [("shop/event[Theirs]", Finding.NOT_LISTED, ChangedSide.REMOTE)]
    rewritten(
        run, calendarEvents={"prune": True, "events": [events["events"][0], {"name": "Theirs", "date": "2026-12-30"}]}
    )
    assert said(run) == [("shop/event[Open day]", Finding.NOT_LISTED, ChangedSide.GIT)]


def test_a_scheduled_post_cancelled_deleted_and_edited(tmp_path: Path) -> None:
    run = converged(tmp_path)
    (_, first), (_, second), *_, (_, last) = posts_in(run, PostStatus.SCHEDULED)
    run.sandbox.dashboard.cancel_item(SITE_ID, first)
    run.sandbox.dashboard.edit_item(SITE_ID, second, caption="Something else")
    run.sandbox.dashboard.delete_item(SITE_ID, last)
    found = {name: (finding, moved) for name, finding, moved in said(run)}
    assert found[f"shop/draft[{first}]"] == (Finding.CANCELLED, ChangedSide.REMOTE)
    assert found[f"shop/draft[{second}]"] == (Finding.EDITED, ChangedSide.REMOTE)
    assert found[f"shop/draft[{last}]"] == (Finding.DELETED, ChangedSide.REMOTE)
    run.sandbox.advance(timedelta(days=31))
    assert drifted(run) == []


def test_a_post_moved_to_another_time(tmp_path: Path) -> None:
    run = converged(tmp_path)
    _, post = posts_in(run, PostStatus.SCHEDULED)[-1]
    at = (run.now() + timedelta(days=3)).strftime("%Y-%m-%dT%H:%M:%S.000Z")
    run.sandbox.dashboard.schedule_item(SITE_ID, post, at)
    assert said(run) == [(f"shop/draft[{post}]", Finding.OTHER_TIME, ChangedSide.REMOTE)]


def test_posts_cleared_by_somebody(tmp_path: Path) -> None:
    run = converged(tmp_path)
    scheduled = {activity for activity, _ in posts_in(run, PostStatus.SCHEDULED)}
    activity = next(owner for owner, _ in posts_in(run, PostStatus.DRAFT) if owner not in scheduled)
    for owner, post in posts_in(run, PostStatus.DRAFT):
        if owner == activity:
            run.sandbox.dashboard.delete_item(SITE_ID, post)
    assert said(run) == [(f"shop/posts[{activity}]", Finding.POSTS_CLEARED, ChangedSide.REMOTE)]


def test_posts_rules_that_changed_in_git(tmp_path: Path) -> None:
    run = converged(tmp_path, {**SITE, "posts": [{"match": {"within": "10d"}, "state": "present"}]})
    rewritten(run, posts=[{"match": {"within": "30d"}, "state": "present"}])
    found = drifted(run)
    assert found
    assert {(item.finding, item.moved) for item in found} == {(Finding.POSTS_MISSING, ChangedSide.GIT)}


# --- activities ------------------------------------------------------------------------------------


def test_activities_set_made_and_removed(tmp_path: Path) -> None:
    run = converged(tmp_path)
    plan = live(run).marketing_plan
    assert plan is not None
    title = plan.activities[-1].title
    create = {
        "title": "Open studio",
        "description": "Come by",
        "targetDate": "2026-12-20T10:00:00Z",
        "marketingActivityType": "SOCIAL_MARKETING",
    }
    rules = [{"match": {"title": title}, "set": {"description": "Ours"}}, {"create": create}]
    rewritten(run, activities=rules)
    assert {moved for _, _, moved in said(run)} == {ChangedSide.GIT}
    while run.apply().entries:
        pass
    assert drifted(run) == []
    plan = live(run).marketing_plan
    assert plan is not None
    ours = next(activity.id for activity in plan.activities if activity.description == "Ours")
    made = next(activity.id for activity in plan.activities if activity.title == "Open studio")
    run.sandbox.dashboard.edit_activity(SITE_ID, ours, description="Theirs")
    run.sandbox.dashboard.delete_activity(SITE_ID, made)
    assert {(finding, moved) for _, finding, moved in said(run)} == {
        (Finding.DIFFERS, ChangedSide.REMOTE),
        (Finding.DELETED, ChangedSide.REMOTE),
    }


def test_an_activity_of_our_own_whose_day_has_passed_is_not_drift(tmp_path: Path) -> None:
    create = {
        "title": "Open studio",
        "description": "Come by",
        "targetDate": "2026-12-05T10:00:00Z",
        "marketingActivityType": "SOCIAL_MARKETING",
    }
    run = converged(tmp_path, {**SITE, "activities": [{"create": create}]})
    run.sandbox.advance(timedelta(days=9))
    assert drifted(run) == []
    assert not any(action.address.kind is Kind.ACTIVITY for action in run.plan().actions)


# --- review ----------------------------------------------------------------------------------------


def approve(run: WholeRun, which: Any = lambda at: True) -> list[str]:
    """Approves the Instagram drafts of activities whose date `which` accepts; returns their ids."""
    plan = live(run).marketing_plan
    assert plan is not None
    chosen = [activity for activity in plan.activities if which(activity.date) and activity.drafts]
    write_approvals(run.root, chosen, lambda post: post.channel == "INSTAGRAM")
    return [post.id for activity in chosen for post in activity.drafts if post.channel == "INSTAGRAM"]


REVIEWED = {
    **SITE,
    "schedule": {"approval": "required", "rules": [{"match": {"within": "14d"}, "channels": ["INSTAGRAM"]}]},
}


def test_drafts_that_wait_for_review_are_not_drift(tmp_path: Path) -> None:
    report = audit(converged(tmp_path, REVIEWED))
    assert report.of(DriftState.DRIFTED) == ()
    assert report.of(DriftState.IN_REVIEW)


def test_an_approval_that_nobody_applied_yet_moved_in_git(tmp_path: Path) -> None:
    run = converged(tmp_path, REVIEWED)
    approve(run)
    found = drifted(run)
    assert found
    assert {(item.finding, item.moved) for item in found} == {(Finding.NOT_SCHEDULED, ChangedSide.GIT)}
    run.apply()
    assert drifted(run) == []


def test_an_approval_that_no_publish_held_back_is_still_to_be_applied(tmp_path: Path) -> None:
    run = converged(tmp_path, REVIEWED)
    approve(run)
    before = said(run)
    assert before
    run.apply(publish=False)
    assert said(run) == before


def test_approved_text_that_somebody_edited(tmp_path: Path) -> None:
    run = converged(tmp_path, REVIEWED)
    post = approve(run)[0]
    run.sandbox.dashboard.edit_item(SITE_ID, post, caption="Something else")
    assert (f"shop/draft[{post}]", Finding.EDITED, ChangedSide.REMOTE) in said(run)


# --- under way -------------------------------------------------------------------------------------


def test_generating_and_saved_but_not_yet_generated_from_are_pending(tmp_path: Path) -> None:
    run = converged(tmp_path)
    never = {"state": "present", "regenerate": {"when": "never"}}
    rewritten(run, marketingPlan=never, settings={**SITE["settings"], "toneOfVoice": "loud"})
    run.apply()
    report = audit(run)
    [item] = report.of(DriftState.PENDING)
    assert (str(item.address), item.finding, item.about) == (
        "shop/marketing-plan",
        Finding.NOT_IN_FORCE,
        ("settings.toneOfVoice",),
    )
    assert report.of(DriftState.DRIFTED) == ()
    run.sandbox.dashboard.set_plan_status(SITE_ID, "GENERATING")
    report = audit(run)
    assert [item.finding for item in report.of(DriftState.PENDING)] == [Finding.GENERATING]
    assert report.of(DriftState.DRIFTED) == ()


def test_what_was_never_applied_moved_in_git(tmp_path: Path) -> None:
    run = WholeRun.of(tmp_path, SITE, WORLD)
    assert {(name, moved) for name, _, moved in said(run)} == {
        ("shop/settings", ChangedSide.GIT),
        ("shop/event[Sale]", ChangedSide.GIT),
        ("shop/event[Open day]", ChangedSide.GIT),
        ("shop/marketing-plan", ChangedSide.GIT),
    }


def test_what_the_tool_itself_cancelled_is_not_drift(tmp_path: Path) -> None:
    run = converged(tmp_path)
    rewritten(run, schedule={**SITE["schedule"], "manage": "all", "rules": []})
    assert {moved for _, _, moved in said(run)} == {ChangedSide.GIT}
    run.apply()
    assert drifted(run) == []


@pytest.mark.parametrize("days", [1, 8, 20])
def test_what_a_regeneration_threw_away_is_not_drift(tmp_path: Path, days: int) -> None:
    run = converged(tmp_path)
    run.sandbox.advance(timedelta(days=days))
    discard = {"state": "present", "regenerate": {"discard": "all"}}
    rewritten(run, marketingPlan=discard, settings={**SITE["settings"], "toneOfVoice": "loud"})
    for _ in range(4):
        run.apply()
    assert run.plan().actions == ()
    assert drifted(run) == []
