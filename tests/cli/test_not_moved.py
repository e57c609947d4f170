"""A post is scheduled at Wix's own time, and then cannot be moved to that of its rule: it goes out all the same."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from tests.cli.projects import Command, Project
from tests.cli.test_stays_wanted import APPROVALS, Pottery

REFUSED = {"kind": "error", "status": 400}
WHEN = "goes out Wed 2026-11-04 09:00 Europe/Berlin, not 09:30, on site3f0c2a9e"
LAST = "Apply: 0 added, 0 changed, 0 destroyed, 1 published; 1 going out at another time, 1 failed."


@pytest.fixture
def pottery(project: Project, reconciler: Command) -> Pottery:
    """A project with an approved draft, and with nothing else to do."""
    pottery = Pottery(project, reconciler)
    assert pottery.run("apply", "--auto-approve")[0] == 0
    pottery.run("review")
    project.edit(APPROVALS, "decision: pending", "decision: approve")
    return pottery


def breaks(pottery: Pottery, route: str, do: dict[str, Any]) -> None:
    with pottery.project.world() as world:
        world.clear_faults()
        world.add_fault({"route": route, "do": do})


def apply(pottery: Pottery, output: str = "text") -> str:
    ran = pottery.command("apply", str(pottery.project.root), "--auto-approve", "--allow-publish", "--output", output)
    assert ran.code == 1, ran.err
    return ran.out


def test_every_report_says_when_the_post_goes_out(pottery: Pottery) -> None:
    breaks(pottery, "POST *reschedule", REFUSED)
    said = apply(pottery)
    assert said.splitlines()[-2] == LAST
    assert f"failed  {WHEN}  moving it failed: the request was refused as invalid" in said, said
    assert "pottery  1 going out at another time, 1 failed" in said


@pytest.mark.parametrize(
    ("output", "words"),
    [
        ("markdown", ("1 published; 1 going out at another time, 1 failed.", WHEN)),
        ("html", ("1 published; 1 going out at another time, 1 failed.", WHEN, "at another time</span>")),
        ("junit", (f"publish: failed, but it {WHEN}: moving it failed",)),
        ("sarif", (f"publish: failed, but it {WHEN}: moving it failed",)),
        ("github", ("1 published; 1 going out at another time, 1 failed.", f"publish: failed, but it {WHEN}: moving")),
        ("openmetrics", ('posts_published{command="apply",site="pottery"} 1',)),
    ],
)
def test_every_format_says_when_the_post_goes_out(pottery: Pottery, output: str, words: tuple[str, ...]) -> None:
    breaks(pottery, "POST *reschedule", REFUSED)
    said = apply(pottery, output)
    for word in words:
        assert word in said, said
    assert not re.search(r"posts_failed\{|09:30</b>", said), "it is scheduled, and in the calendar at its time"


def test_the_json_formats_have_it_as_values(pottery: Pottery) -> None:
    breaks(pottery, "POST *reschedule", REFUSED)
    told = json.loads(apply(pottery, "json"))
    (entry,) = told["ledger"][0]["entries"]
    assert (entry["result"], entry["remark"], entry["goesOut"]) == ("failed", "scheduled", "2026-11-04T08:00:00.000Z")
    assert (told["applied"]["published"], told["applied"]["failed"], told["applied"]["atAnotherTime"]) == (1, 1, 1)


def test_the_next_runs_know_when_it_goes_out_and_move_it(pottery: Pottery) -> None:
    breaks(pottery, "POST *reschedule", REFUSED)
    apply(pottery)
    assert "Wed 2026-11-04 09:00 Europe/Berlin Instagram" in pottery.run("history")[1]
    moves = "moves to Wed 2026-11-04 09:30 Europe/Berlin instead of Wed 2026-11-04 09:00 Europe/Berlin"
    assert moves in pottery.run("plan")[1]
    said = apply(pottery)  # it is not scheduled a second time
    assert f"failed  {WHEN}  " in said
    assert "0 destroyed; 1 going out at another time, 1 failed." in said
    with pottery.project.world() as world:
        world.clear_faults()
    assert "1 published (already scheduled)." in pottery.run("apply", "--auto-approve", "--allow-publish")[1]
    assert "No changes." in pottery.run("plan")[1]


@pytest.mark.parametrize("do", [{"kind": "error-after", "status": 400}, {"kind": "drop-after"}])
def test_a_move_that_took_effect_is_done_whatever_the_response(pottery: Pottery, do: dict[str, Any]) -> None:
    breaks(pottery, "POST *reschedule", do)
    code, said = pottery.run("apply", "--auto-approve", "--allow-publish")
    assert (code, "0 destroyed, 1 published." in said) == (0, True), said
    assert "Wed 2026-11-04 09:30 Europe/Berlin Instagram" in pottery.run("history")[1]
    assert "No changes." in pottery.run("plan")[1]


def test_a_cancel_that_took_effect_is_done_whatever_the_response(pottery: Pottery) -> None:
    assert pottery.run("apply", "--auto-approve", "--allow-publish")[0] == 0
    pottery.project.edit(APPROVALS, "decision: approve", "decision: pending")
    breaks(pottery, "PATCH *cancel", {"kind": "error-after", "status": 400})
    code, said = pottery.run("apply", "--auto-approve")
    assert (code, "0 destroyed, 1 cancelled." in said, "failed" in said) == (0, True, False), said
    assert pottery.status() == "CANCELED"
    assert "cancelled" in pottery.run("history")[1]
    assert "No changes." in pottery.run("plan")[1]


def test_a_cancel_that_is_refused_says_that_the_post_still_goes_out(pottery: Pottery) -> None:
    assert pottery.run("apply", "--auto-approve", "--allow-publish")[0] == 0
    pottery.project.edit(APPROVALS, "decision: approve", "decision: pending")
    breaks(pottery, "PATCH *cancel", REFUSED)
    code, said = pottery.run("apply", "--auto-approve")
    assert (code, "1 still going out, 1 failed." in said) == (1, True), said
