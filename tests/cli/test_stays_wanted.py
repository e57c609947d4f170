"""What was scheduled stays scheduled only as long as somebody wants it, as seen by whole commands."""

from __future__ import annotations

import asyncio
import html
import json
import os
import re
import shutil
import signal
import subprocess
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Final

import pytest

from reconciler.config.approvals import read_approvals
from reconciler.config.decisions import pending
from reconciler.model.address import SiteName
from reconciler.model.canonical import Digest
from reconciler.model.posts import ActivityId, PostId
from reconciler.model.schedule import SchedulePost
from reconciler.model.sites import SiteRef
from reconciler.reporters.cards import CardState
from reconciler.sandbox.app import Sandbox
from reconciler.sandbox.state import Site
from reconciler.state.sites import open_state
from tests.cli.projects import Command, Project
from tests.cli.terminal import Terminal
from tests.journals import begin
from tests.told import unclear
from tests.web.pages import page_of

SITE = "3f0c2a9e-8d0b-4b7c-9a55-0c5a6f9a1e01"
ACTIVITY = "aaaaaaaa-0000-4000-8000-000000000001"
POST = "bbbbbbbb-0000-4000-8000-000000000001"
FILE = f"""\
version: 1
site: {{name: pottery, id: {SITE}}}
settings: {{toneOfVoice: dry}}
marketingPlan: {{state: present, regenerate: {{when: on-change, discard: all}}}}
schedule:
  approval: required
  rules: [{{match: {{within: 30d}}, channels: [INSTAGRAM], at: "09:30"}}]
"""
WORLD = f"""\
clock: '2026-11-02T09:00:00Z'
freeze: true
latency: {{generate: 2s, posts: 1s}}
sites:
  {SITE}:
    timeZone: Europe/Berlin
    channels: [INSTAGRAM]
    settings: {{toneOfVoice: dry}}
    plan:
      status: ACTIVE
      activities:
      - id: {ACTIVITY}
        date: '2026-11-04T08:00:00Z'
        title: Kiln day
        items:
        - {{id: {POST}, channel: INSTAGRAM, type: POST, caption: Hello from the kiln, media: [https://static.wixstatic.com/media/a.jpg]}}
"""
ABSENT = "marketingPlan: {state: absent}\n"
APPROVALS = "approvals/pottery.yaml"

Change = Callable[[Project], None]


class Pottery:
    """A project with one site, and commands run in it."""

    def __init__(self, project: Project, command: Command) -> None:
        self.project, self.command = project, command
        project.write({"sites/pottery.yaml": FILE, "sandbox.yaml": WORLD})

    def run(self, *args: str) -> tuple[int, str]:
        ran = self.command(args[0], str(self.project.root), *args[1:])
        return ran.code, " ".join((ran.out + ran.err).split())

    def scheduled(self) -> None:
        """The post is approved and scheduled."""
        assert self.run("apply", "--auto-approve")[0] == 0  # from now on the state knows the site
        self.run("review")
        self.project.edit(APPROVALS, "decision: pending", "decision: approve")
        assert self.run("apply", "--auto-approve", "--allow-publish")[0] == 0
        assert self.status() == "SCHEDULED"

    def status(self) -> str:
        with self.project.world() as world:
            records = world.world()["sites"][SITE]["items"]
            return str(records[POST]["item"]["status"]) if POST in records else "gone"


@pytest.fixture
def pottery(project: Project, reconciler: Command) -> Pottery:
    return Pottery(project, reconciler)


def lose_state(pottery: Pottery) -> None:
    for path in (pottery.project.root / ".reconciler").iterdir():
        if not path.name.startswith("sandbox.db"):
            shutil.rmtree(path) if path.is_dir() else path.unlink()


def edits(name: str, before: str, after: str) -> Change:
    return lambda project: project.edit(name, before, after)


def more(name: str, text: str) -> Change:
    return lambda project: project.write({name: (project.root / name).read_text("utf-8") + text})


WITHDRAWALS: dict[str, tuple[Change, str]] = {
    "the approval is withdrawn": (edits(APPROVALS, "decision: approve", "decision: pending"), "approval was withdrawn"),
    "the approvals are gone": (lambda project: shutil.rmtree(project.root / "approvals"), "there is no approvals file"),
    "the activity is discarded": (edits(APPROVALS, "decision: keep", "decision: discard"), "decision: discard"),
    "its posts are to be absent": (
        more("sites/pottery.yaml", 'posts:\n- {match: {title: "Kiln*"}, state: absent}\n'),
        "posts[0]",
    ),
    "its activity is to be absent": (
        more("sites/pottery.yaml", 'activities:\n- {match: {title: "Kiln*"}, state: absent}\n'),
        "activities[0]",
    ),
    "the marketing plan is to be absent": (
        lambda project: project.write({"sites/pottery.yaml": FILE[: FILE.index("settings")] + ABSENT}),
        "marketingPlan",
    ),
    "it is generated again": (
        edits("sites/pottery.yaml", "toneOfVoice: dry", "toneOfVoice: warm"),
        "about to be replaced",
    ),
    "a policy forbids it": (more("reconciler.yaml", "policy: {blackoutDates: [2026-11-04]}\n"), "blackoutDates"),
    "a word is banned": (more("reconciler.yaml", "policy: {bannedWords: [kiln]}\n"), "bannedWords"),
    "publishing is paused": (more("reconciler.yaml", "policy: {paused: cancel}\n"), "publishing is paused"),
    "this site is paused": (
        edits("sites/pottery.yaml", "approval: required", "approval: required\n  paused: cancel"),
        "publishing is paused",
    ),
}


@pytest.mark.parametrize("name", WITHDRAWALS)
def test_what_nobody_wants_any_more_is_drift_and_cancelled(pottery: Pottery, name: str) -> None:
    change, why = WITHDRAWALS[name]
    pottery.scheduled()
    change(pottery.project)
    code, said = pottery.run("plan", "--detailed-exitcode")
    assert (code, "x cancel" in said, "1 to cancel" in said) == (2, True, True), said
    assert why in said
    assert pottery.run("drift")[0] == 2
    code, said = pottery.run("apply", "--auto-approve")
    assert (code, "1 cancelled" in said) == (0, True), said
    assert pottery.status() in ("CANCELED", "gone")
    with pottery.project.world() as world:
        world.advance(timedelta(days=3))
    assert pottery.status() in ("CANCELED", "gone")


@pytest.mark.parametrize("before", ["20h", "1h", "10m"])
@pytest.mark.parametrize("others", ["", "settings", "plan"])
def test_a_post_whose_activity_somebody_deleted_is_cancelled_however_soon_it_goes_out(
    pottery: Pottery, before: str, others: str
) -> None:
    """The activity is at 9 in Berlin, its post at 9:30; a read shows the activities from today on."""
    hours = {"20h": 27.5, "1h": 46.5, "10m": 47.3}[before]
    another = "      - {id: aaaaaaaa-0000-4000-8000-000000000002, date: '2026-11-09T08:00:00Z', title: Glaze day}\n"
    pottery.project.write({"sandbox.yaml": WORLD + another})
    pottery.scheduled()
    with pottery.project.world() as world:
        world.advance(timedelta(hours=hours))
        if others == "plan":
            world.dashboard.delete_plan(SITE)
        else:
            world.dashboard.delete_activity(SITE, ACTIVITY)
    if others == "settings":
        pottery.project.edit("sites/pottery.yaml", "toneOfVoice: dry", "toneOfVoice: warm")
    assert pottery.run("drift")[0] == 2
    code, said = pottery.run("apply", "--auto-approve")
    assert (code, "the activity is gone" in said, "1 cancelled" in said) == (0, True, True), said
    assert pottery.status() == "CANCELED"


@pytest.mark.parametrize("name", WITHDRAWALS)
def test_review_names_what_goes_out_although_nobody_wants_it(pottery: Pottery, name: str) -> None:
    change, why = WITHDRAWALS[name]
    pottery.scheduled()
    code, said = pottery.run("review")
    assert (code, "still going out" in said) == (0, False), said
    change(pottery.project)
    code, said = pottery.run("review")
    assert (code, '! still going out "Kiln day" (Instagram) Wed 2026-11-04 09:30 Europe/Berlin' in said) == (0, True), (
        said
    )
    assert (why in said, "1 post still going out." in said) == (True, True), said
    waits = int(name == "the approval is withdrawn")
    assert f"Review: {waits} pending, 0 approved" in said, said


def test_review_says_why_a_post_is_unwanted_and_not_what_it_wrote_itself(pottery: Pottery) -> None:
    pottery.scheduled()
    with pottery.project.world() as world:
        world.dashboard.edit_item(SITE, POST, caption="Other words")
    ran = pottery.command("review", pottery.project.root, "--output", "json").json
    ((found,), gallery) = (ran["sites"][0]["stillGoingOut"], (pottery.project.root / "approvals/pottery.html"))
    assert (found["address"], ran["summary"]["stillGoingOut"]) == (f"pottery/draft[{POST}]", 1)
    assert found["reason"] == "changed", found
    assert "still going out" in gallery.read_text("utf-8")
    reviewed = pottery.run("review")[1]
    assert "1 post still going out." in reviewed
    assert "Next: reconciler plan" in reviewed, "to approve it again is not what somebody wants who withdrew it"


@pytest.mark.parametrize("name", ["the activity is discarded", "its posts are to be absent", "it is generated again"])
def test_nothing_is_thrown_away_while_a_post_of_it_still_waits(pottery: Pottery, name: str) -> None:
    """The API refuses the cancel: what depends on it is left alone, and the run does not end with 0."""
    pottery.scheduled()
    WITHDRAWALS[name][0](pottery.project)
    with pottery.project.world() as world:
        refused = {"kind": "error", "status": 403, "body": "json", "code": "PERMISSION_DENIED"}
        world.add_fault({"route": "PATCH *cancel", "do": refused})
        code, said = pottery.run("apply", "--auto-approve")
    assert code == 1, said
    assert "0 destroyed" in said
    assert "generated" not in said.rsplit("Apply:", 1)[-1]
    assert "still going out" in said
    assert pottery.status() == "SCHEDULED"


@pytest.mark.parametrize("command", ["plan", "drift"])
@pytest.mark.parametrize("others", ["", "shop"])
def test_a_summary_names_what_still_goes_out_at_a_refused_site(pottery: Pottery, command: str, others: str) -> None:
    if not others:
        (pottery.project.root / "sites" / "shop.yaml").unlink()
    pottery.scheduled()
    pottery.project.edit(APPROVALS, "decision: approve", "decision: pending")
    more("sites/pottery.yaml", "expect: {language: fr}\n")(pottery.project)
    said = pottery.run(command, "--summary")[1]
    assert '"Kiln day" (Instagram)' in said, said
    assert "fix: cancel the post in the site's dashboard" in said, said
    assert said.count("expect.language is fr, but the language of the site is en") == 1, said


@pytest.mark.parametrize("decision", ["regenerate", "regenerate-media", "discard"])
def test_drift_puts_a_decision_on_git_and_not_on_time(pottery: Pottery, decision: str) -> None:
    pottery.scheduled()
    pottery.project.edit(APPROVALS, "decision: keep", f"decision: {decision}")
    code, said = pottery.run("drift")
    assert (code, "2 drifted" in said, "as time passed" in said, "changed remotely" in said) == (
        2,
        True,
        False,
        False,
    ), said


def test_drift_puts_a_date_that_the_file_moved_on_git(pottery: Pottery) -> None:
    pottery.scheduled()
    date = 'activities:\n- {match: {title: "Kiln*"}, set: {targetDate: 2026-11-05T08:00:00Z}}\n'
    more("sites/pottery.yaml", date)(pottery.project)
    for _ in range(2):
        code, said = pottery.run("drift")
        assert (code, "2026-11-05" in said, "changed remotely" in said) == (2, True, False), said
        with pottery.project.world() as world:
            world.add_fault({"route": "PATCH *cancel", "do": {"kind": "error", "status": 409, "body": "json"}})
            pottery.run("apply", "--auto-approve")
    pottery.run("review")
    assert "decision: pending" in (pottery.project.root / APPROVALS).read_text("utf-8")
    code, said = pottery.run("drift")
    assert (code, "2026-11-05" in said, "changed remotely" in said) == (2, True, False), said
    with pottery.project.world() as world:
        world.dashboard.edit_activity(SITE, ACTIVITY, date="2026-11-06T08:00:00.000Z")
    assert "changed remotely" in pottery.run("drift")[1]


def test_a_pause_says_what_it_takes_to_cancel_what_the_state_does_not_know(pottery: Pottery) -> None:
    pottery.scheduled()
    WITHDRAWALS["publishing is paused"][0](pottery.project)
    for path in (pottery.project.root / ".reconciler").iterdir():
        if not path.name.startswith("sandbox.db"):
            shutil.rmtree(path) if path.is_dir() else path.unlink()
    code, said = pottery.run("apply", "--auto-approve")
    assert (code, "the state does not say that this tool scheduled it" in said, "set `manage: all`" in said) == (
        3,
        True,
        True,
    )
    pottery.project.edit("sites/pottery.yaml", "approval: required", "approval: required\n  manage: all")
    code, said = pottery.run("apply", "--auto-approve")
    assert (code, "1 cancelled" in said, pottery.status()) == (0, True, "CANCELED"), said


def test_a_site_that_no_file_declares_is_declared_to_stop_its_posts(pottery: Pottery) -> None:
    pottery.scheduled()
    WITHDRAWALS["publishing is paused"][0](pottery.project)
    file = pottery.project.root / "sites/pottery.yaml"
    text = file.read_text("utf-8")
    file.unlink()
    assert "declare the site with `paused: cancel` and run apply" in pottery.run("plan")[1]
    file.write_text(text[: text.index("settings")], "utf-8")
    code, said = pottery.run("apply", "--auto-approve")
    assert (code, "1 cancelled" in said) == (0, True), said


def test_an_approval_for_one_day_does_not_count_for_another(pottery: Pottery) -> None:
    assert pottery.run("apply", "--auto-approve")[0] == 0
    pottery.run("review")
    pottery.project.edit(APPROVALS, "decision: pending", "decision: approve")
    with pottery.project.world() as world:
        world.dashboard.edit_activity(SITE, ACTIVITY, date="2026-11-15T23:30:00.000Z")
    code, said = pottery.run("plan")
    assert (code, "changed after approval" in said, "2026-11-04" in said) == (0, True, True), said
    pottery.run("apply", "--auto-approve", "--allow-publish")
    assert pottery.status() == "DRAFT"


def test_a_post_that_somebody_scheduled_without_an_approval_is_drift(pottery: Pottery) -> None:
    assert pottery.run("apply", "--auto-approve")[0] == 0
    with pottery.project.world() as world:
        world.dashboard.schedule_item(SITE, POST, at="2026-11-04T08:30:00.000Z")
    pottery.run("review")  # the approvals file names the account
    goes_out = "goes out Wed 2026-11-04 09:30 Europe/Berlin on site3f0c2a9e: somebody scheduled it, but nobody"
    for command, name in (("plan", ""), ("drift", "drifted changed remotely ")):
        said = pottery.run(command)[1]
        assert f'"Kiln day" (Instagram) {name}{goes_out}' in said, said
        assert goes_out in pottery.run(command, "--output", "json")[1]
    assert pottery.run("drift")[0] == 2


