"""Whole commands as people see them at 80 columns, results and questions alike: golden screens.

After an intended change: pytest --update-cases; review the diff like code.
"""

from __future__ import annotations

import re
import shutil
import sys
from pathlib import Path
from typing import Final

import pytest

from reconciler.engine.fleet import Turn
from tests.cli.projects import PROJECT, SANDBOX, Command, Project, site

FOLDER: Final = Path(__file__).parent / "screens"
QUICKSTART: Final = Path(__file__).parents[2] / "examples" / "quickstart"
SHOP: Final = "3f0c2a9e-8d0b-4b7c-9a55-000000000001"
YES: Final = "--auto-approve"

DRAFTS: Final = f"""\
{SANDBOX}sites:
  {SHOP}:
    channels: [INSTAGRAM, FACEBOOK]
    settings: {{toneOfVoice: warm and playful, marketingTools: [SOCIAL_MARKETING]}}
    plan:
      status: ACTIVE
      activities:
        - id: aaaaaaaa-0000-4000-8000-000000000001
          title: Winter check
          date: 2026-11-05T09:00:00Z
          items:
            - {{id: bbbbbbbb-0000-4000-8000-000000000001, channel: INSTAGRAM, type: POST, caption: Brakes and chain,
               media: [https://static.wixstatic.com/media/a.jpg]}}
            - {{id: bbbbbbbb-0000-4000-8000-000000000002, channel: FACEBOOK, type: POST, caption: It takes an hour,
               media: [https://static.wixstatic.com/media/a.jpg]}}
        - id: aaaaaaaa-0000-4000-8000-000000000002
          title: Meet the mechanics
          date: 2026-11-06T09:00:00Z
          items:
            - {{id: bbbbbbbb-0000-4000-8000-000000000003, channel: INSTAGRAM, type: POST, caption: Who works here,
               media: [https://static.wixstatic.com/media/a.jpg]}}
"""
FLEET: Final = range(1, 224)
BY_TITLE: Final = """\
activities:
  - {match: {title: "Tip 0*"}, set: {description: New words}}
  - {match: {title: "Tip 1*"}, state: absent}
posts:
  - {match: {title: "Tip 2*"}}
  - {match: {title: "Tip 3*"}, state: absent}
"""
SCHEDULE: Final = "schedule: {rules: [{match: {within: 14d}}]}\n"


@pytest.fixture(autouse=True)
def eighty_columns(monkeypatch: pytest.MonkeyPatch) -> None:
    """As on a terminal of 80 columns; every site takes twelve seconds, however fast the machine is."""
    monkeypatch.setattr("reconciler.cli.outputs.UNWRAPPED", 80)
    monkeypatch.setattr(Turn, "seconds", 12.0)


def is_golden(name: str, text: str, update: bool) -> None:
    """Checks that a screen is unchanged, apart from ids and digests."""
    text = re.sub(r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}", "ID", text)
    text = re.sub(r"sha256:[0-9a-f]{8,64}", "DIGEST", text)
    file = FOLDER / f"{name}.txt"
    if update:
        FOLDER.mkdir(exist_ok=True)
        file.write_text(text, encoding="utf-8")
    assert file.read_text(encoding="utf-8") == text


def by_name(out: str) -> str:
    """The screen of an `apply` with its sites in order of name, because it does not matter which ends first."""
    *plan, streamed, rows, last = out.split("\n\n")
    blocks = re.split(r"\n(?=\S)", streamed)
    return "\n\n".join((*plan, "\n".join(sorted(blocks)), "\n".join(sorted(rows.split("\n"))), last))


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    """A project with one site, in a folder whose name stays the same."""
    made = Project(tmp_path / "pottery")
    made.write({"reconciler.yaml": PROJECT, "sandbox.yaml": SANDBOX, "sites/shop.yaml": site("shop")})
    monkeypatch.chdir(made.root)
    return made


