"""What is waiting to go out at a site that cannot be read is named all the same, as far as the state knows."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import BrokenExecutor, Future
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from reconciler import wiring
from reconciler.machine import CLOCK, utc_now
from reconciler.model.address import SiteName
from reconciler.model.diagnostics import UsageError
from reconciler.model.sites import SiteRef
from reconciler.sandbox.app import Sandbox, Seen
from reconciler.sandbox.server import start_in_thread
from reconciler.state.holder import this_process
from reconciler.state.lease import Leases
from reconciler.state.sites import open_state
from tests.cli.projects import Command, Project
from tests.cli.test_stays_wanted import APPROVALS, SITE, WITHDRAWALS, Change, Pottery, edits
from tests.engine.fleet_over_http import Quick

UNWANTED = '! still going out pottery: "Kiln day" (Instagram) Wed 2026-11-04 09:30 Europe/Berlin'
WHY = "the approval was withdrawn but the site can't be read, so this is what the state knows"
WAITING = (
    "! not looked at pottery: 1 scheduled post can't be checked: "
    '"Kiln day" (Instagram) Wed 2026-11-04 09:30 Europe/Berlin'
)
WITHDRAW = edits(APPROVALS, "decision: approve", "decision: pending")
COMMANDS = (("plan",), ("drift",), ("review",), ("apply", "--auto-approve"))


@pytest.fixture
def pottery(project: Project, reconciler: Command) -> Pottery:
    found = Pottery(project, reconciler)
    found.scheduled()
    return found


def answers(status: int, code: str) -> Change:
    def refuse(project: Project) -> None:
        with project.world() as world:
            world.add_fault({"route": "*", "do": {"kind": "error", "status": status, "body": "json", "code": code}})

    return refuse


def bad_approvals(project: Project) -> None:
    project.write({APPROVALS: "version: 1\nsite: pottery\nactivities: 7\n"})


DENIED = answers(403, "PERMISSION_DENIED")
GONE = answers(404, "NOT_FOUND")


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command[0])
@pytest.mark.parametrize("unreadable", [DENIED, GONE], ids=["denied", "another account's"])
def test_a_withdrawn_post_is_named_if_the_site_cannot_be_read(
    pottery: Pottery, unreadable: Change, command: tuple[str, ...]
) -> None:
    WITHDRAW(pottery.project)
    unreadable(pottery.project)
    code, said = pottery.run(*command)
    assert (code, UNWANTED in said, WHY in said) == (1, True, True), said


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command[0])
@pytest.mark.parametrize("unreadable", [DENIED, bad_approvals], ids=["denied", "bad approvals"])
def test_a_wanted_post_that_cannot_be_looked_at_is_named(
    pottery: Pottery, unreadable: Change, command: tuple[str, ...]
) -> None:
    unreadable(pottery.project)
    code, said = pottery.run(*command)
    assert (code, WAITING in said, "still going out" in said) == (1, True, False), said


class Lost(Quick):
    """A worker that is lost as soon as it is given a part."""

    def submit(self, *_args: Any, **_kwargs: Any) -> Future[Any]:
        lost: Future[Any] = Future()
        lost.set_exception(BrokenExecutor())
        return lost


class CannotWrite(Quick):
    """A worker that fails as a whole as soon as it has to write."""

    def submit(self, function: Any, /, *args: Any, **kwargs: Any) -> Future[Any]:
        if b'"kind":"applying"' not in args[0]:
            return super().submit(function, *args, **kwargs)
        failed: Future[Any] = Future()
        failed.set_exception(UsageError("the worker has no key"))
        return failed


def run_on(worker: type[Quick], pottery: Pottery, monkeypatch: pytest.MonkeyPatch, *command: str) -> tuple[int, str]:
    """A command on one worker, which reaches the world over HTTP and so takes the time from this machine's clock."""
    monkeypatch.setattr("reconciler.processes.WorkerProcess", worker)
    clock = replace(CLOCK, now=lambda: datetime(2026, 11, 2, 10, tzinfo=UTC))
    monkeypatch.setattr("reconciler.machine.CLOCK", clock)
    with pottery.project.world() as world:
        server = start_in_thread(world)
        try:
            return pottery.run(*command, "--api", server.base_url, "--workers", "1")
        finally:
            server.stop()


