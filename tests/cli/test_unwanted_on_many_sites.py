"""If posts that are no longer wanted go out on many sites, each cause is shown once, with the earliest times first."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import pytest

from reconciler.engine.results import DriftCompleted
from reconciler.planner.drift_report import DriftTally
from reconciler.reporters.github import numbers_of
from tests.cli.projects import PROJECT, SANDBOX, Command, Project

ID: Final = "3f0c2a9e-8d0b-4b7c-9a55-0000000000"
FEW: Final = 4
MANY: Final = 9
UNREADABLE: Final = {"route": "*", "do": {"kind": "error", "status": 403, "body": "json", "code": "PERMISSION_DENIED"}}
FAILING: Final = {"route": "PATCH *cancel", "do": {"kind": "error", "status": 500, "body": "json"}}
EACH: Final = "still going out 18 posts on 9 sites, each: publishing is paused but "
TIMES: Final = (
    'Tue 2026-11-03 09:00 UTC 2 posts: "Idea 9" (',
    "and 8 posts later, the last Wed 2026-11-11 09:00 UTC",
)


@pytest.fixture(autouse=True)
def in_its_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def paused(root: Path, reconciler: Command, sites: int) -> Project:
    """A project with two scheduled posts on each site; those of the last site go out first. Nobody wants them now."""
    made, world = Project(root), ""
    for number in range(1, sites + 1):
        made.write(
            {
                f"sites/{number:02}.yaml": f"version: 1\nsite: {{name: shop-{number:02}, id: {ID}{number:02}}}\n"
                "schedule: {approval: none, rules: [{match: {within: 30d}}]}\n"
            }
        )
        items = [f"{{channel: {channel}, caption: Words {number}}}" for channel in ("INSTAGRAM", "FACEBOOK")]
        date = f"2026-11-{3 + sites - number:02}T09:00:00Z"
        activity = f"{{title: Idea {number}, date: {date}, items: [{', '.join(items)}]}}"
        world += f"  {ID}{number:02}: {{channels: [INSTAGRAM, FACEBOOK], plan: {{status: ACTIVE, activities: "
        world += f"[{activity}]}}}}\n"
    made.write({"reconciler.yaml": PROJECT, "sandbox.yaml": f"{SANDBOX}sites:\n{world}"})
    ran = reconciler("apply", "--auto-approve", "--allow-publish")
    assert f"{2 * sites} published" in ran.last, ran.out + ran.err
    made.write({"reconciler.yaml": f"{PROJECT}policy: {{paused: cancel}}\n"})
    return made


def meets(made: Project, fault: dict[str, Any]) -> None:
    with made.world() as world:
        world.add_fault(fault)


@pytest.mark.parametrize("args", [("plan",), ("plan", "--summary"), ("plan", "--quiet"), ("drift",)], ids=" ".join)
def test_if_no_site_can_be_read_the_cause_is_shown_once(
    args: tuple[str, ...], tmp_path: Path, reconciler: Command
) -> None:
    meets(paused(tmp_path, reconciler, MANY), UNREADABLE)
    ran = reconciler(*args)
    text = " ".join(ran.out.split())
    assert (text.count("still going out"), text.count("correct what keeps")) == (2, 1), text
    assert EACH + "the site can't be read" in text
    assert [time for time in TIMES if time not in text] == []
    assert "shop-08 and 1 more site (reconciler plan --sites lists them)" in text
    assert ran.last.endswith("; 18 still going out."), ran.last


@pytest.mark.parametrize("command", ["plan", "drift"])
@pytest.mark.parametrize(("sites", "args"), [(FEW, ()), (MANY, ("--sites",))], ids=["few", "listed"])
def test_each_post_is_named_on_few_sites_and_on_request(
    sites: int, args: tuple[str, ...], command: str, tmp_path: Path, reconciler: Command
) -> None:
    meets(paused(tmp_path, reconciler, sites), UNREADABLE)
    text = " ".join(reconciler(command, *args).out.split())
    assert text.count("still going out shop-") == sites
    for number in range(1, sites + 1):
        assert f'"Idea {number}" (Facebook) {"Tue 2026-11-03 09:00 UTC" if number == sites else ""}' in text


def test_if_no_post_can_be_cancelled_the_cause_is_shown_once(tmp_path: Path, reconciler: Command) -> None:
    meets(paused(tmp_path, reconciler, MANY), FAILING)
    ran = reconciler("apply", "--auto-approve")
    text = " ".join(ran.out.split())
    assert (ran.code, text.count("or cancel the post in the site's dashboard")) == (1, 2), (
        text
    )  # the first site, and all
    assert text.count("2 failed") == 9 + 2, text
    assert text.count("2 posts still going out, the first Tue 2026-11-03 09:00 UTC") <= 1, text
    assert text.count(" same cause as shop-") == 8, text
    assert EACH + "it was not stopped: the server failed" in text
    assert [time for time in TIMES if time not in text] == []
    assert "8 more sites 2 posts still going out, 2 failed each" in text


@pytest.mark.parametrize("command", ["plan", "plan --summary", "drift", "drift --summary", "review"])
def test_if_cancelling_failed_before_the_cause_is_shown_once(command: str, tmp_path: Path, reconciler: Command) -> None:
    meets(paused(tmp_path, reconciler, 24), FAILING)
    reconciler("apply", "--auto-approve")
    ran = reconciler(*command.split())
    text = " ".join(ran.out.split())
    assert "48 posts on 24 sites, each: " in text
    assert text.count("cancelling it failed before (the server failed") == 1, text
    assert text.count("cancel the post in the site's dashboard") == 1, text
    assert (text.count("! still going out"), " still going out." in text) == (1, True), text


def test_the_last_line_of_an_audit_counts_what_goes_out_on_an_unreadable_site(
    tmp_path: Path, reconciler: Command
) -> None:
    made = paused(tmp_path, reconciler, 3)
    with made.world() as world:
        world.add_fault({**UNREADABLE, "site": f"{ID}02"})
    ran = reconciler("drift")
    assert ran.last == (
        "Drift incomplete: 1 of 3 sites could not be read; 4 drifted, in 2 of 3 sites; 2 still going out."
    )


def test_the_outputs_of_an_audit_in_ci_count_what_goes_out() -> None:
    numbers = numbers_of(DriftCompleted(3, DriftTally(drifted=4, still_going_out=2), failed=1))
    assert (numbers["drifted"], numbers["still-going-out"], numbers["failed"]) == (4, 2, 1)
