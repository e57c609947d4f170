"""When a post goes out is an estimate, and called one, as long as Wix picks the time and does not say which."""

from __future__ import annotations

import pytest

from tests.cli.projects import Command, Project
from tests.cli.test_account_names import FILE, PLAN, WORLD, YES

WHEN = "Wed 2026-11-04 08:00 UTC"


@pytest.mark.parametrize("shown", [True, False])
def test_a_time_that_the_site_does_not_show_is_an_estimate_on_every_screen(
    shown: bool, project: Project, reconciler: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    (project.root / "sites/shop.yaml").unlink()
    unknown = f"unknowns: {{scheduledDateShown: {str(shown).lower()}}}\n"
    project.write({"sites/pottery.yaml": FILE, "sandbox.yaml": unknown + WORLD + PLAN})
    monkeypatch.chdir(project.root)
    assert reconciler("apply", *YES).code == 0
    when, on = (WHEN, "on ") if shown else (f"about {WHEN}", "")
    project.edit("sites/pottery.yaml", "approval: none", "paused: cancel")
    project.edit("sites/pottery.yaml", "schedule:", "expect: {language: xx}\nschedule:")
    said = reconciler("plan", "--output", "text", "--output", "github=annotations.txt")
    assert f'"Kiln day" (Instagram) {when} on janespottery\n' in said.out
    assert f"scheduled for {when} on janespottery; publishing is paused\n" in said.out
    assert f"is still going out {on}{when}: " in (project.root / "annotations.txt").read_text("utf-8")
    for command in ("drift", "review"):
        assert f'"Kiln day" (Instagram) {when} on janespottery\n' in reconciler(command).out
    project.edit("sites/pottery.yaml", "expect: {language: xx}\n", "")
    assert f"done  was scheduled for {when} on janespottery\n" in reconciler("apply", "--auto-approve").out