def test_what_goes_out_if_a_worker_fails_before_it_begins_is_named(
    pottery: Pottery, monkeypatch: pytest.MonkeyPatch
) -> None:
    WITHDRAW(pottery.project)
    code, said = run_on(CannotWrite, pottery, monkeypatch, "apply", "--auto-approve")
    assert (code, "the worker has no key" in said) == (1, True), said
    assert UNWANTED in said, said


@pytest.mark.parametrize(
    "command", [("plan",), ("drift",), ("apply", "--auto-approve")], ids=lambda command: command[0]
)
@pytest.mark.parametrize("withdrawn", [True, False])
def test_what_waits_if_every_worker_was_lost_is_named(
    pottery: Pottery, withdrawn: bool, command: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    if withdrawn:
        WITHDRAW(pottery.project)
    code, said = run_on(Lost, pottery, monkeypatch, *command)
    assert (code, "the workers for this site were lost 3 times" in said) == (1, True), said
    assert ((UNWANTED in said and WHY in said), WAITING in said) == (withdrawn, not withdrawn), said


UNKNOWN = "lost 3 times, and it is not known whether posts are waiting to go out there"


@pytest.mark.parametrize(
    "command", [("plan",), ("drift",), ("apply", "--auto-approve")], ids=lambda command: command[0]
)
def test_if_the_state_knows_nothing_about_a_lost_part_that_is_reported(
    pottery: Pottery, command: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert UNKNOWN not in " ".join(run_on(Lost, pottery, monkeypatch, *command)[1].split())
    shutil.rmtree(pottery.project.root / ".reconciler" / "records")
    code, said = run_on(Lost, pottery, monkeypatch, *command)
    assert (code, UNKNOWN in " ".join(said.split())) == (1, True), said


@pytest.mark.parametrize("name", ["the activity is discarded", "a policy forbids it", "this site is paused"])
def test_what_else_makes_a_post_unwanted_is_reported_without_the_site(pottery: Pottery, name: str) -> None:
    change, why = WITHDRAWALS[name]
    change(pottery.project)
    DENIED(pottery.project)
    code, said = pottery.run("plan")
    assert (code, "still going out" in said, why in said) == (1, True, True), said


def test_a_deleted_marketing_plan_is_reported_without_the_site(pottery: Pottery) -> None:
    WITHDRAWALS["the marketing plan is to be absent"][0](pottery.project)
    DENIED(pottery.project)
    assert "still going out" in pottery.run("plan")[1]


def test_nothing_is_reported_once_it_was_cancelled(pottery: Pottery) -> None:
    WITHDRAW(pottery.project)
    assert pottery.run("apply", "--auto-approve")[0] == 0
    DENIED(pottery.project)
    code, said = pottery.run("plan")
    assert (code, "still going out" in said, "not looked at" in said) == (1, False, False), said


def _json(text: str) -> bool:
    (site,) = (site for site in json.loads(text)["sites"] if site["site"] == "pottery")
    return bool(site["stillGoingOut"][0]["title"] == "Kiln day")


def _mentions(*words: str) -> Callable[[str], bool]:
    return lambda text: all(word in text for word in words)


FORMATS: dict[str, Callable[[str], bool]] = {
    "text": _mentions("still going out", "Kiln day"),
    "json": _json,
    "ndjson": _mentions("stillGoingOut", "Kiln day"),
    "markdown": _mentions("still going out", "Kiln day"),
    "html": _mentions("still going out", "Kiln day"),
    "junit": _mentions("still going out", "Kiln day"),
    "sarif": _mentions("still going out", "Kiln day"),
    "openmetrics": _mentions('reconciler_still_going_out{command="plan",site="pottery"} 1'),
    "github": _mentions("still going out", "Kiln day"),
}


def test_every_format_names_it(pottery: Pottery) -> None:
    WITHDRAW(pottery.project)
    DENIED(pottery.project)
    files = {name: pottery.project.root / f"out.{name}" for name in FORMATS}
    options = [part for name, file in files.items() for part in ("--output", f"{name}={file}")]
    assert pottery.run("plan", *options)[0] == 1
    missing = {
        name: files[name].read_text("utf-8") for name, has in FORMATS.items() if not has(files[name].read_text())
    }
    assert not missing, missing


async def while_locked(pottery: Pottery) -> tuple[int, str]:
    """An apply while another run holds the site."""
    store = open_state(".reconciler", pottery.project.root, environ={}, now=utc_now).store
    async with await Leases(store, this_process(os.environ), CLOCK).acquire(SiteRef(SiteName("pottery"), SITE)):
        return await asyncio.to_thread(pottery.run, "apply", "--auto-approve")


def test_a_lock_that_another_run_holds_says_what_waits(pottery: Pottery) -> None:
    WITHDRAW(pottery.project)
    code, said = asyncio.run(while_locked(pottery))
    assert (code, UNWANTED in said, "can't be read" in said, "keeps the site from being read" in said) == (
        4, True, False, False,
    ), said  # fmt: skip
    assert "withdrawn but another run is working on the site, so this is what the state knows" in said
    assert "wait for that run to end, then run apply; or cancel the post in the site's dashboard" in said


def test_a_lock_that_another_run_holds_says_what_to_do_about_a_wanted_post(pottery: Pottery) -> None:
    code, said = asyncio.run(while_locked(pottery))
    assert (code, WAITING in said) == (4, True), said
    assert "if it is unwanted: wait for that run to end, then run apply; or cancel the post" in said


def test_an_overtaken_run_names_no_post_that_the_other_run_cancelled(
    pottery: Pottery, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened = wiring.open_sandbox
    between: list[Seen] = []

    def another_run(seen: Seen) -> None:
        """Does everything, once this run has read the marketing plan."""
        if seen.when == "after" and not between:
            between.append(seen)
            command = [sys.executable, "-m", "reconciler", "apply", str(pottery.project.root), "--auto-approve"]
            assert subprocess.run(command, check=False, capture_output=True).returncode == 0

    def hooked(root: Path, *, in_process: bool) -> Sandbox:
        world = opened(root, in_process=in_process)
        world.add_hook("GET */marketing-plan", another_run)
        return world

    WITHDRAW(pottery.project)
    monkeypatch.setattr(wiring, "open_sandbox", hooked)
    code, said = pottery.run("apply", "--auto-approve")
    assert between
    assert ("still going out" in said, pottery.status()) == (False, "CANCELED"), said
    # The site's record is read at the same time as its marketing plan. If it came later, it shows the other run's work.
    overtaken = (code, "another run worked on this site" in said) == (3, True)
    assert overtaken or (code, said.endswith("No changes.")) == (0, True), said


LIMIT = edits("reconciler.yaml", "version: 1\n", "version: 1\npolicy: {maxDelete: 0}\n")
NO_ACTIVITY = WITHDRAWALS["its activity is to be absent"][0]


@pytest.mark.parametrize(("command", "exits"), [("plan", 4), ("drift", 2)])
def test_a_run_that_is_refused_names_what_it_would_have_cancelled(pottery: Pottery, command: str, exits: int) -> None:
    NO_ACTIVITY(pottery.project)
    LIMIT(pottery.project)
    code, said = pottery.run(command)
    assert (code, UNWANTED in said, "the run is refused, so nothing cancels it" in said) == (exits, True, True), said
    assert "maxDelete is 0" in said


@pytest.mark.parametrize(("command", "exits"), [("plan", 4), ("drift", 2)])
def test_every_format_names_what_a_refused_run_leaves(pottery: Pottery, command: str, exits: int) -> None:
    NO_ACTIVITY(pottery.project)
    LIMIT(pottery.project)
    files = {name: pottery.project.root / f"out.{name}" for name in FORMATS}
    options = [part for name, file in files.items() for part in ("--output", f"{name}={file}")]
    assert pottery.run(command, *options)[0] == exits
    names = {**FORMATS, "json": _mentions("stillGoingOut", "Kiln day"), "html": _mentions("still going", "Kiln day")}
    names["openmetrics"] = _mentions(f'reconciler_still_going_out{{command="{command}",site="pottery"}} 1')
    missing = {name: files[name].read_text("utf-8") for name, has in names.items() if not has(files[name].read_text())}
    assert not missing, missing


def saved_plan(pottery: Pottery, *options: str) -> str:
    file = str(pottery.project.root / "saved.plan")
    assert pottery.run("plan", "--out", file, *options)[0] == 0
    return file


def apply_saved(pottery: Pottery, file: str, monkeypatch: pytest.MonkeyPatch) -> tuple[int, str, str]:
    monkeypatch.chdir(pottery.project.root)
    ran = pottery.command("apply", file, "--auto-approve", "--allow-publish")
    return ran.code, " ".join((ran.out + ran.err).split()), ran.last


@pytest.mark.parametrize("name", WITHDRAWALS)
def test_a_saved_plan_with_nothing_to_do_names_what_goes_out_unwanted_since(
    pottery: Pottery, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    file = saved_plan(pottery)
    WITHDRAWALS[name][0](pottery.project)
    code, said, last = apply_saved(pottery, file, monkeypatch)
    assert (code, "1 still going out" in last, "the saved plan does not stop it" in said) == (3, True, True), said


def test_a_saved_plan_with_nothing_to_do_reads_no_site_while_people_want_what_waits(
    pottery: Pottery, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = saved_plan(pottery)
    asked = len(pottery.project.requests())
    code, said, last = apply_saved(pottery, file, monkeypatch)
    assert (code, last, len(pottery.project.requests()) - asked) == (0, "No changes.", 0), said


def used(pottery: Pottery, file: str, monkeypatch: pytest.MonkeyPatch) -> str:
    assert apply_saved(pottery, file, monkeypatch)[0] == 0
    return "the saved plan was applied before"


def expired(pottery: Pottery, _file: str, _: pytest.MonkeyPatch) -> str:
    with pottery.project.world() as world:
        world.advance(timedelta(hours=25))
    return "expired"


def altered(_: Pottery, file: str, __: pytest.MonkeyPatch) -> str:
    text = Path(file).read_text("utf-8")
    Path(file).write_text(text.replace("+00:00", "+01:00").replace("09:00:0", "09:00:1"), "utf-8")
    assert Path(file).read_text("utf-8") != text
    return "altered"


@pytest.mark.parametrize("stop", [used, expired, altered])
def test_a_saved_plan_that_may_not_be_applied_names_what_goes_out_unwanted(
    pottery: Pottery, monkeypatch: pytest.MonkeyPatch, stop: Callable[[Pottery, str, pytest.MonkeyPatch], str]
) -> None:
    edits("sites/pottery.yaml", "when: on-change", "when: never")(pottery.project)
    edits("sites/pottery.yaml", "toneOfVoice: dry", "toneOfVoice: warm")(pottery.project)
    file = saved_plan(pottery)
    why = stop(pottery, file, monkeypatch)
    code, said, last = apply_saved(pottery, file, monkeypatch)
    assert (code, why in said, "still going out" in said) == (4, True, False), said
    WITHDRAW(pottery.project)
    code, said, last = apply_saved(pottery, file, monkeypatch)
    assert (code, UNWANTED in said, "the saved plan is refused, so nothing cancels it" in said) == (4, True, True), said
    assert (why in last, last.endswith("(1 post still going out, above)")) == (True, True), last


@pytest.mark.parametrize("command", ["apply", "review"])
def test_what_a_selection_leaves_out_is_named_by_a_saved_plan_and_a_review(
    pottery: Pottery, monkeypatch: pytest.MonkeyPatch, command: str
) -> None:
    pottery.project.write({"sites/kiln.yaml": f"version: 1\nsite: {{name: kiln, id: {SITE[:-1]}2}}\n"})
    file = saved_plan(pottery, "--target", "kiln")

    def run() -> str:
        if command == "apply":
            return apply_saved(pottery, file, monkeypatch)[1]
        return pottery.run("review", "--target", "kiln")[1]

    if command == "review":
        assert "leaves the site out" not in run()
    WITHDRAW(pottery.project)
    assert "pottery: this run leaves the site out, but an unwanted post goes out there" in run()


def test_a_saved_plan_with_nothing_to_do_names_a_withdrawal_that_is_not_committed(
    pottery: Pottery, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The files that matter are unchanged, so the site is not read: the state knows the post."""
    git = ("git", "-C", str(pottery.project.root), "-c", "user.name=Ann", "-c", "user.email=ann@example.com")
    for arguments in (("init", "-q"), ("add", "approvals"), ("commit", "-qm", "Approve")):
        subprocess.run((*git, *arguments), check=True)
    file = saved_plan(pottery, "--committed")
    asked = len(pottery.project.requests())
    WITHDRAW(pottery.project)
    monkeypatch.chdir(pottery.project.root)
    ran = pottery.command("apply", file, "--auto-approve", "--committed")
    assert (ran.code, "1 still going out" in ran.last) == (3, True), ran.out + ran.err
    assert len(pottery.project.requests()) == asked


def test_a_saved_part_says_nothing_of_the_sites_of_other_parts(
    pottery: Pottery, monkeypatch: pytest.MonkeyPatch
) -> None:
    pottery.project.write({"sites/bakery.yaml": f"version: 1\nsite: {{name: bakery, id: {SITE[:-1]}2}}\n"})
    file = saved_plan(pottery, "--shard", "2/2")  # bakery; pottery is in the first
    WITHDRAW(pottery.project)
    code, said, _ = apply_saved(pottery, file, monkeypatch)
    assert (code, "leaves the site out" in said, "bakery" in Path(file).read_text("utf-8")) == (0, False, True), said


@pytest.mark.parametrize("command", [("plan",), ("history",)], ids=lambda command: command[0])
def test_what_waits_is_reported_if_the_project_file_is_not_yaml(
    pottery: Pottery, command: tuple[str, ...], reconciler: Command
) -> None:
    """Only that file says where the state is."""
    root = pottery.project.root
    (root / "reconciler.yaml").write_text("{: no\n", "utf-8")
    (root / ".reconciler").rename(root / "elsewhere")
    code, said = pottery.run(*command)
    assert (code, "scheduled posts still go out" in said) == (1, True), said
    listed = reconciler("state", "list", root, "--state", root / "elsewhere")
    assert (listed.code, "pottery" in listed.out) == (0, True), listed.err
    assert reconciler("state", "show", "pottery", root, "--state", root / "elsewhere").code == 0
    assert reconciler("state", "list", root).code == 1


@pytest.mark.parametrize("command", [*COMMANDS, ("history",)], ids=lambda command: command[0])
@pytest.mark.parametrize("broken", ["sites/other.yaml", "reconciler.yaml"])
def test_posts_that_wait_are_named_if_files_are_bad(pottery: Pottery, broken: str, command: tuple[str, ...]) -> None:
    """One bad file stops every site, and none of them is judged."""
    path = pottery.project.root / broken
    path.write_text((path.read_text("utf-8") if path.exists() else "version: 1\n") + "unknown: 1\n", "utf-8")
    code, said = pottery.run(*command)
    assert code == 1
    assert (
        "warning: nothing was checked, and a scheduled post may still go out: pottery: "
        '"Kiln day" (Instagram) Wed 2026-11-04 09:30 Europe/Berlin; correct the files and run again'
    ) in said


def test_a_record_that_cannot_be_read_hides_no_other(pottery: Pottery) -> None:
    """The files are bad, and so is one site's state: the posts of the others are named all the same."""
    pottery.project.write({"sites/other.yaml": "unknown: 1\n"})
    record = next((pottery.project.root / ".reconciler/records").glob("*.json"))
    record.with_name("3f0c2a9e-8d0b-4b7c-9a55-0000000000aa.json").write_text("{", "utf-8")
    code, said = pottery.run("plan")
    assert (code, "a scheduled post may still go out: pottery:" in said) == (1, True), said
    assert "; and the scheduled posts of a site with unreadable state; correct" in said
    record.write_text("{", "utf-8")
    code, said = pottery.run("plan")
    assert (code, "the scheduled posts of 2 sites with unreadable state may still go out" in said) == (1, True), said


def test_posts_that_wait_are_named_if_a_saved_plan_meets_bad_files(
    pottery: Pottery, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(pottery.project.root)
    plan = tmp_path / "saved.plan"
    assert pottery.run("plan", "--out", str(plan))[0] == 0
    pottery.project.write({"sites/other.yaml": "version: 1\nsite: {\n"})
    ran = pottery.command("apply", str(plan), "--auto-approve")
    assert ran.code == 4
    assert 'may still go out: pottery: "Kiln day" (Instagram)' in ran.err