@pytest.fixture
def quickstart(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    """The example of the README, on a clock that only waiting moves."""
    project = Project(tmp_path / "quickstart")
    shutil.copytree(QUICKSTART, project.root, ignore=shutil.ignore_patterns(".reconciler"))
    project.edit("sandbox.yaml", "latency:", "freeze: true\nlatency:")
    monkeypatch.chdir(project.root)
    return project


@pytest.fixture
def drafts(project: Project, reconciler: Command) -> Project:
    """A known site with three drafts, none of them reviewed."""
    project.write({"sandbox.yaml": DRAFTS, "sites/shop.yaml": site("shop", more=SCHEDULE)})
    assert reconciler("apply", YES).code == 0
    return project


def test_the_quickstart(quickstart: Project, reconciler: Command, update_cases: bool) -> None:
    planned = reconciler("plan")
    is_golden("quickstart-plan", planned.out, update_cases)
    applied = reconciler("apply", YES)
    is_golden("quickstart-apply", by_name(applied.out), update_cases)
    streamed = [line for line in applied.out.split("\nPlan: ")[1].splitlines() if re.match(r"  [-~+*!] ", line)]
    assert streamed
    assert all(re.search(r"  (done|nothing to do)\b", line) for line in streamed), "each line says how it ended"
    assert (planned.code, applied.code, planned.err, applied.err) == (0, 0, "", "")


def test_a_regeneration_that_takes_an_hour_names_what_it_discards_until_it_has_ended(
    drafts: Project, reconciler: Command, monkeypatch: pytest.MonkeyPatch, update_cases: bool
) -> None:
    monkeypatch.setattr(Turn, "seconds", 40 * 60.0)
    drafts.edit("reconciler.yaml", "interval: 1s, timeout: 1m", "interval: 1m, timeout: 40m")
    drafts.edit("sandbox.yaml", "generate: 2s", "generate: 65m")
    drafts.edit("sites/shop.yaml", "warm and playful", "dry")
    reconciler("review")
    began = reconciler("apply", YES)
    waits = reconciler("plan")
    ended = reconciler("apply", YES)
    assert (began.code, waits.code, ended.code) == (3, 0, 0)
    is_golden("regeneration-under-way", "\n-----\n\n".join((began.out, waits.out, ended.out)), update_cases)


def test_a_generation_that_takes_an_hour(
    project: Project, reconciler: Command, monkeypatch: pytest.MonkeyPatch, update_cases: bool
) -> None:
    monkeypatch.setattr(Turn, "seconds", 40 * 60.0)
    project.edit("reconciler.yaml", "interval: 1s, timeout: 1m", "interval: 1m, timeout: 40m")
    project.edit("sandbox.yaml", "generate: 2s", "generate: 65m")
    first = reconciler("apply", YES)
    monkeypatch.setattr(Turn, "seconds", 25 * 60 + 3.0)
    second = reconciler("apply", YES)
    assert (first.code, second.code) == (3, 0)
    is_golden("hour-long-generation", f"{first.out}\n-----\n\n{second.out}", update_cases)
    project.edit("reconciler.yaml", "timeout: 40m", "timeout: 2h")
    project.edit("sites/shop.yaml", "warm and playful", "dry")
    monkeypatch.setattr(Turn, "seconds", 65 * 60 + 7.0)
    is_golden("hour-long-regeneration", reconciler("apply", YES).out, update_cases)


def test_approve_one_by_one(
    drafts: Project, reconciler: Command, monkeypatch: pytest.MonkeyPatch, update_cases: bool
) -> None:
    reviewed = reconciler("review")
    is_golden("review", reviewed.out, update_cases)
    keys = iter("?auasdq")

    async def key(question: str) -> str:
        pressed = next(keys)
        sys.stdout.write(f"{question}{pressed}\n")
        return pressed

    monkeypatch.setattr("reconciler.cli.approve.can_ask", lambda: True)
    monkeypatch.setattr("reconciler.cli.approve.key", key)
    monkeypatch.setattr(sys, "stderr", sys.stdout)
    is_golden("approve", reconciler("approve").out, update_cases)


def test_approvals_that_no_longer_hold(drafts: Project, reconciler: Command, update_cases: bool) -> None:
    """One draft was edited on the site, one in the file; the third still goes out, but only with --allow-publish."""
    reconciler("review")
    reconciler("approve", "--all", "--yes")
    with drafts.world() as world:
        world.dashboard.edit_item(SHOP, "bbbbbbbb-0000-4000-8000-000000000001", caption="Brakes, chain and lights")
    drafts.edit("approvals/shop.yaml", "Who works here", "Who works here, and why")
    planned = reconciler("plan")
    applied = reconciler("apply", YES)
    assert (planned.code, applied.code) == (0, 3)
    is_golden("approvals-that-no-longer-hold", f"{planned.out}\n-----\n\n{applied.out}", update_cases)


def test_a_regeneration_that_discards_approved_drafts(drafts: Project, reconciler: Command, update_cases: bool) -> None:
    reconciler("review")
    reconciler("approve", "--channel", "INSTAGRAM", "--yes")
    drafts.edit("sites/shop.yaml", "warm and playful", "dry")
    refused = reconciler("plan")
    discard = "{state: present, regenerate: {discard: all}}"
    drafts.edit("sites/shop.yaml", "marketingPlan: {state: present}", f"marketingPlan: {discard}")
    allowed = reconciler("plan")
    assert (refused.code, allowed.code) == (4, 0)
    is_golden("discards-approved-drafts", f"{refused.out}\n-----\n\n{allowed.out}", update_cases)


def test_a_saved_plan_is_shown(drafts: Project, reconciler: Command, update_cases: bool) -> None:
    reconciler("review")
    reconciler("approve", "--all", "--yes")
    assert reconciler("plan", "--out", "friday.plan").code == 0
    is_golden("show", reconciler("show", "friday.plan").out, update_cases)
    assert reconciler("apply", "friday.plan", "--allow-publish").code == 0
    shown = reconciler("state", "show", "shop").out
    is_golden("state-show", re.sub(r"\n  recorded in\s+\S+", "", shown), update_cases)


def fleet(project: Project, rules: str, titles: str) -> None:
    """223 sites with five activities each, in an order of ids that differs from site to site."""
    project.edit("reconciler.yaml", "poll:", "policy: {maxDelete: 2000, maxDiscard: 2000}\npoll:")
    (project.root / "sites" / "shop.yaml").unlink()
    world = [f"{SANDBOX}sites:\n"]
    for number in FLEET:
        id = f"3f0c2a9e-8d0b-4b7c-9a55-000000000{number:03}"
        project.write({f"sites/{number}.yaml": f"version: 1\nsite: {{name: shop-{number:03}, id: {id}}}\n{rules}"})
        world.append(f"  {id}:\n    channels: [FACEBOOK]\n    plan:\n      status: ACTIVE\n      activities:\n")
        for tip in range(5):
            activity = f"{(number * 7919 + tip * 104729) % 1000000:08}-0000-4000-8000-{number:06}{tip:06}"
            items = [] if tip == 2 else ["{channel: FACEBOOK, caption: Words}"]
            world.append(
                f"        - {{id: {activity}, title: {titles.format(tip, number)}, description: Words,\n"
                f"           date: 2026-11-0{tip + 4}T09:00:00Z, items: [{', '.join(items)}]}}\n"
            )
    project.write({"sandbox.yaml": "".join(world)})


@pytest.mark.parametrize(
    ("name", "rules", "titles"),
    [
        ("deletes-with-the-same-titles", 'activities: [{match: {title: "Tip*"}, state: absent}]\n', "Tip {}"),
        ("activities-with-the-same-titles", BY_TITLE, "Tip {}"),
        ("activities-with-titles-of-their-own", BY_TITLE, "Tip {} of shop {}"),
    ],
)
def test_223_sites_that_change_in_one_way_fit_on_a_screen(
    name: str, rules: str, titles: str, project: Project, reconciler: Command, update_cases: bool
) -> None:
    fleet(project, rules, titles)
    planned = reconciler("plan")
    assert (planned.code, len(planned.out.splitlines()) <= 40) == (0, True), planned.out
    is_golden(name, planned.out, update_cases)
    listed = reconciler("plan", "--sites").out
    assert all(f"shop-{number:03}" in listed for number in FLEET)
    assert all(f'"{titles.format(1, number)}"' in listed for number in FLEET)


def test_few_sites_and_few_activities_keep_their_titles(project: Project, reconciler: Command) -> None:
    fleet(project, BY_TITLE, "Tip {} of shop {}")
    few = [word for number in (1, 2, 3, 4) for word in ("--target", f"shop-{number:03}")]
    planned = reconciler("plan", *few).out
    assert all(f'"Tip {tip} of shop {number}"' in planned for tip in range(4) for number in (1, 2, 3, 4)), planned