def test_the_screens_say_which_of_the_drafts_in_review_goes_out_unapproved(pottery: Pottery) -> None:
    """People may still decide about it, so `plan`, `review` and `approve` count it; `drift` shows it as drift."""
    draft = "      - {date: '2026-11-05T08:00:00Z', title: Glaze day, items: [{channel: INSTAGRAM, caption: Hello}]}\n"
    pottery.project.write({"sandbox.yaml": WORLD + draft.replace("Glaze", "Clay") + draft})
    (pottery.project.root / "sites" / "shop.yaml").unlink()
    pottery.run("apply", "--auto-approve")
    assert '? pottery: 3 drafts are waiting for review "' in pottery.run("plan")[1]
    assert '? pottery: 3 drafts are waiting for review "' in pottery.run("drift")[1]
    with pottery.project.world() as world:
        world.dashboard.schedule_item(SITE, POST, at="2026-11-04T12:00:00.000Z")
    for step in ("(3 new drafts in 1 site)", "(3 drafts in 1 site)"):
        said = pottery.run("plan")[1]
        assert "? pottery: 3 drafts are waiting for review; 1 of them goes out unapproved" in said, said
        assert said.endswith(step), said
        said = pottery.run("drift")[1]
        assert '? pottery: 2 other drafts are waiting for review "Clay day", "Glaze day" (not drift)' in said, said
        assert "Drift: 1 drifted, in 1 of 1 site." in said, said
        assert "pottery 3 pending; 1 post goes out unapproved" in pottery.run("review")[1]
    said = pottery.run("approve", "--all", "--yes")[1]
    assert ("1 of 3" in said, "goes out even if nobody approves it" in said) == (True, True), said


def test_an_approved_post_that_its_rule_moves_has_both_times_in_the_file_until_it_is_moved(pottery: Pottery) -> None:
    pottery.scheduled()
    with pottery.project.world() as world:
        world.dashboard.schedule_item(SITE, POST, at="2026-11-04T12:00:00.000Z")
    file, then = pottery.project.root / APPROVALS, "Wed 2026-11-04 09:30 Europe/Berlin"
    for written in ("updated", "up to date"):
        said = pottery.run("review")[1]
        assert ("pottery 1 scheduled" in said, f"{APPROVALS} ({written})" in said) == (True, True), said
        assert f"goesOut: Wed 2026-11-04 13:00 Europe/Berlin; its rule moves it to {then}\n" in file.read_text("utf-8")
    assert f"moves to {then} instead of Wed 2026-11-04 13:00 Europe/Berlin" in pottery.run("plan")[1]
    quiet = 'policy: {quietHours: {from: "12:30", to: "14:00"}}'
    pottery.project.edit("reconciler.yaml", "version: 1", f"version: 1\n{quiet}")
    for command in ("plan", "drift", "review"):
        why = "policy.quietHours: 13:00 is between 12:30 and 14:00 (Europe/Berlin)"
        assert re.search(f"now forbidden by a policy[:, (]+{re.escape(why)}", pottery.run(command)[1]), command
    assert pottery.run("apply", "--auto-approve", "--allow-publish")[0] == 0
    assert pottery.run("review")[0] == 0
    assert f"goesOut: {then}\n" in file.read_text("utf-8")


def test_a_post_that_goes_out_unapproved_waits_for_review_on_every_screen(pottery: Pottery) -> None:
    (pottery.project.root / "sites" / "shop.yaml").unlink()
    pottery.run("apply", "--auto-approve")
    with pottery.project.world() as world:
        world.dashboard.schedule_item(SITE, POST, at="2026-11-04T12:00:00.000Z")
    when, file = "Wed 2026-11-04 13:00 Europe/Berlin", pottery.project.root / APPROVALS
    then = "Wed 2026-11-04 09:30 Europe/Berlin"
    both = f"{when}; once approved, it moves to {then}"
    for _ in range(2):
        said = pottery.run("review")[1]
        assert "1 pending; 1 post goes out unapproved" in said, said
        assert f'? "Kiln day" {both} Instagram on' in said, said
        assert f"        goesOut: {both}\n" in file.read_text("utf-8")
        assert "it is already scheduled and goes out even if nobody approves it; to stop it, cancel it" in said
        assert (
            "Review: 1 pending, 0 approved; 1 of 1 site has pending drafts; 1 post goes out unapproved. Next:" in said
        ), said
        assert said.endswith("(1 draft in 1 site)"), said
        said = pottery.run("review", "--quiet")[1]
        assert f'! unapproved "Kiln day" (Instagram) goes out {when}, and nobody has approved it' in said, said
        said = pottery.run("plan")[1]
        assert "? pottery: 1 draft is waiting for review; it goes out unapproved" in said, said
        assert ("Next: reconciler approve" in said, said.endswith("(1 draft in 1 site)")) == (True, True), said
        assert pending(read_approvals(file, SiteName("pottery"), file.read_text("utf-8"))) == 1
    ran = pottery.command("review", pottery.project.root, "--output", "json").json
    (draft,) = ran["sites"][0]["drafts"]
    assert (draft["status"], draft["warnings"][0]["code"]) == ("pending", "goes-out-unapproved")
    assert (draft["goesOut"], draft["at"]) == (both, "2026-11-04T08:30:00.000Z")
    assert (ran["summary"]["pending"], ran["summary"]["unapproved"]) == (1, 1)
    assert "title=goes-out-unapproved" in pottery.run("review", "--output", "github")[1]
    page = file.with_suffix(".html").read_text("utf-8")
    assert ("Waiting for a decision" in page, "already scheduled and goes out" in page, both in page) == (True,) * 3
    (card,) = page_of(pottery.project.root).board.cards.values()
    assert (card.state, card.goes_out) == (CardState.PENDING, both)
    assert card.moment == datetime(2026, 11, 4, 8, 30, tzinfo=UTC)
    assert "already scheduled and goes out" in card.notes[0]
    said = pottery.run("approve", "--all", "--yes")[1]
    assert f'1 of 1 pottery Instagram "Kiln day" goes out: {both}' in said, said
    assert "note: it is already scheduled and goes out" in said, said
    said = pottery.run("plan")[1]
    assert (f"moves to {then} instead of {when}" in said, "note:" in said) == (True, False), said
    said = pottery.run("review")[1]
    assert ("1 scheduled" in said, "unapproved" in said) == (True, False), said
    assert said.endswith("Review: 0 pending, 0 approved, in 1 site."), said
    assert f"        goesOut: {when}; its rule moves it to {then}\n" in file.read_text("utf-8")


