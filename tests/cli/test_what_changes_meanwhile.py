"""What changes in a project's files while a run waits its turn: nothing goes out that they do not want."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Awaitable, Callable
from datetime import timedelta
from pathlib import Path

import pytest

from reconciler.api.client import FullClient
from reconciler.cli.main import run as command
from reconciler.config.project import find_project
from reconciler.config.sites import open_project
from reconciler.engine.apply import apply_live, apply_saved
from reconciler.engine.apply_run import ApplyRun, ApplyTerms, Decision, Proposal
from reconciler.engine.choice import SiteFilter
from reconciler.engine.parts import ProjectValues, SiteValues, entry_of, project_of, project_values, site_values
from reconciler.engine.plan_file import read_plan
from reconciler.engine.results import ApplyCompleted, Event
from reconciler.engine.run_context import RunContext
from reconciler.engine.saved import files_of
from reconciler.engine.selection import select
from reconciler.engine.site_results import Progressed, SiteApplied
from reconciler.engine.todays_files import TodaysFiles
from reconciler.executor.events import Started
from reconciler.executor.ledger import ActionResult, Entry
from reconciler.model.codec import from_json, to_json
from reconciler.model.marketing_plan import Generate
from reconciler.model.schedule import ReschedulePost, SchedulePost
from reconciler.model.writes import Write
from reconciler.reporters.diagnostics import of_its_site
from reconciler.wiring import open_session
from tests import told as words
from tests.cli.projects import PROJECT, Command, Project
from tests.cli.test_stays_wanted import ACTIVITY, APPROVALS, FILE, POST, SITE, WORLD, Change, Pottery, edits, more

SITE_FILE = "sites/pottery.yaml"


def removed(project: Project) -> None:
    (project.root / SITE_FILE).unlink()


def moved_elsewhere(project: Project) -> None:
    target = project.root / "sites/emea/shop.yaml"
    target.parent.mkdir()
    (project.root / SITE_FILE).rename(target)


def told(project: Project) -> None:
    for name in (SITE_FILE, "reconciler.yaml"):
        project.write({name: "# as it was\n" + (project.root / name).read_text("utf-8")})


FORBIDS: dict[str, tuple[Change, str]] = {
    "publishing is paused": (more("reconciler.yaml", "policy: {paused: hold}\n"), "the policy in reconciler.yaml"),
    "a word is banned": (more("reconciler.yaml", "policy: {bannedWords: [kiln]}\n"), "the policy in reconciler.yaml"),
    "all sites are paused by default": (
        more("reconciler.yaml", "defaults:\n- {where: {}, schedule: {paused: hold}}\n"),
        "sites/pottery.yaml was changed",
    ),
    "the site is paused": (
        edits(SITE_FILE, "approval: required", "approval: required\n  paused: hold"),
        "sites/pottery.yaml was changed",
    ),
    "no rule wants it any more": (edits(SITE_FILE, "INSTAGRAM", "FACEBOOK"), "sites/pottery.yaml was changed"),
    "the site is taken out": (removed, "the project has no site pottery"),
    "the site is another": (edits(SITE_FILE, "name: pottery", "name: bakery"), "the project has no site pottery"),
    "the project takes other files": (more("reconciler.yaml", "sites: [shops/*.yaml]\n"), "no site pottery"),
    "a file is broken": (lambda project: project.write({SITE_FILE: "version: ["}), "can no longer be read"),
    "the project file is broken": (lambda project: project.write({"reconciler.yaml": ":"}), "can no longer be read"),
}

UNDECIDES: dict[str, tuple[Change, str]] = {
    "its approval is withdrawn": (edits(APPROVALS, "decision: approve", "decision: pending"), "approval"),
    "its activity is discarded": (
        edits(APPROVALS, "decision: keep", "decision: discard"),
        "its activity has been sent back since the plan was made (decision: discard)",
    ),
    "its activity is sent back": (
        edits(APPROVALS, "decision: keep", "decision: regenerate-media"),
        "its activity has been sent back since the plan was made (decision: regenerate-media)",
    ),
}

ALLOWS: dict[str, Change] = {
    "nothing": lambda _: None,
    "comments": told,
    "the same text": lambda project: project.write({SITE_FILE: FILE}),
    "the place of its file": moved_elsewhere,
    "how long is waited": edits("reconciler.yaml", "timeout: 1m", "timeout: 2m"),
}


async def _yes(_: Proposal) -> Decision:
    return Decision(apply=True, allow_publish=True)


def all_applied(
    root: Path,
    change: Callable[[], None],
    plan: Path | None = None,
    decide: Callable[[Proposal], Awaitable[Decision]] = _yes,
    during: type[Write] = SchedulePost,
) -> list[Entry]:
    """How each action of a run ended if something changed after a call was begun, but before it was sent."""
    entries: list[Entry] = []

    def hear(event: Event) -> None:
        begun = event.event if isinstance(event, Progressed) else None
        if isinstance(begun, Started) and isinstance(begun.operation, during):
            change()
        if isinstance(event, SiteApplied):
            entries.extend(event.ledger.entries)

    async def main() -> None:
        files, index = open_project((root,))
        async with open_session(files, FullClient, environ={}) as session:
            run = ApplyRun(session, RunContext(), ApplyTerms(decide, timedelta(0)), hear)
            if plan is None:
                done = await apply_live(run, select(files, index, SiteFilter()))
            else:
                saved = read_plan(plan)
                done = await apply_saved(run, saved, files_of(find_project((root,))))
            assert isinstance(done, ApplyCompleted)

    asyncio.run(main())
    return entries


def applied(
    root: Path,
    change: Callable[[], None],
    plan: Path | None = None,
    decide: Callable[[Proposal], Awaitable[Decision]] = _yes,
    during: type[Write] = SchedulePost,
) -> Entry:
    """How the only action of a run ended."""
    (entry,) = all_applied(root, change, plan, decide, during)
    return entry


@pytest.fixture(scope="module")
def reviewed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project with a draft that was written into its approvals."""
    root = tmp_path_factory.mktemp("reviewed")
    files = {"reconciler.yaml": PROJECT, "sandbox.yaml": WORLD, SITE_FILE: FILE}
    Project(root).write(files)
    assert command(["apply", str(root), "--auto-approve"]) == 0
    assert command(["review", str(root)]) == 0
    return root


