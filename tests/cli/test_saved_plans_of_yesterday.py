"""A saved plan authorises nothing by itself.

It cancels, discards or publishes only if today's files still ask for that.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import pytest

from tests.cli.projects import Command, Project
from tests.cli.test_stays_wanted import ABSENT, ACTIVITY, APPROVALS, FILE, SITE, WORLD, Change, Pottery, edits, more

SITE_FILE = "sites/pottery.yaml"
YES = ("--auto-approve", "--allow-publish")


def known(pottery: Pottery) -> None:
    """There is a draft, and the state knows the site."""
    assert pottery.run("apply", "--auto-approve")[0] == 0
    pottery.run("review")


def approved(pottery: Pottery) -> None:
    known(pottery)
    APPROVE(pottery.project)


def scheduled(pottery: Pottery) -> None:
    pottery.scheduled()


def nothing(_: Project) -> None:
    """As it is."""


def together(*changes: Change) -> Change:
    def change(project: Project) -> None:
        for edit in changes:
            edit(project)

    return change


def moved(project: Project) -> None:
    with project.world() as world:
        world.dashboard.edit_activity(SITE, ACTIVITY, date="2026-11-09T08:00:00.000Z")


def drafts_added(project: Project) -> None:
    with project.world() as world:
        world.dashboard.make_posts(SITE, ACTIVITY)


def disconnected(project: Project) -> None:
    with project.world() as world:
        world.dashboard.disconnect(SITE, "INSTAGRAM")


def with_a_bare_activity(pottery: Pottery) -> None:
    bare = f"      - {{id: {ACTIVITY[:-1]}2, date: '2026-11-10T08:00:00Z', title: Open day}}\n"
    pottery.project.write({"sandbox.yaml": WORLD + bare})
    known(pottery)


def never_planned(pottery: Pottery) -> None:
    pottery.project.write({"sandbox.yaml": WORLD[: WORLD.index("    plan:")]})


def written(name: str, text: str) -> Change:
    return lambda project: project.write({name: text})


APPROVE = edits(APPROVALS, "decision: pending", "decision: approve")
WITHDRAW = edits(APPROVALS, "decision: approve", "decision: pending")
FORBID = more("reconciler.yaml", "policy: {blackoutDates: [2026-11-04]}\n")
ALLOW = edits("reconciler.yaml", "policy: {blackoutDates: [2026-11-04]}\n", "")
PAUSE = more("reconciler.yaml", "policy: {paused: cancel}\n")
GO_ON = edits("reconciler.yaml", "policy: {paused: cancel}\n", "")
QUIET = more("reconciler.yaml", "policy: {quietHours: {from: '09:00', to: '10:00'}}\n")
WARM = edits(SITE_FILE, "toneOfVoice: dry", "toneOfVoice: warm")
DRY = edits(SITE_FILE, "toneOfVoice: warm", "toneOfVoice: dry")
GIVE_UP = edits(APPROVALS, "decision: keep", "decision: discard")
KEEP = edits(APPROVALS, "decision: discard", "decision: keep")
NO_POSTS = more(SITE_FILE, 'posts:\n- {match: {title: "Kiln*"}, state: absent}\n')
NO_ACTIVITY = more(SITE_FILE, 'activities:\n- {match: {title: "Kiln*"}, state: absent}\n')
AS_IT_WAS = written(SITE_FILE, FILE)
NO_PLAN = written(SITE_FILE, FILE[: FILE.index("settings")] + ABSENT)
KILN = '"Kiln day" (Instagram)'


@dataclass(frozen=True)
class Since:
    """The situation when the plan was made, what happened since, and what the refusal says."""

    start: Callable[[Pottery], None]
    change: Change
    since: Change
    said: str
    options: tuple[str, ...] = ()


STALE = {
    "an approval is withdrawn": Since(approved, nothing, WITHDRAW, f"{KILN}: the approval was withdrawn"),
    "a draft is added to an activity that goes": Since(
        known, NO_ACTIVITY, drafts_added, "the activity's posts have changed since the plan"
    ),
    "a draft is added to posts that go": Since(
        known, NO_POSTS, drafts_added, "the activity's posts have changed since the plan"
    ),
    "a date is moved": Since(approved, nothing, moved, "2026-11-09"),
    "a policy is tightened": Since(approved, nothing, FORBID, "blackoutDates"),
    "publishing is paused, and the posts are not there yet": Since(
        never_planned, edits(SITE_FILE, "approval: required", "approval: none"), PAUSE, "publishing is paused"
    ),
    "publishing is paused": Since(approved, nothing, PAUSE, f"{KILN}: publishing is paused"),
    "the channel is lost": Since(approved, nothing, disconnected, "is not connected"),
    "a site is no longer expected to be as it is, and only settings would change": Since(
        known,
        together(edits(SITE_FILE, "when: on-change", "when: never"), WARM),
        more(SITE_FILE, "expect: {language: fr}\n"),
        "expect.language",
    ),
    "a site is no longer expected to be as it is": Since(
        approved, nothing, more(SITE_FILE, "expect: {language: fr}\n"), "expect.language"
    ),
    "the site is taken out of the project": Since(
        approved, nothing, lambda project: (project.root / SITE_FILE).unlink(), "the project has no site pottery"
    ),
    "an approval is given again": Since(
        scheduled, WITHDRAW, APPROVE, f"{KILN}: the plan would cancel it, but the current files ask for it again"
    ),
    "a policy is loosened": Since(
        scheduled, FORBID, ALLOW, f"{KILN}: the plan would cancel it, but the current files ask for it again"
    ),
    "publishing goes on": Since(
        scheduled, PAUSE, GO_ON, f"{KILN}: the plan would cancel it, but the current files ask for it again"
    ),
    "a decision is taken back": Since(
        scheduled, GIVE_UP, KEEP, f"{KILN}: the plan would cancel it, but the current files ask for it again"
    ),
    "inputs are changed back": Since(
        scheduled, WARM, DRY, f"{KILN}: the plan would cancel it, but the current files ask for it again"
    ),
    "posts are wanted again": Since(
        known, NO_POSTS, AS_IT_WAS, "the plan would remove it, but the current files keep it"
    ),
    "an activity is wanted again": Since(
        known, NO_ACTIVITY, AS_IT_WAS, "the plan would remove it, but the current files keep it"
    ),
    "the marketing plan is wanted again": Since(
        known, NO_PLAN, AS_IT_WAS, "the plan would remove it, but the current files keep it"
    ),
    "a draft is approved, and would be replaced": Since(known, WARM, APPROVE, f"{KILN} would be discarded"),
    "a draft is approved, and would be replaced for nothing": Since(
        known, WARM, together(APPROVE, DRY), f"{KILN} would be discarded"
    ),
    "a draft is approved, and would go with its activity": Since(
        known, NO_ACTIVITY, APPROVE, f"{KILN} would be discarded"
    ),
    "a draft is approved before it is replaced on request": Since(
        known, nothing, APPROVE, f"{KILN} would be discarded", ("--regenerate", "pottery")
    ),
    "a discard is taken back": Since(known, GIVE_UP, KEEP, "the plan would remove it, but the current files keep it"),
    "a post that was sent back is kept": Since(
        known,
        edits(APPROVALS, "decision: keep", "decision: regenerate"),
        edits(APPROVALS, "decision: regenerate", "decision: keep"),
        "the plan would discard its drafts, but the current files keep them",
    ),
    "only its images are to be made again": Since(
        known,
        edits(APPROVALS, "decision: keep", "decision: regenerate"),
        edits(APPROVALS, "decision: regenerate", "decision: regenerate-media"),
        "the plan would discard its drafts, but the current files keep them",
    ),
    "inputs are changed back, and nothing is approved": Since(
        known, WARM, DRY, "the plan would discard its drafts, but the current files keep them"
    ),
    "no marketing plan is asked for any more": Since(
        never_planned, nothing, edits(SITE_FILE, "marketingPlan:", "#"), "do not ask for it"
    ),
    "posts are not asked for any more": Since(
        with_a_bare_activity,
        more(SITE_FILE, 'posts:\n- {match: {title: "Open*"}, state: present}\n'),
        AS_IT_WAS,
        "do not ask for it",
    ),
    "more are expected to match than there are": Since(
        approved, nothing, edits(SITE_FILE, "channels: [INSTAGRAM],", "channels: [INSTAGRAM], min: 500,"), "min is 500"
    ),
    "less may be thrown away": Since(
        known, WARM, edits(SITE_FILE, "discard: all", "discard: nothing"), "(discard: nothing)"
    ),
    "fewer drafts may be thrown away": Since(
        known, WARM, more("reconciler.yaml", "policy: {maxDiscard: 0}\n"), "1 draft"
    ),
    "less may be destroyed": Since(
        known, NO_ACTIVITY, more("reconciler.yaml", "policy: {maxDelete: 0}\n"), "maxDelete"
    ),
}


@pytest.mark.parametrize("name", STALE)
def test_a_plan_is_stale_once_somebody_wants_something_else(
    project: Project, reconciler: Command, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    case, pottery = STALE[name], Pottery(project, reconciler)
    monkeypatch.chdir(project.root)
    case.start(pottery)
    case.change(project)
    made = reconciler("plan", "--out", "p.plan", *case.options)
    assert (made.code, made.last.startswith("Plan: ")) == (0, True), made.out + made.err
    case.since(project)
    before, wrote = pottery.status(), len([request for request in project.requests() if request["wrote"]])
    ran = reconciler("apply", "p.plan", *YES)
    assert (ran.code, ran.last.startswith("Refused: ")) == (4, True), ran.out + ran.err
    assert case.said in ran.last
    assert pottery.status() == before
    assert len([request for request in project.requests() if request["wrote"]]) == wrote


def test_drafts_of_a_deleted_activity_count_though_the_marketing_plan_does_not_show_them(
    project: Project, reconciler: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    pottery = Pottery(project, reconciler)
    project.write({"sandbox.yaml": WORLD + "unknowns: {planItems: none}\n"})
    monkeypatch.chdir(project.root)
    known(pottery)
    NO_ACTIVITY(project)
    assert "1 to destroy, 1 to discard" in reconciler("plan", "--out", "p.plan").last
    drafts_added(project)
    ran = reconciler("apply", "p.plan", *YES)
    assert (ran.code, "the activity's posts have changed since the plan" in ran.last) == (4, True), ran.out + ran.err
    assert "1 to destroy, 7 to discard" in reconciler("plan").last
    assert reconciler("apply", *YES).last.startswith("Apply: 0 added, 0 changed, 1 destroyed, 7 discarded")


@pytest.mark.parametrize(("change", "verb"), [(WARM, "1 to generate"), (NO_PLAN, "1 to destroy")])
def test_drafts_that_go_with_the_marketing_plan_count_though_it_does_not_show_them(
    project: Project, reconciler: Command, monkeypatch: pytest.MonkeyPatch, change: Change, verb: str
) -> None:
    pottery = Pottery(project, reconciler)
    project.write({"sandbox.yaml": WORLD + "unknowns: {planItems: none}\n"})
    monkeypatch.chdir(project.root)
    known(pottery)
    change(project)
    assert f"{verb}, 1 to discard" in reconciler("plan", "--out", "p.plan").last
    drafts_added(project)
    wrote = len([request for request in project.requests() if request["wrote"]])
    ran = reconciler("apply", "p.plan", *YES)
    assert (ran.code, "6 posts that the plan does not list" in ran.last) == (4, True), ran.out + ran.err
    assert len([request for request in project.requests() if request["wrote"]]) == wrote
    assert f"{verb}, 7 to discard" in reconciler("plan").last
    more("reconciler.yaml", "policy: {maxDiscard: 6}\n")(project)
    assert (refused := reconciler("plan")).code == 4, refused.out
    assert "maxDiscard" in refused.out
    edits("reconciler.yaml", "policy: {maxDiscard: 6}\n", "")(project)
    assert "7 discarded" in reconciler("apply", *YES).last


STILL_TRUE = {
    "a withdrawn approval": Since(scheduled, WITHDRAW, nothing, "1 cancelled"),
    "a replacement on request": Since(scheduled, nothing, nothing, "1 cancelled", ("--regenerate", "pottery")),
    "a cancel where nothing is published": Since(scheduled, FORBID, nothing, "1 cancelled", ("--no-publish",)),
    "a cancel by the site's clock, though its file schedules nothing any more": Since(
        scheduled, together(written(SITE_FILE, FILE[: FILE.index("schedule")]), QUIET), nothing, "1 cancelled"
    ),
    "an activity that goes": Since(known, NO_ACTIVITY, nothing, "1 destroyed"),
    "an approved draft that is given up": Since(approved, WARM, nothing, "1 discarded"),
    "a tone that was changed again": Since(
        known, WARM, edits(SITE_FILE, "toneOfVoice: warm", "toneOfVoice: loud"), "1 changed"
    ),
}


@pytest.mark.parametrize("name", STILL_TRUE)
def test_a_plan_is_carried_out_while_people_want_what_it_says(
    project: Project, reconciler: Command, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    case, pottery = STILL_TRUE[name], Pottery(project, reconciler)
    monkeypatch.chdir(project.root)
    case.start(pottery)
    case.change(project)
    assert reconciler("plan", "--out", "p.plan", *case.options).code == 0
    case.since(project)
    ran = reconciler("apply", "p.plan", *YES)
    assert (ran.code, case.said in ran.last) == (0, True), ran.out + ran.err


COOL = together(edits(SITE_FILE, "when: on-change", "when: never"), WARM)
SCHEDULED_THEN = {
    "the approval was withdrawn": WITHDRAW,
    "publishing is paused": PAUSE,
    "now forbidden by a policy": FORBID,
    "no longer what was approved": moved,
    "sent back in review": GIVE_UP,
}


@pytest.mark.parametrize("reason", SCHEDULED_THEN)
def test_what_nobody_wants_since_and_the_plan_does_not_stop_is_still_going_out(
    project: Project, reconciler: Command, monkeypatch: pytest.MonkeyPatch, reason: str
) -> None:
    pottery = Pottery(project, reconciler)
    monkeypatch.chdir(project.root)
    pottery.scheduled()
    COOL(project)
    assert reconciler("plan", "--out", "p.plan").code == 0
    SCHEDULED_THEN[reason](project)
    ran = reconciler("apply", "p.plan", *YES)
    assert (ran.code, "1 changed" in ran.last, "1 still going out" in ran.last) == (3, True, True), ran.out + ran.err
    assert f"{reason}: " in ran.out or f"{reason}\n" in ran.out
    assert "but the saved plan does not stop it" in ran.out


def test_a_refused_plan_names_what_it_would_have_stopped(
    project: Project, reconciler: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    pottery = Pottery(project, reconciler)
    monkeypatch.chdir(project.root)
    pottery.scheduled()
    together(COOL, WITHDRAW)(project)
    assert reconciler("plan", "--out", "p.plan").code == 0
    more(SITE_FILE, "expect: {language: fr}\n")(project)
    ran = reconciler("apply", "p.plan", *YES)
    assert (ran.code, ran.last.startswith("Refused: ")) == (4, True), ran.out + ran.err
    assert "! still going out" in ran.out


def test_show_of_a_plan_beyond_a_limit_names_what_it_would_have_stopped(
    project: Project, reconciler: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    pottery = Pottery(project, reconciler)
    monkeypatch.chdir(project.root)
    pottery.scheduled()
    NO_ACTIVITY(project)
    assert reconciler("plan", "--out", "p.plan").code == 0
    assert "! still going out" not in reconciler("show", "p.plan").out
    more("reconciler.yaml", "policy: {maxDelete: 0}\n")(project)
    ran = reconciler("show", "p.plan")
    assert "maxDelete" in ran.out
    assert "! still going out" in ran.out


def test_what_the_plan_stops_is_not_called_still_going_out(
    project: Project, reconciler: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    pottery = Pottery(project, reconciler)
    monkeypatch.chdir(project.root)
    pottery.scheduled()
    WITHDRAW(project)
    assert reconciler("plan", "--out", "p.plan").code == 0
    PAUSE(project)
    ran = reconciler("apply", "p.plan", *YES)
    assert (ran.code, "still going out" in ran.out) == (0, False), ran.out + ran.err
