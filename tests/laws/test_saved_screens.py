"""What `plan` shows is what `show` and `apply` show of its saved plan."""

from __future__ import annotations

import random
from collections.abc import Iterable, Sequence
from datetime import timedelta
from pathlib import Path

import pytest

from reconciler.reporters.last_lines import NOTHING_PUBLIC
from tests.cli.conftest import reconciler as reconciler
from tests.cli.projects import PROJECT, Command, Project, site
from tests.laws.test_last_line import POSTS, SHOP, decide, declared, published_world, with_rules

SEEDS = [*range(3), *(pytest.param(seed, marks=pytest.mark.exhaustive) for seed in range(3, 60))]
SAVED = ("Saved plan, made ", "made by reconciler ", "id ", "digest sha256:")
"""The beginnings of the lines that say which saved plan it is."""

PLANNING: Sequence[tuple[str, ...]] = (
    *((), (), (), ("--no-publish",), ("--target", "shop-b"), ("--exclude", "shop-b"), ("--strict",)),
    *(("--regenerate", "shop-b"), ("--target", "label:team=emea"), ("--target", "*/settings")),
)
SHOWING = ((), (), ("--sites",), ("--explain",), ("--quiet",), ("--summary",), ("--quiet", "--sites"))
JUDGED_AGAIN = ("the run is refused, so nothing cancels it", "leaves it out of this run")
"""Reasons why an unwanted post goes out. An apply of the saved plan reads the site again and may give others."""

DEFAULTS = "defaults:\n- where: {labels: {team: emea}}\n  settings: {pointOfView: SECOND_PERSON}\n"
POLICIES = ("", "", "policy: {maxDiscard: 0}\n", "policy: {minLead: 3d}\n", "policy: {bannedWords: [Hello]}\n")
RULES = "schedule: {approval: required, PAUSED rules: [{match: {within: 30d}, max: 5}]}\n"


def files(dice: random.Random) -> dict[str, str]:
    """Site files in which anything may have changed: settings, events, rules, expectations, policy."""
    shop = site("shop-a", 1).replace("  marketingTools: [SOCIAL_MARKETING]\n", "")
    shop = shop.replace("warm and playful", dice.choice(("dry", "warm", "word " * 90)))
    shop = shop.replace("{state: present}", "{state: present, regenerate: {when: never}}")
    shop += RULES.replace("PAUSED", dice.choice(("", "", "", "paused: cancel,", "paused: hold,")))
    found = {"sites/shop-a.yaml": shop, "reconciler.yaml": PROJECT + DEFAULTS + dice.choice(POLICIES)}
    text = declared(dice, "shop-b", 2) + with_rules(dice)
    for number in range(2, 9):  # several with one change
        found[f"sites/shop-{number}.yaml"] = text.replace(
            "shop-b", f"shop-{number}" if number > 2 else "shop-b"
        ).replace("000000000002", f"{number:012d}")
    if dice.random() < 0.3:
        found["sites/shop-8.yaml"] += "expect: {channels: [TIKTOK]}\n"
    unapproved = "schedule: {approval: none, rules: [{match: {within: 14d}, channels: [INSTAGRAM], max: 1}]}\n"
    if dice.random() < 0.3:
        found["sites/shop-7.yaml"] += unapproved
    return found


def meddle(project: Project, dice: random.Random) -> None:
    """Somebody changes a site by hand, or time passes."""
    with project.world() as world:
        live = world.world()["sites"].get(SHOP)
        if live is None:
            return
        waits = [id for id, record in live["items"].items() if record["item"]["status"] == "SCHEDULED"]
        drafts = [id for id in POSTS if id in live["items"] and id not in waits]
        if dice.random() < 0.3:
            world.dashboard.patch_settings(SHOP, {"settings.toneOfVoice": "by hand"})
        if dice.random() < 0.3 and drafts:
            world.dashboard.edit_item(SHOP, dice.choice(drafts), caption="By hand")
        if dice.random() < 0.2 and waits:
            world.dashboard.cancel_item(SHOP, dice.choice(waits))
        if dice.random() < 0.2 and drafts:
            world.dashboard.delete_item(SHOP, dice.choice(drafts))
        if dice.random() < 0.2:
            world.dashboard.disconnect(SHOP, "FACEBOOK")
        if dice.random() < 0.3:
            world.advance(timedelta(days=1))


def of_the_plan(lines: Iterable[str]) -> list[str]:
    """A screen without the lines that say which saved plan it is."""
    return [line for line in lines if not line.startswith(SAVED)]


def without_step(lines: list[str]) -> list[str]:
    """A screen without what to type next."""
    return [line for line in lines if not line.startswith("Next: ")]


def less_certain(lines: list[str]) -> list[str]:
    """A screen that does not say that nothing goes public."""
    return [line.removesuffix(NOTHING_PUBLIC) for line in lines]


@pytest.mark.parametrize("seed", SEEDS)
def test_a_saved_plan_is_shown_as_it_was_when_it_was_made(
    seed: int, tmp_path: Path, reconciler: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Only the steps to review and approve name no sites, because `show` is not told which ones were asked about."""
    dice, project = random.Random(seed), Project(tmp_path)
    project.write({"sandbox.yaml": published_world(dice), **files(dice)})
    monkeypatch.chdir(project.root)
    for turn in range(5):
        planning, showing = dice.choice(PLANNING), dice.choice(SHOWING)
        planned = reconciler("plan", "--out", "a.plan", *planning, *showing)
        assert planned.code in (0, 4), planned.err
        shown = reconciler("show", "a.plan", *showing)
        before, after = planned.out.splitlines(), of_the_plan(shown.out.splitlines())
        assert shown.code == planned.code
        if "--target" in planning or "--exclude" in planning:
            assert without_step(before) == without_step(after), planned.out
        else:
            assert before == after, planned.out
        applied = reconciler("apply", "a.plan", *(("--allow-publish",) if dice.random() < 0.7 else ()), *showing)
        told = of_the_plan(applied.out.splitlines())
        plan = without_step([line for line in before if not line.startswith("Refused: ")])
        if "--quiet" in showing:  # nobody is asked, so the totals are those of the apply
            plan = [line for line in plan if not line.startswith("Plan: ")]
        if not any(why in planned.out for why in JUDGED_AGAIN):
            assert less_certain(told[: len(plan)]) == less_certain(plan), f"{planned.out}\n{applied.out}"
        if any(line.endswith(NOTHING_PUBLIC) for line in told):
            assert NOTHING_PUBLIC in planned.out
        meddle(project, dice)
        if turn % 2:
            reconciler("review")
            if (project.root / "approvals" / "shop-a.yaml").exists():
                decide(project, dice)
        project.write(files(dice))
