"""Whatever the remote API turns out to be, a run works or stops and says so; it is never silently wrong.

A site's whole life in every world that answers one open question differently, and in worlds that answer two
differently. The pairs are drawn from a seed, so that runs are reproducible. Each world is lived in twice: by a site
that has nothing, and by one that people have used before.
"""

from __future__ import annotations

import random
from collections import Counter
from copy import deepcopy
from pathlib import Path

import pytest

from reconciler.sandbox.unknowns import Value, variants
from tests.laws.pool import Say, work_off
from tests.laws.unknown_lives import Life, Silent, quiet_environment

World = dict[str, Value]

ALONE: list[World] = [{}, *({name: value} for name, value in variants())]
REPORT_EVERY: list[World] = [
    {"planWrapper": "payload"},
    {"maskDepth": "ignore"},
    {"readLag": "without-header"},
    {"refusalStatus": "200"},
]
"""Worlds that a normal run lives in; `-m exhaustive` lives in the others."""

PAIRS = 60


def pairs() -> list[World]:
    """Worlds that answer two questions differently."""
    chance = random.Random(20261126)
    found: list[World] = []
    while len(found) < PAIRS:
        (one, value), (other, second) = chance.sample(variants(), 2)
        if one != other:
            found.append({one: value, other: second})
    return found


def live(worlds: list[World], folder: Path, what: str, say: Say) -> None:
    """Lives twice in each world; AssertionError names every world where something went wrong silently."""
    quiet_environment()
    lives = [(world, used) for world in worlds for used in (False, True)]
    verdicts = folder / "verdicts"
    verdicts.mkdir(parents=True)

    def attempt(case: int, own: Path) -> str | None:
        world, used = lives[case]
        life = Life(own / "site", world, used)
        try:
            verdict, why = life.play(), None
        except Silent as wrong:
            verdict, why = "silent", str(wrong)
        (verdicts / f"{case}").write_text(verdict)
        return why

    failures = work_off(len(lives), attempt, folder)
    counted = Counter((verdicts / f"{case}").read_text() for case in range(len(lives)))
    say(
        f"unknowns, {what}: variants run {len(lives)}, worked {counted['worked']}, "
        f"stopped clearly {counted['stopped']}, silent: {counted['silent']}"
    )
    assert not failures, "\n\n".join(
        f"{lives[case][0]}, {'used before' if lives[case][1] else 'new'}: {why}"
        for case, why in sorted(failures.items())
    )


def test_a_life_does_everything_that_could_go_wrong(tmp_path: Path) -> None:
    quiet_environment()
    routes: set[str] = set()
    for used in (False, True):
        life = Life(tmp_path / "site", {}, used)
        assert life.play() == "worked"
        assert life.approved
        assert life.withdrawn
        requests, _ = life.record()
        routes |= {f"{each['method']} {each['path'].rpartition('/')[2]}" for each in requests if each["wrote"]}
    assert routes >= {
        "POST events",
        "POST marketing-settings",
        "POST generate-marketing-plan",
        "POST regenerate-marketing-plan-with-keyword-research",
        "POST items",
        "POST generate-social-posts",
        "POST regenerate-marketing-activity-posts",
        "POST schedule-drafts",
        "PATCH cancel",
    }


def test_some_single_answers(tmp_path: Path, say: Say) -> None:
    assert all(world in ALONE for world in REPORT_EVERY)
    live(REPORT_EVERY, tmp_path, "some alone", say)


def test_an_approval_covers_the_post_that_was_moved_and_no_other_content(tmp_path: Path) -> None:
    quiet_environment()
    life = Life(tmp_path / "site", {"rescheduledId": "new"}, live=False)
    assert life.play() == "stopped"
    requests, site = life.record()
    writes = [each for each in requests if each["wrote"]]
    moved, before = min(life.moved(requests, site).items())
    life.check_posts(writes, site, "")
    for wrong in (
        {"facebookPost": {**site["items"][moved]["item"]["facebookPost"], "caption": "Nobody read this"}},
        {"channel": {**site["items"][moved]["item"]["channel"], "name": "LINKEDIN"}},
        {"channel": {**site["items"][moved]["item"]["channel"], "accountId": "another"}},
    ):
        changed = deepcopy(site)
        changed["items"][moved]["item"].update(wrong)
        with pytest.raises(Silent, match="nobody approved"):
            life.check_posts(writes, changed, "")
    still_there = deepcopy(site)
    still_there["items"][before] = deepcopy(site["items"][moved])
    with pytest.raises(Silent, match="nobody approved"):
        life.check_posts(writes, still_there, "")
    not_moved = [each for each in writes if not each["path"].endswith("/reschedule")]
    with pytest.raises(Silent, match="nobody approved"):
        life.check_posts(not_moved, site, "")


def test_an_approval_covers_no_content_that_came_later(tmp_path: Path) -> None:
    quiet_environment()
    life = Life(tmp_path / "site", {}, live=False)
    assert life.play() == "worked"
    requests, site = life.record()
    published = min(key for key in life.approved if site["items"][key]["item"]["status"] == "PUBLISHED")
    site["items"][published]["item"]["type"] = "STORY"
    with pytest.raises(Silent, match="nobody approved the content"):
        life.check_posts([each for each in requests if each["wrote"]], site, "")


@pytest.mark.exhaustive
def test_every_single_answer(tmp_path: Path, say: Say) -> None:
    live(ALONE, tmp_path, "alone", say)


@pytest.mark.exhaustive
def test_pairs_of_answers(tmp_path: Path, say: Say) -> None:
    live(pairs(), tmp_path, "pairs", say)