@pytest.fixture
def approved(reviewed: Path, tmp_path: Path, reconciler: Command) -> Pottery:
    """The same with an approval, and with nothing else to do."""
    pottery = Pottery(Project(tmp_path), reconciler)
    shutil.copytree(reviewed, tmp_path, dirs_exist_ok=True)
    pottery.project.edit(APPROVALS, "decision: pending", "decision: approve")
    return pottery


@pytest.mark.parametrize("name", [*FORBIDS, *UNDECIDES])
def test_what_the_files_do_not_want_any_more_does_not_go_out(approved: Pottery, name: str) -> None:
    change, said = (FORBIDS | UNDECIDES)[name]
    entry = applied(approved.project.root, lambda: change(approved.project))
    assert (entry.result, said in words.told(entry)) == (ActionResult.SKIPPED, True), words.told(entry)
    assert approved.status() == "DRAFT"


@pytest.mark.parametrize("decision", ["discard", "regenerate", "regenerate-media"])
def test_a_decision_that_is_undone_before_the_yes_is_not_carried_out(approved: Pottery, decision: str) -> None:
    before = approved.status()
    approved.project.edit(APPROVALS, "decision: keep", f"decision: {decision}")

    async def undo(proposal: Proposal) -> Decision:
        approved.project.edit(APPROVALS, f"decision: {decision}", "decision: keep")
        return await _yes(proposal)

    entry = applied(approved.project.root, lambda: None, decide=undo)
    said = "approvals/pottery.yaml has been changed since the plan was made"
    assert (entry.result, said in words.told(entry)) == (ActionResult.SKIPPED, True), words.told(entry)
    assert approved.status() == before


@pytest.mark.parametrize("gone", ["activities", "posts"])
def test_drafts_that_are_added_before_the_yes_are_not_thrown_away_uncounted(approved: Pottery, gone: str) -> None:
    project = approved.project
    project.edit(APPROVALS, "decision: approve", "decision: pending")
    more(SITE_FILE, f'{gone}:\n- {{match: {{title: "Kiln*"}}, state: absent}}\n')(project)

    def drafts() -> set[str]:
        with project.world() as world:
            return set(world.world()["sites"][SITE]["items"])

    async def add(proposal: Proposal) -> Decision:
        with project.world() as world:
            world.dashboard.make_posts(SITE, ACTIVITY)
        assert len(drafts()) > 1
        return await _yes(proposal)

    entry = applied(project.root, lambda: None, decide=add)
    said = "the activity's posts have changed since the plan"
    assert (entry.result, said in words.told(entry)) == (ActionResult.SKIPPED, True), words.told(entry)
    assert len(drafts()) > 1


