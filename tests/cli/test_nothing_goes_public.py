"""The end of `plan` says whether anything goes public, if every site was read."""

from __future__ import annotations

import pytest

from tests.cli.projects import Command, Project, site
from tests.cli.test_stays_wanted import POST, SITE, Pottery
from tests.cli.test_stays_wanted import pottery as pottery

SAID = " Nothing goes public."


def test_it_is_said_and_json_stays_as_it_was(project: Project, reconciler: Command) -> None:
    assert reconciler("plan", project.root).last.endswith(f", 1 to generate.{SAID}")
    shown = reconciler("plan", project.root, "--output", "json").out
    assert "ublic." not in shown
    assert "nothing" not in shown
    assert SAID in reconciler("plan", project.root, "--output", "markdown").out


@pytest.fixture
def here(chain: Project, monkeypatch: pytest.MonkeyPatch) -> Project:
    """Three sites; commands run in their project's folder."""
    monkeypatch.chdir(chain.root)
    return chain


def test_a_saved_plan_says_it_until_it_is_used_up(here: Project, reconciler: Command) -> None:
    plan = reconciler("plan", "--out", "a.plan").last
    assert plan.endswith(SAID)
    assert reconciler("show", "a.plan").last == plan
    applied = reconciler("apply", "a.plan")
    assert (applied.code, plan in applied.out.splitlines()) == (0, True)
    assert SAID not in reconciler("show", "a.plan").out


def test_an_apply_of_a_saved_plan_says_it_only_if_it_has_read_every_site(here: Project, reconciler: Command) -> None:
    assert reconciler("apply", "--auto-approve").code == 0
    here.edit("sites/b.yaml", "warm and playful", "dry")
    plan = reconciler("plan", "--out", "a.plan").last
    assert plan.endswith(SAID)
    said = reconciler("apply", "a.plan").out
    assert (plan.removesuffix(SAID) in said.splitlines(), SAID in said) == (True, False), said


def test_an_apply_of_a_saved_plan_does_not_say_it_of_a_site_that_has_come_since(
    here: Project, reconciler: Command
) -> None:
    assert reconciler("plan", "--out", "a.plan").last.endswith(SAID)
    here.write({"sites/d.yaml": site("shop-d", 4)})
    applied = reconciler("apply", "a.plan")
    assert (applied.code, SAID in applied.out) == (0, False), applied.out + applied.err


def test_a_post_that_somebody_scheduled_since_is_not_overlooked(
    pottery: Pottery, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(pottery.project.root)
    (pottery.project.root / "sites" / "shop.yaml").unlink(missing_ok=True)
    pottery.project.edit("sites/pottery.yaml", "when: on-change", "when: never")
    assert pottery.run("apply", "--auto-approve")[0] == 0
    pottery.project.edit("sites/pottery.yaml", "toneOfVoice: dry", "toneOfVoice: warm")
    command = pottery.command
    assert command("plan", "--out", "a.plan").last.endswith(SAID)
    with pottery.project.world() as world:
        world.dashboard.schedule_item(SITE, POST, "2026-11-04T08:00:00Z")
    applied = command("apply", "a.plan")
    assert (applied.code, "1 to change" in applied.out, SAID in applied.out) == (0, True, False), applied.out


def test_an_apply_says_it_if_the_plan_does(chain: Project, reconciler: Command) -> None:
    chain.edit("sites/b.yaml", "warm and playful", "dry")
    assert SAID not in reconciler("apply", chain.root / "sites" / "b.yaml").out
    plan = reconciler("plan", chain.root).last
    assert plan in reconciler("apply", chain.root, "--auto-approve").out.splitlines()
    assert plan.endswith(SAID)


@pytest.mark.parametrize(
    "options",
    [
        ("--no-publish",),
        ("--target", "shop"),
        ("--exclude", "shop-b"),
        ("--target", "shop/settings"),
        ("--shard", "2/3"),
        ("--shard", "3/3"),
        ("--target", "*/settings"),
        ("--target", "*/marketing.plan"),
    ],
)
def test_a_run_over_a_part_says_nothing_of_the_whole(
    chain: Project, reconciler: Command, options: tuple[str, ...]
) -> None:
    assert SAID in reconciler("plan", chain.root).last
    assert SAID not in reconciler("plan", chain.root, *options).out


def test_a_site_whose_marketing_plan_is_not_read_says_nothing(project: Project, reconciler: Command) -> None:
    project.edit("sites/shop.yaml", "marketingPlan: {state: present}\n", "")
    done = reconciler("plan", project.root)
    assert (done.last.startswith("Plan: "), SAID in done.out) == (True, False)


def test_a_refused_run_says_nothing(project: Project, reconciler: Command) -> None:
    project.write({"sites/shop-b.yaml": site("shop-b", 2, more="expect: {channels: [TIKTOK]}\n")})
    assert SAID not in reconciler("plan", project.root).out


def test_a_run_that_a_limit_refuses_says_nothing(pottery: Pottery) -> None:
    assert pottery.run("apply", "--auto-approve")[0] == 0
    change = 'activities:\n- {match: {title: "Kiln*"}, state: absent}\n'
    file = pottery.project.root / "sites" / "pottery.yaml"
    file.write_text(file.read_text("utf-8").replace("discard: all}}", "discard: all}}\n" + change.rstrip()), "utf-8")
    assert SAID in pottery.run("plan")[1]
    pottery.project.edit("reconciler.yaml", "version: 1\n", "version: 1\npolicy: {maxDelete: 0}\n")
    code, said = pottery.run("plan")
    assert (code, "Refused: " in said, SAID in said) == (4, True, False), said


def test_a_waiting_post_is_never_overlooked(pottery: Pottery) -> None:
    pottery.project.edit("sites/pottery.yaml", "when: on-change", "when: never")
    pottery.scheduled()
    pottery.project.edit("sites/pottery.yaml", "toneOfVoice: dry", "toneOfVoice: warm")
    code, said = pottery.run("plan")
    assert (code, "1 to change" in said, SAID in said) == (0, True, False), said


def test_a_post_of_a_site_that_no_file_declares_is_not_overlooked(pottery: Pottery) -> None:
    pottery.scheduled()
    (pottery.project.root / "sites" / "pottery.yaml").unlink()
    (pottery.project.root / "approvals" / "pottery.yaml").unlink()
    pottery.project.edit("sites/shop.yaml", "warm and playful", "dry")
    code, said = pottery.run("plan")
    assert (code, "undeclared" in said, "Plan: " in said, SAID in said) == (0, True, True, False), said
