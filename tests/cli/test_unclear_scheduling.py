"""Posts whose schedule call had no clear answer: every screen says what the public may see of them."""

from __future__ import annotations

import pytest

from tests.cli.projects import Command, Project
from tests.cli.test_stays_wanted import APPROVALS, Pottery

MOVES = "moves to Wed 2026-11-04 09:30 Europe/Berlin instead of Wed 2026-11-04 09:00 Europe/Berlin"
AT_EITHER_TIME = "Wed 2026-11-04 08:30 UTC or at a time Wix picks, on site3f0c2a9e"
TOTALS = "1 to publish (already scheduled)."


@pytest.fixture
def pottery(project: Project, reconciler: Command) -> Pottery:
    """The post was scheduled, and could not be read back: it has not been moved to the time of its rule either."""
    found = Pottery(project, reconciler)
    assert found.run("apply", "--auto-approve")[0] == 0
    found.run("review")
    project.edit(APPROVALS, "decision: pending", "decision: approve")
    with project.world() as world:
        unread = {"kind": "error", "status": 500, "body": "json"}
        world.add_fault({"route": "GET *marketing-plan", "skip": 3, "do": unread})
    code, said = found.run("apply", "--auto-approve", "--allow-publish")
    assert (code, "1 unknown" in said, found.status()) == (1, True, "SCHEDULED"), said
    assert "unknown may go out Wed 2026-11-04 09:30 Europe/Berlin or at a time Wix picks, on site3f0c2a9e" in said
    return found


def readable(pottery: Pottery) -> None:
    with pottery.project.world() as world:
        world.clear_faults()


def test_a_plan_and_its_apply_see_the_same_once_the_site_can_be_read(pottery: Pottery) -> None:
    readable(pottery)
    code, said = pottery.run("plan")
    assert (code, MOVES in said, TOTALS in said, "blocked" in said) == (0, True, True, False), said
    code, said = pottery.run("drift")
    assert (code, "scheduled for Wed 2026-11-04 09:00" in said, "blocked" in said) == (2, True, False), said
    assert "1 scheduled" in pottery.run("review")[1]
    code, said = pottery.run("apply", "--auto-approve", "--allow-publish")
    assert (code, MOVES in said, TOTALS in said) == (0, True, True), said


def test_a_plan_writes_nothing_about_the_calls_that_it_judges(pottery: Pottery) -> None:
    readable(pottery)
    state = pottery.run("state", "show", "pottery")
    for command in ("plan", "drift", "review"):
        pottery.run(command)
    assert pottery.run("state", "show", "pottery") == state


def test_a_saved_plan_holds_that_was_made_while_a_call_was_open(
    pottery: Pottery, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(pottery.project.root)
    readable(pottery)
    file = str(pottery.project.root / "p.plan")
    assert TOTALS in pottery.run("plan", "--out", file)[1]
    ran = pottery.command("apply", file, "--allow-publish")
    assert (ran.code, "1 published (already scheduled)" in " ".join(ran.out.split())) == (0, True), ran.out + ran.err


@pytest.mark.parametrize("command", [("plan",), ("drift",), ("review",), ("apply", "--auto-approve")])
def test_a_post_that_may_go_out_is_named_while_the_site_cannot_be_read(
    pottery: Pottery, command: tuple[str, ...]
) -> None:
    code, said = pottery.run(*command)
    may = (
        '! not looked at pottery: 1 post may go out, as it is not known whether an earlier run scheduled it: "Kiln day"'
    )
    assert (code, f"{may} (Instagram) {AT_EITHER_TIME} fix: if it is unwanted: correct" in said) == (1, True), said


def test_it_is_named_too_if_the_files_cannot_be_used(pottery: Pottery) -> None:
    pottery.project.write({"sites/other.yaml": "version: 1\nsite: {\n"})
    code, said = pottery.run("plan")
    named = f'a scheduled post may still go out: pottery: "Kiln day" (Instagram) {AT_EITHER_TIME}'
    assert (code, named in said) == (1, True), said
