"""Many sites whose values differ: on the screen each change is said once, and no value is lost with --sites."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from pathlib import Path

import pytest

from tests.cli.projects import PROJECT, SANDBOX, Command, Project
from tests.cli.test_golden_screens import FLEET, YES, eighty_columns, is_golden

__all__ = ["eighty_columns"]

DENIED = {"kind": "error", "status": 403, "body": "json", "code": "PERMISSION_DENIED"}
EDITED = "edited on the site since the last apply"


def id(number: int) -> str:
    return f"3f0c2a9e-8d0b-4b7c-9a55-000000000{number:03}"


class Shops:
    """223 sites that an apply left as they are declared, each with six drafts."""

    def __init__(self, root: Path, reconciler: Command) -> None:
        self.project = Project(root)
        items = "{channel: FACEBOOK, caption: Words}, {channel: INSTAGRAM, caption: Words}"
        tips = "".join(
            f"        - {{title: Tip {tip}, date: 2026-11-0{tip + 4}T09:00:00Z, items: [{items}]}}\n"
            for tip in range(3)
        )
        plan = f"    plan:\n      status: ACTIVE\n      activities:\n{tips}"
        seeds = "".join(
            f"  {id(number)}:\n    channels: [FACEBOOK]\n    settings: {{toneOfVoice: dry}}\n{plan}" for number in FLEET
        )
        policy = "policy: {maxDiscard: 2000}\n"
        self.project.write({"reconciler.yaml": PROJECT + policy, "sandbox.yaml": f"{SANDBOX}sites:\n{seeds}"})
        self.ask(lambda _: "dry")
        assert reconciler("apply", YES).last == "No changes."

    def ask(self, tone: Callable[[int], str], numbers: Iterable[int] = FLEET, rest: str = "") -> None:
        """Asks for a tone of voice in the files of these sites."""
        self.project.write(
            {
                f"sites/{number:03}.yaml": "version: 1\n"
                f"site: {{name: shop-{number:03}-in-the-north, id: {id(number)}}}\n"
                f"settings: {{toneOfVoice: {tone(number)}}}\nmarketingPlan: {{state: present}}\n{rest}"
                for number in numbers
            }
        )

    def edit(self, numbers: Iterable[int], tone: Callable[[int], str]) -> None:
        """Changes it by hand on these sites."""
        with self.project.world() as world:
            for number in numbers:
                world.dashboard.patch_settings(id(number), {"settings.toneOfVoice": tone(number)})

    def deny(self, *numbers: int) -> None:
        """Makes these sites unreadable."""
        with self.project.world() as world:
            for number in numbers:
                world.add_fault({"route": "*", "site": id(number), "do": DENIED})


@pytest.fixture
def shops(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, reconciler: Command) -> Shops:
    made = Shops(tmp_path / "pottery", reconciler)
    monkeypatch.chdir(made.project.root)
    return made


@pytest.fixture(autouse=True)
def in_its_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "pottery").mkdir()
    monkeypatch.chdir(tmp_path / "pottery")


def by_hand(number: int) -> str:
    return f"by hand {number}"


@pytest.mark.parametrize("edited", [range(206, 210), range(200, 212)], ids=["few", "many"])
def test_one_change_with_unread_refused_and_edited_sites_fits_on_a_screen(
    edited: range, shops: Shops, reconciler: Command, update_cases: bool
) -> None:
    shops.ask(lambda _: "warm")
    shops.ask(lambda _: "warm", [44], "expect: {channels: [INSTAGRAM]}\n")
    shops.ask(lambda _: "warm", [47], "expect: {language: de}\n")
    shops.edit(edited, by_hand)
    shops.deny(90, 91)
    planned = reconciler("plan")
    is_golden(f"one-change-and-{len(edited)}-edited-sites", planned.out, update_cases)
    assert len(planned.out.splitlines()) <= 40
    assert f"Same change on {219 - len(edited)} sites" in planned.out
    assert EDITED in planned.out
    shown = sum(by_hand(number) in planned.out for number in edited)
    assert shown == (len(edited) if len(edited) <= 10 else 0)
    assert ("list their values with --sites" in " ".join(planned.out.split())) is (len(edited) > 10)


def test_223_sites_that_were_each_edited_by_hand_fit_on_a_screen(
    shops: Shops, reconciler: Command, update_cases: bool
) -> None:
    shops.edit(FLEET, by_hand)
    screens = [reconciler(command).out for command in ("plan", "drift")]
    assert all(len(screen.splitlines()) <= 10 for screen in screens)
    assert EDITED in screens[0]
    assert "drifted  changed remotely" in screens[1]
    is_golden("every-site-edited", "\n-----\n\n".join(screens), update_cases)
    planned, drift = (" ".join(reconciler(command, "--sites").out.split()) for command in ("plan", "drift"))
    assert all(f"toneOfVoice {by_hand(number)} -> dry {EDITED}" in planned for number in FLEET)
    assert all(f"toneOfVoice site: {by_hand(number)} file: dry" in drift for number in FLEET)


def test_223_files_that_each_ask_for_a_value_of_their_own_fit_on_a_screen(
    shops: Shops, reconciler: Command, update_cases: bool
) -> None:
    shops.ask(lambda number: f"tone {number}")
    screens = [reconciler(command).out for command in ("plan", "drift")]
    is_golden("every-file-edited", "\n-----\n\n".join(screens), update_cases)
    assert EDITED not in screens[0]
    listed = reconciler("plan", "--sites").out
    assert all(f"dry  ->  tone {number}\n" in listed for number in FLEET)


@pytest.mark.parametrize("values", [5, 6, 20])
def test_values_that_sites_share_are_shown_with_their_number(values: int, shops: Shops, reconciler: Command) -> None:
    shops.ask(lambda number: f"tone {number % values}")
    planned = reconciler("plan").out
    each = re.findall(r"^ +(\d+) sites: dry  ->  tone (\d+)$", planned, re.MULTILINE)
    assert len(each) == (0 if values == 5 else min(values, 10))
    assert sum(int(sites) for sites, _ in each) == {5: 0, 6: 223, 20: 113}[values]
    assert planned.count("toneOfVoice  dry  ->  different values") == (values > 5)
    assert planned.count("toneOfVoice  dry  ->  tone ") == (5 if values == 5 else 0), "each value is said once"


def test_the_comment_says_once_what_was_edited_on_many_sites(shops: Shops, reconciler: Command) -> None:
    shops.edit(FLEET, by_hand)
    planned, drift = (reconciler(command, "--output", "markdown").out for command in ("plan", "drift"))
    said = f"different values  -&gt;  dry  {EDITED}", "site: different values  file: dry"
    for comment, values in zip((planned, drift), said, strict=True):
        assert comment.count("<details>") == 1
        assert "<summary>Same on 223 sites (<code>shop-001-in-the-north</code>, " in comment
        assert f"        toneOfVoice  {values}\n(list their values with --sites)\n</pre>" in comment
        assert "Left out" not in comment


def test_the_comment_keeps_a_change_of_most_sites_apart_from_others(shops: Shops, reconciler: Command) -> None:
    shops.ask(lambda _: "warm")
    shops.ask(lambda number: f"tone {number}", range(1, 21))
    comment = reconciler("plan", "--output", "markdown").out
    assert re.findall(r"Same on (\d+) sites \(<code>(shop-\d+)", comment) == [("20", "shop-001"), ("203", "shop-021")]
    assert "toneOfVoice  dry  -&gt;  different values" in comment
    assert "toneOfVoice  dry  -&gt;  warm" in comment


def test_few_sites_keep_blocks_of_their_own(shops: Shops, reconciler: Command) -> None:
    shops.edit(range(1, 7), by_hand)
    planned = reconciler("plan").out
    assert all(f"shop-00{number}-in-the-north\n  ~ settings\n" in planned for number in range(1, 7))
    comment = reconciler("plan", "--output", "markdown").out
    assert all(f"<summary><code>shop-00{number}-in-the-north: " in comment for number in range(1, 7))


def test_in_a_run_over_ten_sites_each_edited_site_keeps_the_titles_that_it_throws_away(
    shops: Shops, reconciler: Command
) -> None:
    shops.ask(lambda _: "warm")
    shops.edit(range(1, 6), by_hand)
    ten, eleven = ([word for n in range(1, last) for word in ("--target", f"shop-{n:03}*")] for last in (11, 12))
    assert reconciler("plan", *ten).out.count('6 unapproved drafts: "Tip 0"') == 5
    assert "Same change on 5 sites\n" in reconciler("plan", *eleven).out