@pytest.mark.parametrize("name", ALLOWS)
def test_what_says_nothing_of_it_keeps_nothing_back(approved: Pottery, name: str) -> None:
    entry = applied(approved.project.root, lambda: ALLOWS[name](approved.project))
    assert entry.result is ActionResult.DONE, words.told(entry)
    assert approved.status() == "SCHEDULED"


@pytest.mark.parametrize(("change", "said"), FORBIDS.values())
def test_a_worker_holds_to_the_files_of_its_run(approved: Pottery, change: Change, said: str) -> None:
    root = approved.project.root
    files, index = open_project((root,))
    project = project_of(from_json(ProjectValues, to_json(project_values(files))), {})
    site = entry_of(from_json(SiteValues, to_json(site_values(index.entries[0]))))
    assert TodaysFiles().forbid(project, site) is None
    told(approved.project)
    assert TodaysFiles().forbid(project, site) is None
    change(approved.project)
    forbidden = TodaysFiles().forbid(project, site)
    assert forbidden is not None
    assert said in of_its_site(forbidden)


@pytest.mark.parametrize(("change", "status"), [(removed, "DRAFT"), (told, "SCHEDULED")])
def test_a_saved_plan_is_held_to_the_files_in_the_same_way(approved: Pottery, change: Change, status: str) -> None:
    plan = approved.project.root / "p.plan"
    assert approved.run("plan", "--out", str(plan))[0] == 0
    applied(approved.project.root, lambda: change(approved.project), plan)
    assert approved.status() == status


@pytest.mark.parametrize("name", ["publishing is paused", "the site is paused", "its approval is withdrawn"])
def test_a_post_is_not_moved_either(approved: Pottery, name: str) -> None:
    project, (change, said) = approved.project, (FORBIDS | UNDECIDES)[name]
    assert approved.run("apply", "--auto-approve", "--allow-publish")[0] == 0
    project.edit(SITE_FILE, "09:30", "18:00")
    entry = applied(project.root, lambda: change(project), during=ReschedulePost)
    assert (entry.result, said in words.told(entry)) == (ActionResult.SKIPPED, True), words.told(entry)
    with project.world() as world:
        post = world.world()["sites"][SITE]["items"][POST]["item"]
    assert post["schedulingInfo"]["scheduledDate"] == "2026-11-04T08:30:00.000Z"


@pytest.mark.parametrize("saved", [False, True], ids=["live", "saved"])
@pytest.mark.parametrize("name", ["publishing is paused", "all sites are paused by default", "a file is broken"])
def test_nothing_goes_out_after_a_generation_if_the_files_changed_while_it_ran(
    project: Project, reconciler: Command, name: str, saved: bool
) -> None:
    change, said = FORBIDS[name]
    (project.root / "sites/shop.yaml").unlink()
    file = FILE.replace("approval: required", "approval: none").replace("channels: [INSTAGRAM], ", "")
    project.write({SITE_FILE: file})
    plan = project.root / "p.plan" if saved else None
    if plan is not None:
        assert reconciler("plan", project.root, "--out", plan).code == 0
    entries = all_applied(project.root, lambda: change(project), plan, during=Generate)
    public = [entry for entry in entries if isinstance(entry.operation, SchedulePost)]
    assert {entry.result for entry in entries if entry not in public} == {ActionResult.DONE}
    assert {(entry.result, said in words.told(entry)) for entry in public} == {(ActionResult.SKIPPED, True)}


@pytest.mark.parametrize("more_to_do", [False, True])
def test_a_saved_plan_does_not_ask_for_the_review_of_what_was_approved_since(
    approved: Pottery, monkeypatch: pytest.MonkeyPatch, more_to_do: bool
) -> None:
    monkeypatch.chdir(approved.project.root)
    approved.project.edit(APPROVALS, "decision: approve", "decision: pending")
    if more_to_do:
        extra = FILE + "calendarEvents: {events: [{name: Sale, date: 2026-11-27}]}\n"
        approved.project.write({SITE_FILE: extra.replace("when: on-change", "when: never")})
    assert "1 draft is waiting for review" in approved.run("plan", "--out", "p.plan")[1]
    unchanged = approved.command("show", "p.plan").out
    assert "1 draft is waiting for review" in unchanged
    approved.project.edit(APPROVALS, "decision: pending", "decision: approve")
    done = approved.command("apply", "p.plan", "--allow-publish")
    assert done.code == 0, done.out + done.err
    assert "waiting for review" not in done.out
    assert "reconciler approve" not in done.out
    assert approved.status() == "DRAFT"
