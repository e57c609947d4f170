"""What waits to go out at a site that cannot be looked at is named all the same, as far as the state knows."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import Callable

import pytest

from reconciler.model.address import SiteName
from reconciler.model.sites import SiteRef
from reconciler.state.holder import this_process
from reconciler.state.lease import Leases
from reconciler.state.sites import open_state
from tests.cli.projects import Command, Project
from tests.cli.test_stays_wanted import APPROVALS, SITE, WITHDRAWALS, Change, Pottery, edits

UNWANTED = '! still going out pottery: "Kiln day" (Instagram) Wed 2026-11-04 09:30 Europe/Berlin'
WHY = "its approval was withdrawn; the site can't be looked at, and this is what the state knows"
WAITING = (
    "! not looked at pottery: 1 post waits to go out that can't be looked at: "
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
def test_a_withdrawn_post_is_named_where_the_site_cannot_be_read(
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


@pytest.mark.parametrize("name", ["the activity is discarded", "a policy forbids it", "this site is paused"])
def test_what_else_makes_a_post_unwanted_is_told_without_the_site(pottery: Pottery, name: str) -> None:
    change, why = WITHDRAWALS[name]
    change(pottery.project)
    DENIED(pottery.project)
    code, said = pottery.run("plan")
    assert (code, "still going out" in said, why in said) == (1, True, True), said


def test_a_deleted_marketing_plan_is_told_without_the_site(pottery: Pottery) -> None:
    WITHDRAWALS["the marketing plan is to be absent"][0](pottery.project)
    DENIED(pottery.project)
    assert "still going out" in pottery.run("plan")[1]


def test_nothing_is_told_once_it_was_taken_back(pottery: Pottery) -> None:
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
    "markdown": _mentions("still goes out", "Kiln day"),
    "html": _mentions("still going out", "Kiln day"),
    "junit": _mentions("still goes out", "Kiln day"),
    "sarif": _mentions("still goes out", "Kiln day"),
    "openmetrics": _mentions('reconciler_still_going_out{command="plan",site="pottery"} 1'),
    "github": _mentions("still goes out", "Kiln day"),
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


def test_a_lock_that_another_run_holds_says_what_waits(pottery: Pottery) -> None:
    async def locked() -> tuple[int, str]:
        store = open_state(".reconciler", pottery.project.root, environ={}).store
        async with await Leases(store, this_process(os.environ)).acquire(SiteRef(SiteName("pottery"), SITE)):
            return await asyncio.to_thread(pottery.run, "apply", "--auto-approve")

    WITHDRAW(pottery.project)
    code, said = asyncio.run(locked())
    assert (code, UNWANTED in said, WHY in said) == (4, True, True), said


LIMIT = edits("reconciler.yaml", "version: 1\n", "version: 1\npolicy: {maxDelete: 0}\n")
NO_ACTIVITY = WITHDRAWALS["its activity is to be absent"][0]


def test_a_run_that_is_refused_names_what_it_would_have_cancelled(pottery: Pottery) -> None:
    NO_ACTIVITY(pottery.project)
    LIMIT(pottery.project)
    code, said = pottery.run("plan")
    assert (code, UNWANTED in said, "the run is refused, so nothing cancels it" in said) == (4, True, True), said


def test_every_format_names_what_a_refused_run_leaves(pottery: Pottery) -> None:
    NO_ACTIVITY(pottery.project)
    LIMIT(pottery.project)
    files = {name: pottery.project.root / f"out.{name}" for name in FORMATS}
    options = [part for name, file in files.items() for part in ("--output", f"{name}={file}")]
    assert pottery.run("plan", *options)[0] == 4
    names = {**FORMATS, "json": _mentions("stillGoingOut", "Kiln day"), "html": _mentions("still goes out", "Kiln day")}
    missing = {name: files[name].read_text("utf-8") for name, has in names.items() if not has(files[name].read_text())}
    assert not missing, missing