def test_a_saved_plan_does_not_publish_what_was_withdrawn_since(
    pottery: Pottery, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(pottery.project.root)
    assert pottery.run("apply", "--auto-approve")[0] == 0
    pottery.run("review")
    pottery.project.edit(APPROVALS, "decision: pending", "decision: approve")
    saved = pottery.project.root / "p.plan"
    assert pottery.run("plan", "--out", str(saved))[0] == 0
    pottery.project.edit(APPROVALS, "decision: approve", "decision: pending")
    ran = pottery.command("apply", str(saved), "--auto-approve", "--allow-publish")
    assert ran.code == 4, ran.out
    assert "withdrawn" in ran.out + ran.err
    assert pottery.status() == "DRAFT"


def test_a_rename_and_a_lost_state_bring_no_used_approval_back(pottery: Pottery) -> None:
    pottery.scheduled()

    def back_to_drafts() -> None:
        with pottery.project.world() as world:
            world.edit(SITE, lambda site, *_: [item["item"].update(status="DRAFT") for item in site.items.values()])

    back_to_drafts()
    root = pottery.project.root
    (root / APPROVALS).rename(root / "approvals" / "renamed.yaml")
    pottery.project.edit("approvals/renamed.yaml", "site: pottery", "site: renamed")
    pottery.project.edit("sites/pottery.yaml", "name: pottery", "name: renamed")
    pottery.run("apply", "--auto-approve", "--allow-publish")
    assert pottery.status() == "DRAFT"
    lose_state(pottery)
    for _ in range(2):
        code, said = pottery.run("apply", "--auto-approve", "--allow-publish")
        assert (code, pottery.status()) == (0, "DRAFT")
        assert re.search(r"1 blocked|approved", said), said


@pytest.mark.parametrize("approval", ["required", "none"])
@pytest.mark.parametrize("saved", [False, True])
@pytest.mark.parametrize("before", ["first run", "lost state", "known"])
def test_a_post_that_somebody_scheduled_as_approved_is_moved_as_the_plan_says(
    pottery: Pottery, before: str, saved: bool, approval: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What a run finds out about the site before its first write is not taken for the work of another run."""
    pottery.project.edit("sites/pottery.yaml", "approval: required", f"approval: {approval}")
    pottery.project.write({"reconciler.yaml": "version: 1\napi: sandbox\n"})
    (pottery.project.root / "sites" / "shop.yaml").unlink()
    if before == "known":
        assert pottery.run("apply", "--auto-approve", "--no-publish")[0] == 0
    pottery.run("review")
    pottery.project.edit(APPROVALS, "decision: pending", "decision: approve")
    if before == "lost state":
        assert pottery.run("apply", "--auto-approve", "--no-publish")[0] == 0
        lose_state(pottery)
    with pottery.project.world() as world:
        world.dashboard.schedule_item(SITE, POST, "2026-11-04T12:00:00Z")
    plan = pottery.project.root / "a.plan"
    code, said = pottery.run("plan", "--out", str(plan))
    times = "Wed 2026-11-04 09:30 Europe/Berlin instead of Wed 2026-11-04 13:00 Europe/Berlin"
    moves = f"moves to {times}, on site3f0c2a9e "
    assert (code, moves in said) == (0, True), said
    assert ("1 to publish (already scheduled)." in said, "(1 scheduled post to move)" in said) == (True, True), said
    if saved:
        monkeypatch.chdir(pottery.project.root)
        ran = pottery.command("apply", plan, "--allow-publish", "--auto-approve")
        code, said = ran.code, " ".join((ran.out + ran.err).split())
    else:
        code, said = pottery.run("apply", "--auto-approve", "--allow-publish")
    assert (code, "0 destroyed, 1 published (already scheduled)." in said) == (0, True), said
    with pottery.project.world() as world:
        item = world.world()["sites"][SITE]["items"][POST]["item"]
    assert item["schedulingInfo"]["scheduledDate"] == "2026-11-04T08:30:00.000Z"
    assert "No changes." in pottery.run("plan")[1]


def test_a_failed_post_and_a_lost_channel_are_reported(pottery: Pottery) -> None:
    pottery.scheduled()
    with pottery.project.world() as world:
        world.dashboard.disconnect(SITE, "INSTAGRAM")
    code, said = pottery.run("drift")
    assert (code, "not connected" in said) == (2, True), said
    said = pottery.run("review")[1]
    for part in (
        "pottery 1 scheduled (blocked)",
        '! blocked "Kiln day" (Instagram) will fail: Instagram is not connected',
        "Review: 0 pending, 0 approved, in 2 sites; 1 scheduled post blocked.",
    ):
        assert part in said, said
    with pottery.project.world() as world:
        world.advance(timedelta(hours=49))
    assert pottery.status() == "FAILED"
    assert "failed to go out" in pottery.run("plan")[1]
    code, said = pottery.run("drift")
    assert (code, said.count("failed to go out"), "Wed 2026-11-04 09:30 Europe/Berlin" in said) == (2, 1, True), said


def test_the_history_counts_the_posts_that_failed_to_go_out(pottery: Pottery) -> None:
    pottery.scheduled()
    with pottery.project.world() as world:
        world.dashboard.disconnect(SITE, "INSTAGRAM")
        world.advance(timedelta(hours=49))
    pottery.run("apply", "--auto-approve")
    assert pottery.run("history")[1].endswith("History: 1 post in 1 of 2 sites; 1 post failed to go out.")
    found = pottery.command("history", pottery.project.root, "--output", "json").json
    assert found["summary"] == {"sites": 2, "posts": 1, "failed": 0, "failedPosts": 1}


def test_review_names_posts_that_failed_until_somebody_decides(pottery: Pottery) -> None:
    pottery.scheduled()
    with pottery.project.world() as world:
        world.dashboard.disconnect(SITE, "INSTAGRAM")
        world.advance(timedelta(hours=49))
    for _ in range(2):
        code, said = pottery.run("review")
        assert code == 0
        assert "pottery 1 failed to go out" in said, said
        post = '"Kiln day" (Instagram) Wed 2026-11-04 09:30 Europe/Berlin'
        assert f"! failed {post} failed to go out: channel INSTAGRAM is not connected fix: publish it" in said, said
        assert said.endswith("Review: 0 pending, 0 approved, in 2 sites; 1 post failed to go out.")
    found = pottery.command("review", pottery.project.root, "--output", "json").json
    ((problem,), (draft,)) = (found["sites"][0][key] for key in ("failedPosts", "drafts"))
    assert (problem["code"], draft["status"], found["summary"]["failedPosts"]) == ("failed", "failed", 1)
    scanned = pottery.command("review", pottery.project.root, "--output", "sarif").json
    assert [(result["ruleId"], result["level"]) for result in scanned["runs"][0]["results"]] == [("failed", "warning")]
    pottery.project.edit(APPROVALS, "decision: approve", "decision: pending")
    said = pottery.run("review")[1]
    assert said.endswith("Review: 0 pending, 0 approved, in 2 sites."), said


@pytest.mark.parametrize("decision", ["discard", "regenerate", "regenerate-media"])
def test_review_keeps_a_decision_about_posts_that_failed(pottery: Pottery, decision: str) -> None:
    pottery.scheduled()
    with pottery.project.world() as world:
        world.dashboard.disconnect(SITE, "INSTAGRAM")
        world.advance(timedelta(hours=49))
    pottery.run("review")
    pottery.project.edit(APPROVALS, "decision: keep", f"decision: {decision}")
    for _ in range(2):
        said = pottery.run("review")[1]
        assert said.endswith("Review: 0 pending, 0 approved, in 2 sites."), said
        assert "failed to go out" not in said + (pottery.project.root / "approvals/pottery.html").read_text("utf-8")
        assert f"decision: {decision} " in (pottery.project.root / APPROVALS).read_text("utf-8")
        for command in ("plan", "drift", "apply"):
            assert "failed to go out" not in pottery.run(command)[1]


@pytest.mark.parametrize("decision", ["discard", "regenerate", "regenerate-media"])
def test_review_says_that_a_decision_about_posts_came_too_late(pottery: Pottery, decision: str) -> None:
    pottery.scheduled()
    with pottery.project.world() as world:
        world.advance(timedelta(hours=49))
    pottery.run("apply", "--auto-approve")  # records that it went out
    pottery.project.edit(APPROVALS, "decision: keep", f"decision: {decision}")
    assert pottery.run("plan")[1].endswith("No changes.")
    said = pottery.run("review")[1]
    assert f'! back to keep "Kiln day": `{decision}` came too late, because its posts have gone out' in said, said
    assert "back to keep" not in pottery.run("review")[1]


def test_an_approval_from_before_the_state_was_lost_must_be_given_again(pottery: Pottery) -> None:
    """It was never scheduled, so nothing says that it was cancelled."""
    approved_only(pottery)
    for path in (pottery.project.root / ".reconciler").iterdir():
        if not path.name.startswith("sandbox.db"):
            shutil.rmtree(path) if path.is_dir() else path.unlink()
    for command in (("plan",), ("apply", "--auto-approve", "--allow-publish"), ("plan",)):
        said = pottery.run(*command)[1]
        assert ("may have been used already" in said, "cancelled" in said) == (True, False), said
    said = pottery.run("review")[1]
    assert ("pottery 1 to approve again" in said, "cancelled" in said) == (True, False), said
    assert "cancelled once" not in (pottery.project.root / "approvals/pottery.html").read_text("utf-8")
    pottery.project.edit(APPROVALS, "decision: pending", "decision: approve")
    asked = pottery.run("approve", "--all", "--yes", "--decision", "pending")[1]
    assert "note: 1 earlier approval of it no longer counts" in asked, asked
    pottery.project.edit(APPROVALS, "decision: pending", "decision: approve")
    assert pottery.run("apply", "--auto-approve", "--allow-publish")[0] == 0
    assert pottery.status() == "SCHEDULED"
    root = pottery.project.root
    for said in (pottery.run("history")[1], pottery.command("state", "show", "pottery", root).out):
        assert ("Kiln day" in said, "2 times" in said) == (True, False), said
    found = pottery.command("history", root, "--output", "json").json
    assert [post["times"] for site in found["sites"] for post in site["posts"]] == [1]
    pottery.project.edit(APPROVALS, "decision: approve", "decision: pending")
    assert "1 cancelled" in pottery.run("apply", "--auto-approve")[1]
    assert "cancelled after approval" in pottery.run("review")[1]
    with pottery.project.world() as world:
        world.edit(SITE, lambda site, *_: site.items[POST]["item"].update(status="DRAFT"))
    pottery.run("review")
    assert "cancelled once" in (root / "approvals/pottery.html").read_text("utf-8")


def lose_the_state(pottery: Pottery) -> None:
    approved_only(pottery)
    for path in (pottery.project.root / ".reconciler").iterdir():
        if not path.name.startswith("sandbox.db"):
            shutil.rmtree(path) if path.is_dir() else path.unlink()
    pottery.run("apply", "--auto-approve", "--allow-publish")


def schedule_by_hand(pottery: Pottery) -> None:
    approved_only(pottery)
    with pottery.project.world() as world:
        world.dashboard.schedule_item(SITE, POST, at="2026-11-04T08:30:00.000Z")
    pottery.run("apply", "--auto-approve", "--allow-publish")
    back_to_draft(pottery)


def back_to_draft(pottery: Pottery) -> None:
    with pottery.project.world() as world:
        world.edit(SITE, lambda site, *_: site.items[POST]["item"].update(status="DRAFT"))


@pytest.mark.parametrize("used", [lose_the_state, schedule_by_hand], ids=lambda used: used.__name__)
def test_an_approval_given_again_counts_once(pottery: Pottery, used: Callable[[Pottery], None]) -> None:
    """Whatever made the first one count as used, although no run of this tool scheduled the post with it."""
    used(pottery)
    assert pottery.run("apply", "--auto-approve", "--allow-publish")[0] == 0
    assert pottery.status() == "DRAFT"
    pottery.run("review")
    pottery.project.edit(APPROVALS, "decision: pending", "decision: approve")
    pottery.run("apply", "--auto-approve", "--allow-publish")
    assert pottery.status() == "SCHEDULED"
    assert "No changes." in pottery.run("plan")[1]
    back_to_draft(pottery)
    said = pottery.run("apply", "--auto-approve", "--allow-publish")[1]
    assert (pottery.status(), "1 blocked" in said) == ("DRAFT", True), said


def test_a_run_with_a_post_that_only_a_person_can_stop_does_not_succeed(pottery: Pottery) -> None:
    assert pottery.run("apply", "--auto-approve")[0] == 0
    with pottery.project.world() as world:
        world.dashboard.schedule_item(SITE, POST, at="2026-11-04T08:30:00.000Z")
    more("reconciler.yaml", "policy: {paused: cancel}\n")(pottery.project)
    for args, expected in ((("plan",), 0), (("plan", "--detailed-exitcode"), 2), (("drift",), 2)):
        code, said = pottery.run(*args)
        assert code == expected, (args, said)
    code, said = pottery.run("apply", "--auto-approve")
    assert (code, pottery.status()) == (3, "SCHEDULED"), said


def test_what_was_cancelled_does_not_go_out_at_a_site_without_a_file(pottery: Pottery) -> None:
    pottery.scheduled()
    pottery.project.edit(APPROVALS, "decision: approve", "decision: pending")
    assert pottery.run("apply", "--auto-approve")[0] == 0
    (pottery.project.root / "sites/pottery.yaml").unlink()
    said = pottery.run("plan")[1]
    assert ("no file declares it" in said, "still scheduled" in said) == (True, False), said


def test_drafts_that_go_with_their_activity_count_as_thrown_away(pottery: Pottery) -> None:
    """`maxDiscard` limits the loss of drafts, whatever causes it."""
    assert pottery.run("apply", "--auto-approve")[0] == 0
    WITHDRAWALS["its activity is to be absent"][0](pottery.project)
    more("reconciler.yaml", "policy: {maxDiscard: 0}\n")(pottery.project)
    for command in (("plan",), ("apply", "--auto-approve")):
        code, said = pottery.run(*command)
        assert (code, "discard 1 draft" in said) == (4, True), said
    assert pottery.status() == "DRAFT"


def test_an_approval_that_git_cannot_look_up_was_not_withdrawn(pottery: Pottery) -> None:
    pottery.scheduled()
    for command in (("plan",), ("apply", "--auto-approve"), ("drift",)):
        code, said = pottery.run(*command, "--committed")
        assert (code, "only committed approvals count here" in said) == (1, True), said
        assert "withdrawn" not in said
    assert pottery.status() == "SCHEDULED"


def test_a_site_whose_file_is_gone_is_named_with_what_still_goes_out_there(pottery: Pottery) -> None:
    pottery.scheduled()
    (pottery.project.root / "sites/pottery.yaml").unlink()
    shutil.rmtree(pottery.project.root / "approvals")
    for command in ("plan", "drift"):
        code, said = pottery.run(command)
        assert (code, "no file declares it" in said, "state forget pottery" in said) == (0, True, True), said
        assert (
            'pottery: "Kiln day" (Instagram) is still scheduled to go out on Wed 2026-11-04 09:30 Europe/Berlin' in said
        )
    for args in (("plan", "--strict"), ("apply", "--strict", "--auto-approve")):
        code, said = pottery.run(*args)
        assert (code, "no file declares it, and --strict is given" in said) == (4, True), said
    code, said = pottery.run("drift", "--strict")
    assert (code, "no file declares it" in said) == (0, True), f"the reference says that it is only named: {said}"
    assert "no file declares it" not in pottery.run("plan", "--target", "shop")[1]
    forgotten = pottery.command("state", "forget", "pottery", pottery.project.root, "--force")
    still = '"Kiln day" (Instagram) is still scheduled to go out on Wed 2026-11-04'
    assert (forgotten.code, still in forgotten.err) == (0, True)  # by the clock of the sandbox, which stands still
    assert "no file declares it" not in pottery.run("plan")[1]


def approved_only(pottery: Pottery) -> None:
    assert pottery.run("apply", "--auto-approve")[0] == 0
    pottery.run("review")
    pottery.project.edit(APPROVALS, "decision: pending", "decision: approve")


def test_of_two_saved_plans_only_one_uses_the_approval(pottery: Pottery, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(pottery.project.root)
    approved_only(pottery)
    for name in ("a.plan", "b.plan"):
        assert pottery.command("plan", "--out", name).code == 0
        with pottery.project.world() as world:
            world.advance(timedelta(minutes=1))  # so that they are not the same plan
    assert pottery.command("apply", "a.plan", "--auto-approve", "--allow-publish").code == 0
    assert pottery.status() == "SCHEDULED"
    with pottery.project.world() as world:  # somebody takes it back: it looks as it did when both were made
        world.edit(SITE, lambda site, *_: [item["item"].update(status="DRAFT") for item in site.items.values()])
    ran = pottery.command("apply", "b.plan", "--auto-approve", "--allow-publish")
    assert ran.code == 4, ran.out + ran.err
    assert pottery.status() == "DRAFT"


@pytest.mark.parametrize(
    "policy", ["bannedWords: [kiln]", "blackoutDates: [2026-11-04]", "paused: hold", "minLead: 9d"]
)
def test_a_policy_of_today_holds_for_a_plan_of_yesterday(
    pottery: Pottery, monkeypatch: pytest.MonkeyPatch, policy: str
) -> None:
    monkeypatch.chdir(pottery.project.root)
    approved_only(pottery)
    assert pottery.command("plan", "--out", "a.plan").code == 0
    more("reconciler.yaml", f"policy: {{{policy}}}\n")(pottery.project)
    ran = pottery.command("apply", "a.plan", "--auto-approve", "--allow-publish")
    assert ran.code == 4, ran.out + ran.err
    assert pottery.status() == "DRAFT"


def test_no_post_is_parked_in_quiet_hours_on_its_way_to_another_time(pottery: Pottery) -> None:
    """The activity is at 23:30, when nothing may go out, and the rule says 09:30; the API refuses to move posts."""
    pottery.project.edit("sandbox.yaml", "date: '2026-11-04T08:00:00Z'", "date: '2026-11-04T22:30:00Z'")
    more("reconciler.yaml", "policy: {quietHours: {from: '21:00', to: '07:00'}}\n")(pottery.project)
    approved_only(pottery)
    with pottery.project.world() as world:
        refused = {"kind": "error", "status": 403, "body": "json", "code": "PERMISSION_DENIED"}
        world.add_fault({"route": "POST *reschedule", "do": refused})
    code, said = pottery.run("apply", "--auto-approve", "--allow-publish")
    with pottery.project.world() as world:
        item = world.world()["sites"][SITE]["items"][POST]["item"]
    assert (item["status"], "T22:30" in str(item)) == ("SCHEDULED", False), (code, said, item)
    assert code == 0, said


@pytest.mark.parametrize(
    "name",
    [
        "the activity is discarded",
        "its posts are to be absent",
        "its activity is to be absent",
        "it is generated again",
    ],
)
def test_what_is_thrown_away_is_named_by_title_and_channel(pottery: Pottery, name: str) -> None:
    approved_only(pottery)
    WITHDRAWALS[name][0](pottery.project)
    said = pottery.run("plan")[1]
    assert 'discards 1 approved draft: "Kiln day" (Instagram)' in said, said
    assert POST not in said
    values = pottery.command("plan", pottery.project.root, "--output", "json").json
    lost = [draft for action in values["sites"][0]["actions"] for draft in action.get("discards", ())]
    told = {"post": POST, "title": "Kiln day", "channel": "INSTAGRAM", "type": "POST", "approved": True}
    assert lost == [told]


MOVED = "2026-11-04T12:30:00.000Z"
THERE = "Wed 2026-11-04 13:30 Europe/Berlin"


@pytest.mark.parametrize("args", [(), ("--no-publish",)])
def test_a_post_that_somebody_moved_is_not_a_plan_without_changes(pottery: Pottery, args: tuple[str, ...]) -> None:
    """The rule leaves the time to the API, or nothing public is planned: nothing moves it back."""
    if not args:
        pottery.project.edit("sites/pottery.yaml", ', at: "09:30"', "")
    pottery.scheduled()
    with pottery.project.world() as world:
        world.dashboard.schedule_item(SITE, POST, at=MOVED)
    for command in (("plan", *args), ("apply", "--auto-approve", *args)):
        code, said = pottery.run(*command)
        assert (code, "somebody moved it" in said, THERE in said) == (0, True, True), said
        assert "No changes; 1 blocked." in said
    code, said = pottery.run("drift")
    what = f"scheduled for {THERE}; the rule says Wed 2026-11-04 09:30 Europe/Berlin" if args else "somebody moved it"
    assert (code, what in said and THERE in said, "Drift: 1 drifted, in 1 of 2 sites." in said) == (
        2,
        True,
        True,
    ), said
    assert 'post "Kiln day" (Instagram)' in said
    with pottery.project.world() as world:
        world.dashboard.schedule_item(SITE, POST, at="2026-11-04T08:30:30.000Z" if args else "2026-11-04T08:00:30.000Z")
    assert "No changes." in pottery.run("plan", *args)[1]


@pytest.mark.parametrize(
    ("change", "edited"),
    [
        (lambda world: world.dashboard.schedule_item(SITE, POST, at=MOVED), True),
        (lambda world: world.dashboard.set_facts(SITE, timeZone="America/New_York"), False),
        (None, False),
    ],
    ids=["moved on the site", "another time zone", "another time in the file"],
)
def test_a_plan_says_whether_it_overwrites_the_time_that_somebody_chose(
    pottery: Pottery, change: Callable[[Sandbox], None] | None, edited: bool
) -> None:
    pottery.scheduled()
    if change is None:
        pottery.project.edit("sites/pottery.yaml", "09:30", "10:30")
    else:
        with pottery.project.world() as world:
            change(world)
    for command in (("plan",), ("plan", "--output", "html"), ("plan", "--output", "markdown")):
        said = pottery.run(*command)[1]
        assert ("moves to" in said, "edited on the site since the last apply" in said) == (True, edited), said


CANCEL_REFUSED = {"kind": "error", "status": 403, "body": "json", "code": "PERMISSION_DENIED"}


def test_what_could_not_be_cancelled_is_named_until_it_is(pottery: Pottery) -> None:
    pottery.scheduled()
    pottery.project.edit(APPROVALS, "decision: approve", "decision: pending")
    with pottery.project.world() as world:
        world.add_fault({"route": "PATCH *cancel", "times": 1, "do": CANCEL_REFUSED})
        code, said = pottery.run("apply", "--auto-approve")
        assert (code, "1 still going out" in said) == (1, True), said
        assert (
            "on site3f0c2a9e: the approval was withdrawn but it was not stopped: access was refused" in said
        )  # its name, not its id
    code, said = pottery.run("plan", "--detailed-exitcode")
    assert (code, said.index("still going out") < said.index("x cancel")) == (2, True), said
    assert "cancelling it failed before" in said
    assert "1 to cancel; 1 still going out." in said
    code, said = pottery.run("drift")
    assert (code, "changed in git: the approval was withdrawn" in said, "1 drifted" in said) == (2, True, True), said
    code, said = pottery.run("apply", "--auto-approve")
    assert (code, pottery.status()) == (0, "CANCELED"), said
    assert said.endswith("Apply: 0 added, 0 changed, 0 destroyed, 1 cancelled."), said
    assert "still going out" not in pottery.run("plan")[1]


@pytest.mark.parametrize("failed_before", [False, True])
def test_a_cancel_that_fails_is_one_problem_in_every_report(pottery: Pottery, failed_before: bool) -> None:
    """The cause is shown once, with the post that still goes out; what the plan said about it is not repeated."""
    pottery.scheduled()
    pottery.project.edit(APPROVALS, "decision: approve", "decision: pending")
    formats = ("github", "sarif", "junit", "openmetrics", "markdown", "html")
    files = {name: pottery.project.root / f"report.{name}" for name in formats}
    with pottery.project.world() as world:
        world.add_fault({"route": "PATCH *cancel", "times": 1 + failed_before, "do": CANCEL_REFUSED})
        if failed_before:
            assert pottery.run("apply", "--auto-approve")[0] == 1
        outputs = [f"--output={name}={file}" for name, file in files.items()]
        code, said = pottery.run("apply", "--auto-approve", "--output=text", *outputs)
    (planned, applied) = said.split("Plan: ", 1)
    assert (code, planned.count("still going out")) == (1, failed_before), said
    assert (applied.count('"Kiln day"'), applied.count("access was refused")) == (1, 1), said
    assert ("pottery 1 failed" in applied, "answered 403" in applied) == (True, True), said
    reports = {name: file.read_text("utf-8") for name, file in files.items()}
    problems = [line for line in reports["github"].splitlines() if line.startswith("::")]
    assert ([line.split("::")[1] for line in problems]) == ["error title=still-going-out"], problems
    assert ("failed before" in problems[0], "/cancel answered 403" in problems[0]) == (False, True)
    (found,) = json.loads(reports["sarif"])["runs"][0]["results"]
    assert (found["ruleId"], "failed before" in found["message"]["text"]) == ("still-going-out", False)
    assert re.findall(r"^error\[([\w-]+)\]", reports["junit"], re.MULTILINE) == ["still-going-out"]
    assert re.findall(r"^reconciler_problems{.*$", reports["openmetrics"], re.MULTILINE) == [
        'reconciler_problems{command="apply",code="still-going-out",severity="error",site="pottery"} 1'
    ]
    top, block = reports["markdown"].split("<details>")
    assert (top.count("access was refused"), block.count("access was refused")) == (1, 1), reports["markdown"]
    ledger = reports["html"].split('<h2 id="apply">')[1].split('<h2 id="plan">')[0]
    assert ledger.count("access was refused") == 1, ledger


PAGE = "site3f0c2a9e"
GOES_OUT = "is still going out on Wed 2026-11-04 09:30 Europe/Berlin"


@pytest.mark.parametrize(
    ("command", "change", "said"),
    [
        (
            ("plan", "--target", "pottery/settings"),
            edits(APPROVALS, "decision: approve", "decision: pending"),
            f"on {PAGE} {GOES_OUT}",
        ),
        (("apply", "--auto-approve"), edits(APPROVALS, "decision: keep", "decision: discard"), f"on {PAGE} {GOES_OUT}"),
        (("plan",), more("sites/pottery.yaml", "  paused: hold\n"), "publishing is paused"),
        (("apply", "--auto-approve"), lambda _: None, "publish: withheld"),
    ],
)
def test_reports_call_a_post_by_its_title_and_channel(
    pottery: Pottery, command: tuple[str, ...], change: Change, said: str
) -> None:
    """Not by its id, which only a program needs."""
    unwanted = GOES_OUT in said
    if unwanted:
        pottery.scheduled()
    else:
        approved_only(pottery)
    change(pottery.project)
    with pottery.project.world() as world:
        if unwanted and command[0] == "apply":
            world.add_fault({"route": "PATCH *cancel", "times": 1, "do": CANCEL_REFUSED})
        formats = ("github", "junit", "html", "markdown", "sarif", "codequality")
        files = {name: pottery.project.root / f"report.{name}" for name in formats}
        pottery.run(*command, *(f"--output={name}={file}" for name, file in files.items()))
    for name, file in files.items():
        text = html.unescape(file.read_text("utf-8")).replace('\\"', '"')
        of_the_site = name in ("html", "markdown") and "withheld" in said  # shown as in the ledger
        assert of_the_site or re.search(rf'"Kiln day" \(Instagram\):? {said}', text), (name, text)
        assert f"draft[{POST}]: " not in text, (name, text)


@pytest.mark.parametrize("limit", ["maxDelete: 0", ""])
def test_a_post_whose_cancel_is_not_tried_again_is_one_problem(pottery: Pottery, limit: str) -> None:
    """Because the run is refused, or because nobody agreed to it."""
    pottery.scheduled()
    pottery.project.edit(APPROVALS, "decision: approve", "decision: pending")
    with pottery.project.world() as world:
        world.add_fault({"route": "PATCH *cancel", "times": 1, "do": CANCEL_REFUSED})
        assert pottery.run("apply", "--auto-approve")[0] == 1
    yes = ("--auto-approve",) if limit else ()
    if limit:
        event = "calendarEvents: {prune: true, events: []}\n"
        more("sites/pottery.yaml", event)(pottery.project)
        more("reconciler.yaml", f"policy: {{{limit}}}\n")(pottery.project)
        with pottery.project.world() as world:
            world.dashboard.add_event(SITE, {"name": "Sale", "date": "2026-12-01T00:00:00Z"})
    code, said = pottery.run("apply", *yes, "--output", "github")
    assert (code, said.count("title=still-going-out")) == (4, 1), said
    assert '"Kiln day" (Instagram) on site3f0c2a9e is still going out' in said, said
    assert "apply tries again" in said if limit else "nothing was done" in said, said


@pytest.mark.parametrize("command", [("plan",), ("apply", "--auto-approve"), ("drift",)])
def test_a_refused_run_says_first_what_it_does_not_stop(pottery: Pottery, command: tuple[str, ...]) -> None:
    pottery.scheduled()
    pottery.project.edit(APPROVALS, "decision: approve", "decision: pending")
    more("sites/pottery.yaml", "calendarEvents: {prune: true, events: []}\n")(pottery.project)
    more("reconciler.yaml", "policy: {maxDelete: 0}\n")(pottery.project)
    with pottery.project.world() as world:
        world.dashboard.add_event(SITE, {"name": "Sale", "date": "2026-12-01T00:00:00Z"})
    said = pottery.run(*command)[1]
    assert said.count("! still going out") == 1, said
    assert said.index("! still going out") < said.index("! refused") < said.index("1 still going out"), said
    assert "but the run is refused, so nothing cancels it" in said, said
    if command[0] == "apply":
        assert said.endswith("(1 post still going out, above)"), said


ENDINGS = {
    "another site is refused": (4, "expect", "Apply: 0 added, 0 changed, 0 destroyed; 1 still going out, 1 refused."),
    "another site is unreadable": (
        1,
        "api-forbidden",
        "Apply: 0 added, 0 changed, 0 destroyed; 1 still going out, 1 failed.",
    ),
    "there is no other site": (3, None, "No changes; 1 still going out."),
}


@pytest.mark.parametrize("name", ENDINGS)
def test_a_run_without_work_says_in_its_ledger_what_still_goes_out(pottery: Pottery, name: str) -> None:
    pottery.scheduled()
    assert pottery.run("apply", "--auto-approve")[0] == 0
    kept = {*(pottery.project.root / ".reconciler/runs").iterdir()}
    pottery.project.edit(APPROVALS, "decision: approve", "decision: pending")
    exits, code, last = ENDINGS[name]
    if code == "expect":
        more("sites/shop.yaml", "expect: {language: fr}\n")(pottery.project)
    else:
        with pottery.project.world() as world:
            world.add_fault({"route": "*", "site": "3f0c2a9e-8d0b-4b7c-9a55-000000000001", "do": CANCEL_REFUSED})
    others = ("--target", "shop") if code else ()
    report = pottery.project.root / "report.json"
    arguments = ("--auto-approve", "--target", "pottery/settings", *others, "--output=text", f"--output=json={report}")
    ran = pottery.command("apply", pottery.project.root, *arguments)
    ledger = ran.out.split("Plan")[-1]
    assert (ran.code, ran.last, "nothing to do" in ran.out) == (exits, last, False), ran.out
    assert ("pottery  1 post still going out" in ledger) is bool(code), ran.out
    assert ran.out.count('! still going out   "Kiln day"') == (2 if code else 1), ran.out
    (run,) = {*(pottery.project.root / ".reconciler/runs").iterdir()} - kept
    written = json.loads(run.read_text("utf-8"))["ledger"]
    expected = {"pottery": (1, None), **({"shop": (0, code)} if code else {})}
    assert written["exitCode"] == exits
    assert {
        site["site"]: (len(site["stillGoingOut"]), site["error"] and site["error"]["code"]) for site in written["sites"]
    } == expected
    assert {site["site"] for site in json.loads(report.read_text("utf-8"))["ledger"]} == {*expected}


def test_a_failed_cancel_is_over_once_somebody_cancelled_it(pottery: Pottery) -> None:
    pottery.scheduled()
    pottery.project.edit(APPROVALS, "decision: approve", "decision: pending")
    with pottery.project.world() as world:
        world.add_fault({"route": "PATCH *cancel", "times": 1, "do": CANCEL_REFUSED})
        assert pottery.run("apply", "--auto-approve")[0] == 1
        world.dashboard.cancel_item(SITE, POST)
    for command in ("plan", "drift"):
        said = pottery.run(command)[1]
        assert ("still going out" in said, "nobody wants it" in said) == (False, False), said


def test_posts_that_outlive_a_deleted_marketing_plan_are_drift(pottery: Pottery) -> None:
    pottery.scheduled()
    with pottery.project.world() as world:
        world.dashboard.delete_plan(SITE)
    code, said = pottery.run("drift")
    assert (code, 'post "Kiln day" (Instagram)' in said, "the activity is gone" in said) == (2, True, True), said
    assert "Drift: 2 drifted" in said


@pytest.mark.parametrize("args", [("--exclude", "pottery/draft"), ("--target", "pottery/settings")])
def test_a_selection_hides_no_post_that_goes_out_unwanted(pottery: Pottery, args: tuple[str, str]) -> None:
    pottery.scheduled()
    pottery.project.edit(APPROVALS, "decision: approve", "decision: pending")
    wanted = (("plan", 0), ("plan --detailed-exitcode", 2), ("apply --auto-approve", 3), ("drift", 2))
    for command, expected in wanted:
        code, said = pottery.run(*command.split(), *args)
        assert (code, "leaves it out of this run" in said) == (expected, True), (command, said)
        assert ("No changes; 1 still going out." in said) is (command != "drift"), said
    assert pottery.status() == "SCHEDULED"


def test_an_apply_that_reads_no_site_counts_what_still_goes_out_as_its_plan_does(pottery: Pottery) -> None:
    pottery.scheduled()
    pottery.project.edit(APPROVALS, "decision: approve", "decision: pending")
    with pottery.project.world() as world:
        world.add_fault({"route": "GET */marketing-plan", "do": {"kind": "error", "status": 500, "body": "empty"}})
    code, text = pottery.run("apply", "--auto-approve", "--output", "json")
    found = json.loads(text[: text.rindex("}") + 1])
    assert (code, found["summary"]["stillGoingOut"], found["applied"]["stillGoingOut"]) == (1, 1, 1)
    assert "Apply: 0 added, 0 changed, 0 destroyed; 1 still going out, 2 failed." in pottery.run("apply")[1]


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (more("reconciler.yaml", "policy: {paused: cancel}\n"), "publishing is paused"),
        (more("reconciler.yaml", "policy: {blackoutDates: [2026-11-04]}\n"), "now forbidden by a policy"),
        (WITHDRAWALS["this site is paused"][0], "publishing is paused"),
        (WITHDRAWALS["the marketing plan is to be absent"][0], "declared absent in the file"),
    ],
)
def test_other_files_make_posts_unwanted_although_the_approvals_cannot_be_read(
    pottery: Pottery, change: Change, reason: str
) -> None:
    pottery.scheduled()
    pottery.project.write({APPROVALS: ""})
    assert "can't be checked" in pottery.run("plan")[1]
    change(pottery.project)
    code, text = pottery.run("plan")
    assert code == 1
    assert f'! still going out pottery: "Kiln day" (Instagram) Wed 2026-11-04 09:30 Europe/Berlin: {reason}' in (
        text.replace(" on site3f0c2a9e", "")
    )
    assert "can't be checked" not in text


@pytest.mark.parametrize("change", ["left out", "refused", "unread"])
def test_an_apply_elsewhere_counts_the_post_that_goes_out_where_it_did_nothing(pottery: Pottery, change: str) -> None:
    pottery.scheduled()
    pottery.project.edit(APPROVALS, "decision: approve", "decision: pending")
    kiln = f"version: 1\nsite: {{name: kiln, id: {SITE[:-1]}2}}\nsettings: {{toneOfVoice: warm}}\n"
    pottery.project.write({"sites/kiln.yaml": kiln})
    if change == "refused":
        more("sites/pottery.yaml", "expect: {language: fr}\n")(pottery.project)
    if change == "unread":
        fault = f"{{route: GET /marketing-plan, site: {SITE}, do: {{kind: forbidden}}}}"
        more("sandbox.yaml", f"faults: [{fault}]\n")(pottery.project)
        pottery.project.edit("reconciler.yaml", "version: 1", "version: 1\npolicy: {blackoutDates: [2026-11-04]}")
    args = ("--exclude", "pottery/draft") if change == "left out" else ()
    done = pottery.command("apply", str(pottery.project.root), "--auto-approve", "--output", "json", *args)
    assert done.code == {"left out": 3, "refused": 4, "unread": 1}[change], done.out
    assert (done.json["applied"]["changed"], done.json["applied"]["stillGoingOut"]) == (1, 1)
    ledger = {entry["site"]: entry for entry in done.json["ledger"]}
    assert [post["post"] for post in ledger["pottery"]["stillGoingOut"]] == [POST]
    more("sites/kiln.yaml", "calendarEvents: {events: [{name: Sale, date: 2026-12-01}]}\n")(pottery.project)
    _, said = pottery.run("apply", "--auto-approve", *args)
    assert "Apply: 1 added, 0 changed, 0 destroyed; 1 still going out" in said, said
    assert "pottery 1 post still going out, nothing done" in said or change != "left out", said
    assert pottery.status() == "SCHEDULED"


def test_a_refusal_that_is_the_last_line_counts_the_posts_that_go_out_at_the_refused_site(pottery: Pottery) -> None:
    pottery.scheduled()
    pottery.project.edit(APPROVALS, "decision: approve", "decision: pending")
    more("sites/pottery.yaml", "expect: {language: fr}\n")(pottery.project)
    for command in (("plan",), ("apply", "--auto-approve")):
        ran = pottery.command(*command, str(pottery.project.root), "--target", "pottery")
        assert (ran.code, ran.last[:9]) == (4, "Refused: "), ran.out
        assert ran.last.endswith("in its file (1 post still going out, above)"), ran.last


def test_the_last_line_counts_each_post_once_if_nothing_is_done(pottery: Pottery) -> None:
    """One that the plan would have cancelled, and another that it cannot cancel."""
    second = ("000000000001", "000000000002"), ("Kiln day", "Oven day"), ("2026-11-04", "2026-11-06")
    activity = WORLD[WORLD.index(f"      - id: {ACTIVITY}") :]
    for before, after in second:
        activity = activity.replace(before, after)
    pottery.project.write({"sandbox.yaml": WORLD + activity})
    pottery.project.edit("sites/pottery.yaml", "{within: 30d}", '{title: "Kiln*"}')
    pottery.scheduled()
    with pottery.project.world() as world:
        world.dashboard.schedule_item(SITE, POST.replace("000000000001", "000000000002"), "2026-11-06T12:00:00Z")
    more("reconciler.yaml", "policy: {paused: cancel}\n")(pottery.project)
    pottery.project.edit("sites/pottery.yaml", '{title: "Kiln*"}', "{within: 30d}")
    ran = pottery.command("apply", str(pottery.project.root))
    assert (ran.code, "1 to cancel; 1 still going out." in ran.out) == (4, True), ran.out
    assert ran.last.endswith("(2 posts still going out, above)"), ran.last


@pytest.mark.parametrize("change", ["nothing else to do", "something else to do", "unwanted", "refused"])
def test_an_apply_counts_a_post_that_an_earlier_run_may_have_scheduled_as_unknown(
    pottery: Pottery, change: str
) -> None:
    """Once: as unknown, or if nobody wants it, as still going out."""
    assert pottery.run("apply", "--auto-approve")[0] == 0
    pottery.run("review")
    pottery.project.edit(APPROVALS, "decision: pending", "decision: approve")
    asked = SchedulePost(PostId(POST), ActivityId(ACTIVITY), "INSTAGRAM", Digest("sha256:0"), title="Kiln day")
    state = open_state(".reconciler", pottery.project.root, environ=os.environ, now=lambda: datetime.now(UTC))

    async def lost() -> None:
        journal = await state.open_journal(SiteRef(SiteName("pottery"), SITE))
        await journal.end(await begin(journal, f"pottery/draft[{POST}]", asked), unclear("lost"))
        await journal.flush()

    asyncio.run(lost())
    with pottery.project.world() as world:
        world.edit(SITE, lambda site, *_: site.items[POST]["item"].update(status="ON_HOLD"))
    kiln = f"version: 1\nsite: {{name: kiln, id: {SITE[:-1]}2}}\nsettings: {{toneOfVoice: warm}}\n"
    pottery.project.write({"sites/kiln.yaml": kiln})
    if change == "unwanted":
        pottery.project.edit(APPROVALS, "decision: approve", "decision: pending")
    if change == "something else to do":
        pottery.project.edit("sites/pottery.yaml", "when: on-change, discard: all", "when: never")
        pottery.project.edit("sites/pottery.yaml", "toneOfVoice: dry", "toneOfVoice: warm")
    if change == "refused":
        more("sites/pottery.yaml", "expect: {language: fr}\n")(pottery.project)
    ran = pottery.command("apply", str(pottery.project.root), "--auto-approve")
    end = {"unwanted": "1 still going out, 1 blocked.", "refused": "1 unknown, 1 refused."}.get(change, "1 unknown.")
    changed = 2 if change == "something else to do" else 1
    line = f"Apply: 0 added, {changed} changed, 0 destroyed; {end}"
    assert (ran.code, line in ran.out) == (4 if change == "refused" else 3, True), ran.out
    left = 'unknown           "Kiln day" (Instagram) at a time Wix picks may go out' in ran.out
    assert left is (change not in ("unwanted", "refused")), ran.out
    assert ("(1 unconfirmed call)" in ran.out) is (change != "unwanted"), ran.out
    more("sites/kiln.yaml", "calendarEvents: {events: [{name: Sale, date: 2026-12-01}]}\n")(pottery.project)
    done = pottery.command("apply", str(pottery.project.root), "--auto-approve", "--output", "json")
    told = done.json["applied"]
    expected = (0, 1) if change == "unwanted" else (1, 0)
    assert (told["added"], (told["unknown"], told["stillGoingOut"])) == (1, expected), told
    ledger = {entry["site"]: entry for entry in done.json["ledger"]}
    doubts = [problem["code"] for problem in ledger["pottery"].get("inDoubt", ())]
    assert doubts == (["outcome-unknown"] if change.endswith("to do") else []), ledger


def test_what_throws_posts_away_brings_their_cancels_along(pottery: Pottery) -> None:
    pottery.scheduled()
    WITHDRAWALS["its posts are to be absent"][0](pottery.project)
    said = pottery.run("plan", "--exclude", f"pottery/draft[{POST}]")[1]
    assert "No changes; 1 still going out." in said, said
    code, said = pottery.run("apply", "--auto-approve", "--target", f"pottery/posts[{ACTIVITY}]")
    assert (code, "1 cancelled" in said) == (0, True), said
    assert pottery.status() in ("CANCELED", "gone")


def test_a_moved_activity_under_no_approval_is_the_sites_own_change(pottery: Pottery) -> None:
    pottery.project.edit("sites/pottery.yaml", "approval: required", "approval: none")
    code, said = pottery.run("apply", "--auto-approve", "--allow-publish")
    assert (code, "scheduled for Wed 2026-11-04 09:30 Europe/Berlin" in said) == (0, True), said
    assert "2026-11-04T" not in said
    with pottery.project.world() as world:
        world.dashboard.edit_activity(SITE, ACTIVITY, date="2026-11-15T23:30:00.000Z")
    code, said = pottery.run("drift")
    assert (code, "changed remotely not moved along with the activity" in said) == (2, True), said
    for part in (
        'post "Kiln day" (Instagram)',
        "scheduled for Wed 2026-11-04 09:30 Europe/Berlin instead of Mon 2026-11-16 09:30 Europe/Berlin",
    ):
        assert part in said
    assert "2026-11-04T" not in said


@pytest.mark.parametrize(
    ("against", "why"),
    [
        (
            edits(APPROVALS, "decision: approve", "decision: pending"),
            "the approval was withdrawn but it was not stopped: its decision in",
        ),
        (
            edits(APPROVALS, "decision: keep", "decision: discard"),
            "sent back in review but it was not stopped: its decision in",
        ),
        (
            lambda project: (project.root / APPROVALS).unlink(),
            "the approval was withdrawn but it was not stopped: the deletion of ",
        ),
    ],
    ids=["pending", "discard", "deleted"],
)
def test_a_decision_against_a_post_that_is_not_committed_is_named(pottery: Pottery, against: Change, why: str) -> None:
    """The post goes out, because only committed decisions count; the file on the disk does not want it any more."""
    pottery.scheduled()
    git = ("git", "-C", str(pottery.project.root), "-c", "user.name=Ann", "-c", "user.email=ann@example.com")
    for arguments in (("init", "-q"), ("add", "approvals"), ("commit", "-qm", "Approve")):
        subprocess.run((*git, *arguments), check=True)
    assert "No changes." in pottery.run("plan", "--committed")[1]
    against(pottery.project)
    for command, expected in (("plan --detailed-exitcode", 2), ("drift", 2), ("apply --auto-approve", 3)):
        code, said = pottery.run(*command.split(), "--committed")
        assert (code, "is not committed" in said, "Wed 2026-11-04 09:30" in said) == (expected, True, True), said
        assert "1 drifted" in said if command == "drift" else why in said, said
    subprocess.run((*git, "commit", "-qam", "Withdraw"), check=True)
    code, said = pottery.run("apply", "--auto-approve", "--committed")
    assert (code, "1 cancelled" in said) == (0, True), said


def other_account(project: Project) -> None:
    with project.world() as world:
        world.edit(SITE, lambda site, *_: site.items[POST]["item"]["channel"].update(accountId="17841"))


def other_caption(project: Project) -> None:
    with project.world() as world:
        world.dashboard.edit_item(SITE, POST, caption="Goodbye from the kiln")


def other_day(project: Project) -> None:
    with project.world() as world:
        world.dashboard.edit_activity(SITE, ACTIVITY, date="2026-11-05T08:00:00.000Z")


@pytest.mark.parametrize(
    ("change", "what"),
    [
        (other_caption, "no longer what was approved"),
        (
            other_day,
            "date: Wed 2026-11-04 -> Thu 2026-11-05, nobody has approved",
        ),
        (other_account, "-> 17841, nobody has approved it as it is now"),
    ],
)
def test_what_changed_is_not_called_withdrawn_once_review_has_set_it_back(
    pottery: Pottery, change: Change, what: str
) -> None:
    pottery.scheduled()
    change(pottery.project)
    pottery.run("review")
    assert "decision: pending" in (pottery.project.root / APPROVALS).read_text("utf-8")
    code, said = pottery.run("plan")
    assert (code, "1 to cancel" in said, what in said, "withdrawn" in said) == (0, True, True, False), said
    code, said = pottery.run("drift")
    assert (code, "changed remotely" in said, what in said, "withdrawn" in said) == (2, True, True, False), said
    pottery.project.edit(APPROVALS, "decision: pending", "decision: approve")
    code, said = pottery.run("plan")
    assert (code, "cancel" in said) == (0, False), "approved as it is now, it stays: " + said


def test_an_edit_where_no_approval_is_needed_is_named_by_plan_and_drift_until_somebody_settles_it(
    pottery: Pottery,
) -> None:
    """Apply leaves the post as it is, so neither says that all is well, and both say what to do."""
    pottery.project.edit("sites/pottery.yaml", "approval: required", "approval: none")
    assert pottery.run("apply", "--auto-approve", "--allow-publish")[0] == 0
    other_caption(pottery.project)
    goes_out = '"Kiln day" (Instagram) goes out Wed 2026-11-04 09:30 Europe/Berlin on site3f0c2a9e'
    said = f"{goes_out} and was edited on the site after it"
    fix = "run review and approve it"
    code, plan = pottery.run("plan")
    assert (code, said in plan, fix in plan, "No changes; 1 blocked." in plan) == (0, True, True, True), plan
    code, drift = pottery.run("drift")
    assert (code, "edited on the site after it was scheduled" in drift, fix in drift) == (2, True, True), drift
    assert "approved" not in drift.replace(fix, "")
    code, applied = pottery.run("apply", "--auto-approve", "--allow-publish")
    assert (code, pottery.status()) == (0, "SCHEDULED"), applied
    pottery.run("review")
    assert pottery.run("approve", "--all", "--yes")[0] == 0
    assert pottery.run("plan")[1].endswith("No changes.")
    assert pottery.run("drift") == (0, pottery.run("drift")[1])


def test_a_rename_cancels_nothing_while_the_approvals_file_has_the_old_name(pottery: Pottery) -> None:
    pottery.scheduled()
    pottery.project.edit("sites/pottery.yaml", "name: pottery", "name: ceramics")
    approvals = pottery.project.root / "approvals"
    command = f"git mv {approvals}/pottery.yaml {approvals}/ceramics.yaml"
    for args in (("plan",), ("drift",), ("apply", "--auto-approve")):
        code, said = pottery.run(*args)
        assert (code, "which was called pottery at its last apply" in said, command in said) == (1, True, True)
        assert ("1 scheduled post can't be checked" in said, "withdrawn" in said, "to cancel" in said) == (
            True,
            False,
            False,
        ), said
    assert pottery.status() == "SCHEDULED"
    other = FILE.replace(SITE, SITE[:-1] + "3").replace("pottery", "bakery")
    pottery.project.write({"sites/bakery.yaml": other})
    said = pottery.run("plan", "--target", "bakery")[1]
    assert ("leaves the site out" in said, "withdrawn" in said) == (False, False), said
    (pottery.project.root / "sites/bakery.yaml").unlink()
    (approvals / "pottery.yaml").rename(approvals / "ceramics.yaml")
    code, said = pottery.run("apply", "--auto-approve")
    assert (code, "No changes." in said, pottery.status()) == (0, True, "SCHEDULED"), said
    # Deleting the file withdraws, as ever.
    (approvals / "ceramics.yaml").unlink()
    code, said = pottery.run("plan")
    assert (code, "1 to cancel" in said) == (0, True), said


def test_of_several_old_names_the_last_one_counts(pottery: Pottery) -> None:
    """Their files have decisions about the same posts, and those under the last name are newer."""
    apply = ("apply", "--auto-approve", "--no-publish")
    assert pottery.run(*apply)[0] == 0
    pottery.run("review")
    pottery.project.edit(APPROVALS, "decision: pending", "decision: approve")
    approvals = pottery.project.root / "approvals"

    def rename(old: str, new: str, *, with_file: bool) -> None:
        pottery.project.edit("sites/pottery.yaml", f"name: {old}", f"name: {new}")
        if with_file:
            shutil.copy(approvals / f"{old}.yaml", approvals / f"{new}.yaml")

    for names in (("pottery", "aster"), ("aster", "zinnia")):
        rename(*names, with_file=True)
        assert pottery.run(*apply)[0] == 0
    rename("zinnia", "pansy", with_file=False)
    for was in ("was called zinnia at its last apply", "used to be called zinnia"):
        said = pottery.run("plan")[1]
        command = f"git mv {approvals}/zinnia.yaml {approvals}/pansy.yaml"
        assert (f"this site {was}" in said, command in said) == (True, True), said
        assert pottery.run(*apply)[0] == 0
    (approvals / "aster.yaml").rename(approvals / "pansy.yaml")
    rename("pansy", "aster", with_file=True)
    assert pottery.run(*apply)[0] == 0
    rename("aster", "tulip", with_file=False)
    assert pottery.run(*apply)[0] == 0
    assert "this site used to be called aster" in pottery.run("plan")[1], "a name that it had twice"


def test_two_sites_that_swap_their_names_are_told_how_their_approvals_follow(pottery: Pottery) -> None:
    other = {
        SITE: SITE[:-1] + "2",
        ACTIVITY: ACTIVITY[:-1] + "2",
        POST: POST[:-1] + "2",
        "Kiln": "Oven",
        "kiln": "oven",
    }
    world, bakery = WORLD.partition("sites:\n")[2], FILE.replace("name: pottery", "name: bakery")
    for before, after in other.items():
        world, bakery = world.replace(before, after), bakery.replace(before, after)
    pottery.project.write({"sites/bakery.yaml": bakery, "sandbox.yaml": WORLD + world})
    assert pottery.run("apply", "--auto-approve")[0] == 0
    pottery.run("review")
    for name in ("pottery", "bakery"):
        pottery.project.edit(f"approvals/{name}.yaml", "decision: pending", "decision: approve")
    assert pottery.run("apply", "--auto-approve", "--allow-publish")[0] == 0
    pottery.project.edit("sites/pottery.yaml", "name: pottery", "name: bakery")
    pottery.project.edit("sites/bakery.yaml", "name: bakery", "name: pottery")
    approvals = pottery.project.root / "approvals"
    for command in ("plan", "drift"):
        said = pottery.run(command)[1]
        for old in ("pottery", "bakery"):
            assert f"which was called {old} at its last apply" in said, said
        aside, first, second = (f"{approvals}/{name}" for name in ("bakery.aside", "bakery.yaml", "pottery.yaml"))
        commands = f"git mv {first} {aside}; git mv {second} {first}; git mv {aside} {second}"
        assert said.count(commands) == 2, said
    # A review rewrites neither file: each has the decisions about the posts of the other site.
    untouched = {path: path.read_text("utf-8") for path in approvals.glob("*.yaml")}
    code, said = pottery.run("review")
    assert (said.count(f"run: {commands}; then review again"), said.count("! still going out")) == (2, 0), said
    assert "still going out" not in said, "nobody withdrew their approvals"
    assert {path: path.read_text("utf-8") for path in untouched} == untouched
    (approvals / "bakery.yaml").rename(approvals / "aside")
    (approvals / "pottery.yaml").rename(approvals / "bakery.yaml")
    (approvals / "aside").rename(approvals / "pottery.yaml")
    code, said = pottery.run("plan")
    assert (code, "to cancel" in said, "at its last apply" in said) == (0, False, False), said
    assert pottery.run("review")[0] == 0
    code, said = pottery.run("apply", "--auto-approve")
    assert (code, "No changes." in said, pottery.status()) == (0, True, "SCHEDULED"), said


def test_posts_that_are_cleared_count_as_drafts_that_are_thrown_away(pottery: Pottery) -> None:
    assert pottery.run("apply", "--auto-approve")[0] == 0
    WITHDRAWALS["its posts are to be absent"][0](pottery.project)
    code, said = pottery.run("plan", "--detailed-exitcode")
    assert (code, "Plan: 0 to add, 0 to change, 0 to destroy, 1 to discard." in said) == (2, True), said
    code, said = pottery.run("apply", "--auto-approve")
    assert (code, "Apply: 0 added, 0 changed, 0 destroyed, 1 discarded." in said) == (0, True), said


def test_what_was_cancelled_blocks_nothing_until_it_is_approved_again(pottery: Pottery) -> None:
    """The API keeps a cancelled post as CANCELED, which is not a draft."""
    pottery.scheduled()
    pottery.project.edit(APPROVALS, "decision: approve", "decision: pending")
    assert pottery.run("apply", "--auto-approve")[0] == 0
    assert pottery.status() == "CANCELED"
    for command in (("plan", "--strict", "--detailed-exitcode"), ("drift",)):
        code, said = pottery.run(*command)
        assert (code, "blocked" in said) == (0, False), said
    pottery.project.edit(APPROVALS, "decision: pending", "decision: approve")
    said = pottery.run("plan")[1]
    assert ("1 blocked" in said, "scheduled and then cancelled" in said) == (True, True), said


def test_the_table_names_sites_whose_posts_still_go_out(pottery: Pottery) -> None:
    pottery.scheduled()
    pottery.project.edit(APPROVALS, "decision: approve", "decision: pending")
    code, said = pottery.run("plan", "--summary", "--exclude", "pottery/draft")
    assert (code, "site still going out pottery 1" in said) == (0, True), said


@pytest.mark.parametrize("status", ["GENERATING", "FAILED", "INACTIVE"])
def test_what_is_withdrawn_while_the_marketing_plan_shows_nothing_is_cancelled(pottery: Pottery, status: str) -> None:
    pottery.scheduled()
    with pottery.project.world() as world:
        world.dashboard.set_plan_status(SITE, status)
    for command in ("plan", "drift"):
        said = pottery.run(command)[1]
        assert ("x cancel" in said, "no longer wanted" in said) == (False, False), "it is approved as it is"
    pottery.project.edit(APPROVALS, "decision: approve", "decision: pending")
    code, said = pottery.run("drift")
    assert (code, "scheduled, but no longer wanted (the approval was withdrawn)" in said) == (2, True), said
    assert "1 to cancel" in pottery.run("plan")[1]
    pottery.run("apply", "--auto-approve")
    assert pottery.status() == "CANCELED"


LATER: Final = "Wed 2026-11-04 10:30 Europe/Berlin"
UNWANTED: Final = "{when} on site3f0c2a9e drifted changed in git scheduled, but "
WITHDRAW: Final = (APPROVALS, "decision: approve", "decision: pending")


@pytest.mark.parametrize(
    ("status", "edit", "what"),
    [
        ("ACTIVE", WITHDRAW, f"{UNWANTED}no longer wanted (the approval was withdrawn)"),
        ("FAILED", WITHDRAW, f"{UNWANTED}no longer wanted (the approval was withdrawn)"),
        ("ACTIVE", ("sites/pottery.yaml", "[INSTAGRAM]", "[FACEBOOK]"), f"{UNWANTED}not covered by any rule"),
        (
            "ACTIVE",
            ("sites/pottery.yaml", "09:30", "10:30"),
            "on site3f0c2a9e drifted changed in git scheduled for {when}; the rule says " + LATER,
        ),
    ],
    ids=["withdrawn", "not shown", "not covered", "other time"],
)
def test_drift_says_when_and_where_a_scheduled_post_goes_out(
    pottery: Pottery, status: str, edit: tuple[str, str, str], what: str
) -> None:
    """Each format does; a post that the site does not show any more is as the state knows it."""
    pottery.project.edit("sites/pottery.yaml", "approval: required", "approval: required\n  manage: all")
    pottery.scheduled()
    with pottery.project.world() as world:
        world.dashboard.set_plan_status(SITE, status)
    pottery.project.edit(*edit)
    said = f'"Kiln day" (Instagram) {what.format(when="Wed 2026-11-04 09:30 Europe/Berlin")}'
    text = pottery.run("drift")[1]
    assert f"~ post {said}" in text, text
    report = json.loads(pottery.run("drift", "--output", "json")[1])
    objects = [found for site in report["sites"] for found in site["objects"]]
    (message,) = (found["problem"]["message"] for found in objects if found["address"] == f"pottery/draft[{POST}]")
    assert message == said.replace(" drifted changed in git ", ": changed in git: ")
    page = html.unescape(re.sub("<[^>]*>", " ", pottery.run("drift", "--output", "html")[1]))
    assert said.replace("changed in git ", "changed in git: ") in " ".join(page.split())


def test_drift_says_what_still_goes_out_at_a_site_that_is_refused(pottery: Pottery) -> None:
    pottery.scheduled()
    pottery.project.edit(APPROVALS, "decision: approve", "decision: pending")
    more("sites/pottery.yaml", "expect: {language: xx}\n")(pottery.project)
    code, said = pottery.run("drift")
    assert (code, "still going out" in said, "but the site is refused" in said) == (2, True, True), said
    assert "the next apply cancels it" not in said
    assert "scheduled, but no longer wanted" not in said


NOT_MOVED = (
    '"Kiln day" (Instagram): it goes out Wed 2026-11-04 09:30 Europe/Berlin, '
    "although its rule says Wed 2026-11-04 10:15 Europe/Berlin; "
)
RULE = edits("sites/pottery.yaml", 'at: "09:30"', 'at: "10:15"')
TONE = edits("sites/pottery.yaml", "toneOfVoice: dry", "toneOfVoice: warm")
UNAPPROVED = edits("sites/pottery.yaml", "discard: all", "discard: unapproved")


@pytest.mark.parametrize("options", [(), ("--exclude", "pottery/marketing-plan")])
def test_a_post_that_is_not_moved_says_what_it_waits_for(pottery: Pottery, options: tuple[str, ...]) -> None:
    """The marketing plan is ACTIVE all along: its regeneration is refused, or left out of the run."""
    pottery.scheduled()
    for change in (RULE, TONE, UNAPPROVED):
        change(pottery.project)
    fix = "run apply again after the regeneration" if options else "resolve this site's refusal, then run apply"
    for command in ("plan", "drift"):
        said = pottery.run(command, *options)[1]
        assert (NOT_MOVED + fix in said, "is moved" in said, "ACTIVE" in said) == (True, False, False), said
    pottery.run("apply", "--auto-approve", "--allow-publish", *options)
    assert pottery.status() == "SCHEDULED"


def test_a_post_that_is_not_moved_waits_for_the_generation_or_for_the_site_to_be_no_longer_refused(
    pottery: Pottery,
) -> None:
    pottery.scheduled()
    RULE(pottery.project)
    with pottery.project.world() as world:
        world.dashboard.set_plan_status(SITE, "GENERATING")
    for fix in ("run apply again once the marketing plan is ACTIVE", "resolve this site's refusal, then run apply"):
        for command in ("plan", "drift"):
            said = pottery.run(command)[1]
            assert NOT_MOVED + fix in said, said
        more("sites/pottery.yaml", "expect: {language: xx}\n")(pottery.project)


@pytest.mark.parametrize(
    "option", ["--exclude pottery/marketing-plan", "--target pottery/settings", "--target pottery/draft"]
)
def test_a_post_is_not_cancelled_for_a_regeneration_that_is_left_out(pottery: Pottery, option: str) -> None:
    pottery.scheduled()
    TONE(pottery.project)
    code, said = pottery.run("apply", "--auto-approve", *option.split())
    assert (code, "1 cancelled" in said, "1 still going out" in said) == (3, False, True), said
    assert "about to be replaced but --target or --exclude leaves it out of this run" in said
    assert pottery.status() == "SCHEDULED"
    # What nobody wants any more is cancelled all the same.
    pottery.project.edit(APPROVALS, "decision: approve", "decision: pending")
    code, said = pottery.run("apply", "--auto-approve", "--exclude", "pottery/marketing-plan")
    assert (code, "the approval was withdrawn" in said, "1 cancelled" in said) == (0, True, True), said
    assert pottery.status() == "CANCELED"


def test_a_cancel_that_failed_once_says_nothing_of_a_later_one(pottery: Pottery) -> None:
    pottery.scheduled()
    pottery.project.edit(APPROVALS, "decision: approve", "decision: pending")
    with pottery.project.world() as world:
        world.add_fault({"route": "PATCH *cancel", "times": 1, "do": CANCEL_REFUSED})
        assert pottery.run("apply", "--auto-approve")[0] == 1
        assert pottery.run("apply", "--auto-approve")[0] == 0
        world.edit(SITE, lambda site, *_: [item["item"].update(status="DRAFT") for item in site.items.values()])
    pottery.run("review")
    pottery.project.edit(APPROVALS, "decision: pending", "decision: approve")
    assert pottery.run("apply", "--auto-approve", "--allow-publish")[0] == 0
    assert pottery.status() == "SCHEDULED"
    pottery.project.edit(APPROVALS, "decision: approve", "decision: pending")
    code, said = pottery.run("plan")
    assert (code, "1 to cancel." in said, "failed before" in said) == (0, True, False), said


def test_history_shows_that_somebody_cancelled_a_post(pottery: Pottery) -> None:
    """From the first apply that has seen it, until one sees that the post goes out after all."""
    pottery.scheduled()
    with pottery.project.world() as world:
        world.dashboard.cancel_item(SITE, POST)
    assert pottery.run("apply", "--auto-approve")[0] == 0
    said = pottery.run("history")[1]
    assert "on site3f0c2a9e cancelled before it went out" in said, said
    assert "later cancelled" in pottery.command("state", "show", "pottery", pottery.project.root).out
    with pottery.project.world() as world:
        world.edit(SITE, lambda site, *_: site.items[POST]["item"].update(status="SCHEDULED"))
    assert pottery.run("apply", "--auto-approve")[0] == 0
    said = pottery.run("history")[1]
    assert ("on site3f0c2a9e scheduled" in said, "cancelled" in said) == (True, False), said
    assert "later cancelled" not in pottery.command("state", "show", "pottery", pottery.project.root).out
    with pottery.project.world() as world:
        world.dashboard.cancel_item(SITE, POST)
        world.advance(timedelta(days=5))
    assert "not known whether it went out" in pottery.run("history")[1]
    assert pottery.run("apply", "--auto-approve")[0] == 0
    (post,) = json.loads(pottery.run("history", "--output", "json")[1])["sites"][0]["posts"]
    assert post["status"] == "CANCELED"


def test_a_post_that_somebody_deleted_is_named_like_one_that_somebody_cancelled(pottery: Pottery) -> None:
    """By plan and apply while it is approved, and by what asks only the state, from the first apply that missed it."""
    pottery.scheduled()
    with pottery.project.world() as world:
        kept = world.world()["sites"][SITE]["items"][POST]
        world.dashboard.delete_item(SITE, POST)
    gone = '"Kiln day" (Instagram) was scheduled, but the site no longer has it'
    for args, ends in ((("plan",), 0), (("plan", "--strict"), 4), (("drift",), 2), (("apply", "--auto-approve"), 0)):
        code, said = pottery.run(*args)
        assert (code, gone.removeprefix('"Kiln day" (Instagram) ') in said) == (ends, True), said
    assert gone in pottery.run("apply", "--auto-approve")[1]
    state = pottery.command("state", "show", "pottery", pottery.project.root).out
    assert ("no longer on the site" in state, "gone[" in state) == (True, False), state
    assert "on site3f0c2a9e no longer on the site" in pottery.run("history")[1]
    page = pottery.run("history", "--output", "html")[1]
    assert ("no longer on the site" in page, "failed" in page, "1 scheduled" in page) == (True, False, False)
    with pottery.project.world() as world:  # it was only hidden

        def show_again(site: Site) -> None:
            site.items[POST] = kept
            site.activities[ACTIVITY]["items"].append(POST)

        world.edit(SITE, lambda site, *_: show_again(site))
    assert pottery.run("plan")[1].endswith("No changes.")
    assert pottery.run("apply", "--auto-approve")[0] == 0
    assert "on site3f0c2a9e scheduled" in pottery.run("history")[1]
    with pottery.project.world() as world:
        world.dashboard.delete_item(SITE, POST)
    assert pottery.run("apply", "--auto-approve")[0] == 0
    with pottery.project.world() as world:
        world.advance(timedelta(days=5))
    assert pottery.run("apply", "--auto-approve")[0] == 0
    (post,) = json.loads(pottery.run("history", "--output", "json")[1])["sites"][0]["posts"]
    assert post["status"] == "DELETED"


@pytest.mark.parametrize("how", ["cancel_item", "delete_item"])
def test_a_post_that_an_apply_saw_stopped_is_not_called_going_out_by_what_reads_no_site(
    pottery: Pottery, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    monkeypatch.chdir(pottery.project.root)
    pottery.scheduled()
    with pottery.project.world() as world:
        getattr(world.dashboard, how)(SITE, POST)
    assert pottery.run("apply", "--auto-approve")[0] == 0
    pottery.project.edit(APPROVALS, "decision: approve", "decision: pending")
    saved = pottery.project.root / "shop.plan"
    assert pottery.run("plan", "--out", str(saved))[0] == 0
    ran = pottery.command("apply", str(saved))
    assert (ran.code, "going out" in ran.out) == (0, False), ran.out
    (pottery.project.root / "sites/pottery.yaml").unlink()
    said = pottery.run("plan")[1]
    assert ("no file declares it" in said, "Kiln day" in said) == (True, False), said


def test_history_shows_what_went_out_unwanted_and_when_somebody_moved_it(pottery: Pottery) -> None:
    """With the account's name and the time when it really went out; in each format that people read."""
    pottery.scheduled()
    before, moved = "Wed 2026-11-04 09:30 Europe/Berlin", "Wed 2026-11-04 10:30 Europe/Berlin"
    assert f"{before} Instagram" in pottery.run("history")[1]
    with pottery.project.world() as world:
        world.dashboard.schedule_item(SITE, POST, at="2026-11-04T09:30:00.000Z")
    pottery.run("apply", "--auto-approve", "--no-publish")
    assert f"{moved} Instagram" in (said := pottery.run("history")[1])
    assert f"moved by hand, was scheduled for {before}" in said
    pottery.project.edit(APPROVALS, "decision: approve", "decision: pending")
    with pottery.project.world() as world:
        world.advance(timedelta(days=5))
    told = f'"Kiln day" (Instagram) went out {moved} on site3f0c2a9e, although the approval was withdrawn: https://'
    code, said = pottery.run("plan", "--strict")
    assert (code, told in said, "No changes; 1 blocked." in said) == (0, True, True), said
    code, said = pottery.run("drift")
    name, told_beside_it = told.split(" went", 1)
    assert (code, name in said, f" changed in both went{told_beside_it}" in said) == (2, True, True), said
    assert told in pottery.run("apply", "--auto-approve")[1]
    assert "although" not in pottery.run("plan")[1] + pottery.run("drift")[1], "it is said once"
    said = pottery.run("history")[1]
    assert f"{moved} Instagram" in said
    assert "on site3f0c2a9e went out: https://" in said
    assert "although the approval was withdrawn" in said
    (post,) = json.loads(pottery.run("history", "--output", "json")[1])["sites"][0]["posts"]
    assert (post["unwanted"], post["accountName"], post["movedTo"]) == (
        "withdrawn",
        "site3f0c2a9e",
        "2026-11-04T09:30:00Z",
    )
    page = pottery.run("history", "--output", "html")[1]
    assert (moved in page, "although the approval was withdrawn" in page, "moved by hand" in page) == (True,) * 3


@pytest.mark.parametrize(
    ("command", "args"),
    [
        ("plan", (".", "--exclude", "*")),
        ("drift", (".", "--exclude", "pottery")),
        ("apply", (".", "--target", "kiln")),
        ("plan", ("sites/kiln.yaml",)),
    ],
)
def test_a_run_that_leaves_out_a_site_says_what_goes_out_there_unwanted(
    pottery: Pottery, command: str, args: tuple[str, ...]
) -> None:
    """From the files and the state alone: the site is not read."""
    pottery.scheduled()
    pottery.project.write({"sites/kiln.yaml": f"version: 1\nsite: {{name: kiln, id: {SITE[:-1]}2}}\n"})
    path, *options = args

    def run() -> str:
        ran = pottery.command(command, str(pottery.project.root / path), *options)
        assert ran.code == 0
        return " ".join((ran.out + ran.err).split())

    assert "leaves the site out" not in run()
    pottery.project.edit(APPROVALS, "decision: approve", "decision: pending")
    asked = len(pottery.project.requests())
    said = run()
    assert 'pottery: this run leaves the site out, but an unwanted post goes out there: "Kiln' in said
    when = "Wed 2026-11-04 09:30 Europe/Berlin on site3f0c2a9e"
    assert f'"Kiln day" (Instagram) {when} (the approval was withdrawn); reconciler apply --target pottery' in said
    assert not [request for request in pottery.project.requests()[asked:] if SITE in str(request)]
    assert "leaves the site out" not in pottery.run("plan")[1]


def test_a_run_that_leaves_out_a_site_says_that_the_day_of_its_post_moved(pottery: Pottery) -> None:
    """`review` has asked again for the new day; nobody has answered."""
    pottery.scheduled()
    pottery.project.write({"sites/kiln.yaml": f"version: 1\nsite: {{name: kiln, id: {SITE[:-1]}2}}\n"})
    with pottery.project.world() as world:
        world.dashboard.edit_activity(SITE, ACTIVITY, date="2026-11-06T08:00:00.000Z")
    pottery.run("review")
    code, said = pottery.run("plan", "--target", "kiln")
    assert code == 0
    assert "(the date of the activity changed)" in " ".join(said.split())


@pytest.mark.parametrize("many", [4, 7])
def test_many_sites_that_are_left_out_share_one_warning(
    pottery: Pottery, monkeypatch: pytest.MonkeyPatch, many: int
) -> None:
    pottery.scheduled()
    root = pottery.project.root
    (record,) = (root / ".reconciler" / "records").glob(f"{SITE}.json")
    for number in range(many):
        id = f"{SITE[:-2]}a{number}"
        copy = FILE.replace(SITE, id).replace("pottery", f"kiln{number}")
        pottery.project.write({f"sites/kiln{number}.yaml": copy})
        renamed = record.read_text().replace(SITE, id).replace("pottery", f"kiln{number}")
        (record.parent / f"{id}.json").write_text(renamed, "utf-8")
    each = [f"kiln{number}: this run leaves the site out" for number in range(many)]

    def run(*options: str) -> str:
        code, said = pottery.run("plan", "--target", "pottery", *options)
        assert code == 0
        return " ".join(said.split())

    said, post = run(), '"Kiln day" (Instagram)'
    shared = f"{many} sites on which {many} unwanted posts go out, all for one reason: the approval was withdrawn"
    when = f"Wed 2026-11-04 09:30 Europe/Berlin {many} posts: {post} on kiln0, {post} on kiln1, {post} on kiln2 and "
    parts = [
        f"warning: this run leaves out {shared}; run reconciler apply without options to cancel it; or cancel the post",
        when,
    ]
    assert [part in said for part in (*each, *parts)] == [many < 5] * many + [many >= 5] * 2, said
    assert said.count("the approval was withdrawn") == (many if many < 5 else 1), said
    said = run("--sites")
    assert [what for what in each if what not in said] == []
    problems = json.loads(pottery.command("plan", str(root), "--target", "pottery", "--output", "json").out)["problems"]
    assert [problem["address"] for problem in problems] == [f"kiln{number}" for number in range(many)]
    monkeypatch.setattr("reconciler.engine.left_out.MOST_OTHERS_READ", many - 1)
    unchecked = f"{many + 1} sites that this run leaves out were not checked for posts that are no longer wanted"
    assert f"note: {unchecked}" in run()


def commits(project: Project) -> Callable[..., None]:
    """Git in a project with everything committed."""
    who = ("-c", "user.name=Ann", "-c", "user.email=ann@example.com", "-c", "advice.updateSparsePath=false")

    def git(*arguments: str) -> None:
        subprocess.run(("git", "-C", str(project.root), *who, *arguments), check=True, capture_output=True)

    git("init", "-q")
    git("add", "reconciler.yaml", "sites", "approvals")
    git("commit", "-qm", "Approve")
    return git


@pytest.mark.parametrize("how", ["sparse", "vanished"])
@pytest.mark.parametrize("committed", [False, True])
def test_a_checkout_without_approvals_withdraws_nothing(pottery: Pottery, how: str, committed: bool) -> None:
    """If a checkout has no approvals files, nobody has decided to withdraw anything."""
    pottery.scheduled()
    git = commits(pottery.project)
    if how == "sparse":
        git("sparse-checkout", "set", "sites")
    else:
        shutil.rmtree(pottery.project.root / "approvals")
    assert not (pottery.project.root / "approvals").exists()
    options = ("--committed",) if committed else ()
    for command in ("plan", "drift", "apply --auto-approve", "review"):
        code, said = pottery.run(*command.split(), *options)
        if how == "vanished" and committed:  # the last commit counts; the deletion is reported as a deletion
            assert "withdrawn" not in said or "the deletion of" in said, said
        else:
            assert (code, '"Kiln day" (Instagram) Wed 2026-11-04 09:30' in said) == (1, True), said
            assert ("sparse checkout" if how == "sparse" else "and so is the folder") in said
            assert "withdrawn" not in said.replace("to be withdrawn", "")
        if command != "review":
            assert pottery.status() == "SCHEDULED"
    git("sparse-checkout", "disable") if how == "sparse" else git("checkout", "--", "approvals")
    assert "No changes." in pottery.run("plan", *options)[1]
    git("rm", "-rq", "approvals")
    git("commit", "-qm", "Withdraw")
    code, said = pottery.run("apply", "--auto-approve", *options)
    assert (code, "1 cancelled" in said) == (0, True), said


@pytest.mark.parametrize("committed", [False, True])
def test_approvals_in_a_submodule_that_is_not_checked_out_are_not_taken_as_withdrawn(
    pottery: Pottery, committed: bool
) -> None:
    """As in CI without `submodules: true`."""
    pottery.scheduled()
    git = commits(pottery.project)
    git("rm", "-rq", "--cached", "approvals")
    pottery.project.write({".gitmodules": '[submodule "approvals"]\n\tpath = approvals\n\turl = ../approvals\n'})
    git("update-index", "--add", "--cacheinfo", f"160000,{'1' * 40},approvals")
    git("add", ".gitmodules")
    git("commit", "-qm", "Keep approvals elsewhere")
    approvals = pottery.project.root / "approvals"
    shutil.rmtree(approvals)
    approvals.mkdir()
    options = ("--committed",) if committed else ()
    for command in ("plan", "drift", "apply --auto-approve", "review"):
        code, said = pottery.run(*command.split(), *options)
        assert (code, '"Kiln day" (Instagram) Wed 2026-11-04 09:30' in said) == (1, True), said
        assert "git submodule update --init" in said
        assert "withdrawn" not in said
    assert pottery.status() == "SCHEDULED"
    git("rm", "-q", "--cached", "approvals")
    git("commit", "-qm", "Withdraw")
    code, said = pottery.run("plan", *options)
    assert (code, "the approval was withdrawn" in said) == (0, True), said


@pytest.mark.parametrize("place", ["pottery.yml", "Pottery.yaml", "emea/pottery.yaml", "kiosk.yaml", "shop.yaml"])
def test_an_approvals_file_in_a_place_where_nobody_looks_withdraws_nothing(pottery: Pottery, place: str) -> None:
    pottery.scheduled()
    own, there = pottery.project.root / APPROVALS, pottery.project.root / "approvals" / place
    there.parent.mkdir(exist_ok=True)
    own.rename(there)
    told = f"there is no {own}, but {there} may be the intended file; git mv {there} {own}"
    for args in (("plan",), ("drift",), ("apply", "--auto-approve"), ("review",)):
        code, said = pottery.run(*args)
        assert (code, told in said.replace(" fix:", ";").replace("it;;", "it;")) == (1, True), said
    assert (pottery.status(), own.exists()) == ("SCHEDULED", False)
    # Files that are not approvals files, such as the site's own, are not taken for one.
    there.unlink()
    (own.parent / "pottery.yml").write_text(FILE, "utf-8")
    code, said = pottery.run("plan")
    assert (code, "1 to cancel" in said) == (0, True), said


@pytest.mark.parametrize("place", ["approvals", "."])
def test_approvals_behind_a_link_that_leads_nowhere_are_not_taken_as_withdrawn(pottery: Pottery, place: str) -> None:
    pottery.scheduled()
    (pottery.project.root / "approvals").rename(pottery.project.root / "kept")
    link = pottery.project.root / ("approvals" if place == "approvals" else "linked")
    link.symlink_to("elsewhere")
    if place == ".":
        pottery.project.write(
            {
                "reconciler.yaml": "approvals: linked/yes\n"
                + (pottery.project.root / "reconciler.yaml").read_text("utf-8")
            }
        )
    for args in (("plan",), ("drift",), ("apply", "--auto-approve"), ("review",)):
        code, said = pottery.run(*args)
        assert (code, f"{link} is a link to elsewhere, which does not exist" in said) == (1, True), said
    assert pottery.status() == "SCHEDULED"
    (pottery.project.root / "elsewhere").symlink_to("kept")
    if place == "approvals":
        code, said = pottery.run("plan")
        assert (code, "No changes." in said) == (0, True), said


def test_site_files_in_a_submodule_that_is_not_checked_out_are_missed(pottery: Pottery) -> None:
    pottery.project.write({".gitmodules": "", "approvals/kept": ""})
    git = commits(pottery.project)
    for folder in ("sites/more", "theme"):
        git("update-index", "--add", "--cacheinfo", f"160000,{'1' * 40},{folder}")
    for command in ("plan", "validate"):
        _, said = pottery.run(command)
        assert "sites/more is a git submodule that is not checked out: site files in it are not read" in said
        assert said.count("is a git submodule") == 1
    assert pottery.run("validate", "--strict")[0] == 1


def test_approvals_that_git_cannot_be_asked_for_are_not_taken_as_withdrawn(pottery: Pottery) -> None:
    """A copy of the project without its repository and without approvals, if only committed ones count."""
    assert pottery.run("plan", "--committed")[0] == 0, "of a project that is not known yet, nothing is asked"
    pottery.scheduled()
    shutil.rmtree(pottery.project.root / "approvals")
    for command in ("plan", "drift", "apply --auto-approve"):
        code, said = pottery.run(*command.split(), "--committed")
        assert (code, "not in a git repository" in said, "Wed 2026-11-04 09:30" in said) == (1, True, True), said
        assert "withdrawn" not in said
    assert pottery.status() == "SCHEDULED"


def of_another_site(text: str) -> str:
    """An approvals file of this site as another one would have it."""
    for its, others in (("site: pottery", "site: bakery"), (ACTIVITY, ACTIVITY[:-1] + "2"), (POST, POST[:-1] + "2")):
        text = text.replace(its, others)
    return text


def test_the_approvals_file_of_another_site_withdraws_nothing(pottery: Pottery) -> None:
    """A copy of another site's file, in the place of this one's, says nothing about its posts."""
    pottery.scheduled()
    own = (pottery.project.root / APPROVALS).read_text("utf-8")
    strange = of_another_site(own)
    pottery.project.write({APPROVALS: strange})
    told = f"{pottery.project.root / APPROVALS} is for bakery, and has no decision about a post of pottery"
    for args in (("plan",), ("drift",), ("apply", "--auto-approve"), ("review",)):
        code, said = pottery.run(*args)
        assert (
            code,
            told in said,
            "Kiln day" in said,
            "withdrawn" in said.replace("approvals were withdrawn", ""),
        ) == ((1, True, True, False)), said
    assert (pottery.status(), (pottery.project.root / APPROVALS).read_text("utf-8")) == ("SCHEDULED", strange)
    # With the site's own name in it, it is what it says: a file without these posts.
    pottery.project.write({APPROVALS: strange.replace("site: bakery", "site: pottery")})
    code, said = pottery.run("plan")
    assert (code, "1 to cancel" in said) == (0, True), said
    # A file that has its posts is its own, whatever name is in it.
    pottery.project.write({APPROVALS: own.replace("site: pottery", "site: bakery")})
    code, said = pottery.run("plan")
    assert (code, "its decisions count for this site" in said, "No changes." in said) == (0, True, True), said
    # A renamed site's own file may still have the old name in it.
    pottery.project.edit("sites/pottery.yaml", "name: pottery", "name: ceramics")
    (pottery.project.root / APPROVALS).unlink()
    pottery.project.write({"approvals/ceramics.yaml": of_another_site(own).replace("site: bakery", "site: pottery")})
    code, said = pottery.run("plan")
    assert (code, "1 to cancel" in said) == (0, True), said


def test_a_review_does_not_rewrite_the_approvals_file_of_another_site(pottery: Pottery) -> None:
    """Its decisions may be nowhere else."""
    assert pottery.run("apply", "--auto-approve")[0] == 0
    pottery.run("review")
    strange = of_another_site((pottery.project.root / APPROVALS).read_text("utf-8"))
    pottery.project.write({APPROVALS: strange})
    said = pottery.run("review")[1]
    assert "is for bakery, and has no decision about a post of pottery" in said, said
    assert (pottery.project.root / APPROVALS).read_text("utf-8") == strange


@pytest.mark.parametrize("applied", [False, True])
def test_a_new_site_that_takes_the_name_of_another_leaves_its_decisions_alone(pottery: Pottery, applied: bool) -> None:
    """The decisions in the file are about the posts of the site that had the name before."""
    assert pottery.run("apply", "--auto-approve")[0] == 0
    pottery.run("review")
    pottery.project.edit(APPROVALS, "decision: pending", "decision: approve")
    pottery.project.edit("sites/pottery.yaml", "name: pottery", "name: kiln")
    pottery.project.write({"sites/new.yaml": FILE.replace(SITE, SITE[:-1] + "7")})
    decided = (pottery.project.root / APPROVALS).read_text("utf-8")
    was = "used to be called pottery" if applied else "was called pottery at its last apply"
    assert pottery.run("apply", "--auto-approve", *(() if applied else ("--target", "pottery")))[0] == 0
    for command in ("plan", "drift"):
        said = pottery.run(command)[1]
        assert f"this site {was}" in said, said
    for options in (("--target", "pottery"), ("--shard", "1/2"), ()):  # kiln is in the other shard
        said = pottery.run("review", *options)[1]
        assert "has the decisions about posts of kiln, which used to be called pottery" in said, said
        assert (pottery.project.root / APPROVALS).read_text("utf-8") == decided
        assert not (pottery.project.root / "approvals/kiln.yaml").exists()
    (pottery.project.root / APPROVALS).rename(pottery.project.root / "approvals/kiln.yaml")
    assert pottery.run("review")[0] == 0
    for command in ("plan", "drift"):
        said = pottery.run(command)[1]
        assert ("was called" in said, "used to be" in said) == (False, False), said
    assert pottery.run("apply", "--auto-approve", "--allow-publish")[0] == 0
    assert pottery.status() == "SCHEDULED"


@pytest.mark.parametrize(
    ("policy", "does"),
    [("", "1 to publish"), ('policy: {quietHours: {from: "08:00", to: "09:00"}}\n', "1 to cancel")],
)
def test_a_plan_says_that_the_time_zone_of_a_site_changed(pottery: Pottery, policy: str, does: str) -> None:
    pottery.scheduled()
    pottery.project.write({"reconciler.yaml": (pottery.project.root / "reconciler.yaml").read_text("utf-8") + policy})
    if policy:  # without a time of its rule it stays where it is: 09:30 in Berlin, and 08:30 in London
        pottery.project.edit("sites/pottery.yaml", ', at: "09:30"', "")
    with pottery.project.world() as world:
        world.edit(SITE, lambda site, *_: site.facts.update(timeZone="Europe/London"))
    for command in ("plan", "drift"):
        said = pottery.run(command)[1]
        assert "time zone is Europe/London now and was Europe/Berlin when 1 of its posts was scheduled" in said, said
        assert command == "drift" or does in said, said


@pytest.mark.parametrize("why", ["refused", "missing", "unknown"])
def test_scheduled_posts_stay_where_they_are_while_the_time_zone_cannot_be_read(pottery: Pottery, why: str) -> None:
    """Nobody can say that it has changed: at 09:30 UTC the post would go out an hour late."""
    pottery.scheduled()
    if why == "refused":
        fault = "faults: [{route: GET /properties, do: {kind: error, status: 403, body: json}}]\nsites:"
        pottery.project.edit("sandbox.yaml", "sites:", fault)
    else:
        with pottery.project.world() as world:
            world.edit(SITE, lambda site, *_: site.facts.update(timeZone="" if why == "missing" else "Mars/Base"))
    for command in (("plan",), ("apply", "--auto-approve", "--allow-publish"), ("plan",)):
        code, said = pottery.run(*command)
        assert (code, "No changes." in said) == (0, True), said
        assert "time zone cannot be read; the zone of its scheduled posts is used: Europe/Berlin" in said, said
    assert pottery.run("drift")[0] == 0


@pytest.mark.parametrize("how", ["by hand", "by the rule"])
def test_a_post_that_goes_out_when_its_approval_does_not_show_is_named(pottery: Pottery, how: str) -> None:
    """`goesOut` is written for people and not used; but whoever approved has read it."""
    assert pottery.run("apply", "--auto-approve")[0] == 0
    pottery.run("review")
    pottery.project.edit(APPROVALS, "decision: pending", "decision: approve")
    assert "still shows" not in pottery.run("plan")[1]
    name, before, after = {
        "by hand": (APPROVALS, "Wed 2026-11-04 09:30", "Fri 2026-11-06 18:00"),
        "by the rule": ("sites/pottery.yaml", "09:30", "18:00"),
    }[how]
    pottery.project.edit(name, before, after)
    said = pottery.run("plan")[1]
    moments = ("09:30", "Fri 2026-11-06 18:00") if how == "by hand" else ("18:00", "Wed 2026-11-04 09:30")
    for part in (f"goes out Wed 2026-11-04 {moments[0]} Europe/Berlin;", f"still shows {moments[1]} Europe/Berlin"):
        assert part in said, said
    pottery.run("review")
    assert "still shows" not in pottery.run("plan")[1]


def test_a_scheduled_post_that_its_rule_moves_has_one_time_at_which_it_goes_out(pottery: Pottery) -> None:
    """Until it is moved, it goes out when its approval shows."""
    assert pottery.run("apply", "--auto-approve")[0] == 0
    pottery.run("review")
    pottery.project.edit(APPROVALS, "decision: pending", "decision: approve")
    assert pottery.run("apply", "--auto-approve", "--allow-publish")[0] == 0
    pottery.project.edit("sites/pottery.yaml", "09:30", "18:00")
    for command in ("plan", "drift"):
        said = pottery.run(command)[1]
        assert ("still shows" in said, "Wed 2026-11-04 18:00" in said) == (False, True), said
    said = pottery.run("apply", "--auto-approve")[1]
    stays = "it still goes out Wed 2026-11-04 09:30 Europe/Berlin on site3f0c2a9e"
    assert f"would have moved to Wed 2026-11-04 18:00 Europe/Berlin; {stays}" in said, said
    pottery.project.edit(APPROVALS, "decision: keep", "decision: discard")
    said = pottery.run("drift")[1]
    assert "`decision: discard` has not been carried out yet" in said, said


def test_a_post_that_goes_out_although_its_approval_shows_an_obstacle_is_named(pottery: Pottery) -> None:
    """`blocked` is written for people as well: added by hand, it keeps nothing back."""
    assert pottery.run("apply", "--auto-approve")[0] == 0
    pottery.run("review")
    pottery.project.edit(APPROVALS, "decision: pending", "blocked: [wait for the photo]\n        decision: approve")
    code, said = pottery.run("plan")
    assert (code, "1 to publish" in said) == (0, True), said
    assert "approvals/pottery.yaml still shows `blocked` (wait for the photo)" in said
    pottery.run("review")
    assert "still shows" not in pottery.run("plan")[1]


def test_approve_shows_twins_and_what_changed_since_the_last_approval(pottery: Pottery) -> None:
    second = ("000000000001", "000000000002"), ("'2026-11-04T08", "'2026-11-05T07"), ("Kiln day", "Oven day")
    activity = WORLD[WORLD.index(f"      - id: {ACTIVITY}") :]
    for before, after in second:
        activity = activity.replace(before, after)
    rule = FILE.replace(', at: "09:30"', "")
    pottery.project.write({"sandbox.yaml": WORLD + activity, "sites/pottery.yaml": rule})
    assert pottery.run("apply", "--auto-approve")[0] == 0
    pottery.run("review")
    twin = "note: the same content goes out on the same account within a day"
    code, said = pottery.run("approve", "--all", "--yes")
    assert (code, said.count(twin), "since it was approved" in said) == (0, 1, False), said
    commits(pottery.project)
    with pottery.project.world() as world:
        world.dashboard.edit_item(SITE, POST, caption="Hello from the oven")
    pottery.run("review")
    code, said = pottery.run("approve", "--all", "--yes")
    changed = "note: changed since it was approved: caption: Hello from the kiln -> Hello from the oven"
    assert (code, changed in said, twin in said) == (0, True, False), said


def test_a_scheduled_post_that_its_activity_does_not_show_is_moved(pottery: Pottery) -> None:
    pottery.project.write({"sandbox.yaml": WORLD + "unknowns: {scheduledInPlan: false}\n"})
    pottery.scheduled()
    pottery.project.edit("sites/pottery.yaml", "09:30", "13:00")
    code, said = pottery.run("apply", "--auto-approve", "--allow-publish")
    assert (code, "1 published" in said) == (0, True), said
    with pottery.project.world() as world:
        item = world.world()["sites"][SITE]["items"][POST]["item"]
    assert item["schedulingInfo"]["scheduledDate"] == "2026-11-04T12:00:00.000Z"
    assert pottery.run("plan")[1].endswith("No changes.")


def test_a_post_whose_activity_a_generation_replaced_is_named_and_cancelled_by_the_next_run(pottery: Pottery) -> None:
    """Nobody knows beforehand whether an INACTIVE marketing plan comes back with its activities."""
    pottery.scheduled()
    with pottery.project.world() as world:
        world.dashboard.set_plan_status(SITE, "INACTIVE")
    code, said = pottery.run("apply", "--auto-approve")
    assert (code, "1 generated; plus an unknown number" in said, "; 1 still going out." in said) == (3, True, True), (
        said
    )
    assert '! still going out "Kiln day" (Instagram) Wed 2026-11-04 09:30 Europe/Berlin' in said
    code, said = pottery.run("apply", "--auto-approve")
    assert (code, "1 cancelled" in said, pottery.status()) == (0, True, "CANCELED"), said


def test_what_an_approval_older_than_the_state_is_for_is_not_thrown_away_as_unapproved(pottery: Pottery) -> None:
    """Nobody can tell whether the approval was used: so it publishes nothing, and protects what it was given for."""
    pottery.run("review")
    pottery.project.edit(APPROVALS, "decision: pending", "decision: approve")
    assert "1 blocked" in pottery.run("apply", "--auto-approve", "--allow-publish")[1]
    pottery.project.edit("sites/pottery.yaml", "discard: all", "discard: unapproved")
    pottery.project.edit("sites/pottery.yaml", "toneOfVoice: dry", "toneOfVoice: warm")
    code, said = pottery.run("apply", "--auto-approve")
    assert (code, "regenerating would discard 1 approved draft" in said) == (4, True), said


def test_what_a_used_up_approval_is_for_may_be_thrown_away_as_the_plan_says(pottery: Pottery) -> None:
    pottery.project.write({"sandbox.yaml": WORLD + "unknowns: {cancelGives: DRAFT}\n"})
    pottery.scheduled()
    with pottery.project.world() as world:
        world.edit(SITE, lambda site, *_: site.items[POST]["item"].update(status="DRAFT"))
    pottery.project.edit("sites/pottery.yaml", "discard: all", "discard: unapproved")
    pottery.project.edit("sites/pottery.yaml", "toneOfVoice: dry", "toneOfVoice: warm")
    code, said = pottery.run("apply", "--auto-approve")
    assert "discards 1 unapproved draft" in said
    assert (code, "1 generated, 1 discarded" in said) == (0, True), said


@pytest.mark.parametrize("first", [True, False])
def test_posts_that_this_tool_cancelled_itself_are_not_blamed_on_somebody_else(pottery: Pottery, first: bool) -> None:
    """Even if the rule that asks for posts is newer than the cancels."""

    def ask() -> None:
        pottery.project.edit("sites/pottery.yaml", "schedule:", "posts: [{match: {within: 30d}}]\nschedule:")

    if first:
        ask()
    pottery.scheduled()
    pottery.project.edit(APPROVALS, "decision: approve", "decision: pending")
    assert "1 cancelled" in pottery.run("apply", "--auto-approve")[1]
    if not first:
        ask()
    code, said = pottery.run("drift")
    assert (code, '" drifted changed in git its posts were cancelled, and a rule asks for new ones' in said) == (
        2,
        True,
    ), said
    with pottery.project.world() as world:
        world.dashboard.delete_item(SITE, POST)
    if first:
        assert '" drifted changed remotely its posts are gone' in pottery.run("drift")[1]


def cancel_on_the_site(project: Project) -> None:
    project.edit(APPROVALS, "decision: pending", "decision: approve")
    with project.world() as world:
        world.dashboard.schedule_item(SITE, POST, "2026-11-04T12:00:00Z")
        world.dashboard.cancel_item(SITE, POST)


STUCK: dict[str, tuple[Change, int]] = {
    "cancelled on the site": (cancel_on_the_site, 0),
    "sent back as a whole": (edits(APPROVALS, "decision: keep", "decision: discard"), 0),
    "a banned word": (more("reconciler.yaml", "policy: {bannedWords: [kiln]}\n"), 1),
    "too late": (more("reconciler.yaml", "policy: {minLead: 5d}\n"), 1),
}


@pytest.mark.parametrize("name", STUCK)
def test_review_suggests_approving_only_what_approving_helps_and_counts_as_approve_does(
    pottery: Pottery, name: str
) -> None:
    (pottery.project.root / "sites" / "shop.yaml").unlink()
    change, waiting = STUCK[name]
    pottery.run("apply", "--auto-approve")
    assert "Next: reconciler approve" in pottery.run("review")[1]
    change(pottery.project)
    for _ in range(2):
        said = pottery.run("review")[1]
        assert f"Review: {waiting} pending{' (blocked)' if waiting else ''}, 0 approved" in said, said
        assert "reconciler approve" not in said, said
    file = pottery.project.root / APPROVALS
    assert pending(read_approvals(file, SiteName("pottery"), file.read_text("utf-8"))) == waiting


def cancelled_on_the_site(pottery: Pottery) -> None:
    pottery.scheduled()
    with pottery.project.world() as world:
        world.dashboard.cancel_item(SITE, POST)


def test_a_post_that_somebody_cancelled_stays_cancelled_as_plan_says(pottery: Pottery) -> None:
    (pottery.project.root / "sites" / "shop.yaml").unlink()
    cancelled_on_the_site(pottery)
    for command in ("plan", "drift"):
        said = pottery.run(command)[1]
        assert "if it should stay cancelled, write `pending` for the draft in " in said, said
    approve = ("approve", "--decision", "pending", "--title", "Kiln day", "--yes")
    assert "Saved in" in pottery.run(*approve)[1]
    for _ in range(2):
        assert pottery.run("plan")[1].endswith("No changes.")
        assert pottery.run("drift")[1].endswith("No drift.")
        pottery.run("review")


def test_a_cancelled_post_is_not_asked_about_and_not_counted_until_it_is_a_draft_again(pottery: Pottery) -> None:
    (pottery.project.root / "sites" / "shop.yaml").unlink()
    cancelled_on_the_site(pottery)
    approve = ("approve", "--decision", "pending", "--title", "Kiln day", "--yes")
    for _ in range(2):
        said = pottery.run("review")[1]
        assert ("1 cancelled after approval" in said, "Review: 0 pending, 0 approved" in said) == (True, True), said
        assert "reconciler approve" not in said, said
        for asked in (("--all",), ("--title", "Kiln day", "--decision", "approve")):
            assert "Nothing to decide" in pottery.run("approve", *asked, "--yes")[1]
        code, said = pottery.run("approve", "--id", POST, "--yes")
        why = '"Kiln day" (Instagram) is cancelled, and the API only schedules drafts; to let it go out, turn it back'
        assert (code, why in said) == (1, True), said
        pottery.run(*approve)
    assert pottery.run("plan")[1].endswith("No changes.")
    back_to_draft(pottery)
    assert "Review: 1 pending, 0 approved" in pottery.run("review")[1]
    assert "1 approved" in pottery.run("approve", "--id", POST, "--yes")[1]
    assert "1 published" in pottery.run("apply", "--auto-approve", "--allow-publish")[1]
    assert pottery.status() == "SCHEDULED"


def test_a_post_that_somebody_cancelled_goes_out_again_as_plan_says(pottery: Pottery) -> None:
    cancelled_on_the_site(pottery)
    assert "turn it back into a draft in the site's dashboard, then run review and approve it" in pottery.run("plan")[1]
    back_to_draft(pottery)
    assert "approve it again if it should go out after all" in pottery.run("plan")[1]
    pottery.run("review")
    said = pottery.run("drift")[1]
    assert ("1 draft is waiting for review" in said, "drifted" in said) == (True, False), said
    assert "Saved in" in pottery.run("approve", "--all", "--yes")[1]
    assert "1 published" in pottery.run("apply", "--auto-approve", "--allow-publish")[1]
    assert pottery.status() == "SCHEDULED"


def test_a_post_that_needs_no_approval_stays_cancelled_as_plan_says(pottery: Pottery) -> None:
    (pottery.project.root / "sites" / "shop.yaml").unlink()
    pottery.project.edit("sites/pottery.yaml", "approval: required", "approval: none")
    pottery.run("apply", "--auto-approve", "--allow-publish")
    with pottery.project.world() as world:
        world.dashboard.cancel_item(SITE, POST)
    for command in ("plan", "drift"):
        said = pottery.run(command)[1]
        assert "leave its activity out of `schedule.rules`" in said, said
    pottery.project.edit("sites/pottery.yaml", "rules: [", f"rules: [{{match: {{ids: [{ACTIVITY}]}}, max: 0}}, ")
    assert pottery.run("plan")[1].endswith("No changes.")
    assert pottery.run("drift")[1].endswith("No drift.")


def test_review_suggests_approving_what_a_pause_holds_back(pottery: Pottery) -> None:
    """The approval counts as soon as the pause is over."""
    pottery.run("apply", "--auto-approve")
    pottery.project.write({"reconciler.yaml": "version: 1\napi: sandbox\npolicy: {paused: hold}\n"})
    said = pottery.run("review")[1]
    assert "(1 draft in 1 site, blocked)" in said, said


@pytest.mark.parametrize(
    ("stop", "code", "last"),
    [
        (lambda asked: asked.type("no\n"), 4, "Cancelled. Nothing was changed."),
        (lambda asked: asked.signal(signal.SIGINT), 130, "Interrupted: 2 of 2 sites planned; nothing was changed."),
        (lambda asked: asked.signal(signal.SIGTERM), 143, "Interrupted: 2 of 2 sites planned; nothing was changed."),
    ],
    ids=["no", "Ctrl-C", "SIGTERM"],
)
def test_an_apply_that_is_not_agreed_to_names_the_posts_that_it_would_have_cancelled(
    pottery: Pottery, stop: Callable[[Terminal], None], code: int, last: str
) -> None:
    pottery.scheduled()
    pottery.project.edit(APPROVALS, "decision: approve", "decision: pending")
    asked = Terminal(pottery.project.root, "apply", "--no-color", "--output", "text", "--output", "json=apply.json")
    asked.until("accepted: ")
    stop(asked)
    assert asked.end() == code
    said = " ".join(asked.said.rpartition("accepted: ")[2].split())
    assert '! still going out pottery: "Kiln day" (Instagram) Wed 2026-11-04 09:30 Europe/Berlin' in said, said
    assert (
        "the approval was withdrawn but nothing was done on the site fix: cancel the post in the site's dashboard"
        in said
    )
    assert said.endswith(f"{last} (1 post still going out, above)"), said
    [post] = json.loads((pottery.project.root / "apply.json").read_text("utf-8"))["stillGoingOut"]
    assert (post["title"], post["reason"]) == ("Kiln day", "withdrawn")
    assert pottery.status() == "SCHEDULED"


def test_whoever_says_no_to_a_regeneration_keeps_the_posts_that_it_would_have_replaced(pottery: Pottery) -> None:
    pottery.scheduled()
    WITHDRAWALS["it is generated again"][0](pottery.project)
    asked = Terminal(pottery.project.root, "apply", "--no-color")
    asked.until("accepted: ")
    assert "1 to generate, 1 to cancel." in asked.said
    asked.type("no\n")
    assert asked.end() == 4
    said = " ".join(asked.said.rpartition("accepted: ")[2].split())
    assert said.endswith("Cancelled. Nothing was changed."), said
    assert "still going out" not in said
    assert pottery.status() == "SCHEDULED"
